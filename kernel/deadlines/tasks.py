"""Celery entry points: one of two drivers of the sweep, and the audit (DESIGN.md §4)."""

import structlog
from celery import shared_task

from kernel.deadlines import audit_runs
from kernel.deadlines.sweep import Driver

log = structlog.get_logger(__name__)
_driver = Driver("celery")


@shared_task(name="deadlines.sweep")
def sweep() -> None:
    """Fire what is due. Safe to run twice, at once, or not at all for a while."""
    _driver.tick()


@shared_task(name="deadlines.audit")
def audit(nightly: bool = False) -> None:
    """Keep what disagrees and tell the bureau where it is new; safe to run twice."""
    for fault in audit_runs.run(nightly=nightly):
        log.error("invariant_broken", rule=fault.rule, ids=fault.ids)
