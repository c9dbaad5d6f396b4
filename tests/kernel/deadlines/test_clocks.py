"""Arming, meeting, cancelling, pausing and resuming clocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction

from kernel import clock
from kernel.deadlines import clocks
from kernel.deadlines.models import CalendarDay, Deadline, LimitPolicy, Segment
from kernel.deadlines.policy import Limit, Pause, WorkingCalendar, due
from tests.factories.accounts import make_user
from tests.kernel.deadlines.conftest import HOUR, MINUTE, SECOND, State, arm, states

pytestmark = pytest.mark.django_db
THIRTY = Limit("limit", 3, 30, warn_percent=80)


def armed(subject_id: int = 1, cycle: int = 1) -> datetime:
    """The clock and its warning, from now on; when they began."""
    now = clock.now()
    clocks.arm(
        clocks.with_warning(
            THIRTY, subject_kind="thing", subject_id=subject_id, kind="limit", cycle=cycle,
            armed_at=now, due_at=now + 30 * MINUTE,
        )
    )  # fmt: skip
    return now


def test_a_clock_comes_with_its_warning(django_assert_num_queries: Any) -> None:
    now = clock.now()
    rows = clocks.with_warning(
        THIRTY,
        subject_kind="thing",
        subject_id=1,
        kind="limit",
        cycle=2,
        armed_at=now,
        due_at=now + 30 * MINUTE,
    )
    with django_assert_num_queries(1):
        clocks.arm(rows)
    limit, warning = Deadline.objects.order_by("-due_at")
    assert (limit.kind, limit.parent_kind, limit.cycle, limit.policy_version) == ("limit", "", 2, 3)
    assert (warning.kind, warning.parent_kind, warning.due_at) == ("limit_80", "limit", now + 24 * MINUTE)


def test_a_policy_without_warning_arms_one_clock() -> None:
    now = clock.now()
    plain = Limit("limit", 1, 30)
    rows = clocks.with_warning(
        plain, subject_kind="thing", subject_id=1, kind="limit", cycle=1, armed_at=now, due_at=now
    )
    assert [row.kind for row in rows] == ["limit"]


def test_a_warning_at_another_share_of_the_way_keeps_its_name() -> None:
    now = clock.now()
    half = Limit("limit", 4, 30, warn_percent=50)
    _, warning = clocks.with_warning(
        half,
        subject_kind="thing",
        subject_id=1,
        kind="limit",
        cycle=1,
        armed_at=now,
        due_at=now + 30 * MINUTE,
    )
    assert (warning.kind, warning.due_at) == ("limit_80", now + 15 * MINUTE), "its handler is known by it"


def test_arming_again_changes_nothing() -> None:
    first = arm(due=HOUR)
    again = arm(due=2 * HOUR)
    assert (again.pk, again.due_at) == (first.pk, first.due_at)
    clocks.arm([])
    assert Deadline.objects.count() == 1


def test_meeting_a_clock_cancels_its_warning(django_assert_num_queries: Any) -> None:
    armed()
    armed(2)
    at = clock.now()
    with django_assert_num_queries(1):
        clocks.meet("thing", 1, ["limit"], at=at)
    assert states() == {
        (1, "limit"): "met",
        (1, "limit_80"): "cancelled",
        (2, "limit"): "running",
        (2, "limit_80"): "running",
    }
    met = Deadline.objects.get(subject_id=1, kind="limit")
    assert (met.closed_at, met.row_version) == (at, 2)


def test_cancelling_some_or_all() -> None:
    armed()
    arm(kind="other")
    clocks.cancel("thing", 1, ["limit"], at=clock.now())
    assert states() == {(1, "limit"): "cancelled", (1, "limit_80"): "cancelled", (1, "other"): "running"}
    clocks.cancel("thing", 1, None, at=clock.now())
    assert set(states().values()) == {"cancelled"}


def test_what_is_over_stays_as_it_ended() -> None:
    armed()
    clocks.meet("thing", 1, ["limit"], at=clock.now())
    before = list(Deadline.objects.order_by("id").values())
    clocks.cancel("thing", 1, None, at=clock.now() + HOUR)
    clocks.meet("thing", 1, ["limit", "limit_80"], at=clock.now() + HOUR)
    assert list(Deadline.objects.order_by("id").values()) == before


def test_a_pause_keeps_what_was_left_and_who_approved() -> None:
    start = armed()
    head = make_user()
    clocks.pause("thing", 1, ["limit"], at=start + 10 * MINUTE, reason="商户停业装修", by_id=head.pk)
    assert states() == {(1, "limit"): "paused", (1, "limit_80"): "paused"}
    left = dict(Deadline.objects.values_list("kind", "remaining"))
    assert left == {"limit": 20 * MINUTE, "limit_80": 14 * MINUTE}
    segments = Segment.objects.all()
    assert {(s.reason, s.approved_by_id, s.resumed_at) for s in segments} == {("商户停业装修", head.pk, None)}

    clocks.resume("thing", 1, ["limit"], at=start + 70 * MINUTE)
    limit = Deadline.objects.get(kind="limit")
    assert (limit.state, limit.remaining, limit.due_at) == ("running", None, start + 90 * MINUTE)
    pauses = [Pause(s.paused_at, s.resumed_at) for s in limit.segments.all()]
    assert limit.due_at == due(THIRTY, start, WorkingCalendar(), pauses)


def test_a_pause_of_a_clock_already_due_leaves_nothing() -> None:
    start = armed()
    clocks.pause("thing", 1, ["limit"], at=start + 31 * MINUTE, reason="迟到的申请", by_id=make_user().pk)
    assert set(Deadline.objects.values_list("remaining", flat=True)) == {timedelta()}


def test_a_paused_clock_can_be_met() -> None:
    start = armed()
    clocks.pause("thing", 1, ["limit"], at=start, reason="等待鉴定", by_id=make_user().pk)
    clocks.meet("thing", 1, ["limit"], at=start + MINUTE)
    assert states() == {(1, "limit"): "met", (1, "limit_80"): "cancelled"}


def test_two_pauses_at_once_are_refused() -> None:
    row = arm()
    Segment.objects.create(deadline=row, paused_at=clock.now(), reason="一")
    with pytest.raises(IntegrityError, match="deadlines_segment_one_open"), transaction.atomic():
        Segment.objects.create(deadline=row, paused_at=clock.now(), reason="二")


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"state": "late"}, "closed_when_over"),
        ({"state": State.MET}, "closed_when_over"),
        ({"state": State.PAUSED}, "remaining_when_paused"),
        ({"remaining": HOUR}, "remaining_when_paused"),
        ({"armed_at": datetime(2100, 1, 1, tzinfo=ZoneInfo("UTC"))}, "due_after_armed"),
    ],
)
def test_a_clock_that_contradicts_itself_is_refused(columns: dict[str, Any], rule: str) -> None:
    with pytest.raises(IntegrityError, match=f"deadlines_deadline_{rule}"), transaction.atomic():
        arm(**columns)


# -- locks


def test_live_clocks_are_locked_by_id_and_the_wait_is_capped(django_assert_num_queries: Any) -> None:
    second, first = arm(kind="other"), arm(kind="limit")
    arm(2)
    with django_assert_num_queries(2):
        assert [row.pk for row in clocks.lock_live("thing", 1)] == sorted([first.pk, second.pk])
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone()[0] == "5s"
    assert len(clocks.lock_live_of("thing", [1, 2])) == 3


def test_a_clock_that_ran_out_unseen_stops_the_act() -> None:
    arm(due=-SECOND)
    arm(kind="other")
    live = clocks.lock_live("thing", 1)
    with pytest.raises(clocks.Overdue):
        clocks.refuse_overdue(live, clock.now())
    clocks.refuse_overdue([row for row in live if row.kind == "other"], clock.now())


def test_on_time_is_before_the_due_time() -> None:
    row = arm(due=timedelta())
    assert row.is_overdue(row.due_at)
    assert not row.is_overdue(row.due_at - timedelta(microseconds=1))
    clocks.pause("thing", 1, ["limit"], at=row.due_at, reason="停", by_id=make_user().pk)
    row.refresh_from_db()
    assert not row.is_overdue(row.due_at + HOUR)


# -- policies


def policy(version: int, amount: int, since: datetime, **columns: Any) -> LimitPolicy:
    return LimitPolicy.objects.create(
        kind="respond", version=version, name="接单时限", amount=amount, in_force_from=since, **columns
    )


def test_the_newest_version_in_force_counts() -> None:
    now = clock.now()
    assert clocks.limits(now)["respond"].amount == 30
    policy(2, 45, now - MINUTE)
    policy(3, 60, now + HOUR)
    assert clocks.limits(now)["respond"] == Limit("respond", 2, 45)
    assert clocks.limits(now + HOUR)["respond"].amount == 60
    assert clocks.limits(now - HOUR)["respond"].amount == 30


@pytest.mark.parametrize("change", [lambda rows: rows.update(amount=1), lambda rows: rows.delete()])
def test_a_version_in_force_is_never_changed(change: Any) -> None:
    now = clock.now()
    policy(2, 45, now - MINUTE)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        change(LimitPolicy.objects.filter(kind="respond"))
    future = policy(3, 60, now + HOUR)
    change(LimitPolicy.objects.filter(pk=future.pk))
    assert clocks.limits(now)["respond"].amount == 45


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"amount": 0}, "positive"),
        ({"warn_percent": 100}, "warn_range"),
        ({"kind": "feedback", "counting": "DUTY"}, "duty_respond_only"),
        ({"version": 1}, "one_version"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(columns: dict[str, Any], rule: str) -> None:
    row = {"kind": "respond", "version": 9, "name": "接单时限", "amount": 30, "in_force_from": clock.now()}
    with pytest.raises(IntegrityError, match=f"deadlines_limitpolicy_{rule}"), transaction.atomic():
        LimitPolicy.objects.create(**{**row, **columns})


def test_the_calendar_holds_the_bureaus_word() -> None:
    day = clock.today()
    CalendarDay.objects.create(day=day, is_working=True, note="防汛值守")
    assert clocks.calendar().is_working(day)
    CalendarDay.objects.update(is_working=False)
    assert not clocks.calendar().is_working(day)
