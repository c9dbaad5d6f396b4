"""Patrol tasks ready to be done, cards, and what a phone says of a visit."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from grids.demo import World
from grids.models import BusinessEntity
from kernel import clock
from patrols.given import Given, Papers
from patrols.kinds import DOER, Result, TaskKind, TaskState
from patrols.models import EnforcementCard, PatrolTask
from patrols.periods import period_of
from tests.factories.grids import make_entity

__all__ = ["give_cards", "papers", "said", "task_of", "tasks_along"]

GRADE = {TaskKind.MONTHLY_PATROL: "A", TaskKind.QUARTERLY_REVIEW: "A"}


def task_of(
    world: World,
    kind: str = TaskKind.DAILY_PATROL,
    number: int = 1,
    *,
    entity: BusinessEntity | None = None,
    on: date | None = None,
    days_before: int = 0,
    **columns: Any,
) -> PatrolTask:
    """A task of today (or `on`) in the grid with this number, of a new shop unless one is named.

    `days_before`: its period began so much earlier, so that one business has two of a kind.
    """
    day = on or clock.today()
    period = period_of(kind, day)
    shop = entity or make_entity(world, number, credit_grade=GRADE.get(TaskKind(kind), "C"))
    doer = world.worker(number) if DOER[kind] == "GRID_WORKER" else world.commissioner(number)
    columns.setdefault("state", TaskState.PLANNED)
    return PatrolTask.objects.create(
        entity=shop, grid=shop.grid, kind=kind, period=period.first - timedelta(days=days_before),
        period_end=period.last, planned_on=day, assignee=doer, sequence=1, planned_at=clock.now(), **columns,
    )  # fmt: skip


def tasks_along(world: World, count: int, number: int = 1) -> list[PatrolTask]:
    return [task_of(world, number=number) for _ in range(count)]


def said(result: Result = Result.OK, **fields: Any) -> Given:
    fields.setdefault("client_uid", uuid.uuid4())
    return Given(result=result, **fields)


def give_cards(world: World, number: int = 1, *, days: int = 365) -> None:
    """The grid's commissioner and the office's clerk hold enforcement cards."""
    until = clock.today() + timedelta(days=days)
    for officer in (world.commissioner(number), world.clerk_of(number)):
        EnforcementCard.objects.get_or_create(
            number=f"SD{officer.pk:06d}", defaults={"officer": officer, "expires_on": until}
        )


def papers(world: World, number: int = 1, **fields: Any) -> Papers:
    told: dict[str, Any] = {
        "second_officer_id": world.clerk_of(number).pk,
        "basis": "食品安全法第一百一十条",
        "approval_no": "检批〔2026〕12号",
        "notice_no": "检通〔2026〕12号",
        "platform_no": "SDXZJC202600012",
    }
    return Papers(**{**told, **fields})
