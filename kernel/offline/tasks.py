"""Celery: ends of waiting. Safe to run any number of times, also at once."""

from __future__ import annotations

from celery import shared_task

from kernel.offline import lapsing


@shared_task(name="offline.lapse")
def lapse() -> None:
    """End what has waited too long; forget what is long over."""
    lapsing.lapse()
    lapsing.forget()
