"""At the yearly cap of inspections the plan stops and asks (DOMAIN.md §3, 国办发〔2024〕54号).

每周查 and campaign inspections that entered the shop in the calendar year count. At the cap the week's check
waits (state ASKS) for the bureau: agreed → it is made as planned; refused or unanswered → it is made without
entering, from records or outside, and marked so. Once refused, the business's checks of that year are made so
without asking again; the same where the week has too few days left to wait for an answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import F, Q

from grids.access import Seat, scope_of
from grids.models import BusinessEntity
from grids.models.contacts import INSPECTIONS
from grids.roles import Role
from grids.staffing import bureau_ids
from kernel import approvals
from kernel.accounts.models import User
from kernel.approvals.deciding import Decision
from kernel.approvals.kinds import Kind
from kernel.approvals.models import Approval, State
from kernel.deadlines import handlers
from kernel.deadlines.arrays import literal
from kernel.deadlines.handlers import Fired
from kernel.deadlines.models import Deadline
from patrols import plan_sql
from patrols.kinds import TaskState
from patrols.models import PatrolTask

KIND = "patrol_over_cap"
SUBJECT = "patrol_task"
DAYS_TO_WAIT = 3
"""So many days to work on must be left, today among them: the answer is due at the end of the next one."""
WITHOUT_ENTERING = "已达年度检查上限，本次不入店，查阅记录或店外查看"

_REFUSED = """
SELECT DISTINCT t.entity_id FROM patrols_patroltask t
  JOIN approvals_approval a ON a.kind = %(kind)s AND a.subject_kind = %(subject)s AND a.subject_id = t.id
 WHERE t.entity_id = ANY(%(ids)s::bigint[]) AND t.kind = 'WEEKLY_CHECK' AND t.period >= %(first)s
   AND a.state = 'refused'
"""
_LOCK = """
SELECT t.id FROM patrols_patroltask t JOIN approvals_approval a
    ON a.subject_kind = %(subject)s AND a.subject_id = t.id
 WHERE a.id = ANY(%(approvals)s::bigint[]) ORDER BY t.id FOR NO KEY UPDATE OF t
