"""Food hazards: under control on the day they are found, or late for all to see."""

from __future__ import annotations

from datetime import timedelta

from tests.journeys.town import Town, clocks, local


def test_a_food_hazard_is_under_control_the_same_day(town: Town) -> None:
    town.by_day()
    owner = town.commissioner(6)
    lead = town.report(6, category="F02", description="货架上有过期牛奶")
    lead_id = lead["id"]
    due_at = local(clocks(lead)["same_day"]["due_at"])
    assert (due_at.hour, due_at.minute) == (0, 0)
    assert due_at.date() == local(lead["reported_at"]).date() + timedelta(days=1)

    owner.act(lead_id, "respond")
    town.travel_to(town.next_time(16))
    lead = owner.act(lead_id, "control", {"note": "过期牛奶已全部下架封存"})
    assert clocks(lead)["same_day"]["state"] == "met"
    assert clocks(lead)["same_day_80"]["state"] in ("cancelled", "breached")
    assert local(lead["controlled_at"]).date() == local(lead["discovered_at"]).date()
    again = owner.act(lead_id, "control", {"note": "再说一次"})
    assert again["controlled_at"] == lead["controlled_at"]
    town.finish(lead_id, 6)
    assert owner.orders(lead_id) == []


def test_a_food_hazard_that_is_not_controlled_by_midnight_raises_an_order(town: Town) -> None:
    town.by_day()
    owner, head = town.commissioner(7), town.office_head(7)
    lead = town.report(7, category="F03", description="后厨有蟑螂")
    lead_id = lead["id"]
    owner.act(lead_id, "respond", {"plan": "appointment"})
    town.travel_to(local(clocks(lead)["same_day_80"]["due_at"]))
    assert owner.notices(lead_id)[-1] == "leads.same_day_80"
    midnight = local(clocks(lead)["same_day"]["due_at"])
    town.travel_to(midnight)
    assert clocks(owner.lead(lead_id))["same_day"]["state"] == "breached"
    [order] = head.orders(lead_id)
    assert order["cause"] == "same_day"
    at_half_past_ten = midnight + timedelta(hours=10, minutes=30)
    town.travel_to(at_half_past_ten - timedelta(minutes=1))
    assert head.orders(lead_id)[0]["level"] == "office", "raised at night, it counts from 08:30"
    town.travel_to(at_half_past_ten)
    assert head.orders(lead_id)[0]["level"] == "bureau"

    lead = owner.act(lead_id, "control", {"note": "已消杀"})
    assert clocks(lead)["same_day"]["state"] == "breached"
    assert local(lead["controlled_at"]).date() > local(lead["discovered_at"]).date()
    town.finish(lead_id, 7)


def test_a_serious_food_hazard_of_the_evening_has_four_hours_and_pages_at_night(town: Town) -> None:
    town.travel_to(town.next_time(22))
    owner, head = town.commissioner(8), town.office_head(8)
    lead = town.report(8, category="F01", description="夜市有无证烧烤")
    lead_id = lead["id"]
    due_at = local(clocks(lead)["same_day"]["due_at"])
    assert due_at - local(lead["discovered_at"]) == timedelta(hours=4)
    owner.act(lead_id, "respond")
    town.travel_to(due_at)
    [order] = head.orders(lead_id)
    town.travel_to(local(order["raised_at"]) + timedelta(hours=2))
    assert head.orders(lead_id)[0]["level"] == "bureau", "food from 严重 up waits for no morning"
    town.finish(lead_id, 8)


def test_a_hazard_found_yesterday_and_synced_today_has_four_hours_and_is_not_same_day(town: Town) -> None:
    at = town.by_day()
    found_at = at - timedelta(hours=18)
    lead = town.report(6, category="F04", description="无健康证", captured_at=found_at.isoformat())
    assert local(lead["discovered_at"]) == found_at
    due = {kind: local(one["due_at"]) for kind, one in clocks(lead).items()}
    reported_at = local(lead["reported_at"])
    assert due["same_day"] == reported_at + timedelta(hours=4)
    assert due["feedback"] == reported_at + timedelta(hours=24), "the office answers for what it has received"
    owner = town.commissioner(6)
    owner.act(lead["id"], "respond")
    lead = owner.act(lead["id"], "control", {"note": "已停岗"})
    assert clocks(lead)["same_day"]["state"] == "met"
    assert local(lead["controlled_at"]).date() > local(lead["discovered_at"]).date()
    town.finish(lead["id"], 6)

    doubted = town.report(6, captured_at=(at - timedelta(days=30)).isoformat())
    assert (doubted["flags"], doubted["discovered_at"]) == (["clock_doubted"], doubted["reported_at"])
    town.finish(doubted["id"], 6)
