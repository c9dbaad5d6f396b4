"""Two side roads at once, on committed rows: no deadlock, nobody refused as busy, each thing once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from grids.demo import World
from kernel import approvals, clock
from kernel.approvals.models import Approval
from kernel.deadlines.models import Deadline, Event, PoisonRow
from kernel.deadlines.sweep import sweep
from kernel.journal import verify
from leads import guidance, lifecycle, merging, pauses, rechecks, rejection, signing
from leads.guidance import Given
from leads.models import GuidanceKind, Lead, RejectReason, Signature
from leads.states import State
from tests.factories import leads as made
from tests.factories.after import rechecked
from tests.factories.grids import make_entity, make_world
from tests.factories.leads import GUIDED, TUESDAY, let_clocks_fire, stand_at, take_any
from tests.factories.requests import asked_to_suspend, suspended
from tests.kernel.at_once import at_once, refused


@pytest.fixture
def world(committed_db: str) -> Iterator[World]:
    stand_at(TUESDAY)
    with transaction.atomic():
        world = make_world(at=TUESDAY)
    yield world
    assert verify.verify() is None
    assert list(PoisonRow.objects.values_list("error", flat=True)) == []
    assert signing.verify_digests(Signature.objects.all()) == []


def stand_before(moment: Any) -> None:
    """Just before a clock runs out, so that a sweep at once may and may not find it due."""
    stand_at(moment + timedelta(milliseconds=300))


def ages(*leads: Lead) -> None:
    """Whatever happened, the clocks of these leads that are due have fired once, and only once."""
    clock.travel(timedelta(minutes=2))
    let_clocks_fire()
    for lead in leads:
        due = Deadline.objects.filter(subject_kind="lead", subject_id=lead.pk, state="breached")
        assert due.count() == Event.objects.filter(subject_kind="lead", subject_id=lead.pk).count()


def test_pairs_of_roads_at_once(world: World) -> None:
    """Decided as it lapses; resumed as the pause ends; merged as it is fed back; countersigned, guided."""
    common: dict[str, Any] = {"expect": take_any}
    asked = [asked_to_suspend(world, number) for number in (1, 2, 3)]
    pair = [made.responded(world, 4), made.responded(world, 4)]
    found_done = rechecked(world, 5)
    shop = make_entity(world, 6)
    guided = made.responded(world, 6, entity_id=shop.pk)
    stand_before(asked[0].due_at)
    heads = [world.head_of(number) for number in (1, 2, 3)]
    calls: list[Any] = [
        *(
            lambda row=row, head=head: approvals.decide(approval_id=row.pk, by=head, approve=True, **common)
            for row, head in zip(asked, heads, strict=True)
        ),
        lambda: sweep(look_back=None),
        lambda: sweep(look_back=None),
        lambda: merging.merge(lead_id=pair[0].pk, into_id=pair[1].pk, by=world.commissioner(4), **common),
        lambda: merging.merge(lead_id=pair[1].pk, into_id=pair[0].pk, by=world.clerk_of(4), **common),
        lambda: lifecycle.feed_back(lead_id=pair[1].pk, by=world.commissioner(4), outcome=GUIDED, **common),
        lambda: rechecks.countersign(lead_id=found_done.pk, by=world.worker(5, 3), **common),
        lambda: lifecycle.feed_back(lead_id=guided.pk, by=world.commissioner(6), outcome=GUIDED, **common),
        lambda: guidance.give(
            entity_id=shop.pk, by=world.worker(6), lead_id=guided.pk,
            given=Given(made.report().client_uid, GuidanceKind.REMIND),
        ),
    ]  # fmt: skip
    codes = refused(at_once(calls))
    assert set(codes) <= {"lapsed", "wrong_state", "survivor_over", "has_merged"}
    let_clocks_fire()
    for row in asked:
        row.refresh_from_db()
        assert row.state in ("approved", "lapsed")
        is_now = Lead.objects.get(pk=row.subject_id).state
        assert is_now == (State.SUSPENDED if row.state == "approved" else State.RESPONDED)
    assert not Approval.objects.waiting().exists()
    assert Lead.objects.filter(pk__in=[one.pk for one in pair], state=State.MERGED).count() <= 1
    ages(*pair, found_done, guided)


def test_a_pause_ends_as_its_owner_ends_it(world: World) -> None:
    paused = [suspended(world, number) for number in (1, 2, 3)]
    stand_before(paused[0].suspended_until)
    owners = [world.commissioner(number) for number in (1, 2, 3)]
    calls: list[Any] = [lambda: sweep(look_back=None), lambda: sweep(look_back=None)]
    calls += [
        lambda lead=lead, by=by: pauses.resume(lead_id=lead.pk, by=by, expect=take_any)
        for lead, by in zip(paused, owners, strict=True)
    ]
    assert set(refused(at_once(calls))) <= {"wrong_state"}
    let_clocks_fire()
    for lead in paused:
        now = Lead.objects.get(pk=lead.pk)
        assert (now.state, now.suspensions.filter(ended_at__isnull=True).count()) == (State.RESPONDED, 0)
        assert now.feedback_due_at <= lead.feedback_due_at
    ages(*paused)


def test_what_is_asked_while_an_act_waits_for_the_lead_is_not_forgotten(world: World) -> None:
    """The act that waits has not seen the question when it locks; it ends it all the same."""
    lead, late = made.responded(world, 1), made.responded(world, 2)
    clock.set_to(late.feedback_due_at + timedelta(minutes=1))
    let_clocks_fire()
    for one, number in ((lead, 1), (late, 2)):
        owner = world.commissioner(number)
        held, done = threading.Event(), threading.Event()

        def ask(one: Lead = one, owner: Any = owner, held: Any = held, done: Any = done) -> None:
            with transaction.atomic():
                rejection.reject(
                    lead_id=one.pk, by=owner, expect=take_any, reason_kind=RejectReason.OTHER, note="不属本所"
                )
                held.set()
                done.wait(1)

        def feed_back(one: Lead = one, owner: Any = owner, held: Any = held) -> None:
            held.wait(10)
            lifecycle.feed_back(lead_id=one.pk, by=owner, outcome=GUIDED, expect=take_any)

        assert refused(at_once([ask, feed_back, lambda done=done: waits_for_lock(done)])) == []
        row = Approval.objects.get(subject_id=one.pk)
        assert (Lead.objects.get(pk=one.pk).state, row.state) == (State.FED_BACK, "withdrawn")
        clocks = Deadline.objects.filter(subject_kind="approval", subject_id=row.pk)
        assert list(clocks.values_list("state", flat=True)) == ["cancelled"]


def waits_for_lock(done: threading.Event) -> None:
    """Say so once some connection waits for a lock."""
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if cursor.fetchone():
                break
        time.sleep(0.02)
    done.set()
