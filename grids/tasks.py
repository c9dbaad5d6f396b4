"""Celery entry points of the grids. Each is safe to run twice."""

from celery import shared_task

from grids import duplicates, importing, postings
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


@shared_task(name="grids.carry_on_imports")
def carry_on_imports() -> None:
    """Read the register files that wait for a worker."""
    if importing.carry_on():
        importing.settle_search()


@shared_task(name="grids.settle_search")
def settle_search() -> None:
    """Move what was written lately into the search index proper."""
    importing.settle_search()


@shared_task(name="grids.forget_import_files")
def forget_import_files() -> None:
    """Delete the kept bytes of files that nobody carried out within a week."""
    importing.forget(clock.now())


@shared_task(name="grids.find_duplicates")
def find_duplicates() -> None:
    """Suggest the businesses that look like one, among all."""
    duplicates.find_all()
