"""并单: reversible, the survivor keeps the earliest times, lateness stays where it was (DESIGN.md §3)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from grids.demo import World
from kernel import clock
from kernel.coordinates import distance_m
from kernel.deadlines.models import Deadline, Event
from kernel.errors import Conflict, NotAllowed, NotVisible
from leads import lifecycle, merging, selectors
from leads.models import Lead, Merge
from leads.states import State
from tests.factories import leads as made
from tests.factories.grids import make_entity
from tests.factories.leads import take_any

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def merge(world: World, lead: Lead, into: Lead, by: str = "commissioner-01") -> Lead:
    return merging.merge(
        lead_id=lead.pk, by=world.user(by), expect=take_any, into_id=into.pk, reason="同一家店"
    )


def unmerge(world: World, lead: Lead, by: str = "commissioner-01") -> Lead:
    return merging.unmerge(lead_id=lead.pk, by=world.user(by), expect=take_any, reason="不是一回事")


def fresh(lead: Lead) -> Lead:
    return Lead.objects.get(pk=lead.pk)


def clocks_of(lead: Lead) -> dict[str, tuple[str, object]]:
    rows = Deadline.objects.filter(subject_kind="lead", subject_id=lead.pk, parent_kind="")
    return {row.kind: (row.state, row.due_at) for row in rows}


def two(world: World, apart: timedelta = HOUR / 6, **fields: object) -> tuple[Lead, Lead]:
    first = made.reported(world, **fields)
    made.pass_time(apart)
    return fresh(first), made.reported(world, **fields)


def test_the_survivor_keeps_the_earliest_times_and_its_clocks_follow(world: World) -> None:
    old, young = two(world)
    assert merge(world, old, young).state == State.MERGED
    survivor = fresh(young)
    for name in ("reported_at", "respond_due_at", "feedback_due_at", "closing_due_at"):
        assert getattr(survivor, name) == getattr(old, name), name
    assert clocks_of(survivor)["feedback"] == ("running", old.feedback_due_at)
    assert clocks_of(survivor)["respond"] == ("running", old.respond_due_at)
    assert {state for state, _ in clocks_of(old).values()} == {"cancelled"}
    assert survivor.version == young.version + 1


def test_merging_into_the_older_one_moves_nothing(world: World) -> None:
    old, young = two(world)
    before = clocks_of(old)
    merge(world, young, old)
    assert clocks_of(old) == before
    assert (fresh(old).reported_at, fresh(young).merged_into_id) == (old.reported_at, old.pk)
    assert merge(world, young, old).version == fresh(young).version, "said again"
    assert Merge.objects.count() == 1


def test_what_had_breached_stays_with_it(world: World) -> None:
    old, young = two(world)
    made.pass_time(until=old.respond_due_at)
    lifecycle.respond(lead_id=young.pk, by=world.commissioner(1), expect=take_any)
    merge(world, old, young)
    assert clocks_of(old)["respond"][0] == "breached"
    assert Event.objects.filter(subject_id=old.pk, kind="respond").count() == 1
    assert old.orders.get().cause == "respond"
    gone = fresh(old)
    assert gone.respond_due_at is not None
    assert gone.first_responded_at is None
    survivor = fresh(young)
    assert survivor.respond_due_at == old.respond_due_at
    assert survivor.first_responded_at is not None
    assert survivor.first_responded_at > survivor.respond_due_at, "the matter was answered late"


def test_a_due_time_that_has_passed_fires_at_once_for_the_survivor(world: World) -> None:
    old, young = two(world, apart=timedelta(minutes=20))
    made.pass_time(until=old.respond_due_at)
    merge(world, old, young)
    made.pass_time(timedelta(seconds=1))
    assert clocks_of(young)["respond"][0] == "breached"


def test_unmerge_brings_both_back_as_they_were(world: World) -> None:
    old, young = two(world)
    before = {one.pk: (fresh(one), clocks_of(one)) for one in (old, young)}
    merge(world, old, young)
    made.pass_time(timedelta(minutes=2))
    unmerge(world, old)
    for pk, (was, ran) in before.items():
        now = Lead.objects.get(pk=pk)
        for name in (*merging.TIMES, "state", "assignee_id", "merged_into_id", "was_food"):
            assert getattr(now, name) == getattr(was, name), name
        assert clocks_of(now) == ran
    warned = Deadline.objects.get(subject_id=young.pk, kind="feedback_80")
    assert warned.due_at == young.reported_at + HOUR * 24 * 0.8


def test_unmerged_too_late_is_late(world: World) -> None:
    old, young = two(world)
    merge(world, old, young)
    lifecycle.respond(lead_id=young.pk, by=world.commissioner(1), expect=take_any)
    made.pass_time(until=old.respond_due_at + HOUR)
    unmerge(world, old)
    made.pass_time(timedelta(seconds=1))
    back = fresh(old)
    assert (back.state, clocks_of(old)["respond"][0]) == (State.DISPATCHED, "breached")
    assert back.respond_due_at == old.respond_due_at
    assert old.orders.get().cause == "respond"


def test_of_several_the_earliest_that_remains_counts(world: World) -> None:
    first, second = two(world)
    made.pass_time(HOUR / 6)
    third = made.reported(world)
    merge(world, first, third)
    merge(world, second, third)
    assert fresh(third).feedback_due_at == first.feedback_due_at
    unmerge(world, first)
    assert fresh(third).feedback_due_at == second.feedback_due_at
    assert clocks_of(third)["feedback"] == ("running", second.feedback_due_at)
    unmerge(world, second)
    assert (fresh(third).feedback_due_at, fresh(third).reported_at) == (
        third.feedback_due_at, third.reported_at,
    )  # fmt: skip


def test_what_was_extended_since_stays_extended(world: World) -> None:
    old, young = two(world)
    merge(world, old, young)
    extended = young.feedback_due_at + 48 * HOUR
    Lead.objects.filter(pk=young.pk).update(feedback_due_at=extended)
    unmerge(world, old)
    assert fresh(young).feedback_due_at == extended


def test_food_is_remembered_by_the_survivor(world: World) -> None:
    old, young = two(world, category="L02")
    Lead.objects.filter(pk=old.pk).update(was_food=True)
    merge(world, fresh(old), young)
    assert fresh(young).was_food
    unmerge(world, old)
    assert not fresh(young).was_food


def test_no_chains_no_cycles_and_only_the_same_thing(world: World) -> None:
    first, second = two(world)
    third = made.reported(world)
    other = made.reported(world, category="P01")
    far = made.reported(world, 2)
    with pytest.raises(Conflict, match="自身"):
        merge(world, first, first)
    for one, into, code in (
        (first, other, "not_a_duplicate"),
        (first, made.closed(world), "survivor_over"),
    ):
        with pytest.raises(Conflict) as refused:
            merge(world, one, into, by="clerk-01")
        assert refused.value.code == code
    merge(world, first, second)
    with pytest.raises(Conflict) as refused:
        merge(world, second, third)
    assert refused.value.code == "has_merged"
    with pytest.raises(Conflict) as refused:
        merge(world, third, first)
    assert refused.value.code == "survivor_over"
    with pytest.raises((Conflict, NotVisible)):
        merge(world, third, far)
    assert Merge.objects.count() == 1


@pytest.mark.parametrize(
    ("metres", "hours", "same_shop", "is_same"),
    [
        (49, 0, False, True),
        (51, 0, False, False),
        (0, 71.99, False, True),
        (0, 72, False, True),
        (0, 72.01, False, False),
        (49, 71.99, False, True),
        (500, 71.99, True, True),
        (500, 72.01, True, False),
    ],
)
def test_fifty_metres_or_the_same_shop_within_three_days(
    world: World, metres: float, hours: float, same_shop: bool, is_same: bool
) -> None:
    """What is suggested is what may be merged, up to the limits themselves; another category never is."""
    lon, lat = world.point_in(1)
    degree = distance_m(lon, lat, lon, lat + 1)
    shop = make_entity(world, 1).pk if same_shop else None
    place = {"lon": f"{lon:.6f}", "lat": f"{lat:.6f}", "crs_in": "wgs84", "entity_id": shop}
    other_kind = made.reported(world, category="P01", **place)
    first = made.reported(world, **place)
    made.pass_time(HOUR * hours)
    second = made.reported(world, **(place | {"lat": f"{lat + metres / degree:.6f}"}))
    bureau = world.user("bureau")
    for one, other in ((first, second), (second, first)):
        suggested = {row.id for row in selectors.possible_duplicates(fresh(one), bureau)}
        assert suggested == ({other.pk} if is_same else set())
    assert selectors.possible_duplicates(other_kind, bureau) == []
    if is_same:
        assert merge(world, first, second, by="clerk-01").state == State.MERGED
    else:
        with pytest.raises(Conflict) as refused:
            merge(world, first, second, by="clerk-01")
        assert refused.value.code == "not_a_duplicate"


def test_a_dispatched_lead_does_not_go_back_to_the_desk(world: World) -> None:
    lead = made.reported(world)
    waiting = made.on_desk(world)
    with pytest.raises(Conflict) as refused:
        merge(world, lead, waiting, by="clerk-01")
    assert refused.value.code == "survivor_on_desk"
    assert merge(world, waiting, lead, by="clerk-01").state == State.MERGED
    assert unmerge(world, waiting, by="clerk-01").state == State.REPORTED


def test_who_may(world: World) -> None:
    old, young = two(world)
    for nobody in ("worker-01-1", "leader", "community-01"):
        with pytest.raises((NotAllowed, NotVisible)):
            merge(world, old, young, by=nobody)
    merge(world, old, young, by=world.head_of(1).username)
    with pytest.raises(NotAllowed):
        unmerge(world, old, by="worker-01-1")
    with pytest.raises(Conflict):
        unmerge(world, young)


def test_a_merged_lead_is_suggested_no_more_and_its_files_are_seen_from_the_survivor(world: World) -> None:
    old, young = two(world)
    worker = world.worker(1)
    assert [one.id for one in selectors.possible_duplicates(young, worker)] == [old.pk]
    merge(world, old, young)
    assert selectors.possible_duplicates(fresh(young), worker) == []
    assert selectors.visible_lead_ids(worker, {old.pk, young.pk}) == {old.pk, young.pk}
    assert selectors.visible_lead_ids(world.worker(21), {old.pk, young.pk}) == set()
    Lead.objects.filter(pk=old.pk).update(grid=world.grid(21), reported_by=world.worker(21))
    assert selectors.visible_lead_ids(worker, {old.pk}) == {old.pk}, "through the survivor"


def test_nothing_happened_while_it_was_merged(world: World) -> None:
    old, young = two(world)
    merge(world, old, young)
    made.pass_time(HOUR * 30)
    assert Event.objects.filter(subject_id=old.pk).count() == 0
    assert clock.now() > old.feedback_due_at
