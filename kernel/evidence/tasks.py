"""Celery: copies made from evidence. Safe to run any number of times, also at once."""

from __future__ import annotations

from celery import shared_task

from kernel.evidence import thumbnails


@shared_task(name="evidence.make_thumbnails")
def make_thumbnails() -> None:
    """One round over photos without a thumbnail."""
    thumbnails.make_missing()
