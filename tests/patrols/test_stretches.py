"""A stretch of street in one go (全部正常，除…): all or nothing, and as dear for sixty as for five."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credit.models import CreditFact
from grids.demo import World
from grids.models import EntityContact
from kernel import clock
from kernel.accounts.models import User
from kernel.errors import Conflict, NotVisible, Refused
from leads.models import Lead
from patrols import doing
from patrols.doing import StretchRefused
from patrols.given import Exceptional, Finding, Stretch
from patrols.kinds import Result, TaskKind, TaskState
from patrols.models import PatrolTask, PatrolVisit
from tests.factories.leads import stand_at
from tests.factories.visits import said, task_of, tasks_along

pytestmark = pytest.mark.django_db


def along(tasks: list[PatrolTask], *exceptions: Exceptional) -> Stretch:
    return Stretch(uuid.uuid4(), tuple((task.pk, task.version) for task in tasks), exceptions)


def statements(by: User, stretch: Stretch) -> int:
    with CaptureQueriesContext(connection) as seen:
        doing.complete_batch(by=by, stretch=stretch)
    return len(seen.captured_queries)


def test_all_well_but_the_exceptions(world: World) -> None:
    tasks = tasks_along(world, 4)
    stretch = along(
        tasks,
        Exceptional(tasks[1].pk, Result.CLOSED_TODAY, "下午再来"),
        Exceptional(tasks[2].pk, Result.PROBLEM, finding=Finding("F03", "后厨有老鼠")),
    )
    done = doing.complete_batch(by=world.worker(1), stretch=stretch)
    assert [one.result for one in done.visits] == ["ok", "closed_today", "problem", "ok"]
    assert {(one.how, one.stretch) for one in done.visits} == {("STRETCH", stretch.client_uid)}
    assert Lead.objects.get() == done.visits[2].lead
    assert {task.state for task in PatrolTask.objects.all()} == {TaskState.DONE}
    assert CreditFact.objects.filter(kind="PATROL").count() == 3
    assert EntityContact.objects.filter(entered=True).count() == 3


def test_the_same_stretch_again_is_made_once(world: World) -> None:
    tasks = tasks_along(world, 3)
    stretch = along(tasks)
    first = doing.complete_batch(by=world.worker(1), stretch=stretch)
    again = doing.complete_batch(by=world.worker(1), stretch=stretch)
    assert (first.created, again.created, again.visits) == (True, False, first.visits)
    with pytest.raises(Conflict) as found:
        doing.complete_batch(by=world.worker(1), stretch=replace(stretch, note="另一次"))
    assert found.value.code == "client_uid_conflict"


def test_one_that_cannot_be_done_holds_all_and_each_is_named(world: World) -> None:
    tasks = [*tasks_along(world, 2), task_of(world, TaskKind.WEEKLY_CHECK), task_of(world)]
    doing.complete(task_id=tasks[0].pk, by=world.worker(1), expect=lambda version: None, given=said())
    PatrolTask.objects.filter(pk=tasks[3].pk).update(version=7)
    with pytest.raises(StretchRefused) as found:
        doing.complete_batch(by=world.worker(1), stretch=along(tasks))
    told = {(one.attr, one.code) for one in found.value.errors}
    assert told == {
        (f"tasks.{tasks[0].pk}", "stale_version"),
        (f"tasks.{tasks[2].pk}", "not_in_a_stretch"),
        (f"tasks.{tasks[3].pk}", "stale_version"),
    }
    assert tasks[3].entity.name in str([one.detail for one in found.value.errors])
    assert PatrolVisit.objects.count() == 1


def test_one_that_was_called_off_after_it_was_walked_is_done_with_the_rest(world: World) -> None:
    tasks, when = tasks_along(world, 3), clock.now()
    PatrolTask.objects.filter(pk=tasks[1].pk).update(
        state="CANCELLED", called_off_at=when + timedelta(hours=1), version=2
    )
    stand_at(when + timedelta(hours=2))
    with pytest.raises(StretchRefused):
        doing.complete_batch(by=world.worker(1), stretch=along(tasks))
    done = doing.complete_batch(by=world.worker(1), stretch=replace(along(tasks), captured_at=when))
    assert len(done.visits) == 3
    tasks[1].refresh_from_db()
    assert (tasks[1].state, tasks[1].version) == ("DONE", 3)


def test_a_refused_finding_names_its_shop(world: World) -> None:
    tasks = tasks_along(world, 2)
    wrong = Exceptional(tasks[1].pk, Result.PROBLEM, finding=Finding("X99", "?"))
    with pytest.raises(Refused) as found:
        doing.complete_batch(by=world.worker(1), stretch=along(tasks, wrong))
    assert found.value.attr == f"tasks.{tasks[1].pk}.lead.category"
    assert not PatrolVisit.objects.exists()


def test_what_is_no_stretch_is_refused(world: World) -> None:
    task, other = tasks_along(world, 2)
    for stretch, code in (
        (along([]), "nothing_to_do"),
        (Stretch(uuid.uuid4(), tuple((n, 1) for n in range(1, 62))), "too_many"),
        (along([task, task]), "twice"),
        (along([task], Exceptional(other.pk, Result.OK)), "not_in_the_stretch"),
        (along([task], Exceptional(task.pk, Result.PROBLEM)), "lead_required"),
    ):
        with pytest.raises(Refused) as found:
            doing.complete_batch(by=world.worker(1), stretch=stretch)
        assert found.value.code == code
    with pytest.raises(NotVisible):
        doing.complete_batch(by=world.worker(21), stretch=along([task]))


def test_sixty_shops_take_as_many_statements_as_five(world: World) -> None:
    few = statements(world.worker(1), along(tasks_along(world, 5)))
    many = statements(world.worker(1), along(tasks_along(world, 60)))
    assert many == few
    assert many <= 24
