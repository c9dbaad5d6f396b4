"""Several deliverers at once, on committed rows and connections of their own."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import connection, connections

from kernel.notices import delivery
from kernel.notices.models import OutboxMessage, State
from tests.kernel.notices.conftest import Provider, make_robot, tell

pytestmark = pytest.mark.usefixtures("committed_db", "words")


def _at_once(count: int) -> int:
    delivered: list[int] = []
    start = threading.Barrier(count)

    def run() -> None:
        try:
            start.wait()
            delivered.append(delivery.deliver_due())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(delivered)


def test_no_row_is_sent_twice(provider: Provider) -> None:
    robots = [make_robot(rate_per_minute=100) for _ in range(12)]
    for robot in robots:
        tell(robot, 5)
    provider.slow_s = 0.005
    delivered = _at_once(4)
    while delivered < 60:
        delivered += delivery.deliver_due()
    assert Counter(provider.told).most_common(1)[0][1] == 1
    assert len(provider.told) == 60
    assert set(OutboxMessage.objects.values_list("state", "attempts")) == {(State.DELIVERED, 1)}


def test_nothing_is_sent_inside_a_transaction(provider: Provider) -> None:
    tell(make_robot())
    seen: list[bool] = []
    send = delivery.senders.send

    def watched(*given: object) -> None:
        seen.append(connection.in_atomic_block)
        send(*given)  # type: ignore[arg-type]

    delivery.senders.send = watched  # type: ignore[assignment]
    try:
        delivery.deliver_due()
    finally:
        delivery.senders.send = send
    assert seen == [False]
