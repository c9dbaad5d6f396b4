"""Handling that runs late: 催办, 双督办 with two acknowledgements, escalation to the bureau."""

from __future__ import annotations

from datetime import timedelta

from kernel import clock
from tests.journeys.phone import Phone
from tests.journeys.town import Town, clocks, local, slots

MINUTE = timedelta(minutes=1)


def test_late_in_responding_until_both_have_acknowledged_and_the_order_is_lifted(town: Town) -> None:
    town.by_day()
    owner, head, secretary = town.commissioner(4), town.office_head(4), town.community_head(4)
    lead = town.report(4)
    lead_id = lead["id"]
    due_at = local(clocks(lead)["respond"]["due_at"])
    assert due_at - local(lead["reported_at"]) == 30 * MINUTE

    town.travel_to(local(clocks(lead)["respond_80"]["due_at"]))
    for nudged in (owner, head):
        assert nudged.notices(lead_id)[-1] == "leads.respond_80"
    assert "leads.respond_80" not in secretary.notices(lead_id)
    assert owner.orders(lead_id) == []

    almost = int((due_at - town.now()) / MINUTE)
    assert "kernel_now()" in town.stack.manage("travel", f"+{almost}m")
    town.travel_to(due_at)
    seen = owner.lead(lead_id)
    respond = clocks(seen)["respond"]
    assert (respond["state"], respond["closed_at"]) == ("breached", respond["due_at"])
    [order] = head.orders(lead_id)
    assert (order["cause"], order["level"], order["state"]) == ("respond", "office", "open")
    assert (order["late_side"], order["acknowledgements"]) == ("office", [])
    assert timedelta() <= local(order["raised_at"]) - due_at < MINUTE
    assert "leads.respond_late" in owner.notices(lead_id)
    for addressed in (head, secretary):
        assert "leads.order_respond" in addressed.notices(lead_id)
        assert addressed.get("me").body["open_tasks"]["acknowledge"] >= 1

    refused = owner.acknowledge(order["id"], "go_myself")
    assert refused.must_be(403).code == "not_supervisor"
    assert head.acknowledge(order["id"], "other").must_be(400).code == "note_required"
    first = head.acknowledge(order["id"], "finish_today").must_be(200).body
    assert (first["state"], [a["side"] for a in first["acknowledgements"]]) == ("open", ["office"])
    again = head.post(
        f"supervision-orders/{order['id']}/acknowledge/",
        {"instruction": "finish_today"}, if_match='"v1"',
    )  # fmt: skip
    assert again.must_be(200).body == first
    both = secretary.acknowledge(order["id"], "other", "请专员今天上午到场").must_be(200).body
    assert {a["side"]: a["instruction"] for a in both["acknowledgements"]} == {
        "office": "finish_today", "community": "other",
    }  # fmt: skip
    assert both["state"] == "open", "it is lifted only when the lead has moved on"
    assert owner.notices(lead_id).count("leads.order_acknowledged") == 2

    answered = owner.act(lead_id, "respond", {"plan": "on_my_way"})
    assert clocks(answered)["respond"]["state"] == "breached", "what was late stays late"
    [lifted] = head.orders(lead_id)
    assert (lifted["state"], lifted["level"]) == ("lifted", "office")
    assert lifted["lifted_at"] is not None
    town.pass_time(timedelta(hours=2, minutes=5))
    assert head.orders(lead_id) == [lifted]
    assert town.bureau.get("leads/", overdue="true", grid=lead["grid"]).body["results"] == []
    town.finish(lead_id, 4)


def test_late_in_feedback_and_nobody_acknowledges_so_the_bureau_takes_it_up(town: Town) -> None:
    town.by_day()
    owner, head, secretary = town.commissioner(5), town.office_head(5), town.community_head(5)
    lead_id = town.report(5, category="A01", description="商家夸大宣传")["id"]
    lead = owner.act(lead_id, "respond", {"plan": "appointment"})
    due_at = local(clocks(lead)["feedback"]["due_at"])
    assert due_at - local(lead["reported_at"]) == timedelta(hours=24)

    town.travel_to(local(clocks(lead)["feedback_80"]["due_at"]))
    assert owner.notices(lead_id)[-1] == "leads.feedback_80"
    town.travel_to(due_at)
    [order] = secretary.orders(lead_id)
    assert (order["cause"], order["level"]) == ("feedback", "office")
    assert "leads.order_escalated" not in town.bureau.notices(lead_id)

    town.travel_to(local(order["raised_at"]) + timedelta(hours=2))
    [order] = town.bureau.orders(lead_id)
    assert (order["level"], order["state"], order["acknowledgements"]) == ("bureau", "open", [])
    assert local(order["escalated_at"]) - local(order["raised_at"]) < timedelta(hours=2, minutes=1)
    for told in (town.bureau, head, secretary, owner):
        assert told.notices(lead_id).count("leads.order_escalated") == 2, "one for each silent side"
    kinds = [one["kind"] for one in head.get(f"leads/{lead_id}/timeline/").body["entries"]]
    assert kinds[-5:].count("order.escalated") == 2

    lead = owner.act(lead_id, "feedback", {"disposal": {"kind": "guided", "note": "已调解退货"}})
    assert clocks(lead)["feedback"]["state"] == "breached"
    [order] = town.bureau.orders(lead_id)
    assert order["state"] == "open", "both sides still owe their word"
    head.acknowledge(order["id"], "finish_today").must_be(200)
    done = secretary.acknowledge(order["id"], "finish_today").must_be(200).body
    assert (done["state"], done["level"]) == ("lifted", "bureau")
    town.finish(lead_id, 5)


