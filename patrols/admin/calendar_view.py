"""The plan as people look at it: a month of a grid, a day in walking order, a week of checks, what was done.

Reads only. How much was done is told of grids, never of persons (DOMAIN.md §7).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from grids.models import Grid
from grids.sketch import Sketch, sketch
from kernel import clock
from patrols import completion, demand
from patrols.kinds import Cause, TaskKind, TaskState
from patrols.models import PatrolTask
from patrols.periods import Period, month_of, week_of

if TYPE_CHECKING:
    from patrols.admin.planned import PatrolTaskAdmin

EARLIEST, LATEST = date(2020, 1, 1), date(2099, 12, 31)
STOP_TONES = {TaskState.DONE: "done", TaskState.MISSED: "missed"}
STATE_TONES = {"DONE": "success", "MISSED": "danger", "ASKS": "warning", "PLANNED": "info"}


@dataclass
class Line:
    """Tasks of one kind on one day."""

    kind: str
    done: int = 0
    missed: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """One field of the calendar."""

    on: date
    inside: bool
    today: bool
    lines: list[Line]
    address: str


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop on the map: its number, where it is drawn, and how it went."""

    number: int
    x: float
    y: float
    tone: str
    name: str


@dataclass
class Walk:
    """One person's way through a day."""

    who: str
    tasks: list[tuple[int, PatrolTask, str]]
    """With its number on the way and the tone of its state."""
    drawn: Sketch | None = None
    stops: list[Stop] = field(default_factory=list)

    @property
    def line(self) -> str:
        return " ".join(f"{stop.x},{stop.y}" for stop in self.stops)


def day_in(request: HttpRequest, name: str, otherwise: date) -> date:
    """The day that the address names (a month as YYYY-MM is its first); else `otherwise`."""
    said = request.GET.get(name, "")
    try:
        found = date.fromisoformat(said if len(said) > len("2026-01") else f"{said}-01")
    except ValueError:
        return otherwise
    return found if EARLIEST <= found <= LATEST else otherwise


def chosen(request: HttpRequest, grids: Sequence[Grid]) -> Grid | None:
    """The grid that the address names, among those within reach; else the first."""
    said = request.GET.get("grid", "")
    return next((grid for grid in grids if grid.code == said), grids[0] if grids else None)


def within_reach(request: HttpRequest) -> list[Grid]:
    user: Any = request.user
    return list(Grid.objects.served_by(user).filter(is_active=True).order_by("code"))


def link(page: str, **query: Any) -> str:
    told = "&".join(f"{name}={value}" for name, value in query.items())
    return f"{reverse(f'admin:patrols_patroltask_{page}')}?{told}"


def page_of(request: HttpRequest, tab: str) -> tuple[list[Grid], Grid | None, dict[str, Any]]:
    grids = within_reach(request)
    grid = chosen(request, grids)
    code = grid.code if grid else ""
    tabs = [
        (title, link(name, grid=code), name == tab)
        for name, title in (
            ("calendar", "月历"), ("day", "当日路线"), ("week", "每周检查"), ("completion", "完成情况"),
            ("reviews", "季度评"),
        )
    ]  # fmt: skip
    return grids, grid, {"grids": grids, "grid": grid, "tabs": tabs, "tab": tab}


# --- a month ---------------------------------------------------------------------------------------


def month(admin: PatrolTaskAdmin, request: HttpRequest) -> HttpResponse:
    """A grid's month: for each day how many tasks of each kind, done, missed, to do. One statement more."""
    _, grid, shown = page_of(request, "calendar")
    today = clock.today()
    period = month_of(day_in(request, "month", today))
    if grid is not None:
        weeks = calendar(request, grid, period, today)
        before, after = period.first - timedelta(days=1), period.last + timedelta(days=1)
        shown |= {
            "weeks": weeks, "period": period,
            "before": link("calendar", grid=grid.code, month=f"{before:%Y-%m}"),
            "after": link("calendar", grid=grid.code, month=f"{after:%Y-%m}"),
        }  # fmt: skip
    return admin.render(request, "patrols/calendar.html", shown, title="巡查日历")


def calendar(request: HttpRequest, grid: Grid, period: Period, today: date) -> list[list[Day]]:
    """Weeks from Monday to Sunday that cover the month."""
    first, last = week_of(period.first).first, week_of(period.last).last
    tasks = PatrolTask.objects.visible_to(request.user).filter(grid=grid, planned_on__range=(first, last))
    counted = tasks.exclude(state=TaskState.CANCELLED).order_by().values_list("planned_on", "kind", "state")
    days: dict[date, dict[str, Line]] = defaultdict(dict)
    for on, kind, state, many in counted.annotate(many=Count("pk")):
        line = days[on].setdefault(kind, Line(str(TaskKind(kind).label)))
        name = STOP_TONES.get(TaskState(state), "open")
        setattr(line, name, getattr(line, name) + many)
    found = []
    for start in range(0, (last - first).days + 1, 7):
        week = []
        for step in range(7):
            on = first + timedelta(days=start + step)
            lines = [days[on][kind] for kind in TaskKind.values if kind in days[on]] if on in days else []
            address = link("day", grid=grid.code, on=on) if lines else ""
            week.append(Day(on, on in period, on == today, lines, address))
        found.append(week)
    return found


