"""Whose desk: the stations that a person works at, or looks after. Sets, no query in a loop."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from grids.access import Scope
from grids.models import Grid
from grids.roles import Role, Section
from stations.models import Station

READERS_NOT = frozenset(
    {
        Role.SYSTEM_ADMIN.value,
        Role.IDENTITY_KEEPER.value,
        Role.GRID_WORKER.value,
        Role.DEPARTMENT_LIAISON.value,
    }
)
"""Who sees no disputes: consumers are neighbours of the grid workers (人熟)."""


def looks_after_all(scope: Scope) -> bool:
    """The bureau, its leaders, the auditor, the consumers' section."""
    return scope.sees_all or Section.CONSUMER in scope.sections


def keeps_stations(scope: Scope) -> bool:
    """Who enters hours, telephone and place of stations: the bureau and its consumers' section."""
    return not scope.is_auditor and (scope.has(Role.BUREAU) or Section.CONSUMER in scope.sections)


def mediates_at(scope: Scope) -> frozenset[str]:
    """Codes of the stations whose mediator he is, or stands in for."""
    return frozenset(
        s.station_code for s in scope.seats if s.role == Role.STATION_MEDIATOR and s.station_code
    )


def stations(scope: Scope) -> QuerySet[Station]:
    """The stations in use that he works at or looks after, the own ones first. One statement."""
    rows = Station.objects.filter(is_active=True)
    if not looks_after_all(scope):
        led = Grid.objects.filter(office_id__in=scope.office_ids, is_active=True).values("lead_community_id")
        rows = rows.filter(
            Q(code__in=mediates_at(scope))
            | Q(community_id__in=scope.community_ids)
            | Q(community__subdistrict_id__in=scope.subdistrict_ids)
            | Q(grid__office_id__in=scope.office_ids)
            | Q(grid__isnull=True, community_id__in=led)
        )
    return rows.select_related("community").order_by("code")


def own_first(scope: Scope) -> list[Station]:
    """The same as a list: where he mediates himself before all others."""
    own = mediates_at(scope)
    return sorted(stations(scope), key=lambda one: (one.code not in own, one.code))