def test_a_response_in_the_last_seconds_is_on_time_and_one_just_after_is_late(town: Town) -> None:
    """Receipt decides; what the sweep has not seen yet is fired by the response itself, and once."""
    town.by_day()
    owner, head = town.commissioner(6), town.office_head(6)
    in_time, too_late = (town.report(6, description=text) for text in ("差十秒", "过了一瞬"))
    due_at = local(clocks(in_time)["respond"]["due_at"])
    seen = owner.get(f"leads/{in_time['id']}/").etag
    town.travel_to(due_at - timedelta(seconds=10))
    met = owner.post(f"leads/{in_time['id']}/respond/", {}, if_match=seen).must_be(200).body
    assert clocks(met)["respond"]["state"] == "met"

    due_at = local(clocks(too_late)["respond"]["due_at"])
    seen = owner.get(f"leads/{too_late['id']}/").etag
    clock.set_to(due_at + timedelta(milliseconds=1))
    late = owner.post(f"leads/{too_late['id']}/respond/", {}, if_match=seen).must_be(200).body
    respond = clocks(late)["respond"]
    assert (respond["state"], respond["closed_at"]) == ("breached", respond["due_at"])
    assert head.orders(in_time["id"]) == []
    assert [one["cause"] for one in head.orders(too_late["id"])] == ["respond"]
    assert owner.notices(too_late["id"]).count("leads.respond_late") == 1
    for one in (in_time, too_late):
        town.finish(one["id"], 6)


def test_a_late_lead_is_given_to_another_who_has_a_clock_of_his_own(town: Town) -> None:
    """Its first owner was late in responding, and that it stays: in its clock, its order and its figures."""
    town.by_day()
    number = 6
    owner, head, clerk = town.commissioner(number), town.office_head(number), town.clerk(number)
    lead = town.report(number, category="C03", description="会员合同有霸王条款")
    lead_id = lead["id"]
    town.travel_to(local(clocks(lead)["respond"]["due_at"]))
    [late] = head.orders(lead_id)
    assert (late["cause"], late["state"]) == ("respond", "open")
    owner.act(lead_id, "respond", {"plan": "appointment"})
    new_name = next(
        f"commissioner-{other:02d}"
        for other in range(1, 22)
        if other != number and town.world.office_of(other) == town.world.office_of(number)
    )
    new_owner, body = town.phone(new_name), {"reason": "原专员在处置其他线索"}
    assert new_owner.get(f"leads/{lead_id}/").status in (200, 404)
    owner.act(lead_id, "reject", {"reason": "untrue", "note": "合同已改"})
    own = {"assignee": town.world.users[owner.username].pk}
    assert clerk.try_act(lead_id, "dispatch", body | own).must_be(409).code == "same_assignee"
    given = clerk.act(lead_id, "dispatch", body | {"assignee": town.world.users[new_name].pk})
    assert (given["state"], given["assignee"]["username"]) == ("dispatched", new_name)
    assert given["missing_signatures"] == ["handover:office", "result:office", "result:community"]
    asked = [(one["kind"], one["state"]) for one in given["approvals"]]
    assert asked == [("lead.reject", "withdrawn")], "what the owner before wanted is nobody's wish any more"
    assert clocks(given)["respond"]["state"] == "breached"
    assert clocks(given)["feedback"] == clocks(lead)["feedback"]
    assert owner.try_act(lead_id, "respond").must_be(403, 404)

    town.travel_to(local(clocks(given)["owner_respond_80"]["due_at"]))
    assert new_owner.notices(lead_id)[-1] == "leads.owner_respond_80"
    town.travel_to(local(clocks(given)["owner_respond"]["due_at"]))
    assert [one["id"] for one in head.orders(lead_id)] == [late["id"]], "one order is open already"
    for supervisor in (head, town.community_head(number)):
        supervisor.acknowledge(late["id"], "finish_today").must_be(200)
    taken = new_owner.act(lead_id, "respond", {"plan": "on_my_way"})
    assert ("handover", "office", 2, new_name) in slots(taken)
    assert [one["state"] for one in head.orders(lead_id)] == ["lifted"]
    assert len(town.finish(lead_id, number)["signatures"]) == 7
    kept = clocks(town.bureau.lead(lead_id))
    assert [kept[kind]["state"] for kind in ("respond", "owner_respond", "feedback")] == [
        "breached", "breached", "met",
    ]  # fmt: skip
    kinds = [one["kind"] for one in head.get(f"leads/{lead_id}/timeline/").must_be(200).body["entries"]]
    assert "clock.respond" in kinds


