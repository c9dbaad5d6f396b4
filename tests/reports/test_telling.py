"""The morning's notices: to whom, when, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from grids.models import Absence
from kernel import clock
from kernel.notices import templates
from kernel.notices.models import OutboxMessage
from reports import nightly, tasks, telling
from reports.models import SlaReport
from suoshe.settings import base
from tests.factories.reports import DAY, move_to
from tests.reports.day import Day

pytestmark = pytest.mark.django_db


def told() -> dict[str, OutboxMessage]:
    found = OutboxMessage.objects.filter(template=telling.TEMPLATE).select_related("recipient")
    return {one.recipient.username: one for one in found if one.recipient}


def body(message: OutboxMessage) -> str:
    return templates.render(message.template, message.params).body


def test_nobody_is_told_before_half_past_seven(report: SlaReport) -> None:
    move_to("31:29")
    assert telling.tell_due() == [DAY - timedelta(days=1)]
    assert told()["bureau"].params["date"] == "2026-06-09"
    move_to("31:30")
    assert telling.tell_due() == [DAY]
    assert telling.tell_due() == []


def test_the_hour_is_a_setting(report: SlaReport, settings: Any) -> None:
    settings.SUOSHE_REPORT_PUSH_AT = "09:15"
    move_to("33:14")
    assert telling.tell_due() == [DAY - timedelta(days=1)]
    move_to("33:15")
    assert telling.tell_due() == [DAY]


def test_each_is_told_of_what_he_answers_for(day: Day, report: SlaReport) -> None:
    move_to("31:30")
    telling.tell_due()
    found = told()
    offices = {f"office-{n:02d}" for n in range(1, 5)}
    heads = {f"community-{n:02d}" for n in range(1, 18)}
    assert set(found) == {"bureau", "leader", *offices, *heads}
    whole = body(found["bureau"])
    assert whole.startswith("2026年6月10日（星期三），全局上报问题线索10件，其中上报时现场已改正1件，")
    assert "响应及时率55.56%（5/9）" in whole
    office = day.world.office_of(1)
    assert office.name in body(found[f"office-{day.world.offices.index(office) + 1:02d}"])
    assert day.world.communities[0].name in body(found["community-01"])
    message = found["bureau"]
    assert (message.subject_kind, message.subject_id, message.state) == (
        "sla_report",
        report.pk,
        "delivered",
    )
    assert templates.render(message.template, message.params).title == "运行日报（2026-06-10）"


def test_who_stands_in_for_an_absent_head_is_told_too(day: Day, report: SlaReport) -> None:
    at = clock.now()
    head, stand_in = day.world.user("office-01"), day.world.user("clerk-01")
    Absence.objects.create(user=head, stand_in=stand_in, starts_at=at, ends_at=at + timedelta(days=2))
    community = day.world.user("community-03")
    Absence.objects.create(user=community, starts_at=at, ends_at=at + timedelta(days=2))
    move_to("31:30")
    telling.tell_due()
    found = told()
    assert body(found["clerk-01"]) == body(found["office-01"])
    assert body(found["vice-03"]) == body(found["community-03"])
    assert "deputy-01" not in found


def test_after_downtime_one_notice_tells_the_newest_and_how_many_were_made_up(report: SlaReport) -> None:
    move_to("10:00", DAY + timedelta(days=4))
    nightly.make_up()
    assert telling.tell_due() == [DAY + timedelta(days=n) for n in range(-1, 4)]
    message = told()["bureau"]
    assert "另有4日的日报已补做" in body(message)
    assert "6月13日" in body(message)
    assert OutboxMessage.objects.filter(template=telling.TEMPLATE, recipient__username="bureau").count() == 1


def test_the_schedule_asks_at_ten_past_midnight_every_ten_minutes_and_at_the_set_hour() -> None:
    entries = {name: one for name, one in base.CELERY_BEAT_SCHEDULE.items() if name.startswith("reports.")}
    assert {one["task"] for one in entries.values()} == {tasks.catch_up.name}
    night, morning = entries["reports.nightly"]["schedule"], entries["reports.tell"]["schedule"]
    assert (night.hour, night.minute) == ({0}, {10})
    assert (morning.hour, morning.minute) == ({7}, {30})
    assert entries["reports.catch_up"]["schedule"].minute == {5, 15, 25, 35, 45, 55}


def test_the_task_makes_and_tells(day: Day) -> None:
    move_to("31:31")
    tasks.catch_up()
    tasks.catch_up()
    assert SlaReport.objects.count() == 2
    assert len(told()) == 23
