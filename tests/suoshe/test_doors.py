"""Every page of the admin and every list of the API, looked at by people of several kinds (DESIGN.md §7).

One house with one of everything. What few may know – a tip-off, a telephone in what somebody wrote – is
looked for in all that the others are told: lists, pages, searches, exports. A new admin page is in it by
being registered.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from grids.models import TaskItem
from kernel.approvals.models import Approval
from kernel.deadlines.models import Segment
from leads.models import Lead
from tests.factories import leads as make
from tests.factories.accounts import token_for
from tests.factories.house import House, on_its_own
from tests.suoshe.pages import english_in, outside_in

pytestmark = pytest.mark.xdist_group("house")
OURS = {"kernel", "grids", "credit", "leads", "patrols", "stations", "reports", "suoshe"}
PHONE = "13987654321"
SECRET = "后厨使用回收油"
LISTS = (
    "leads/?page_size=200", "notices/?page_size=200", "supervision-orders/", "approvals/?page_size=200",
    "entities/", "me/", "whistles/", "look-backs/", "absences/", "reports/sla/",
)  # fmt: skip
ALLOWED = {
    "esc", "WGS", "JPEG", "PNG", "WebP", "HEIC", "MP", "MB", "aac", "amr", "SHA", "HMAC", "JSON", "GeoJSON",
    "Webhook", "key", "access_token", "access", "token", "hook", "SEC", "Redis", "ID", "Control", "Mac",
    "Command", "null", "csv",
}  # fmt: skip
"""Names of formats, what providers call their keys, and Django's own words for choosing several rows."""
CODES = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{10,64}\b|XS\d{8}-\d{6}|\d{9}-L\d{2}|\b[A-Z]\d{2}\b|ST-\d{2}"
    r"|\b[A-Z0-9]{10,18}\b|\b[a-z]+(?:-[a-z0-9]+)+\b|\bSUOSHE_[A-Z_]+\b|\b[a-z_]+[.:][a-z0-9_]+\b|\{.+\}|（[a-z]+）"
)
"""Numbers, codes and accounts; settings by their name; templates and streams on administrators' pages."""
TECHNICAL = {
    "accounts.User",
    "grids.ResponsibilityItem",
    "grids.Department",
    "deadlines.Deadline",
    "deadlines.Event",
    "journal.Entry",
}
"""Lists of names of accounts and codes, and pages whose heading is the name of a row of the machinery."""


