"""The plan as a whole: who gets what, whom it goes to, and what a change does to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit import grading, ledger
from credit.grade_changes import GradeMove
from credit.ledger import NewFact
from credit.models import CreditAssessment, CreditScheme
from credit.scheme import DEFAULT, Scheme
from grids import absences, postings
from grids.demo import World
from grids.models import BusinessEntity, Grid, Posting
from kernel import clock
from kernel.deadlines.policy import WorkingCalendar
from kernel.notices.models import OutboxMessage
from patrols import closing, consenting, load, nightly, planning, sequences
from patrols.kinds import TaskState
from patrols.models import PatrolPolicy, PatrolTask
from patrols.periods import ahead
from patrols.plan_walk import PlanWalk
from tests.factories.grids import make_entity, make_world
from tests.factories.plans import MONDAY, graded, kinds_of, stand, travel_to

pytestmark = pytest.mark.django_db
AB = ["MONTHLY_PATROL", "QUARTERLY_REVIEW"]
CD = ["DAILY_PATROL", "WEEKLY_CHECK"]


@pytest.fixture(scope="module")
def town(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """The world, built once for this file; each test's changes are rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        travel_to(MONDAY)
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture
def world(town: World, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        travel_to(MONDAY)
        yield town
        transaction.set_rollback(True)


def tasks(shop: BusinessEntity, kind: str) -> PatrolTask:
    return PatrolTask.objects.get(entity=shop, kind=kind)


def move(shop: BusinessEntity, before: str, after: str, **standing: Any) -> None:
    """The grade changes, and the plan hears of it as it does in a grading."""
    stand(shop, after, **standing)
    moved = GradeMove(shop.pk, before, after, "SCORE", ())
    planning.on_grade_change([moved], clock.now())


def test_by_grade_and_cause(world: World) -> None:
    shops = {grade: graded(world, grade) for grade in ("A", "B", "C", "D", None)}
    abnormal = graded(world, "C")
    stand(abnormal, "C", total=82, caps=["ABNORMAL", "NO_PATROL"], cause="CAP")
    late_too = graded(world, "C")
    stand(late_too, "C", total=82, caps=["ABNORMAL", "OVERDUE_SERIOUS"], cause="CAP")
    few_points = graded(world, "C")
    stand(few_points, "C", total=62, caps=["ABNORMAL"])
    planning.plan(MONDAY)
    assert kinds_of(shops["A"]) == kinds_of(shops["B"]) == AB
    assert kinds_of(shops["C"]) == kinds_of(shops["D"]) == CD
    assert kinds_of(shops[None]) == ["MONTHLY_PATROL"]
    assert kinds_of(abnormal) == AB
    assert kinds_of(late_too) == kinds_of(few_points) == CD
    assert tasks(abnormal, "MONTHLY_PATROL").cause == "ABNORMAL_ONLY"
    assert tasks(shops[None], "MONTHLY_PATROL").cause == "UNGRADED"
    daily = tasks(shops["C"], "DAILY_PATROL")
    assert (daily.period, daily.period_end, daily.planned_on) == (MONDAY, MONDAY, MONDAY)
    assert daily.assignee in [world.worker(1, seat) for seat in (1, 2, 3)]
    check = tasks(shops["C"], "WEEKLY_CHECK")
    assert (check.period, check.period_end) == (MONDAY, MONDAY + timedelta(days=6))
    assert check.assignee == world.commissioner(1)
    assert tasks(shops["A"], "QUARTERLY_REVIEW").assignee == world.commissioner(1)


def test_who_still_waits_for_his_time_is_called_on_as_when_he_fell(world: World) -> None:
    """C, points good again: by findings stays daily, by 经营异常 alone stays monthly."""

    def fell(shop: BusinessEntity, **fall: Any) -> None:
        values = {f"i{n}": 0 for n in range(1, 9)} | {"cause": "SCORE", "caps": [], "vetoes": []}
        CreditAssessment.objects.create(
            entity=shop, scheme=CreditScheme.objects.get(), trigger="FACT", previous_grade="B",
            computed_grade="C", effective_grade="C", at=clock.now(), on=clock.today(), **{**values, **fall},
        )  # fmt: skip

    by_findings, by_cap = graded(world, "C"), graded(world, "C")
    for shop in (by_findings, by_cap):
        stand(shop, "C", total=92, computed_grade="A", held_by=["MIN_STAY"])
    fell(by_findings, total=64)
    fell(by_cap, total=92, caps=["ABNORMAL"], cause="CAP")
    planning.plan(MONDAY)
    assert kinds_of(by_findings) == CD
    assert kinds_of(by_cap) == AB


def test_nothing_for_who_is_gone_rests_or_has_no_grid(world: World) -> None:
    gone = [graded(world, "A", status=status) for status in ("SUSPENDED", "CLOSED", "MOVED", "REVOKED")]
    gone.append(graded(world, "D", grid=None))
    run = planning.plan(MONDAY)
    assert [kinds_of(shop) for shop in gone] == [[]] * 5
    assert run.counts["without_grid"] == 1


def test_planning_twice_changes_nothing(world: World) -> None:
    for grade in "ABCD":
        graded(world, grade)
    first = planning.plan(MONDAY)
    before = list(PatrolTask.objects.order_by("id").values())
    again = planning.plan(MONDAY)
    assert list(PatrolTask.objects.order_by("id").values()) == before
    assert (again.pk, again.counts) == (first.pk, first.counts)
    with pytest.raises(ValueError, match="is over"):
        planning.plan(MONDAY - timedelta(days=1))


def test_a_fall_gives_today_and_this_week_at_once_and_done_stays_done(world: World) -> None:
    shop, visited = graded(world, "B"), graded(world, "B")
    planning.plan(MONDAY)
    PatrolTask.objects.filter(entity=visited, kind="MONTHLY_PATROL").update(
        state=TaskState.DONE, done_at=clock.now()
    )
    move(shop, "B", "C")
    move(visited, "B", "D")
    assert kinds_of(shop) == CD
    assert kinds_of(visited) == sorted([*CD, "MONTHLY_PATROL"])
    assert tasks(shop, "DAILY_PATROL").planned_on == MONDAY
    called_off = tasks(shop, "MONTHLY_PATROL")
    assert (called_off.state, called_off.version) == (TaskState.CANCELLED, 2)
    assert called_off.why == "信用等级由B级变为C级，频次随之调整"
    move(shop, "C", "B")
    assert kinds_of(shop) == AB
    assert tasks(shop, "MONTHLY_PATROL").state == TaskState.PLANNED


def test_another_cause_of_the_same_grade_moves_the_plan_at_once(world: World) -> None:
    """C by 经营异常 alone, monthly; penalties make it C by its points, daily, at the grading."""
    shop = make_entity(world, 1, filed_on=MONDAY - timedelta(days=400))
    for kind, level, ref in (("PATROL", "OK", "visit:1"), ("ABNORMAL", "LISTED", f"abnormal:{shop.pk}")):
        ledger.record(NewFact(shop.pk, kind, ref, clock.now(), f"{ref}:{kind}", level=level))
    grading.regrade_dirty()
    planning.plan(MONDAY)
    assert kinds_of(shop) == AB
    for number in range(3):
        fact = NewFact(
            shop.pk, "PENALTY", f"penalty:{number}", clock.now(), f"penalty:{number}", level="GRAVE"
        )
        ledger.record(fact)
        ledger.record(replace(fact, kind="SAMPLE_FAILED", level="", source=f"sample:{number}"))
    grading.regrade_dirty()
    shop.refresh_from_db()
    assert (shop.credit_grade, kinds_of(shop)) == ("C", CD)
    assert tasks(shop, "MONTHLY_PATROL").state == TaskState.CANCELLED
    ledger.withdraw("penalty:0", by=None, at=clock.now(), why="录入有误")
    grading.regrade_dirty()
    assert kinds_of(shop) == CD
    for number in (1, 2):
        ledger.withdraw(f"penalty:{number}", by=None, at=clock.now(), why="录入有误")
    for number in range(3):
        ledger.withdraw(f"sample:{number}", by=None, at=clock.now(), why="录入有误")
    grading.regrade_dirty()
    assert kinds_of(shop) == AB


def test_a_run_over_the_register_numbers_each_day_once_at_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many moves at once each batch writes its own tasks alone; the next minute gives all their places."""
    first, then = [graded(world, "C") for _ in range(3)], [graded(world, "C") for _ in range(3)]
    monkeypatch.setattr(planning, "MANY", 3)
    daily = PatrolTask.objects.filter(kind="DAILY_PATROL")

    def falls(shops: list[BusinessEntity]) -> None:
        moves = [GradeMove(shop.pk, "B", "C", "SCORE", ()) for shop in shops]
        planning.on_grade_change(moves, clock.now())

    falls(first)
    falls(then)
    assert list(daily.values_list("sequence", flat=True)) == [0] * 6
    assert sequences.settle() > 0
    people = set(daily.values_list("assignee", flat=True))
    for person in people:
        places = sorted(daily.filter(assignee=person).values_list("sequence", flat=True))
        assert places == list(range(1, len(places) + 1))
    assert sequences.settle() == 0
    assert set(PatrolTask.objects.values_list("version", flat=True)) == {1}


def test_a_fall_reads_only_the_kinds_that_it_gives(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = graded(world, "B")
    for grade in "BBC":
        graded(world, grade)
    planning.plan(MONDAY)
    read: list[str] = []
    standing = PlanWalk._standing

    def noted(walk: PlanWalk, grids: Any) -> Any:
        rows = standing(walk, grids)
        read.extend(row.kind for row in rows)
        return rows

    monkeypatch.setattr(PlanWalk, "_standing", noted)
    move(shop, "B", "C")
    assert sorted(read) == CD
    assert kinds_of(shop) == CD


def test_a_fall_on_a_day_of_rest_gives_the_next_working_day(world: World) -> None:
    saturday = MONDAY - timedelta(days=2)
    travel_to(saturday)
    shop = graded(world, "B")
    planning.plan(saturday)
    move(shop, "B", "C")
    assert tasks(shop, "DAILY_PATROL").planned_on == MONDAY
    assert tasks(shop, "WEEKLY_CHECK").period == MONDAY


def test_a_fall_on_a_friday_evening_makes_nobody_late(world: World) -> None:
    """What can no more be done today is not planned for it, and what is undone is not left to be missed."""
    friday = MONDAY + timedelta(days=4)
    travel_to(friday)
    falls, rises = graded(world, "B"), graded(world, "C")
    planning.plan(friday)
    travel_to(friday, 17, 31)
    move(falls, "B", "C")
    move(rises, "C", "B")
    monday = MONDAY + timedelta(days=7)
    assert tasks(falls, "DAILY_PATROL").planned_on == monday
    assert tasks(falls, "WEEKLY_CHECK").period == monday
    assert tasks(falls, "MONTHLY_PATROL").state == TaskState.CANCELLED
    assert tasks(rises, "DAILY_PATROL").state == TaskState.CANCELLED
    assert tasks(rises, "MONTHLY_PATROL").planned_on == monday
    travel_to(friday, 17, 29)
    early = graded(world, "B")
    move(early, "B", "D")
    assert tasks(early, "DAILY_PATROL").planned_on == friday
    for day in (friday + timedelta(days=1), monday):
        travel_to(day, 0, 40)
        closing.close_missed(day, clock.now())
        planning.plan(day)
    assert kinds_of(falls) == kinds_of(early, "PLANNED") == CD
    assert kinds_of(early, "MISSED") == CD


def test_a_shop_that_was_put_right_on_the_map_is_walked_to_where_it_is(world: World) -> None:
    lon, lat = world.point_in(1)
    shops = [graded(world, "A", lon=lon + step * 0.001, lat=lat) for step in range(4)]
    planning.plan(MONDAY)
    tuesday = MONDAY + timedelta(days=1)
    rows = PatrolTask.objects.filter(kind="MONTHLY_PATROL").order_by("sequence")
    rows.update(planned_on=tuesday, assignee=world.worker(1, 1), sequence=0)
    planning.plan(MONDAY)
    assert [one.entity for one in rows.all()] == shops
    BusinessEntity.objects.filter(pk=shops[0].pk).update(lon=lon + 0.005)
    travel_to(tuesday, 0, 40)
    planning.plan(tuesday)
    assert [one.entity for one in rows.all()] in ([*shops[1:], shops[0]], [shops[0], *shops[:0:-1]])


def test_the_walk_goes_on_after_what_is_done(world: World) -> None:
    """A shop that falls at eleven takes its place behind the stops of the morning; who was quick in the
    morning gets no more of them than the others."""
    for _ in range(9):
        graded(world, "C")
    planning.plan(MONDAY)
    mine = PatrolTask.objects.filter(kind="DAILY_PATROL", assignee=world.worker(1, 1)).order_by("sequence")
    done = [one.pk for one in mine[:2]]
    PatrolTask.objects.filter(pk__in=done).update(state=TaskState.DONE, done_at=clock.now())
    for _ in range(3):
        move(graded(world, "B"), "B", "C")
    assert [one.sequence for one in mine] == [1, 2, 3, 4]
    assert [one.pk for one in mine[:2]] == done


def test_a_business_that_closes_or_moves_to_another_grid(world: World) -> None:
    closed, moved, new = graded(world, "C"), graded(world, "A"), make_entity(world, 1)
    planning.plan(MONDAY)
    BusinessEntity.objects.filter(pk=closed.pk).update(status="CLOSED")
    BusinessEntity.objects.filter(pk=moved.pk).update(grid=world.grid(2))
    planning.on_register_change([closed.pk, moved.pk, new.pk], clock.now())
    assert kinds_of(closed) == []
    patrol = tasks(moved, "MONTHLY_PATROL")
    assert patrol.grid == world.grid(2)
    assert patrol.assignee in [world.worker(2, seat) for seat in (1, 2, 3)]
    assert tasks(moved, "QUARTERLY_REVIEW").assignee == world.commissioner(2)
    BusinessEntity.objects.filter(pk=closed.pk).update(status="ACTIVE")
    planning.on_register_change([closed.pk], clock.now())
    assert kinds_of(closed) == CD


def test_each_task_that_is_called_off_says_truly_why(world: World) -> None:
    """The first reason that is true, and the same to who was asked about it."""
    shops = {name: graded(world, "C") for name in ("shut", "no_grid", "risen", "by_cap")}
    shops["unused"], shops["first"] = graded(world, "C", 2), graded(world, None)
    shops["no_longer"] = graded(world, "C")
    abnormal = {"total": 80, "caps": ["ABNORMAL"], "cause": "CAP"}
    stand(shops["no_longer"], "C", **abnormal)
    planning.plan(MONDAY)
    BusinessEntity.objects.filter(pk=shops["shut"].pk).update(status="SUSPENDED")
    BusinessEntity.objects.filter(pk=shops["no_grid"].pk).update(grid=None)
    Grid.objects.filter(pk=shops["unused"].grid_id).update(is_active=False)
    stand(shops["risen"], "B"), stand(shops["first"], "D"), stand(shops["by_cap"], "C", **abnormal)
    stand(shops["no_longer"], "C")
    planning.plan(MONDAY)
    told = {}
    for name, shop in shops.items():
        (told[name],) = set(
            PatrolTask.objects.filter(entity=shop, state="CANCELLED").values_list("why", flat=True)
        )
    assert told == {
        "shut": "主体状态为“歇业”，不再安排",
        "no_grid": "主体尚未落格，暂不安排",
        "unused": "所在网格已停用，暂不安排",
        "risen": "信用等级由C级变为B级，频次随之调整",
        "first": "首次评为D级，频次随之调整",
        "by_cap": "现仅因经营异常列为C级，改为按月巡查",
        "no_longer": "不再仅因经营异常列为C级，改为每日巡、每周查",
    }


def test_the_months_work_is_spread_evenly_and_walked_in_order(world: World) -> None:
    travel_to(date(2026, 12, 1), 0, 40)
    for _ in range(140):
        make_entity(world, 1)
    planning.plan(date(2026, 12, 1))
    rows = PatrolTask.objects.filter(kind="MONTHLY_PATROL").order_by("assignee", "planned_on", "sequence")
    slots = Counter(rows.values_list("assignee_id", "planned_on"))
    assert len(slots) == 3 * 23
    assert set(slots.values()) <= {2, 3}
    assert None not in {person for person, _ in slots}
    for (person, day), many in slots.items():
        walked = rows.filter(assignee=person, planned_on=day).values_list("sequence", flat=True)
        assert list(walked) == list(range(1, many + 1))


def test_the_plan_costs_the_same_for_few_and_for_many(world: World) -> None:
    for grade in "ABCD":
        graded(world, grade)
    with CaptureQueriesContext(connection) as few:
        planning.plan(MONDAY)
    for number in range(1, 22):
        for grade in "ABCD":
            graded(world, grade, number)
    with CaptureQueriesContext(connection) as many:
        planning.plan(MONDAY)
    assert len(many) <= len(few) <= 32
    assert PatrolTask.objects.count() == 22 * 8


def test_who_is_away_gets_nothing_for_that_day(world: World) -> None:
    away = world.worker(1, 1)
    others = [world.worker(1, seat) for seat in (2, 3)]
    shops = [graded(world, "C") for _ in range(6)]
    planning.plan(MONDAY)
    assert PatrolTask.objects.filter(assignee=away, kind="DAILY_PATROL").count() == 2
    absences.record(
        user=away, stand_in=None, starts_at=clock.now(), ends_at=clock.now() + timedelta(days=1), by=away,
        at=clock.now(),
    )  # fmt: skip
    daily = PatrolTask.objects.filter(entity__in=shops, kind="DAILY_PATROL")
    assert Counter(daily.values_list("assignee", flat=True)) == {one.pk: 3 for one in others}


def test_who_leaves_hands_on_what_is_ahead(world: World) -> None:
    shops = [graded(world, "A") for _ in range(9)]
    planning.plan(MONDAY)
    leaver = world.worker(1, 1)
    posting = Posting.objects.get(user=leaver, role="GRID_WORKER", grid=world.grid(1))
    done = PatrolTask.objects.filter(assignee=leaver, kind="MONTHLY_PATROL")[0]
    PatrolTask.objects.filter(pk=done.pk).update(state=TaskState.DONE, done_at=clock.now())
    postings.end(posting=posting, at=clock.now(), by=None)
    assert list(PatrolTask.objects.filter(assignee=leaver)) == [done]
    held = PatrolTask.objects.filter(entity__in=shops, kind="MONTHLY_PATROL").exclude(pk=done.pk)
    assert {task.assignee for task in held} == {world.worker(1, 2), world.worker(1, 3)}


def test_nobody_there_is_shown_and_told(world: World) -> None:
    graded(world, "A")
    for posting in Posting.objects.filter(grid=world.grid(1), role__in=["GRID_WORKER", "COMMISSIONER"]):
        postings.end(posting=posting, at=clock.now(), by=None)
    run = planning.plan(MONDAY)
    assert set(PatrolTask.objects.values_list("assignee", flat=True)) == {None}
    assert run.counts["without_person"] == 2
    told = OutboxMessage.objects.filter(template="patrols.unassigned")
    assert {one.recipient for one in told} == {world.community_head_of(1), world.head_of(1)}
    assert planning.plan(MONDAY).counts["without_person"] == 2
    assert told.count() == 2


def test_what_was_not_done_is_missed_once_its_period_is_over(world: World) -> None:
    shop, other = graded(world, "C"), graded(world, "A")
    planning.plan(MONDAY)
    assert closing.close_missed(MONDAY, clock.now()) == 0
    tuesday = MONDAY + timedelta(days=1)
    travel_to(tuesday, 0, 40)
    assert closing.close_missed(tuesday, clock.now()) == 1
    assert closing.close_missed(tuesday, clock.now()) == 0
    assert tasks(shop, "DAILY_PATROL").state == TaskState.MISSED
    assert tasks(shop, "WEEKLY_CHECK").state == TaskState.PLANNED
    assert tasks(other, "MONTHLY_PATROL").state == TaskState.PLANNED


def test_a_visit_whose_day_went_by_is_planned_anew_within_its_month(world: World) -> None:
    shop = graded(world, "A")
    planning.plan(MONDAY)
    before = tasks(shop, "MONTHLY_PATROL")
    friday = MONDAY + timedelta(days=4)
    travel_to(friday, 0, 40)
    planning.plan(friday)
    after = tasks(shop, "MONTHLY_PATROL")
    assert before.planned_on < friday <= after.planned_on <= date(2026, 11, 30)
    assert (after.pk, after.assignee, after.version) == (before.pk, before.assignee, before.version)


def test_the_night_plans_each_day_once_and_makes_up_for_downtime(world: World) -> None:
    shop = graded(world, "C")
    travel_to(MONDAY, 0, 30)
    assert nightly.nightly() is None
    travel_to(MONDAY, 0, 41)
    assert nightly.nightly() is not None
    assert nightly.nightly() is None
    thursday = MONDAY + timedelta(days=3)
    travel_to(thursday, 11)
    run = nightly.nightly()
    assert run is not None
    assert run.for_date == thursday
    days = PatrolTask.objects.filter(entity=shop, kind="DAILY_PATROL").values_list("planned_on", "state")
    assert set(days) == {(MONDAY, "MISSED"), (thursday, "PLANNED")}


# --- consent and cap -------------------------------------------------------------------------------


def test_too_much_for_one_person_asks_the_bureau(world: World) -> None:
    for _ in range(11):
        graded(world, "C")
    run = planning.plan(MONDAY)
    assert run.needs_consent
    assert load.most(run.load) == (4, 11)
    told = OutboxMessage.objects.get(template="patrols.needs_consent")
    assert told.recipient == world.user("bureau")
    assert PatrolTask.objects.filter(kind="WEEKLY_CHECK", state="PLANNED").count() == 11
    bureau = world.user("bureau")
    agreed = consenting.consent(run_id=run.pk, by=bureau)
    assert agreed.consented_by == bureau
    assert consenting.consent(run_id=run.pk, by=bureau).consented_at == agreed.consented_at
    travel_to(MONDAY + timedelta(days=1), 0, 40)
    assert not planning.plan(MONDAY + timedelta(days=1)).needs_consent


def test_the_effect_of_moves_is_told_per_person(world: World) -> None:
    shops = [graded(world, "B") for _ in range(3)]
    moves = [GradeMove(shop.pk, "B", "C", "SCORE", ()) for shop in shops]
    told = load.effect(moves, DEFAULT, MONDAY)
    mine = [row for row in told["workers"] if row["grid"] == world.grid(1).code]
    assert len(mine) == 3
    assert {row["after_per_day"] for row in mine} == {1.0}
    assert all(row["before_per_day"] < 0.1 for row in mine)
    (boss,) = [row for row in told["commissioners"] if row["grid"] == world.grid(1).code]
    assert (boss["name"], boss["before_per_week"], boss["after_per_week"]) == (
        world.commissioner(1).name, 0.0, 3.0,
    )  # fmt: skip


def test_what_else_caps_is_asked_of_the_draft(world: World) -> None:
    """C by 经营异常 alone is called on monthly; daily by a draft that caps new shops at C too."""
    shop = graded(world, "C")
    caps = ("ABNORMAL", "NEW")
    stand(shop, "C", caps=list(caps), cause="CAP", total=90)
    stays = [GradeMove(shop.pk, "C", "C", "CAP", caps)]
    stricter = replace(DEFAULT, limits=replace(DEFAULT.limits, new="C"))

    def checks(scheme: Scheme) -> tuple[float, float]:
        (boss,) = load.effect(stays, scheme, MONDAY)["commissioners"]
        return boss["before_per_week"], boss["after_per_week"]

    assert checks(DEFAULT) == (0.0, 0.0)
    assert checks(stricter) == (0.0, 1.0)


# --- whatever the order ----------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from(["plan", "tomorrow", "done", "close", "A", "B", "C", "D"]), st.integers(0, 3)),
    max_size=14,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_the_order_each_task_is_one_and_fits(world: World, steps: list[tuple[str, int]]) -> None:
    with transaction.atomic():
        day = MONDAY
        travel_to(day)
        shops = [graded(world, grade) for grade in "ABCD"]
        grades = dict(zip(shops, "ABCD", strict=True))
        for what, which in steps:
            shop = shops[which]
            if what in "ABCD":
                before, grades[shop] = grades[shop], what
                move(shop, before, what)
            elif what == "done":
                live = PatrolTask.objects.filter(entity=shop, state="PLANNED").order_by("id")[:1]
                PatrolTask.objects.filter(pk__in=live.values("pk")).update(state="DONE", done_at=clock.now())
            elif what == "close":
                closing.close_missed(day, clock.now())
            else:
                day += timedelta(days=what == "tomorrow")
                travel_to(day)
                planning.plan(day)
        closing.close_missed(day, clock.now())
        planning.plan(day)
        for shop, grade in grades.items():
            kinds = set(AB if grade in "AB" else CD)
            live = PatrolTask.objects.filter(entity=shop, state="PLANNED")
            assert {task.kind for task in live} <= kinds
            for kind in kinds:
                period = planning_period(kind, day)
                assert (
                    PatrolTask.objects.filter(entity=shop, kind=kind, period=period)
                    .exclude(state="CANCELLED")
                    .exists()
                ), (kind, day)
        keys = PatrolTask.objects.values_list("entity", "kind", "period")
        assert len(keys) == len(set(keys))
        transaction.set_rollback(True)


def planning_period(kind: str, day: date) -> date:
    return ahead(kind, day, WorkingCalendar()).period.first


def test_the_policy_in_force_is_frozen(world: World) -> None:
    with pytest.raises(IntegrityError, match="patrols_policy_frozen"), transaction.atomic():
        PatrolPolicy.objects.update(worker_daily_limit=99)
