"""Doing one task: who may, what follows, what is said twice, what was done offline."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credit.models import CreditAssessment, CreditFact, CreditScheme
from grids import absences
from grids.demo import World
from grids.models import BusinessEntity, EntityContact, KeyChange, Posting, TaskItem
from grids.roles import Role
from kernel import clock
from kernel.accounts.models import User
from kernel.errors import Conflict, DomainError, NotAllowed, NotVisible, Refused, StaleVersion
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from leads.models import Lead
from patrols import doing, planning
from patrols.given import Finding, Given
from patrols.kinds import How, Result, TaskKind, TaskState
from patrols.models import PatrolTask, PatrolVisit
from tests.factories.leads import stand_at, take_any
from tests.factories.plans import graded, kinds_of, stand
from tests.factories.visits import give_cards, papers, said, task_of

pytestmark = pytest.mark.django_db
RATS = Finding("F03", "后厨有老鼠")


def do(task: PatrolTask, by: User, given: Given | None = None) -> PatrolVisit:
    return doing.complete(task_id=task.pk, by=by, expect=take_any, given=given or said())


def refused(task: PatrolTask, by: User, given: Given | None = None) -> str:
    with pytest.raises(DomainError) as found:
        do(task, by, given)
    return found.value.code


# --- who -------------------------------------------------------------------------------------------


def test_any_worker_of_the_grid_may_and_nobody_else(world: World) -> None:
    assert do(task_of(world), world.worker(1)).on_behalf_of_id is None
    assert do(task_of(world), world.worker(1, 2)).by == world.worker(1, 2)
    task = task_of(world)
    for person in (
        world.commissioner(1),
        world.clerk_of(1),
        world.community_head_of(1),
        world.user("bureau"),
    ):
        assert refused(task, person) == "not_your_task"
    with pytest.raises(NotVisible):
        do(task, world.worker(21))


def test_a_stand_in_does_it_for_who_is_away(world: World) -> None:
    task, away, stand_in = task_of(world), world.worker(1), world.worker(2)
    with pytest.raises(NotVisible):
        do(task, stand_in)
    now = clock.now()
    absences.record(
        user=away, stand_in=stand_in, starts_at=now, ends_at=now + timedelta(days=1), by=away, at=now
    )
    assert do(task, world.worker(2)).on_behalf_of_id == away.pk


def test_where_no_worker_is_there_the_commissioner_takes_it(world: World) -> None:
    task = task_of(world)
    Posting.objects.filter(grid=task.grid, role=Role.GRID_WORKER).update(ends_at=clock.now())
    assert refused(task, world.clerk_of(1)) == "not_your_task"
    assert do(task, world.commissioner(1)).result == "ok"
    assert do(task_of(world), world.community_head_of(1)).result == "ok"


def test_a_review_is_no_visit(world: World) -> None:
    assert refused(task_of(world, TaskKind.QUARTERLY_REVIEW), world.commissioner(1)) == "not_a_visit"


# --- what follows ----------------------------------------------------------------------------------


def test_all_is_well(world: World) -> None:
    task = task_of(world)
    visit = do(task, world.worker(1), said(note="整洁", lon=116.7, lat=36.1))
    task.refresh_from_db()
    assert (task.state, task.version, task.done_at) == (TaskState.DONE, 2, clock.now())
    fact = CreditFact.objects.get(entity=task.entity)
    assert (fact.kind, fact.level, fact.ref) == ("PATROL", "OK", f"visit:{visit.pk}")
    contact = EntityContact.objects.get(entity=task.entity)
    assert (contact.purpose, contact.entered, contact.by_id) == ("PATROL", True, world.worker(1).pk)
    entry = Entry.objects.get(stream=task.stream)
    assert (entry.kind, entry.actor_id) == ("patrol.done", world.worker(1).pk)


def test_a_finding_is_a_lead_in_the_same_call_and_is_scored_once(world: World) -> None:
    task = task_of(world)
    visit = do(task, world.worker(1), said(Result.PROBLEM, finding=RATS))
    lead = Lead.objects.get()
    assert (visit.lead, lead.entity, lead.grid, lead.category_id) == (lead, task.entity, task.grid, "F03")
    assert (lead.assignee, lead.reported_by) == (world.commissioner(1), world.worker(1))
    assert lead.signatures.filter(side="community").count() == 2
    assert CreditFact.objects.get(entity=task.entity, kind="PATROL").level == "PROBLEM"
    assert not CreditFact.objects.filter(entity=task.entity, kind="FINDING").exists()


def test_what_the_intake_refuses_leaves_nothing_behind(world: World) -> None:
    task = task_of(world)
    with pytest.raises(Refused) as found:
        do(task, world.worker(1), said(Result.PROBLEM, finding=Finding("X99", "?")))
    assert (found.value.code, found.value.attr) == ("unknown_category", "lead.category")
    task.refresh_from_db()
    assert task.state == TaskState.PLANNED
    assert not PatrolVisit.objects.exists()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"result": Result.PROBLEM}, "lead_required"),
        ({"finding": RATS}, "lead_of_problem"),
        ({"how": How.RECORDS}, "how_not_for_patrol"),
        ({"how": How.STRETCH}, "not_in_a_stretch"),
        ({"how": How.RECORDS, "result": Result.CLOSED_TODAY}, "how_not_for_result"),
        ({"how": How.RECORDS, "result": Result.GONE}, "how_not_for_result"),
    ],
)
def test_what_contradicts_itself_is_refused(world: World, given: dict[str, Any], code: str) -> None:
    assert refused(task_of(world), world.worker(1), said(**given)) == code


def test_a_patrol_asks_for_no_papers(world: World) -> None:
    assert refused(task_of(world), world.worker(1), said(papers=papers(world))) == "no_papers_in_patrol"


@pytest.mark.parametrize(
    ("given", "entered", "facts"),
    [
        ({"result": Result.CLOSED_TODAY}, False, 0),
        ({"result": Result.GONE}, False, 0),
        ({"result": Result.REFUSED}, True, 0),
        ({"how": How.OUTSIDE}, False, 1),
    ],
)
def test_who_was_not_inside_is_not_counted_as_entering(
    world: World, given: dict[str, Any], entered: bool, facts: int
) -> None:
    task = task_of(world)
    do(task, world.worker(1), said(**given))
    assert EntityContact.objects.get(entity=task.entity).entered is entered
    assert CreditFact.objects.filter(entity=task.entity, kind="PATROL").count() == facts


def test_moved_away_waits_for_the_commissioner(world: World) -> None:
    task = task_of(world)
    do(task, world.worker(1), said(Result.GONE))
    change = KeyChange.objects.get(entity=task.entity)
    assert (change.state, change.changes["status"]["to"]) == ("WAITING", "MOVED")
    again = task_of(world, TaskKind.MONTHLY_PATROL, entity=task.entity)
    do(again, world.worker(1), said(Result.GONE))
    assert KeyChange.objects.count() == 1


def test_a_refusal_is_told_to_the_commissioner(world: World) -> None:
    task = task_of(world)
    do(task, world.worker(1), said(Result.REFUSED))
    told = OutboxMessage.objects.get(template="patrols.refused")
    assert told.recipient == world.commissioner(1)


def test_three_closed_doors_ask_once(world: World) -> None:
    first = task_of(world)
    shop, today = first.entity, clock.today()
    asked = []
    for place in range(5):
        stand_at(clock.now() + timedelta(days=1))
        task = task_of(world, entity=shop, on=today + timedelta(days=place + 1))
        do(task, world.worker(1), said(Result.CLOSED_TODAY))
        asked.append(TaskItem.objects.filter(source_kind="closed_streak").count())
    assert asked == [0, 0, 1, 1, 1]
    item = TaskItem.objects.get(source_kind="closed_streak")
    assert item.owner == world.commissioner(1)
    assert shop.name in item.title
    do(task_of(world, TaskKind.MONTHLY_PATROL, entity=shop), world.worker(1))
    for place in range(3):
        task = task_of(world, entity=shop, on=today + timedelta(days=place + 6))
        stand_at(clock.now() + timedelta(days=1))
        do(task, world.worker(1), said(Result.CLOSED_TODAY))
    assert TaskItem.objects.filter(source_kind="closed_streak").count() == 2


def test_records_say_nothing_about_the_door(world: World) -> None:
    """A check from records between shut doors is no visit that found it open."""
    give_cards(world)
    shop, today = task_of(world).entity, clock.today()
    for place in range(3):
        stand_at(clock.now() + timedelta(days=1))
        task = task_of(world, entity=shop, on=today + timedelta(days=place + 1))
        do(task, world.worker(1), said(Result.CLOSED_TODAY))
        if place == 1:
            check = task_of(world, TaskKind.WEEKLY_CHECK, entity=shop)
            do(check, world.commissioner(1), said(how=How.RECORDS, papers=papers(world)))
    item = TaskItem.objects.get(source_kind="closed_streak")
    assert "连续3次关门" in item.title


# --- twice, late, offline --------------------------------------------------------------------------


def test_the_same_again_gives_the_first_result(world: World) -> None:
    task, given = task_of(world), said(Result.PROBLEM, finding=RATS)
    first = do(task, world.worker(1), given)
    assert do(task, world.worker(1), given) == first
    assert (PatrolVisit.objects.count(), Lead.objects.count()) == (1, 1)
    with pytest.raises(Conflict) as found:
        do(task, world.worker(1), said(client_uid=given.client_uid))
    assert found.value.code == "client_uid_conflict"


def test_what_is_done_is_not_done_again(world: World) -> None:
    task = task_of(world)
    do(task, world.worker(1))
    assert refused(task, world.worker(1, 2)) == "task_done"
    with pytest.raises(Conflict, match="您发现的问题请另行上报线索") as found:
        do(task, world.worker(1, 2), said(Result.PROBLEM, finding=RATS))
    assert found.value.code == "task_done"
    with pytest.raises(StaleVersion):
        doing.complete(task_id=task.pk, by=world.worker(1, 2), expect=_seen(1), given=said())


def _seen(version: int) -> Any:
    def expect(current: int) -> None:
        if current != version:
            raise StaleVersion("x")

    return expect


def test_done_in_time_offline_counts_after_the_night(world: World) -> None:
    task, when = task_of(world), clock.now()
    PatrolTask.objects.filter(pk=task.pk).update(state=TaskState.MISSED, version=2)
    stand_at(when + timedelta(days=2))
    assert refused(task, world.worker(1)) == "period_over"
    given = said(captured_at=when)
    visit = doing.complete(task_id=task.pk, by=world.worker(1), expect=_seen(1), given=given)
    task.refresh_from_db()
    assert (task.state, task.version, task.done_at, visit.done_on) == ("DONE", 3, when, task.period)
    entry = Entry.objects.filter(stream=task.stream).latest("seq")
    assert entry.data["was_missed"] is True
    contact = EntityContact.objects.get(entity=task.entity)
    assert (contact.at, contact.on) == (when, task.period)


def test_done_before_it_was_called_off_counts_once_it_is_told(world: World) -> None:
    """A grade falls while somebody is in the shop without signal: nothing is typed twice."""
    shop, when = graded(world, "B"), clock.now()
    planning.plan(clock.today())
    task = PatrolTask.objects.get(entity=shop, kind=TaskKind.MONTHLY_PATROL)
    stand(shop, "C")
    stand_at(when + timedelta(hours=1))
    planning.replan([shop.pk], clock.now())
    stand_at(when + timedelta(hours=3))
    for given in (said(), said(captured_at=when + timedelta(hours=2)), said(captured_at=when - timedelta(9))):
        assert refused(task, world.worker(1), given) == "task_cancelled"
    given = said(captured_at=when)
    with CaptureQueriesContext(connection) as asked:
        doing.complete(task_id=task.pk, by=world.worker(1), expect=_seen(1), given=given)
    order = [
        place for place, one in enumerate(asked) if "advisory" in one["sql"] or "FOR NO KEY" in one["sql"]
    ]
    assert len(order) == 3, "business, plan, task"
    task.refresh_from_db()
    assert (task.state, task.version, task.done_at) == ("DONE", 3, when)
    assert Entry.objects.filter(stream=task.stream).latest("seq").data["was_called_off"] is True
    stand(shop, "B")
    planning.replan([shop.pk], clock.now())
    assert kinds_of(shop) == ["MONTHLY_PATROL", "QUARTERLY_REVIEW"]
    task.refresh_from_db()
    assert task.state == "DONE"


def test_a_task_taken_up_again_is_as_new(world: World) -> None:
    shop = graded(world, "B")
    planning.plan(clock.today())
    for grade in "CB":
        stand(shop, grade)
        planning.replan([shop.pk], clock.now())
    task = PatrolTask.objects.get(entity=shop, kind=TaskKind.MONTHLY_PATROL)
    assert (task.state, task.version, task.called_off_at) == ("PLANNED", 3, None)


def test_a_phone_that_is_not_believed_counts_by_receipt(world: World) -> None:
    task, when = task_of(world), clock.now()
    stand_at(when + timedelta(days=6))
    assert refused(task, world.worker(1), said(captured_at=when)) == "period_over"
    stand_at(when)
    visit = do(task, world.worker(1), said(captured_at=when + timedelta(hours=1)))
    assert visit.captured_at == when


def test_not_before_its_period_and_not_when_cancelled(world: World) -> None:
    ahead = task_of(world, on=clock.today() + timedelta(days=1))
    assert refused(ahead, world.worker(1)) == "too_early"
    assert refused(task_of(world, state=TaskState.CANCELLED), world.worker(1)) == "task_cancelled"


# --- outside the plan ------------------------------------------------------------------------------


def test_a_and_b_are_left_alone_without_a_reason(world: World) -> None:
    shop = task_of(world, TaskKind.MONTHLY_PATROL).entity
    with pytest.raises(Refused) as found:
        doing.visit(entity_id=shop.pk, by=world.worker(1), given=said())
    assert found.value.code == "reason_required"
    visit, created = doing.visit(entity_id=shop.pk, by=world.worker(1), given=said(), reason="群众反映油烟")
    assert (created, visit.task_id, visit.reason) == (True, None, "群众反映油烟")
    contact = EntityContact.objects.get(entity=shop)
    assert (contact.purpose, contact.entered) == ("PATROL", True)


def assessed(shop: BusinessEntity, grade: str, at: datetime) -> None:
    """A grading of this shop that left it in this grade."""
    CreditAssessment.objects.create(
        entity=shop, scheme=CreditScheme.objects.get(state="IN_FORCE"), trigger="FACT", at=at,
        on=clock.local_date(at), computed_grade=grade, effective_grade=grade, total=70, cause="SCORE",
        **{f"i{n}": 0 for n in range(1, 9)},
    )  # fmt: skip


def test_a_visit_told_of_later_goes_by_the_grade_of_its_moment(world: World) -> None:
    """Called on in C, told when the shop has risen: kept. A visit after the rise needs a reason."""
    shop, when = task_of(world).entity, clock.now()
    assessed(shop, "C", when - timedelta(days=1))
    assessed(shop, "B", when + timedelta(hours=2))
    BusinessEntity.objects.filter(pk=shop.pk).update(credit_grade="B")
    stand_at(when + timedelta(hours=3))
    late = said(captured_at=when + timedelta(hours=2, minutes=30))
    with pytest.raises(Refused) as found:
        doing.visit(entity_id=shop.pk, by=world.worker(1), given=late)
    assert found.value.code == "reason_required"
    skewed = replace(said(captured_at=when), clock_skewed=True)
    with pytest.raises(Refused):
        doing.visit(entity_id=shop.pk, by=world.worker(1), given=skewed)
    visit, _ = doing.visit(entity_id=shop.pk, by=world.worker(1), given=said(captured_at=when))
    assert visit.reason == "信用等级C级，加强巡查"


def test_c_and_d_may_be_called_on(world: World) -> None:
    shop, given = task_of(world).entity, said()
    visit, created = doing.visit(entity_id=shop.pk, by=world.commissioner(1), given=given)
    assert (created, visit.reason) == (True, "信用等级C级，加强巡查")
    assert doing.visit(entity_id=shop.pk, by=world.commissioner(1), given=given) == (visit, False)
    with pytest.raises(Conflict):
        doing.visit(entity_id=shop.pk, by=world.commissioner(1), given=given, reason="另一个原因")


def test_who_has_no_part_in_the_grid_calls_on_nobody(world: World) -> None:
    shop = task_of(world).entity
    for person in (world.community_head_of(1), world.user("bureau")):
        with pytest.raises(NotAllowed):
            doing.visit(entity_id=shop.pk, by=person, given=said())
    with pytest.raises(NotVisible):
        doing.visit(entity_id=shop.pk, by=world.worker(21), given=said())


def test_the_same_uid_for_two_shops_is_refused(world: World) -> None:
    given = said(client_uid=uuid.uuid4())
    doing.visit(entity_id=task_of(world).entity_id, by=world.worker(1), given=given)
    with pytest.raises(Conflict):
        doing.visit(entity_id=task_of(world).entity_id, by=world.worker(1), given=given)
