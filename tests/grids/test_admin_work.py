"""Tasks, responsibilities and work groups in the admin."""

from __future__ import annotations

import io
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from python_calamine import load_workbook

from grids import task_lists
from grids.demo import World
from grids.models import ResponsibilityItem, TaskItem, WorkGroup
from kernel import clock
from kernel.journal.models import Entry
from kernel.notices.models import Robot
from tests.grids.test_admin import ALLOWED, LABELS
from tests.suoshe.pages import english_in, outside_in

TASKS, DUTIES = "/admin/grids/taskitem/", "/admin/grids/responsibilityitem/"
KNOWN = ALLOWED | {"APP", "GB"}


@pytest.fixture(autouse=True)
def _no_second_factor(settings: Any) -> None:
    settings.SUOSHE_REQUIRE_SECOND_FACTOR = False


def page(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.users[username], backend="django.contrib.auth.backends.ModelBackend")
    return client


def give(world: World, number: int = 1, owner: str = "worker-01-1", note: str = "") -> TaskItem:
    due_at = clock.now() + timedelta(days=1)
    wish = task_lists.Wish("核对沿街新店执照", world.users[owner].pk, due_at, note)
    by = world.user("bureau")
    return task_lists.add(
        grid=world.grid(number), wish=wish, client_uid=uuid.uuid4(), by=by, at=clock.now()
    ).task


def due(days: int = 1) -> dict[str, str]:
    moment = clock.now() + timedelta(days=days)
    return {"due_at_0": f"{moment:%Y-%m-%d}", "due_at_1": "09:00"}


def test_who_may_open_which_list(world: World) -> None:
    for name, tasks, duties in (
        ("bureau", 200, 200),
        ("auditor", 200, 200),
        ("office-01", 200, 200),
        ("commissioner-01", 200, 200),
        ("community-01", 200, 200),
        ("police", 403, 200),
        ("admin", 403, 200),
    ):
        client = page(world, name)
        assert (client.get(TASKS).status_code, client.get(DUTIES).status_code) == (tasks, duties), name


def test_pages_are_chinese(world: World) -> None:
    task, duty = give(world), ResponsibilityItem.objects.get(category="F07")
    client = page(world, "bureau")
    group = WorkGroup.objects.get(grid=world.grid(1))
    for path in (
        TASKS, f"{TASKS}give/", f"{TASKS}{task.pk}/change/", f"{TASKS}{task.pk}/revise/",
        f"{TASKS}{task.pk}/done/", f"{TASKS}{task.pk}/cancel/", f"{TASKS}?late=yes&q=新店", DUTIES,
        f"{DUTIES}add/", f"{DUTIES}{duty.pk}/change/", f"/admin/grids/workgroup/{group.pk}/change/",
    ):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code == 200, path
        html = answer.content.decode()
        assert outside_in(html) == [], path
        assert [t for t in english_in(html, allowed=KNOWN) if not LABELS.search(t)] == [], path


def test_an_empty_list_says_what_to_do(world: World) -> None:
    assert "还没有任务" in page(world, "office-01").get(TASKS).content.decode()
    assert "没有符合条件的任务" in page(world, "office-01").get(f"{TASKS}?q=xyz").content.decode()


def test_a_task_is_given_changed_and_done(world: World) -> None:
    client = page(world, "office-01")
    form = {
        "grid": world.grid(1).pk, "title": "核对新店", "note": "", "owner": world.users["worker-01-1"].pk,
        "client_uid": str(uuid.uuid4()), **due(),
    }  # fmt: skip
    refused = client.post(f"{TASKS}give/", form | {"owner": world.users["worker-02-1"].pk})
    assert "责任人须是本网格" in refused.content.decode()
    for _ in range(2):  # a second click
        assert client.post(f"{TASKS}give/", form).status_code == 302
    task = TaskItem.objects.get()
    changed = {"title": "复核新店", "note": "", "owner": task.owner_id, "version": 1, **due(2)}
    assert client.post(f"{TASKS}{task.pk}/revise/", changed).status_code == 302
    stale = client.post(f"{TASKS}{task.pk}/done/", {"note": "", "version": 1})
    assert "已被他人更新" in stale.content.decode()
    assert client.post(f"{TASKS}{task.pk}/done/", {"note": "齐全", "version": 2}).status_code == 302
    task.refresh_from_db()
    assert (task.state, task.title, task.done_by.username) == ("done", "复核新店", "office-01")


