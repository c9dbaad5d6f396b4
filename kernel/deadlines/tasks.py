"""Celery's driver of the sweep: one of two, either alone is enough (DESIGN.md §4)."""

from celery import shared_task

from kernel.deadlines.sweep import Driver

_driver = Driver("celery")


@shared_task(name="deadlines.sweep")
def sweep() -> None:
    """Fire what is due. Safe to run twice, at once, or not at all for a while."""
    _driver.tick()
