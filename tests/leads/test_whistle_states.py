"""Every allowed and every forbidden pair of (move, state) of a department's call, through the services."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from grids.demo import World
from kernel.errors import Conflict
from leads import whistle_calls, whistle_states, whistles
from leads.models import Whistle
from leads.whistle_calls import Word
from leads.whistle_states import LABELS, MOVES, OVER, WAITING, Answer, CallMove, CallState
from tests.factories.leads import take_any
from tests.factories.whistles import blown, call_of

pytestmark = pytest.mark.django_db

BY_END = {(CallMove.END, state) for state in OVER}
"""Closing lets go whoever still owes something; whoever does not is left as he is, and that is no refusal."""


def test_every_move_has_a_label_and_starts_somewhere() -> None:
    assert set(MOVES) == set(CallMove) == set(LABELS)
    assert all(MOVES.values())
    assert set(WAITING) | set(OVER) == set(CallState)
    assert set(whistle_states.MOVE_OF) == set(Answer)


def test_what_is_over_moves_no_more_and_what_waits_can() -> None:
    for state in OVER:
        assert not [move for move in CallMove if whistle_states.allowed(move, state)], state
    for state in WAITING:
        assert [move for move in CallMove if whistle_states.allowed(move, state)], state
    reached = {CallState.CALLED} | {to for ways in MOVES.values() for to in ways.values()}
    assert reached == set(CallState)


def say(world: World, whistle: Whistle, said: Answer) -> None:
    whistle_calls.answer(whistle_id=whistle.pk, by=world.user("police"), expect=take_any, answer=said)


def come(world: World, whistle: Whistle) -> None:
    whistle_calls.check_in(whistle_id=whistle.pk, by=world.user("police"), expect=take_any)


def tell(world: World, whistle: Whistle) -> None:
    whistle_calls.report(
        whistle_id=whistle.pk, by=world.user("police"), expect=take_any, note="已劝离，通道畅通"
    )


def end(world: World, whistle: Whistle) -> None:
    whistles.close(whistle_id=whistle.pk, by=world.community_head_of(1), expect=take_any, note="不再需要")


def in_state(world: World, state: CallState) -> Whistle:
    """A whistle whose first call (police) is in this state; a second one (fire) keeps it open."""
    whistle = blown(world, 1, ("police", "fire"))
    match state:
        case CallState.ANSWERED:
            say(world, whistle, Answer.RECEIVED)
        case CallState.ON_SITE:
            come(world, whistle)
        case CallState.REPORTED:
            come(world, whistle)
            tell(world, whistle)
        case CallState.DECLINED:
            say(world, whistle, Answer.NOT_OURS)
        case CallState.ENDED:
            end(world, whistle)
    assert call_of(whistle).state == state
    return whistle


DOES: dict[CallMove, Callable[[World, Whistle], None]] = {
    CallMove.RECEIVE: lambda w, x: say(w, x, Answer.RECEIVED),
    CallMove.DISPATCH: lambda w, x: say(w, x, Answer.DISPATCHED),
    CallMove.DECLINE: lambda w, x: say(w, x, Answer.NOT_OURS),
    CallMove.CHECK_IN: come,
    CallMove.REPORT: tell,
    CallMove.END: end,
}
AGAIN = {
    (CallMove.RECEIVE, CallState.ANSWERED),
    (CallMove.DISPATCH, CallState.ON_SITE),
    (CallMove.DISPATCH, CallState.REPORTED),
    (CallMove.DECLINE, CallState.DECLINED),
    (CallMove.CHECK_IN, CallState.ON_SITE),
    (CallMove.CHECK_IN, CallState.REPORTED),
    (CallMove.REPORT, CallState.REPORTED),
}
"""What has been said already, said again, changes nothing and is no refusal."""


@pytest.mark.parametrize("state", list(CallState), ids=str)
def test_each_pair(world: World, state: CallState) -> None:
    whistle = in_state(world, state)
    for move in CallMove:
        with transaction.atomic():
            before = call_of(whistle).state
            if whistle_states.allowed(move, state):
                DOES[move](world, whistle)
                assert call_of(whistle).state == MOVES[move][state], move
            elif (move, state) in AGAIN or (move, state) in BY_END:
                DOES[move](world, whistle)
                assert call_of(whistle).state == before, move
            else:
                with pytest.raises(Conflict) as refused:
                    DOES[move](world, whistle)
                assert refused.value.code in ("wrong_state", "whistle_closed"), move
            transaction.set_rollback(True)


def test_the_telephone_says_who(world: World) -> None:
    whistle = blown(world, 1, ("fire",))
    whistle_calls.answer(
        whistle_id=whistle.pk,
        by=world.community_head_of(1),
        expect=take_any,
        answer=Answer.DISPATCHED,
        word=Word("fire", "消防值班室"),
    )
    call = call_of(whistle, "fire")
    assert (call.answered_how, call.said_by, call.answered_by_id) == (
        "telephone",
        "消防值班室",
        world.community_head_of(1).pk,
    )
