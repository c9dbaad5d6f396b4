"""Later rounds, promises and departments hide no lateness, and a new round makes none up (DOMAIN.md §5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kernel import clock
from leads import interim, lifecycle, referral, rejection, reopening
from leads.interim import Interim
from leads.models import Lead, RejectReason
from reports import kpi, rollup
from reports.models import DailyGridStat, SlaOverdue
from tests.factories import leads as made
from tests.factories.after import referred
from tests.factories.grids import make_world
from tests.factories.leads import pass_time, stand_at, take_any
from tests.factories.reports import DAY, moment
from tests.factories.reports import made as report_of
from tests.factories.requests import decided
from tests.leads.test_between_roads import on, waiting

pytestmark = pytest.mark.django_db

A_DAY = timedelta(days=1)


@pytest.fixture
def world(db: None) -> Any:
    stand_at(moment("09:00", DAY))
    return make_world()


def figures() -> dict[str, int]:
    """The figures of the first day, as they stand now."""
    rollup.rebuild([DAY], as_of=clock.now())
    return kpi.total(row.counts() for row in DailyGridStat.objects.filter(day=DAY))


def rejected(world: Any, lead: Lead) -> None:
    rejection.reject(**on(lead, world.commissioner(1), reason_kind=RejectReason.OTHER, note="不属本所"))
    decided(waiting(lead, rejection.REJECT), world.worker(1))
    pass_time(timedelta(minutes=1))


def late_of(found: dict[str, int]) -> tuple[int, int]:
    return found["closing_counted"] - found["closed_on_time"], found["closure_counted"] - found["closed"]


def test_a_promise_that_was_broken_stays_when_the_lead_is_rejected(world: Any) -> None:
    lead = made.responded(world)
    promised = Interim("已查看", "待检验", clock.now() + timedelta(days=3))
    interim.give(**on(lead, world.commissioner(1), interim=promised))
    pass_time(until=promised.final_due_at)
    rejected(world, lead)
    found = figures()
    assert (found["rejected"], found["closure_counted"], found["closed"]) == (1, 1, 0)


def test_a_later_rounds_lateness_stays_when_the_lead_is_rejected(world: Any) -> None:
    lead = made.reworked(world)
    pass_time(A_DAY + timedelta(hours=1))
    assert lead.orders.filter(cause="feedback", cycle=2).exists()
    rejected(world, lead)
    assert figures()["closure_counted"] == 1


def test_a_closing_that_was_late_stays_whoever_takes_the_matter_over(world: Any) -> None:
    lead = referred(world)
    pass_time(until=lead.closing_due_at)
    before = late_of(figures())
    referral.enter_receipt(**on(lead, world.commissioner(1)))
    pass_time(timedelta(minutes=1))
    found = figures()
    assert (late_of(found), found["handed_over"]) == (before, 1)
    assert before == (1, 1)


def test_a_new_round_makes_no_lateness_up(world: Any) -> None:
    lead = made.closed(world)
    pass_time(4 * A_DAY)
    reopening.reopen(**on(lead, world.head_of(1), reason="又有问题"))
    day = clock.local_date(clock.now())
    assert list(SlaOverdue.objects.filter(report=report_of(day)).values_list("clock", "cycle")) == []


def test_an_interim_feedback_in_time_answers_a_later_round_too(world: Any) -> None:
    lead = made.reworked(world)
    promised = Interim("已查看", "待检验", clock.now() + timedelta(days=6))
    interim.give(**on(lead, world.commissioner(1), interim=promised))
    clocks = SlaOverdue.objects.filter(report=report_of(DAY + 2 * A_DAY)).values_list("clock", flat=True)
    assert "feedback" not in clocks


def test_closed_again_after_a_new_round_is_what_it_was(world: Any) -> None:
    lead = made.closed(world)
    reopening.reopen(**on(lead, world.head_of(1), reason="又有问题"))
    lifecycle.feed_back(**on(lead, world.commissioner(1), outcome=made.GUIDED))
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    pass_time(timedelta(minutes=1))
    assert late_of(figures()) == (0, 0)
