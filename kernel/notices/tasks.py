"""Celery: what waits in the outbox is delivered. Safe to run any number of times, also at once."""

from __future__ import annotations

from celery import shared_task

from kernel.notices import delivery


@shared_task(name="notices.deliver")
def deliver() -> None:
    """One round of delivery."""
    delivery.deliver_due()
