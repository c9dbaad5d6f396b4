"""Suspending, resuming, extending: what moves, what stays late, who decides, what ends by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from grids.demo import World
from kernel import approvals, clock
from kernel.approvals.models import Approval
from kernel.deadlines.models import Deadline, Event, Segment
from kernel.errors import Conflict, DomainError, NotAllowed
from kernel.notices.models import OutboxMessage
from leads import lifecycle, pauses
from leads.models import Extension, Lead, SupervisionOrder, SuspendReason, Suspension
from leads.states import State
from tests.factories import leads as make
from tests.factories.leads import TUESDAY, pass_time, take_any

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def clock_of(lead: Lead, kind: str, cycle: int = 1) -> Deadline:
    return Deadline.objects.with_pauses().get(subject_kind="lead", subject_id=lead.pk, kind=kind, cycle=cycle)


def fresh(lead: Lead) -> Lead:
    return Lead.objects.get(pk=lead.pk)


def ask_suspension(lead: Lead, by: Any, *, days: float = 3, **more: Any) -> Approval:
    until = clock.now() + timedelta(days=days)
    pauses.suspend(
        lead_id=lead.pk, by=by, expect=take_any, reason_kind=SuspendReason.TEST_RESULT, until=until, **more
    )
    return Approval.objects.filter(subject_id=lead.pk, kind=pauses.SUSPEND).latest("id")


def ask_extension(lead: Lead, by: Any, until: datetime, **more: Any) -> Approval:
    pauses.extend(lead_id=lead.pk, by=by, expect=take_any, until=until, reason="等待检测报告", **more)
    return Approval.objects.filter(subject_id=lead.pk, kind=pauses.EXTEND).latest("id")


def decide(row: Approval, by: Any, *, approve: bool = True) -> Approval:
    return approvals.decide(approval_id=row.pk, by=by, approve=approve, expect=take_any, note="")


def suspended(world: World, *, days: float = 3, **fields: Any) -> Lead:
    lead = make.responded(world, **fields)
    decide(ask_suspension(lead, world.commissioner(1), days=days), world.head_of(1))
    return fresh(lead)


# --- suspending ------------------------------------------------------------------------------------


def test_a_pause_moves_feedback_and_closing_by_its_whole_length(world: World) -> None:
    lead = make.responded(world)
    row = ask_suspension(lead, world.commissioner(1))
    assert fresh(lead).state == State.RESPONDED, "while it waits the clocks run on"
    pass_time(HOUR)
    decide(row, world.head_of(1))
    now = fresh(lead)
    span = now.suspended_until - clock.now()
    assert (now.state, now.suspended_at, now.version) == (State.SUSPENDED, clock.now(), lead.version + 1)
    assert now.feedback_due_at == lead.feedback_due_at + span
    assert now.closing_due_at == lead.closing_due_at + span
    assert now.feedback_strict_due_at == lead.feedback_due_at
    feedback = clock_of(lead, "feedback")
    assert (feedback.due_at, feedback.shown_state) == (now.feedback_due_at, "paused")
    assert clock_of(lead, "feedback_80").due_at > lead.feedback_due_at
    segment = Segment.objects.get(deadline=feedback)
    assert (segment.paused_at, segment.resumed_at) == (clock.now(), now.suspended_until)
    assert (segment.approved_by, segment.reason) == (world.head_of(1), "暂缓办理：等待检验检测结果")
    [kept] = Suspension.objects.filter(lead=lead)
    assert (kept.asked_by, kept.approved_by) == (world.commissioner(1), world.head_of(1))


def test_it_ends_by_itself_on_its_date_and_what_was_left_runs_on(world: World) -> None:
    lead = suspended(world)
    until, due_at = lead.suspended_until, lead.feedback_due_at
    pass_time(until=until)
    now = fresh(lead)
    assert (now.state, now.suspended_at, now.suspended_until) == (State.RESPONDED, None, None)
    assert clock_of(lead, "feedback").shown_state == "running"
    [kept] = Suspension.objects.filter(lead=lead)
    assert (kept.ended_at, kept.ended_by) == (until, None)
    event = Event.objects.get(subject_id=lead.pk, kind="suspend_end")
    assert OutboxMessage.objects.filter(dedupe_key__startswith=f"event:{event.pk}:").exists()
    assert not SupervisionOrder.objects.filter(lead=lead, cause="feedback").exists()
    pass_time(until=due_at)
    assert SupervisionOrder.objects.filter(lead=lead, cause="feedback").count() == 1
    with pytest.raises(Conflict):
        pauses.resume(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)


def test_an_act_just_after_its_end_finds_the_lead_in_hand_again(world: World) -> None:
    lead = suspended(world)
    pass_time(until=lead.suspended_until, fire=False)
    done = lifecycle.feed_back(
        lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=make.GUIDED
    )
    assert done.state == State.FED_BACK


def test_resuming_early_takes_back_what_was_not_used(world: World) -> None:
    before = make.responded(world)
    decide(ask_suspension(before, world.commissioner(1)), world.head_of(1))
    pass_time(DAY)
    pauses.resume(lead_id=before.pk, by=world.commissioner(1), expect=take_any)
    now = fresh(before)
    assert (now.state, now.suspended_until) == (State.RESPONDED, None)
    assert now.feedback_due_at == before.feedback_due_at + DAY
    assert now.closing_due_at == before.closing_due_at + DAY
    assert clock_of(before, "feedback").due_at == now.feedback_due_at
    assert clock_of(before, "suspend_end").state == "cancelled"
    again = pauses.resume(lead_id=before.pk, by=world.commissioner(1), expect=take_any)
    assert again.version == now.version
    decide(ask_suspension(before, world.commissioner(1), days=1), world.head_of(1))
    assert fresh(before).state == State.SUSPENDED
    assert Suspension.objects.filter(lead=before).count() == 2


def test_food_and_response_are_never_paused(world: World) -> None:
    lead = make.responded(world, category="F03")
    due_at = clock_of(lead, "same_day").due_at
    decide(ask_suspension(lead, world.commissioner(1)), world.head_of(1))
    row = clock_of(lead, "same_day")
    assert (row.due_at, row.shown_state) == (due_at, "running")
    pass_time(until=due_at)
    assert SupervisionOrder.objects.filter(lead=lead, cause="same_day").exists()
    controlled = lifecycle.control(
        lead_id=lead.pk, by=world.commissioner(1), expect=take_any, note="已封存问题食品"
    )
    assert controlled.state == State.SUSPENDED


def test_what_was_late_before_stays_late(world: World) -> None:
    lead = make.responded(world)
    pass_time(until=lead.feedback_due_at)
    assert clock_of(lead, "feedback").state == "breached"
    decide(ask_suspension(lead, world.commissioner(1)), world.head_of(1))
    now = fresh(lead)
    assert now.state == State.SUSPENDED
    assert now.feedback_due_at == lead.feedback_due_at
    assert clock_of(lead, "feedback").state == "breached"
    assert Event.objects.filter(subject_id=lead.pk, kind="feedback").count() == 1
    assert SupervisionOrder.objects.get(lead=lead).state == "open"
    pass_time(until=now.suspended_until)
    assert fresh(lead).feedback_due_at == lead.feedback_due_at


@pytest.mark.parametrize(
    ("days", "code"), [(0, "until"), (7.01, "until"), (-1, "until")], ids=["now", "too long", "past"]
)
def test_a_week_at_most(world: World, days: float, code: str) -> None:
    lead = make.responded(world)
    with pytest.raises(DomainError) as refused:
        ask_suspension(lead, world.commissioner(1), days=days)
    assert refused.value.code == code


def test_who_asks_and_who_decides(world: World) -> None:
    lead = make.responded(world)
    with pytest.raises(NotAllowed):
        ask_suspension(lead, world.worker(1))
    row = ask_suspension(lead, world.commissioner(1))
    assert ask_suspension(lead, world.commissioner(1)) == row, "asked again: the same question"
    assert OutboxMessage.objects.filter(
        template="approvals.asked", recipient=world.head_of(1), subject_id=row.pk
    ).exists()
    for by in (world.commissioner(1), world.clerk_of(1), world.user("bureau"), world.community_head_of(1)):
        with pytest.raises(NotAllowed):
            decide(row, by)
    decide(row, world.head_of(1), approve=False)
    assert fresh(lead).state == State.RESPONDED
    assert not Suspension.objects.exists()


def test_unanswered_it_lapses_and_nothing_has_changed(world: World) -> None:
    lead = make.responded(world)
    row = ask_suspension(lead, world.commissioner(1))
    pass_time(until=row.due_at)
    row.refresh_from_db()
    now = fresh(lead)
    assert (row.state, now.state, now.feedback_due_at) == ("lapsed", State.RESPONDED, lead.feedback_due_at)


def test_feeding_back_withdraws_what_was_asked(world: World) -> None:
    lead = make.responded(world)
    row = ask_suspension(lead, world.commissioner(1))
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=make.GUIDED)
    row.refresh_from_db()
    assert row.state == "withdrawn"
    with pytest.raises(Conflict):
        decide(row, world.head_of(1))


# --- extending -------------------------------------------------------------------------------------


def test_a_request_stops_the_clock_until_it_is_approved(world: World) -> None:
    lead = make.responded(world)
    until = lead.feedback_due_at + 2 * DAY
    row = ask_extension(lead, world.commissioner(1), until)
    assert clock_of(lead, "feedback").shown_state == "paused"
    assert fresh(lead).version == lead.version, "nothing that is signed has changed"
    pass_time(HOUR)
    decide(row, world.head_of(1))
    now = fresh(lead)
    assert now.feedback_due_at == clock_of(lead, "feedback").due_at == until
    assert now.closing_due_at == lead.closing_due_at + 2 * DAY
    assert now.feedback_strict_due_at == lead.feedback_due_at
    assert clock_of(lead, "feedback").shown_state == "running"
    [kept] = Extension.objects.filter(lead=lead)
    assert (kept.due_before, kept.due_after, kept.keeps_breach) == (lead.feedback_due_at, until, False)
    with pytest.raises(Conflict) as refused:
        ask_extension(lead, world.commissioner(1), until + DAY)
    assert refused.value.code == "extended_already"


@pytest.mark.parametrize("refuse_after", [HOUR, None], ids=["refused", "unanswered"])
def test_refused_or_unanswered_the_rest_runs_on(world: World, refuse_after: timedelta | None) -> None:
    lead = make.responded(world)
    row = ask_extension(lead, world.commissioner(1), lead.feedback_due_at + DAY)
    if refuse_after is None:
        pass_time(until=row.due_at)
        waited = row.due_at - row.asked_at
        assert waited == 2 * HOUR
    else:
        pass_time(refuse_after)
        decide(row, world.head_of(1), approve=False)
        waited = refuse_after
    now = fresh(lead)
    assert now.feedback_due_at == clock_of(lead, "feedback").due_at == lead.feedback_due_at + waited
    assert now.closing_due_at == lead.closing_due_at + waited
    assert clock_of(lead, "feedback").shown_state == "running"
    with pytest.raises(Conflict):
        ask_extension(lead, world.commissioner(1), now.feedback_due_at + DAY)
    pass_time(until=now.feedback_due_at)
    assert clock_of(lead, "feedback").state == "breached"


def test_too_late_is_too_late(world: World) -> None:
    lead = make.responded(world)
    pass_time(until=lead.feedback_due_at)
    with pytest.raises(Conflict) as refused:
        ask_extension(lead, world.commissioner(1), lead.feedback_due_at + DAY)
    assert refused.value.code == "clock_not_running"
    assert fresh(lead).feedback_due_at == lead.feedback_due_at


@pytest.mark.parametrize("more", [timedelta(), timedelta(days=7, seconds=1)])
def test_later_but_a_week_at_most(world: World, more: timedelta) -> None:
    lead = make.responded(world)
    with pytest.raises(DomainError) as refused:
        ask_extension(lead, world.commissioner(1), lead.feedback_due_at + more)
    assert refused.value.code == "until"


@pytest.mark.parametrize("kind", ["respond", "same_day", "verify", "nonsense"])
def test_only_feedback_is_extended(world: World, kind: str) -> None:
    lead = make.responded(world)
    with pytest.raises(DomainError) as refused:
        ask_extension(lead, world.commissioner(1), lead.feedback_due_at + DAY, clock=kind)
    assert refused.value.code == "clock"


def test_a_rework_has_its_own_clock_to_extend(world: World) -> None:
    lead = make.reworked(world)
    second = clock_of(lead, "feedback", 2).due_at
    row = ask_extension(lead, world.commissioner(1), second + DAY)
    decide(row, world.head_of(1))
    now = fresh(lead)
    assert clock_of(lead, "feedback", 2).due_at == second + DAY
    assert now.feedback_due_at == lead.feedback_due_at, "the first round's stays"


def test_suspended_while_an_extension_waits(world: World) -> None:
    """The extension is withdrawn, its pause ends, and the suspension's begins: nothing is counted twice."""
    lead = make.responded(world)
    extension = ask_extension(lead, world.commissioner(1), lead.feedback_due_at + DAY)
    suspension = ask_suspension(lead, world.commissioner(1), days=2)
    pass_time(HOUR)
    decide(suspension, world.head_of(1))
    extension.refresh_from_db()
    now = fresh(lead)
    length = now.suspended_until - now.suspended_at
    assert extension.state == "withdrawn"
    assert now.feedback_due_at == clock_of(lead, "feedback").due_at == lead.feedback_due_at + HOUR + length
    assert now.closing_due_at == lead.closing_due_at + HOUR + length


