"""Over HTTP: the plan in walking order, quarterly reviews, completion, the cap that stops and asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from credit.models import CreditReview
from grids import contacts
from grids.contacts import Contact
from grids.demo import World
from grids.models import BusinessEntity, Purpose
from kernel import approvals, clock
from kernel.accounts.models import User
from kernel.approvals.models import Approval
from kernel.deadlines.sweep import sweep
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from patrols import closing, completion, planning, reviews
from patrols.models import PatrolTask
from tests.factories.accounts import bearer
from tests.factories.grids import make_world
from tests.factories.plans import MONDAY, graded, stand, travel_to

pytestmark = pytest.mark.django_db
QUARTER = date(2026, 10, 1)


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


def get(who: User, path: str, status: int = 200) -> Any:
    found = Client().get(f"/api/v1/patrols/{path}", headers=bearer(who))
    assert found.status_code == status, found.content
    return found.json()


def post(who: User, path: str, body: Any, status: int = 200) -> Any:
    found = Client().post(
        f"/api/v1/patrols/{path}", body, content_type="application/json", headers=bearer(who)
    )
    assert found.status_code == status, found.content
    return found.json()


# --- tasks -----------------------------------------------------------------------------------------


def test_a_workers_day_in_walking_order(world: World) -> None:
    lon, lat = world.point_in(1)
    for step in range(12):
        graded(world, "C", lon=lon + step * 0.0003, lat=lat)
    graded(world, "C", 21)
    planning.plan(MONDAY)
    me = world.worker(1, 1)
    day = get(me, f"tasks/?day={MONDAY}&mine=true")["results"]
    assert [task["sequence"] for task in day] == [1, 2, 3, 4]
    assert day[0]["distance"] == ""
    assert all(task["distance"].startswith("距上一户") for task in day[1:])
    assert all(task["distance_m"] > 0 for task in day[1:])
    first = day[0]
    assert first["contact_line"] == "本月尚未入店"
    assert (first["kind_label"], first["assignee"]["id"]) == ("每日巡", me.pk)
    assert "不是行政检查" in first["notice"]
    assert first["entity"]["location"]["crs"] == "wgs84"
    assert len(get(me, "tasks/?kind=DAILY_PATROL")["results"]) == 12
    assert get(world.worker(21), "tasks/?kind=DAILY_PATROL&count=exact")["count"] == 1
    assert get(world.user("admin"), "tasks/")["results"] == []
    one = get(me, f"tasks/{first['id']}/")
    assert one["entity"] == first["entity"]
    get(world.worker(21), f"tasks/{first['id']}/", 404)
    get(me, "tasks/?day=morgen", 400)


def test_filters_and_what_was_left_over(world: World) -> None:
    shop = graded(world, "A")
    planning.plan(MONDAY)
    task = PatrolTask.objects.get(kind="MONTHLY_PATROL")
    boss = world.commissioner(1)
    PatrolTask.objects.filter(pk=task.pk).update(planned_on=MONDAY)
    later = MONDAY + timedelta(days=2)
    assert [one["id"] for one in get(boss, f"tasks/?day={later}&kind=MONTHLY_PATROL")["results"]] == [task.pk]
    assert get(boss, f"tasks/?from={later}&kind=MONTHLY_PATROL")["results"] == []
    assert len(get(boss, f"tasks/?to={later}&entity={shop.pk}&state=PLANNED")["results"]) == 2
    assert get(boss, f"tasks/?grid={world.grid(2).code}")["results"] == []
    assert len(get(boss, f"tasks/?assignee={task.assignee_id}")["results"]) == 1


def test_the_list_costs_the_same_for_few_and_for_many(world: World) -> None:
    def cost() -> int:
        head = bearer(world.worker(1, 1))
        with CaptureQueriesContext(connection) as seen:
            assert Client().get("/api/v1/patrols/tasks/?page_size=200", headers=head).status_code == 200
        return len(seen)

    for _ in range(6):
        graded(world, "C")
    planning.plan(MONDAY)
    few = cost()
    for _ in range(9):
        graded(world, "B")
    planning.plan(MONDAY)
    assert cost() == few


# --- quarterly reviews -----------------------------------------------------------------------------


def review(shop: BusinessEntity, before: str, after: str) -> CreditReview:
    return CreditReview.objects.create(
        entity=shop, kind="QUARTERLY", period=QUARTER, total=81, before=before, grade=after, at=clock.now()
    )


def test_the_quarters_list_is_confirmed_at_once(world: World) -> None:
    same, rose, new = graded(world, "A"), graded(world, "A"), graded(world, "B")
    review(same, "A", "A")
    review(rose, "B", "A")
    planning.plan(MONDAY)
    boss, grid = world.commissioner(1), world.grid(1).code
    rows = get(boss, f"reviews/?quarter=2026-10-01&grid={grid}")["results"]
    assert [(one["entity"]["id"], one["changed"], one["total"]) for one in rows] == [
        (same.pk, False, "81.00"), (rose.pk, True, "81.00"), (new.pk, False, None),
    ]  # fmt: skip
    body = {"quarter": "2026-10-01", "grid": grid, "exceptions": [{"entity": rose.pk, "note": "店已转让"}]}
    post(world.worker(1), "reviews/confirm/", body, 403)
    post(world.commissioner(21), "reviews/confirm/", body, 404)
    done = post(boss, "reviews/confirm/", body)
    assert (done["businesses"], done["exceptions"]) == (3, 1)
    again = post(boss, "reviews/confirm/", body)
    assert (again["businesses"], again["exceptions"]) == (0, 0)
    assert set(PatrolTask.objects.filter(kind="QUARTERLY_REVIEW").values_list("state", flat=True)) == {"DONE"}
    kept = CreditReview.objects.get(entity=rose)
    assert (kept.confirmed_by, kept.exception) == (boss, "店已转让")
    assert CreditReview.objects.get(entity=same).exception == ""
    shown = get(boss, f"reviews/?grid={grid}")["results"]
    assert [one["exception"] for one in shown] == ["", "店已转让", ""]
    assert Entry.objects.filter(kind="review.confirmed").count() == 1
    told = OutboxMessage.objects.filter(template=reviews.EXCEPTIONS)
    assert [one.params["names"] for one in told] == [f"{rose.name}（店已转让）"] * len(told)
    section = world.user("section-credit")
    assert section in [one.recipient for one in told]
    assert [one["exception"] for one in get(section, f"reviews/?grid={grid}")["results"]] == [
        "",
        "店已转让",
        "",
    ]
    assert {one["kind"] for one in get(section, "tasks/")["results"]} == {"QUARTERLY_REVIEW"}


def test_what_a_confirmation_refuses(world: World) -> None:
    graded(world, "A")
    stranger = graded(world, "A", 2)
    planning.plan(MONDAY)
    boss, grid = world.commissioner(1), world.grid(1).code
    post(boss, "reviews/confirm/", {"quarter": "2026-11-01", "grid": grid}, 400)
    post(boss, "reviews/confirm/", {"quarter": "2027-01-01", "grid": grid}, 400)
    not_listed = {"entity": stranger.pk, "note": "不在"}
    body = {"quarter": "2026-10-01", "grid": grid, "exceptions": [not_listed]}
    assert post(boss, "reviews/confirm/", body, 422)["errors"][0]["code"] == "not_in_the_list"
    get(boss, "reviews/?quarter=2026-10-02", 400)


# --- figures ---------------------------------------------------------------------------------------


def test_completion_counts_what_was_due(world: World) -> None:
    shops = [graded(world, "D") for _ in range(4)]
    planning.plan(MONDAY)
    daily = PatrolTask.objects.filter(kind="DAILY_PATROL").order_by("id")
    PatrolTask.objects.filter(pk=daily[0].pk).update(state="DONE", done_at=clock.now())
    PatrolTask.objects.filter(pk=daily[1].pk).update(state="CANCELLED")
    checks = PatrolTask.objects.filter(kind="WEEKLY_CHECK").order_by("id")
    PatrolTask.objects.filter(pk__in=[checks[0].pk, checks[1].pk]).update(state="DONE", done_at=clock.now())
    stand(shops[1], "B")
    tuesday = MONDAY + timedelta(days=1)
    travel_to(tuesday)
    closing.close_missed(tuesday, clock.now())
    told = get(world.head_of(1), f"completion/?from={MONDAY}&to={MONDAY + timedelta(days=6)}")
    rows = {row["kind"]: row for row in told["grids"]}
    assert {name: rows["DAILY_PATROL"][name] for name in ("due", "done", "rate", "open")} == {
        "due": 3, "done": 1, "rate": 0.3333, "open": 0,
    }  # fmt: skip
    assert (rows["WEEKLY_CHECK"]["due"], rows["WEEKLY_CHECK"]["rate"]) == (0, None)
    assert (rows["WEEKLY_CHECK"]["done_early"], rows["WEEKLY_CHECK"]["open"]) == (2, 2)
    assert told["key_supervisions"] == 2
    assert completion.key_supervisions(tuesday, tuesday) == 0
    assert "assignee" not in str(told)
    elsewhere = get(world.head_of(21), f"completion/?from={MONDAY}&to={tuesday}")
    assert (elsewhere["grids"], elsewhere["key_supervisions"]) == ([], 0)
    get(world.head_of(1), "completion/?from=2026-02-01&to=2026-01-01", 400)


def test_frequency_by_grade_and_cause(world: World) -> None:
    graded(world, "A"), graded(world, "C"), graded(world, None)
    stand(graded(world, "C"), "C", total=80, caps=["ABNORMAL"], cause="CAP")
    told = get(world.user("bureau"), "frequency/")["results"]
    assert [(one["grade"], one["cause"], one["kinds"], one["entities"]) for one in told] == [
        ("", "UNGRADED", ["MONTHLY_PATROL"], 1),
        ("A", "GRADE", ["MONTHLY_PATROL", "QUARTERLY_REVIEW"], 1),
        ("C", "ABNORMAL_ONLY", ["MONTHLY_PATROL", "QUARTERLY_REVIEW"], 1),
        ("C", "GRADE", ["DAILY_PATROL", "WEEKLY_CHECK"], 1),
    ]
    assert get(world.worker(21), "frequency/")["results"] == []


def test_plans_are_the_bureaus(world: World) -> None:
    for _ in range(11):
        graded(world, "D")
    run = planning.plan(MONDAY)
    (row,) = get(world.user("bureau"), "plans/")["results"]
    assert (row["needs_consent"], row["counts"]["WEEKLY_CHECK"]) == (True, 11)
    assert row["load"]["commissioners"][0]["tasks"] == 11
    get(world.head_of(1), "plans/", 403)
    post(world.head_of(1), f"plans/{run.pk}/consent/", {}, 403)
    assert post(world.user("bureau"), f"plans/{run.pk}/consent/", {})["consented_at"] is not None
    post(world.user("bureau"), "plans/999999/consent/", {}, 404)


# --- the yearly cap --------------------------------------------------------------------------------


@pytest.fixture
def capped(world: World) -> BusinessEntity:
    """A D that was inspected 24 times this year, and a plan that asks."""
    shop = graded(world, "D")
    rows = [
        Contact(shop.pk, Purpose.CAMPAIGN if n % 2 else Purpose.CHECK, None, clock.now(), f"test:{n}")
        for n in range(24)
    ]
    contacts.record([*rows, Contact(shop.pk, Purpose.PATROL, None, clock.now(), "test:patrol")])
    return shop


def check(shop: BusinessEntity) -> PatrolTask:
    return PatrolTask.objects.filter(entity=shop, kind="WEEKLY_CHECK").latest("period")


def test_at_the_cap_the_plan_stops_and_asks(world: World, capped: BusinessEntity) -> None:
    below = graded(world, "D")
    contacts.record([Contact(below.pk, Purpose.CHECK, None, clock.now(), "test:below")])
    run = planning.plan(MONDAY)
    task = check(capped)
    assert (task.state, task.planned_on) == ("ASKS", MONDAY + timedelta(days=4))
    assert check(below).state == "PLANNED"
    assert run.counts["asked"] == 1
    asked = Approval.objects.get(kind="patrol_over_cap")
    assert "24次" in asked.reason
    planning.plan(MONDAY)
    assert Approval.objects.count() == 1
    bureau = world.user("bureau")
    approvals.decide(approval_id=asked.pk, by=bureau, approve=True, expect=lambda version: None)
    task.refresh_from_db()
    assert (task.state, task.without_entering, task.version) == ("PLANNED", False, 2)


def test_refused_means_without_entering_for_the_year(world: World, capped: BusinessEntity) -> None:
    planning.plan(MONDAY)
    asked = Approval.objects.get(kind="patrol_over_cap")
    approvals.decide(
        approval_id=asked.pk, by=world.user("bureau"), approve=False, expect=lambda version: None
    )
    assert (check(capped).state, check(capped).without_entering) == ("PLANNED", True)
    next_week = MONDAY + timedelta(days=7)
    travel_to(next_week, 0, 40)
    planning.plan(next_week)
    assert (check(capped).state, check(capped).without_entering) == ("PLANNED", True)
    assert Approval.objects.count() == 1
    new_year = date(2027, 1, 4)
    travel_to(new_year, 0, 40)
    planning.plan(new_year)
    assert (check(capped).state, check(capped).without_entering) == ("PLANNED", False)


def test_unanswered_means_without_entering(world: World, capped: BusinessEntity) -> None:
    planning.plan(MONDAY)
    travel_to(MONDAY + timedelta(days=2), 0, 1)
    sweep(look_back=None)
    assert Approval.objects.get().state == "lapsed"
    assert (check(capped).state, check(capped).without_entering) == ("PLANNED", True)


def test_too_late_in_the_week_to_ask(world: World, capped: BusinessEntity) -> None:
    thursday = MONDAY + timedelta(days=3)
    travel_to(thursday, 0, 40)
    planning.plan(thursday)
    assert (check(capped).state, check(capped).without_entering) == ("PLANNED", True)
    assert Approval.objects.count() == 0


def test_nobody_asks_any_more_once_the_grade_has_risen(world: World, capped: BusinessEntity) -> None:
    planning.plan(MONDAY)
    stand(capped, "B")
    planning.replan([capped.pk], clock.now())
    task, asked = check(capped), Approval.objects.get()
    assert (task.state, task.why) == ("CANCELLED", "信用等级由D级变为B级，频次随之调整")
    assert asked.state == "withdrawn"
    assert Entry.objects.get(stream=asked.stream, kind="approval.withdrawn").data["why"] == task.why
