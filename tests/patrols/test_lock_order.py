"""The order of locks around a business (`plan_walk.hold_the_plan`), with two real connections.

One stops where it holds its first locks, the other comes until it has to wait, then the first goes on. Out of
order they would wait for each other; here nobody tries again after contention, so a deadlock fails the test.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, transaction
from pytest_django import DjangoDbBlocker

from credit import grading, ledger
from credit.facts import FactKind
from credit.ledger import NewFact
from credit.models import CreditAssessment
from grids import contacts, postings, register
from grids.contacts import Contact
from grids.demo import World
from grids.models import BusinessEntity, EntityStatus, Posting, Purpose
from kernel import clock
from kernel.approvals.models import Approval
from kernel.clock import SHANGHAI
from kernel.deadlines import contention
from kernel.errors import DomainError
from kernel.journal.models import Entry
from patrols import desk, doing, plan_walk, planning
from patrols.given import Stretch
from patrols.kinds import How, Result, TaskKind, TaskState
from patrols.models import PatrolTask
from tests import databases
from tests.factories.grids import make_world
from tests.factories.leads import take_any
from tests.factories.plans import MONDAY, graded, stand
from tests.factories.visits import give_cards, papers, said, task_of

WAITS = """
SELECT EXISTS (SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid())
"""


@dataclass
class Stop:
    """Where the first one stops: `there` once it has come, `go` lets it go on."""

    there: threading.Event
    go: threading.Event

    def __call__(self) -> None:
        self.there.set()
        assert self.go.wait(20)


def stopping(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, *, after: bool = False) -> Stop:
    """The next thread that is called `first` stops before (or after) this function of a module."""
    stop, original = Stop(threading.Event(), threading.Event()), getattr(module, name)

    def stopped(*args: Any, **kwargs: Any) -> Any:
        mine = threading.current_thread().name == "first"
        if mine and not after:
            stop()
        found = original(*args, **kwargs)
        if mine and after:
            stop()
        return found

    monkeypatch.setattr(module, name, stopped)
    return stop


@contextmanager
def running(name: str, work: Callable[[], Any]) -> Iterator[list[Any]]:
    """This work in a thread of its own; what it came to."""
    came: list[Any] = []

    def run() -> None:
        try:
            came.append(work())
        except Exception as error:  # noqa: BLE001 - handed to the test
            came.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, name=name)
    thread.start()
    yield came
    thread.join(30)
    assert not thread.is_alive()


def one_then_the_other(stop: Stop, first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """What both came to, a refusal among it. The second starts when the first has stopped; the first goes on
    when the second waits for a lock, or is through."""
    with running("first", first) as mine:
        assert stop.there.wait(20), mine
        with running("second", second) as theirs:
            _until_it_waits(theirs)
            stop.go.set()
    for one in (*mine, *theirs):
        if isinstance(one, Exception) and not isinstance(one, DomainError):
            raise one
    return [*mine, *theirs]


def _until_it_waits(came: list[Any]) -> None:
    until = time.monotonic() + 20
    while not came and time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(WAITS)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)


@pytest.fixture(scope="module")
def built(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """One committed world for this file: every test has its own shops."""
    with django_db_blocker.unblock(), databases.fresh() as name, databases.pointed_at(name):
        clock.set_to(datetime(2026, 11, 23, 10, tzinfo=SHANGHAI))
        found = make_world()
        give_cards(found)
        yield found


@pytest.fixture
def town(
    built: World, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """Contention is an error here, not a reason to try again."""
    monkeypatch.setattr(contention, "BUSY_STATES", ())
    with django_db_blocker.unblock():
        yield built


def at_the_cap(town: World) -> PatrolTask:
    """A check about which the bureau is asked."""
    shop = graded(town, "C")
    at = clock.now()
    contacts.record([Contact(shop.pk, Purpose.CHECK, None, at, f"{shop.pk}:{turn}") for turn in range(24)])
    planning.plan(clock.today())
    task: PatrolTask = PatrolTask.objects.get(entity=shop, kind=TaskKind.WEEKLY_CHECK)
    assert task.state == TaskState.ASKS
    return task


def from_records(town: World, task: PatrolTask) -> Callable[[], Any]:
    sent = said(how=How.RECORDS, papers=papers(town))
    return lambda: doing.complete(task_id=task.pk, by=town.commissioner(1), expect=take_any, given=sent)


def grading_of(shop: BusinessEntity) -> Callable[[], Any]:
    """A regrade that moves the shop: it has been put on the blacklist."""
    source = f"list:{shop.pk}"
    with transaction.atomic():
        ledger.record(NewFact(shop.pk, FactKind.BLACKLISTED, source, clock.now(), source, "LISTED"))
        stand(shop, "A")
        BusinessEntity.objects.filter(pk=shop.pk).update(filed_on=MONDAY - timedelta(days=900))
    return lambda: grading.regrade([shop.pk], at=clock.now(), trigger=CreditAssessment.Trigger.FACT)


def closing_of(town: World, shop: BusinessEntity) -> Callable[[], Any]:
    changes = {"status": EntityStatus.CLOSED}
    who = town.head_of(1)
    return lambda: register.edit(entity_id=shop.pk, by=who, expect=take_any, changes=changes)


def test_a_check_that_waits_for_the_cap_is_made_while_its_business_changes(
    town: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clocks, businesses, plan, tasks – whoever comes first, and whatever ends the question."""
    makers: dict[str, Callable[[BusinessEntity], Callable[[], Any]]] = {
        "regrade": grading_of,
        "edit": partial(closing_of, town),
        "plan": lambda shop: stand(shop, "B") and partial(planning.plan, clock.today()),
    }
    for name, make in makers.items():
        task = at_the_cap(town)
        stop = stopping(monkeypatch, desk, "_locked_entities")
        one_then_the_other(stop, from_records(town, task), make(task.entity))
        task.refresh_from_db()
        assert task.state == TaskState.DONE, name
        asked = Approval.objects.get(subject_kind="patrol_task", subject_id=task.pk)
        assert asked.state == "withdrawn", name
        monkeypatch.undo()
        monkeypatch.setattr(contention, "BUSY_STATES", ())


