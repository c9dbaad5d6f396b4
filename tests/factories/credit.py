"""Facts for tests: stories of a business, told by how many days ago they happened.

    facts = Story(on=date(2026, 11, 23))
    facts.finding("SERIOUS", overdue=True)
    facts.patrol()
    score(facts, DEFAULT, on=facts.on, filed_on=facts.long_ago)

`keep` writes a story into the ledger of a business.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from credit.facts import Fact
from credit.models import CreditFact
from credit.scheme import DEFAULT, Scheme
from credit.scoring import Score, score
from kernel.clock import SHANGHAI

DAY = date(2026, 11, 23)
"""A day to grade on, where a test does not care."""


class Story:
    """The facts of one business, oldest numbers first. `ago` is in days before `on`; every part gives back
    its `ref`, so that a later one can go on with it."""

    def __init__(self, on: date = DAY) -> None:
        self.on = on
        self.facts: list[Fact] = []
        self._numbers = itertools.count(1)

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.facts)

    @property
    def long_ago(self) -> date:
        """Since when a business is on file that is no longer new."""
        return self.on - timedelta(days=400)

    def add(
        self,
        kind: str,
        level: str = "",
        ref: str = "",
        *,
        ago: int = 30,
        on: date | None = None,
        until: date | None = None,
        **data: Any,
    ) -> str:
        number = next(self._numbers)
        ref = ref or f"{kind.lower()}:{number}"
        day = on or self.on - timedelta(days=ago)
        self.facts.append(
            Fact(
                kind=kind,
                level=level,
                ref=ref,
                at=datetime.combine(day, time(10), SHANGHAI),
                happened_on=day,
                until=until,
                source=f"{ref}:{kind.lower()}:{number}",
                number=number,
                data=data,
            )
        )
        return ref

    def patrol(self, *, ago: int = 20) -> str:
        return self.add("PATROL", "OK", ago=ago)

    def licence(self, *, left: int | None, ago: int = 200, **data: Any) -> str:
        """A licence that is good for `left` more days (negative: expired so long), or for ever."""
        until = None if left is None else self.on + timedelta(days=left)
        data.setdefault("what", "食品经营许可证")
        return self.add("LICENCE", "VALID", ago=ago, until=until, **data)

    def report(self, level: str, *, ago: int = 146) -> str:
        return self.add("ANNUAL_REPORT", level, ago=ago, number=str(self.on.year - 1))

    def finding(
        self,
        level: str = "MINOR",
        *,
        ago: int = 60,
        done: str = "",
        overdue: bool = False,
        ordered: bool = True,
    ) -> str:
        """A finding of a lead, ordered to be put right within 7 days; `done` ON_TIME or LATE; `overdue`."""
        ref = self.add("FINDING", level, f"lead:{len(self.facts) + 1}:1", ago=ago, what="后厨卫生、虫鼠害")
        if ordered:
            due = self.on - timedelta(days=ago - 7)
            self.add("RECTIFICATION_ORDERED", level, ref, ago=ago, until=due)
        if overdue:
            self.add("RECTIFICATION_OVERDUE", level, ref, ago=ago - 8)
        if done:
            self.add("RECTIFICATION_DONE", done, ref, ago=ago - (5 if done == "ON_TIME" else 12))
        return ref

    def late(self, level: str = "MINOR", *, ago: int = 60) -> str:
        """A finding whose rectification ran out, and was done after that."""
        return self.finding(level, ago=ago, overdue=True, done="LATE")

    def times(self, number: int, kind: str, level: str = "", *, ago: int = 30, **data: Any) -> None:
        for _ in range(number):
            self.add(kind, level, ago=ago, **data)

    def withdraw(self, source: str, *, ago: int = 1) -> str:
        return self.add("WITHDRAWN", "", source, ago=ago)

    def score(
        self, scheme: Scheme = DEFAULT, *, on: date | None = None, filed_on: date | None = None
    ) -> Score:
        return score(self, scheme, on=on or self.on, filed_on=filed_on or self.long_ago)


def keep(story: Story, entity_id: int) -> list[CreditFact]:
    """The story as rows of the ledger, with sources of their own; nothing is graded."""
    return CreditFact.objects.bulk_create(
        CreditFact(
            entity_id=entity_id,
            kind=fact.kind,
            level=fact.level,
            ref=fact.ref,
            at=fact.at,
            happened_on=fact.happened_on,
            until=fact.until,
            source=f"{entity_id}/{fact.source}",
            data=fact.data,
            recorded_at=fact.at,
        )
        for fact in story
    )
