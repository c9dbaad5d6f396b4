"""The one table of moves: every allowed and every forbidden pair (DESIGN.md §9)."""

from __future__ import annotations

import itertools

import pytest

from kernel.errors import Conflict
from stations import states
from stations.states import LABELS, MOVES, OPEN, OVER, Move, State, Tier

EXPECTED = {
    (Move.SETTLE, State.NEGOTIATING): {State.SETTLED},
    (Move.SETTLE, State.MEDIATING): {State.SETTLED},
    (Move.SETTLE, State.ACCEPTED): {State.SETTLED},
    (Move.ESCALATE, State.NEGOTIATING): {State.MEDIATING},
    (Move.ESCALATE, State.MEDIATING): {State.MEDIATING},
    (Move.AGREE, State.NEGOTIATING): {State.AGREED},
    (Move.AGREE, State.MEDIATING): {State.AGREED},
    (Move.AGREE, State.ACCEPTED): {State.AGREED},
    (Move.PERFORM, State.AGREED): {State.PERFORMED},
    (Move.BREAK, State.AGREED): {State.MEDIATING, State.FILED, State.NOT_REACHED},
    (Move.FAIL, State.NEGOTIATING): {State.NOT_REACHED},
    (Move.FAIL, State.MEDIATING): {State.NOT_REACHED},
    (Move.FAIL, State.ACCEPTED): {State.NOT_REACHED},
    **{(Move.WITHDRAW, state): {State.WITHDRAWN} for state in OPEN},
    (Move.TO_OFFICIAL, State.NEGOTIATING): {State.FILED},
    (Move.TO_OFFICIAL, State.MEDIATING): {State.FILED},
    (Move.TO_OFFICIAL, State.NOT_REACHED): {State.FILED},
    (Move.ACCEPT, State.FILED): {State.ACCEPTED},
    (Move.REFUSE, State.FILED): {State.REFUSED},
    (Move.REOPEN, State.SETTLED): {State.MEDIATING},
    (Move.REOPEN, State.PERFORMED): {State.MEDIATING},
    (Move.REOPEN, State.NOT_REACHED): {State.MEDIATING},
}


def test_every_pair_is_as_the_design_says() -> None:
    for move, state in itertools.product(Move, State):
        assert set(states.targets(move, state)) == EXPECTED.get((move, state), set()), (move, state)


def test_a_forbidden_pair_is_refused_in_words() -> None:
    for move, state in itertools.product(Move, State):
        if (move, state) in EXPECTED:
            continue
        with pytest.raises(Conflict) as refused:
            states.target(move, state)
        assert refused.value.code == "wrong_state"
        assert State(state).label in refused.value.detail
        assert LABELS[move] in refused.value.detail


def test_where_the_table_names_several_the_mover_says_which() -> None:
    assert states.target(Move.BREAK, State.AGREED, State.FILED) is State.FILED
    with pytest.raises(ValueError, match="leads to one of"):
        states.target(Move.BREAK, State.AGREED)
    with pytest.raises(ValueError, match="leads to one of"):
        states.target(Move.SETTLE, State.MEDIATING, State.FILED)


def test_open_and_over_are_all() -> None:
    assert {*OPEN, *OVER} == set(State)
    assert not set(OPEN) & set(OVER)
    assert set(MOVES) == set(Move) == set(LABELS)


@pytest.mark.parametrize(
    ("tier", "has_circle", "above"),
    [
        (Tier.SHOP, True, Tier.CIRCLE),
        (Tier.SHOP, False, Tier.COMMUNITY),
        (Tier.CIRCLE, True, Tier.COMMUNITY),
        (Tier.COMMUNITY, True, None),
        (Tier.OFFICIAL, False, None),
    ],
)
def test_no_step_up_leads_to_the_office(tier: Tier, has_circle: bool, above: Tier | None) -> None:
    assert states.next_tier(tier, has_circle=has_circle) is above
