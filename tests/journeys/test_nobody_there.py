"""Nothing ever waits for a person who is not there: workers away, stand-ins, postings that end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from grids import postings
from grids.models import Posting
from tests.journeys.phone import Phone
from tests.journeys.town import Town, clocks, local, slots
from tests.stack import wait_until

DISPOSAL = {"disposal": {"kind": "guided", "note": "已当场提醒并改正"}}


def away(town: Town, phone: Phone, days: int = 2, **more: str) -> int:
    """This person writes down his leave, from now on."""
    period = {
        "starts_at": town.now().isoformat(),
        "ends_at": (town.now() + timedelta(days=days)).isoformat(),
        "reason": "公休",
    }
    absence: int = phone.post("absences/", period | more).must_be(201).body["id"]
    return absence


def test_where_all_grid_workers_are_away_the_community_head_verifies_at_once(town: Town) -> None:
    town.by_day()
    workers = [town.worker(15, person) for person in (1, 2, 3)]
    secretary, owner = town.community_head(15), town.commissioner(15)
    lead_id = town.report(15)["id"]
    leaves = [(one, away(town, one)) for one in workers]
    owner.act(lead_id, "respond")
    owner.act(lead_id, "feedback", DISPOSAL)
    assert "leads.fed_back" in secretary.notices(lead_id)
    refused = secretary.try_act(lead_id, "verify", {"method": "on_site"})
    assert refused.must_be(400).code == "reason_required"
    lead = secretary.act(lead_id, "verify", {"method": "on_site", "note": "三名网格员均请假，书记到店核验"})
    assert (lead["state"], lead["verified_in_stead"]) == ("closed", True)
    assert ("result", "community", 1, secretary.username) in slots(lead)
    assert len(lead["signatures"]) == 6
    for one, leave in leaves:
        one.post(f"absences/{leave}/end/").must_be(200)


def test_where_grid_workers_are_there_the_community_head_waits_48_hours(town: Town) -> None:
    town.by_day()
    secretary, owner, worker = town.community_head(16), town.commissioner(16), town.worker(16)
    lead_id = town.report(16)["id"]
    owner.act(lead_id, "respond")
    lead = owner.act(lead_id, "feedback", DISPOSAL)
    fed_back_at = local(lead["fed_back_at"])
    body = {"method": "on_site", "note": "网格员两日未核验，书记到店核验"}
    assert secretary.try_act(lead_id, "verify", body).must_be(403).code == "too_early"
    town.travel_to(fed_back_at + timedelta(hours=24))
    assert "leads.verify" in worker.notices(lead_id)
    assert "leads.verify" in secretary.notices(lead_id)
    town.travel_to(fed_back_at + timedelta(hours=47, minutes=59))
    assert secretary.try_act(lead_id, "verify", body).must_be(403).code == "too_early"
    assert secretary.try_act(lead_id, "rework", {"reason": "再办"}).must_be(403).code == "too_early"
    town.travel_to(fed_back_at + timedelta(hours=48))
    assert secretary.notices(lead_id)[-1] == "leads.verify_stead"
    lead = secretary.act(lead_id, "verify", body)
    assert (lead["state"], lead["verified_in_stead"]) == ("closed", True)


def test_a_stand_in_answers_for_who_is_away_and_the_signature_names_both(town: Town) -> None:
    town.by_day()
    owner, stand_in = town.commissioner(17), town.clerk(17)
    leave = away(town, owner, stand_in=stand_in.username)
    lead = town.report(17)
    assert lead["assignee"]["username"] == "commissioner-17", "an absence changes no owner"
    assert "代岗" in lead["routing_reason"]
    assert "leads.dispatched" in stand_in.notices(lead["id"])
    assert town.commissioner(1).get(f"leads/{lead['id']}/").status == 404
    lead = stand_in.act(lead["id"], "respond", {"plan": "on_my_way"})
    for one in lead["signatures"]:
        if one["side"] == "office":
            assert (one["signer"]["username"], one["for"]["username"]) == (
                stand_in.username,
                "commissioner-17",
            )
    assert lead["assignee"]["username"] == "commissioner-17"
    owner.post(f"absences/{leave}/end/").must_be(200)
    refused = stand_in.try_act(lead["id"], "feedback", DISPOSAL)
    assert refused.must_be(403).code == "not_assignee", "he is back"
    town.finish(lead["id"], 17)


def holding_every_state(town: Town, number: int) -> dict[str, int]:
    """Leads of this grid's commissioner in each state that he can hold, and one that he was given by hand."""
    owner, held = town.commissioner(number), {}
    for state in ("dispatched", "responded", "fed_back"):
        held[state] = town.report(number, description=f"离任前：{state}")["id"]
        if state != "dispatched":
            owner.act(held[state], "respond")
        if state == "fed_back":
            owner.act(held[state], "feedback", DISPOSAL)
    return held


@pytest.mark.parametrize("by_its_date", [False, True])
def test_a_posting_that_ends_hands_on_what_its_holder_held_in_every_state(
    town: Town, by_its_date: bool
) -> None:
    town.by_day()
    number = 19 if by_its_date else 18
    leaving = town.commissioner(number)
    held = holding_every_state(town, number)
    before = {state: town.bureau.lead(lead_id) for state, lead_id in held.items()}
    posting = Posting.objects.get(user__username=leaving.username)
    if by_its_date:
        Posting.objects.filter(pk=posting.pk).update(ends_at=town.now() + timedelta(minutes=5))
        town.pass_time(timedelta(minutes=6))
        town.send_task("grids.wind_up_lapsed_postings")
        wait_until(lambda: Posting.objects.filter(pk=posting.pk, wound_up_at__isnull=False).exists(),
                   within_s=20, what="the worker to wind up the posting")  # fmt: skip
    else:
        postings.end(posting=posting, at=town.now(), by=town.world.user("bureau"))

    successor = town.phone(town.world.users[_name_of(town, posting.backup_id)].username)
    for state, lead_id in held.items():
        lead = successor.lead(lead_id)
        assert (lead["state"], lead["assignee"]["username"]) == (state, successor.username)
        assert successor.notices(lead_id) == ["leads.handed_on"]
        assert clocks(lead) == clocks(before[state]), "a new owner without a new clock"
        assert leaving.get(f"leads/{lead_id}/").status == 404
    assert "handover:office" in successor.lead(held["responded"])["missing_signatures"]

    successor.act(held["dispatched"], "respond")
    lead = successor.act(held["responded"], "feedback", DISPOSAL)
    assert ("handover", "office", 2, successor.username) in slots(lead), "signed with his next act"
    for lead_id in held.values():
        town.finish(lead_id, number)
    new = town.report(number)
    assert (new["state"], new["assignee"]) == ("reported", None), "an empty seat: the office's desk"
    assert "leads.desk" in town.clerk(number).notices(new["id"])
    body = {"assignee": town.world.users[successor.username].pk, "reason": "原专员已离任"}
    town.clerk(number).act(new["id"], "dispatch", body)
    town.finish(new["id"], number)


def _name_of(town: Town, user_id: int | None) -> str:
    return next(name for name, user in town.world.users.items() if user.pk == user_id)
