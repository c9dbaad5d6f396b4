"""The grids in the admin: who sees which pages, in Chinese, and actions that call the services."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from pytest_django import DjangoDbBlocker
from python_calamine import load_workbook

from grids.demo import DEPARTMENTS, World
from grids.duty import duty_day
from grids.models import Absence, DutyShift, Office, Posting
from grids.roles import DUTY_OFFICER
from kernel.journal.models import Entry
from tests.factories.accounts import make_user
from tests.factories.grids import make_entity, make_world
from tests.grids.test_rota import sheet
from tests.suoshe.pages import english_in, outside_in

pytestmark = pytest.mark.django_db
MODELS = [
    "grids/subdistrict", "grids/community", "grids/office", "grids/department", "grids/grid",
    "grids/workgroup", "grids/posting", "grids/absence", "grids/dutyshift", "grids/businessentity",
    "stations/station",
]  # fmt: skip
PLACES = {
    "grids/subdistrict",
    "grids/community",
    "grids/office",
    "grids/department",
    "grids/grid",
    "stations/station",
}
PEOPLE = {"grids/workgroup", "grids/posting", "grids/absence", "grids/dutyshift"}
ALL = set(MODELS)
ALLOWED = {"esc", "xlsx", "GeoJSON", "WGS", *(code for code, _ in DEPARTMENTS)}
LABELS = re.compile(
    r"370983|ST-\d\d|(?:worker|commissioner|office|clerk|duty|deputy|community|vice|street|station|section)-"
    r"|\b(?:bureau|leader|auditor|admin|keeper|police|citymgmt)\b"
)


@pytest.fixture(scope="module")
def standing_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        world = make_world(stations=True)
        make_entity(world, 1, code="2345")
        yield world
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _no_second_factor(settings: Any) -> None:
    settings.SUOSHE_REQUIRE_SECOND_FACTOR = False


def page(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.users[username], backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize(
    ("username", "seen"),
    [
        ("admin", ALL - {"grids/businessentity"}),
        ("auditor", ALL),
        ("bureau", ALL),
        ("office-01", ALL),
        ("clerk-01", ALL),
        ("duty-01", ALL),
        ("commissioner-01", ALL),
        ("community-01", ALL),
        ("section-food", PLACES | {"grids/businessentity"}),
        ("police", PLACES),
        ("station-01", PLACES),
    ],
)
def test_who_may_open_which_list(world: World, username: str, seen: set[str]) -> None:
    client = page(world, username)
    got = {name for name in MODELS if client.get(f"/admin/{name}/").status_code == 200}
    assert got == seen
    assert all(client.get(f"/admin/{name}/").status_code == 403 for name in ALL - seen)


def test_grid_workers_have_no_admin(world: World) -> None:
    assert page(world, "worker-01-1").get("/admin/grids/grid/").status_code in (302, 403)


def test_nobody_deletes(world: World) -> None:
    posting = world.posting_of("commissioner-01")
    for username in ("admin", "bureau", "office-01"):
        answer = page(world, username).post(f"/admin/grids/posting/{posting.pk}/delete/", {"post": "yes"})
        assert answer.status_code == 403
    assert Posting.objects.filter(pk=posting.pk).exists()


def test_lists_are_scoped(world: World) -> None:
    mine, other = world.posting_of("worker-01-1"), world.posting_of("worker-09-1")
    client = page(world, "office-01")
    assert client.get(f"/admin/grids/posting/{mine.pk}/change/").status_code == 200
    assert client.get(f"/admin/grids/posting/{other.pk}/change/").status_code == 302
    assert client.get(f"/admin/grids/posting/{other.pk}/end/").status_code == 403


def pages_of(world: World, client: Client) -> dict[str, Any]:
    posting, entity = world.posting_of("commissioner-01"), world.grid(1).entities.get()
    absence = Absence.objects.create(
        user=world.users["worker-01-1"], starts_at=world.at, ends_at=world.at + timedelta(days=1)
    )
    paths = [f"{name}/" for name in MODELS]
    paths += [
        f"grids/grid/{world.grid(1).pk}/change/", f"grids/posting/{posting.pk}/change/",
        "grids/posting/appoint/", f"grids/office/{world.offices[0].pk}/change/",
        f"grids/posting/{posting.pk}/backup/", f"grids/posting/{posting.pk}/end/", "grids/absence/record/",
        f"grids/absence/{absence.pk}/change/", f"grids/absence/{absence.pk}/end/", "grids/dutyshift/set/",
        "grids/dutyshift/import/", f"grids/businessentity/{entity.pk}/change/",
        "grids/posting/?running=now&q=张", f"grids/workgroup/{world.grid(1).work_group.pk}/change/",
    ]  # fmt: skip
    found = {path: client.get(f"/admin/{path}") for path in paths}
    found["refused"] = client.post("/admin/grids/posting/appoint/", {"role": "BUREAU"})
    return found


def test_pages_are_chinese_and_load_nothing_from_outside(world: World) -> None:
    pages = pages_of(world, page(world, "bureau"))
    assert {path: answer.status_code for path, answer in pages.items() if answer.status_code != 200} == {}
    left: dict[str, list[str]] = {}
    for path, answer in pages.items():
        html = answer.content.decode()
        assert outside_in(html) == [], path
        words = [text for text in english_in(html, allowed=ALLOWED) if not LABELS.search(text)]
        if words:
            left[path] = words
    assert left == {}


def test_a_list_costs_few_statements(world: World, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    client = page(world, "bureau")
    for name in ("posting", "dutyshift", "grid", "businessentity"):
        with django_assert_max_num_queries(22):
            client.get(f"/admin/grids/{name}/")


def test_the_page_of_a_grid(world: World) -> None:
    Posting.objects.filter(user=world.users["commissioner-01"]).update(ends_at=world.at)
    html = page(world, "bureau").get(f"/admin/grids/grid/{world.grid(1).pk}/change/").content.decode()
    assert html.count("<path d=") >= 21
    assert html.count('fill="#2563eb"') == 1
    assert "没有在岗的市场监管专员" in html
    assert world.users["worker-01-1"].name in html


def test_settings_are_the_administrators(world: World) -> None:
    office = world.offices[0]
    form = {
        "code": office.code,
        "name": office.name,
        "subdistrict": office.subdistrict_id,
        "night_dispatch": "on",
    }
    path = f"/admin/grids/office/{office.pk}/change/"
    assert page(world, "office-01").post(path, form).status_code == 403
    assert page(world, "auditor").post(path, form).status_code == 403
    assert page(world, "bureau").post(path, form).status_code == 302
    assert Office.objects.get(pk=office.pk).night_dispatch
    assert Entry.objects.get(stream=f"office:{office.pk}").data == {"fields": ["is_demo", "night_dispatch"]}


def test_end_and_appoint(world: World) -> None:
    client, old = page(world, "office-01"), world.posting_of("commissioner-01")
    assert client.get(f"/admin/grids/posting/{old.pk}/end/").status_code == 200
    old.refresh_from_db()
    assert old.ends_at is None
    client.post(f"/admin/grids/posting/{old.pk}/end/")
    old.refresh_from_db()
    assert old.ends_at is not None
    user = make_user("newcomer")
    form = {
        "user": user.pk,
        "role": "COMMISSIONER",
        "grid": world.grid(1).pk,
        "backup": world.users["commissioner-02"].pk,
    }
    refused = client.post("/admin/grids/posting/appoint/", {**form, "grid": world.grid(9).pk})
    assert "不在您的管理范围内" in refused.content.decode()
    assert client.post("/admin/grids/posting/appoint/", form).status_code == 302
    assert Posting.objects.get(user=user).backup_id == world.users["commissioner-02"].pk
    again = client.post("/admin/grids/posting/appoint/", {**form, "user": make_user().pk})
    assert "已有市场监管专员" in again.content.decode()


def test_another_backup(world: World) -> None:
    posting = world.posting_of("commissioner-01")
    path = f"/admin/grids/posting/{posting.pk}/backup/"
    page(world, "office-01").post(path, {"backup": world.users["commissioner-03"].pk})
    posting.refresh_from_db()
    assert posting.backup_id == world.users["commissioner-03"].pk
    assert page(world, "auditor").post(path, {"backup": ""}).status_code == 403


def test_leave(world: World) -> None:
    client, day = page(world, "office-01"), duty_day(world.at) + timedelta(days=1)
    form = {
        "user": world.users["commissioner-01"].pk, "stand_in": world.users["commissioner-03"].pk,
        "starts_at_0": str(day), "starts_at_1": "08:00", "ends_at_0": str(day + timedelta(days=1)),
        "ends_at_1": "18:00",
    }  # fmt: skip
    assert client.post("/admin/grids/absence/record/", form).status_code == 302
    absence = Absence.objects.get()
    assert absence.starts_at.astimezone().tzinfo is not None
    client.post(f"/admin/grids/absence/{absence.pk}/end/")
    absence.refresh_from_db()
    assert absence.ends_at == absence.starts_at


def test_swap_in_two_taps(world: World) -> None:
    night, today = make_user("night"), duty_day(world.at)
    rows = DutyShift.objects.filter(office=world.offices[0], role=DUTY_OFFICER)
    one, two = rows.get(day=today + timedelta(days=1)), rows.get(day=today + timedelta(days=2))
    DutyShift.objects.filter(pk=two.pk).update(user=night)
    client = page(world, "clerk-01")
    form = {"action": "swap", "_selected_action": [one.pk, two.pk]}
    answer = client.post("/admin/grids/dutyshift/", form, follow=True)
    assert "已调换" in answer.content.decode()
    assert DutyShift.objects.get(pk=one.pk).user == night
    refused = client.post("/admin/grids/dutyshift/", {**form, "_selected_action": [one.pk]}, follow=True)
    assert "请勾选要调换的两个班次" in refused.content.decode()


def test_the_administrator_looks_at_the_rota_only(world: World) -> None:
    client = page(world, "admin")
    listed = client.get("/admin/grids/dutyshift/")
    assert listed.status_code == 200
    assert "导入值班表" not in listed.content.decode()
    assert client.get("/admin/grids/dutyshift/set/").status_code == 403


def test_the_rota_is_imported(world: World) -> None:
    client, day = page(world, "clerk-01"), duty_day(world.at) + timedelta(days=60)

    def upload(content: bytes, **more: str) -> Any:
        file = SimpleUploadedFile("值班表.xlsx", content)
        return client.post("/admin/grids/dutyshift/import/", {"file": file, **more}, follow=True)

    content = sheet((str(day), "", "duty-01", "office-01"))
    assert "检查通过" in upload(content, dry_run="on").content.decode()
    assert not DutyShift.objects.filter(day=day).exists()
    assert "导入完成" in upload(content).content.decode()
    assert DutyShift.objects.filter(day=day).count() == 2
    assert "第 2 行" in upload(sheet(("x", "", "duty-01", ""))).content.decode()
    assert client.get("/admin/grids/dutyshift/template/").content[:2] == b"PK"
    form = {
        "office": world.offices[0].pk,
        "day": str(day),
        "role": "DUTY_OFFICER",
        "user": world.users["clerk-01"].pk,
    }
    assert client.post("/admin/grids/dutyshift/set/", form).status_code == 302
    assert DutyShift.objects.get(day=day, role=DUTY_OFFICER).user == world.users["clerk-01"]


def rows_of(content: bytes) -> list[list[Any]]:
    return load_workbook(io.BytesIO(content)).get_sheet_by_index(0).to_python()


def test_export_by_filter(world: World) -> None:
    client = page(world, "office-01")
    answer = client.get("/admin/grids/posting/?role__exact=COMMISSIONER&_export=xlsx")
    rows = rows_of(answer.content)
    assert rows[0][:4] == ["姓名", "用户名", "岗位", "任职范围"]
    assert sorted(row[1] for row in rows[1:]) == [f"commissioner-0{n}" for n in range(1, 7)]
    entities = rows_of(client.get("/admin/grids/businessentity/?_export=xlsx").content)
    assert entities[1][5] == "张**"
    assert rows_of(client.get("/admin/grids/dutyshift/?_export=xlsx").content)[0][0] == "日期"
    assert page(world, "police").get("/admin/grids/posting/?_export=xlsx").status_code == 403
