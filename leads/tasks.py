"""Celery entry points of leads."""

from celery import shared_task

from leads import handover


@shared_task(name="leads.hand_on_vacant")
def hand_on_vacant() -> None:
    """Hand on leads whose owner's posting has ended by its date. Safe to run twice."""
    handover.sweep_vacant()
