"""What every act on one locked matter has – a lead, a whistle, a dispute: who acts, when, by what rights."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any

from grids.access import Scope, scope_of
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.deadlines.policy import Limit
from kernel.notices.policy import masked

BIGGEST = 2**63 - 1
"""The greatest number a row may have: what is greater names nothing."""
FREE_TEXT = frozenset({"note", "reason", "why", "institution"})
"""Names under which the journal's entries keep what people wrote."""


def safe(data: dict[str, Any]) -> dict[str, Any]:
    """The journal can never be erased: telephone and identity numbers in free text are masked first."""
    return {name: masked(value) if name in FREE_TEXT else value for name, value in data.items()}


class Acting:
    """`by` None: the system, or who comes with a link; he has no postings that could be asked."""

    by: User | None
    at: datetime

    @property
    def actor(self) -> User:
        """Who acts. A system act has nobody whose rights could be asked."""
        if self.by is None:
            raise TypeError("a system act asks nobody's rights")
        return self.by

    @property
    def by_id(self) -> int | None:
        return None if self.by is None else self.by.pk

    @cached_property
    def scope(self) -> Scope:
        return scope_of(self.actor)

    @cached_property
    def limits(self) -> dict[str, Limit]:
        return clocks.limits(self.at)
