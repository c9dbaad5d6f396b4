"""Two people at the same moment: one task is done once, and only one goes in below the cap."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from credit.models import CreditFact
from grids import contacts
from grids.contacts import Contact
from grids.demo import World
from grids.models import EntityContact, Purpose
from kernel import clock
from kernel.errors import DomainError
from patrols import doing
from patrols.given import Given
from patrols.kinds import How, TaskKind
from patrols.models import PatrolTask, PatrolVisit
from tests.factories.grids import make_world
from tests.factories.leads import take_any
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
