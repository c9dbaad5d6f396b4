"""What a person may see and do: the seats he holds now (DESIGN.md §7).

Rights come from active postings: his own, those he backs up (A/B角), those he stands in for while
an absence runs, and his office on his duty day (08:30 to 08:30). Default is nothing. A system
administrator and an auditor act for nobody, whatever the rows say (三员分立).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import Q

from grids.roles import DUTY_LEADER, DUTY_OFFICER, ONLY_IN_PERSON, SEES_ALL, STAND_ALONE, Role
from kernel.accounts.models import User
from kernel.prepared import Statement

Anyone = User | AnonymousUser
"""Who may ask: somebody, or nobody (who sees nothing)."""

BASIS_ORDER = ("own", "duty", "absence", "backup")
OFFICE_WIDE = frozenset({Role.OFFICE_CLERK.value, Role.OFFICE_HEAD.value, DUTY_OFFICER, DUTY_LEADER})
_CACHE = "_grids_scope"


@dataclass(frozen=True, slots=True)
class Seat:
    """One seat that a person may act from now. `basis` says why: own, duty, absence or backup."""

    role: str
    basis: str
    holder_id: int
    holder_name: str
    grid_id: int | None = None
    office_id: int | None = None
    community_id: int | None = None
    department_id: int | None = None
    subdistrict_id: int | None = None
    station_code: str = ""
    section: str = ""
    posting_id: int | None = None


@dataclass(frozen=True)
class Scope:
    """The seats of one person at one moment, and what follows from them."""

    user_id: int | None
    at: datetime
    seats: tuple[Seat, ...]

    @cached_property
    def roles(self) -> frozenset[str]:
        return frozenset(seat.role for seat in self.seats)

    @cached_property
    def sees_all(self) -> bool:
        """The bureau, its leaders and the auditor."""
        return bool(self.roles & SEES_ALL)

    @cached_property
    def is_auditor(self) -> bool:
        """Read only, masked. True also where the auditor (wrongly) holds another seat."""
        return Role.AUDITOR in self.roles

    @cached_property
    def business_nothing(self) -> bool:
        """No seat but that of a system administrator: accounts and settings, no business rows."""
        return self.roles <= {Role.SYSTEM_ADMIN}

    @cached_property
    def grid_ids(self) -> frozenset[int]:
        """Grids whose worker or commissioner he is, or stands in for."""
        return self._ids("grid_id", {Role.GRID_WORKER, Role.COMMISSIONER})

    @cached_property
    def office_ids(self) -> frozenset[int]:
        """Offices whose clerk, head, duty officer or duty leader he is, or stands in for."""
        return self._ids("office_id", OFFICE_WIDE)

    @cached_property
    def community_ids(self) -> frozenset[int]:
        return self._ids("community_id", {Role.COMMUNITY_HEAD})

    @cached_property
    def subdistrict_ids(self) -> frozenset[int]:
        return self._ids("subdistrict_id", {Role.SUBDISTRICT})

    @cached_property
    def department_ids(self) -> frozenset[int]:
        return self._ids("department_id", {Role.DEPARTMENT_LIAISON})

    @cached_property
    def sections(self) -> frozenset[str]:
        return frozenset(seat.section for seat in self.seats if seat.section)

    def has(self, *roles: str) -> bool:
        """Does he hold, or stand in for, any of these roles?"""
        return bool(self.roles & set(roles))

    def seat(self, role: str, **match: Any) -> Seat | None:
        """The seat of this role that fits (`grid_id=7`, …): his own first, then duty, absence, backup."""
        fitting = [
            seat
            for seat in self.seats
            if seat.role == role and all(getattr(seat, name) == value for name, value in match.items())
        ]
        return min(fitting, key=lambda seat: BASIS_ORDER.index(seat.basis), default=None)

    def _ids(self, column: str, roles: set[str] | frozenset[str]) -> frozenset[int]:
        return frozenset(
            found
            for seat in self.seats
            if seat.role in roles and (found := getattr(seat, column)) is not None
        )


_POSTING = """p.role, p.user_id AS holder_id, p.grid_id, p.office_id, p.community_id, p.department_id,
       p.subdistrict_id, p.station_code, p.section, p.id AS posting_id"""
_DUTY = """d.role, d.user_id AS holder_id, NULL::bigint, d.office_id, NULL::bigint, NULL::bigint,
       NULL::bigint, '', '', NULL::bigint"""
_RUNS = "p.starts_at <= m.at AND (p.ends_at IS NULL OR p.ends_at > m.at)"
_AWAY = "a.stand_in_id = %(me)s AND a.starts_at <= m.at AND a.ends_at > m.at"
_DUTY_DAY = "((m.at AT TIME ZONE 'Asia/Shanghai') - interval '8 hours 30 minutes')::date"

_SEATS = f"""
WITH m AS MATERIALIZED (SELECT kernel_now() AS at),
held (basis, role, holder_id, grid_id, office_id, community_id, department_id, subdistrict_id,
      station_code, section, posting_id) AS (
  SELECT 'own', {_POSTING} FROM grids_posting p, m WHERE p.user_id = %(me)s AND {_RUNS}
  UNION ALL
  SELECT 'backup', {_POSTING} FROM grids_posting p, m WHERE p.backup_id = %(me)s AND {_RUNS}
  UNION ALL
  SELECT 'absence', {_POSTING} FROM grids_absence a JOIN grids_posting p ON p.user_id = a.user_id, m
   WHERE {_AWAY} AND {_RUNS} AND p.role <> ALL(%(in_person)s)
  UNION ALL
  SELECT 'duty', {_DUTY} FROM grids_dutyshift d, m WHERE d.user_id = %(me)s AND d.day = {_DUTY_DAY}
  UNION ALL
  SELECT 'absence', {_DUTY} FROM grids_absence a JOIN grids_dutyshift d ON d.user_id = a.user_id, m
   WHERE {_AWAY} AND d.day = {_DUTY_DAY}
)
SELECT m.at, h.role, h.basis, h.holder_id, u.name, h.grid_id, h.office_id, h.community_id,
       h.department_id, h.subdistrict_id, h.station_code, h.section, h.posting_id
  FROM m LEFT JOIN held h ON true LEFT JOIN accounts_user u ON u.id = h.holder_id
 ORDER BY h.posting_id, h.basis
