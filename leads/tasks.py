"""Celery entry points of leads."""

from celery import shared_task

from leads import files, handover


@shared_task(name="leads.hand_on_vacant")
def hand_on_vacant() -> None:
    """Hand on leads whose owner's posting has ended by its date. Safe to run twice."""
    handover.sweep_vacant()


@shared_task(name="leads.bind_crossed")
def bind_crossed() -> None:
    """Bind files whose upload crossed with their naming. Safe to run twice."""
    files.bind_crossed()
