"""Ordered to rectify, rechecked, countersigned, looked back at – and back again where it relapsed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kernel.deadlines.policy import end_of_day
from tests.journeys.phone import Lead, Phone
from tests.journeys.town import Town, clocks, local


def ordered(town: Town, number: int, lead_id: int) -> Lead:
    """Taken, ordered to rectify by tomorrow 24:00, verified: closed."""
    owner = town.owner(lead_id)
    if owner.lead(lead_id)["state"] == "dispatched":
        owner.act(lead_id, "respond")
    due_at = end_of_day(town.today() + timedelta(days=1)).isoformat()
    disposal = {"kind": "rectify", "note": "责令次日前清洗油烟机", "rectify_due_at": due_at}
    owner.act(lead_id, "feedback", {"disposal": disposal})
    return town.worker(number, 2).act(lead_id, "verify")


def cleared(town: Town, number: int, lead_id: int) -> Lead:
    town.owner(lead_id).act(lead_id, "recheck", {"passed": True, "note": "已清洗"})
    return town.worker(number, 3).act(lead_id, "recheck/countersign", {"note": "已看过"})


def waiting(phone: Phone, lead_id: int) -> list[dict[str, Any]]:
    found = phone.get("look-backs/", lead=lead_id, state="scheduled").must_be(200).body["results"]
    return sorted(found, key=lambda one: one["due_at"])


def look_back(phone: Phone, one: dict[str, Any], result: str) -> dict[str, Any]:
    said = {"result": result, "note": "到店回头看"}
    done: dict[str, Any] = (
        phone.post(f"look-backs/{one['id']}/complete/", said, if_match=f'"v{one["version"]}"')
        .must_be(200)
        .body
    )
    return done


def test_what_was_rectified_is_looked_back_at_until_it_holds(town: Town) -> None:
    town.by_day()
    worker, owner = town.worker(9), town.commissioner(9)
    lead = town.report(9, category="P02", description="结账时多收钱")
    lead_id = lead["id"]
    closed = ordered(town, 9, lead_id)
    assert (closed["state"], clocks(closed)["recheck"]["state"]) == ("closed", "running")
    assert worker.try_act(lead_id, "recheck", {"passed": True, "note": "我看行"}).status == 403

    town.travel_to(local(clocks(closed)["rectify"]["due_at"]))
    assert "leads.rectify_due" in owner.notices(lead_id)
    town.by_day()
    found = cleared(town, 9, lead_id)
    assert found["cleared_at"] is not None
    first, second = waiting(worker, lead_id)
    assert (first["number"], second["number"]) == (1, 2)
    assert (
        worker.post(
            f"look-backs/{first['id']}/complete/", {"result": "passed", "note": "早"}, if_match='"v1"'
        )
        .must_be(409)
        .code
        == "too_early"
    )

    town.travel_to(local(first["due_at"]) - timedelta(hours=14))
    assert look_back(worker, first, "failed")["state"] == "failed"
    back = owner.lead(lead_id)
    assert (back["state"], back["round"], back["cleared_at"]) == ("responded", 2, None)
    assert (lead["severity"], back["severity"]) == ("MODERATE", "SERIOUS")
    assert [one["state"] for one in back["look_backs"]] == ["failed", "cancelled"]
    assert "leads.reopened" in owner.notices(lead_id)

    ordered(town, 9, lead_id)
    cleared(town, 9, lead_id)
    for one in waiting(worker, lead_id):
        town.travel_to(local(one["due_at"]) - timedelta(hours=14))
        assert look_back(owner, one, "passed")["state"] == "passed"
    last = owner.lead(lead_id)
    assert (last["state"], last["round"], waiting(owner, lead_id)) == ("closed", 2, [])
    assert {kind for kind, one in clocks(last).items() if one["state"] == "running"} <= {"answer"}


def test_what_was_not_rectified_is_handled_again_and_what_is_closed_the_head_may_reopen(town: Town) -> None:
    town.by_day()
    owner, head = town.commissioner(12), town.office_head(12)
    lead_id = town.report(12, category="P02", description="没有明码标价")["id"]
    ordered(town, 12, lead_id)
    corrected = owner.act(lead_id, "correction", {"note": "店家说已经贴上"})
    assert clocks(corrected)["recheck"]["state"] == "running"
    again = owner.act(lead_id, "recheck", {"passed": False, "note": "没有贴"})
    assert (again["state"], again["round"], again["cleared_at"]) == ("responded", 2, None)
    assert waiting(owner, lead_id) == []
    assert clocks(again)["feedback"]["state"] == "running"
    town.finish(lead_id, 12)

    assert owner.try_act(lead_id, "reopen", {"reason": "又不贴了"}).must_be(403).code == "not_office_head"
    third = head.act(lead_id, "reopen", {"reason": "又不贴了"})
    assert (third["state"], third["round"], third["reopen_count"]) == ("responded", 3, 2)
    assert "leads.reopened" in owner.notices(lead_id)
    last = town.finish(lead_id, 12)
    assert {s["cycle"] for s in last["signatures"] if s["stage"] == "result"} == {1, 2, 3}
