"""Many at once, on committed rows: right every time, no deadlock, nobody stuck (DESIGN.md §4)."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test import Client

from grids import postings
from grids.demo import World
from grids.models import Office
from kernel import clock
from kernel.deadlines import clocks
from kernel.deadlines.models import Deadline, Event, PoisonRow
from kernel.deadlines.sweep import sweep
from kernel.errors import Busy, Conflict, NotAllowed, NotVisible, StaleVersion
from kernel.journal import verify
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from leads import acts, dispatch, files, handover, intake, lifecycle, signing, supervision
from leads.models import Instruction, Lead, LeadEvidence, Signature, SupervisionOrder
from leads.states import OPEN, State
from tests.factories import leads as made
from tests.factories.grids import make_world
from tests.factories.leads import GUIDED, TUESDAY, let_clocks_fire, report, stand_at, take_any
from tests.factories.photos import make_photo
from tests.kernel.at_once import at_once, refused
from tests.leads.calls import Api, code_of
from tests.leads.test_intake import photo_of

SECOND = timedelta(seconds=1)


@pytest.fixture
def world(committed_db: str) -> Iterator[World]:
    """The world, committed. Afterwards: every chain verifies, no handler failed, every digest holds."""
    stand_at(TUESDAY)
    with transaction.atomic():
        world = make_world(at=TUESDAY)
    yield world
    assert verify.verify() is None
    assert list(PoisonRow.objects.values_list("error", flat=True)) == []
    assert signing.verify_digests(Signature.objects.all()) == []


def slots(lead: Lead) -> Counter[str]:
    return Counter(f"{s.stage}:{s.side}:{s.cycle}" for s in Signature.objects.filter(lead=lead))


def each_once(what: Counter[str]) -> bool:
    return set(what.values()) <= {1}


# --- two people sign at once -----------------------------------------------------------------------


def test_both_sides_at_once(world: World) -> None:
    for number in (1, 2, 3):
        lead = made.told_by_office(world, number)
        outcomes = at_once(
            [
                lambda lead=lead, n=number: lifecycle.respond(
                    lead_id=lead.pk, by=world.commissioner(n), expect=take_any
                ),
                lambda lead=lead, n=number: lifecycle.confirm_handover(
                    lead_id=lead.pk, by=world.worker(n), expect=take_any
                ),
            ]
        )
        assert refused(outcomes) == []
        assert slots(lead) == Counter(
            ["discovery:community:1", "handover:community:1", "discovery:office:1", "handover:office:1"]
        )


def test_the_same_side_at_once_one_signs_the_other_is_told(world: World) -> None:
    for number in (1, 2, 3):
        lead = made.reported(world, number)
        expect = exactly(lead.version)
        people = [world.commissioner(number), world.commissioner(number + 1)]
        outcomes = at_once(
            [
                lambda p=person, lead=lead, e=expect: lifecycle.respond(lead_id=lead.pk, by=p, expect=e)
                for person in people
            ]
        )
        assert refused(outcomes) == ["stale_version"]
        assert slots(lead)["handover:office:1"] == 1


def exactly(version: int) -> Callable[[int], None]:
    def expect(current: int) -> None:
        if current != version:
            raise StaleVersion("内容已被更新，请刷新后再操作。")

    return expect


def test_one_person_tapping_twice_signs_once_and_hears_yes_twice(world: World) -> None:
    lead = made.reported(world)
    tap = lambda: lifecycle.respond(  # noqa: E731
        lead_id=lead.pk, by=world.commissioner(1), expect=exactly(lead.version)
    )
    assert refused(at_once([tap] * 4)) == []
    assert each_once(slots(lead))
    assert Lead.objects.get(pk=lead.pk).version == 2


def test_three_workers_verify_at_once_and_one_closes(world: World) -> None:
    lead = made.fed_back(world, by=world.clerk_of(1).username)
    outcomes = at_once(
        [
            lambda n=n: lifecycle.verify(lead_id=lead.pk, by=world.worker(1, n), expect=take_any)
            for n in (1, 2, 3)
        ]
    )
    assert refused(outcomes) == ["wrong_state"] * 2
    assert each_once(slots(lead))
    assert len(slots(lead)) == 6
    assert len(set(Signature.objects.filter(lead=lead, side="community").values_list("signer"))) == 1


def test_verify_beside_rework_one_of_them_holds(world: World) -> None:
    for number in (1, 2, 3):
        lead = made.fed_back(world, number)
        outcomes = at_once(
            [
                lambda lead=lead, n=number: lifecycle.verify(
                    lead_id=lead.pk, by=world.worker(n, 1), expect=take_any
                ),
                lambda lead=lead, n=number: lifecycle.rework(
                    lead_id=lead.pk, by=world.worker(n, 2), expect=take_any, reason="没有改好"
                ),
            ]
        )
        assert refused(outcomes) == ["wrong_state"]
        now = Lead.objects.get(pk=lead.pk)
        assert (now.state, now.round) in {(State.CLOSED, 1), (State.RESPONDED, 2)}


# --- the same report at once -----------------------------------------------------------------------


@pytest.mark.parametrize("with_photo", [False, True], ids=["words", "photo"])
def test_the_same_report_sent_eight_times_at_once_is_one_lead(world: World, with_photo: bool) -> None:
    worker = world.worker(1)
    ids = (photo_of(Api(Client()), worker)["id"],) if with_photo else ()
    one = report(world, client_uid=uuid.uuid4(), evidence=ids)
    outcomes = at_once([lambda: intake.report(report=one, by=world.worker(1))] * 8)
    assert refused(outcomes) == []
    lead = Lead.objects.get()
    assert {made.lead for made in outcomes} == {lead}
    assert sum(made.created for made in outcomes) == 1
    assert LeadEvidence.objects.count() == len(ids)
    assert Entry.objects.filter(stream=lead.stream).count() == 2
    assert OutboxMessage.objects.filter(template="leads.dispatched").count() == 1


def test_a_file_beside_the_report_that_names_it_is_never_lost(world: World) -> None:
    for _ in range(4):
        content = make_photo(colour=f"#{uuid.uuid4().hex[:6]}")
        sha = hashlib.sha256(content).hexdigest()
        one = report(world, awaited=(sha,))
        outcomes = at_once(
            [
                lambda one=one: intake.report(report=one, by=world.worker(1)),
                lambda content=content: photo_of(Api(Client()), world.worker(1), content),
            ]
        )
        assert refused(outcomes) == []
        files.AWAITING.bind_crossed()
        link = LeadEvidence.objects.get(sha256=sha)
        assert link.evidence is not None
        assert (link.evidence.subject_kind, link.evidence.subject_id) == ("lead", link.lead_id)


# --- a sweep beside a response ---------------------------------------------------------------------


def in_last_moment(world: World, lead: Lead, before: timedelta) -> tuple[threading.Thread, Any, list[Any]]:
    """Begin a response that long before its due time and hold it there, its locks taken."""
    stand_at(lead.respond_due_at - before)
    entered, go, outcome = threading.Event(), threading.Event(), []

    def hold(version: int) -> None:
        entered.set()
        assert go.wait(10)

    def run() -> None:
        try:
            outcome.append(lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=hold))
        except Exception as error:  # noqa: BLE001 - handed to the test
            outcome.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    assert entered.wait(10)
    return thread, go, outcome


def test_a_response_that_began_before_the_due_time_wins_however_long_it_takes(world: World) -> None:
    lead = made.reported(world)
    due_at = lead.respond_due_at
    thread, go, outcome = in_last_moment(world, lead, 500 * timedelta(milliseconds=1))
    stand_at(due_at + 5 * SECOND)
    let_clocks_fire()
    assert not Event.objects.filter(kind="respond").exists()
    go.set()
    thread.join(10)
    assert refused(outcome) == []
    let_clocks_fire()
    row = Deadline.objects.get(subject_id=lead.pk, kind="respond")
    assert (row.state, row.closed_at) == ("met", Lead.objects.get(pk=lead.pk).responded_at)
    assert row.closed_at < due_at
    assert not Event.objects.filter(kind="respond").exists()
    assert not SupervisionOrder.objects.exists()


def test_responses_around_the_due_time_beside_two_sweepers(world: World) -> None:
    """Whichever side of the due time a response falls, clock, event and order say the same."""
    leads = [made.reported(world, 1 + n % 4) for n in range(12)]
    due_at = max(lead.respond_due_at for lead in leads)
    for lead in leads:
        Deadline.objects.filter(subject_id=lead.pk, kind="respond").update(due_at=due_at)
    stand_at(due_at - timedelta(milliseconds=250))
    stop = threading.Event()

    def keep_sweeping() -> None:
        while not stop.is_set():
            sweep(look_back=None)
            stop.wait(0.01)

    def answer(lead: Lead, after: float) -> Any:
        stop.wait(after)
        owner = next(n for n in range(1, 5) if world.commissioner(n).pk == lead.assignee_id)
        return lifecycle.respond(lead_id=lead.pk, by=world.commissioner(owner), expect=take_any)

    sweepers = [threading.Thread(target=closing(keep_sweeping)) for _ in range(2)]
    for one in sweepers:
        one.start()
    try:
        outcomes = at_once([lambda lead=lead, n=n: answer(lead, 0.05 * n) for n, lead in enumerate(leads)])
    finally:
        stop.set()
        for one in sweepers:
            one.join(10)
    assert refused(outcomes) == []
    stand_at(due_at + 10 * SECOND)
    let_clocks_fire()
    for lead in Lead.objects.filter(pk__in=[one.pk for one in leads]):
        row = Deadline.objects.get(subject_id=lead.pk, kind="respond")
        fired = Event.objects.filter(deadline=row).count()
        orders = SupervisionOrder.objects.filter(lead=lead).count()
        late = lead.responded_at >= due_at
        expected = ("breached", due_at, 1, 1) if late else ("met", lead.responded_at, 0, 0)
        assert (row.state, row.closed_at, fired, orders) == expected
        assert lead.state == State.RESPONDED


def closing(call: Callable[[], None]) -> Callable[[], None]:
    """In a thread: close its connections when it ends."""

    def run() -> None:
        try:
            call()
        finally:
            connections.close_all()

    return run


# --- sweepers at once ------------------------------------------------------------------------------


def sweep_all() -> int:
    """Sweep in small batches until nothing is due, as one of several sweepers."""
    total = idle = 0
    while idle < 3:
        taken = sweep(look_back=None, batch=7)
        total += taken
        idle = 0 if taken else idle + 1
    return total


def test_sweepers_at_once_fire_each_clock_once_whatever_the_kinds(world: World) -> None:
    """Responses late, then feedback, same-day and silent orders together, four sweepers each time."""
    food = {"category": "F03"}
    leads = [made.reported(world, 1 + n % 5, **(food if n % 2 else {})) for n in range(30)]
    for at in (timedelta(minutes=31), timedelta(hours=3), timedelta(hours=26), timedelta(hours=50)):
        stand_at(TUESDAY + at)
        due = Deadline.objects.filter(state="running", due_at__lte=clock.now() - SECOND).count()
        outcomes = at_once([sweep_all] * 4)
        assert refused(outcomes) == []
        assert sum(outcomes) == due
        assert Deadline.objects.filter(state="running", due_at__lte=clock.now() - SECOND).count() == 0
    breached = Deadline.objects.filter(state="breached").count()
    assert Event.objects.count() == breached
    causes = Counter(SupervisionOrder.objects.values_list("cause", flat=True))
    assert causes == {"respond": 30, "feedback": 30, "same_day": 15}
    assert set(SupervisionOrder.objects.values_list("level", flat=True)) == {"bureau"}
    raised = Entry.objects.filter(kind="order.raised").count()
    assert raised == 75
    assert {lead.orders.count() for lead in leads} == {2, 3}


def test_acknowledgements_beside_the_escalation(world: World) -> None:
    """Before the due time the side has answered; from then on it was silent, and answers late."""
    order = made.late_response(world)
    for ahead in (timedelta(milliseconds=-400), timedelta(milliseconds=400)):
        due_at = Deadline.objects.filter(subject_kind="order", subject_id=order.pk).latest("due_at").due_at
        stand_at(due_at + ahead)
        head, chief = world.head_of(1), world.community_head_of(1)
        who = head if ahead < timedelta() else chief
        outcomes = at_once(
            [
                lambda who=who: supervision.acknowledge(
                    order_id=order.pk, by=who, expect=take_any, instruction=Instruction.FINISH_TODAY
                ),
                sweep_all,
                sweep_all,
            ]
        )
        assert refused(outcomes) == []
    fired = set(Event.objects.filter(subject_kind="order").values_list("kind", flat=True))
    assert fired == {"ack_community"}
    order.refresh_from_db()
    assert (order.level, order.acknowledgements.count()) == ("bureau", 2)
    assert Entry.objects.filter(kind="order.escalated").count() == 1


# --- an owner goes ---------------------------------------------------------------------------------


def test_a_posting_ends_while_its_holder_owns_leads_in_every_state_and_all_are_at_work(
    world: World,
) -> None:
    """Ending, responses, feedback, verification, dispatch and two sweepers at once; then all is finished."""
    gone = world.commissioner(1).pk
    by_state = {
        "dispatched": [made.reported(world) for _ in range(3)],
        "responded": [made.responded(world) for _ in range(3)],
        "fed_back": [made.fed_back(world) for _ in range(3)],
        "reworked": [made.reworked(world)],
        "closed": [made.closed(world)],
    }
    stand_at(TUESDAY + timedelta(minutes=31))
    calls: list[Callable[[], Any]] = [
        lambda: postings.end(
            posting=world.posting_of("commissioner-01"), at=clock.now(), by=world.head_of(1)
        ),
        sweep_all,
        sweep_all,
        handover.sweep_vacant,
    ]
    for lead in by_state["dispatched"]:
        calls.append(
            lambda lead=lead: lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)
        )
    for lead in by_state["responded"]:
        calls.append(
            lambda lead=lead: lifecycle.feed_back(
                lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED
            )
        )
    calls.append(
        lambda: lifecycle.verify(lead_id=by_state["fed_back"][0].pk, by=world.worker(1, 2), expect=take_any)
    )
    calls.append(
        lambda: dispatch.dispatch(
            lead_id=by_state["dispatched"][0].pk,
            by=world.clerk_of(1),
            expect=take_any,
            assignee_id=world.commissioner(3).pk,
            reason="专员离任",
        )
    )
    outcomes = at_once(calls)
    for one in outcomes:
        if isinstance(one, Exception):
            assert isinstance(one, NotAllowed | NotVisible | Conflict), repr(one)
    handover.sweep_vacant()
    left = Lead.objects.filter(assignee_id=gone)
    assert set(left.values_list("state", flat=True)) <= {State.CLOSED}
    assert by_state["closed"][0].pk in left.values_list("pk", flat=True)
    for lead in Lead.objects.filter(state__in=OPEN).order_by("id"):
        finish(world, lead)
    assert set(Lead.objects.values_list("state", flat=True)) == {State.CLOSED}
    assert not Deadline.objects.filter(subject_kind="lead", state="running").exists()
    for lead in Lead.objects.all():
        assert each_once(slots(lead))


def test_the_night_ends_while_the_duty_officer_answers(world: World) -> None:
    """At 08:30 his leads are handed on, answered or not, and the commissioner can go on with each."""
    Office.objects.filter(pk=world.office_of(1).pk).update(night_dispatch=True)
    stand_at(TUESDAY.replace(hour=8, minute=15))
    leads = [made.reported(world) for _ in range(6)]
    duty = world.duty_of(1).pk
    assert {lead.assignee_id for lead in leads} == {duty}
    stand_at(TUESDAY.replace(hour=8, minute=30) + SECOND)
    outcomes = at_once(
        [
            sweep_all,
            sweep_all,
            handover.sweep_vacant,
            *[
                lambda lead=lead: lifecycle.respond(lead_id=lead.pk, by=world.duty_of(1), expect=take_any)
                for lead in leads
            ],
        ]
    )
    assert set(refused(outcomes)) <= {"not_assignee", "not_found"}
    let_clocks_fire()
    for lead in Lead.objects.filter(pk__in=[one.pk for one in leads]):
        assert (lead.assignee_id, lead.owner_cycle) == (world.commissioner(1).pk, 2)
        assert Entry.objects.filter(stream=lead.stream, kind="lead.handed_on").count() == 1
        finish(world, lead)
    assert set(Lead.objects.values_list("state", flat=True)) == {State.CLOSED}


def finish(world: World, lead: Lead) -> None:
    owner = next(name for name, user in world.users.items() if user.pk == lead.assignee_id)
    if lead.state == State.DISPATCHED:
        lifecycle.respond(lead_id=lead.pk, by=world.user(owner), expect=take_any)
    if lead.state in (State.DISPATCHED, State.RESPONDED):
        lifecycle.feed_back(lead_id=lead.pk, by=world.user(owner), expect=take_any, outcome=GUIDED)
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 3), expect=take_any)


def test_a_lead_reported_while_the_posting_ends_is_found_by_the_sweep(world: World) -> None:
    """A report may still choose who goes in the same moment; the sweep hands it on a minute later."""
    outcomes = at_once(
        [
            lambda: postings.end(posting=world.posting_of("commissioner-01"), at=clock.now(), by=None),
            *[lambda: made.reported(world)] * 6,
        ]
    )
    assert refused(outcomes) == []
    at_once([handover.sweep_vacant] * 3)
    owners = set(Lead.objects.exclude(assignee=None).values_list("assignee__username", flat=True))
    assert owners <= {"commissioner-02"}
    on_desk = Lead.objects.filter(assignee=None)
    assert set(on_desk.values_list("state", flat=True)) <= {State.REPORTED}


def test_two_clerks_dispatch_at_once_one_after_the_other(world: World) -> None:
    lead = made.reported(world)
    outcomes = at_once(
        [
            lambda n=n: dispatch.dispatch(
                lead_id=lead.pk,
                by=world.clerk_of(1),
                expect=exactly(1),
                assignee_id=world.commissioner(n).pk,
                reason="外出",
            )
            for n in (2, 3)
        ]
    )
    assert refused(outcomes) == ["stale_version"]
    assert Lead.objects.get(pk=lead.pk).owner_cycle == 2


# --- contention ------------------------------------------------------------------------------------


class Contended(OperationalError):
    """What psycopg raises, as Django hands it on."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.__cause__ = type("Cause", (Exception,), {"pgcode": code})()


