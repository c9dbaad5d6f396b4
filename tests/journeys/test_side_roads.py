"""Short side roads over HTTP: put right on the spot, merged and taken back, handed over, passed on."""

from __future__ import annotations

from datetime import timedelta

from tests.journeys.town import Town, clocks, local

GUIDED = {"disposal": {"kind": "guided", "note": "当场挂好执照"}}


def test_put_right_while_the_worker_stood_there(town: Town) -> None:
    town.by_day()
    lead_id = town.report(10, fixed_on_spot=True)["id"]
    settled = town.commissioner(10).act(lead_id, "settle", GUIDED)
    assert (settled["state"], settled["missing_signatures"]) == ("fed_back", ["result:community"])
    again = town.commissioner(10).try_act(lead_id, "settle", GUIDED).must_be(200)
    assert again.body["version"] == settled["version"]
    assert town.finish(lead_id, 10)["settled_at"] is not None


def test_two_reports_of_one_thing(town: Town) -> None:
    """Merged after the older was late, taken back, and late all the same."""
    town.by_day()
    old = town.report(11, description="占道摆摊")
    town.travel_to(local(clocks(old)["respond"]["due_at"]))
    owner, clerk = town.commissioner(11), town.clerk(11)
    young = town.report(11, description="占道摆摊", by=town.worker(11, 2))
    assert old["id"] in [one["id"] for one in young["possible_duplicates"]]
    merged = owner.act(old["id"], "merge", {"into": young["id"], "reason": "同一摊点"})
    assert (merged["state"], merged["merged_into"]) == ("merged", young["id"])
    assert clocks(merged)["respond"]["state"] == "breached"
    assert [one["cause"] for one in owner.orders(old["id"])] == ["respond"]
    survivor = owner.lead(young["id"])
    assert survivor["reported_at"] == old["reported_at"]
    assert [one["id"] for one in survivor["merged"]] == [old["id"]]
    assert clocks(survivor)["feedback"]["due_at"] == clocks(old)["feedback"]["due_at"]

    back = clerk.act(old["id"], "unmerge", {"reason": "是两家摊"})
    assert back["state"] == "dispatched"
    assert clocks(back)["feedback"]["due_at"] == clocks(old)["feedback"]["due_at"]
    assert owner.lead(young["id"])["reported_at"] == young["reported_at"]
    for lead_id in (old["id"], young["id"]):
        town.finish(lead_id, 11)


def test_handed_over_with_a_receipt_and_answered(town: Town) -> None:
    town.by_day()
    owner = town.commissioner(12)
    lead_id = town.report(12, category="A04", description="有人拉人头卖课")["id"]
    owner.act(lead_id, "respond")
    disposal = {"kind": "handed_over", "note": "涉嫌传销，移交公安", "department": "police"}
    sent = owner.act(lead_id, "feedback", {"disposal": disposal})
    assert sent["waits_for_receipt"] is True
    closed = town.worker(12, 2).act(lead_id, "verify")
    town.travel_to(local(clocks(closed)["referral_receipt"]["due_at"]))
    assert "leads.referral_receipt_late" in owner.notices(lead_id)
    received = town.clerk(12).act(lead_id, "receipt", {"number": "公受12号"})
    assert (received["waits_for_receipt"], received["referrals"][0]["state"]) == (False, "waits_for_reply")
    replied = owner.act(lead_id, "reply", {"reply": "已立案"})
    assert replied["referrals"][0]["state"] == "replied"


def test_who_is_related_passes_it_on_and_an_interim_word_is_kept(town: Town) -> None:
    town.by_day()
    first = town.commissioner(13)
    lead_id = town.report(13, category="Q04", description="玩具没有 3C 标志")["id"]
    passed_on = first.act(lead_id, "recuse", {"reason": "店主是我亲属"})
    assert passed_on["state"] == "dispatched"
    assert passed_on["assignee"]["username"] != "commissioner-13"
    assert first.try_act(lead_id, "respond").must_be(403).code == "recused"
    owner = town.owner(lead_id)
    owner.act(lead_id, "respond")
    promised = (town.now() + timedelta(days=2)).isoformat()
    said = {"done": "已抽样", "remaining": "等候检验", "final_due_at": promised}
    given = owner.act(lead_id, "interim-feedback", said)
    assert (clocks(given)["feedback"]["state"], clocks(given)["final"]["state"]) == ("met", "running")
    town.travel_to(local(clocks(given)["final"]["due_at"]))
    [order] = owner.orders(lead_id)
    assert order["cause"] == "final"
    town.finish(lead_id, 13)