# --- a day -----------------------------------------------------------------------------------------


def day(admin: PatrolTaskAdmin, request: HttpRequest) -> HttpResponse:
    """A grid's day: each person's tasks in walking order, and the way on a drawing of the grid."""
    _, grid, shown = page_of(request, "day")
    on = day_in(request, "on", clock.today())
    if grid is not None:
        one = timedelta(days=1)
        shown |= {
            "on": on,
            "walks": walks(request, grid, on),
            "reviews": _of_day(request, grid, on).filter(kind=TaskKind.QUARTERLY_REVIEW).count(),
            "before": link("day", grid=grid.code, on=on - one),
            "after": link("day", grid=grid.code, on=on + one),
            "month": link("calendar", grid=grid.code, month=f"{on:%Y-%m}"),
        }
    return admin.render(request, "patrols/day.html", shown, title=f"巡查路线 {on}")


def walks(request: HttpRequest, grid: Grid, on: date) -> list[Walk]:
    """What somebody goes out for, without the reviews by list. One statement."""
    rows = _of_day(request, grid, on).exclude(kind=TaskKind.QUARTERLY_REVIEW)
    ordered = rows.select_related("entity", "assignee").order_by("assignee_id", "sequence", "id")
    found, plan = [], sketch([grid])
    for _, group in groupby(ordered, key=lambda task: task.assignee_id):
        mine = list(group)
        person = mine[0].assignee
        tasks = [(number, task, STATE_TONES[task.state]) for number, task in enumerate(mine, 1)]
        walk = Walk(person.name if person else "无人承办", tasks)
        draw(walk, plan)
        found.append(walk)
    return found


def _of_day(request: HttpRequest, grid: Grid, on: date) -> QuerySet[PatrolTask]:
    tasks = PatrolTask.objects.visible_to(request.user).filter(grid=grid, planned_on=on)
    return tasks.exclude(state=TaskState.CANCELLED)


def draw(walk: Walk, plan: Sketch | None) -> None:
    """The stops that have a place, numbered in walking order, on the grid's outline."""
    if plan is None:
        return
    walk.drawn = plan
    for number, task, _ in walk.tasks:
        lon, lat = task.entity.lon, task.entity.lat
        if lon is not None and lat is not None:
            tone = STOP_TONES.get(TaskState(task.state), "stop")
            walk.stops.append(Stop(number, plan.x(lon), plan.y(lat), tone, task.entity.name))


# --- a week of checks ------------------------------------------------------------------------------


def week(admin: PatrolTaskAdmin, request: HttpRequest) -> HttpResponse:
    """每周查 of one week in every grid within reach. One statement more."""
    _, grid, shown = page_of(request, "week")
    period = week_of(day_in(request, "week", clock.today()))
    rows = PatrolTask.objects.visible_to(request.user).filter(kind=TaskKind.WEEKLY_CHECK, period=period.first)
    named = rows.exclude(state=TaskState.CANCELLED).select_related("entity", "grid", "assignee")
    ordered = named.order_by("grid__code", "planned_on", "sequence", "id")
    groups = [
        (place, [(task, STATE_TONES[task.state]) for task in tasks])
        for place, tasks in groupby(ordered, key=lambda task: task.grid)
    ]
    code, one = (grid.code if grid else ""), timedelta(days=7)
    shown |= {
        "period": period,
        "groups": groups,
        "before": link("week", grid=code, week=period.first - one),
        "after": link("week", grid=code, week=period.first + one),
    }
    return admin.render(request, "patrols/week.html", shown, title="每周检查")


# --- what was done ---------------------------------------------------------------------------------


def done(admin: PatrolTaskAdmin, request: HttpRequest) -> HttpResponse:
    """Completion of a month by grid and kind, key supervisions, and how the register is called on."""
    _, grid, shown = page_of(request, "completion")
    today = clock.today()
    period = month_of(day_in(request, "month", today))
    user: Any = request.user
    ids = completion.grids_of(user)
    rows = completion.by_grid(period.first, period.last, today=today, grid_ids=ids)
    before, after = period.first - timedelta(days=1), period.last + timedelta(days=1)
    code = grid.code if grid else ""
    shown |= {
        "period": period,
        "totals": [_rate(row) for row in completion.by_kind(rows)],
        "rows": [_rate(row) for row in rows],
        "key_supervisions": completion.key_supervisions(period.first, period.last, grid_ids=ids),
        "frequency": [
            (one.grade or "未评级", Cause(one.cause).label, _kinds(one), one.entities)
            for one in demand.frequency(ids)
        ],
        "before": link("completion", grid=code, month=f"{before:%Y-%m}"),
        "after": link("completion", grid=code, month=f"{after:%Y-%m}"),
    }
    return admin.render(request, "patrols/completion.html", shown, title="完成情况")


def _kinds(row: demand.Frequency) -> str:
    return "、".join(str(kind.label) for kind in demand.kinds_of(row.rhythm, row.grade))


def _rate(row: completion.Completed) -> dict[str, Any]:
    rate = row.rate
    return {
        "row": row,
        "kind": TaskKind(row.kind).label,
        "rate": rate,
        "percent": "—" if rate is None else f"{rate * 100:.1f}%",
    }
