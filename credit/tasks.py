"""Celery entry points of credit. Each is safe to run twice, late, or by several at once."""

from celery import shared_task

from credit import grading, grading_runs
from credit import trial as trials

WORKS_FOR_S = 150
"""Well below the hard limit of a task; what is left over is taken up by the next firing."""


@shared_task(name="credit.regrade_dirty")
def regrade_dirty() -> None:
    """Grade anew the businesses that are marked."""
    grading.regrade_dirty(within_s=WORKS_FOR_S)


@shared_task(name="credit.nightly")
def nightly() -> None:
    """Make what gradings of the whole register are due: missed reviews, then tonight's."""
    grading_runs.nightly(within_s=WORKS_FOR_S)


@shared_task(name="credit.trial")
def trial() -> None:
    """Try the draft of a scheme that somebody asked to have tried."""
    trials.run_asked()