"""


def entered_this_year(entity_ids: Collection[int], year: int) -> dict[int, int]:
    """How often each was entered for an inspection in a calendar year; who never was is left out."""
    given: dict[str, Any] = {
        "ids": literal(sorted(entity_ids)), "inspections": sorted(INSPECTIONS),
        "first": date(year, 1, 1), "last": date(year, 12, 31),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(plan_sql.ENTERED, given)
        return dict(cursor.fetchall())


def agreed(task_id: int) -> bool:
    """Has the bureau agreed that this check is made inside, beyond the cap? One statement."""
    rows = Approval.objects.filter(kind=KIND, subject_kind=SUBJECT, subject_id=task_id)
    return rows.filter(state=State.APPROVED).exists()


def refused_this_year(entity_ids: Collection[int], year: int) -> set[int]:
    """For whom the bureau has refused to go beyond the cap in a calendar year. One statement."""
    given: dict[str, Any] = {
        "ids": literal(sorted(entity_ids)), "kind": KIND, "subject": SUBJECT, "first": date(year, 1, 1),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_REFUSED, given)
        return {row[0] for row in cursor.fetchall()}


def ask(tasks: Mapping[int, int], entered: Mapping[int, int], most: int, at: datetime) -> None:
    """Ask the bureau about these tasks (`{task: business}`), just written in this transaction, set-based."""
    names = dict(BusinessEntity.objects.filter(pk__in=tasks.values()).values_list("pk", "name"))
    questions = [
        approvals.Question(
            KIND,
            SUBJECT,
            task_id,
            None,
            f"今年已入店检查{entered[entity_id]}次，达到每户每年{most}次的上限。本周每周查是否仍入店检查？",
            {"entity": entity_id, "entered": entered[entity_id], "most": most},
            f"{names[entity_id]} 每周查",
        )
        for task_id, entity_id in tasks.items()
    ]
    approvals.ask_many(questions, at=at)


def asked_about(entity_ids: Sequence[int]) -> list[int]:
    """The tasks of these businesses about which the bureau is being asked. One statement."""
    return _asked(literal(entity_ids))


def _asked(ids: str | None) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(plan_sql.ASKING, {"ids": ids})
        return [row[0] for row in cursor.fetchall()]


def lock_asked() -> None:
    """Lock the clocks of all that is asked: before the plan is held."""
    lock_clocks(_asked(None))


def hold_asked(ids: str | None) -> list[int]:
    """The tasks (of these businesses) about which somebody asks, their clocks locked: they were before, or it
    is not waited for them (the act fails and begins again). The caller holds the plan."""
    waiting = _asked(ids)
    if waiting:
        approvals.lock_at_once(SUBJECT, waiting)
    return waiting


def refuse_unseen(live: Sequence[Deadline], entity_ids: Sequence[int]) -> None:
    """Raise `clocks.Overdue` (begin again) where something was asked about checks of these businesses since
    the clocks `live` were locked. The caller holds the plan, so from now on nothing is."""
    if waiting := asked_about(entity_ids):
        approvals.refuse_unseen(live, SUBJECT, waiting)


def lock_clocks(task_ids: Sequence[int]) -> list[Deadline]:
    """The live clocks of what is asked about these tasks, locked."""
    return approvals.lock_live_of(SUBJECT, task_ids) if task_ids else []


def withdraw(why_by_task: Mapping[int, str], at: datetime) -> None:
    """Nobody asks about these tasks any more, each for its own reason. The caller holds the clocks and then
    the tasks. As many statements as there are different reasons."""
    if not why_by_task:
        return
    rows = Approval.objects.filter(kind=KIND, subject_kind=SUBJECT, subject_id__in=why_by_task).waiting()
    by_reason: dict[str, list[Approval]] = defaultdict(list)
    for row in rows.order_by("id"):
        by_reason[why_by_task[row.subject_id]].append(row)
    for why, some in sorted(by_reason.items()):
        approvals.withdraw(some, by=None, at=at, why=why)


# --- the kind of question --------------------------------------------------------------------------


def _lock(approval: Approval) -> PatrolTask:
    return PatrolTask.objects.select_for_update(no_key=True, of=("self",)).get(pk=approval.subject_id)


def _may_decide(user: User, approval: Approval, task: PatrolTask) -> Seat | None:
    return scope_of(user).seat(Role.BUREAU)


def _decidable(user: User) -> Q:
    return Q() if scope_of(user).has(Role.BUREAU) else Q(pk__in=[])


def _deciders(rows: Sequence[Approval], at: datetime) -> dict[int, set[int]]:
    bureau = set(bureau_ids(at))
    return {row.pk: bureau for row in rows}


def _decided(decision: Decision) -> None:
    _settle([decision.approval.subject_id], enters=decision.approved)


def _lapsed(rows: Sequence[Approval], at: datetime) -> None:
    _settle([row.subject_id for row in rows], enters=False)


def _settle(task_ids: Sequence[int], *, enters: bool) -> None:
    """Made as planned, or without entering. What is no longer waiting stays as it is. One statement."""
    PatrolTask.objects.filter(pk__in=task_ids, state=TaskState.ASKS).update(
        state=TaskState.PLANNED,
        without_entering=not enters,
        why="局里同意入店检查" if enters else WITHOUT_ENTERING,
        version=F("version") + 1,
    )


def lock_subjects(batch: Sequence[Fired]) -> None:
    """Lock the tasks about which nobody answered in time, by id, before the sweep's first handler."""
    asked = [one.subject_id for one in batch if one.subject_kind == "approval"]
    if asked:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, {"subject": SUBJECT, "approvals": literal(sorted(asked))})


def seen_tasks(user: User) -> object:
    """Who sees a task sees what is asked about it."""
    return PatrolTask.objects.visible_to(user).values("id")


def register() -> None:
    """Register the question (called once, at start-up)."""
    handlers.lock_first(lock_subjects)
    approvals.register_subject(SUBJECT, seen_tasks)
    approvals.hang_on("entity", SUBJECT, asked_about)
    approvals.register(
        KIND,
        Kind(
            "超年度上限入店检查",
            KIND,
            lock=_lock,
            may_decide=_may_decide,
            decidable=_decidable,
            deciders=_deciders,
            decided=_decided,
            lapsed=_lapsed,
            stands_in=frozenset({TaskState.ASKS.value}),
        ),
    )
