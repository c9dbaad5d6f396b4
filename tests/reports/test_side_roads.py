"""No side road makes a lateness disappear (DOMAIN.md §5): the night's figures, by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kernel import clock
from leads import lifecycle
from leads.models import Lead
from leads.states import State
from reports import kpi, rollup
from tests.factories import leads as made
from tests.factories.grids import make_world
from tests.factories.leads import pass_time, stand_at, take_any
from tests.factories.reports import DAY, moment

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> Any:
    stand_at(moment("09:00", DAY))
    return make_world()


def figures() -> dict[str, int]:
    """The day's counts of all grids together, as of its end."""
    from reports.models import DailyGridStat

    rollup.rebuild([DAY], as_of=moment("00:00", DAY + timedelta(days=1)))
    return kpi.total(row.counts() for row in DailyGridStat.objects.filter(day=DAY))


def end(lead: Lead, state: State, **columns: Any) -> None:
    """A lead that is over without a result, as its row says."""
    Lead.objects.filter(pk=lead.pk).update(state=state, **columns)


def test_what_was_never_late_leaves_every_rate(world: Any) -> None:
    lead = made.reported(world)
    end(lead, State.REJECTED, rejected_at=clock.now() + timedelta(minutes=10))
    found = figures()
    assert (found["reported"], found["rejected"]) == (1, 1)
    assert {found[name] for name in ("respond_counted", "feedback_counted", "closure_counted", "mature")} == {
        0
    }


def test_what_was_late_before_it_was_rejected_stays(world: Any) -> None:
    lead = made.reported(world)
    pass_time(timedelta(minutes=31))
    end(lead, State.REJECTED, rejected_at=clock.now())
    found = figures()
    assert (found["respond_counted"], found["responded_on_time"]) == (1, 0)
    assert (found["closure_counted"], found["closed"]) == (1, 0)
    assert found["feedback_counted"] == 0, "its feedback was not owed any more"


def test_a_merged_lead_that_was_late_stays_and_one_in_time_does_not(world: Any) -> None:
    survivor = made.responded(world, 2)
    late, fine = made.reported(world), made.responded(world, 3)
    end(fine, State.MERGED, merged_at=clock.now() + timedelta(minutes=5), merged_into=survivor)
    pass_time(timedelta(minutes=45))
    end(late, State.MERGED, merged_at=clock.now(), merged_into=survivor)
    found = figures()
    assert (found["reported"], found["merged"]) == (3, 2)
    assert (found["respond_counted"], found["responded_on_time"]) == (2, 1)


def test_a_suspended_lead_is_not_late_while_it_is_and_keeps_what_was(world: Any) -> None:
    standing, late = made.responded(world, 1), made.responded(world, 2)
    at = clock.now()
    for lead, due in ((standing, at + timedelta(hours=2)), (late, at - timedelta(minutes=1))):
        Lead.objects.filter(pk=lead.pk).update(
            state=State.SUSPENDED,
            suspended_at=at,
            suspended_until=at + timedelta(days=2),
            feedback_due_at=due,
            feedback_strict_due_at=due,
        )
    found = figures()
    assert found["feedback_counted"] == 1, "the one that was late before"
    assert found["strict_counted"] == 2, "without pauses both were owed"
    assert found["fed_back_on_time"] == 0


def test_an_interim_answer_is_told_apart(world: Any) -> None:
    lead = made.responded(world)
    Lead.objects.filter(pk=lead.pk).update(
        first_interim_at=clock.now() + timedelta(hours=1), final_due_at=clock.now() + timedelta(days=2)
    )
    found = figures()
    assert (found["feedback_counted"], found["fed_back_on_time"], found["interim_on_time"]) == (1, 1, 1)
    assert found["fed_back"] == 0


def test_an_extended_limit_helps_the_rate_but_not_the_strict_one(world: Any) -> None:
    lead = made.responded(world)
    at = clock.now()
    Lead.objects.filter(pk=lead.pk).update(
        feedback_due_at=at + timedelta(hours=8), feedback_strict_due_at=at + timedelta(hours=1)
    )
    pass_time(timedelta(hours=2), fire=False)
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=made.GUIDED)
    found = figures()
    assert (found["feedback_counted"], found["fed_back_on_time"]) == (1, 1)
    assert (found["strict_counted"], found["strict_on_time"]) == (1, 0)


def test_what_was_food_once_is_food(world: Any) -> None:
    lead = made.reported(world, category="F03")
    Lead.objects.filter(pk=lead.pk).update(food=False, category_id="L01")
    found = figures()
    assert (found["food"], found["food_left"], found["food_same_day"]) == (1, 1, 0)


def test_what_another_department_took_over_is_kept_out_of_closing(world: Any) -> None:
    lead = made.closed(world)
    Lead.objects.filter(pk=lead.pk).update(handed_over_at=clock.now())
    found = figures()
    assert (found["handed_over"], found["closure_counted"], found["closed"]) == (1, 0, 0)
    assert found["responded_on_time"] == 1


def test_tip_offs_are_in_no_figure(world: Any) -> None:
    lead = made.closed(world, category="F03")
    Lead.objects.filter(pk=lead.pk).update(restricted=True, restricted_section="FOOD")
    assert figures() == dict.fromkeys(kpi.COUNTS, 0)
