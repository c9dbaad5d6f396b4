"""The plan: each business, by its grade and cause, gets its tasks of the periods ahead (DESIGN.md §8).

`plan` makes the whole plan of a day (each night), `replan` sets right what is ahead of some businesses when
their grade, grid or status changes, in the transaction of the change; `reassign` finds other people for the
tasks of those who are no longer there. All three are one set-based walk with a fixed number of statements,
made one at a time (an advisory lock until commit), so that what one has read nobody changes meanwhile.

A task is unique per business, kind and period: made twice, nothing happens; called off and wanted again,
the row comes back. What is done or missed stays as it is: history is not replanned. Tasks that nobody is
there for are made all the same, without a person, shown, and told.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from functools import partial

from django.db import connection, transaction

from credit.grade_changes import CauseMove, GradeMove
from kernel import clock, journal
from kernel.deadlines.arrays import literal
from kernel.deadlines.contention import retried
from patrols import load, over_cap, plan_notices
from patrols.models import PlanRun
from patrols.periods import begins
from patrols.plan_walk import NONE, Made, PlanWalk

MANY = 500
"""Moves of one batch that is part of a run over the register: each batch would number the same days anew."""

_CHANGED = """
SELECT e.id FROM grids_businessentity e LEFT JOIN grids_grid g ON g.id = e.grid_id
 WHERE e.id = ANY(%(ids)s::bigint[])
   AND CASE WHEN EXISTS (SELECT FROM patrols_patroltask t
                          WHERE t.entity_id = e.id AND t.state IN ('PLANNED', 'ASKS'))
            THEN e.status <> 'ACTIVE' OR g.is_active IS NOT TRUE OR EXISTS (
                 SELECT FROM patrols_patroltask t WHERE t.entity_id = e.id
                    AND t.state IN ('PLANNED', 'ASKS') AND t.grid_id <> e.grid_id)
            ELSE e.status = 'ACTIVE' AND g.is_active AND e.credit_grade IN ('C', 'D') END
"""
_WITHOUT_GRID = """
SELECT count(*) FROM grids_businessentity e LEFT JOIN grids_grid g ON g.id = e.grid_id
 WHERE e.status = 'ACTIVE' AND g.is_active IS NOT TRUE
"""


def plan(for_date: date) -> PlanRun:
    """Make the plan of the periods that hold a day, for the whole register; what that did.

    Safe to repeat: what is there stays, what lacks is made, and the row of the day is brought up to date.
    Where somebody would have more to do than the policy allows, the plan is made whole, marked, and the
    bureau asked for its consent; who has nobody for their tasks is told.

    Raises:
        ValueError: a day gone by: history is not planned.
        Busy: locks could not be had in time, twice.
    """
    return retried(partial(_plan, for_date))


@transaction.atomic
def _plan(on: date) -> PlanRun:
    at = clock.now()
    today = clock.local_date(at)
    if on < today:
        raise ValueError(f"{on} is over and is not planned any more")
    over_cap.lock_asked()
    walk = PlanWalk(on, at, None, carry_over=on == today)
    done = walk.run(None)
    run, _ = PlanRun.objects.get_or_create(for_date=on, defaults={"at": at})
    for kind, many in done.made.items():
        run.counts[kind] = run.counts.get(kind, 0) + many
    run.counts |= {
        "cancelled": run.counts.get("cancelled", 0) + done.cancelled,
        "asked": run.counts.get("asked", 0) + done.asked,
        "without_grid": _without_grid(),
        "without_person": plan_notices.tell_unassigned(on, at),
    }
    run.load = load.of_plan(on, walk)
    run.needs_consent = load.asks_for_consent(run, walk.policy)
    run.save()
    note = {"for_date": on.isoformat(), "counts": run.counts, "needs_consent": run.needs_consent}
    journal.append(stream=f"plan_run:{run.pk}", kind="plan.made", by=None, at=at, data=note)
    if run.needs_consent and run.consented_at is None:
        plan_notices.ask_consent(run, walk.policy, at)
    return run


def _without_grid() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_WITHOUT_GRID)
        return int(cursor.fetchone()[0])


@transaction.atomic
def replan(entity_ids: Sequence[int], at: datetime, *, in_order: bool = True) -> Made:
    """Set right what is ahead of these businesses: called off what no longer fits, made what lacks.

    A fall to C or D gives today's patrol and this week's check at once – on a day of rest, and once the day's
    work is over (17:30), the next working day's: nobody is late for what he could not do.
    Runs in the transaction of the change, which has locked what comes before the plan
    (`plan_walk.hold_the_plan`). `in_order` False: the days touched get their walking order
    within a minute (`sequences.settle`), once for all the batches that touch them.
    """
    if not entity_ids:
        return Made()
    ids = literal(sorted(set(entity_ids)))
    return PlanWalk(clock.local_date(at), at, ids, in_order=in_order, begins=begins(at)).run(())


@transaction.atomic
def reassign(grid_ids: Collection[int], at: datetime) -> Made:
    """Give what is ahead in these grids, and has nobody who will be there, to those who will."""
    if not grid_ids:
        return Made()
    return PlanWalk(clock.local_date(at), at, NONE).run(grid_ids)


# --- what calls for a replanning -------------------------------------------------------------------


def on_grade_change(moves: Sequence[GradeMove], at: datetime) -> None:
    """Handler of `credit.grade_changes`. A first grading to A or B, or a move between the two, changes
    nothing that the coming night would not see. Of many at once the walking order follows."""
    changed = [one.entity_id for one in moves if max(one.before, one.after) >= "C"]
    replan(changed, at, in_order=len(moves) < MANY)


def on_cause_change(moves: Sequence[CauseMove], at: datetime) -> None:
    """Handler of `credit.grade_changes`: C is called on by its cause, the other grades whatever it is."""
    replan([one.entity_id for one in moves if one.grade == "C"], at, in_order=len(moves) < MANY)


def on_register_change(entity_ids: Sequence[int], at: datetime) -> None:
    """Handler of `grids.register_changes`: those whose tasks no longer fit where they stand, or whether they
    trade. A new business gets its tasks in the coming night. One statement where nothing follows."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, {"ids": literal(entity_ids)})
        changed = [row[0] for row in cursor.fetchall()]
    replan(changed, at)
