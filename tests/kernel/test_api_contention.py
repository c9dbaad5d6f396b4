"""A lock that cannot be had in time is 503 with `Retry-After`, with a real lock."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError, connection, transaction

from grids.models import Office
from kernel.api import exception_handler
from tests.factories.grids import make_world


def test_a_lock_that_is_not_had_in_time_is_503(committed_db: str) -> None:
    """A real lock, held by another connection for as long as the request waits."""
    world = make_world()
    office = world.offices[0].pk
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Office.objects.select_for_update().get(pk=office)
            held.set()
            done.wait(10)
        connection.close()

    @transaction.atomic
    def want() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
        Office.objects.select_for_update().get(pk=office)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    try:
        with pytest.raises(OperationalError) as met:
            want()
    finally:
        done.set()
        holder.join()
    answer = exception_handler(met.value, {})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
