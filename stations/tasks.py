"""Celery entry points of stations."""

from celery import shared_task

from stations import complaints, consumers, files


@shared_task(name="stations.forget_consumers")
def forget_consumers() -> None:
    """Remove consumers' identities that were kept long enough. Safe to run twice."""
    consumers.KEEPING.forget_expired()


@shared_task(name="stations.take_kept")
def take_kept() -> None:
    """Take complaints that no station could be found for before. Safe to run twice."""
    complaints.take_kept()


@shared_task(name="stations.bind_crossed")
def bind_crossed() -> None:
    """Bind files whose upload crossed with their naming. Safe to run twice."""
    files.AWAITING.bind_crossed()
