"""Who may staff what (DESIGN.md §1): appoint, end, grant leave, keep the rota.

The office head staffs his office and its grids, the community head the grid workers of the grids
that hold his community, the bureau every working seat, the system administrator every seat. Leave and
the rota are business: the system administrator keeps neither (三员分立).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from grids.access import OFFICE_WIDE, Scope, scope_of
from grids.models import Grid, Office, Posting
from grids.roles import ONLY_IN_PERSON, STAND_ALONE, Role
from kernel.accounts.models import User
from kernel.errors import NotAllowed

NOT_YOUR_SEAT = "这不在您的管理范围内，请由所长、社区书记、市场监管局或系统管理员办理。"
OFFICE_MAY_STAFF = frozenset({Role.GRID_WORKER, Role.COMMISSIONER, Role.OFFICE_CLERK})
NOT_YOURS = "这不在您的管理范围内，请由所长、社区书记或市场监管局办理。"


def _offices_led(scope: Scope) -> frozenset[int]:
    return frozenset(
        seat.office_id for seat in scope.seats if seat.role == Role.OFFICE_HEAD and seat.office_id is not None
    )


def may_staff(scope: Scope, role: str, *, grid: Grid | None = None, office: Office | None = None) -> bool:
    """May the holder of this scope appoint to, and end, such a seat? At most one statement."""
    if scope.has(Role.SYSTEM_ADMIN):
        return True
    if role in ONLY_IN_PERSON or scope.is_auditor:
        return False
    if scope.has(Role.BUREAU):
        return True
    if role in OFFICE_MAY_STAFF and _offices_led(scope):
        place = office.id if office is not None else grid.office_id if grid is not None else None
        if place in _offices_led(scope):
            return True
    if role == Role.GRID_WORKER and grid is not None and scope.community_ids:
        return grid.communities.filter(id__in=scope.community_ids).exists()
    return False


def may_staff_person(scope: Scope, user_id: int, at: datetime) -> bool:
    """May he grant this person leave? Where he may staff one of his running seats."""
    if scope.has(*STAND_ALONE):
        return False
    if scope.has(Role.BUREAU):
        return True
    running = Posting.objects.active(at).filter(user_id=user_id).select_related("grid", "office")
    return any(may_staff(scope, one.role, grid=one.grid, office=one.office) for one in running)


def may_keep_rota(scope: Scope, office_ids: Collection[int]) -> bool:
    """Clerk, head and duty leader keep their office's rota; the bureau every one."""
    if scope.has(*STAND_ALONE):
        return False
    if scope.has(Role.BUREAU):
        return True
    mine = {
        seat.office_id for seat in scope.seats if seat.role in OFFICE_WIDE and seat.role != "DUTY_OFFICER"
    }
    return bool(office_ids) and set(office_ids) <= mine


def require_staffing(by: User | None, role: str, *, grid: Grid | None, office: Office | None) -> None:
    """Raises NotAllowed unless `by` may staff this seat. None is the system."""
    if by is not None and not may_staff(scope_of(by), role, grid=grid, office=office):
        raise NotAllowed(NOT_YOUR_SEAT, code="not_your_staff")


def opposite_side(user_id: int, other_id: int, at: datetime) -> Q:
    """Running postings of `other_id` on the other side of a grid where `user_id` is posted."""
    held = Posting.objects.active(at).filter(user_id=user_id, grid__isnull=False)
    worker = held.filter(role=Role.GRID_WORKER).values("grid_id")
    commissioner = held.filter(role=Role.COMMISSIONER).values("grid_id")
    return Q(user_id=other_id) & (
        Q(role=Role.COMMISSIONER, grid_id__in=worker) | Q(role=Role.GRID_WORKER, grid_id__in=commissioner)
    )
