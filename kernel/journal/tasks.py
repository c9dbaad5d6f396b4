"""Celery entry points of the journal."""

from celery import shared_task

from kernel.journal import seal as sealing


@shared_task(name="journal.seal")
def seal() -> None:
    """Seal the day's entries; safe to run twice."""
    sealing.seal()
