"""改类: categories and severities change, signed facts and latenesses do not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from grids.demo import World
from kernel import approvals, clock
from kernel.approvals.models import Approval
from kernel.deadlines.models import Deadline, Event
from kernel.errors import Conflict, DomainError, NotAllowed
from leads import lifecycle, reclassification
from leads.models import Lead, Reclassification, Severity, SupervisionOrder
from tests.factories import leads as make
from tests.factories.leads import let_clocks_fire, pass_time, take_any


def change(lead: Lead, by: Any, category: str, severity: Severity | None = None) -> Lead:
    reclassification.reclassify(
        lead_id=lead.pk, by=by, expect=take_any, category=category, severity=severity, reason="现场核实"
    )
    return Lead.objects.get(pk=lead.pk)


def clocks_of(lead: Lead, kind: str) -> list[Deadline]:
    rows = Deadline.objects.filter(subject_kind="lead", subject_id=lead.pk, kind=kind)
    return list(rows.order_by("cycle"))


def decide(lead: Lead, by: Any, *, approve: bool = True) -> Lead:
    row = Approval.objects.waiting().get(subject_id=lead.pk)
    approvals.decide(approval_id=row.pk, by=by, approve=approve, expect=take_any, note="")
    return Lead.objects.get(pk=lead.pk)


def test_what_nobody_could_name_is_sorted(world: World) -> None:
    food = make.responded(world, category="00")
    assert [d.state for d in clocks_of(food, "same_day")] == ["running"]
    due_at = food.same_day_due_at
    now = change(food, world.commissioner(1), "F03")
    assert (now.category_id, now.food, now.was_food, now.severity) == ("F03", True, True, "MODERATE")
    assert (now.same_day_due_at, clocks_of(food, "same_day")[0].state) == (due_at, "running")
    assert now.facts == food.facts, "what was signed stays"
    other = make.responded(world, category="00")
    now = change(other, world.commissioner(1), "L02")
    assert (now.food, now.was_food, now.same_day_due_at) == (False, False, None)
    assert clocks_of(other, "same_day")[0].state == "cancelled"
    assert now.version == other.version + 1


def test_sorted_after_its_day_the_lateness_stays(world: World) -> None:
    lead = make.responded(world, category="00")
    pass_time(until=lead.same_day_due_at)
    now = change(lead, world.commissioner(1), "L02")
    assert clocks_of(lead, "same_day")[0].state == "breached"
    assert now.same_day_due_at == lead.same_day_due_at
    assert Event.objects.filter(subject_id=lead.pk, kind="same_day").exists()
    assert SupervisionOrder.objects.filter(lead=lead, cause="same_day").exists()


def test_what_turns_out_to_be_food_is_due_the_day_it_was_found(world: World) -> None:
    lead = make.responded(world)
    assert clocks_of(lead, "same_day") == []
    now = change(lead, world.commissioner(1), "F02")
    [clock_row] = clocks_of(lead, "same_day")
    assert now.same_day_due_at == clock_row.due_at
    assert clock_row.armed_at == lead.discovered_at
    assert (now.was_food, now.severity) == (True, "SERIOUS")


def test_food_found_out_a_day_late_is_late_at_once(world: World) -> None:
    lead = make.responded(world)
    pass_time(timedelta(hours=20))
    now = change(lead, world.commissioner(1), "F03")
    assert now.same_day_due_at < clock.now()
    let_clocks_fire()
    assert clocks_of(lead, "same_day")[0].state == "breached"
    assert SupervisionOrder.objects.filter(lead=lead, cause="same_day").count() == 1


def test_out_of_food_only_with_the_grid_workers_word(world: World) -> None:
    lead = make.responded(world, category="F03")
    now = change(lead, world.commissioner(1), "L02")
    assert (now.category_id, clocks_of(lead, "same_day")[0].state) == ("F03", "running")
    with pytest.raises(NotAllowed):
        decide(lead, world.head_of(1))
    now = decide(lead, world.worker(1))
    assert (now.category_id, now.food, now.was_food) == ("L02", False, True)
    assert (clocks_of(lead, "same_day")[0].state, now.same_day_due_at) == ("cancelled", None)
    kept = Reclassification.objects.get(lead=lead)
    assert (kept.by, kept.agreed_by) == (world.commissioner(1), world.worker(1))


@pytest.mark.parametrize("silent", [True, False])
def test_without_it_food_it_stays(world: World, silent: bool) -> None:
    lead = make.responded(world, category="F03")
    change(lead, world.commissioner(1), "L02")
    if silent:
        pass_time(timedelta(hours=24, seconds=2))
    else:
        decide(lead, world.worker(1), approve=False)
    assert Lead.objects.get(pk=lead.pk).food
    assert Approval.objects.get(subject_id=lead.pk).state == ("lapsed" if silent else "refused")


def test_late_food_that_is_no_food_was_late(world: World) -> None:
    lead = make.responded(world, category="F03")
    pass_time(until=lead.same_day_due_at)
    change(lead, world.commissioner(1), "L02")
    now = decide(lead, world.worker(1))
    assert (now.food, now.was_food, now.same_day_due_at) == (False, True, lead.same_day_due_at)
    assert clocks_of(lead, "same_day")[0].state == "breached"
    assert SupervisionOrder.objects.filter(lead=lead, cause="same_day").exists()


def test_food_again_runs_a_clock_again(world: World) -> None:
    lead = make.responded(world, category="F03")
    change(lead, world.commissioner(1), "L02")
    decide(lead, world.worker(1))
    now = change(lead, world.commissioner(1), "F03")
    assert [d.state for d in clocks_of(lead, "same_day")] == ["cancelled", "running"]
    assert now.same_day_due_at == clocks_of(lead, "same_day")[1].due_at == lead.same_day_due_at


def test_food_called_unclear_runs_on_and_leaves_food_only_with_the_workers_word(world: World) -> None:
    lead = make.responded(world, category="F03")
    change(lead, world.commissioner(1), "00")
    unclear = decide(lead, world.worker(1))
    assert (unclear.category_id, unclear.food, unclear.was_food) == ("00", False, True)
    assert [d.state for d in clocks_of(lead, "same_day")] == ["running"]
    assert unclear.same_day_due_at == lead.same_day_due_at
    change(unclear, world.commissioner(1), "00", Severity.MODERATE)
    asked = change(unclear, world.commissioner(1), "L02")
    assert (asked.category_id, clocks_of(lead, "same_day")[0].state) == ("00", "running")
    sorted_out = decide(asked, world.worker(1))
    assert (sorted_out.category_id, sorted_out.same_day_due_at) == ("L02", None)
    assert clocks_of(lead, "same_day")[0].state == "cancelled"


def test_what_is_called_unclear_afterwards_runs_the_food_clock_too(world: World) -> None:
    lead = make.responded(world, category="L02")
    now = change(lead, world.commissioner(1), "00")
    [row] = clocks_of(lead, "same_day")
    assert (row.state, row.due_at, now.was_food) == ("running", now.same_day_due_at, False)
    change(now, world.commissioner(1), "L02")
    assert clocks_of(lead, "same_day")[0].state == "cancelled"


def test_food_under_control_in_time_has_met_its_clock(world: World) -> None:
    lead = make.responded(world)
    lifecycle.control(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, note="已封存")
    now = change(lead, world.commissioner(1), "F03")
    [row] = clocks_of(lead, "same_day")
    assert (row.state, row.closed_at, row.due_at) == ("met", now.controlled_at, now.same_day_due_at)


def test_food_controlled_too_late_was_late(world: World) -> None:
    lead = make.responded(world)
    pass_time(timedelta(hours=20))
    lifecycle.control(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, note="已封存")
    change(lead, world.commissioner(1), "F03")
    let_clocks_fire()
    assert clocks_of(lead, "same_day")[0].state == "breached"


def test_raised_to_urgent_pages_while_nobody_has_answered(world: World) -> None:
    lead = make.reported(world)
    now = change(lead, world.clerk_of(1), "L02", Severity.URGENT)
    assert now.severity == "URGENT"
    for kind, minutes in (("urgent_backup", 10), ("urgent_duty", 20)):
        [row] = clocks_of(lead, kind)
        assert (row.state, row.due_at) == ("running", clock.now() + timedelta(minutes=minutes))
    assert now.respond_due_at == lead.respond_due_at
    change(lead, world.clerk_of(1), "L02", Severity.MINOR)
    assert clocks_of(lead, "urgent_backup")[0].state == "cancelled"
    answered = make.responded(world)
    change(answered, world.clerk_of(1), "L02", Severity.URGENT)
    assert clocks_of(answered, "urgent_backup") == []


def test_no_due_time_moves_back(world: World) -> None:
    lead = make.reported(world, category="F01")
    change(lead, world.clerk_of(1), "F04")
    now = Lead.objects.get(pk=lead.pk)
    for column in ("respond_due_at", "feedback_due_at", "same_day_due_at", "closing_due_at"):
        assert getattr(now, column) == getattr(lead, column)


def test_who_may(world: World) -> None:
    lead = make.responded(world)
    for by in (world.worker(1), world.community_head_of(1), world.commissioner(21)):
        with pytest.raises(DomainError):
            change(lead, by, "Q01")
    with pytest.raises(Conflict) as refused:
        change(lead, world.commissioner(1), lead.category_id)
    assert refused.value.code == "nothing_changes"
    with pytest.raises(DomainError) as unknown:
        change(lead, world.commissioner(1), "Z99")
    assert unknown.value.code == "unknown_category"
    for by, category in (
        (world.clerk_of(1), "Q01"),
        (world.head_of(1), "P01"),
        (world.user("bureau"), "A01"),
    ):
        assert change(lead, by, category).category_id == category


def test_said_twice_it_is_changed_once(world: World) -> None:
    lead = make.responded(world)
    change(lead, world.commissioner(1), "Q01")
    change(lead, world.commissioner(1), "Q01")
    assert Reclassification.objects.filter(lead=lead).count() == 1
