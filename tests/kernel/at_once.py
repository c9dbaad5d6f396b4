"""Several callables at once, each in a thread with a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections

from kernel.errors import Busy, DomainError


def at_once(calls: Sequence[Callable[[], Any]], *, within_s: float = 30) -> list[Any]:
    """Start all at the same moment; what each returned, or the exception it raised."""
    start = threading.Barrier(len(calls))
    outcomes: list[Any] = [None] * len(calls)

    def run(number: int) -> None:
        try:
            start.wait(within_s)
            outcomes[number] = calls[number]()
        except Exception as error:  # noqa: BLE001 - handed to the test
            outcomes[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(within_s)
    assert not any(thread.is_alive() for thread in threads), "a thread did not end"
    return outcomes


def refused(outcomes: list[Any]) -> list[str]:
    """The codes of those that were refused; anything but a refusal of the house fails the test."""
    codes = []
    for one in outcomes:
        if isinstance(one, DomainError):
            assert not isinstance(one, Busy), one
            codes.append(one.code)
        elif isinstance(one, Exception):
            raise one
    return codes