@pytest.fixture
def house(standing_house: House, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    with on_its_own(django_db_blocker):
        yield standing_house


def signed_in(house: House, username: str) -> Client:
    client = Client()
    user = house.world.user(username)
    type(user).objects.filter(pk=user.pk).update(is_staff=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def ours() -> list[type[models.Model]]:
    return [model for model in admin.site._registry if model.__module__.split(".")[0] in OURS]


def address(model: type[models.Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def text_of(answer: Any) -> str:
    """What an answer says; of a workbook, the text of all its parts."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            return "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    return str(content.decode("utf-8", "replace"))


def pages_of(client: Client, model: type[models.Model]) -> Iterator[tuple[str, Any]]:
    """The list, its export, the form of a new row, and the newest row, of one model."""
    listed = address(model, "changelist")
    answer = client.get(listed)
    yield listed, answer
    if answer.status_code == 200:
        yield f"{listed} export", client.get(listed, {"_export": "xlsx"})
        yield f"{listed} add", client.get(address(model, "add"))
        newest = model._base_manager.order_by("-pk").values_list("pk", flat=True)[:1]
        for pk in newest:
            yield f"{listed} one", client.get(address(model, "change", pk))


def headers(house: House, username: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_for(house.world.user(username))}"}


def english(html: str) -> list[str]:
    return [
        t
        for t in english_in(html, allowed=ALLOWED)
        if english_in(f"<p>{CODES.sub('', t)}</p>", allowed=ALLOWED)
    ]


@pytest.mark.parametrize("who", ["bureau", "admin"])
def test_every_page_answers_in_chinese_and_loads_nothing_from_outside(house: House, who: str) -> None:
    client, opened, wrong = signed_in(house, who), 0, []
    for model in ours():
        for where, answer in pages_of(client, model):
            if answer.status_code not in (200, 302, 403):
                wrong.append((where, answer.status_code))
            if answer.status_code == 200 and "html" in answer["Content-Type"]:
                html = text_of(answer)
                opened += 1
                technical = model._meta.label in TECHNICAL
                if found := [*([] if technical else english(html)), *outside_in(html)]:
                    wrong.append((where, found))
    assert wrong == [], "\n".join(str(w)[:500] for w in wrong)
    assert opened > 20


@pytest.mark.long
def test_an_auditor_and_a_liaison_read_no_telephone_that_somebody_wrote(house: House) -> None:
    said = f"请联系{PHONE}处理"
    Lead.objects.update(description=said, respond_note=said, control_note=said, verify_note=said)
    Approval.objects.filter(state="waiting").update(reason=said)
    Segment.objects.update(reason=said)
    TaskItem.objects.update(title=said, note=said)
    giving_away = []
    for who in ("auditor", "police"):
        client, head = signed_in(house, who), headers(house, who)
        told = [(w, a) for model in ours() for w, a in pages_of(client, model)]
        paths = [*LISTS, f"grids/{house.world.grid(1).code}/tasks/", f"approvals/{house.asked.pk}/"]
        paths += [f"leads/{house.suspended.pk}/{part}" for part in ("", "timeline/", "explain/")]
        paths += [f"leads/{house.whistled.pk}/{part}" for part in ("", "timeline/", "explain/")]
        told += [(path, Client().get(f"/api/v1/{path}", headers=head)) for path in paths]
        assert sum(answer.status_code == 200 for _, answer in told) > 10
        giving_away += [(who, where) for where, answer in told if PHONE in text_of(answer)]
    assert giving_away == []


OUTSIDERS = [
    "bureau", "leader", "auditor", "admin", "worker-01-1", "community-01", "street-01", "police",
    "station-01", "section-price", "section-legal", "keeper", "commissioner-20", "office-04",
]  # fmt: skip


@pytest.mark.long
def test_a_tip_off_is_found_by_nobody_else(house: House) -> None:
    """Neither its number nor its words: in no list, search, page, answer or figure of whom it is not for."""
    lead = make.reported(
        house.world, 1, by="clerk-01", category="F03", description=SECRET, restricted=True,
        entity_id=house.entity.pk,
    )  # fmt: skip
    make.let_clocks_fire()
    searched = [model for model, shown in admin.site._registry.items() if shown.search_fields]
    found = []
    for who in OUTSIDERS:
        client, head = signed_in(house, who), headers(house, who)
        told = [(path, client.get(path)) for path in ("/admin/", "/admin/leads/lead/front/")]
        for model in ours():
            listed = address(model, "changelist")
            answer = client.get(listed)
            told.append((listed, answer))
            if answer.status_code == 200 and model._meta.app_label in ("leads", "approvals"):
                told.append((f"{listed} export", client.get(listed, {"_export": "xlsx"})))
                if model in searched:
                    told.append((f"{listed} search", client.get(listed, {"q": SECRET})))
        told.append(("page", client.get(f"/admin/leads/lead/{lead.pk}/change/")))
        paths = [*LISTS, f"entities/{house.entity.pk}/", f"entities/{house.entity.pk}/history/"]
        told += [(path, Client().get(f"/api/v1/{path}", headers=head)) for path in paths]
        for part in ("", "timeline/", "explain/", "answers/", "survey/"):
            answer = Client().get(f"/api/v1/leads/{lead.pk}/{part}", headers=head)
            found += [] if answer.status_code == 404 else [(who, part, answer.status_code)]
        assert any(answer.status_code == 200 for _, answer in told), who
        for where, answer in told:
            said = text_of(answer).replace(f'value="{SECRET}"', "")
            found += [(who, where)] if lead.number in said or SECRET in said else []
    assert found == [], found
    seen = signed_in(house, "clerk-01").get("/admin/leads/lead/", {"q": lead.number})
    assert f"/admin/leads/lead/{lead.pk}/change/" in seen.content.decode()
