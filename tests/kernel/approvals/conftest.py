"""A kind of question for tests: about nothing that any app knows, decided by whom the test names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import Q

from kernel import approvals, clock
from kernel.accounts.models import User
from kernel.approvals import kinds
from kernel.approvals.kinds import Kind
from kernel.approvals.models import Approval
from kernel.deadlines.models import LimitPolicy
from tests.factories.accounts import make_user

KIND = "test.thing"
LIMIT = "approve_test"


@dataclass(frozen=True)
class Chair:
    """A seat: whose it is."""

    holder_id: int


@dataclass
class Office:
    """Who may decide, by person: for whom. What was carried out is written down."""

    chairs: dict[int, int] = field(default_factory=dict)
    seers: set[int] = field(default_factory=set)
    decided: list[tuple[int, bool]] = field(default_factory=list)
    lapsed: list[int] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)

    def seat(self, person: User, for_whom: User | None = None) -> None:
        self.chairs[person.pk] = (for_whom or person).pk

    def may_decide(self, user: User, approval: Approval, subject: Any) -> Chair | None:
        holder = self.chairs.get(user.pk)
        return None if holder is None else Chair(holder)

    def decidable(self, user: User) -> Q:
        return Q() if user.pk in self.chairs else Q(pk__in=[])

    def deciders(self, rows: Sequence[Approval], at: datetime) -> dict[int, list[int]]:
        return {row.pk: list(self.chairs) for row in rows}

    def carry_out(self, decision: Any) -> None:
        self.decided.append((decision.approval.pk, decision.approved))

    def let_lapse(self, rows: Sequence[Approval], at: datetime) -> None:
        self.lapsed += [row.pk for row in rows]

    def forget(self, row: Approval, at: datetime) -> None:
        self.withdrawn.append(row.pk)


@pytest.fixture
def office(db: None) -> Iterator[Office]:
    one = Office()
    rules = Kind(
        label="试验申请",
        limit_kind=LIMIT,
        lock=lambda approval: approval.subject_id,
        may_decide=one.may_decide,
        decidable=one.decidable,
        deciders=one.deciders,
        decided=one.carry_out,
        lapsed=one.let_lapse,
        withdrawn=one.forget,
        stands_in=frozenset({"open"}),
    )
    kinds_before, subjects_before = dict(kinds._kinds), dict(kinds._subjects)
    approvals.register(KIND, rules)
    approvals.register_subject("thing", lambda user: [7] if user.pk in one.seers else [])
    LimitPolicy.objects.create(
        kind=LIMIT, version=1, name="试验时限", amount=120, in_force_from=clock.now() - timedelta(days=1)
    )
    yield one
    kinds._kinds.clear()
    kinds._kinds.update(kinds_before)
    kinds._subjects.clear()
    kinds._subjects.update(subjects_before)


@pytest.fixture
def asker(db: None) -> User:
    return make_user("asker")


@pytest.fixture
def head(office: Office) -> User:
    person = make_user("head")
    office.seat(person)
    return person


def asked(by: User | None, number: int = 7, **more: Any) -> Approval:
    return approvals.ask(
        kind=KIND,
        subject_kind="thing",
        subject_id=number,
        by=by,
        reason="请批准，电话 13800005678",
        at=clock.now(),
        payload={"until": "明天"},
        about="一件事",
        **more,
    )