"""  # noqa: S608 - only constants are put together here


SEATS = Statement("grids_seats", _SEATS, me="bigint", in_person="text[]")


def scope_of(user: Any) -> Scope:
    """The scope of a user now. One SQL statement, kept on the user object (one request).

    `Scope.at` is `kernel_now()` of that statement. Who keeps a user object longer than a request
    (a test, a command) calls `forget` after changing postings, absences, the rota or the clock.
    """
    kept: Scope | None = getattr(user, _CACHE, None)
    if kept is not None:
        return kept
    with connection.cursor() as cursor:
        SEATS.execute(cursor, {"me": user.pk, "in_person": sorted(ONLY_IN_PERSON)})
        rows = cursor.fetchall()
    seats = tuple(Seat(*row[1:]) for row in rows if row[1] is not None)
    own = tuple(seat for seat in seats if seat.basis == "own")
    alone = any(seat.role in STAND_ALONE for seat in own)
    scope = Scope(user.pk, rows[0][0], own if alone else seats)
    setattr(user, _CACHE, scope)
    return scope


def forget(user: Any) -> None:
    """Have the next `scope_of` look again."""
    if hasattr(user, _CACHE):
        delattr(user, _CACHE)


def is_administrator(user: Any) -> bool:
    """Does he hold a posting as system administrator now?"""
    return scope_of(user).has(Role.SYSTEM_ADMIN)


def within(scope: Scope, to_grid: str = "grid") -> Q:
    """Rows whose grid lies in the scope: own grids, the office's, the community's, the subdistrict's.

    `to_grid` is the lookup path to the grid (`"grid"`, `"entity__grid"`; `""` on Grid itself). Rows
    without a grid are never matched. Whoever sees all is not narrowed. No join multiplies rows.
    """
    if scope.sees_all:
        return Q()
    base = f"{to_grid}__" if to_grid else ""
    found = Q(pk__in=[])
    if scope.grid_ids:
        found |= Q(**{f"{base}id__in" if not to_grid else f"{to_grid}_id__in": scope.grid_ids})
    if scope.office_ids:
        found |= Q(**{f"{base}office_id__in": scope.office_ids})
    if scope.community_ids or scope.subdistrict_ids:
        column = f"{to_grid}_id__in" if to_grid else "id__in"
        found |= Q(**{column: _grids_of(scope)})
    return found


def _grids_of(scope: Scope) -> Any:
    from grids.models import Grid

    return Grid.communities.through.objects.filter(
        Q(community_id__in=scope.community_ids) | Q(community__subdistrict_id__in=scope.subdistrict_ids)
    ).values("grid_id")
