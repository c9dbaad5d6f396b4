"""Celery entry points of the grids. Each is safe to run twice."""

from celery import shared_task

from grids import postings
from grids import shortages as missing
from kernel import clock


@shared_task(name="grids.tell_shortages")
def tell_shortages() -> None:
    """Tell office heads and the bureau who is missing, once a day and shortage."""
    missing.tell_shortages(clock.now())


@shared_task(name="grids.wind_up_lapsed_postings")
def wind_up_lapsed_postings() -> None:
    """Hand on what hangs on postings whose planned end has come."""
    postings.wind_up_lapsed(clock.now())
