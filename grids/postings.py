"""Appointing people and ending it (任职、离任). The only writer of `Posting`.

Each act leaves a journal entry in stream `posting:<id>`. Ending a posting runs the callbacks that
higher apps have registered (`on_end`) in the same transaction, so nobody's open work stays behind.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

import structlog
from django.db import transaction
from django.db.models import Q

from grids.access import forget
from grids.authority import opposite_side, require_staffing
from grids.models import Community, Department, Grid, Office, Posting, Subdistrict
from grids.refusals import naming_the_rule, patiently
from grids.roles import SCOPE_OF_ROLE, STAND_ALONE, Role
from kernel import journal
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, Refused

log = structlog.get_logger(__name__)

SEATS = (1, 2, 3)
FIELDS = {
    "grid": "网格",
    "seat": "席位",
    "office": "市场监管所",
    "community": "社区",
    "department": "部门",
    "subdistrict": "街道",
    "station_code": "服务站编码",
    "section": "科室",
}


class OnEnd(Protocol):
    """What a higher app does when a posting ends."""

    def __call__(self, *, posting: Posting, at: datetime, by: User | None) -> object: ...


_on_end: list[OnEnd] = []


def on_end(callback: OnEnd) -> OnEnd:
    """Have `callback(posting=, at=, by=)` run in the transaction of every ending. Twice is once.

    `posting.ends_at` is set by then. `by` is None where a planned end has come by itself.
    """
    if callback not in _on_end:
        _on_end.append(callback)
    return callback


@transaction.atomic
def appoint(
    *,
    user: User,
    role: str,
    by: User | None,
    at: datetime,
    grid: Grid | None = None,
    seat: int | None = None,
    office: Office | None = None,
    community: Community | None = None,
    department: Department | None = None,
    subdistrict: Subdistrict | None = None,
    station_code: str = "",
    section: str = "",
    backup: User | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Posting:
    """Give `user` a seat from `starts_at` (now by default), to `ends_at` (open by default).

    A grid worker without a `seat` gets the lowest free one. `by=None` is the system. The rules are
    those of the constraints of `Posting`, and: nobody appoints himself; a system administrator and
    an auditor hold nothing else (三员分立), also not as a backup; a backup does not stand on the other
    side of the grid.

    Raises:
        NotAllowed: `by` may not staff this seat, or appoints himself.
        Refused: the scope does not fit the role.
        Conflict: the seat is taken, or the person holds what does not go with it.
    """
    require_staffing(by, role, grid=grid, office=office)
    if by is not None and by.pk == user.pk:
        raise NotAllowed("不能给自己任职，请由他人办理。", code="not_yourself")
    starts_at = starts_at or at
    if role == Role.GRID_WORKER and grid is not None and seat is None:
        seat = _free_seat(grid, starts_at, ends_at)
    scope = {
        "grid": grid, "seat": seat, "office": office, "community": community, "department": department,
        "subdistrict": subdistrict, "station_code": station_code, "section": section,
    }  # fmt: skip
    _scope_must_fit(role, scope)
    _stands_alone(user, role, starts_at, ends_at)
    with naming_the_rule(Posting):
        posting = Posting.objects.create(
            user=user, role=role, backup=backup, starts_at=starts_at, ends_at=ends_at, **scope
        )
    _backup_must_fit(posting, backup, at)
    journal.append(stream=f"posting:{posting.id}", kind="appointed", by=by, at=at, data=_told(posting))
    forget(user)
    return posting


def end(*, posting: Posting, at: datetime, by: User | None) -> Posting:
    """End a posting now, and hand on what hangs on it (`on_end`). Ended already: nothing happens.

    The posting row is locked until commit. One that had not begun never will have held.

    Raises:
        NotAllowed: `by` may not staff this seat.
        Busy: what hangs on it is in somebody else's hands at this moment, twice.
    """
    return patiently(lambda: _end(posting, at, by))


@transaction.atomic
def _end(posting: Posting, at: datetime, by: User | None) -> Posting:
    require_staffing(by, posting.role, grid=posting.grid, office=posting.office)
    held = _locked(posting.pk)
    if held.wound_up_at is not None:
        return held
    if held.ends_at is None or held.ends_at > at:
        held.ends_at = max(at, held.starts_at)
    return _wind_up(held, at, by)


@transaction.atomic
def change_backup(*, posting: Posting, backup: User | None, by: User | None, at: datetime) -> Posting:
    """Name another backup (B角), or none. Raises NotAllowed, Conflict."""
    require_staffing(by, posting.role, grid=posting.grid, office=posting.office)
    held = _locked(posting.pk)
    before = held.backup_id
    if before == (backup.pk if backup else None):
        return held
    held.backup = backup
    with naming_the_rule(Posting):
        held.save(update_fields=["backup"])
    _backup_must_fit(held, backup, at)
    data = {"backup_id": held.backup_id, "before": before}
    journal.append(stream=f"posting:{held.id}", kind="backup_changed", by=by, at=at, data=data)
    return held


def wind_up_lapsed(at: datetime) -> int:
    """Run `on_end` for postings whose planned end has come; how many. Safe to run twice or at once.

    Each in its own transaction: one that cannot be handed on is logged, does not stop the rest, and is
    tried again by the next run.
    """
    lapsed = (
        Posting.objects.filter(ends_at__lte=at, wound_up_at=None).order_by("id").values_list("id", flat=True)
    )
    done = 0
    for posting_id in list(lapsed):
        try:
            done += _wind_up_lapsed(posting_id, at)
        except Exception:
            log.exception("posting_not_wound_up", posting_id=posting_id)
    return done


@transaction.atomic
def _wind_up_lapsed(posting_id: int, at: datetime) -> bool:
    held = _locked(posting_id)
    if held.wound_up_at is not None or held.ends_at is None or held.ends_at > at:
        return False
    _wind_up(held, at, None)
    return True


def make_administrator(user: User, at: datetime) -> None:
    """The first system administrator; for the command that makes his account."""
    if not Posting.objects.active(at).filter(user=user, role=Role.SYSTEM_ADMIN).exists():
        appoint(user=user, role=Role.SYSTEM_ADMIN, by=None, at=at)


def _locked(posting_id: int) -> Posting:
    rows = Posting.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("user", "grid", "office", "community").get(pk=posting_id)


def _wind_up(held: Posting, at: datetime, by: User | None) -> Posting:
    held.wound_up_at = at
    held.save(update_fields=["ends_at", "wound_up_at"])
    for callback in _on_end:
        callback(posting=held, at=at, by=by)
    journal.append(stream=f"posting:{held.id}", kind="ended", by=by, at=at, data=_told(held))
    forget(held.user)
    return held


def _told(posting: Posting) -> dict[str, Any]:
    """What the journal keeps: numbers and codes, no names."""
    told: dict[str, Any] = {"user_id": posting.user_id, "role": posting.role, "backup_id": posting.backup_id}
    for column in ("grid_id", "seat", "office_id", "community_id", "department_id", "subdistrict_id"):
        if getattr(posting, column) is not None:
            told[column] = getattr(posting, column)
    for column in ("station_code", "section"):
        if getattr(posting, column):
            told[column] = getattr(posting, column)
    told["starts_at"] = posting.starts_at.isoformat()
    told["ends_at"] = posting.ends_at.isoformat() if posting.ends_at else None
    return told


def _scope_must_fit(role: str, scope: dict[str, Any]) -> None:
    if role not in SCOPE_OF_ROLE:
        raise Refused("没有这个岗位。", code="unknown_role", attr="role")
    for column, label in FIELDS.items():
        filled = scope[column] not in (None, "")
        if filled != (column in SCOPE_OF_ROLE[role]):
            wanted = "需要填写" if not filled else "不应填写"
            raise Refused(f"{Role(role).label}{wanted}{label}。", code="posting_scope_fits_role", attr=column)
    if scope["seat"] is not None and scope["seat"] not in SEATS:
        raise Refused("网格员席位只能是 1、2、3。", code="posting_seat_1_to_3", attr="seat")


def _overlapping(starts_at: datetime, ends_at: datetime | None) -> Q:
    still = Q(ends_at__isnull=True) | Q(ends_at__gt=starts_at)
    return still if ends_at is None else still & Q(starts_at__lt=ends_at)


def _free_seat(grid: Grid, starts_at: datetime, ends_at: datetime | None) -> int:
    """The lowest free seat. The grid is locked, so two at once get two seats."""
    Grid.objects.select_for_update(no_key=True).get(pk=grid.pk)
    taken = set(
        Posting.objects.filter(
            _overlapping(starts_at, ends_at), role=Role.GRID_WORKER, grid=grid
        ).values_list("seat", flat=True)
    )
    free = [seat for seat in SEATS if seat not in taken]
    if not free:
        raise Conflict("该网格已有 3 名网格员，不能再增加。", code="posting_seats_full", attr="grid")
    return free[0]


def _stands_alone(user: User, role: str, starts_at: datetime, ends_at: datetime | None) -> None:
    """A system administrator and an auditor hold nothing else. Two at once meet on the user's row."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    held = Posting.objects.filter(_overlapping(starts_at, ends_at), user=user)
    if role not in STAND_ALONE:
        held = held.filter(role__in=STAND_ALONE)
    if held.exists():
        raise Conflict("系统管理员、审计员不得兼任其他岗位。", code="posting_stands_alone", attr="role")


def _backup_must_fit(posting: Posting, backup: User | None, at: datetime) -> None:
    """Not across the two sides of a grid, nor across 三员分立: a backup acts without anyone asking him."""
    if backup is None:
        return
    moment = max(at, posting.starts_at)
    held = Posting.objects.filter(_overlapping(moment, posting.ends_at), user=backup)
    held = held.exclude(role=posting.role)
    if posting.role not in STAND_ALONE:
        held = held.filter(role__in=STAND_ALONE)
    if held.exists():
        raise Conflict("系统管理员、审计员与其他岗位不能互为B角。", code="backup_stands_alone", attr="backup")
    if posting.grid_id is None:
        return
    if Posting.objects.active(moment).filter(opposite_side(posting.user_id, backup.pk, moment)).exists():
        raise Conflict("B角在同一网格属于另一方，不能互为备岗。", code="backup_other_side", attr="backup")
