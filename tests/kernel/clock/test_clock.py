"""The one clock, and who may move it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from kernel import clock
from kernel.clock.management.commands.travel import parse
from kernel.clock.models import ClockOffset
from suoshe.checks import test_clock_is_off as clock_check


def test_now_stands_still_within_a_transaction(db: None) -> None:
    first = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.002), clock_timestamp() > transaction_timestamp()")
        assert cursor.fetchone()[1]
    assert clock.now() == first
    assert first.tzinfo is not None


def test_now_is_the_start_of_the_transaction_not_of_the_statement(committed_db: str) -> None:
    with transaction.atomic():
        started = clock.now()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.01)")
        assert clock.now() == started
    assert clock.now() > started


def test_travel_moves_every_reader_forward_and_back(db: None) -> None:
    before = clock.now()
    clock.travel(timedelta(minutes=35))
    assert clock.now() - before == timedelta(minutes=35)
    clock.travel(timedelta(minutes=-36))
    assert clock.now() - before == timedelta(minutes=-1)


def test_set_to_reads_that_moment(db: None) -> None:
    moment = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
    clock.set_to(moment)
    assert abs(clock.now() - moment) < timedelta(seconds=60)


def test_today_is_shanghais(db: None) -> None:
    assert clock.local_date(datetime(2026, 3, 10, 16, 0, tzinfo=UTC)).isoformat() == "2026-03-11"
    assert clock.today() == clock.local_date(clock.now())


@pytest.mark.parametrize(
    "move", [lambda: clock.travel(timedelta(1)), lambda: clock.set_to(datetime.now(UTC))]
)
def test_a_real_clock_is_not_moved(db: None, settings: Any, move: Any) -> None:
    settings.SUOSHE_TEST_CLOCK = False
    before = ClockOffset.objects.get().ahead
    with pytest.raises(RuntimeError, match="SUOSHE_TEST_CLOCK"):
        move()
    assert ClockOffset.objects.get().ahead == before


def test_there_is_one_offset(db: None) -> None:
    with pytest.raises(IntegrityError, match="clock_clockoffset_one_row"), transaction.atomic():
        ClockOffset.objects.create(id=2, ahead=timedelta())


def test_history_is_seen_by_its_own_transaction_only(committed_db: str) -> None:
    moment = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
    with transaction.atomic():
        real = clock.now()
        with clock.as_of(moment):
            assert clock.now() == moment
        assert clock.now() == real
    assert ClockOffset.objects.get().ahead == timedelta()
    with pytest.raises(RuntimeError, match="transaction"), clock.as_of(moment):
        pass


# -- manage.py travel


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("+35m", timedelta(minutes=35)),
        ("-2h", timedelta(hours=-2)),
        ("+1d", timedelta(days=1)),
        ("-10s", timedelta(seconds=-10)),
    ],
)
def test_durations_as_they_are_typed(text: str, by: timedelta) -> None:
    assert parse(text) == by


@pytest.mark.parametrize("text", ["35m", "+35", "+m", "+1.5h", "tomorrow", ""])
def test_anything_else_is_explained(text: str) -> None:
    with pytest.raises(CommandError, match="写法"):
        parse(text)


@pytest.mark.parametrize(("text", "minutes"), [("+35m", 35), ("-1h", -60)])
def test_the_command_travels(db: None, text: str, minutes: int, capsys: pytest.CaptureFixture[str]) -> None:
    before = clock.now()
    call_command("travel", text)
    assert clock.now() - before == timedelta(minutes=minutes)
    assert "+08:00" in capsys.readouterr().out


def test_the_command_is_refused_on_a_real_clock(db: None, settings: Any) -> None:
    settings.SUOSHE_TEST_CLOCK = False
    before = clock.now()
    with pytest.raises(CommandError, match="SUOSHE_TEST_CLOCK=1"):
        call_command("travel", "+35m")
    assert clock.now() == before


@pytest.mark.parametrize(
    ("debug", "test_clock", "found"), [(False, True, 1), (False, False, 0), (True, True, 0)]
)
def test_a_movable_clock_is_refused_in_production(
    settings: Any, debug: bool, test_clock: bool, found: int
) -> None:
    settings.DEBUG, settings.SUOSHE_TEST_CLOCK, settings.SUOSHE_SUITE = debug, test_clock, False
    assert [message.id for message in clock_check()] == ["suoshe.E001"] * found
