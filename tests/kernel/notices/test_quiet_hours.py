"""Quiet hours: what has no running clock waits for the morning; a running clock is always told."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

import pytest

from kernel import clock
from kernel.clock import SHANGHAI
from kernel.notices import delivery, templates
from kernel.notices.models import OutboxMessage, State
from kernel.notices.policy import QuietHours, Urgency
from tests.kernel.notices.conftest import Provider, make_robot, tell, text_to

NIGHT = QuietHours(time(22), time(7))


def at(hour: int, minute: int = 0, day: int = 10) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("hours", "moment", "end"),
    [
        (NIGHT, at(21, 59), None),
        (NIGHT, at(22), at(7, day=11)),
        (NIGHT, at(3), at(7)),
        (NIGHT, at(7), None),
        (QuietHours(time(12), time(13, 30)), at(13), at(13, 30)),
        (QuietHours(time(12), time(13, 30)), at(13, 30), None),
        (QuietHours(time(0), time(0)), at(0), None),
        (QuietHours(time(8), time(8)), at(8), None),
    ],
)
def test_when_quiet_hours_end(hours: QuietHours, moment: datetime, end: datetime | None) -> None:
    assert hours.end_after(moment) == end


@pytest.mark.parametrize("text", ["22:00-07:00", "22:00 - 07:00"])
def test_the_setting(text: str) -> None:
    assert QuietHours.parse(text) == NIGHT
    assert QuietHours.parse("").end_after(at(3)) is None
    for wrong in ("22", "25:00-07:00", "22:00-"):
        with pytest.raises(ValueError, match=r"hour|Invalid isoformat"):
            QuietHours.parse(wrong)


@pytest.fixture
def by_night(words: None, db: None) -> None:
    clock.set_to(at(23))
    templates.register("test.news", "消息", "{what}", urgency=Urgency.NEWS)
    templates.register("test.urgent", "紧急", "{what}", urgency=Urgency.URGENT)


@pytest.mark.usefixtures("by_night")
def test_news_waits_for_the_morning_and_counts_no_attempt(provider: Provider) -> None:
    robot = make_robot()
    (news,) = tell(robot, template="test.news")
    tell(robot)
    tell(robot, template="test.urgent")
    assert delivery.deliver_due() == 2
    news.refresh_from_db()
    assert (news.state, news.attempts, news.leased_by) == (State.PENDING, 0, "")
    assert news.available_at == at(7, day=11)
    clock.set_to(at(7, 1, day=11))
    assert delivery.deliver_due() == 1


@pytest.mark.usefixtures("by_night")
def test_a_citizen_is_not_woken_and_a_whistle_is_heard(gateway: Provider) -> None:
    text_to("13800000001", template="test.news", params={"what": "答复"})
    text_to("13800000002", template="test.told", params={})
    assert delivery.deliver_due() == 1
    assert [body["phone"] for body in gateway.bodies] == ["13800000002"]


@pytest.mark.usefixtures("by_night")
def test_a_row_may_say_otherwise_and_a_template_may_look_at_the_row(provider: Provider) -> None:
    robot = make_robot()
    templates.register(
        "test.looks", "看", "", urgency=lambda m: Urgency.NEWS if m.params["asleep"] else Urgency.CLOCK
    )
    tell(robot, template="test.news", urgency=Urgency.URGENT)
    tell(robot, template="test.looks", params={"asleep": True})
    tell(robot, template="test.looks", params={"asleep": False})
    tell(robot, template="test.looks", params={})
    assert delivery.deliver_due() == 3, "one that fails to say is not held"
    assert OutboxMessage.objects.get(state=State.PENDING).params == {"asleep": True}


@pytest.mark.usefixtures("by_night")
def test_a_group_may_have_hours_of_its_own_or_none(provider: Provider, settings: Any) -> None:
    tell(make_robot(quiet_from=time(0), quiet_until=time(0)), template="test.news")
    assert delivery.deliver_due() == 1
    tell(make_robot(quiet_from=time(20), quiet_until=time(9)), template="test.news")
    assert delivery.deliver_due() == 0
    assert OutboxMessage.objects.get(state=State.PENDING).available_at == at(9, day=11)
    settings.SUOSHE_QUIET_HOURS = ""
    tell(make_robot(), template="test.news")
    assert delivery.deliver_due() == 1
