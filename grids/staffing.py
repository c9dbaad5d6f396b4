"""Who is there? Facts about a grid's people at a moment, each in one SQL statement.

Nothing ever waits for a person who is not there (DESIGN.md §3): who has no active account is left
out everywhere; an absence names its stand-in, else the backup (A/B角).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from grids.duty import duty_day
from grids.models import Office
from grids.roles import DUTY_LEADER, DUTY_OFFICER, Role
from kernel.prepared import Statement

BUREAU_BESIDE = "bureau"
"""`level` in the payload of a question that has come to the bureau as well."""

__all__ = [
    "OfficePeople",
    "RoutingFacts",
    "bureau_ids",
    "duty_day",
    "holders_of",
    "night_hand_on_facts",
    "office_people",
    "routing_facts",
    "routing_facts_of",
    "watcher_ids",
]


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """All that dispatch and supervision need to know of one grid.

    `stand_in_id` is who acts for the commissioner while he is away: the absence's stand-in, or his
    backup; None while he is there. Heads of the community are those of the lead community.
    """

    grid_id: int
    grid_code: str
    office_id: int
    night_dispatch: bool
    lead_community_id: int
    commissioner_id: int | None
    commissioner_name: str | None
    commissioner_posting_id: int | None
    commissioner_backup_id: int | None
    commissioner_absent: bool
    stand_in_id: int | None
    duty_officer_id: int | None
    duty_officer_name: str | None
    office_head_ids: list[int]
    community_head_ids: list[int]
    worker_ids: list[int]
    worker_ids_present: list[int]
    worker_stand_in_ids: list[int]
    robot_id: int | None
    grid_name: str = ""
    commissioner_username: str | None = None
    duty_officer_username: str | None = None


_RUNS = "p.starts_at <= %(at)s AND (p.ends_at IS NULL OR p.ends_at > %(at)s)"
_AWAY = "a.starts_at <= %(at)s AND a.ends_at > %(at)s"
_POSTED = "grids_posting p JOIN accounts_user u ON u.id = p.user_id AND u.is_active"
_FACTS = f"""
SELECT g.id, g.code, g.office_id, o.night_dispatch, g.lead_community_id,
       c.user_id, c.name, c.id, c.backup_id, c.absent, c.stand_in_id,
       duty.user_id, duty.name, heads.ids, chiefs.ids,
       coalesce(workers.ids, '{{}}'), coalesce(workers.present, '{{}}'), coalesce(workers.stand_ins, '{{}}'),
       robot.id, g.name, c.username, duty.username
  FROM grids_grid g JOIN grids_office o ON o.id = g.office_id
  LEFT JOIN LATERAL (
       SELECT p.id, p.user_id, u.name, u.username, p.backup_id, a.id IS NOT NULL AS absent,
              CASE WHEN a.id IS NOT NULL THEN coalesce(s.id, p.backup_id) END AS stand_in_id
         FROM {_POSTED}
         LEFT JOIN grids_absence a ON a.user_id = p.user_id AND {_AWAY}
         LEFT JOIN accounts_user s ON s.id = a.stand_in_id AND s.is_active AND NOT EXISTS (
              SELECT FROM grids_absence b
               WHERE b.user_id = s.id AND b.starts_at <= %(at)s AND b.ends_at > %(at)s)
        WHERE p.grid_id = g.id AND p.role = '{Role.COMMISSIONER}' AND {_RUNS}) c ON true
  LEFT JOIN LATERAL (
       SELECT u.id AS user_id, u.name, u.username
         FROM grids_dutyshift d
         LEFT JOIN grids_absence a ON a.user_id = d.user_id AND {_AWAY}
         JOIN accounts_user u ON u.id = coalesce(a.stand_in_id, d.user_id) AND u.is_active
        WHERE d.office_id = g.office_id AND d.day = %(day)s AND d.role = '{DUTY_OFFICER}') duty ON true
  CROSS JOIN LATERAL (
       SELECT ARRAY(SELECT p.user_id FROM {_POSTED}
         WHERE p.office_id = g.office_id AND p.role = '{Role.OFFICE_HEAD}' AND {_RUNS}
         ORDER BY p.id) AS ids) heads
  CROSS JOIN LATERAL (
       SELECT ARRAY(SELECT p.user_id FROM {_POSTED}
         WHERE p.community_id = g.lead_community_id AND p.role = '{Role.COMMUNITY_HEAD}' AND {_RUNS}
         ORDER BY p.id) AS ids) chiefs
  LEFT JOIN LATERAL (
       SELECT array_agg(p.user_id ORDER BY p.seat) AS ids,
              array_agg(p.user_id ORDER BY p.seat) FILTER (WHERE a.id IS NULL) AS present,
              array_agg(coalesce(a.stand_in_id, p.backup_id) ORDER BY p.seat)
                FILTER (WHERE a.id IS NOT NULL AND coalesce(a.stand_in_id, p.backup_id) IS NOT NULL)
                AS stand_ins
         FROM {_POSTED}
         LEFT JOIN grids_absence a ON a.user_id = p.user_id AND {_AWAY}
        WHERE p.grid_id = g.id AND p.role = '{Role.GRID_WORKER}' AND {_RUNS}) workers ON true
  LEFT JOIN LATERAL (
       SELECT r.id FROM grids_workgroup w JOIN notices_robot r ON r.id = w.robot_id AND r.is_active
        WHERE w.grid_id = g.id) robot ON true
 WHERE g.id = ANY(%(grids)s)
