"""The walking order and the dealing out of tasks: pure."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.deadlines.policy import WorkingCalendar
from patrols.kinds import TaskKind
from patrols.periods import ahead, month_of, period_of, quarter_of, week_of
from patrols.placing import Slot, deal, quotas
from patrols.walking import Stop, along_curve, length, order

LON = st.floats(116.70, 116.83)
LAT = st.floats(36.13, 36.20)
STOPS = st.lists(st.tuples(LON, LAT), max_size=25).map(
    lambda places: [Stop(number, *place) for number, place in enumerate(places)]
)


def walked(stops: list[Stop]) -> list[Stop]:
    by_key = {stop.key: stop for stop in stops}
    return [by_key[key] for key in order(stops)]


@settings(max_examples=60, deadline=None)
@given(STOPS)
def test_a_walk_calls_at_every_shop_once_and_is_never_longer_than_the_order_given(stops: list[Stop]) -> None:
    assert sorted(order(stops)) == [stop.key for stop in stops]
    assert length(walked(stops)) <= length(stops) + 1e-6
    assert order(stops) == order(stops)


def test_a_street_is_walked_from_end_to_end() -> None:
    street = [Stop(number, 116.75 + number * 0.0002, 36.16) for number in range(40)]
    shuffled = sorted(street, key=lambda stop: stop.key * 7919 % 41)
    keys = order(shuffled)
    assert keys in (list(range(40)), list(range(40))[::-1])


def test_shops_without_a_point_come_last_by_address() -> None:
    stops = [
        Stop(1, None, None, "新城路9号"), Stop(2, 116.75, 36.16, "z"), Stop(3, None, None, "古店街1号"),
        Stop(4, 116.76, 36.16, "a"),
    ]  # fmt: skip
    assert set(order(stops)[:2]) == {2, 4}
    assert order(stops)[2:] == [3, 1]
    assert [stop.key for stop in along_curve(stops)][2:] == [3, 1]


def test_near_on_the_curve_is_near_in_town() -> None:
    """A quarter of the curve covers about a quarter of the town, not all of it."""
    stops = [Stop(x * 16 + y, 116.70 + x * 0.001, 36.13 + y * 0.001) for x in range(16) for y in range(16)]
    quarter = along_curve(stops)[:64]
    assert max(s.lon or 0 for s in quarter) - min(s.lon or 0 for s in quarter) < 0.0101
    assert max(s.lat or 0 for s in quarter) - min(s.lat or 0 for s in quarter) < 0.0081


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.integers(0, 200))
def test_new_tasks_level_what_stands(loads: list[int], tasks: int) -> None:
    taken = quotas(loads, tasks)
    after = [a + b for a, b in zip(loads, taken, strict=True)]
    assert sum(taken) == tasks
    got = [load for load, many in zip(after, taken, strict=True) if many]
    assert not got or max(got) <= min(after) + 1


def test_what_does_not_divide_evenly_goes_round() -> None:
    """Ten shops, three people, five days: nobody is left out, nor any day. The fourth shop of each day falls
    to somebody else every day."""
    stops = [Stop(key, 116.7 + key / 1000, 36.1) for key in range(10)]
    days = [date(2026, 11, 23) + timedelta(days=n) for n in range(5)]
    dealt = deal(stops, [Slot(person, day) for person in (7, 8, 9) for day in days], Counter()).values()
    assert sorted(Counter(slot.person for slot in dealt).values()) == [3, 3, 4]
    assert set(Counter(slot.day for slot in dealt).values()) == {2}
    fullest = set()
    for day in days[:3]:
        people = deal(stops[:4], [Slot(person, day) for person in (7, 8, 9)], Counter()).values()
        ((person, many),) = Counter(slot.person for slot in people).most_common(1)
        fullest.add((person, many))
    assert fullest == {(7, 2), (8, 2), (9, 2)}


def test_dealing_does_not_depend_on_the_order_of_the_shops() -> None:
    stops = [Stop(number, 116.7 + number * 0.001, 36.13 + number % 7 * 0.001) for number in range(60)]
    slots = [Slot(person, date(2026, 11, 2) + timedelta(days=n)) for person in (5, 3) for n in range(4)]
    one = deal(stops, slots, Counter())
    assert deal(stops[::-1], slots[::-1], Counter()) == one
    assert sorted(Counter(one.values()).values()) == [7, 7, 7, 7, 8, 8, 8, 8]


def test_periods() -> None:
    day = date(2026, 2, 11)
    assert month_of(day) == (date(2026, 2, 1), date(2026, 2, 28))
    assert quarter_of(day) == (date(2026, 1, 1), date(2026, 3, 31))
    assert quarter_of(date(2026, 12, 31)) == (date(2026, 10, 1), date(2026, 12, 31))
    assert week_of(date(2027, 1, 1)) == (date(2026, 12, 28), date(2027, 1, 3))
    assert period_of(TaskKind.DAILY_PATROL, day) == (day, day)


@pytest.mark.parametrize(
    ("kind", "on", "first", "days"),
    [
        (TaskKind.DAILY_PATROL, date(2026, 11, 21), date(2026, 11, 23), 1),
        (TaskKind.WEEKLY_CHECK, date(2026, 11, 21), date(2026, 11, 23), 5),
        (TaskKind.WEEKLY_CHECK, date(2026, 11, 20), date(2026, 11, 16), 1),
        (TaskKind.MONTHLY_PATROL, date(2026, 10, 31), date(2026, 11, 1), 21),
        (TaskKind.QUARTERLY_REVIEW, date(2026, 11, 23), date(2026, 10, 1), 29),
    ],
)
def test_where_nobody_works_any_more_the_next_period_begins(
    kind: TaskKind, on: date, first: date, days: int
) -> None:
    found = ahead(kind, on, WorkingCalendar())
    assert (found.period.first, len(found.days)) == (first, days)
    assert all(WorkingCalendar().is_working(day) and day >= on for day in found.days)


def test_the_working_saturday_counts_and_the_holiday_does_not() -> None:
    """调休: 2026-10-10 is worked, 2026-10-01 is not."""
    days = ahead(TaskKind.MONTHLY_PATROL, date(2026, 10, 1), WorkingCalendar()).days
    assert date(2026, 10, 10) in days
    assert date(2026, 10, 1) not in days


def test_rest_days_are_walked_where_the_policy_says_so() -> None:
    sunday = date(2026, 11, 22)
    assert ahead(TaskKind.DAILY_PATROL, sunday, WorkingCalendar(), rest_days=True).days == (sunday,)
    assert ahead(TaskKind.WEEKLY_CHECK, sunday, WorkingCalendar(), rest_days=True).period.first > sunday
