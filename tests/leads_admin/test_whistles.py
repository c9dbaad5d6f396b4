"""Whistles in the admin: the list, the button on a lead, every act by its form, contacts and notices."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.test import Client
from python_calamine import CalamineWorkbook

from grids.demo import World
from kernel.journal.models import Entry
from leads.models import DepartmentContact, DepartmentPolicy, Whistle
from tests.factories import leads as make
from tests.factories.whistles import blown, call_of, contact, joint_notice
from tests.leads_admin.test_pages import ALLOWED, CODE, page
from tests.suoshe.pages import english_in, outside_in

pytestmark = pytest.mark.django_db
WHISTLES = "/admin/leads/whistle/"


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', html)
    assert found is not None, name
    return found[1]


def step(client: Client, whistle: Whistle, **sent: Any) -> Any:
    return client.post(f"{WHISTLES}{whistle.pk}/change/", sent)


def test_from_a_lead_to_a_whistle(world: World, signed_in: Any) -> None:
    lead = make.reported(world, 1, category="Q02")
    client = signed_in(world.community_head_of(1).username)
    shown = page(client, f"/admin/leads/lead/{lead.pk}/change/")
    assert f"{WHISTLES}add/?lead={lead.pk}" in shown
    form = page(client, f"{WHISTLES}add/?lead={lead.pk}")
    for code in ("police", "fire"):
        box = re.search(rf'<input[^>]*value="{code}"[^>]*>', form)
        assert box is not None
        assert "checked" in box[0], "the category proposes whom to call"
    sent = {
        "client_uid": hidden(form, "client_uid"), "lead": str(lead.pk), "grid": world.grid(1).code,
        "departments": ["police", "fire"], "reason": "占用消防通道", "place": "北门", "telephone": "",
    }  # fmt: skip
    made = client.post(f"{WHISTLES}add/", sent)
    whistle = Whistle.objects.get()
    assert made.status_code == 302
    assert made["Location"] == f"{WHISTLES}{whistle.pk}/change/"
    assert client.post(f"{WHISTLES}add/", sent).status_code == 302, "sent twice, one whistle"
    assert Whistle.objects.count() == 1
    shown = page(client, f"/admin/leads/lead/{lead.pk}/change/")
    assert "占用消防通道" in shown
    assert "待回应" in shown


def test_a_refused_whistle_keeps_what_was_typed(world: World, signed_in: Any) -> None:
    client = signed_in("commissioner-01")
    form = page(client, f"{WHISTLES}add/")
    sent = {"client_uid": hidden(form, "client_uid"), "grid": world.grid(1).code, "reason": "我写了很多字"}
    answer = client.post(f"{WHISTLES}add/", sent)
    assert answer.status_code == 400
    assert "我写了很多字" in answer.content.decode()
    assert "请至少选择一个部门" in answer.content.decode()


def test_who_finds_the_page_for_a_new_one(world: World, signed_in: Any) -> None:
    for name, status in (("commissioner-01", 200), ("office-01", 200), ("police", 403), ("auditor", 403)):
        assert signed_in(name).get(f"{WHISTLES}add/").status_code == status, name


def test_a_liaison_answers_comes_and_reports(world: World, signed_in: Any) -> None:
    joint_notice(world)
    lead = make.reported(world, 1, description="店主电话 13812345678")
    whistle = blown(world, lead=lead)
    client = signed_in("police")
    assert str(whistle) in page(client, WHISTLES)
    assert "待回应" in page(client, "/admin/leads/lead/front/")
    shown = page(client, f"{WHISTLES}{whistle.pk}/change/")
    assert "data-due" in shown
    assert f"/admin/leads/lead/{lead.pk}/change/" in shown
    assert "138****5678" in page(client, f"/admin/leads/lead/{lead.pk}/change/")
    mine: dict[str, Any] = {"department": "police"}
    answer = step(
        client, whistle, **mine, step="dispatch", **{"police-version": "1", "police-note": "已出发"}
    )
    assert answer.status_code == 302, answer.content.decode()[:2000]
    stale = step(client, whistle, **mine, step="check_in", **{"police-version": "1", "police-note": "我到了"})
    assert stale.status_code == 412
    assert "我到了" in stale.content.decode()
    assert step(client, whistle, **mine, step="check_in", **{"police-version": "2"}).status_code == 302
    silent = step(client, whistle, **mine, step="report", **{"police-version": "3"})
    assert silent.status_code == 400
    assert "请写明处置情况" in silent.content.decode()
    done = step(client, whistle, **mine, step="report", **{"police-version": "3", "police-note": "已挪车"})
    assert done.status_code == 302
    assert call_of(whistle).state == "reported"
    assert "待结束吹哨" in page(signed_in(world.community_head_of(1).username), "/admin/leads/lead/front/")


def test_the_caller_enters_rings_up_calls_more_and_closes(world: World, signed_in: Any) -> None:
    whistle = blown(world, 1, ("fire",))
    contact(world, "fire", "13900000007")
    client = signed_in(world.community_head_of(1).username)
    shown = page(client, f"{WHISTLES}{whistle.pk}/change/")
    assert "代录部门电话答复" in shown
    assert "13900000007" not in shown
    rung = step(client, whistle, department="fire", step="phones").content.decode()
    assert "13900000007" in rung
    [entry] = Entry.objects.filter(kind="whistle.contacts_revealed")
    assert "13900000007" not in str(entry.data)
    sent = {"fire-version": "1", "fire-said_by": "", "fire-note": "电话里说"}
    nameless = step(client, whistle, department="fire", step="decline", **sent)
    assert nameless.status_code == 400
    assert "部门答复人" in nameless.content.decode()
    sent["fire-said_by"] = "值班员老赵"
    assert step(client, whistle, department="fire", step="decline", **sent).status_code == 302
    more = step(client, whistle, step="more", **{"more-version": "2", "more-departments": ["citymgmt"]})
    assert more.status_code == 302
    close = step(client, whistle, step="close", **{"close-version": "3", "close-note": ""})
    assert close.status_code == 422
    assert (
        step(client, whistle, step="close", **{"close-version": "3", "close-note": "已解决"}).status_code
        == 302
    )
    whistle.refresh_from_db()
    assert whistle.state == "closed"


def test_an_onlooker_is_offered_nothing_and_refused(world: World, signed_in: Any) -> None:
    whistle = blown(world)
    for name in ("bureau", "auditor", "commissioner-01"):
        client = signed_in(name)
        assert 'name="step"' not in page(client, f"{WHISTLES}{whistle.pk}/change/"), name
        sent = {"department": "police", "step": "receive", "police-version": "1"}
        assert step(client, whistle, **sent).status_code == 403, name
    assert signed_in("office-04").get(f"{WHISTLES}{whistle.pk}/change/").status_code == 302
    assert step(signed_in("police"), whistle, step="dance").status_code == 302


def test_filters_export_and_an_empty_list(world: World, signed_in: Any) -> None:
    client = signed_in("bureau")
    assert "还没有吹哨" in page(client, WHISTLES)
    first, second = blown(world, 1, ("police", "fire")), blown(world, 2, ("citymgmt",))
    for query, expected in (
        ("", {first, second}), ("?department=fire", {first}), ("?call=called", {first, second}),
        ("?call=late", set()), ("?state__exact=closed", set()),
    ):  # fmt: skip
        shown = page(client, WHISTLES + query)
        found = {one for one in (first, second) if f">{one}<" in shown.replace(" ", " ")}
        assert found == expected, query
    sheet = client.get(f"{WHISTLES}?_export=xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(sheet.content)).get_sheet_by_index(0).to_python()
    assert [row[4] for row in rows] == ["部门", "综合行政执法(城管)", "公安", "消防"]


def test_the_bureau_keeps_contacts_and_notices(world: World, signed_in: Any) -> None:
    client = signed_in("bureau")
    fire = world.departments["fire"].pk
    sent = {"department": fire, "name": "王队", "phone": "13900000008", "is_active": "on"}
    made = client.post("/admin/leads/departmentcontact/add/", sent)
    assert made.status_code == 302, made.content.decode()[-3000:]
    row = DepartmentContact.objects.get()
    again = client.post("/admin/leads/departmentcontact/add/", sent)
    assert "已有这个手机号" in again.content.decode()
    assert client.post("/admin/leads/departmentcontact/add/", sent | {"phone": "1"}).status_code == 200
    changed = sent | {"name": "李队"}
    del changed["department"]
    assert client.post(f"/admin/leads/departmentcontact/{row.pk}/change/", changed).status_code == 302
    row.refresh_from_db()
    assert row.name == "李队"
    listed = page(client, "/admin/leads/departmentcontact/")
    assert "139****0008" in listed
    assert "13900000008" not in listed
    assert "13900000008" not in page(signed_in("leader"), f"/admin/leads/departmentcontact/{row.pk}/change/")
    notice = {
        "department": fire,
        "document_number": "肥政办发〔2026〕1号",
        "answer_minutes": 30,
        "on_site_minutes": "",
    }
    assert client.post("/admin/leads/departmentpolicy/add/", notice).status_code == 302
    policy = DepartmentPolicy.objects.get()
    assert (policy.version, policy.answer_minutes, policy.on_site_minutes) == (1, 30, None)
    past = notice | {"in_force_from_0": "2020-01-01", "in_force_from_1": "08:00:00"}
    assert "不能早于现在" in client.post("/admin/leads/departmentpolicy/add/", past).content.decode()
    assert "现行" in page(client, "/admin/leads/departmentpolicy/")
    assert signed_in("office-01").get("/admin/leads/departmentpolicy/add/").status_code == 403


def test_pages_hold_no_english(world: World, signed_in: Any) -> None:
    joint_notice(world)
    contact(world, "police", "13900000002", head=True)
    whistle = blown(world, 1, ("police", "fire"), lead=make.reported(world, 1))
    head, bureau = signed_in(world.community_head_of(1).username), signed_in("bureau")
    pages = {
        "list": page(bureau, WHISTLES),
        "one": page(head, f"{WHISTLES}{whistle.pk}/change/"),
        "new": page(head, f"{WHISTLES}add/"),
        "contacts": page(bureau, "/admin/leads/departmentcontact/"),
        "contact": page(bureau, "/admin/leads/departmentcontact/add/"),
        "notices": page(bureau, "/admin/leads/departmentpolicy/"),
        "notice": page(bureau, "/admin/leads/departmentpolicy/add/"),
    }
    for name, html in pages.items():
        assert not english_in(CODE.sub("", html), allowed=ALLOWED), name
        assert not outside_in(html), name
