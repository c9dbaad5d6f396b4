"""The plan in the admin: a month, a day's walk, a week of checks, what was done, and reviews by list."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from python_calamine import CalamineWorkbook

from credit.models import CreditReview
from grids.demo import World
from grids.models import Grid
from kernel import clock
from patrols import doing
from patrols.kinds import TaskKind
from patrols.models import PatrolTask, PlanRun
from patrols.periods import quarter_of
from tests.factories.accounts import bearer
from tests.factories.plans import graded
from tests.factories.visits import said, task_of, tasks_along
from tests.suoshe.pages import english_in, outside_in

pytestmark = pytest.mark.django_db
PLAN = "/admin/patrols/patroltask/"
PAGES = ("calendar", "day", "week", "completion", "reviews")
ALLOWED = {"A", "B", "C", "D", "esc"}
CODES = re.compile(r"\d{9}-L\d{2}|\b[A-D]级|（[a-z0-9-]+）")


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return str(answer.content.decode())


def english(html: str) -> list[str]:
    return english_in(CODES.sub("", html), allowed=ALLOWED)


def busy(world: World) -> PatrolTask:
    tasks_along(world, 3)
    task_of(world, TaskKind.WEEKLY_CHECK)
    yesterday = clock.today() - timedelta(days=1)
    return task_of(world, on=yesterday, state="MISSED")


def test_every_page_is_in_chinese_and_draws_itself(world: World, signed_in: Any) -> None:
    busy(world)
    client = signed_in("commissioner-01")
    for page in PAGES:
        html = read(client, f"{PLAN}{page}/")
        assert english(html) == [], page
        assert outside_in(html) == []
        assert ' style="' not in html.split("<article")[1].split("</article")[0]


def test_a_month_counts_and_leads_to_the_day(world: World, signed_in: Any) -> None:
    missed = busy(world)
    client, code, today = signed_in("commissioner-01"), world.grid(1).code, clock.today()
    html = read(client, f"{PLAN}calendar/?grid={code}&month={missed.planned_on:%Y-%m}")
    assert '<span class="task-missed" title="逾期未办">1</span>' in html
    assert f"{PLAN}day/?grid={code}&amp;on={missed.planned_on}" in html
    html = read(client, f"{PLAN}day/?grid={code}&on={today}")
    assert html.count('class="walk-number"') == 3 + 1
    assert "每日巡" in html
    assert "没有安排上门任务" in read(client, f"{PLAN}day/?grid={code}&on=2026-01-01")
    for odd in ("month=nonsense", "month=0000-13", "grid=no", "month=9999-12"):
        read(client, f"{PLAN}calendar/?{odd}")


def test_the_day_is_what_somebody_goes_out_for(world: World, signed_in: Any) -> None:
    """A grid has hundreds of 季度评, all on the first day of the plan: one line leads to their list."""
    visit, review = task_of(world, TaskKind.WEEKLY_CHECK), task_of(world, TaskKind.QUARTERLY_REVIEW)
    code = world.grid(1).code
    html = read(signed_in("commissioner-01"), f"{PLAN}day/?grid={code}&on={clock.today()}")
    assert visit.entity.name in html
    assert review.entity.name not in html
    assert "季度评 1 户列在这一天" in html
    assert f"{PLAN}reviews/?grid={code}" in html


def test_how_often_is_told_by_the_tasks_that_are_made(world: World, signed_in: Any) -> None:
    graded(world, "A"), graded(world, "C"), graded(world, None)
    told = signed_in("bureau").get(f"{PLAN}completion/").context["frequency"]
    assert {(grade, kinds) for grade, _, kinds, _ in told} == {
        ("未评级", "月度巡"), ("A", "月度巡、季度评"), ("C", "每日巡、每周查"),
    }  # fmt: skip


def test_what_people_wrote_is_told_masked(world: World, signed_in: Any) -> None:
    phone, shown = "13812345678", "138****5678"
    shop, worker = task_of(world).entity, world.worker(1)
    given = said(note=f"店主{phone}")
    visit, _ = doing.visit(entity_id=shop.pk, by=worker, given=given, reason=f"来电{phone}")
    row = reviewed(world)
    PatrolTask.objects.filter(entity_id=row.entity_id).update(state="DONE", why=phone, done_at=clock.now())
    page = "/admin/patrols/patrolvisit/"
    reviews, one_task = (
        f"{PLAN}reviews/?grid={world.grid(1).code}",
        f"{PLAN}{row.entity.patrol_tasks.get().pk}/change/",
    )
    office, auditor = signed_in("office-01"), signed_in("auditor")
    for path in (page, f"/admin/grids/businessentity/{shop.pk}/change/", reviews):
        html = read(office, path)
        assert phone not in html, path
        assert shown in html, path
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(office.get(f"{page}?_export=xlsx").content))
    assert sheet.get_sheet_by_index(0).to_python()[1][-2:] == [f"来电{shown}", f"店主{shown}"]
    for path in (f"{page}{visit.pk}/change/", one_task):
        assert phone in read(office, path), path
        assert phone not in read(auditor, path), path
        assert shown in read(auditor, path), path
    for path in ("tasks/?kind=QUARTERLY_REVIEW", "reviews/"):
        told = Client().get(f"/api/v1/patrols/{path}", headers=bearer(world.user("bureau"))).content.decode()
        assert phone not in told, path
        assert shown in told, path


def test_consent_is_offered_where_it_is_asked_for(world: World, signed_in: Any) -> None:
    run = PlanRun.objects.create(for_date=clock.today(), at=clock.now())
    page = f"/admin/patrols/planrun/{run.pk}/change/"
    assert "同意工作量" not in read(signed_in("bureau"), page)
    PlanRun.objects.update(needs_consent=True)
    assert "同意工作量" in read(signed_in("bureau"), page)
    assert "同意工作量" not in read(signed_in("office-01"), page)


def test_the_pages_are_of_who_looks(world: World, signed_in: Any) -> None:
    mine, other = task_of(world), task_of(world, number=20)
    html = read(signed_in("commissioner-01"), f"{PLAN}day/?grid={world.grid(20).code}")
    assert mine.entity.name in html
    assert other.entity.name not in html
    for page in PAGES:
        assert signed_in("admin").get(f"{PLAN}{page}/").status_code == 403


@pytest.mark.parametrize("page", PAGES)
def test_pages_cost_the_same_for_few_and_many(world: World, signed_in: Any, page: str) -> None:
    client = signed_in("office-01")
    task_of(world), task_of(world, TaskKind.WEEKLY_CHECK), task_of(world, TaskKind.QUARTERLY_REVIEW)
    read(client, f"{PLAN}{page}/")
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as found:
            read(client, f"{PLAN}{page}/")
        counts.append(len(found))
        busy(world) if not PatrolTask.objects.filter(state="MISSED").exists() else None
        task_of(world, TaskKind.QUARTERLY_REVIEW)
    assert counts[0] == counts[1] <= 20, counts


def reviewed(world: World, before: str = "A", grade: str = "A") -> CreditReview:
    shop = graded(world, grade)
    task_of(world, TaskKind.QUARTERLY_REVIEW, entity=shop)
    quarter: date = quarter_of(clock.today()).first
    return CreditReview.objects.create(
        entity=shop, kind="QUARTERLY", period=quarter, total=90, before=before, grade=grade, at=clock.now()
    )


def test_the_commissioner_confirms_the_list_and_opens_an_exception(world: World, signed_in: Any) -> None:
    plain, odd = reviewed(world), reviewed(world, "A", "B")
    client, path = signed_in("commissioner-01"), f"{PLAN}reviews/?grid={world.grid(1).code}"
    assert "待确认 2 户" in read(client, path)
    empty = client.post(path, {"opened": [odd.entity_id], f"why-{odd.entity_id}": ""})
    assert empty.status_code == 409
    assert "请写明例外情况" in empty.content.decode()
    said = {"opened": [odd.entity_id], f"why-{odd.entity_id}": "已歇业一月", f"why-{plain.entity_id}": ""}
    assert client.post(path, said).status_code == 302
    odd.refresh_from_db()
    plain.refresh_from_db()
    assert odd.exception == "已歇业一月"
    assert plain.confirmed_at is not None
    assert plain.exception == ""
    assert "待确认 0 户" in read(client, path)
    assert "确认本季度全部清单" not in read(client, path)


def test_others_read_the_list_and_confirm_nothing(world: World, signed_in: Any) -> None:
    row = reviewed(world)
    for username in ("auditor", "clerk-01"):
        client, path = signed_in(username), f"{PLAN}reviews/?grid={world.grid(1).code}"
        html = read(client, path)
        assert row.entity.name in html
        assert "确认本季度全部清单" not in html
        assert client.post(path, {}).status_code == 403


def test_page_and_api_tell_the_same_completion(world: World, signed_in: Any) -> None:
    """Also of a grid that is out of use: what was due there was due."""
    yesterday = clock.today() - timedelta(days=1)
    task_of(world, on=yesterday, state="MISSED"), task_of(world, number=20, on=yesterday, state="MISSED")
    kept = task_of(world, number=2, on=yesterday, state="DONE", done_at=clock.now() - timedelta(days=1))
    Grid.objects.filter(pk=kept.grid_id).update(is_active=False)
    month = yesterday.replace(day=1)
    last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    for who, due in ((world.head_of(1), 2), (world.community_head_of(20), 1), (world.user("bureau"), 3)):
        shown = signed_in(who.username).get(f"{PLAN}completion/?month={month:%Y-%m}").context
        path = f"/api/v1/patrols/completion/?from={month}&to={last}"
        told = Client().get(path, headers=bearer(who)).json()
        page = [(row["row"].grid, row["row"].kind, row["row"].due, row["row"].done) for row in shown["rows"]]
        assert page == [(one["grid"], one["kind"], one["due"], one["done"]) for one in told["grids"]]
        assert sum(one["due"] for one in told["totals"]) == due, who.username
        assert shown["key_supervisions"] == told["key_supervisions"]


def test_page_and_api_list_the_same_reviews(world: World, signed_in: Any) -> None:
    rows = [reviewed(world), reviewed(world, "A", "B"), reviewed(world, "B", "B")]
    PatrolTask.objects.filter(entity_id=rows[2].entity_id).update(state="CANCELLED")
    task_of(world, TaskKind.QUARTERLY_REVIEW)
    who, grid = world.commissioner(1), world.grid(1).code
    shown = signed_in(who.username).get(f"{PLAN}reviews/?grid={grid}").context["rows"]
    told = Client().get(f"/api/v1/patrols/reviews/?grid={grid}", headers=bearer(who)).json()["results"]
    assert {(row["task"].pk, row["changed"], row["exception"]) for row in shown} == {
        (one["task"], one["changed"], one["exception"]) for one in told
    }
    assert [one["changed"] for one in told] == [False, True, False]
