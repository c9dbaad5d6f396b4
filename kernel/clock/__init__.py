"""One clock for all code: the SQL function `kernel_now()` (DESIGN.md §4).

`kernel_now()` = `transaction_timestamp()` + the offset of a one-row table. Within a transaction it
stands still, so every row of one act carries the same moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, models

SHANGHAI = ZoneInfo("Asia/Shanghai")


class KernelNow(models.Func):
    """`kernel_now()` inside a queryset."""

    function = "kernel_now"
    template = "%(function)s()"
    output_field = models.DateTimeField()

    def __init__(self) -> None:
        super().__init__()


class KernelToday(models.Func):
    """The Shanghai calendar date of `kernel_now()`, inside a queryset or as a column's default."""

    function = "kernel_now"
    template = "((kernel_now() AT TIME ZONE 'Asia/Shanghai')::date)"
    output_field = models.DateField()

    def __init__(self) -> None:
        super().__init__()


def now() -> datetime:
    """The moment of the current transaction, by the database's clock (aware, UTC). One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT kernel_now()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def local_date(moment: datetime) -> date:
    """The Shanghai calendar date of a moment."""
    return moment.astimezone(SHANGHAI).date()


def today() -> date:
    """Today's date in Shanghai, by the database's clock. One query."""
    return local_date(now())


def travel(by: timedelta) -> None:
    """Move the clock of the whole house. Refused unless `SUOSHE_TEST_CLOCK` is on.

    Raises:
        RuntimeError: where the clock may not be moved.
    """
    _refuse_real_clock()
    _shift("UPDATE clock_clockoffset SET ahead = ahead + %s", by)


def set_to(moment: datetime) -> None:
    """Make `kernel_now()` read `moment` at this instant (tests and demo only). Raises as `travel`."""
    _refuse_real_clock()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        real: datetime = cursor.fetchone()[0]
    _shift("UPDATE clock_clockoffset SET ahead = %s", moment - real)


@contextmanager
def as_of(moment: datetime) -> Iterator[None]:
    """Let `kernel_now()` read `moment` inside the caller's open transaction, and nowhere else.

    For building histories (the demo) through the services: the offset is put back before the block
    ends, so no other transaction ever sees it. Refused where `DEBUG` and the test clock are both off,
    and outside a transaction.
    """
    if not (settings.DEBUG or settings.SUOSHE_TEST_CLOCK):
        raise RuntimeError("histories are built only where DEBUG or SUOSHE_TEST_CLOCK is on")
    if not connection.in_atomic_block:
        raise RuntimeError("as_of() needs an open transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT ahead FROM clock_clockoffset WHERE id = 1 FOR UPDATE")
        before = cursor.fetchone()[0]
        cursor.execute("UPDATE clock_clockoffset SET ahead = %s - transaction_timestamp()", [moment])
        try:
            yield
        finally:
            if not connection.needs_rollback:
                cursor.execute("UPDATE clock_clockoffset SET ahead = %s", [before])


def _shift(sql: str, by: timedelta) -> None:
    params: list[Any] = [by]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def _refuse_real_clock() -> None:
    if not settings.SUOSHE_TEST_CLOCK:
        raise RuntimeError("the clock can be moved only where SUOSHE_TEST_CLOCK=1")