def test_what_ends_the_question_comes_first(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other way round the check waits, and is refused; who was asked is told the true reason."""
    task = at_the_cap(town)
    stop = stopping(monkeypatch, register, "locked", after=True)
    _, refused = one_then_the_other(stop, closing_of(town, task.entity), from_records(town, task))
    assert refused.code == "task_cancelled"
    task.refresh_from_db()
    assert task.why == "主体状态为“已停业”，不再安排"
    asked = Approval.objects.get(subject_kind="patrol_task", subject_id=task.pk)
    assert asked.state == "withdrawn"
    ended = Entry.objects.get(stream=asked.stream, kind="approval.withdrawn")
    assert ended.data["why"] == task.why


def side_by_side(*works: Callable[[], Any]) -> Callable[[], list[Any]]:
    """These at once; what they came to. Nobody's contention is forgiven."""

    def both() -> list[Any]:
        with ExitStack() as stack:
            came = [stack.enter_context(running(f"beside {n}", work)) for n, work in enumerate(works)]
        found = [one for some in came for one in some]
        for one in found:
            if isinstance(one, Exception) and not isinstance(one, DomainError):
                raise one
        return found

    return both


def test_two_plans_and_a_check_that_waits_for_the_cap(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever of them is first: the other two wait for its clocks, and no circle closes."""
    night = partial(planning.plan, clock.today())
    task = at_the_cap(town)
    stop = stopping(monkeypatch, desk, "_locked_entities")
    one_then_the_other(stop, from_records(town, task), side_by_side(night, night))
    task.refresh_from_db()
    assert task.state == TaskState.DONE
    monkeypatch.undo()
    monkeypatch.setattr(contention, "BUSY_STATES", ())
    task = at_the_cap(town)
    stop = stopping(monkeypatch, plan_walk, "hold_the_plan", after=True)
    one_then_the_other(stop, night, side_by_side(night, from_records(town, task)))
    task.refresh_from_db()
    assert task.state == TaskState.DONE


def test_called_off_while_its_visit_is_told(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Done before the plan called it off, told at the same moment: it is done, and under its lock."""
    shop = graded(town, "C")
    planning.plan(clock.today())
    stand(shop, "B")
    task = PatrolTask.objects.get(entity=shop, kind=TaskKind.DAILY_PATROL)
    stop = stopping(monkeypatch, desk, "_locked_entities", after=True)
    sent = said(captured_at=clock.now() - timedelta(minutes=5))
    done = partial(doing.complete, task_id=task.pk, by=town.worker(1), expect=take_any, given=sent)
    one_then_the_other(stop, done, partial(planning.plan, clock.today()))
    task.refresh_from_db()
    assert task.state == TaskState.DONE
    assert task.called_off_at is not None
    assert Entry.objects.filter(stream=task.stream).latest("seq").data["was_called_off"] is True


def test_an_officer_finds_a_shop_gone_while_the_night_plans(
    town: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = graded(town, "C")
    planning.plan(clock.today())
    stand(shop, "B")  # the plan is to call the check off
    task = PatrolTask.objects.get(entity=shop, kind=TaskKind.WEEKLY_CHECK)
    stop = stopping(monkeypatch, desk, "_locked_tasks", after=True)
    sent = said(Result.GONE)
    gone = partial(doing.complete, task_id=task.pk, by=town.commissioner(1), expect=take_any, given=sent)
    one_then_the_other(stop, gone, partial(planning.plan, clock.today()))
    task.refresh_from_db()
    shop.refresh_from_db()
    assert (task.state, shop.status) == (TaskState.DONE, EntityStatus.MOVED)
    assert not PatrolTask.objects.filter(entity=shop, state__in=["PLANNED", "ASKS"]).exists()


def test_a_plan_takes_tasks_in_the_order_of_a_stretch(town: World) -> None:
    """A stretch holds the first of its tasks and wants the second; the plan calls both off. In the table the
    second lies before the first."""
    first, second = (task_of(town, entity=graded(town, "B")) for _ in range(2))
    PatrolTask.objects.filter(pk=first.pk).update(why="x" * 200)
    holds, goes = threading.Event(), threading.Event()

    @transaction.atomic
    def stretch() -> None:
        PatrolTask.objects.select_for_update(no_key=True).get(pk=first.pk)
        holds.set()
        assert goes.wait(20)
        PatrolTask.objects.select_for_update(no_key=True).get(pk=second.pk)

    one_then_the_other(Stop(holds, goes), stretch, partial(planning.plan, clock.today()))
    assert set(PatrolTask.objects.filter(pk__in=[first.pk, second.pk]).values_list("state", flat=True)) == {
        TaskState.CANCELLED
    }


def test_who_gets_other_people_waits_for_no_task_that_is_being_done(town: World) -> None:
    tasks = [task_of(town, entity=graded(town, "C")) for _ in range(2)]
    leaver = Posting.objects.get(user=town.worker(1), role="GRID_WORKER")
    with transaction.atomic():
        PatrolTask.objects.select_for_update(no_key=True).get(pk=tasks[0].pk)
        with running("second", partial(postings.end, posting=leaver, at=clock.now(), by=None)) as came:
            _until_it_waits(came)
            assert came == [leaver] or not isinstance(came[0], Exception), came
    tasks[0].refresh_from_db()
    tasks[1].refresh_from_db()
    assert tasks[0].assignee == leaver.user
    assert tasks[1].assignee != leaver.user


def test_stretch_by_service_and_plan(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same through the service: what the stretch holds is done, and the plan leaves it so."""
    tasks = [task_of(town, entity=graded(town, "B")) for _ in range(3)]
    stop = stopping(monkeypatch, desk, "_locked_tasks", after=True)
    stretch = Stretch(uuid.uuid4(), tuple((task.pk, task.version) for task in tasks))
    work = partial(doing.complete_batch, by=town.worker(1), stretch=stretch)
    one_then_the_other(stop, work, partial(planning.plan, clock.today()))
    ids = [task.pk for task in tasks]
    assert set(PatrolTask.objects.filter(pk__in=ids).values_list("state", flat=True)) == {TaskState.DONE}
