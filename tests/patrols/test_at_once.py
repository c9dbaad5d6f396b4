"""Several at the same moment: one task is done once, only one goes in below the cap, and plans made while
grades fall and patrols are done lose nothing."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connections, transaction

from credit.grade_changes import GradeMove
from credit.models import CreditFact
from grids import contacts
from grids.contacts import Contact
from grids.demo import World
from grids.models import BusinessEntity, EntityContact, Purpose
from kernel import clock
from kernel.deadlines.contention import retried
from kernel.errors import DomainError
from patrols import doing, planning
from patrols.given import Given
from patrols.kinds import How, TaskKind
from patrols.models import PatrolTask, PatrolVisit
from tests.factories.grids import make_world
from tests.factories.leads import take_any
from tests.factories.plans import graded, kinds_of, stand
from tests.factories.visits import give_cards, papers, said, task_of


@pytest.fixture
def town(committed_db: str) -> World:
    return make_world()


def at_once(*works: Callable[[], Any]) -> list[str]:
    """Run these in threads of their own; what each came to: `done`, or the code of its refusal."""
    told: list[str] = []
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> None:
        try:
            gate.wait(timeout=10)
            work()
            told.append("done")
        except DomainError as refused:
            told.append(refused.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return sorted(told)


def doing_it(task: PatrolTask, by: Any, given: Given | None = None) -> Callable[[], Any]:
    sent = given or said()
    return lambda: doing.complete(task_id=task.pk, by=by, expect=take_any, given=sent)


def test_whoever_is_first(town: World) -> None:
    task = task_of(town)
    told = at_once(*(doing_it(task, town.worker(1, person)) for person in (1, 2)))
    assert told == ["done", "task_done"]
    assert (PatrolVisit.objects.count(), EntityContact.objects.count(), CreditFact.objects.count()) == (
        1,
        1,
        1,
    )

    same, again = said(), task_of(town)
    assert at_once(*(doing_it(again, town.worker(1), same) for _ in range(3))) == ["done"] * 3
    assert PatrolVisit.objects.filter(task=again).count() == 1

    give_cards(town)
    check = task_of(town, TaskKind.WEEKLY_CHECK)
    other = task_of(town, TaskKind.WEEKLY_CHECK, entity=check.entity, days_before=7)
    at = clock.now()
    contacts.record([Contact(check.entity_id, Purpose.CHECK, None, at, f"t:{turn}") for turn in range(23)])
    given = [said(papers=papers(town), how=How.SINGLE) for _ in range(2)]
    officer = town.commissioner(1)
    told = at_once(doing_it(check, officer, given[0]), doing_it(other, officer, given[1]))
    assert told == ["cap_reached", "done"]


def falling(shop: BusinessEntity) -> Callable[[], Any]:
    """As a grading does it: the business locked, its grade written, the plan told, in one transaction."""

    @transaction.atomic
    def fall() -> None:
        BusinessEntity.objects.select_for_update(no_key=True).get(pk=shop.pk)
        stand(shop, "D")
        planning.on_grade_change([GradeMove(shop.pk, "C", "D", "SCORE", ())], clock.now())

    def rise_and_fall() -> None:
        stand(shop, "B")
        retried(fall)

    return rise_and_fall


def test_plans_falls_and_patrols_at_once(town: World) -> None:
    """Lock orders: business → plan → tasks in a fall, plan → tasks in a plan, business → task in a patrol."""
    standing, falls = [graded(town, "C") for _ in range(4)], [graded(town, "B") for _ in range(4)]
    today = clock.today()
    planning.plan(today)
    daily = list(PatrolTask.objects.filter(entity__in=standing, kind=TaskKind.DAILY_PATROL, period=today))
    told = at_once(
        *(partial(planning.plan, today) for _ in range(2)),
        *(falling(shop) for shop in falls),
        *(doing_it(task, town.worker(1)) for task in daily),
    )
    assert told == ["done"] * len(told)
    assert len(told) == 6 + len(daily)
    for shop in (*standing, *falls):
        assert kinds_of(shop) == ["DAILY_PATROL", "WEEKLY_CHECK"]
    assert PatrolVisit.objects.count() == len(daily)
    planning.plan(today)
    rows = PatrolTask.objects.filter(state="PLANNED").exclude(kind="QUARTERLY_REVIEW")
    walks = Counter(rows.values_list("assignee", "planned_on", "sequence"))
    assert max(walks.values()) == 1
    assert not rows.filter(sequence=0).exists()
