"""What an offered act is: which form asks, which service answers, who is offered it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.accounts.models import User
from leads import forms as ask
from leads.acts import Act, Expect
from leads.models import Lead, Signature
from leads.states import LABELS, Move, State

Given = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """What a service is called with."""

    lead_id: int
    by: User
    expect: Expect
    given: Given
    evidence: tuple[int, ...]


Check = Callable[[Act, User, Sequence[Signature]], bool]
"""May this person do it now? Reads only; a DomainError says no."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One act: its name in addresses, its button, its form and its service.

    `act` and `title` name what is no move of its own (receipt, countersignature); `move` None asks no
    table, then `check` says in which states it is offered.
    """

    move: Move | None
    icon: str
    form: type[ask.ActForm]
    call: Callable[[Call], Any]
    done: str
    effect: str
    weighty: bool = False
    act: str = ""
    title: str = ""
    check: Check | None = None

    @property
    def key(self) -> str:
        name = self.act or ("" if self.move is None else str(self.move.value))
        return name.replace("_", "-")

    @property
    def label(self) -> str:
        return self.title or ("" if self.move is None else LABELS[self.move])

    def label_on(self, lead: Lead) -> str:
        """派单 is called 改派 once somebody owns the lead."""
        return "改派" if self.move is Move.DISPATCH and lead.state != State.REPORTED else self.label
