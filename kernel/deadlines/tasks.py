"""Celery entry points: one of two drivers of the sweep, and the hourly audit (DESIGN.md §4)."""

import structlog
from celery import shared_task

from kernel.deadlines import audit as auditing
from kernel.deadlines.sweep import Driver

log = structlog.get_logger(__name__)
_driver = Driver("celery")


@shared_task(name="deadlines.sweep")
def sweep() -> None:
    """Fire what is due. Safe to run twice, at once, or not at all for a while."""
    _driver.tick()


@shared_task(name="deadlines.audit")
def audit() -> None:
    """Report clocks, events and notices that disagree. Reads only."""
    for fault in auditing.faults():
        log.error("clock_invariant_broken", rule=fault.rule, deadline_ids=fault.deadline_ids)
