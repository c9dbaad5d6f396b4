"""The clocks of a lead through its life: warnings, breaches, orders, nights (DESIGN.md §3, §4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from grids import absences, postings
from grids.demo import World
from grids.models import Office
from grids.roles import Role
from kernel import clock
from kernel.clock import SHANGHAI
from kernel.deadlines.models import Deadline, Event, LimitPolicy, PoisonRow
from kernel.errors import Malformed, NotAllowed
from kernel.journal import verify
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from leads import dispatch, handover, lifecycle, supervision
from leads.models import Instruction, Lead, SupervisionOrder
from leads.states import State
from tests.factories import leads as made
from tests.factories.accounts import make_user
from tests.factories.leads import GUIDED, TUESDAY, pass_time, stand_at, take_any

pytestmark = pytest.mark.django_db

HOURS = timedelta(hours=1)
MINUTES = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def sound(world: World) -> Iterator[None]:
    """After every journey: no handler has failed, every event is told, no clock runs overdue."""
    yield
    assert list(PoisonRow.objects.values_list("error", flat=True)) == []
    told = OutboxMessage.objects.filter(dedupe_key__startswith="event:")
    numbers = {int(key.split(":")[1]) for key in told.values_list("dedupe_key", flat=True)}
    assert set(Event.objects.values_list("pk", flat=True)) <= numbers
    assert verify.verify() is None


def told(lead: Lead, template: str) -> set[str]:
    rows = OutboxMessage.objects.filter(subject_kind="lead", subject_id=lead.pk, template=f"leads.{template}")
    return set(rows.values_list("recipient__username", flat=True))


def state_of(lead: Lead, kind: str, cycle: int = 1) -> str:
    return Deadline.objects.get(subject_kind="lead", subject_id=lead.pk, kind=kind, cycle=cycle).state


def fresh(lead: Lead) -> Lead:
    return Lead.objects.get(pk=lead.pk)


def order_of(lead: Lead, cause: str) -> SupervisionOrder:
    return SupervisionOrder.objects.get(lead=lead, cause=cause)


def acknowledge(order: SupervisionOrder, by: Any, instruction: str = "finish_today") -> SupervisionOrder:
    return supervision.acknowledge(
        order_id=order.pk, by=by, expect=take_any, instruction=Instruction(instruction)
    )


# --- 催办 at 80 % ----------------------------------------------------------------------------------


def test_at_80_percent_the_owner_and_his_head_are_told(world: World) -> None:
    lead = made.reported(world)
    pass_time(until=TUESDAY + 24 * MINUTES)
    assert told(lead, "respond_80") == {"commissioner-01", "office-01"}
    assert state_of(lead, "respond") == "running"
    assert fresh(lead).version == 1
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)
    pass_time(until=TUESDAY + 1152 * MINUTES)
    assert told(lead, "feedback_80") == {"commissioner-01", "office-01"}


def test_who_answered_is_not_reminded(world: World) -> None:
    lead = made.responded(world)
    assert (state_of(lead, "respond"), state_of(lead, "respond_80")) == ("met", "cancelled")
    pass_time(until=TUESDAY + 40 * MINUTES)
    assert told(lead, "respond_80") == set()
    assert not SupervisionOrder.objects.exists()


def test_a_warning_that_comes_with_its_breach_is_not_sent(world: World) -> None:
    """After downtime both are due at once: the order says enough."""
    lead = made.reported(world)
    pass_time(until=TUESDAY + 40 * MINUTES)
    assert told(lead, "respond_80") == set()
    assert state_of(lead, "respond_80") == "cancelled"
    assert told(lead, "respond_late") == {"commissioner-01"}
    assert "office-01" in told(lead, "order_respond")


# --- response late ---------------------------------------------------------------------------------


def test_a_late_response_raises_one_order_to_both_sides(world: World) -> None:
    lead = made.reported(world)
    pass_time(until=lead.respond_due_at)
    order = order_of(lead, "respond")
    assert (order.level, order.state, order.late_side, order.cycle) == ("office", "open", "office", 1)
    assert told(lead, "order_respond") == {"office-01", world.community_head_of(1).username}
    acks = Deadline.objects.filter(subject_kind="order", subject_id=order.pk)
    assert {a.kind: a.due_at for a in acks} == {
        "ack_office": order.raised_at + 2 * HOURS,
        "ack_community": order.raised_at + 2 * HOURS,
    }
    assert state_of(lead, "respond") == "breached"
    assert Deadline.objects.get(subject_id=lead.pk, kind="respond").closed_at == lead.respond_due_at
    made.let_clocks_fire()
    assert SupervisionOrder.objects.count() == 1


@pytest.mark.parametrize("first", ["acknowledged", "responded"])
def test_it_is_lifted_when_both_acknowledged_and_the_lead_moved_on(world: World, first: str) -> None:
    lead = made.reported(world)
    pass_time(until=lead.respond_due_at)
    order = order_of(lead, "respond")

    def both_acknowledge() -> None:
        acknowledge(order, world.head_of(1))
        acknowledge(order, world.community_head_of(1), "go_myself")

    def move_on() -> None:
        lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)

    steps = [both_acknowledge, move_on]
    for step in steps if first == "acknowledged" else reversed(steps):
        order.refresh_from_db()
        assert order.state == "open"
        step()
    order.refresh_from_db()
    assert (order.state, order.lifted_at, order.level) == ("lifted", clock.now(), "office")
    kinds = Entry.objects.filter(stream=lead.stream, kind__startswith="order.").order_by("seq")
    said = [e.kind for e in kinds]
    assert said == ["order.raised", "order.acknowledged", "order.acknowledged", "order.lifted"]
    assert told(lead, "order_acknowledged") == {"commissioner-01"}
    pass_time(3 * HOURS)
    order.refresh_from_db()
    assert order.level == "office"


def test_one_side_alone_lifts_nothing(world: World) -> None:
    order = made.late_response(world)
    acknowledge(order, world.head_of(1))
    lifecycle.respond(lead_id=order.lead_id, by=world.commissioner(1), expect=take_any)
    order.refresh_from_db()
    assert order.state == "open"


@pytest.mark.parametrize("answered", [None, "office", "community"])
def test_silence_goes_up_to_the_bureau(world: World, answered: str | None) -> None:
    order = made.late_response(world)
    if answered:
        acknowledge(order, world.head_of(1) if answered == "office" else world.community_head_of(1))
    version = order.version
    pass_time(until=order.raised_at + 2 * HOURS)
    order.refresh_from_db()
    assert (order.level, order.version, order.state) == ("bureau", version + 1, "open")
    assert "bureau" in told(order.lead, "order_escalated")
    silent = Entry.objects.filter(stream=order.lead.stream, kind="order.escalated")
    expected = {"ack_office", "ack_community"} - {f"ack_{answered}"}
    assert {entry.data["silent"] for entry in silent} == expected
    # late is not never: they may still acknowledge, and then it is lifted
    for person in (world.head_of(1), world.community_head_of(1)):
        acknowledge(order, person)
    lifecycle.respond(lead_id=order.lead_id, by=world.commissioner(1), expect=take_any)
    order.refresh_from_db()
    assert (order.state, order.level) == ("lifted", "bureau")


def test_both_acknowledged_in_time_goes_up_to_nobody(world: World) -> None:
    order = made.late_response(world)
    acknowledge(order, world.head_of(1))
    acknowledge(order, world.community_head_of(1))
    pass_time(until=order.raised_at + 3 * HOURS)
    order.refresh_from_db()
    assert (order.level, order.state) == ("office", "open")


@pytest.mark.parametrize(
    ("raised", "fields", "due"),
    [
        ("12:10", {}, "03-10 14:10"),  # the midday break is no night
        ("15:30", {}, "03-10 17:30"),
        ("17:00", {}, "03-11 10:00"),  # half an hour today, the rest in the morning
        ("17:30", {}, "03-11 10:30"),
        ("23:00", {}, "03-11 10:30"),
        ("03:00", {}, "03-10 10:30"),
        ("08:29", {}, "03-10 10:30"),
        ("23:00", {"severity": "URGENT"}, "03-11 01:00"),
        ("23:00", {"category": "F01"}, "03-11 01:00"),  # food and SERIOUS
        ("23:00", {"category": "F03"}, "03-11 10:30"),  # food, MODERATE
        ("23:00", {"category": "Q01"}, "03-11 10:30"),  # SERIOUS, no food
    ],
)
def test_when_both_sides_have_to_acknowledge(
    world: World, raised: str, fields: dict[str, str], due: str
) -> None:
    at = datetime.fromisoformat(f"2026-03-10 {raised}").replace(tzinfo=SHANGHAI)
    stand_at(at - 31 * MINUTES)
    lead = made.reported(world, **fields)
    stand_at(at)
    made.let_clocks_fire()
    order = order_of(lead, "respond")
    assert order.raised_at == at
    acks = Deadline.objects.filter(subject_kind="order", subject_id=order.pk).values_list("due_at", flat=True)
    expected = datetime.fromisoformat(f"2026-{due}").replace(tzinfo=SHANGHAI)
    assert set(acks) == {expected}


def test_a_response_after_the_due_time_is_late_though_no_sweep_has_come(world: World) -> None:
    """The request itself fires the clock before it goes on: late is late, at the due time."""
    lead = made.reported(world)
    stand_at(lead.respond_due_at)
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)
    row = Deadline.objects.get(subject_id=lead.pk, kind="respond")
    assert (row.state, row.closed_at) == ("breached", lead.respond_due_at)
    assert fresh(lead).responded_at == lead.respond_due_at
    assert order_of(lead, "respond").state == "open"
    assert Event.objects.filter(deadline=row).count() == 1


def test_a_response_a_microsecond_before_is_on_time_and_no_sweep_changes_it(world: World) -> None:
    lead = made.reported(world)
    stand_at(lead.respond_due_at - timedelta(microseconds=1))
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)
    pass_time(5 * MINUTES)
    assert state_of(lead, "respond") == "met"
    assert not SupervisionOrder.objects.exists()


# --- feedback and control late ---------------------------------------------------------------------


def test_late_feedback_raises_its_own_order_and_goes_up(world: World) -> None:
    lead = made.responded(world)
    pass_time(until=lead.feedback_due_at)
    order = order_of(lead, "feedback")
    assert order.level == "office"
    pass_time(until=order.raised_at + 3 * HOURS)
    order.refresh_from_db()
    assert order.level == "bureau"
    for person in (world.head_of(1), world.community_head_of(1)):
        acknowledge(order, person)
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    order.refresh_from_db()
    assert order.state == "lifted"
    assert fresh(lead).first_fed_back_at > lead.feedback_due_at


def test_food_not_under_control_by_midnight_raises_an_order(world: World) -> None:
    lead = made.responded(world, category="F03")
    pass_time(until=lead.same_day_due_at)
    order = order_of(lead, "same_day")
    for person in (world.head_of(1), world.community_head_of(1)):
        acknowledge(order, person)
    lifecycle.control(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, note="已封存")
    order.refresh_from_db()
    assert order.state == "lifted"
    assert state_of(lead, "same_day") == "breached"


def test_control_the_same_day_meets_the_clock(world: World) -> None:
    lead = made.responded(world, category="F03")
    pass_time(5 * HOURS)
    lifecycle.control(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, note="已封存")
    assert state_of(lead, "same_day") == "met"
    pass_time(until=lead.same_day_due_at)
    assert not SupervisionOrder.objects.filter(cause="same_day").exists()


def test_feedback_on_food_not_yet_under_control_is_the_control(world: World) -> None:
    lead = made.fed_back(world, category="F03")
    assert fresh(lead).controlled_at == lead.fed_back_at
    assert state_of(lead, "same_day") == "met"


def test_saying_twice_that_it_is_under_control_keeps_the_first_time(world: World) -> None:
    lead = made.responded(world, category="F03")
    lifecycle.control(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, note="已封存")
    pass_time(10 * MINUTES)
    again = lifecycle.control(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, note="又封存")
    assert (again.controlled_at, again.control_note) == (TUESDAY, "已封存")


# --- urgent ----------------------------------------------------------------------------------------


def test_an_urgent_lead_that_nobody_answers_is_joined_by_backup_then_duty_officer(world: World) -> None:
    lead = made.reported(world, category="S01")
    with pytest.raises(NotAllowed):
        lifecycle.respond(lead_id=lead.pk, by=world.duty_of(1), expect=take_any)
    pass_time(until=TUESDAY + 10 * MINUTES)
    assert told(lead, "urgent_backup") == {"commissioner-01", "commissioner-02", "office-01"}
    pass_time(until=TUESDAY + 20 * MINUTES)
    assert told(lead, "urgent_duty") == {"commissioner-01", "duty-01", "office-01"}
    done = lifecycle.respond(lead_id=lead.pk, by=world.duty_of(1), expect=take_any)
    assert (done.state, done.assignee_id) == (State.RESPONDED, world.commissioner(1).pk)
    assert state_of(lead, "respond") == "met"


def test_an_urgent_lead_that_is_answered_calls_nobody(world: World) -> None:
    lead = made.responded(world, category="S01")
    pass_time(until=TUESDAY + 29 * MINUTES)
    assert told(lead, "urgent_backup") | told(lead, "urgent_duty") == set()
    assert state_of(lead, "urgent_duty") == "met"


# --- the desk --------------------------------------------------------------------------------------


def test_a_lead_left_on_the_desk_is_told_to_the_bureau(world: World) -> None:
    lead = made.on_desk(world)
    pass_time(until=TUESDAY + 15 * MINUTES)
    assert state_of(lead, "desk") == "breached"
    assert told(lead, "desk_late") == {"office-01", "bureau"}


def test_placed_in_time_the_response_clock_starts_then(world: World) -> None:
    lead = made.on_desk(world)
    pass_time(10 * MINUTES)
    placed = dispatch.dispatch(
        lead_id=lead.pk,
        by=world.clerk_of(1),
        expect=take_any,
        assignee_id=world.commissioner(2).pk,
        reason="代管",
    )
    assert (placed.state, placed.owner_cycle, placed.dispatched_at) == ("dispatched", 1, clock.now())
    assert state_of(lead, "desk") == "met"
    respond = Deadline.objects.get(subject_id=lead.pk, kind="respond")
    assert respond.due_at == placed.respond_due_at == clock.now() + 30 * MINUTES
    assert Deadline.objects.get(subject_id=lead.pk, kind="feedback").due_at == TUESDAY + 24 * HOURS
    assert not Deadline.objects.filter(kind="owner_respond").exists()
    assert told(lead, "dispatched") == {"commissioner-02"}


def test_the_bureau_places_what_lies_outside_every_grid(world: World) -> None:
    lead = made.reported(world, lon="117.5", lat="37.1", crs_in="wgs84")
    placed = dispatch.dispatch(
        lead_id=lead.pk,
        by=world.user("bureau"),
        expect=take_any,
        assignee_id=world.commissioner(4).pk,
        reason="实际位于四号网格",
        grid_id=world.grid(4).pk,
    )
    assert (placed.grid, placed.office_id, placed.boundary_match) == (
        world.grid(4),
        world.office_of(4).pk,
        "manual",
    )
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(4), expect=take_any)
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(4), expect=take_any, outcome=GUIDED)
    done = lifecycle.verify(lead_id=lead.pk, by=world.worker(4), expect=take_any)
    assert done.state == State.CLOSED


# --- dispatch by hand ------------------------------------------------------------------------------


def test_a_new_owner_gets_a_clock_of_his_own_and_no_other_changes(world: World) -> None:
    lead = made.responded(world)
    before = dict(Deadline.objects.filter(subject_id=lead.pk).values_list("kind", "due_at"))
    pass_time(2 * HOURS)
    dispatch.dispatch(
        lead_id=lead.pk,
        by=world.clerk_of(1),
        expect=take_any,
        assignee_id=world.commissioner(2).pk,
        reason="专员外出",
    )
    after = {d.kind: d for d in Deadline.objects.filter(subject_id=lead.pk)}
    assert after["owner_respond"].due_at == clock.now() + 30 * MINUTES
    assert after["owner_respond"].cycle == 2
    assert {kind: after[kind].due_at for kind in before} == before
    assert fresh(lead).first_responded_at == TUESDAY
    assert told(lead, "dispatched") == {"commissioner-01", "commissioner-02"}


def redispatched(world: World) -> Lead:
    lead = made.responded(world)
    return dispatch.dispatch(
        lead_id=lead.pk,
        by=world.clerk_of(1),
        expect=take_any,
        assignee_id=world.commissioner(2).pk,
        reason="专员外出",
    )


def test_a_new_owner_who_is_late_raises_an_order(world: World) -> None:
    lead = redispatched(world)
    pass_time(until=TUESDAY + 24 * MINUTES)
    assert told(lead, "owner_respond_80") == {"commissioner-02", "office-01"}
    pass_time(until=TUESDAY + 30 * MINUTES)
    order = order_of(lead, "owner_respond")
    for person in (world.head_of(1), world.community_head_of(1)):
        acknowledge(order, person)
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(2), expect=take_any)
    order.refresh_from_db()
    assert order.state == "lifted"


def test_but_not_where_one_is_open_already(world: World) -> None:
    order = made.late_response(world)
    dispatch.dispatch(
        lead_id=order.lead_id,
        by=world.clerk_of(1),
        expect=take_any,
        assignee_id=world.commissioner(2).pk,
        reason="专员外出",
    )
    pass_time(40 * MINUTES)
    assert SupervisionOrder.objects.get() == order
    event = Event.objects.get(kind="owner_respond")
    assert OutboxMessage.objects.filter(dedupe_key__startswith=f"event:{event.pk}:").exists()


def test_dispatching_again_ends_the_last_owners_clock(world: World) -> None:
    lead = redispatched(world)
    pass_time(20 * MINUTES)
    dispatch.dispatch(
        lead_id=lead.pk,
        by=world.clerk_of(1),
        expect=take_any,
        assignee_id=world.commissioner(3).pk,
        reason="又外出",
    )
    assert state_of(lead, "owner_respond", 2) == "cancelled"
    pass_time(until=TUESDAY + 45 * MINUTES)
    assert not SupervisionOrder.objects.exists()
    assert state_of(lead, "owner_respond", 3) == "running"


# --- verification ----------------------------------------------------------------------------------


def test_late_verification_reminds_the_workers_then_lets_the_head_verify(world: World) -> None:
    lead = made.fed_back(world)
    head = world.community_head_of(1)
    pass_time(until=TUESDAY + 24 * HOURS)
    assert told(lead, "verify") == {"worker-01-1", "worker-01-2", "worker-01-3", head.username}
    with pytest.raises(NotAllowed) as refused:
        lifecycle.verify(lead_id=lead.pk, by=head, expect=take_any, note="网格员未核验")
    assert refused.value.code == "too_early"
    pass_time(until=TUESDAY + 48 * HOURS)
    assert told(lead, "verify_stead") == {head.username}
    head = world.community_head_of(1)
    with pytest.raises(Malformed) as reason:
        lifecycle.verify(lead_id=lead.pk, by=head, expect=take_any)
    assert reason.value.code == "reason_required"
    done = lifecycle.verify(lead_id=lead.pk, by=head, expect=take_any, note="网格员逾期未核验")
    assert (done.state, done.verified_in_stead, done.closed_by) == (State.CLOSED, True, head)
    signed = done.signatures.get(stage="result", side="community")
    assert (signed.signer, signed.snapshot["signed"]["in_stead"]) == (head, True)
    assert not Deadline.objects.filter(subject_kind="lead", state="running").exists()


def test_a_worker_may_still_verify_after_the_clock(world: World) -> None:
    lead = made.fed_back(world)
    pass_time(until=TUESDAY + 60 * HOURS)
    done = lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert (done.state, done.verified_in_stead) == (State.CLOSED, False)
    assert state_of(lead, "verify") == "breached"


def away(world: World, person: int, stand_in: Any = None) -> None:
    user = world.worker(1, person)
    absences.record(
        user=user,
        stand_in=stand_in,
        starts_at=TUESDAY,
        ends_at=TUESDAY + 24 * HOURS,
        by=user,
        at=clock.now(),
    )


def test_where_all_workers_are_away_the_head_verifies_at_once(world: World) -> None:
    """Their backups (B角) are one another, so nobody is left to stand in."""
    lead = made.fed_back(world)
    head = world.community_head_of(1)
    for person in (1, 2):
        away(world, person)
    with pytest.raises(NotAllowed):
        lifecycle.verify(lead_id=lead.pk, by=head, expect=take_any, note="网格员请假")
    away(world, 3)
    done = lifecycle.verify(lead_id=lead.pk, by=head, expect=take_any, note="三名网格员均请假")
    assert (done.state, done.verified_in_stead) == (State.CLOSED, True)


def test_a_stand_in_who_is_there_comes_before_the_head(world: World) -> None:
    lead = made.fed_back(world)
    for person in (1, 2):
        away(world, person)
    away(world, 3, stand_in=world.worker(2))
    with pytest.raises(NotAllowed) as refused:
        lifecycle.verify(lead_id=lead.pk, by=world.community_head_of(1), expect=take_any, note="网格员请假")
    assert refused.value.code == "too_early"
    assert lifecycle.verify(lead_id=lead.pk, by=world.worker(2), expect=take_any).state == State.CLOSED


def test_in_a_grid_without_workers_the_head_verifies_at_once_and_is_told(world: World) -> None:
    lead = made.responded(world)
    for person in (1, 2, 3):
        postings.end(posting=world.posting_of(f"worker-01-{person}"), at=clock.now(), by=None)
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    head = world.community_head_of(1)
    assert told(lead, "fed_back") == {head.username}
    done = lifecycle.verify(lead_id=lead.pk, by=head, expect=take_any, note="本网格暂无网格员")
    assert (done.state, done.verified_in_stead) == (State.CLOSED, True)


def test_food_and_serious_leads_are_verified_on_site(world: World) -> None:
    for number, fields in ((1, {"category": "F03"}), (2, {"severity": "SERIOUS"})):
        lead = made.fed_back(world, number, **fields)
        with pytest.raises(Exception, match="现场核验") as refused:
            lifecycle.verify(
                lead_id=lead.pk,
                by=world.worker(number),
                expect=take_any,
                method=lifecycle.Method.PHOTO,
            )
        assert refused.value.code == "on_site_required"  # type: ignore[attr-defined]
    minor = made.fed_back(world, 3)
    done = lifecycle.verify(
        lead_id=minor.pk, by=world.worker(3), expect=take_any, method=lifecycle.Method.PHONE
    )
    assert (done.state, done.verify_method) == (State.CLOSED, "phone")


# --- rework ----------------------------------------------------------------------------------------


def test_rework_begins_a_round_with_a_feedback_clock_of_its_own(world: World) -> None:
    lead = made.fed_back(world)
    pass_time(20 * HOURS)
    lifecycle.rework(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any, reason="没有改好")
    again = Deadline.objects.get(subject_id=lead.pk, kind="feedback", cycle=2)
    assert (again.state, again.due_at) == ("running", clock.now() + 24 * HOURS)
    assert (state_of(lead, "feedback"), state_of(lead, "verify")) == ("met", "cancelled")
    assert state_of(lead, "verify_stead") == "cancelled"
    assert told(lead, "reworked") == {"commissioner-01"}
    pass_time(until=again.due_at)
    assert order_of(lead, "feedback").cycle == 2
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    assert state_of(lead, "verify", 2) == "running"
    now = fresh(lead)
    assert (now.round, now.first_fed_back_at, now.disposals.count()) == (2, TUESDAY, 2)


def test_closing_ends_every_clock(world: World) -> None:
    lead = made.closed(world, category="F03")
    states = Deadline.objects.filter(subject_kind="lead", subject_id=lead.pk)
    assert set(states.values_list("state", flat=True)) == {"met", "cancelled"}
    pass_time(timedelta(days=10))
    assert not SupervisionOrder.objects.exists()


# --- night -----------------------------------------------------------------------------------------

NIGHT = TUESDAY.replace(hour=3)
MORNING = TUESDAY.replace(hour=8, minute=30)


def open_at_night(world: World, number: int = 1) -> None:
    Office.objects.filter(pk=world.office_of(number).pk).update(night_dispatch=True)


def test_at_three_in_the_night_the_duty_officer_gets_it_where_the_office_says_so(world: World) -> None:
    open_at_night(world)
    stand_at(NIGHT)
    lead = made.reported(world)
    assert lead.assignee == world.duty_of(1)
    assert "夜间" in lead.routing_reason
    assert Deadline.objects.get(subject_id=lead.pk, kind="morning").due_at == MORNING
    other_office = made.reported(world, 21)
    assert other_office.assignee == world.commissioner(21)


def test_by_day_the_commissioner_gets_it_there_too(world: World) -> None:
    open_at_night(world)
    assert made.reported(world).assignee == world.commissioner(1)


@pytest.mark.parametrize("state", ["dispatched", "responded", "fed_back"])
def test_at_half_past_eight_it_is_handed_on_in_whatever_state(world: World, state: str) -> None:
    open_at_night(world)
    stand_at(NIGHT)
    lead = made.reported(world)
    duty = world.duty_of(1)
    if state != "dispatched":
        lifecycle.respond(lead_id=lead.pk, by=duty, expect=take_any)
    if state == "fed_back":
        lifecycle.feed_back(lead_id=lead.pk, by=duty, expect=take_any, outcome=GUIDED)
    before = {d.kind: d.due_at for d in Deadline.objects.filter(subject_id=lead.pk, state="running")}
    version = fresh(lead).version
    pass_time(until=MORNING)
    now = fresh(lead)
    assert (now.state, now.assignee, now.owner_cycle) == (state, world.commissioner(1), 2)
    assert now.version == version + 1
    assert "commissioner-01" in told(lead, "handed_on")
    after = {d.kind: d.due_at for d in Deadline.objects.filter(subject_id=lead.pk, state="running")}
    assert "owner_respond" not in after
    assert after.items() <= before.items()
    finish(world, lead, state)


def finish(world: World, lead: Lead, state: str) -> None:
    """Whoever has it now carries it to its end."""
    if state == "dispatched":
        lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)
    if state != "fed_back":
        lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
        assert lead.signatures.get(stage="handover", side="office", cycle=2).signer == world.commissioner(1)
    done = lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert done.state == State.CLOSED


def test_a_closed_lead_of_the_night_stays_with_whom_it_was(world: World) -> None:
    open_at_night(world)
    stand_at(NIGHT)
    lead = made.reported(world)
    duty = world.duty_of(1)
    lifecycle.respond(lead_id=lead.pk, by=duty, expect=take_any)
    lifecycle.feed_back(lead_id=lead.pk, by=duty, expect=take_any, outcome=GUIDED)
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    pass_time(until=MORNING)
    assert fresh(lead).assignee == duty


def test_a_lead_given_to_another_in_the_night_is_not_handed_on(world: World) -> None:
    open_at_night(world)
    stand_at(NIGHT)
    lead = made.reported(world)
    dispatch.dispatch(
        lead_id=lead.pk,
        by=world.duty_of(1),
        expect=take_any,
        assignee_id=world.head_of(1).pk,
        reason="请所长办理",
    )
    pass_time(until=MORNING)
    assert fresh(lead).assignee == world.head_of(1)


# --- who goes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [made.reported, made.responded, made.fed_back, made.reworked])
def test_ending_a_posting_hands_on_its_leads_in_the_same_transaction(world: World, make: Any) -> None:
    lead = make(world)
    other = made.reported(world, 2)
    closed = made.closed(world)
    state = fresh(lead).state
    postings.end(posting=world.posting_of("commissioner-01"), at=clock.now(), by=world.head_of(1))
    now = fresh(lead)
    assert (now.state, now.assignee) == (state, world.commissioner(2))
    assert "岗位变动" in now.routing_reason
    assert told(lead, "handed_on") == {"commissioner-02"}
    assert fresh(closed).assignee == world.commissioner(1)
    assert fresh(other).assignee == world.commissioner(2)


def test_it_hands_on_what_he_was_given_from_another_grid_too(world: World) -> None:
    lead = made.reported(world, 2)
    dispatch.dispatch(
        lead_id=lead.pk,
        by=world.clerk_of(1),
        expect=take_any,
        assignee_id=world.commissioner(1).pk,
        reason="专员外出",
    )
    postings.end(posting=world.posting_of("commissioner-01"), at=clock.now(), by=None)
    assert fresh(lead).assignee == world.commissioner(2)


def test_one_who_holds_another_seat_of_the_office_keeps_what_lies_elsewhere(world: World) -> None:
    """He is commissioner of grids 1 and 2; grid 1 ends: only the leads of grid 1 move."""
    at = clock.now()
    both = world.commissioner(1)
    old = world.posting_of("commissioner-02")
    postings.end(posting=old, at=at, by=None)
    postings.appoint(user=both, role=Role.COMMISSIONER, grid=world.grid(2), by=None, at=at)
    here, there = made.reported(world, 1), made.reported(world, 2)
    assert fresh(here).assignee == fresh(there).assignee == both
    postings.end(posting=world.posting_of("commissioner-01"), at=at, by=None)
    assert fresh(here).assignee != both
    assert fresh(there).assignee == both


def test_without_any_backup_the_duty_officer_then_heads_and_bureau_take_over(world: World) -> None:
    lead = made.reported(world)
    at = clock.now()
    posting = world.posting_of("commissioner-01")
    postings.change_backup(posting=posting, backup=None, by=None, at=at)
    postings.end(posting=posting, at=at, by=None)
    assert fresh(lead).assignee == world.duty_of(1)


def test_an_account_that_is_closed_leaves_nothing_behind(world: World) -> None:
    lead = made.reported(world)
    gone = world.commissioner(1)
    gone.is_active = False
    gone.save()
    assert handover.sweep_vacant() == 1
    assert fresh(lead).assignee == world.commissioner(2)
    assert handover.sweep_vacant() == 0


def test_a_successor_takes_over_from_the_one_before(world: World) -> None:
    at = clock.now()
    lead = made.reported(world)
    postings.end(posting=world.posting_of("commissioner-01"), at=at, by=None)
    newcomer = make_user()
    postings.appoint(user=newcomer, role=Role.COMMISSIONER, grid=world.grid(1), by=None, at=at)
    assert fresh(lead).assignee == world.commissioner(2)
    assert made.reported(world).assignee == newcomer


# --- versions of policy ----------------------------------------------------------------------------


def test_a_new_version_of_a_limit_serves_new_leads_only(world: World) -> None:
    old = made.reported(world)
    LimitPolicy.objects.create(
        kind="respond", version=2, name="接单时限", amount=60, warn_percent=80,
        counting="DUTY", in_force_from=TUESDAY + HOURS, basis="试点",
    )  # fmt: skip
    stand_at(TUESDAY.replace(hour=17, minute=10))
    new, food = made.reported(world), made.reported(world, category="F03")
    assert new.respond_due_at == datetime(2026, 3, 11, 9, 10, tzinfo=SHANGHAI)
    assert food.respond_due_at == clock.now() + HOURS
    assert fresh(old).respond_due_at == TUESDAY + 30 * MINUTES
    versions = Deadline.objects.filter(kind="respond").order_by("id").values_list("policy_version", flat=True)
    assert list(versions) == [1, 2, 2]
