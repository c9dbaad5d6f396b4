"""The nightly SLA report: exactly once a date, however often and by however many it is asked for.

What is due is computed from what is there, never from a firing of the schedule: every day from the
first that has leads up to yesterday (from 00:10 on) without a finished run, oldest first, each in a
transaction of its own. An advisory lock lets one work at a time; `ReportRun` is unique by kind and
date, so even without the lock nothing could be made twice (DESIGN.md §10).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import structlog
from django.db import connection, transaction

from grids.models import Community, Grid, Office
from kernel import clock, journal
from kernel.journal import seal as sealing
from kernel.journal.models import Seal
from reports import kpi, nightly_sql, policy, rollup
from reports.models import DailyGridStat, Level, ReportRun, SlaLine, SlaReport, Span

log = structlog.get_logger(__name__)

AT_ONCE = 31
"""So many days are made in one call; the rest by the next (a task has 4 minutes)."""
LOCK = "SELECT pg_advisory_xact_lock(hashtext('reports.sla'))"
NO_GRID = "未匹配网格"


def due_days(at: datetime, *, upto: date | None = None, most: int = AT_ONCE) -> list[date]:
    """The days whose report is due and missing, oldest first. One statement."""
    last = min(policy.latest_due(at), upto or date.max)
    with connection.cursor() as cursor:
        cursor.execute(nightly_sql.DUE, {"last": last, "most": most})
        return [row[0] for row in cursor.fetchall()]


def make_up(*, upto: date | None = None, by: Any = None, most: int = AT_ONCE) -> list[date]:
    """Make every report that is due and missing (`upto` that date), at most `most`; says which.

    The journal is sealed first, and each report prints that seal. Must not run inside a transaction
    (the seal waits for open writers); may run any number of times at once.
    """
    if not due_days(clock.now(), upto=upto, most=1):
        return []
    sealing.seal()
    made: list[date] = []
    while len(made) < most:
        day = _make_next(upto, by)
        if day is None:
            break
        made.append(day)
    return made


def _make_next(upto: date | None, by: Any) -> date | None:
    """The oldest missing report, in one transaction; None where nothing is due any more."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(LOCK)
        at = clock.now()
        due = due_days(at, upto=upto, most=1)
        if not due:
            return None
        report = _make(due[0], at, by)
    log.info("sla_report_made", date=str(report.date))
    return report.date


def _make(day: date, at: datetime, by: Any) -> SlaReport:
    as_of = policy.day_ends(day)
    run = ReportRun.objects.create(kind=ReportRun.Kind.SLA, date=day, finished_at=at)
    seal = Seal.objects.order_by("-id").first()
    report = SlaReport.objects.create(run=run, date=day, as_of=as_of, made_at=at, seal=seal)
    rollup.rebuild(rollup.moved_days(day), as_of=as_of)
    standing = _keep_standing(report)
    SlaLine.objects.bulk_create(_lines(report, standing))
    journal.append(
        stream=f"sla_report:{report.pk}",
        kind="report.made",
        by=by,
        at=at,
        data={"date": day.isoformat(), "as_of": as_of.isoformat(), "seal": seal.hash if seal else None},
    )
    return report


# --- what stands at 24:00 ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """Leads open and leads overdue at 24:00, by grid (None: without a grid)."""

    pending: Mapping[int | None, int]
    overdue: Mapping[int | None, int]


def _keep_standing(report: SlaReport) -> Standing:
    """Write the overdue limits and the orders; count leads by grid. Three statements."""
    params: dict[str, int | datetime] = {
        "report": report.pk,
        "as_of": report.as_of,
        "from_at": policy.day_starts(report.date),
    }
    late: dict[int | None, set[int]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(nightly_sql.OVERDUE, params)
        for lead_id, grid_id in cursor.fetchall():
            late[grid_id].add(lead_id)
        cursor.execute(nightly_sql.ORDERS, params)
        cursor.execute(nightly_sql.PENDING, params)
        pending = dict(cursor.fetchall())
    return Standing(pending, {grid_id: len(leads) for grid_id, leads in late.items()})


# --- lines --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """One line to be: where, and whose grids it adds up."""

    level: Level
    grid_ids: frozenset[int | None]
    code: str
    name: str
    grid: Grid | None = None
    office: Office | None = None
    community: Community | None = None


def _places() -> Iterable[Place]:
    grids = list(Grid.objects.order_by("code"))
    everywhere: frozenset[int | None] = frozenset({None, *(grid.pk for grid in grids)})
    yield Place(Level.BUREAU, everywhere, "", "全局")
    for office in Office.objects.order_by("code"):
        ids = frozenset(grid.pk for grid in grids if grid.office_id == office.pk)
        yield Place(Level.OFFICE, ids, office.code, office.name, office=office)
    held: dict[int, set[int]] = defaultdict(set)
    for community_id, grid_id in Grid.communities.through.objects.values_list("community_id", "grid_id"):
        held[community_id].add(grid_id)
    for community in Community.objects.order_by("code"):
        if community.pk in held:
            ids = frozenset(held[community.pk])
            yield Place(Level.COMMUNITY, ids, community.code, community.name, community=community)
    for grid in grids:
        yield Place(Level.GRID, frozenset({grid.pk}), grid.code, grid.name, grid=grid)
    yield Place(Level.GRID, frozenset({None}), "", NO_GRID)


def _lines(report: SlaReport, standing: Standing) -> list[SlaLine]:
    """Every place twice: the day, and the seven days that end with it."""
    first, last = policy.recent(report.date)
    stats = list(DailyGridStat.objects.filter(day__range=(first, last)).values("day", "grid_id", *kpi.COUNTS))
    by_grid: dict[int | None, list[dict[str, Any]]] = defaultdict(list)
    for row in stats:
        by_grid[row["grid_id"]].append(row)
    places = list(_places())
    lines = []
    for span in Span:
        for place in places:
            rows = [row for grid_id in place.grid_ids for row in by_grid[grid_id]]
            counts = kpi.total(row for row in rows if span is Span.RECENT or row["day"] == last)
            lines.append(
                SlaLine(
                    report=report,
                    span=span,
                    level=place.level,
                    grid=place.grid,
                    office=place.office,
                    community=place.community,
                    code=place.code,
                    name=place.name,
                    pending=sum(standing.pending.get(grid_id, 0) for grid_id in place.grid_ids),
                    overdue=sum(standing.overdue.get(grid_id, 0) for grid_id in place.grid_ids),
                    **counts,
                    **kpi.rates(counts),
                )
            )
    return lines
