"""One planning from end to end: read, set right, place, make, ask, order (see `patrols.planning`).

Plain values are read once, decided on in Python (who, which day, in what order) and written back set-based: a
fixed number of statements, whatever the number of businesses.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection

from kernel.deadlines import clocks
from kernel.deadlines.arrays import literal
from kernel.deadlines.policy import WorkingCalendar
from patrols import demand, over_cap, plan_sql, policies, rosters, sequences
from patrols.kinds import DOER, TaskKind, TaskState
from patrols.models import PatrolPolicy
from patrols.periods import Ahead, ahead
from patrols.placing import Load, Slot, deal
from patrols.sequences import Walk, walk_of
from patrols.walking import Stop

NONE = literal(())
Group = tuple[int, str, int | None, tuple[date, ...]]
"""Visits to be placed again together: grid, kind, for whom alone (None: whoever is there), on which days."""
VISITS = (TaskKind.DAILY_PATROL, TaskKind.MONTHLY_PATROL, TaskKind.WEEKLY_CHECK)


def hold_the_plan() -> None:
    """Have the plan alone until commit: what one planning reads, no other changes meanwhile.

    Its place in the order of locks (DESIGN.md §4) – every step by id, and nobody who holds a later one waits
    for an earlier one:

    1. the live clocks of what is asked about businesses and about their checks (`approvals.lock_live`, for
       who grades `approvals.lock_hanging_on`; `over_cap.lock_asked` for the plan of all),
    2. the businesses (who plans needs none of them),
    3. the plan,
    4. the tasks that are called off, moved or done; those that only get another day, person or place in the
       walk are left out where somebody is at them.

    Who has the plan locks no further business. A question that was put after the clocks were locked is not
    waited for (`over_cap.hold_asked`).
    """
    with connection.cursor() as cursor:
        cursor.execute(plan_sql.LOCK)


@dataclass
class Made:
    """What one walk did. `made` by kind."""

    made: Counter[str] = field(default_factory=Counter)
    cancelled: int = 0
    moved: int = 0
    asked: int = 0


class Standing(NamedTuple):
    """Visits in the plan already, still to be done (or done today): all that stand alike, and how many."""

    grid_id: int
    kind: str
    planned_on: date
    period_end: date
    assignee_id: int | None
    state: str
    tasks: int

    @property
    def slot(self) -> Slot:
        return Slot(self.assignee_id, self.planned_on)


class Lacking(NamedTuple):
    """A task that a business calls for and does not have."""

    entity_id: int
    grid_id: int
    lon: float | None
    lat: float | None
    address: str
    grade: str
    cause: str
    kind: str

    @property
    def stop(self) -> Stop:
        return Stop(self.entity_id, self.lon, self.lat, self.address)


class PlanWalk:
    """One planning as of `at` of what lies ahead of the day `on`; the caller holds the transaction.

    `ids`: the array of the businesses to set right, as text (None: all; `NONE`: none, only people); the
    caller has locked the clocks of what is asked about their checks, then them (see `hold_the_plan`).
    `carry_over`: visits that were planned for a day gone by and may still be made are spread anew.
    `in_order`: number the days that this touches; else what is new waits for `sequences.settle`.
    `begins`: the first day that something new may be planned for (None: `on`).
    """

    def __init__(
        self,
        on: date,
        at: datetime,
        ids: str | None,
        *,
        carry_over: bool = False,
        in_order: bool = True,
        begins: date | None = None,
    ) -> None:
        self.on, self.at, self.ids, self.carry_over = on, at, ids, carry_over
        self.in_order = in_order
        self.policy: PatrolPolicy = policies.in_force(at)
        self.calendar: WorkingCalendar = clocks.calendar()
        self.ahead: dict[str, Ahead] = {
            kind: ahead(kind, begins or on, self.calendar, rest_days=self.policy.daily_on_rest_days)
            for kind in TaskKind.values
        }
        self.done = Made()
        self.loads: dict[str, Load] = {kind: Counter() for kind in VISITS}
        self.kinds: set[str] = set()
        self.walks: set[Walk] = set()
        self.entered: dict[int, int] = {}

    def run(self, grid_ids: Collection[int] | None) -> Made:
        """`grid_ids`: look at the people of these grids too (None: of all)."""
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL jit = off")
        hold_the_plan()
        lacking: list[Lacking] = []
        touched = set(grid_ids or ())
        if self.ids != NONE:
            touched |= self._set_right()
            lacking = self._lacking()
            touched |= {one.grid_id for one in lacking}
            self.kinds |= {one.kind for one in lacking}
        if grid_ids is not None and not touched:
            return self.done
        standing = self._standing(None if grid_ids is None else touched)
        self.grids = touched | {one.grid_id for one in standing}
        self.roster = rosters.read(self.grids, self.at)
        self._place_again(standing)
        self._reviewers()
        self._insert(lacking)
        if self.ids is None:
            self.walks |= sequences.unordered() | sequences.of_day(self.on)
        if self.in_order:
            sequences.write(self.walks)
        return self.done

    # --- reading -----------------------------------------------------------------------------------

    def _given(self, **more: Any) -> dict[str, Any]:
        return {"on": self.on, "ids": self.ids, **more}

    def _set_right(self) -> set[int]:
        """Call off what no longer fits, move what lies in another grid now; the grids that this touched."""
        asking = set(over_cap.hold_asked(self.ids))
        self.wanted = demand.parameters()
        called_off: dict[int, str] = {}
        grids, moved = set(), 0
        with connection.cursor() as cursor:
            cursor.execute(plan_sql.SET_RIGHT, self._given(at=self.at, **self.wanted))
            for gone, task_id, grid_id, person, day, kind, why in cursor.fetchall():
                if gone:
                    called_off[task_id] = why
                    self._touch(kind, person, grid_id, day)
                else:
                    moved += 1
                    grids.add(grid_id)
                    self.kinds.add(kind)
        self.done.cancelled, self.done.moved = len(called_off), moved
        over_cap.withdraw({task_id: why for task_id, why in called_off.items() if task_id in asking}, self.at)
        return grids

    def _lacking(self) -> list[Lacking]:
        kinds = [
            {"kind": kind, "rhythm": rhythm, "period": self.ahead[kind].period.first.isoformat()}
            for rhythm, some in demand.RHYTHMS.items()
            for kind in some
        ]
        with connection.cursor() as cursor:
            cursor.execute(plan_sql.MISSING, self._given(kinds=json.dumps(kinds), **self.wanted))
            return [Lacking(*row) for row in cursor.fetchall()]

    def _standing(self, grid_ids: Collection[int] | None) -> list[Standing]:
        """What stands in these grids; beside some businesses only the kinds that they are given or take
        along: a fall need not read the month's patrols of the whole grid."""
        grids = None if grid_ids is None else literal(sorted(grid_ids))
        kinds = None if self.ids in (None, NONE) else sorted(self.kinds)
        with connection.cursor() as cursor:
            cursor.execute(plan_sql.STANDING, self._given(grids=grids, kinds=kinds))
            return [Standing(*row) for row in cursor.fetchall()]

    def _stops(self, adrift: Sequence[Standing]) -> list[list[Stop]]:
        """Where the visits of each of these lie. One statement, or none for nobody."""
        stops: list[list[Stop]] = [[] for _ in adrift]
        if adrift:
            groups = [{"place": place, **one._asdict()} for place, one in enumerate(adrift)]
            with connection.cursor() as cursor:
                cursor.execute(plan_sql.ADRIFT, {"groups": json.dumps(groups, default=str)})
                for place, *stop in cursor.fetchall():
                    stops[place].append(Stop(*stop))
        return stops

    # --- placing -----------------------------------------------------------------------------------

    def _place_again(self, standing: Sequence[Standing]) -> None:
        """Visits whose day is gone, and those that nobody will be there for; one statement writes them."""
        adrift: dict[Group, list[Standing]] = defaultdict(list)
        for some in standing:
            group = self._adrift(some)
            if group is None:
                self.loads[some.kind][some.slot] += some.tasks
            else:
                adrift[group].append(some)
        groups = sorted(adrift.items(), key=lambda one: str(one[0]))
        found = iter(self._stops([some for _, alike in groups for some in alike]))
        rows = []
        for (grid_id, kind, person, days), alike in groups:
            stood = {stop.key: (stop, some.slot) for some in alike for stop in next(found)}
            slots = self._slots(grid_id, kind, days, only=person)
            dealt = deal([stop for stop, _ in stood.values()], slots, self.loads[kind])
            for task_id, slot in dealt.items():
                before = stood[task_id][1]
                self._touch(kind, slot.person, grid_id, slot.day)
                if slot != before:
                    rows.append(
                        {"id": task_id, "planned_on": slot.day.isoformat(), "assignee_id": slot.person}
                    )
                    self._touch(kind, before.person, grid_id, before.day)
        if rows:
            with connection.cursor() as cursor:
                cursor.execute(plan_sql.PLACE, {"rows": json.dumps(rows)})

    def _adrift(self, task: Standing) -> Group | None:
        """How visits are to be placed again; None: they stand where they should."""
        if task.state == TaskState.DONE:
            return None
        here = (task.grid_id, task.kind)
        if task.planned_on < self.on:
            if not self.carry_over or task.state == TaskState.ASKS:
                return None
            days = [day for day in self.ahead[task.kind].days if day <= task.period_end]
            return (*here, task.assignee_id, tuple(days)) if days else None
        there = self.roster.present(task.grid_id, DOER[task.kind], task.planned_on)
        if task.assignee_id in there or (not there and task.assignee_id is None):
            return None
        return (*here, None, (task.planned_on,))

    def _slots(self, grid_id: int, kind: str, days: Iterable[date], only: int | None = None) -> list[Slot]:
        """Who may be there on which of these days; `only` this person, if he is there at all."""
        days = tuple(days)
        slots = [
            Slot(person, day) for day in days for person in self.roster.present(grid_id, DOER[kind], day)
        ]
        return [slot for slot in slots if slot.person == only] or slots or [Slot(None, day) for day in days]

    def _reviewers(self) -> None:
        """季度评 is no visit: all of a grid's stand with whoever is its commissioner now."""
        if self.ids not in (None, NONE) and not self.done.moved:
            return
        rows = [
            {"grid_id": grid_id, "assignee_id": self._reviewer(grid_id)} for grid_id in sorted(self.grids)
        ]
        with connection.cursor() as cursor:
            cursor.execute(plan_sql.REVIEWERS, {"rows": json.dumps(rows), "on": self.on})

    def _reviewer(self, grid_id: int) -> int | None:
        there = self.roster.present(grid_id, DOER[TaskKind.QUARTERLY_REVIEW], self.on)
        return there[0] if there else None

    def _touch(self, kind: str, person: int | None, grid_id: int, day: date) -> None:
        if kind != TaskKind.QUARTERLY_REVIEW:
            self.walks.add(walk_of(person, grid_id, day))

    # --- making ------------------------------------------------------------------------------------

    def _insert(self, lacking: Sequence[Lacking]) -> None:
        if not lacking:
            return
        groups: dict[tuple[int, str], list[Lacking]] = defaultdict(list)
        for one in lacking:
            groups[one.grid_id, one.kind].append(one)
        self._count_inspections([one.entity_id for one in lacking if one.kind == TaskKind.WEEKLY_CHECK])
        rows = []
        for (grid_id, kind), some in sorted(groups.items()):
            rows += self._rows(grid_id, kind, some)
        with connection.cursor() as cursor:
            cursor.execute(plan_sql.INSERT, {"rows": json.dumps(rows), "at": self.at})
            written = cursor.fetchall()
        self.done.made += Counter(row["kind"] for row in rows)
        asks = {task_id: entity_id for task_id, entity_id, state in written if state == TaskState.ASKS}
        self.done.asked = len(asks)
        if asks:
            over_cap.ask(asks, self.entered, self.policy.inspections_a_year, self.at)

    def _rows(self, grid_id: int, kind: str, lacking: Sequence[Lacking]) -> list[dict[str, Any]]:
        days = self.ahead[kind].days
        if kind == TaskKind.QUARTERLY_REVIEW:
            slot = Slot(self._reviewer(grid_id), days[0])
            return [self._row(one, slot) for one in lacking]
        dealt = deal([one.stop for one in lacking], self._slots(grid_id, kind, days), self.loads[kind])
        rows = []
        for one in lacking:
            row = self._row(one, dealt[one.entity_id])
            self._touch(kind, row["assignee_id"], grid_id, date.fromisoformat(row["planned_on"]))
            rows.append(row)
        return rows

    def _row(self, one: Lacking, slot: Slot) -> dict[str, Any]:
        period = self.ahead[one.kind].period
        row: dict[str, Any] = {
            "entity_id": one.entity_id, "kind": one.kind, "period": period.first.isoformat(),
            "period_end": period.last.isoformat(), "grid_id": one.grid_id,
            "planned_on": slot.day.isoformat(), "assignee_id": slot.person, "grade": one.grade,
            "cause": one.cause, "without_entering": False, "state": TaskState.PLANNED.value, "why": "",
        }  # fmt: skip
        return row | self._at_cap(one, slot)

    # --- the yearly cap ----------------------------------------------------------------------------

    def _count_inspections(self, entity_ids: Sequence[int]) -> None:
        if not entity_ids:
            return
        self.year = self.ahead[TaskKind.WEEKLY_CHECK].days[0].year
        most = self.policy.inspections_a_year
        counted = over_cap.entered_this_year(entity_ids, self.year)
        self.entered = {number: times for number, times in counted.items() if times >= most}
        self.refused = over_cap.refused_this_year(self.entered, self.year) if self.entered else set()

    def _at_cap(self, one: Lacking, slot: Slot) -> dict[str, Any]:
        """At the cap: ask, and wait until the last day of the week; or made without entering at once."""
        if one.kind != TaskKind.WEEKLY_CHECK or one.entity_id not in self.entered:
            return {}
        days = [day for day in self.ahead[one.kind].days if day.year == self.year]
        if one.entity_id in self.refused or len(days) < over_cap.DAYS_TO_WAIT:
            return {"without_entering": True, "why": over_cap.WITHOUT_ENTERING}
        return {"state": TaskState.ASKS.value, "planned_on": days[-1].isoformat()}