def test_a_lead_answered_in_time_is_given_to_another_whose_silence_raises_an_order(town: Town) -> None:
    town.by_day()
    number = 7
    owner, head, clerk = town.commissioner(number), town.office_head(number), town.clerk(number)
    lead_id = town.report(number, category="C03", description="预付卡不退")["id"]
    owner.act(lead_id, "respond", {"plan": "appointment"})
    name = next(
        f"commissioner-{other:02d}"
        for other in range(1, 22)
        if other != number and town.world.office_of(other) == town.world.office_of(number)
    )
    body = {"reason": "原专员在处置其他线索", "assignee": town.world.users[name].pk}
    given = clerk.act(lead_id, "dispatch", body)
    assert clocks(given)["respond"]["state"] == "met"
    town.travel_to(local(clocks(given)["owner_respond"]["due_at"]))
    [order] = head.orders(lead_id)
    assert order["cause"] == "owner_respond"
    for supervisor in (head, town.community_head(number)):
        supervisor.acknowledge(order["id"], "finish_today").must_be(200)
    town.phone(name).act(lead_id, "respond", {"plan": "on_my_way"})
    assert head.orders(lead_id)[0]["state"] == "lifted"
    town.finish(lead_id, number)


def test_orders_of_minor_leads_come_together_and_are_answered_at_once(town: Town) -> None:
    """Each instruction has its effect: one lead gets a new owner, the other a joint handler."""
    town.by_day()
    number = 19
    owner, head, secretary = town.commissioner(number), town.office_head(number), town.community_head(number)
    ids = [town.report(number, severity="MINOR", description=text)["id"] for text in ("甲", "乙")]
    before = _summaries(head)
    town.travel_to(local(clocks(owner.lead(ids[1]))["respond"]["due_at"]))
    orders = [head.orders(lead_id)[0] for lead_id in ids]
    assert (_summaries(head), head.notices(ids[0])[-1]) == (before, "leads.respond_80"), "no word of its own"
    town.travel_to(town.next_time(14))
    assert (_summaries(head), _summaries(secretary) > 0) == (before + 1, True)

    other = next(
        f"commissioner-{one:02d}"
        for one in range(1, 22)
        if one != number and town.world.office_of(one) == town.world.office_of(number)
    )
    given = [
        {"id": orders[0]["id"], "version": orders[0]["version"], "instruction": "reassign",
         "assignee": town.world.users[other].pk},
        {"id": orders[1]["id"], "version": orders[1]["version"], "instruction": "go_myself"},
        {"id": 999_999_999, "version": 1, "instruction": "go_myself"},
    ]  # fmt: skip
    told = head.post("supervision-orders/acknowledge/", {"orders": given}).must_be(200).body["receipts"]
    assert [(one["result"], one["status"]) for one in told] == [
        ("acknowledged", 200), ("acknowledged", 200), ("refused", 404),
    ]  # fmt: skip
    assert town.bureau.lead(ids[0])["assignee"]["username"] == other
    kinds = [one["kind"] for one in head.get(f"leads/{ids[1]}/timeline/").must_be(200).body["entries"]]
    assert "lead.joined" in kinds
    seen = [secretary.get(f"supervision-orders/{one['id']}/").body for one in orders]
    rest = [{"id": one["id"], "version": one["version"], "instruction": "finish_today"} for one in seen]
    told = secretary.post("supervision-orders/acknowledge/", {"orders": rest}).must_be(200).body["receipts"]
    assert [one["result"] for one in told] == ["acknowledged"] * 2
    for lead_id in ids:
        town.finish(lead_id, number)
        assert head.orders(lead_id)[0]["state"] == "lifted"


def _summaries(phone: Phone) -> int:
    found = phone.get("notices/", page_size=200).must_be(200).body["results"]
    return sum(one["template"] == "leads.order_digest" for one in found)
