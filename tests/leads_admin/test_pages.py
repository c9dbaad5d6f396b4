"""Who sees what on the pages of leads; that they are Chinese, whole and cheap."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from python_calamine import CalamineWorkbook

from grids.demo import World
from kernel import clock
from kernel.deadlines import sweep
from leads.admin import words
from leads.intake import Told
from leads.models import Lead, SupervisionOrder
from tests.factories import after, requests
from tests.factories import leads as make
from tests.suoshe.pages import english_in, outside_in

LEADS = "/admin/leads/lead/"
ORDERS = "/admin/leads/supervisionorder/"
ALLOWED = {"WGS", "JPEG", "PNG", "WebP", "HEIC", "MP", "MP4", "m4a", "m", "aac", "amr", "MB", "esc"}
CODE = re.compile(r"\b[0-9a-f]{10,64}\b|XS\d{8}-\d{6}|370983\d{3}-L\d{2}|\b[A-Z]\d{2}\b")


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.get("Location"))
    return answer.content.decode()


def late_lead(world: World, number: int = 1) -> tuple[Lead, SupervisionOrder]:
    """A lead that nobody took in time, with the order that was raised for it."""
    lead = make.reported(world, number)
    clock.travel(timedelta(minutes=31))
    sweep.sweep()
    return lead, SupervisionOrder.objects.get(lead=lead)


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("commissioner-01", True),
        ("office-01", True),
        ("clerk-01", True),
        ("community-01", True),
        ("bureau", True),
        ("auditor", True),
        ("commissioner-20", False),
        ("clerk-04", False),
        ("community-17", False),
    ],
)
def test_the_list_and_the_page_show_only_what_is_visible(
    world: World, signed_in: Any, who: str, sees: bool
) -> None:
    lead = make.reported(world, 1)
    client = signed_in(who)
    assert (lead.number in page(client, LEADS)) is sees
    answer = client.get(f"{LEADS}{lead.pk}/change/")
    assert answer.status_code == (200 if sees else 302)


def test_the_system_administrator_sees_no_business_at_all(world: World, signed_in: Any) -> None:
    lead = make.reported(world, 1)
    client = signed_in("admin")
    home = page(client, "/admin/")
    assert LEADS not in home
    assert "今日上报" not in home
    for path in (
        LEADS,
        f"{LEADS}{lead.pk}/change/",
        ORDERS,
        f"{LEADS}add/",
        f"{LEADS}front/",
        "/admin/leads/category/",
    ):
        assert client.get(path).status_code == 403, path


def test_the_auditor_reads_masked_and_is_offered_nothing(world: World, signed_in: Any) -> None:
    lead = make.reported(world, 1, description="老板电话 13812345678，身份证 370983199001011234")
    html = page(signed_in("auditor"), f"{LEADS}{lead.pk}/change/")
    assert "138****5678" in html
    assert "13812345678" not in html
    assert "370983199001011234" not in html
    assert "/act/" not in html
    answer = signed_in("auditor").post(f"{LEADS}{lead.pk}/act/respond/", {"version": 1, "plan": "on_my_way"})
    assert answer.status_code == 302
    lead.refresh_from_db()
    assert lead.state == "dispatched"
    assert signed_in("auditor").get(f"{LEADS}add/").status_code == 403


def test_a_telephone_number_of_staff_looking_is_whole_but_masked_in_lists(
    world: World, signed_in: Any
) -> None:
    lead = make.reported(world, 1, description="老板电话 13812345678")
    client = signed_in("commissioner-01")
    assert "13812345678" in page(client, f"{LEADS}{lead.pk}/change/")
    assert "13812345678" not in page(client, LEADS)


def test_who_told_it_stands_on_no_page(world: World, signed_in: Any) -> None:
    lead = make.reported(world, 1, by="clerk-01", told=Told("王秘密", "13700001111"))
    client = signed_in("clerk-01")
    for path in (LEADS, f"{LEADS}{lead.pk}/change/", "/admin/"):
        html = page(client, path)
        assert "王秘密" not in html
        assert "13700001111" not in html
    sheet = client.get(f"{LEADS}?_export=xlsx").content
    cells = [
        c
        for row in CalamineWorkbook.from_filelike(io.BytesIO(sheet)).get_sheet_by_index(0).to_python()
        for c in row
    ]
    assert not any("王秘密" in str(c) or "1111" in str(c) for c in cells)


def test_the_page_shows_six_signatures_once_closed(world: World, signed_in: Any) -> None:
    lead = make.closed(world, 1)
    html = page(signed_in("commissioner-01"), f"{LEADS}{lead.pk}/change/")
    assert "六项齐全" in html
    assert html.count("lead-sign lead-signed") == 6
    assert "处置情况属实" in html
    assert "已核实,问题现象已消除" in html
    assert "已当场提醒并指导改正" in html
    assert "位置在网格" in html
    assert html.count("<li") > 6
    assert "/act/" not in html


def test_the_page_says_whose_signature_is_missing(world: World, signed_in: Any) -> None:
    lead = make.reported(world, 1)
    html = page(signed_in("bureau"), f"{LEADS}{lead.pk}/change/")
    assert "还差 4 项" in html
    assert "待承办人接单" in html
    assert "待网格员核验" in html


def test_overdue_and_orders_are_marked(world: World, signed_in: Any) -> None:
    lead, order = late_lead(world)
    client = signed_in("office-01")
    html = page(client, f"{LEADS}{lead.pk}/change/")
    assert "已超时" in html
    assert f"督办单 {order.pk}" in html
    assert "接单时限已到" in html
    assert lead.number in page(client, f"{LEADS}?progress=overdue")
    assert "clock-late" in page(client, LEADS)


@pytest.mark.parametrize(
    "asked",
    [
        "q=执照",
        "state__exact=dispatched",
        "severity__exact=MODERATE",
        "food__exact=0",
        "group=L",
        "progress=open",
        "reported_at_from=2020-01-01",
    ],
)
def test_search_and_filters_find(world: World, signed_in: Any, asked: str) -> None:
    lead = make.reported(world, 1)
    assert lead.number in page(signed_in("bureau"), f"{LEADS}?{asked}")


@pytest.mark.parametrize(
    "asked",
    [
        "q=不存在的东西",
        "state__exact=closed",
        "food__exact=1",
        "group=F",
        "progress=overdue",
        "reported_at_to=2020-01-01",
        "grid=999999",
        "grid=x",
        "office=0",
    ],
)
def test_search_and_filters_leave_out_and_say_so(world: World, signed_in: Any, asked: str) -> None:
    lead = make.reported(world, 1)
    html = page(signed_in("bureau"), f"{LEADS}?{asked}")
    assert lead.number not in html
    assert "没有符合条件的线索" in html


def test_filters_of_grid_and_office(world: World, signed_in: Any) -> None:
    one, other = make.reported(world, 1), make.reported(world, 20)
    html = page(signed_in("bureau"), f"{LEADS}?grid={one.grid_id}")
    assert one.number in html
    assert other.number not in html
    html = page(signed_in("bureau"), f"{LEADS}?office={other.office_id}")
    assert other.number in html
    assert one.number not in html


def test_the_sheet_holds_the_filtered_leads_masked(world: World, signed_in: Any) -> None:
    kept = make.reported(world, 1, description="电话 13812345678，=1+1")
    make.reported(world, 20)
    answer = signed_in("bureau").get(f"{LEADS}?grid={kept.grid_id}&_export=xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert rows[0][0] == "编号"
    assert [row[0] for row in rows[1:]] == [kept.number]
    assert "电话 138****5678，=1+1" in rows[1]


def statements(client: Client, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as found:
        assert client.get(path).status_code == 200, path
    return len(found)


def test_the_list_costs_the_same_for_one_and_for_many(world: World, signed_in: Any) -> None:
    client = signed_in("bureau")
    make.reported(world, 1)
    client.get(LEADS)
    few = statements(client, LEADS)
    for number in (1, 2, 3, 20, 21):
        make.responded(world, number)
    assert statements(client, LEADS) == few
    assert few <= 20


def test_the_page_costs_the_same_early_and_late_in_a_life(world: World, signed_in: Any) -> None:
    client = signed_in("bureau")
    young = make.reported(world, 1)
    old = make.closed(world, 2)
    page(client, LEADS)
    assert statements(client, f"{LEADS}{young.pk}/change/") <= 45
    assert statements(client, f"{LEADS}{old.pk}/change/") <= 45


def test_the_front_page_and_its_snapshot_cost_little(world: World, signed_in: Any) -> None:
    client = signed_in("office-01")
    for number in (1, 2, 3):
        make.reported(world, number)
    first = statements(client, f"{LEADS}front/")
    assert first <= 18  # the kinds of questions that may wait for a head each look where he decides
    assert statements(client, f"{LEADS}front/") <= 5


def test_no_page_holds_english_or_loads_from_outside(world: World, signed_in: Any) -> None:
    lead, order = late_lead(world)
    make.closed(world, 2, category="F03")
    desk = make.reported(world, 1, lon=None, lat=None)
    bureau, head, commissioner = signed_in("bureau"), signed_in("office-01"), signed_in("commissioner-01")
    pages = {
        "index": page(head, "/admin/"),
        "list": page(bureau, LEADS),
        "filtered": page(bureau, f"{LEADS}?state__exact=closed&q=后厨"),
        "empty": page(bureau, f"{LEADS}?q=没有"),
        "lead": page(head, f"{LEADS}{lead.pk}/change/"),
        "closed": page(bureau, f"{LEADS}{Lead.objects.get(state='closed').pk}/change/"),
        "respond": page(commissioner, f"{LEADS}{lead.pk}/act/respond/"),
        "dispatch": page(head, f"{LEADS}{lead.pk}/act/dispatch/"),
        "desk": page(bureau, f"{LEADS}{desk.pk}/act/dispatch/"),
        "intake": page(signed_in("clerk-01"), f"{LEADS}add/"),
        "orders": page(head, ORDERS),
        "no orders": page(head, f"{ORDERS}?q=没有"),
        "order": page(head, f"{ORDERS}{order.pk}/change/"),
        "many": page(head, f"{ORDERS}acknowledge/?ids={order.pk}"),
        "categories": page(bureau, "/admin/leads/category/"),
        "category": page(bureau, "/admin/leads/category/F03/change/"),
    }
    left = {
        name: found
        for name, html in pages.items()
        if (found := english_in(CODE.sub("", html), allowed=ALLOWED))
    }
    assert left == {}
    outside = {name: outside_in(html) for name, html in pages.items()}
    assert {name: found for name, found in outside.items() if found} == {}


def test_the_front_page_lists_what_waits_for_me(world: World, signed_in: Any) -> None:
    mine = make.reported(world, 1)
    others = make.reported(world, 20)
    desk = make.reported(world, 1, lon=None, lat=None, entity_id=None)
    html = page(signed_in("commissioner-01"), "/admin/")
    assert mine.number in html
    assert others.number not in html
    assert "待接单" in html
    assert desk.number in page(signed_in("bureau"), "/admin/")
    _, order = late_lead(world, 2)
    html = page(signed_in("office-01"), "/admin/")
    assert "待签收督办" in html
    assert reverse("admin:leads_supervisionorder_change", args=[order.pk]) in html


def test_a_community_head_sees_what_waits_to_be_verified(world: World, signed_in: Any) -> None:
    lead = make.fed_back(world, 1)
    html = page(signed_in(world.community_head_of(1).username), "/admin/")
    assert lead.number in html
    assert "待核验" in html


def test_every_entry_of_a_life_has_words(world: World) -> None:
    from kernel.journal.models import Entry

    late_lead(world)
    make.closed(world, 2)
    kinds = set(Entry.objects.filter(stream__startswith="lead:").values_list("kind", flat=True))
    assert {kind for kind in kinds if words.entry_title(kind) == "其他记录"} == set()
    assert words.clock_name("respond_80") == "接单催办（80%）"
    assert words.entry_title("clock.feedback") == "反馈时限已到"


def test_only_get_reaches_the_page_and_nothing_is_deleted(world: World, signed_in: Any) -> None:
    lead = make.reported(world, 1)
    client = signed_in("bureau")
    assert client.post(f"{LEADS}{lead.pk}/change/", {"state": "closed"}).status_code == 405
    assert client.get(f"{LEADS}{lead.pk}/delete/").status_code == 403
    assert client.get(f"{LEADS}{lead.pk}/history/").status_code == 302
    assert client.get(f"{LEADS}99999999/change/", follow=True).status_code == 200
    assert client.get(f"{LEADS}nonsense/change/").status_code == 302


def test_the_front_page_lists_what_is_owed_after_closing_and_to_be_approved(
    world: World, signed_in: Any
) -> None:
    rechecked, asked = after.rechecked(world, 1), requests.asked_to_suspend(world, 2)
    seen = signed_in("worker-01-3").get(f"{LEADS}front/").content.decode()
    assert rechecked.number in seen
    assert "复查待会签" in seen
    head = world.head_of(2).username
    seen = signed_in(head).get(f"{LEADS}front/").content.decode()
    assert "待审批" in seen
    assert Lead.objects.get(pk=asked.subject_id).number in seen
