"""The night of the plan (00:40): what was missed is closed, the plan of the day that begins is made.

What is due is computed from what is there (`PlanRun`, once a date), never from a firing: after downtime the
next firing makes today's plan; days gone by are not planned, nobody could walk them any more. One at a time
by an advisory lock that ends with its connection.
"""

from __future__ import annotations

from datetime import time
from functools import partial

import structlog

from kernel import clock
from kernel.alone import alone
from kernel.clock import SHANGHAI
from kernel.deadlines.contention import retried
from patrols import closing, planning
from patrols.models import PlanRun

log = structlog.get_logger(__name__)

BEGINS = time(0, 40)
"""Shanghai: after the night's grading (00:20)."""


def nightly() -> PlanRun | None:
    """Make what is due; the plan that was made, if one was. Safe at any time, any number of times."""
    with alone("patrols.nightly") as is_alone:
        at = clock.now()
        if not is_alone or at.astimezone(SHANGHAI).time() < BEGINS:
            return None
        today = clock.local_date(at)
        missed = retried(partial(closing.close_missed, today, at))
        if PlanRun.objects.filter(for_date=today).exists():
            return None
        run = planning.plan(today)
        log.info("patrols_planned", date=str(today), missed=missed, **run.counts)
        return run
