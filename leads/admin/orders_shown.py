"""Supervision orders turned into rows of a page: both sides, their answers, the clocks still running."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from grids.access import scope_of
from kernel.accounts.models import User
from kernel.deadlines.models import Deadline
from leads import supervision
from leads.models import Acknowledgement, Side, SupervisionOrder


@dataclass(frozen=True, slots=True)
class SideShown:
    """One side of an order: its answer, or until when it is waited for."""

    label: str
    answer: Acknowledgement | None
    note: str
    due_at: datetime | None
    late: bool


@dataclass(frozen=True, slots=True)
class OrderShown:
    order: SupervisionOrder
    sides: list[SideShown]
    mine: bool
    """May the person who looks acknowledge it now?"""

    @property
    def waits_until(self) -> datetime | None:
        """The nearest acknowledgement that is still waited for."""
        return min((s.due_at for s in self.sides if s.due_at and not s.answer), default=None)


def acknowledgement_clocks(order_ids: Iterable[int]) -> dict[tuple[int, str], Deadline]:
    """Acknowledgement clocks by order and kind. One statement."""
    rows = Deadline.objects.filter(subject_kind="order", subject_id__in=list(order_ids))
    return {(row.subject_id, row.kind): row for row in rows.order_by("id")}


def order_rows(
    orders: QuerySet[SupervisionOrder], by: User, at: datetime, say: Callable[[str], str] = str
) -> list[OrderShown]:
    """Orders as shown, in three statements."""
    rows = list(
        orders.select_related("lead__category", "lead__grid", "lead__assignee").prefetch_related(
            "acknowledgements__by", "acknowledgements__on_behalf_of"
        )
    )
    clocks = acknowledgement_clocks([row.pk for row in rows])
    return [shown(row, clocks, by, at, say) for row in rows]


def shown(order: SupervisionOrder, clocks: Any, by: User, at: datetime, say: Any = str) -> OrderShown:
    answers = {a.side: a for a in order.acknowledgements.all()}
    sides = []
    for side in (Side.OFFICE, Side.COMMUNITY):
        clock = clocks.get((order.pk, supervision.ACK_CLOCK[side]))
        answer = answers.get(side)
        late = clock is not None and (clock.state == Deadline.State.BREACHED or clock.is_overdue(at))
        note = say(answer.note) if answer else ""
        sides.append(SideShown(str(side.label), answer, note, clock.due_at if clock else None, late))
    return OrderShown(order, sides, may_acknowledge(order, by, answers))


def may_acknowledge(order: SupervisionOrder, by: User, answers: dict[str, Acknowledgement]) -> bool:
    """Does `by` stand on a side that has not answered (and has not answered himself)?"""
    if scope_of(by).is_auditor or order.state != SupervisionOrder.State.OPEN:
        return False
    if any(answer.by_id == by.pk for answer in answers.values()):
        return False
    return any(side not in answers for side in supervision.may_answer(by, order, order.lead))
