"""季度评 as a list: the businesses of a quarter, and beside each what credit computed.

One definition for the phone, the admin and the confirmation (`patrols.reviews`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import QuerySet

from credit.models import CreditReview
from kernel.accounts.masking import mask_text
from kernel.accounts.models import User
from patrols.kinds import TaskKind, TaskState
from patrols.models import PatrolTask


@dataclass(frozen=True, slots=True)
class Listed:
    """One business of the list. `computed` None: registered or graded first after the quarter began."""

    task: PatrolTask
    computed: CreditReview | None

    @property
    def moved(self) -> bool:
        """Did the review give another grade?"""
        return self.computed is not None and self.computed.before != self.computed.grade

    @property
    def waits(self) -> bool:
        return self.task.state == TaskState.PLANNED

    @property
    def exception(self) -> str:
        """What the commissioner said is wrong with it, masked; empty: nothing."""
        return mask_text((self.computed.exception if self.computed else "") or self.task.why)

    @property
    def confirmed_by(self) -> User | None:
        return self.computed.confirmed_by if self.computed else None

    @property
    def confirmed_at(self) -> datetime | None:
        return (self.computed.confirmed_at if self.computed else None) or self.task.done_at


def tasks_of(quarter: date, by: User | None = None) -> QuerySet[PatrolTask]:
    """The tasks of every list of a quarter (its first day), or of those that a person may see: what was
    called off stands on none."""
    rows = PatrolTask.objects.all() if by is None else PatrolTask.objects.visible_to(by)
    return rows.filter(kind=TaskKind.QUARTERLY_REVIEW, period=quarter).exclude(state=TaskState.CANCELLED)


def seen_by(user: User, quarter: date) -> QuerySet[PatrolTask]:
    """Those that a person may see, with what a list shows of the business."""
    return tasks_of(quarter, user).select_related("entity", "grid")


def listed(tasks: Sequence[PatrolTask], quarter: date) -> list[Listed]:
    """These tasks of one quarter, each with its review. One statement."""
    rows = CreditReview.objects.filter(
        kind=CreditReview.Kind.QUARTERLY, period=quarter, entity_id__in=[task.entity_id for task in tasks]
    )
    computed = {row.entity_id: row for row in rows.select_related("confirmed_by")}
    return [Listed(task, computed.get(task.entity_id)) for task in tasks]
