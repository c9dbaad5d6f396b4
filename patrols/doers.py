"""Who may do a patrol task, and for whom. Decided on seats and facts already read; no queries."""

from __future__ import annotations

from grids.access import Scope, Seat
from grids.roles import DUTY_LEADER, DUTY_OFFICER, Role
from grids.staffing import RoutingFacts
from kernel.errors import NotAllowed
from patrols.kinds import BY_WORKER, TaskKind
from patrols.models import PatrolTask

IN_OFFICE = (Role.OFFICE_HEAD, Role.OFFICE_CLERK, DUTY_OFFICER, DUTY_LEADER)


def doer(task: PatrolTask, scope: Scope, people: RoutingFacts | None) -> int | None:
    """For whom this person does the task; None where for himself.

    巡查 is for any grid worker of the grid, or who stands in for one; 每周查 for the commissioner or who
    stands in for him. Only where nobody is there does another take it: the commissioner or the lead
    community's head for a worker, the office for a commissioner.

    Raises:
        NotAllowed: `not_your_task`; `not_a_visit` for 季度评.
    """
    if task.kind == TaskKind.QUARTERLY_REVIEW:
        raise NotAllowed("季度评按清单确认，不需要上门。", code="not_a_visit")
    if task.kind in BY_WORKER:
        seat = scope.seat(Role.GRID_WORKER, grid_id=task.grid_id) or _for_worker(task, scope, people)
        if seat is None:
            raise NotAllowed("这是网格员的巡查任务，请由本网格网格员完成。", code="not_your_task")
    else:
        seat = scope.seat(Role.COMMISSIONER, grid_id=task.grid_id) or _for_commissioner(scope, people)
        if seat is None:
            raise NotAllowed("这是专员的每周查，请由本网格专员完成。", code="not_your_task")
    return behalf(seat, scope)


def visitor(grid_id: int, office_id: int | None, scope: Scope) -> int | None:
    """For whom this person calls on a shop outside the plan. Raises NotAllowed `not_your_grid`."""
    seat = scope.seat(Role.GRID_WORKER, grid_id=grid_id) or scope.seat(Role.COMMISSIONER, grid_id=grid_id)
    if seat is None:
        seat = next((found for role in IN_OFFICE if (found := scope.seat(role, office_id=office_id))), None)
    if seat is None:
        raise NotAllowed("只有本网格的网格员、专员或本所人员可以登记走访。", code="not_your_grid")
    return behalf(seat, scope)


def behalf(seat: Seat, scope: Scope) -> int | None:
    return None if seat.holder_id == scope.user_id else seat.holder_id


def _for_worker(task: PatrolTask, scope: Scope, people: RoutingFacts | None) -> Seat | None:
    if people is None or people.worker_ids_present or people.worker_stand_in_ids:
        return None
    return scope.seat(Role.COMMISSIONER, grid_id=task.grid_id) or scope.seat(
        Role.COMMUNITY_HEAD, community_id=people.lead_community_id
    )


def _for_commissioner(scope: Scope, people: RoutingFacts | None) -> Seat | None:
    if people is None:
        return None
    there = people.commissioner_id is not None and not people.commissioner_absent
    if there or people.stand_in_id is not None:
        return None
    return next(
        (found for role in IN_OFFICE if (found := scope.seat(role, office_id=people.office_id))), None
    )
