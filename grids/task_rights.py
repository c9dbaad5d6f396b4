"""Who may give a task of a grid, change it, and say that it is done."""

from __future__ import annotations

from grids.access import Scope
from grids.models import Grid, TaskItem
from grids.roles import Role
from kernel.errors import NotAllowed


def _commands(scope: Scope, grid: Grid) -> bool:
    """Clerk, head and duty of the grid's office, heads of its communities, the street, the bureau."""
    if scope.is_auditor:
        return False
    if scope.has(Role.BUREAU) or grid.office_id in scope.office_ids:
        return True
    if not (scope.community_ids or scope.subdistrict_ids):
        return False
    of_heads = grid.communities.filter(id__in=scope.community_ids)
    return of_heads.exists() or grid.communities.filter(subdistrict_id__in=scope.subdistrict_ids).exists()


def may_give(scope: Scope, grid: Grid, owner_id: int | None) -> bool:
    """Who leads in the grid gives tasks to anyone; a grid worker notes them for himself (`owner_id` None:
    for anybody at all?)."""
    if scope.is_auditor:
        return False
    if scope.seat(Role.COMMISSIONER, grid_id=grid.pk) or _commands(scope, grid):
        return True
    worker = scope.seat(Role.GRID_WORKER, grid_id=grid.pk)
    return worker is not None and owner_id in (None, scope.user_id)


def may_manage(scope: Scope, task: TaskItem) -> bool:
    """Change and cancel: who gave it, and who leads in the grid."""
    if scope.is_auditor:
        return False
    return task.created_by_id == scope.user_id or _commands(scope, task.grid)


def may_finish(scope: Scope, task: TaskItem) -> bool:
    """Say that it is done: the owner, who stands in for him (B角, 代岗), and who may change it."""
    if scope.is_auditor:
        return False
    stands_in = any(
        seat.holder_id == task.owner_id and seat.basis in ("backup", "absence") for seat in scope.seats
    )
    return task.owner_id == scope.user_id or stands_in or may_manage(scope, task)


def require_may_give(scope: Scope, grid: Grid, owner_id: int | None) -> None:
    """Raises NotAllowed: `not_your_grid`, `only_yourself` (`owner_id` None asks for anybody at all)."""
    if may_give(scope, grid, owner_id):
        return
    if may_give(scope, grid, None):
        raise NotAllowed("网格员只能给自己登记任务。", code="only_yourself")
    raise NotAllowed("这不是您管理的网格，不能布置任务。", code="not_your_grid")
