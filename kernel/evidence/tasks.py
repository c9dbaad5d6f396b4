"""Celery: copies made from evidence. Safe to run any number of times, also at once."""

from __future__ import annotations

from celery import shared_task

from kernel.evidence import thumbnails, watermarks


@shared_task(name="evidence.make_thumbnails")
def make_thumbnails() -> None:
    """One round over photos and videos without a thumbnail."""
    thumbnails.make_missing()


@shared_task(name="evidence.make_watermarks")
def make_watermarks() -> None:
    """One round over attached photos and videos without a watermarked copy."""
    watermarks.make_missing()
