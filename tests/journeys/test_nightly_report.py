"""The night's SLA report counts the day truthfully, exactly once, and makes up what downtime missed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from kernel.journal.models import Seal
from leads.models import Lead
from reports.models import ReportRun, SlaReport
from tests.journeys.test_desk import NOWHERE
from tests.journeys.town import Town, clocks, local
from tests.stack import wait_until

DISPOSAL = {"disposal": {"kind": "guided", "note": "已当场提醒并改正"}}


@pytest.fixture(autouse=True)
def nothing_left_open(town: Town) -> None:
    """What stands open at 24:00 is counted: a journey that failed before has left something behind."""
    assert list(Lead.objects.open().values_list("number", flat=True)) == []


def a_mixed_day(town: Town) -> dict[str, dict[str, Any]]:
    """One lead of each fate, all reported on this day and before the evening."""
    day = {
        "on_time": town.report(1),
        "late": town.report(2),
        "food": town.report(3, category="F02"),
        "food_late": town.report(4, category="F03"),
        "reworked": town.report(5),
        "desk": town.report(6, location=NOWHERE),
    }
    for name in ("on_time", "food", "food_late", "reworked"):
        town.owner(day[name]["id"]).act(day[name]["id"], "respond")
    town.finish(day["on_time"]["id"], 1)
    town.finish(day["food"]["id"], 3)
    owner = town.commissioner(5)
    owner.act(day["reworked"]["id"], "feedback", DISPOSAL)
    town.worker(5).act(day["reworked"]["id"], "rework", {"reason": "还没有改正"})
    town.finish(day["reworked"]["id"], 5)
    town.travel_to(local(clocks(day["late"])["respond"]["due_at"]))
    [order] = town.office_head(2).orders(day["late"]["id"])
    town.office_head(2).acknowledge(order["id"], "finish_today").must_be(200)
    town.community_head(2).acknowledge(order["id"], "finish_today").must_be(200)
    town.finish(day["late"]["id"], 2)
    return day


EXPECTED = {
    "reported": 6, "desk": 1, "desk_late": 1,
    "respond_counted": 6, "responded_on_time": 4, "response_on_time_rate": 0.6667,
    "feedback_counted": 4, "fed_back_on_time": 4, "feedback_on_time_rate": 1.0,
    "closed": 4, "closure_rate": 0.6667, "fed_back": 4, "reworked": 1, "reworks": 1, "rework_rate": 0.25,
    "food": 2, "food_same_day": 1, "same_day_rate": 0.5,
    "orders_raised": 1, "orders_lifted": 1, "orders_escalated": 0, "pending": 2,
    "mature": 0, "mature_closure_rate": None, "fixed_on_spot": 0, "verified_in_stead": 0,
}  # fmt: skip


def made(town: Town, day: date) -> dict[str, Any]:
    """The report of a day, once the worker has made it."""
    wait_until(lambda: SlaReport.objects.filter(date=day).exists(), within_s=30, what=f"the report of {day}")
    found: dict[str, Any] = town.bureau.get("reports/sla/", date=day.isoformat()).must_be(200).body
    return found


def test_the_report_of_the_night_counts_the_day_exactly_once(town: Town) -> None:
    day = town.new_day()
    leads = a_mixed_day(town)
    early = town.bureau.get("reports/sla/", date=day.isoformat())
    assert early.must_be(404).code == "no_report"
    town.travel_to(town.next_time(0, 11))
    for _ in range(4):
        town.send_task("reports.catch_up")
    report = made(town, day)

    assert {name: report["figures"][name] for name in EXPECTED} == EXPECTED
    lines = {line["code"]: line for line in report["lines"] if line["level"] == "grid"}
    for number, on_time in ((1, 1), (2, 0), (3, 1), (5, 1)):
        line = lines[town.world.grid(number).code]
        assert (line["reported"], line["responded_on_time"], line["closed"]) == (1, on_time, 1)
    assert lines[""]["desk_late"] == 1, "what no rule placed is nobody's grid, and is counted"
    assert sum(line["reported"] for line in lines.values()) == 6
    [bureau] = [line for line in report["lines"] if line["level"] == "bureau"]
    offices = [line for line in report["lines"] if line["level"] == "office"]
    assert bureau["reported"] == 6
    assert sum(line["reported"] for line in offices) == 5
    assert {(one["lead"], one["clock"]) for one in report["overdue"]} >= {(leads["desk"]["id"], "desk")}
    raised = [one["lead"] for one in report["orders"] if local(one["raised_at"]).date() == day]
    assert raised == [leads["late"]["id"]], "beside older ones that nobody has acknowledged yet"
    assert report["text_zh"]

    seal = Seal.objects.order_by("-id")[0]
    assert (report["seal"]["number"], report["seal"]["hash"]) == (seal.pk, seal.hash)
    assert "留痕完好" in town.stack.manage("verify_journal")
    sheet = town.bureau.get("reports/sla.xlsx", date=day.isoformat()).must_be(200)
    assert sheet.content[:2] == b"PK"
    assert (
        town.worker(1).get("reports/sla/", date=day.isoformat()).must_be(200).body["figures"]["reported"] == 1
    )
    assert town.phone("police").get("reports/sla/").must_be(403).code == "no_report_for_role"

    town.travel_to(town.next_time(7, 31))
    for _ in range(3):
        town.send_task("reports.catch_up")
    wait_until(lambda: ReportRun.objects.filter(kind=ReportRun.Kind.SLA_TOLD, date=day).exists(),
               within_s=30, what="the report to be told")  # fmt: skip
    found = town.bureau.get("notices/", page_size=200).body["results"]
    assert [day.isoformat() in one["title"] for one in found if one["template"] == "reports.sla"].count(
        True
    ) == 1
    assert SlaReport.objects.filter(date=day).count() == 1
    assert ReportRun.objects.filter(date=day).count() == 2
    assert made(town, day) == report, "later acts and later questions change no kept report"

    bureau_phone, commissioner = town.bureau, town.world.users["commissioner-06"].pk
    body = {"assignee": commissioner, "grid": town.world.grid(6).code, "reason": "按描述"}
    bureau_phone.act(leads["desk"]["id"], "dispatch", body)
    town.finish(leads["desk"]["id"], 6)
    town.finish(leads["food_late"]["id"], 4)
    assert made(town, day) == report


def test_reports_missed_while_beat_was_stopped_are_made_up(town: Town) -> None:
    town.stack.stop("beat")
    first = town.new_day()
    kept = SlaReport.objects.filter(date__gte=first).count()
    one = town.report(7)
    town.finish(one["id"], 7)
    second = town.new_day()
    assert second - first == timedelta(days=1)
    two = [town.report(8), town.report(8, category="F04", description="无健康证")]
    for lead in two:
        town.owner(lead["id"]).act(lead["id"], "respond")
    town.finish(two[1]["id"], 8)
    town.new_day()
    assert SlaReport.objects.filter(date__gte=first).count() == kept
    assert town.bureau.get("reports/sla/", date=first.isoformat()).must_be(404).code == "no_report"

    town.stack.start("beat")
    for _ in range(2):
        town.send_task("reports.catch_up")
    figures = made(town, second)["figures"]
    assert (figures["reported"], figures["closed"], figures["pending"], figures["food_same_day"]) == (
        2,
        1,
        1,
        1,
    )
    figures = made(town, first)["figures"]
    assert (figures["reported"], figures["closed"], figures["pending"]) == (1, 1, 0)
    assert SlaReport.objects.filter(date__in=[first, second]).count() == 2
    wait_until(lambda: ReportRun.objects.filter(kind=ReportRun.Kind.SLA_TOLD, date=second).exists(),
               within_s=30, what="both reports to be told")  # fmt: skip
    told = [
        n
        for n in town.bureau.get("notices/", page_size=200).body["results"]
        if n["template"] == "reports.sla"
    ]
    assert second.isoformat() in told[0]["title"]
    assert "补做" in told[0]["body"], "one notice for all that was made up"
    town.finish(two[0]["id"], 8)
