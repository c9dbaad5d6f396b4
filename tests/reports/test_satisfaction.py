"""满意率 with n and the response rate, and what citizens were answered, computed by hand (DOMAIN.md §5)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from grids.demo import World
from kernel import clock
from leads import answers, reopening, surveys
from leads.models import Lead, Rating, Result
from reports import kpi, rollup
from reports.models import DailyGridStat
from tests.factories import citizens
from tests.factories import leads as made
from tests.factories.grids import make_entity, make_world
from tests.factories.leads import take_any
from tests.factories.reports import DAY, move_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    move_to("08:00", DAY)
    world = make_world()
    move_to("09:00", DAY)
    return world


def figures() -> dict[str, int]:
    rollup.rebuild([DAY], as_of=clock.now())
    return kpi.total(row.counts() for row in DailyGridStat.objects.filter(day=DAY))


def say(lead: Lead, rating: Rating) -> None:
    surveys.answer_by_link(token=citizens.token_in(citizens.sms(lead)), rating=rating)


def test_rates_with_n_and_response(world: World) -> None:
    told = [citizens.closed(world, number) for number in (1, 2, 3, 4, 5)]
    made.closed(world, 6)
    citizens.reported(world, 7)
    for lead, rating in zip(
        told, (Rating.VERY_SATISFIED, Rating.SATISFIED, Rating.NEUTRAL, Rating.UNSATISFIED), strict=False
    ):
        say(lead, rating)
    made.pass_time(timedelta(minutes=1))
    counts = figures()
    assert {name: counts[name] for name in ("surveys", "rated", "satisfied", "not_asked")} == {
        "surveys": 5,
        "rated": 4,
        "satisfied": 2,
        "not_asked": 1,
    }
    rates = kpi.rates(counts)
    assert rates["satisfaction_rate"] == Decimal("0.5000")
    assert rates["survey_response_rate"] == Decimal("0.8000")
    assert rates["answered_rate"] == Decimal("0.0000")


def test_a_shop_that_was_asked_counts_with_the_citizens(world: World) -> None:
    lead = made.closed(world, 1, entity_id=make_entity(world, 1).pk)
    surveys.record_by_telephone(lead_id=lead.pk, by=world.user("bureau"), rating=Rating.SATISFIED)
    made.closed(world, 2, entity_id=make_entity(world, 2).pk)
    made.pass_time(timedelta(minutes=1))
    counts = figures()
    assert [counts[name] for name in ("surveys", "rated", "satisfied", "not_asked")] == [1, 1, 1, 1]


def test_a_shop_that_was_sent_the_link_is_asked_before_it_answers(world: World, settings: Any) -> None:
    settings.SUOSHE_SMS_BASE_URL = "http://127.0.0.1:1/sms"
    settings.SUOSHE_SMS_KEY = settings.SUOSHE_SMS_SECRET = "x"
    lead = made.closed(world, 1, entity_id=make_entity(world, 1, contact_phone="13812345678").pk)
    made.closed(world, 2, entity_id=make_entity(world, 2).pk)
    made.pass_time(timedelta(minutes=1))
    names = ("surveys", "rated", "not_asked")
    assert [figures()[name] for name in names] == [1, 0, 1]
    say(lead, Rating.SATISFIED)
    made.pass_time(timedelta(minutes=1))
    assert [figures()[name] for name in names] == [1, 1, 1]


def test_silence_is_not_satisfaction(world: World) -> None:
    citizens.closed(world)
    made.pass_time(timedelta(minutes=1))
    rates = kpi.rates(figures())
    assert rates["satisfaction_rate"] is None
    assert rates["survey_response_rate"] == Decimal("0.0000")


def test_answers_on_time_and_late(world: World) -> None:
    early, late, never = (citizens.closed(world, number) for number in (1, 2, 3))
    citizens.deliver(early)
    made.pass_time(until=late.answers.get().due_at)
    answers.record_call(lead_id=late.pk, by=world.head_of(2), client_uid=uuid.uuid4(), result=Result.REACHED)
    made.pass_time(timedelta(minutes=1))
    counts = figures()
    assert (counts["answers_owed"], counts["answered"], counts["answered_on_time"]) == (3, 2, 1)
    assert never.answers.get().answered_at is None
    assert DAY in rollup.moved_days(clock.local_date(clock.now()))


def test_what_was_taken_up_again_is_asked_by_round(world: World) -> None:
    lead = citizens.closed(world)
    made.pass_time(timedelta(minutes=1))
    before = clock.now()
    made.pass_time(timedelta(minutes=1))
    reopening.reopen(lead_id=lead.pk, by=world.head_of(1), expect=take_any, reason="群众再次来电")
    made.pass_time(timedelta(minutes=1))
    counts = figures()
    assert (counts["surveys"], counts["answers_owed"], counts["not_asked"]) == (0, 0, 0)
    rollup.rebuild([DAY], as_of=before)
    then = kpi.total(row.counts() for row in DailyGridStat.objects.filter(day=DAY))
    assert (then["surveys"], then["answers_owed"]) == (1, 1)
