"""Who is concerned by a whistle: liaisons, heads and duty contacts of departments, subdistricts.

Whoever holds the seat and, while he is away, who stands in for him; closed accounts are nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db import connection

from grids.roles import Role
from leads.models import DepartmentContact

_HELD = """
  FROM grids_posting p
  LEFT JOIN grids_absence a ON a.user_id = p.user_id AND a.starts_at <= %(at)s AND a.ends_at > %(at)s
 CROSS JOIN LATERAL (VALUES
       (p.user_id), (CASE WHEN a.id IS NOT NULL THEN COALESCE(a.stand_in_id, p.backup_id) END)) t(person)
  JOIN accounts_user u ON u.id = t.person AND u.is_active
"""
_RUNS = "p.starts_at <= %(at)s AND (p.ends_at IS NULL OR p.ends_at > %(at)s)"
LIAISONS = f"""
SELECT DISTINCT p.department_id, t.person {_HELD}
 WHERE p.role = '{Role.DEPARTMENT_LIAISON}' AND p.department_id = ANY(%(ids)s) AND {_RUNS}
 ORDER BY 1, 2
"""
SUBDISTRICTS = f"""
SELECT DISTINCT g.grid_id, t.person {_HELD}
  JOIN grids_community c ON c.subdistrict_id = p.subdistrict_id
  JOIN grids_grid_communities g ON g.community_id = c.id
 WHERE p.role = '{Role.SUBDISTRICT}' AND g.grid_id = ANY(%(ids)s) AND {_RUNS}
 ORDER BY 1, 2
"""


def liaisons(department_ids: Collection[int], at: datetime) -> dict[int, list[int]]:
    """Accounts of the liaisons, by department. One statement."""
    return _people(LIAISONS, department_ids, at)


def subdistricts(grid_ids: Collection[int], at: datetime) -> dict[int, list[int]]:
    """Accounts of the subdistricts that a grid's communities belong to, by grid. One statement."""
    return _people(SUBDISTRICTS, grid_ids, at)


def _people(sql: str, ids: Collection[int], at: datetime) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(sql, {"ids": list(ids), "at": at})
        for place, person in cursor.fetchall():
            found[place].append(person)
    return found


def contacts(department_ids: Collection[int]) -> dict[int, list[DepartmentContact]]:
    """Active contacts by department, heads first. One statement."""
    found: dict[int, list[DepartmentContact]] = defaultdict(list)
    rows = DepartmentContact.objects.active().filter(department_id__in=department_ids)
    for one in rows.order_by("-is_head", "id"):
        found[one.department_id].append(one)
    return found


def to_ring(there: list[DepartmentContact]) -> list[DepartmentContact]:
    """Who gets the SMS of a new call: those who are no heads; the heads where there is nobody else."""
    return [one for one in there if not one.is_head] or there
