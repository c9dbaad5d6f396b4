"""The admin site as a whole: Chinese, self-contained, and shown only as far as rights go."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils.translation import gettext, override

from kernel.accounts import rights
from kernel.accounts.models import User
from suoshe.admin_site import SuosheAdminSite
from suoshe.navigation import GROUPS
from tests.factories.accounts import PASSWORD, make_user, token_for
from tests.suoshe.pages import english_in, outside_in

ALLOWED = {"TOTP", "esc", "admin", "keeper", "outsider"}


@pytest.fixture
def keeper(db: None, monkeypatch: pytest.MonkeyPatch) -> User:
    user = make_user("keeper", name="管账号", is_staff=True)
    monkeypatch.setattr(rights, "_tests", [lambda asked: asked.pk == user.pk])
    return user


@pytest.fixture
def page(client: Client, keeper: User) -> Client:
    client.force_login(keeper)
    return client


def seen(client: Client) -> dict[str, str]:
    """Every page of the accounts, and of signing in and out, as this client gets it."""
    outsider = make_user("outsider", name="赵路人")
    token_for(outsider, "测试手机")
    users = "/admin/accounts/user/"
    one = f"{users}{outsider.pk}"
    stranger = Client()
    pages = {
        "login": stranger.get("/admin/login/"),
        "login refused": stranger.post("/admin/login/", {"username": "x", "password": "y"}),
        "login empty": stranger.post("/admin/login/", {}),
        "index": client.get("/admin/"),
        "app": client.get("/admin/accounts/"),
        "users": client.get(users),
        "nobody found": client.get(f"{users}?q=没有这个人"),
        "filtered": client.get(f"{users}?is_active__exact=1"),
        "add": client.get(f"{users}add/"),
        "add refused": client.post(f"{users}add/", {"username": "", "password": "x"}),
        "change": client.get(f"{one}/change/"),
        "history": client.get(f"{one}/history/"),
        "ask": client.get(f"{one}/unlock/"),
        "set password": client.get(f"{one}/set-password/"),
        "show phone": client.post(f"{one}/show-phone/", {"reason": "核实联系方式"}),
        "devices": client.get("/admin/accounts/device/"),
        "own password": client.get("/admin/password_change/"),
        "own password refused": client.post("/admin/password_change/", {"old_password": "x"}),
        "enrol": client.get("/admin/second-factor/enrol/"),
        "logged out": client.post("/admin/logout/"),
    }
    assert {name: page.status_code for name, page in pages.items() if page.status_code != 200} == {}
    return {name: page.content.decode() for name, page in pages.items()}


def test_no_page_holds_english(page: Client) -> None:
    left = {name: found for name, html in seen(page).items() if (found := english_in(html, allowed=ALLOWED))}
    assert left == {}


def test_no_page_loads_anything_from_outside(page: Client) -> None:
    assert {name: found for name, html in seen(page).items() if (found := outside_in(html))} == {}


def test_the_scans_do_find_something() -> None:
    html = (
        '<p title="Add">好</p><span class="material-symbols-outlined">add</span>'
        "<script>let a</script><b>Save</b>"
    )
    assert english_in(html) == ["Add", "Save"]
    assert english_in(html, allowed={"Add"}) == ["Save"]
    assert outside_in('<img src="//cdn.example/a.png"><a href="https://x.example">去</a>') == [
        "//cdn.example/a.png"
    ]


def test_stylesheets_fetch_nothing_from_outside(page: Client) -> None:
    html = page.get("/admin/").content.decode()
    sheets = re.findall(r'href="/static/([^"]+\.css)"', html)
    assert "suoshe/admin.css" in sheets
    for name in sheets:
        found = finders.find(name)
        assert found, name
        text = Path(str(found)).read_text(encoding="utf-8")
        assert not re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", text), name


def test_it_is_the_default_site() -> None:
    assert isinstance(admin.site, SuosheAdminSite)
    assert admin.site.is_registered(User)
    assert not admin.site.is_registered(Group)


def test_every_admin_is_of_unfold_and_hidden_from_those_without_postings(client: Client, db: None) -> None:
    """A package's own plain admin must not show up; and the default is nothing."""
    from unfold.admin import ModelAdmin

    client.force_login(make_user(is_staff=True))
    html = client.get("/admin/").content.decode()
    assert "您目前没有任职" in html
    for model, model_admin in admin.site._registry.items():
        ours = model.__module__.split(".")[0] in {
            "kernel",
            "grids",
            "credit",
            "leads",
            "stations",
            "reports",
            "suoshe",
        }
        assert isinstance(model_admin, ModelAdmin) or not ours, model
        label = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert f'href="{label}"' not in html, model


def test_navigation_names_no_model_twice() -> None:
    names = [name for group in GROUPS for name in group.models]
    assert len(names) == len(set(names))


def test_the_sidebar_shows_what_one_may_open(page: Client) -> None:
    html = page.get("/admin/").content.decode()
    assert "账号与审计" in html
    assert "用户" in html
    assert "问题办理" not in html


def test_the_index_asks_rights_once_a_request(page: Client, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(8):
        page.get("/admin/")


def test_the_compiled_catalogue_is_that_of_the_source() -> None:
    """`msgfmt` is not everywhere, so the compiled file is committed; it must not lag behind."""
    source = Path(__file__).parents[2] / "locale/zh_Hans/LC_MESSAGES/django.po"
    pairs = re.findall(r'^msgid "([^"\n]+)"\nmsgstr "([^"\n]+)"$', source.read_text(encoding="utf-8"), re.M)
    assert len(pairs) > 100
    with override("zh-hans"):
        assert {a: gettext(a) for a, _ in pairs} == dict(pairs)


def test_signing_in_by_the_page_reaches_the_front_page(client: Client, keeper: User) -> None:
    answer = client.post("/admin/login/", {"username": "keeper", "password": PASSWORD}, follow=True)
    assert "工作台" in answer.content.decode()
    assert answer.context["title"] == "工作台"
