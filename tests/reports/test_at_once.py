"""Exactly once a date, by however many at once; real threads, real commits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections, transaction

from grids.demo import World
from kernel.journal.models import Entry, Seal
from kernel.notices.models import OutboxMessage
from reports import nightly, tasks, telling
from reports.models import Level, ReportRun, SlaLine, SlaReport, Span
from tests.factories.grids import make_world
from tests.factories.leads import reported
from tests.factories.reports import DAY, move_to

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def world() -> World:
    """One lead on DAY; the clock stands three days later at 08:00."""
    move_to("09:00")
    with transaction.atomic():
        world = make_world()
    reported(world, 1)
    move_to("08:00", DAY + timedelta(days=3))
    return world


def at_once(act: Callable[[], None], times: int = 3) -> list[BaseException]:
    failed: list[BaseException] = []
    start = threading.Barrier(times)

    def work() -> None:
        try:
            start.wait(5)
            act()
        except BaseException as error:  # noqa: BLE001 - told to the test
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(times)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    return failed


def test_three_workers_at_once_make_and_tell_each_date_once(world: World) -> None:
    assert at_once(tasks.catch_up) == []
    dates = [DAY + timedelta(days=n) for n in range(3)]
    assert list(SlaReport.objects.order_by("date").values_list("date", flat=True)) == dates
    for kind in ReportRun.Kind.values:
        assert (
            list(ReportRun.objects.filter(kind=kind).order_by("date").values_list("date", flat=True)) == dates
        )
    assert SlaLine.objects.filter(level=Level.BUREAU, span=Span.DAY).count() == 3
    assert Entry.objects.filter(kind="report.made").count() == 3
    assert Seal.objects.exists()
    told = OutboxMessage.objects.filter(template=telling.TEMPLATE)
    assert told.count() == told.values("recipient_id").distinct().count() > 20
    before = told.count()
    assert at_once(tasks.catch_up) == []
    assert told.count() == before
    assert SlaReport.objects.count() == 3


def test_a_run_that_dies_leaves_nothing_and_is_made_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(nightly, "_lines", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            nightly.make_up()
    assert ReportRun.objects.count() == SlaReport.objects.count() == 0
    assert nightly.make_up(most=1) == [DAY]


def test_a_report_is_made_beside_a_lead_that_is_being_reported(world: World) -> None:
    """A writer's open transaction delays the seal, and neither fails."""
    begun, go_on = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with transaction.atomic():
                reported(world, 2)
                begun.set()
                go_on.wait(10)
        finally:
            connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(10)
    threading.Timer(0.3, go_on.set).start()
    assert len(nightly.make_up()) == 3
    writer.join(10)
    assert SlaReport.objects.count() == 3
