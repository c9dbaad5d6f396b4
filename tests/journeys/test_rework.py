"""A result sent back: a round of its own, with its own clock and its own signatures."""

from __future__ import annotations

from tests.journeys.town import Town, clocks, slots


def test_a_result_that_does_not_hold_is_handled_again(town: Town) -> None:
    town.by_day()
    commissioner, worker = town.commissioner(3), town.worker(3)
    lead_id = town.report(3, category="P02", description="结账时多收钱")["id"]
    commissioner.act(lead_id, "respond", {"plan": "by_phone", "note": "先电话核实"})
    first = commissioner.act(lead_id, "feedback", {"disposal": {"kind": "guided", "note": "已电话提醒"}})
    assert first["missing_signatures"] == ["result:community"]
    assert clocks(first)["feedback"]["state"] == "met"

    assert worker.try_act(lead_id, "rework", {"reason": ""}).status == 400
    assert commissioner.try_act(lead_id, "rework", {"reason": "再办"}).must_be(403).code == "not_verifier"
    back = worker.act(lead_id, "rework", {"reason": "价签仍未更正"})
    assert (back["state"], back["round"], back["disposal"]) == ("responded", 2, None)
    assert back["missing_signatures"] == ["result:office", "result:community"]
    again = clocks(back)["feedback"]
    assert (again["state"], again["cycle"]) == ("running", 2)
    assert {kind for kind, one in clocks(back).items() if one["state"] == "cancelled"} >= {
        "verify",
        "verify_stead",
    }
    assert "leads.reworked" in commissioner.notices(lead_id)
    assert worker.try_act(lead_id, "verify").must_be(409).code == "wrong_state"

    second = commissioner.act(lead_id, "feedback", {"disposal": {"kind": "guided", "note": "价签已当场更正"}})
    assert second["disposal"]["round"] == 2
    lead = town.worker(3, 2).act(lead_id, "verify", {"method": "on_site"})
    assert (lead["state"], lead["missing_signatures"]) == ("closed", [])
    assert slots(lead) >= {
        ("result", "office", 1, "commissioner-03"),
        ("result", "office", 2, "commissioner-03"),
        ("result", "community", 2, "worker-03-2"),
    }
    assert ("result", "community", 1) not in {one[:3] for one in slots(lead)}
    assert len(lead["signatures"]) == 7
