"""At three in the morning: the duty officer where the office says so, else the commissioner."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from grids.models import Office
from kernel.deadlines.clocks import calendar
from tests.journeys.town import Town, clocks, local, slots


@pytest.fixture
def night_office(town: Town) -> Iterator[int]:
    """The office of the last grid sends its night's leads to the duty officer; the grid's number."""
    number = 21
    office = Office.objects.filter(pk=town.world.office_of(number).pk)
    office.update(night_dispatch=True)
    yield number
    office.update(night_dispatch=False)


def test_the_duty_officer_gets_it_and_half_past_eight_hands_it_on(town: Town, night_office: int) -> None:
    number = night_office
    town.travel_to(town.next_time(3))
    while not calendar().is_working(town.today()):  # else 08:30 hands on to the next duty officer
        town.travel_to(town.next_time(3))
    duty, commissioner = town.duty_officer(number), town.commissioner(number)
    lead = town.report(number, category="F03", description="夜宵店后厨有老鼠")
    other = town.report(number, category="L02", description="夜宵店执照过期")
    for one in (lead, other):
        assert one["assignee"]["username"] == duty.username
        assert "夜间派单" in one["routing_reason"]
        assert "leads.dispatched" in duty.notices(one["id"])
        assert "leads.dispatched" not in commissioner.notices(one["id"])
    assert commissioner.try_act(lead["id"], "respond").must_be(403).code == "not_assignee"
    town.pass_time(timedelta(minutes=10))
    lead = duty.act(lead["id"], "respond", {"plan": "on_my_way"})
    assert ("handover", "office", 1, duty.username) in slots(lead)

    town.travel_to(town.next_time(8, 30))
    for one in (lead, other):
        handed = commissioner.lead(one["id"])
        assert handed["assignee"]["username"] == commissioner.username
        assert handed["state"] == one["state"], "handing on changes no state"
        assert "handover:office" in handed["missing_signatures"]
        assert commissioner.notices(one["id"])[0] == "leads.handed_on"
        assert clocks(handed)["feedback"] == clocks(one)["feedback"], "and no clock"
        kinds = [e["kind"] for e in commissioner.get(f"leads/{one['id']}/timeline/").body["entries"]]
        assert "lead.handed_on" in kinds
    assert duty.try_act(lead["id"], "control", {"note": "已处置"}).status in (403, 404)

    lead = commissioner.act(lead["id"], "control", {"note": "已停业消杀"})
    assert {one for one in slots(lead) if one[:2] == ("handover", "office")} == {
        ("handover", "office", 1, duty.username),
        ("handover", "office", 2, commissioner.username),
    }
    assert local(lead["controlled_at"]).date() == local(lead["discovered_at"]).date()
    closed = town.finish(lead["id"], number)
    assert len(closed["signatures"]) == 7

    [order] = town.office_head(number).orders(other["id"])
    assert (order["cause"], order["level"]) == ("respond", "office"), "raised at 03:30, counted from 08:30"
    other = commissioner.act(other["id"], "respond")
    assert ("handover", "office", 2, commissioner.username) in slots(other)
    town.finish(other["id"], number)


def test_without_night_dispatch_the_commissioner_gets_it_at_any_hour(town: Town) -> None:
    town.travel_to(town.next_time(3))
    lead = town.report(13, category="F03", description="夜宵店后厨有苍蝇")
    assert lead["assignee"]["username"] == "commissioner-13"
    assert "夜间" not in lead["routing_reason"]
    assert "morning" not in clocks(lead)
    town.travel_to(local(clocks(lead)["respond"]["due_at"]))
    assert len(town.office_head(13).orders(lead["id"])) == 1, "the clock runs at night"
    town.travel_to(town.next_time(8, 30))
    assert town.bureau.lead(lead["id"])["assignee"]["username"] == "commissioner-13"
    town.finish(lead["id"], 13)


def test_an_urgent_lead_that_nobody_answers_is_joined_by_backup_and_duty_officer(town: Town) -> None:
    town.travel_to(town.next_time(2))
    lead = town.report(14, category="S01", description="电梯困人")
    lead_id, duty = lead["id"], town.duty_officer(14)
    backup = town.phone(
        next(p for p in town.world.postings if p.user.username == "commissioner-14").backup.username
    )
    assert duty.try_act(lead_id, "respond").must_be(403).code == "not_assignee"
    town.pass_time(timedelta(minutes=10))
    assert "leads.urgent_backup" in backup.notices(lead_id)
    town.pass_time(timedelta(minutes=10))
    assert "leads.urgent_duty" in duty.notices(lead_id)
    lead = duty.act(lead_id, "respond", {"plan": "on_my_way"})
    signed = next(s for s in lead["signatures"] if (s["stage"], s["side"]) == ("handover", "office"))
    assert (signed["signer"]["username"], signed["for"]["username"]) == (duty.username, "commissioner-14")
    assert lead["assignee"]["username"] == "commissioner-14"
    town.finish(lead_id, 14)
