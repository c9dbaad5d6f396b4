"""The lookup in a table of moves: what may follow from where. Pure: plain values in, plain values out.

Each app writes its own states, moves and table in a `states.py`; this is how all of them are asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from django.db.models import TextChoices

from kernel.errors import Conflict

M = TypeVar("M", bound=StrEnum)
S = TypeVar("S", bound=TextChoices)


class TableOfMoves(Generic[M, S]):
    """A table of moves, asked by move and present state.

    A tuple of states in the table names alternatives: who moves says which. `thing` is what a refusal calls
    the subject, `labels` what it calls the move.
    """

    def __init__(
        self,
        thing: str,
        moves: Mapping[M, Mapping[S, S | tuple[S, ...]]],
        labels: Mapping[M, str],
        states: type[S],
    ) -> None:
        self.thing, self.moves, self.labels, self.states = thing, moves, labels, states

    def allowed(self, move: M, state: str) -> bool:
        """Does the table name this pair? Whoever changes a state asks this, or `target`, first."""
        return self.states(state) in self.moves[move]

    def targets(self, move: M, state: str) -> tuple[S, ...]:
        """Every state that this move may lead to from here; none where the table does not name the pair."""
        found = self.moves[move].get(self.states(state), ())
        return found if isinstance(found, tuple) else (found,)

    def target(self, move: M, state: str, to: S | None = None) -> S:
        """The state after the move; `to` chooses where the table names alternatives.

        Raises:
            Conflict: `wrong_state` – the table does not name this pair.
            ValueError: `to` is missing or none of the alternatives (a mistake of the caller).
        """
        found = self.targets(move, state)
        if not found:
            label = self.states(state).label
            raise Conflict(f"{self.thing}目前为“{label}”，不能{self.labels[move]}。", code="wrong_state")
        if to is None and len(found) == 1:
            return found[0]
        if to is None or to not in found:
            raise ValueError(f"{move} from {state} leads to one of {found}, not to {to}")
        return to