"""  # noqa: S608 - only constants are put together here


FACTS = Statement("grids_routing_facts", _FACTS, grids="bigint[]", at="timestamptz", day="date")


def routing_facts(grid_id: int, at: datetime) -> RoutingFacts | None:
    """The facts of one grid at a moment; None where there is no such grid. One statement."""
    return routing_facts_of([grid_id], at).get(grid_id)


def routing_facts_of(grid_ids: Collection[int], at: datetime) -> dict[int, RoutingFacts]:
    """The facts of many grids at a moment, by grid. One statement."""
    with connection.cursor() as cursor:
        FACTS.execute(cursor, {"grids": list(grid_ids), "at": at, "day": duty_day(at)})
        return {row[0]: RoutingFacts(*row) for row in cursor.fetchall()}


night_hand_on_facts = routing_facts_of
"""For the morning handover (交班): to whom the night's leads of these grids go. One statement."""


@dataclass(frozen=True, slots=True)
class OfficePeople:
    """Who answers for an office at a moment. Stand-ins of absent people are not named here."""

    office_id: int
    clerk_ids: list[int] = field(default_factory=list)
    head_ids: list[int] = field(default_factory=list)
    duty_officer_ids: list[int] = field(default_factory=list)
    duty_leader_ids: list[int] = field(default_factory=list)


_OFFICE = f"""
SELECT p.office_id, p.role, p.user_id FROM {_POSTED}
 WHERE p.office_id = ANY(%(offices)s) AND {_RUNS}
UNION ALL
SELECT d.office_id, d.role, d.user_id
  FROM grids_dutyshift d JOIN accounts_user u ON u.id = d.user_id AND u.is_active
 WHERE d.office_id = ANY(%(offices)s) AND d.day = %(day)s
 ORDER BY 1, 2, 3
"""  # noqa: S608
_LISTS = {
    Role.OFFICE_CLERK.value: "clerk_ids",
    Role.OFFICE_HEAD.value: "head_ids",
    DUTY_OFFICER: "duty_officer_ids",
    DUTY_LEADER: "duty_leader_ids",
}


def office_people(office_ids: Collection[int], at: datetime) -> dict[int, OfficePeople]:
    """Clerks, heads and the people on duty, by office (each asked for is there). One statement."""
    found = {office_id: OfficePeople(office_id) for office_id in office_ids}
    with connection.cursor() as cursor:
        cursor.execute(_OFFICE, {"offices": list(found), "at": at, "day": duty_day(at)})
        for office_id, role, user_id in cursor.fetchall():
            getattr(found[office_id], _LISTS[role]).append(user_id)
    return found


def holders_of(roles: Collection[str], at: datetime) -> list[int]:
    """Users with an active account who hold one of these roles at a moment. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT DISTINCT p.user_id FROM {_POSTED}
                 WHERE p.role = ANY(%(roles)s) AND {_RUNS} ORDER BY 1""",  # noqa: S608
            {"at": at, "roles": [str(role) for role in roles]},
        )
        return [row[0] for row in cursor.fetchall()]


def bureau_ids(at: datetime) -> list[int]:
    """Users who hold the bureau's posting (市场监管局) at a moment. One statement."""
    return holders_of([Role.BUREAU], at)


def headless_offices(at: datetime) -> list[int]:
    """Offices that have no head, nor who stands in: what waits for one goes to the bureau. Two statements."""
    people = office_people(list(Office.objects.order_by("pk").values_list("pk", flat=True)), at)
    return [number for number, one in people.items() if not one.head_ids]


def watcher_ids(at: datetime) -> list[int]:
    """Who is told when the machinery is unwell: bureau, auditor, system administrator. One statement."""
    return holders_of([Role.BUREAU, Role.AUDITOR, Role.SYSTEM_ADMIN], at)
