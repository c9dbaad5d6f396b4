"""Whistles at once, on committed rows: one whistle a uid, one answer a call, no deadlock with the sweep."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction

from grids.demo import World
from kernel import clock
from kernel.deadlines.models import Deadline, Event, PoisonRow
from kernel.deadlines.sweep import sweep
from kernel.errors import Busy, Conflict
from kernel.journal import verify
from kernel.journal.models import Entry
from leads import lifecycle, whistle_calls, whistles
from leads.models import Whistle, WhistleCall
from leads.whistle_states import Answer
from tests.factories import leads as made
from tests.factories.grids import make_world
from tests.factories.leads import TUESDAY, let_clocks_fire, stand_at, take_any
from tests.factories.whistles import blown, call_of, joint_notice, request
from tests.kernel.at_once import at_once


@pytest.fixture
def world(committed_db: str) -> Iterator[World]:
    stand_at(TUESDAY)
    with transaction.atomic():
        world = make_world(at=TUESDAY)
    joint_notice(world)
    yield world
    assert verify.verify() is None
    assert list(PoisonRow.objects.values_list("error", flat=True)) == []


def test_many_at_once(world: World) -> None:
    asked = request(world, 1, client_uid=uuid.uuid4())
    same = at_once([lambda: whistles.blow(request=asked, by=world.worker(1)) for _ in range(4)])
    assert sorted(one.created for one in same) == [False, False, False, True]
    assert Whistle.objects.count() == 1

    # two answers cross: one is the first, the other is refused or comes after it
    lead = made.reported(world, 1)
    whistle = blown(world, lead=lead)

    def say(said: Answer) -> Whistle:
        return whistle_calls.answer(
            whistle_id=whistle.pk, by=world.user("police"), expect=take_any, answer=said
        )

    crossed = at_once(
        [
            lambda: say(Answer.NOT_OURS),
            lambda: say(Answer.NOT_OURS),
            lambda: whistles.call_more(
                whistle_id=whistle.pk, by=world.community_head_of(1), expect=take_any, departments=["fire"]
            ),
            lambda: lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any),
        ]
    )
    assert [one for one in crossed if isinstance(one, Exception)] == []
    assert Entry.objects.filter(stream=whistle.stream, kind="whistle.answered").count() == 1
    assert call_of(whistle).state == "declined"
    assert call_of(whistle, "fire").state == "called"

    # clocks run out while sweeps and answers meet
    rows = [blown(world, number, lead=made.reported(world, number)) for number in (2, 3, 4)]
    clock.travel(timedelta(minutes=31))

    def receive(one: Whistle) -> Whistle:
        return whistle_calls.answer(
            whistle_id=one.pk, by=world.user("police"), expect=take_any, answer=Answer.RECEIVED
        )

    met = at_once([*(lambda one=one: receive(one) for one in rows), sweep, sweep])
    assert [one for one in met if isinstance(one, Exception) and not isinstance(one, Busy | Conflict)] == []
    let_clocks_fire()
    late = WhistleCall.objects.filter(whistle__in=rows)
    assert {one.answer_late for one in late} == {True}
    fired = Event.objects.filter(subject_kind="whistle_call", kind="whistle_answer")
    breached = Deadline.objects.filter(subject_kind="whistle_call", kind="whistle_answer", state="breached")
    assert fired.count() == breached.count() == 4, "the three, and the first whistle's"
