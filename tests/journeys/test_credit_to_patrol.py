"""Businesses come from a file (11,000 in the long form) and are graded; one falls, is called on, and rises.

Over HTTP, against real processes: the worker grades, the plan follows, the explanation can be handed over.
"""

from __future__ import annotations

import io
import uuid
from datetime import date, timedelta
from typing import Any

import pytest
import xlsxwriter

from credit import movement
from grids.demo import demo_uscc
from grids.models import EntityKind
from kernel.deadlines.policy import end_of_day
from tests.journeys.phone import Phone
from tests.journeys.test_rectify_to_look_back import cleared, look_back, waiting
from tests.journeys.town import Town, local
from tests.stack import wait_until

GRIDS, HERE = 21, 16
FIRST = 60_000
"""Numbers of these shops' codes: nobody else's in the town."""
STEP = 0.00004
"""Degrees between two shops: some 4 metres."""
HEADS = ("名称", "统一社会信用代码", "主体类型", "业态", "经营者", "经营地址", "经度", "纬度", "成立日期")


def register(town: Town, count: int) -> bytes:
    """So many restaurants, spread over the 21 grids."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, HEADS)
        middles = [town.world.point_in(number) for number in range(1, GRIDS + 1)]
        for number in range(count):
            (lon, lat), place = middles[number % GRIDS], number // GRIDS
            page.write_row(
                number + 1, 0,
                [
                    f"桃乡饭店{number:05d}", demo_uscc(FIRST + number, EntityKind.INDIVIDUAL), "个体工商户",
                    "餐饮", "张三", f"新城路{number}号", round(lon + place % 23 * STEP, 6),
                    round(lat + place // 23 * STEP, 6), "2020-01-31",
                ],
            )  # fmt: skip
    return out.getvalue()


def facts(*rows: tuple[str, str, str, str, date], code: str) -> bytes:
    head = "统一社会信用代码或一店一码,事实,程度,编号,说明,发生日期"
    lines = [f"{code},{kind},{level},{number},{what},{day}" for kind, level, number, what, day in rows]
    return "\n".join([head, *lines]).encode()


def hand_in(phone: Phone, path: str, content: bytes, *, name: str) -> dict[str, Any]:
    """A file: tried, then carried out."""
    told: dict[str, Any] = {}
    for dry_run in ("true", "false"):
        told = phone.hand_in(path, content, name=name, dry_run=dry_run).must_be(200).body
        assert told["errors"] == [], told["errors"][:5]
    return told


def credit(phone: Phone, entity: int) -> dict[str, Any]:
    told: dict[str, Any] = phone.get(f"entities/{entity}/credit/").must_be(200).body
    return told


def graded(phone: Phone, entity: int, grade: str, total: str) -> dict[str, Any]:
    """The credit of a shop once the worker has graded it so."""

    def stands() -> bool:
        standing = credit(phone, entity)["standing"] or {}
        return (standing.get("effective_grade"), standing.get("total")) == (grade, total)

    try:
        wait_until(stands, within_s=20, what=f"grade {grade} with {total}")
    except AssertionError as late:
        told = credit(phone, entity)
        raise AssertionError(f"{late}\n{told['standing']}\n{told['text']}") from late
    return credit(phone, entity)


def tasks(phone: Phone, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        phone.get("patrols/tasks/", page_size=200, **query).must_be(200).body["results"]
    )
    return found


def night(town: Town, phone: Phone, entity: int) -> None:
    """What beat sends at night: all are graded, the day is planned."""
    today = town.today().isoformat()
    town.send_task("credit.nightly")
    wait_until(
        lambda: phone.get("credit/assessments/", entity=entity).status == 200, within_s=5, what="an answer"
    )
    town.send_task("patrols.nightly")
    wait_until(
        lambda: any(one["for_date"] == today for one in phone.get("patrols/plans/").body["results"]),
        within_s=60,
        what=f"the plan of {today}",
    )


@pytest.mark.parametrize("count", [330, pytest.param(11_000, marks=pytest.mark.long)])
def test_a_register_is_graded_and_a_shop_falls_is_called_on_and_rises(town: Town, count: int) -> None:
    town.new_day()
    bureau, clerk = town.bureau, town.clerk(HERE)
    told = hand_in(bureau, "entities/import/", register(town, count), name="经营主体.xlsx")
    assert (told["rows"], told["created"], told["state"]) == (count, count, "DONE")
    code = demo_uscc(FIRST + HERE - 1, EntityKind.INDIVIDUAL)
    shop = bureau.get("entities/", uscc=code).must_be(200).body["results"][0]
    entity = shop["id"]
    assert shop["grid"] == town.world.grid(HERE).code
    wait_until(
        lambda: bureau.get("entities/", grade="B", count="exact", page_size=1).body["count"] >= count,
        within_s=60,
        what="all to be graded",
    )

    worker = town.worker(HERE)
    seen = {"entity": entity, "client_uid": str(uuid.uuid4()), "result": "ok", "reason": "新店首次走访"}
    worker.post("patrols/visits/", seen).must_be(201)
    ago = [town.today() - timedelta(days=days) for days in (40, 60, 200)]
    penal = facts(
        ("行政处罚", "一般", f"罚{entity}", "经营超过保质期的食品", ago[0]),
        ("抽检", "", f"样{entity}", "酱牛肉菌落总数超标", ago[1]),
        ("年报", "逾期", str(ago[2].year - 1), "", ago[2]),
        code=code,
    )
    hand_in(clerk, "credit/facts/import/", penal, name="事实.csv")
    graded(bureau, entity, "B", "76.00")
    night(town, bureau, entity)
    assert {one["kind"] for one in tasks(bureau, entity=entity, state="PLANNED")} >= {"MONTHLY_PATROL"}

    falls(town, entity)
    text = rises(town, entity, code)
    for said in (
        "执行等级：B级，自",
        "测算得分77.00分",
        "“无证经营食品”（严重），已按期整改，减半扣分，扣3分，计入至",
        "“酱牛肉菌落总数超标”不合格",
        "参加培训“餐饮食品安全培训”",
        "可自评定之日",
        "申诉",
    ):
        assert said in text, text


def falls(town: Town, entity: int) -> None:
    """A serious finding, ordered to be put right: within seconds C, daily patrols and weekly checks."""
    bureau, worker = town.bureau, town.worker(HERE)
    lead_id = town.report(HERE, category="F01", description="后厨无证加工凉菜", entity=entity)["id"]
    owner = town.owner(lead_id)
    owner.act(lead_id, "respond")
    due_at = end_of_day(town.today() + timedelta(days=1)).isoformat()
    owner.act(
        lead_id,
        "feedback",
        {"disposal": {"kind": "rectify", "note": "责令停止加工凉菜", "rectify_due_at": due_at}},
    )
    town.worker(HERE, 2).act(lead_id, "verify")
    told = graded(bureau, entity, "C", "73.00")
    assert "“无证经营食品”（严重），尚在整改期限内" in told["text"], told["text"]
    today = town.today().isoformat()

    def planned() -> bool:
        found = tasks(bureau, entity=entity, state="PLANNED")
        return {"DAILY_PATROL", "WEEKLY_CHECK"} <= {one["kind"] for one in found} and not any(
            one["kind"] == "MONTHLY_PATROL" for one in found
        )

    wait_until(planned, within_s=10, what="daily patrols and weekly checks")
    daily = next(one for one in tasks(bureau, entity=entity, kind="DAILY_PATROL", state="PLANNED"))
    walker = town.phone(daily["assignee"]["username"])
    day = tasks(walker, day=daily["planned_on"], mine="true")
    assert entity in [one["entity"]["id"] for one in day]
    walk = [one["sequence"] for one in day if one["planned_on"] == daily["planned_on"]]
    assert walk == sorted(walk), (today, walk)
    assert daily["notice"], daily
    assert "入店" in daily["contact_line"], daily
    is_put_right(town, lead_id, worker)


def is_put_right(town: Town, lead_id: int, worker: Phone) -> None:
    """Proof before the ordered date, a recheck that passes, a look-back that passes."""
    worker.act(lead_id, "correction", {"note": "已停止加工凉菜，设备已搬离"})
    cleared(town, HERE, lead_id)
    first, _ = waiting(worker, lead_id)
    town.travel_to(local(first["due_at"]) - timedelta(hours=14))
    assert look_back(worker, first, "passed")["state"] == "passed"


def rises(town: Town, entity: int, code: str) -> str:
    """After sixty days, at the next review: one step. What it says then."""
    bureau = town.bureau
    stands = credit(bureau, entity)["standing"]
    since = date.fromisoformat(stands["effective_since"])
    good = facts(
        ("信用承诺", "", "", "食品安全承诺书", town.today()),
        ("参加培训", "", "", "餐饮食品安全培训", town.today()),
        code=code,
    )
    hand_in(town.clerk(HERE), "credit/facts/import/", good, name="共治.csv")
    graded(bureau, entity, "C", "77.00")
    review = movement.next_review("C", since + timedelta(days=59))
    town.sleep_until(end_of_day(review - timedelta(days=1)) + timedelta(hours=9))
    town.send_task("credit.nightly")
    told = graded(town.phone("bureau"), entity, "B", "77.00")
    assert told["standing"]["effective_since"] == review.isoformat(), told["text"]
    text: str = told["text"]
    return text
