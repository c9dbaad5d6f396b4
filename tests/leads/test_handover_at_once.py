"""A posting is ended while somebody works on one of its leads: refused in words, then done."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client

from grids import postings
from grids.demo import World
from grids.models import Posting
from grids.refusals import patiently
from kernel import clock
from kernel.deadlines import clocks
from kernel.errors import Busy
from leads.models import Lead
from tests.factories import leads as made
from tests.factories.grids import make_world


@pytest.fixture
def world(committed_db: str) -> World:
    return make_world()


@contextmanager
def somebody_at_work_on(lead: Lead) -> Iterator[None]:
    """Another connection holds the lead's row."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Lead.objects.select_for_update(of=("self",)).get(pk=lead.pk)
            held.set()
            done.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(10)
        yield
    finally:
        done.set()
        holder.join()


def test_the_admin_says_so_and_nothing_has_happened(
    world: World, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.SUOSHE_REQUIRE_SECOND_FACTOR = False
    monkeypatch.setattr(clocks, "LOCK_TIMEOUT", "50ms")
    lead, posting = made.reported(world), world.posting_of("commissioner-01")
    client = Client()
    client.force_login(world.users["office-01"], backend="django.contrib.auth.backends.ModelBackend")
    path = f"/admin/grids/posting/{posting.pk}/end/"
    with somebody_at_work_on(lead):
        answer = client.post(path, follow=True)
        assert answer.status_code == 200
        assert "系统正忙" in answer.content.decode()
        with pytest.raises(Busy):
            postings.end(posting=posting, at=clock.now(), by=None)
    assert Posting.objects.get(pk=posting.pk).ends_at is None
    assert "已离任" in client.post(path, follow=True).content.decode()
    assert Lead.objects.get(pk=lead.pk).assignee == world.commissioner(2)


class Lost(Exception):
    """What the driver raises where a lock was lost."""

    pgcode = "40P01"


def losing(times: int, calls: list[int]) -> int:
    calls.append(1)
    if len(calls) <= times:
        raise OperationalError("deadlock detected") from Lost()
    return len(calls)


def test_it_is_tried_once_more_and_only_where_it_owns_the_transaction(committed_db: str) -> None:
    calls: list[int] = []
    assert patiently(lambda: losing(1, calls)) == 2
    calls.clear()
    with pytest.raises(Busy):
        patiently(lambda: losing(2, calls))
    assert len(calls) == 2
    calls.clear()
    with pytest.raises(Busy), transaction.atomic():
        patiently(lambda: losing(1, calls))
    assert len(calls) == 1


def test_what_is_no_contention_is_raised_as_it_is(committed_db: str) -> None:
    def away() -> None:
        raise OperationalError("server closed the connection")

    with pytest.raises(OperationalError):
        patiently(away)
