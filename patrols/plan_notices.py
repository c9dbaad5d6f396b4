"""What a plan tells: the bureau where a limit is passed, community and office where tasks have nobody."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime

from django.db import connection

from grids.staffing import bureau_ids, routing_facts_of
from kernel.notices import outbox, templates
from kernel.notices.outbox import Draft
from kernel.notices.policy import Urgency
from patrols import load
from patrols.kinds import BY_WORKER
from patrols.models import PatrolPolicy, PlanRun
from patrols.periods import day_zh

CONSENT = "patrols.needs_consent"
UNASSIGNED = "patrols.unassigned"

_UNASSIGNED = """
SELECT grid_id, kind, count(*) FROM patrols_patroltask
 WHERE assignee_id IS NULL AND state IN ('PLANNED', 'ASKS') AND period_end >= %(on)s GROUP BY 1, 2
"""


def tell_unassigned(on: date, at: datetime) -> int:
    """Tell the lead community's head of grid workers' tasks, the office's head of the commissioner's, the
    bureau where there is no head, once a grid and month; how many tasks stand without a person.

    Four statements at most.
    """
    counts: dict[tuple[int, bool], int] = defaultdict(int)
    with connection.cursor() as cursor:
        cursor.execute(_UNASSIGNED, {"on": on})
        for grid_id, kind, many in cursor.fetchall():
            counts[grid_id, kind in BY_WORKER] += many
    if not counts:
        return 0
    people = routing_facts_of({grid_id for grid_id, _ in counts}, at)
    bureau = bureau_ids(at)
    drafts = []
    for (grid_id, of_worker), many in sorted(counts.items()):
        facts = people[grid_id]
        heads = facts.community_head_ids if of_worker else facts.office_head_ids
        params = {
            "grid": f"{facts.grid_code} {facts.grid_name}", "tasks": many,
            "role": "社区网格员" if of_worker else "市场监管专员",
        }  # fmt: skip
        for person in heads or bureau:
            key = f"patrols:unassigned:{grid_id}:{params['role']}:{on:%Y-%m}:user:{person}"
            drafts.append(Draft(key, UNASSIGNED, params, "grid", grid_id, person))
    outbox.post(drafts, at=at)
    return sum(counts.values())


def ask_consent(run: PlanRun, policy: PatrolPolicy, at: datetime) -> int:
    """Ask the bureau to consent to a plan that passes its limits; once a plan."""
    worker, commissioner = load.most(run.load)
    params = {
        "day": day_zh(run.for_date), "worker": worker, "commissioner": commissioner,
        "worker_limit": policy.worker_daily_limit, "commissioner_limit": policy.commissioner_weekly_limit,
    }  # fmt: skip
    return outbox.post(
        [
            Draft(f"patrols:consent:{run.pk}:user:{person}", CONSENT, params, "plan_run", run.pk, person)
            for person in bureau_ids(at)
        ],
        at=at,
    )


def register() -> None:
    """Register the words (called once, at start-up)."""
    templates.register(
        CONSENT,
        "请确认巡查计划：{day}",
        "网格员单日最多{worker}项（上限{worker_limit}项），专员一周最多检查{commissioner}户"
        "（上限{commissioner_limit}户）。计划照常执行，请确认同意，或增配人员、调整规则。",
        urgency=Urgency.NEWS,
    )
    templates.register(
        UNASSIGNED,
        "巡查任务无人承办",
        "{grid}没有在岗的{role}，{tasks}项巡查任务暂无承办人，请尽快安排。",
        urgency=Urgency.NEWS,
    )
