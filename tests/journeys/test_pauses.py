"""A lead that has to wait: suspended with the head's word, resumed by its date; extended, and who is late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.journeys.phone import Answer, Phone
from tests.journeys.town import Town, clocks, local


def asked(phone: Phone, lead_id: int, kind: str) -> dict[str, Any]:
    """What waits for this person about a lead."""
    found = phone.get("approvals/", waits_for_me="true", subject_id=lead_id).must_be(200).body["results"]
    [one] = [row for row in found if row["kind"] == kind]
    return dict(one)


def decide(phone: Phone, row: dict[str, Any], word: str, note: str = "") -> Answer:
    return phone.post(f"approvals/{row['id']}/{word}/", {"note": note}, if_match=f'"v{row["version"]}"')


def test_suspended_until_a_date_and_handled_on_by_itself(town: Town) -> None:
    town.by_day()
    owner, head = town.commissioner(5), town.office_head(5)
    lead_id = town.report(5)["id"]
    before = owner.act(lead_id, "respond")
    until = town.now() + timedelta(days=2)
    body = {"reason": "test_result", "until": until.isoformat(), "note": "样品已送检"}
    assert town.worker(5).try_act(lead_id, "suspend", body).must_be(403).code == "not_assignee"
    asking = owner.act(lead_id, "suspend", body)
    assert (asking["state"], clocks(asking)["feedback"]["state"]) == ("responded", "running")
    row = asked(head, lead_id, "lead.suspend")
    assert decide(owner, row, "approve").must_be(403).code == "own_request"
    decide(head, row, "approve").must_be(200)

    lead = owner.lead(lead_id)
    assert (lead["state"], local(lead["suspended_until"])) == ("suspended", until)
    assert clocks(lead)["feedback"]["state"] == "paused"
    paused = until - local(lead["suspended_at"])
    assert local(clocks(lead)["feedback"]["due_at"]) == local(clocks(before)["feedback"]["due_at"]) + paused
    assert owner.try_act(lead_id, "feedback", {"disposal": {"kind": "guided", "note": "已改"}}).status == 409

    town.travel_to(until + timedelta(minutes=1))
    lead = owner.lead(lead_id)
    assert (lead["state"], clocks(lead)["feedback"]["state"]) == ("responded", "running")
    assert "leads.suspend_end" in owner.notices(lead_id)
    assert head.orders(lead_id) == []
    town.finish(lead_id, 5)


def test_an_extension_nobody_answered_is_charged_to_the_approver(town: Town) -> None:
    town.by_day()
    owner, head = town.commissioner(6), town.office_head(6)
    lead_id = town.report(6)["id"]
    lead = owner.act(lead_id, "respond")
    due_at = local(clocks(lead)["feedback"]["due_at"])
    body = {"until": (due_at + timedelta(days=3)).isoformat(), "reason": "等待检验报告"}
    lead = owner.act(lead_id, "extend", body)
    assert clocks(lead)["feedback"]["state"] == "paused"
    row = asked(head, lead_id, "lead.extend")

    town.travel_to(local(row["due_at"]) + timedelta(minutes=1))
    lead = owner.lead(lead_id)
    assert [one["state"] for one in lead["approvals"]] == ["lapsed"]
    later = local(clocks(lead)["feedback"]["due_at"])
    assert (clocks(lead)["feedback"]["state"], later) == ("running", due_at + timedelta(hours=2))
    assert decide(head, row | {"version": 2}, "approve").must_be(409).code == "lapsed"
    assert owner.try_act(lead_id, "extend", body).must_be(409).code == "extended_already"

    town.travel_to(later + timedelta(minutes=1))
    [order] = head.orders(lead_id)
    assert (order["cause"], order["late_side"]) == ("feedback", "approver")
    assert order["charged_approval"] == row["id"]
    assert "leads.approver_late" in head.notices(lead_id)
    assert clocks(owner.lead(lead_id))["feedback"]["state"] == "breached"
    head.acknowledge(order["id"], "agree_extension").must_be(200)
    lead = owner.lead(lead_id)
    assert [(one["keeps_breach"], one["clock"]) for one in lead["extensions"]] == [(True, "feedback")]
    assert clocks(lead)["feedback"]["state"] == "breached"
    town.finish(lead_id, 6)


def test_extended_in_time_and_taken_up_again_before_the_date(town: Town) -> None:
    """Both with the head's word: nothing is late, and nobody hears of an order."""
    town.by_day()
    owner, head = town.commissioner(15), town.office_head(15)
    lead_id = town.report(15)["id"]
    lead = owner.act(lead_id, "respond")
    strict = clocks(lead)["feedback"]["due_at"]
    later = local(strict) + timedelta(days=3)
    owner.act(lead_id, "extend", {"until": later.isoformat(), "reason": "等待检验报告"})
    decide(head, asked(head, lead_id, "lead.extend"), "approve").must_be(200)
    lead = owner.lead(lead_id)
    feedback = clocks(lead)["feedback"]
    assert (feedback["state"], local(feedback["due_at"])) == ("running", later)

    body = {"reason": "test_result", "until": (town.now() + timedelta(days=5)).isoformat(), "note": "送检"}
    owner.act(lead_id, "suspend", body)
    decide(head, asked(head, lead_id, "lead.suspend"), "approve").must_be(200)
    stood_from = local(owner.lead(lead_id)["suspended_at"])
    town.pass_time(timedelta(days=2))
    lead = owner.act(lead_id, "resume")
    assert (lead["state"], clocks(lead)["feedback"]["state"]) == ("responded", "running")
    stood = local(clocks(lead)["feedback"]["due_at"]) - later
    assert abs(stood - (town.now() - stood_from)) < timedelta(minutes=1)
    assert local(strict) < town.now()
    assert head.orders(lead_id) == []
    assert clocks(town.finish(lead_id, 15))["feedback"]["state"] == "met"
