"""Leads that are not what they seemed: rejected with the other side's word, and put into their category."""

from __future__ import annotations

from datetime import timedelta

from tests.journeys.test_pauses import asked, decide
from tests.journeys.town import Town, clocks, local


def test_rejected_by_the_head_after_the_grid_worker_said_no(town: Town) -> None:
    town.by_day()
    owner, worker, head = town.commissioner(7), town.worker(7, 2), town.office_head(7)
    lead_id = town.report(7)["id"]
    body = {"reason": "no_such_place", "note": "沿街查过，没有这家店"}
    assert owner.try_act(lead_id, "reject", {"reason": "untrue"}).must_be(400).code == "ground_required"
    lead = owner.act(lead_id, "reject", body)
    assert (lead["state"], clocks(lead)["respond"]["state"]) == ("dispatched", "running")
    decide(worker, asked(worker, lead_id, "lead.reject"), "refuse", "店在二楼").must_be(200)
    row = asked(head, lead_id, "lead.reject_head")
    assert "店在二楼" in row["reason"]
    decide(head, row, "approve").must_be(200)
    lead = owner.lead(lead_id)
    assert (lead["state"], lead["rejection"]["reason"]) == ("rejected", "no_such_place")
    assert set(clocks(lead)) == set(clocks(lead, "cancelled"))
    assert "leads.rejected" in town.worker(7).notices(lead_id)
    assert owner.try_act(lead_id, "respond").status == 409


def test_what_turns_out_to_be_food_was_due_the_day_it_was_found(town: Town) -> None:
    town.by_day()
    owner, worker = town.commissioner(8), town.worker(8)
    lead_id = town.report(8, category="00", description="门口有一股怪味")["id"]
    lead = owner.act(lead_id, "respond")
    due_at = clocks(lead)["same_day"]["due_at"]
    lead = owner.act(lead_id, "reclassify", {"category": "F03", "reason": "后厨有虫鼠"})
    assert (lead["category"], lead["food"], clocks(lead)["same_day"]["due_at"]) == ("F03", True, due_at)
    lead = owner.act(lead_id, "reclassify", {"category": "L01", "reason": "只是没亮照"})
    assert (lead["category"], lead["food"]) == ("F03", True)
    town.travel_to(local(due_at) + timedelta(minutes=1))
    decide(worker, asked(worker, lead_id, "lead.reclassify_out_of_food"), "approve").must_be(200)
    lead = owner.lead(lead_id)
    assert (lead["category"], lead["food"], lead["was_food"]) == ("L01", False, True)
    assert clocks(lead)["same_day"]["state"] == "breached"
    [order] = town.office_head(8).orders(lead_id)
    assert (order["cause"], order["late_side"]) == ("same_day", "office")
    for supervisor in (town.office_head(8), town.community_head(8)):
        supervisor.acknowledge(order["id"], "finish_today").must_be(200)
    town.finish(lead_id, 8)


def test_food_that_is_called_unclear_is_due_that_day_until_it_is_sorted(town: Town) -> None:
    town.by_day()
    owner, worker = town.commissioner(15), town.worker(15)
    lead_id = town.report(15, category="F04", description="厨师没有健康证")["id"]
    lead = owner.act(lead_id, "respond")
    due_at = clocks(lead)["same_day"]["due_at"]
    for category, reason in (("00", "看不清是什么"), ("L01", "只是没亮照")):
        lead = owner.act(lead_id, "reclassify", {"category": category, "reason": reason})
        assert (lead["category"] != category, clocks(lead)["same_day"]["due_at"]) == (True, due_at)
        decide(worker, asked(worker, lead_id, "lead.reclassify_out_of_food"), "approve").must_be(200)
    lead = owner.lead(lead_id)
    assert (lead["category"], lead["food"], lead["was_food"]) == ("L01", False, True)
    assert clocks(lead)["same_day"]["state"] == "cancelled"
    town.finish(lead_id, 15)


def test_rejected_with_the_grid_workers_word(town: Town) -> None:
    town.by_day()
    owner, worker = town.commissioner(16), town.worker(16, 2)
    lead_id = town.report(16)["id"]
    owner.act(lead_id, "respond")
    owner.act(lead_id, "reject", {"reason": "untrue", "note": "现场照常亮照"})
    decide(worker, asked(worker, lead_id, "lead.reject"), "approve").must_be(200)
    lead = owner.lead(lead_id)
    assert (lead["state"], lead["rejection"]["reason"]) == ("rejected", "untrue")
    assert [one["kind"] for one in lead["approvals"]] == ["lead.reject"]


def test_where_the_grid_worker_is_silent_the_head_decides_and_what_was_late_stays_late(town: Town) -> None:
    town.by_day()
    owner, head = town.commissioner(17), town.office_head(17)
    lead_id = town.report(17)["id"]
    owner.act(lead_id, "respond")
    owner.act(lead_id, "reject", {"reason": "untrue", "note": "现场照常亮照"})
    town.pass_time(timedelta(hours=24, minutes=2))
    assert clocks(owner.lead(lead_id))["feedback"]["state"] == "breached"
    row = asked(head, lead_id, "lead.reject_head")
    assert "逾期未确认" in row["reason"]
    [order] = head.orders(lead_id)
    for supervisor in (head, town.community_head(17)):
        supervisor.acknowledge(order["id"], "finish_today").must_be(200)
    decide(head, row, "approve").must_be(200)
    lead = owner.lead(lead_id)
    assert (lead["state"], clocks(lead)["feedback"]["state"]) == ("rejected", "breached")
    assert [one["state"] for one in lead["approvals"]] == ["lapsed", "approved"]
    assert head.orders(lead_id)[0]["state"] == "lifted"
