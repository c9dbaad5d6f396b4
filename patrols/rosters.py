"""Who works where on which day: postings and absences of the time ahead, read once (DESIGN.md §3).

An absence takes a person out of the day whose noon lies in it (of today: the present moment, once noon has
passed). Who is away is replaced by those of his grid who are there; where nobody is, by his stand-in, or his
backup (A/B角). Accounts that are closed are nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db import connection

from grids.roles import Role
from kernel.clock import SHANGHAI, local_date
from kernel.deadlines.arrays import literal

LOOKS_AHEAD = timedelta(days=100)

_POSTED = f"""
SELECT p.grid_id, p.role, p.user_id, p.starts_at, p.ends_at, b.id
  FROM grids_posting p JOIN accounts_user u ON u.id = p.user_id AND u.is_active
  LEFT JOIN accounts_user b ON b.id = p.backup_id AND b.is_active
 WHERE p.grid_id = ANY(%(grids)s::bigint[]) AND p.role IN ('{Role.GRID_WORKER}', '{Role.COMMISSIONER}')
   AND p.starts_at <= %(until)s AND (p.ends_at IS NULL OR p.ends_at > %(at)s)
 ORDER BY p.grid_id, p.role, p.seat, p.id
"""  # noqa: S608 - only constants are put together here
_AWAY = """
SELECT a.user_id, a.starts_at, a.ends_at, s.id FROM grids_absence a
  LEFT JOIN accounts_user s ON s.id = a.stand_in_id AND s.is_active
 WHERE a.starts_at <= %(until)s AND a.ends_at > %(at)s ORDER BY a.id
"""


class Seat(NamedTuple):
    user_id: int
    starts_at: datetime
    ends_at: datetime | None
    backup_id: int | None


class Leave(NamedTuple):
    starts_at: datetime
    ends_at: datetime
    stand_in_id: int | None


@dataclass(frozen=True)
class Roster:
    """Seats and leaves as they stood at `at`. Plain values: asked as often as one likes."""

    at: datetime
    seats: dict[tuple[int, str], list[Seat]] = field(default_factory=dict)
    leaves: dict[int, list[Leave]] = field(default_factory=dict)

    def present(self, grid_id: int, role: str, day: date) -> list[int]:
        """Who does this role's work in the grid on a day, in the order of seats; [] where nobody does."""
        moment = self._moment(day)
        held = [
            seat
            for seat in self.seats.get((grid_id, role), ())
            if seat.starts_at <= moment and (seat.ends_at is None or seat.ends_at > moment)
        ]
        there = [seat.user_id for seat in held if self._leave(seat.user_id, moment) is None]
        return list(dict.fromkeys(there or self._stand_ins(held, moment)))

    def _stand_ins(self, held: list[Seat], moment: datetime) -> list[int]:
        found = []
        for seat in held:
            leave = self._leave(seat.user_id, moment)
            named = leave.stand_in_id if leave else None
            for person in (named, seat.backup_id):
                if person is not None and self._leave(person, moment) is None:
                    found.append(person)
                    break
        return found

    def _leave(self, user_id: int, moment: datetime) -> Leave | None:
        leaves = self.leaves.get(user_id, ())
        return next((one for one in leaves if one.starts_at <= moment < one.ends_at), None)

    def _moment(self, day: date) -> datetime:
        noon = datetime.combine(day, time(12), SHANGHAI)
        return max(noon, self.at) if day == local_date(self.at) else noon


def read(grid_ids: Collection[int], at: datetime) -> Roster:
    """The roster of these grids for the time ahead of `at`. Two statements."""
    seats: dict[tuple[int, str], list[Seat]] = defaultdict(list)
    leaves: dict[int, list[Leave]] = defaultdict(list)
    given: dict[str, Any] = {"grids": literal(sorted(grid_ids)), "at": at, "until": at + LOOKS_AHEAD}
    with connection.cursor() as cursor:
        cursor.execute(_POSTED, given)
        for grid_id, role, *rest in cursor.fetchall():
            seats[grid_id, role].append(Seat(*rest))
        cursor.execute(_AWAY, given)
        for user_id, *rest in cursor.fetchall():
            leaves[user_id].append(Leave(*rest))
    return Roster(at, dict(seats), dict(leaves))
