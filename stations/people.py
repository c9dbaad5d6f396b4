"""Who is told of a dispute: its handlers, and who answers for them. Set-based (DESIGN.md §9).

Whoever holds the seat, and while he is away who stands in for him. Nothing waits for a person who is not
there: without a mediator the community's head is told, without a clerk the office's head, without either the
consumers' section, without that the bureau.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection

from grids.roles import Section
from grids.staffing import bureau_ids, office_people
from leads.tip_offs import section_people
from stations.models import Dispute
from stations.states import Tier

AT_STATIONS = """
SELECT s.id, t.person, p.role FROM stations_station s
  JOIN grids_posting p
    ON (p.role = 'STATION_MEDIATOR' AND p.station_code = s.code)
    OR (p.role = 'COMMUNITY_HEAD' AND p.community_id = s.community_id)
  LEFT JOIN grids_absence a ON a.user_id = p.user_id AND a.starts_at <= %(at)s AND a.ends_at > %(at)s
 CROSS JOIN LATERAL (VALUES
       (p.user_id), (CASE WHEN a.id IS NOT NULL THEN COALESCE(a.stand_in_id, p.backup_id) END)) t(person)
  JOIN accounts_user u ON u.id = t.person AND u.is_active
 WHERE s.id = ANY(%(stations)s) AND p.starts_at <= %(at)s AND (p.ends_at IS NULL OR p.ends_at > %(at)s)
 ORDER BY 1, 2
"""


def of_stations(
    station_ids: Collection[int], at: datetime
) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """Mediators, and heads of the community, by station. One statement."""
    mediators: dict[int, set[int]] = {}
    heads: dict[int, set[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(AT_STATIONS, {"stations": sorted(set(station_ids)), "at": at})
        for station_id, person, role in cursor.fetchall():
            found = mediators if role == "STATION_MEDIATOR" else heads
            found.setdefault(station_id, set()).add(person)
    return mediators, heads


def above(at: datetime) -> set[int]:
    """The consumers' section, else the bureau."""
    return set(section_people(Section.CONSUMER, at)) or set(bureau_ids(at))


def handlers(disputes: Sequence[Dispute], at: datetime) -> dict[int, set[int]]:
    """Who handles each dispute on its present tier. Three or four statements, whatever their number."""
    mediators, heads = of_stations([one.station_id for one in disputes], at)
    offices = office_people({one.office_id for one in disputes if one.office_id is not None}, at)
    found: dict[int, set[int]] = {}
    for one in disputes:
        if one.tier != Tier.OFFICIAL:
            found[one.pk] = mediators.get(one.station_id) or heads.get(one.station_id, set())
        elif one.office_id is not None:
            office = offices[one.office_id]
            found[one.pk] = set(office.clerk_ids or office.head_ids)
        else:
            found[one.pk] = set()
    if not all(found.values()):
        rest = above(at)
        found = {number: people or rest for number, people in found.items()}
    return found


def answering(disputes: Sequence[Dispute], at: datetime) -> dict[int, set[int]]:
    """Who answers for what runs late: the community's head, the office's head, the consumers' section."""
    _, heads = of_stations([one.station_id for one in disputes], at)
    offices = office_people({one.office_id for one in disputes if one.office_id is not None}, at)
    section = above(at)
    return {
        one.pk: heads.get(one.station_id, set())
        | (set() if one.office_id is None else set(offices[one.office_id].head_ids))
        | section
        for one in disputes
    }
