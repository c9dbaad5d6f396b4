"""Celery: what waits in the outbox is delivered. Safe to run any number of times, also at once."""

from __future__ import annotations

from celery import shared_task

from kernel.notices import delivery, parcels, webhook_delivery


@shared_task(name="notices.deliver")
def deliver() -> None:
    """One round of delivery."""
    delivery.deliver_due()


@shared_task(name="notices.forget_numbers")
def forget_numbers() -> None:
    """Numbers of SMS that were given up and forgotten are thrown away."""
    parcels.forget_old()


@shared_task(name="notices.deliver_webhooks")
def deliver_webhooks() -> None:
    """One round of telling other systems."""
    webhook_delivery.deliver_due()
