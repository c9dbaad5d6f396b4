"""Celery entry points of patrols. Safe to run twice, late, or by several at once."""

from celery import shared_task

from patrols import files, sequences
from patrols import nightly as night


@shared_task(name="patrols.nightly")
def nightly() -> None:
    """Close what was missed and make today's plan, if that is due and not done."""
    night.nightly()


@shared_task(name="patrols.bind_crossed")
def bind_crossed() -> None:
    """Bind files of visits whose upload crossed with their naming."""
    files.bind_crossed()


@shared_task(name="patrols.order_walks")
def order_walks() -> None:
    """Give visits that a run over the register planned their place in the day."""
    sequences.settle()