@pytest.mark.parametrize("code", ["40P01", "55P03"])
def test_contention_is_met_once_more_and_then_answered_503(code: str) -> None:
    tries: list[int] = []

    def once(failures: int) -> str:
        tries.append(1)
        if len(tries) <= failures:
            raise Contended(code)
        return "done"

    assert acts.retried("lead", 1, lambda: once(1)) == "done"
    tries.clear()
    with pytest.raises(Busy) as busy:
        acts.retried("lead", 1, lambda: once(2))
    assert (busy.value.status, len(tries)) == (503, 2)


def test_any_other_fault_of_the_database_is_no_contention() -> None:
    def once() -> None:
        raise Contended("53100")

    with pytest.raises(Contended):
        acts.retried("lead", 1, once)


def test_a_lead_held_too_long_answers_503_and_the_same_request_works_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "LOCK_TIMEOUT", "50ms")
    lead = made.reported(world)
    api, commissioner = Api(Client()), world.commissioner(1)
    with transaction.atomic():
        Lead.objects.select_for_update().get(pk=lead.pk)
        [answer] = at_once([lambda: api.post(commissioner, f"leads/{lead.pk}/respond/", {}, 1)])
    assert (answer.status_code, code_of(answer), answer["Retry-After"]) == (503, "busy", "1")
    assert not Signature.objects.filter(lead=lead, side="office").exists()
    assert api.post(commissioner, f"leads/{lead.pk}/respond/", {}, 1).status_code == 200


def test_a_deadlock_with_a_stranger_is_survived(world: World) -> None:
    """Somebody's SQL takes two leads in the wrong order beside two people's acts."""
    one, two = made.reported(world), made.reported(world, 2)
    started = threading.Barrier(2)

    def stranger() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL deadlock_timeout = '5s'")
            cursor.execute("SELECT 1 FROM leads_lead WHERE id = %s FOR UPDATE", [two.pk])
            started.wait(10)
            cursor.execute("SELECT 1 FROM leads_lead WHERE id = %s FOR UPDATE", [one.pk])

    def hand_on() -> None:
        tries: list[int] = []

        def once() -> None:
            with transaction.atomic():
                Lead.objects.select_for_update().get(pk=one.pk)
                if not tries:
                    tries.append(1)
                    started.wait(10)
                Lead.objects.select_for_update().get(pk=two.pk)

        acts.retried("lead", one.pk, once)

    assert refused(at_once([stranger, hand_on])) == []