# --- who is charged --------------------------------------------------------------------------------


def test_a_request_nobody_answered_charges_who_should_have(world: World) -> None:
    lead = make.responded(world)
    pass_time(until=lead.feedback_due_at - 3 * HOUR, fire=False)
    row = ask_extension(lead, world.commissioner(1), lead.feedback_due_at + DAY)
    pass_time(until=row.due_at)
    due_at = fresh(lead).feedback_due_at
    pass_time(until=due_at)
    order = SupervisionOrder.objects.get(lead=lead, cause="feedback")
    assert (order.late_side, order.charged_approval) == ("approver", row)
    told = OutboxMessage.objects.filter(template="leads.approver_late")
    assert world.head_of(1).pk in set(told.values_list("recipient_id", flat=True))
    assert clock_of(lead, "feedback").state == "breached", "and the owner's clock has run out all the same"


def test_one_that_was_answered_charges_the_owner(world: World) -> None:
    lead = make.responded(world)
    decide(ask_suspension(lead, world.commissioner(1)), world.head_of(1), approve=False)
    pass_time(until=lead.feedback_due_at)
    order = SupervisionOrder.objects.get(lead=lead, cause="feedback")
    assert (order.late_side, order.charged_approval) == ("office", None)


def test_many_requests_lapse_in_one_sweep(world: World) -> None:
    leads = [make.responded(world, number) for number in (1, 2, 3)]
    for number, lead in enumerate(leads, start=1):
        ask_extension(lead, world.commissioner(number), lead.feedback_due_at + DAY)
    pass_time(3 * HOUR)
    assert set(Approval.objects.values_list("state", flat=True)) == {"lapsed"}
    assert fresh(leads[0]).feedback_due_at == TUESDAY + DAY + 2 * HOUR
