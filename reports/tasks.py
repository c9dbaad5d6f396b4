"""Celery entry points of the reports. Each is safe to run twice, late, or by several at once."""

from celery import shared_task

from reports import nightly, telling


@shared_task(name="reports.catch_up")
def catch_up() -> None:
    """Make what reports are due and missing, then tell what is due to be told."""
    nightly.make_up()
    telling.tell_due()
