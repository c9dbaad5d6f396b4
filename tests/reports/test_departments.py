"""部门报到 in the nightly report, by hand: limits only where agreed, declined apart, nothing laundered."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import DjangoDbBlocker
from python_calamine import CalamineWorkbook

from grids.demo import World
from leads import whistle_calls, whistles
from leads.whistle_states import Answer
from reports import departments
from reports.departments import DepartmentLine
from reports.models import SlaReport, Span
from reports.policy import day_ends
from tests.factories import leads as make_lead
from tests.factories.accounts import bearer
from tests.factories.grids import make_world
from tests.factories.leads import pass_time, stand_at, take_any
from tests.factories.reports import DAY, made, moment
from tests.factories.whistles import blown, joint_notice

AS_OF = day_ends(DAY)


def play(world: World) -> None:
    """A Wednesday: police have limits (30 min, 2 h), citymgmt has none."""
    stand_at(moment("09:00"))
    make_lead.reported(world, 1)  # a day has a report where it has a lead
    joint_notice(world)
    police = world.user("police")

    def say(whistle: Any, said: Answer) -> None:
        whistle_calls.answer(whistle_id=whistle.pk, by=police, expect=take_any, answer=said)

    prompt, late, refused, silent, let_go, refused_late = (blown(world, 1) for _ in range(6))
    elsewhere = blown(world, 21, ("citymgmt",))
    pass_time(timedelta(minutes=10))
    say(prompt, Answer.DISPATCHED)
    say(refused, Answer.NOT_OURS)
    whistles.close(whistle_id=let_go.pk, by=world.worker(1), expect=take_any, note="已自行解决")
    pass_time(timedelta(minutes=30))
    say(late, Answer.RECEIVED)
    say(refused_late, Answer.NOT_OURS)
    whistle_calls.answer(
        whistle_id=elsewhere.pk, by=world.user("citymgmt"), expect=take_any, answer=Answer.RECEIVED
    )
    pass_time(timedelta(minutes=20))
    whistle_calls.check_in(whistle_id=prompt.pk, by=police, expect=take_any)
    pass_time(timedelta(hours=2))
    whistle_calls.check_in(whistle_id=late.pk, by=police, expect=take_any)
    whistle_calls.report(whistle_id=late.pk, by=police, expect=take_any, note="已处置")
    assert silent.pk
    pass_time(until=moment("23:50"))
    blown(world, 1)  # its half hour ends tomorrow


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[World, SlaReport]]:
    with django_db_blocker.unblock(), transaction.atomic():
        stand_at(moment("08:00"))
        world = make_world(at=moment("08:00"))
        play(world)
        yield world, made()
        transaction.set_rollback(True)


def line(
    world: World, who: str = "bureau", code: str = "police", span: str = Span.DAY
) -> DepartmentLine | None:
    found = departments.lines(day=DAY, as_of=AS_OF, by=world.user(who))
    return next((one for one in found if (one.code, one.span) == (code, span)), None)


@pytest.mark.django_db
def test_the_police_by_hand(kept: tuple[World, SlaReport]) -> None:
    one = line(kept[0])
    assert one is not None
    assert (one.called, one.answered, one.on_site, one.reported, one.declined) == (7, 4, 2, 1, 2)
    # prompt, late, silent and the late refusal; not the refusal in time, the one let go, the last one
    assert (one.answer_counted, one.answered_on_time, one.answer_rate) == (4, 1, Decimal("0.2500"))
    # prompt came in time; late came late, silent never
    assert (one.on_site_counted, one.on_site_on_time, one.on_site_rate) == (3, 1, Decimal("0.3333"))
    assert one.median_answer_minutes == Decimal("25.0"), "of 10 and 40; who declined is left out"
    assert one.median_on_site_minutes == Decimal("120.0"), "of 60 and 180"
    assert departments.late([one]) == [one]


@pytest.mark.django_db
def test_without_a_joint_notice_there_is_no_rate(kept: tuple[World, SlaReport]) -> None:
    one = line(kept[0], code="citymgmt")
    assert one is not None
    assert (one.called, one.answered, one.answer_counted, one.answer_rate) == (1, 1, 0, None)
    assert (one.on_site_rate, one.median_on_site_minutes) == (None, None)
    assert departments.late([one]) == []


@pytest.mark.django_db
def test_the_figures_of_a_day_stay_whatever_comes_later(kept: tuple[World, SlaReport]) -> None:
    world, _ = kept
    before = line(world)
    with transaction.atomic():
        pass_time(timedelta(hours=3))
        whistle = whistles.Whistle.objects.filter(grid=world.grid(1)).latest("id")
        whistle_calls.check_in(whistle_id=whistle.pk, by=world.user("police"), expect=take_any)
        assert line(world) == before
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_each_reads_of_the_whistles_that_he_may_see(kept: tuple[World, SlaReport]) -> None:
    world, _ = kept
    assert line(world, "office-01", "citymgmt") is None
    seen = line(world, "office-01")
    assert seen is not None
    assert seen.called == 7
    assert line(world, "commissioner-21") is None


@pytest.mark.django_db
def test_the_report_shows_them(kept: tuple[World, SlaReport]) -> None:
    world, report = kept
    headers = bearer(world.user("bureau"))
    told = Client().get("/api/v1/reports/sla/", {"date": DAY.isoformat()}, headers=headers).json()
    assert [one["code"] for one in told["departments"]] == ["citymgmt", "police"]
    assert told["departments"][1]["answer_rate"] == 0.25
    assert told["text_zh"].endswith("当日吹哨后未按时回应或到场的部门：公安。")
    assert told["departments"][0]["answer_rate"] is None
    assert [one["called"] for one in told["recent"]["departments"]] == [1, 7]
    answer = Client().get("/api/v1/reports/sla.xlsx", {"date": DAY.isoformat()}, headers=headers)
    book = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(answer.streaming_content)))
    rows = book.get_sheet_by_name("部门报到").to_python()
    assert rows[0] == ["统计期", "部门", *departments.COLUMNS.values()]
    assert rows[2][:3] == ["当日", "公安", 7]
    assert rows[2][6] == 0.25
    assert rows[2][-2:] == [25, 120]
    client = Client()
    client.force_login(world.user("bureau"))
    page = client.get(f"/admin/reports/slareport/{report.pk}/change/").content.decode()
    assert "部门报到（社区吹哨）" in page
    assert "25.00%" in page