def test_lists_are_scoped_and_acts_refused(world: World) -> None:
    mine, other = give(world), give(world, 21, "worker-21-1")
    client = page(world, "office-01")
    html = client.get(TASKS).content.decode()
    assert f"{TASKS}{mine.pk}/change/" in html
    assert f"{TASKS}{other.pk}/change/" not in html
    assert client.get(f"{TASKS}{other.pk}/done/").status_code == 403
    colleague = page(world, "commissioner-01")
    assert colleague.get(f"{TASKS}{mine.pk}/change/").status_code == 200
    assert colleague.get(f"{TASKS}{mine.pk}/cancel/").status_code == 403
    for name in ("auditor", "leader"):
        assert page(world, name).get(f"{TASKS}{mine.pk}/done/").status_code == 403


def test_the_auditor_reads_masked(world: World) -> None:
    task = give(world, note="联系13812345678")
    path = f"{TASKS}{task.pk}/change/"
    assert "13812345678" in page(world, "office-01").get(path).content.decode()
    assert "13812345678" not in page(world, "auditor").get(path).content.decode()


def test_export(world: World) -> None:
    give(world, note="联系13812345678")
    content = page(world, "office-01").get(f"{TASKS}?_export=xlsx").content
    rows = load_workbook(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert rows[0][:4] == ["任务", "说明", "网格", "责任人"]
    assert rows[1][1] == "联系138****5678"
    content = page(world, "police").get(f"{DUTIES}?_export=xlsx&group__exact=Q").content
    rows = load_workbook(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert {row[0] for row in rows[1:]} == {"产品质量"}
    assert "公安" in {row[2] for row in rows}


def test_the_bureau_keeps_the_list_of_responsibilities(world: World) -> None:
    item = ResponsibilityItem.objects.get(group="F", category="", role="GRID_WORKER")
    form = {
        "group": "F", "category": "", "role": "GRID_WORKER", "section": "", "department": "",
        "duty": "留意食品安全", "standard": "", "basis": "", "position": 5, "is_active": "on",
    }  # fmt: skip
    path = f"{DUTIES}{item.pk}/change/"
    assert page(world, "office-01").post(path, form).status_code == 403
    assert page(world, "auditor").post(path, form).status_code == 403
    assert page(world, "bureau").post(path, form).status_code == 302
    item.refresh_from_db()
    assert (item.duty, item.version) == ("留意食品安全", 2)
    assert Entry.objects.filter(stream=f"responsibility:{item.pk}", kind="changed").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"category": "L01"}, "线索分类编码应属于所选的线索大类"),
        ({"category": "老鼠"}, "线索分类编码应形如"),
        ({"department": "police"}, "只能填写一项"),
        ({"section": "FOOD"}, "只有局业务科室需要填写"),
        ({}, "已有一条"),
    ],
)
def test_what_the_list_refuses(world: World, more: dict[str, str], said: str) -> None:
    form = {
        "group": "F", "category": "", "role": "GRID_WORKER", "section": "", "department": "",
        "duty": "留意食品安全", "standard": "", "basis": "", "position": 5, "is_active": "on",
    }  # fmt: skip
    assert said in page(world, "bureau").post(f"{DUTIES}add/", form | more).content.decode()


def test_the_group_names_its_members_and_gets_a_robot(world: World) -> None:
    group = WorkGroup.objects.get(grid=world.grid(1))
    robot = Robot.objects.create(name="一网格机器人", url="/robot")
    path = f"/admin/grids/workgroup/{group.pk}/change/"
    assert world.users["worker-01-1"].name in page(world, "office-01").get(path).content.decode()
    form = {"name": group.name, "robot": robot.pk}
    assert page(world, "office-01").post(path, form).status_code == 403
    assert page(world, "bureau").post(path, form).status_code == 302
    group.refresh_from_db()
    assert (group.robot_id, group.version) == (robot.pk, 2)
    entry = Entry.objects.get(stream=f"work_group:{group.pk}")
    assert entry.data["after"]["robot_id"] == robot.pk
