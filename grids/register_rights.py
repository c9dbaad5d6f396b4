"""Who keeps the register true (DOMAIN.md §2): grid people, the office's clerk and head, the bureau.

What a grid worker changes of a key field waits for the commissioner; everybody else's word counts at once.
"""

from __future__ import annotations

from grids.access import Scope, Seat
from grids.models import BusinessEntity, Grid
from grids.roles import Role, Section
from kernel.errors import NotAllowed

SECTIONS = (Section.REGISTRATION, Section.CREDIT)
NOT_YOURS = "该经营主体不在您的网格或管理范围内，不能修改。"
ELSEWHERE = "该位置属于{grid}，不在您的管理范围内，请由该网格人员登记，或由所内勤、市场监管局调整。"
NO_PLACE = "请在地图上标出位置，或选择所在社区。"


def keeper_seat(scope: Scope, grid: Grid | None) -> Seat | None:
    """The seat from which he may keep the businesses of this grid, the weightiest first; of those without a
    grid any office and the bureau may. None for everybody else, and for who only audits."""
    if scope.is_auditor:
        return None
    found = [scope.seat(Role.COMMISSIONER, grid_id=grid.pk)] if grid else []
    match = {"office_id": grid.office_id} if grid else {}
    found += [scope.seat(role, **match) for role in (Role.OFFICE_CLERK, Role.OFFICE_HEAD)]
    found.append(scope.seat(Role.BUREAU))
    found += [scope.seat(Role.BUREAU_SECTION, section=one) for one in SECTIONS]
    found += [scope.seat(Role.GRID_WORKER, grid_id=grid.pk)] if grid else []
    return next((seat for seat in found if seat is not None), None)


def require_keeper(scope: Scope, entity: BusinessEntity) -> Seat:
    """Raises NotAllowed `not_your_entity`."""
    seat = keeper_seat(scope, entity.grid)
    if seat is None:
        raise NotAllowed(NOT_YOURS, code="not_your_entity")
    return seat


def require_place(scope: Scope, grid: Grid | None) -> Seat:
    """May he put a business into this grid? Raises NotAllowed `other_grid`, `place_required`."""
    seat = keeper_seat(scope, grid)
    if seat is not None:
        return seat
    if grid is None:
        raise NotAllowed(NO_PLACE, code="place_required")
    raise NotAllowed(ELSEWHERE.format(grid=f"{grid.code}{grid.name}"), code="other_grid")


def waits(seat: Seat) -> bool:
    """Does a key field changed from this seat wait for the commissioner?"""
    return seat.role == Role.GRID_WORKER


def may_place_by_hand(scope: Scope) -> bool:
    return not scope.is_auditor and (
        scope.has(Role.OFFICE_CLERK, Role.OFFICE_HEAD, Role.BUREAU)
        or any(scope.seat(Role.BUREAU_SECTION, section=one) for one in SECTIONS)
    )


def may_judge(scope: Scope, *grids: Grid | None) -> bool:
    """Clerk and head of an office that has one of these grids; the bureau."""
    if scope.is_auditor:
        return False
    if scope.has(Role.BUREAU):
        return True
    offices = {grid.office_id for grid in grids if grid is not None}
    return any(
        seat.role in (Role.OFFICE_CLERK, Role.OFFICE_HEAD) and seat.office_id in offices
        for seat in scope.seats
    )
