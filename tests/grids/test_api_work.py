"""Tasks, responsibilities and work groups over HTTP: the one who may, the colleague, the outsider."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from grids.demo import World
from grids.models import ResponsibilityItem, TaskItem, WorkGroup
from kernel import clock
from kernel.notices.models import Robot
from tests.factories.accounts import bearer

GRID = "370983001-L01"
DAY = timedelta(days=1)


class Caller:
    """One person at the grid's endpoints."""

    def __init__(self, world: World, username: str, grid: str = GRID) -> None:
        self.headers = bearer(world.users[username])
        self.base = f"/api/v1/grids/{grid}/"

    def get(self, path: str, **query: Any) -> Any:
        return Client().get(self.base + path, query, headers=self.headers)

    def send(self, method: str, path: str, body: dict[str, Any], version: int | None = None) -> Any:
        headers = self.headers | ({} if version is None else {"If-Match": f'"v{version}"'})
        call = getattr(Client(), method)
        return call(self.base + path, body, content_type="application/json", headers=headers)


def body(**more: Any) -> dict[str, Any]:
    due_at = (clock.now() + DAY).isoformat()
    wanted = {"client_uid": str(uuid.uuid4()), "title": "核对新店", "owner": "worker-01-1", "due_at": due_at}
    return wanted | more


def given(world: World, **more: Any) -> dict[str, Any]:
    answer = Caller(world, "office-01").send("post", "tasks/", body(**more))
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def test_a_task_from_giving_to_done(world: World) -> None:
    sent = body(note="联系13812345678")
    head, worker = Caller(world, "office-01"), Caller(world, "worker-01-1")
    made = head.send("post", "tasks/", sent)
    assert (made.status_code, made["ETag"]) == (201, '"v1"')
    again = head.send("post", "tasks", sent)
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
    other = head.send("post", "tasks/", sent | {"title": "别的"})
    assert (other.status_code, other.json()["errors"][0]["code"]) == (409, "client_uid_conflict")
    path = f"tasks/{made.json()['id']}/"
    assert worker.get("tasks/").json()["results"][0]["note"] == "联系138****5678"
    assert worker.get(path).json()["note"] == sent["note"]
    assert worker.send("post", f"{path}done/", {}).status_code == 428
    assert worker.send("post", f"{path}done/", {}, 9).status_code == 412
    done = worker.send("post", f"{path}done/", {"note": "齐全"}, 1)
    assert (done.status_code, done.json()["state"], done["ETag"]) == (200, "done", '"v2"')
    assert worker.send("post", f"{path}done/", {"note": "齐全"}, 1).status_code == 200
    assert head.send("patch", path, {"title": "x"}, 2).json()["errors"][0]["code"] == "wrong_state"


def test_changing_and_cancelling(world: World) -> None:
    task = given(world)
    head, path = Caller(world, "office-01"), f"tasks/{task['id']}/"
    assert head.send("patch", path, {"title": "复核新店"}).status_code == 428
    changed = head.send("patch", path, {"title": "复核新店", "owner": "worker-01-2"}, 1)
    assert changed.status_code == 200
    assert (changed.json()["title"], changed.json()["owner"]["username"]) == ("复核新店", "worker-01-2")
    assert head.send("post", f"{path}cancel/", {"reason": "重复"}, 1).status_code == 412
    over = head.send("post", f"{path}cancel/", {"reason": "重复"}, 2)
    assert (over.status_code, over.json()["cancel_reason"]) == (200, "重复")


@pytest.mark.parametrize(
    ("more", "code", "status"),
    [
        ({"owner": "nobody"}, "unknown_person", 400),
        ({"owner": "worker-21-1"}, "unknown_person", 400),
        ({"title": ""}, "blank", 400),
        ({"due_at": "2020-01-01T00:00:00+08:00"}, "due_past", 422),
        ({"colour": "red"}, "unknown_field", 400),
        ({"due_at": "gestern"}, "invalid", 400),
    ],
)
def test_broken_bodies(world: World, more: dict[str, Any], code: str, status: int) -> None:
    answer = Caller(world, "office-01").send("post", "tasks/", body(**more))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    assert not TaskItem.objects.exists()


def test_filters(world: World) -> None:
    soon, later = given(world), given(world, due_at=(clock.now() + 3 * DAY).isoformat(), owner="worker-01-2")
    caller = Caller(world, "worker-01-1")

    def found(**query: Any) -> list[int]:
        return [row["id"] for row in caller.get("tasks/", **query).json()["results"]]

    assert found() == [later["id"], soon["id"]]
    assert found(owner="worker-01-2") == [later["id"]]
    assert found(ordering="due_at") == [soon["id"], later["id"]]
    clock.travel(2 * DAY)
    assert found(overdue="true") == [soon["id"]]
    assert found(overdue="false") == [later["id"]]
    assert found(state="done") == []
    assert caller.get("tasks/", state="lost").status_code == 400


def test_the_colleague_and_the_outsider(world: World) -> None:
    task = given(world)
    path = f"tasks/{task['id']}/"
    colleague, outsider = Caller(world, "worker-01-3"), Caller(world, "worker-21-1")
    assert colleague.get(path).status_code == 200
    assert colleague.send("post", f"{path}done/", {}, 1).status_code == 403
    assert outsider.get("tasks/").json()["results"] == []
    assert outsider.get(path).status_code == 404
    assert outsider.send("post", f"{path}done/", {}, 1).status_code == 404
    assert outsider.send("post", "tasks/", body()).json()["errors"][0]["code"] == "not_your_grid"
    elsewhere = Caller(world, "office-01", "370983001-L02")
    assert elsewhere.get(path).status_code == 404
    assert Caller(world, "office-01", "370983001-L99").get("tasks/").status_code == 404


def test_a_list_costs_the_same_for_one_and_many(world: World) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            Caller(world, "worker-01-1").get("tasks/")
        return len(asked)

    given(world)
    statements()
    few = statements()
    for _ in range(5):
        given(world)
    assert statements() == few


def test_me_counts_my_open_tasks(world: World) -> None:
    given(world)
    path, headers = "/api/v1/me/", bearer(world.users["worker-01-1"])
    assert Client().get(path, headers=headers).json()["open_tasks"]["tasks"] == 1


# --- responsibilities ------------------------------------------------------------------------------


def test_who_answers_for_what(world: World) -> None:
    answer = Caller(world, "worker-01-1").get("responsibilities/", category="Q02").json()
    who = [item["who"] for item in answer["items"]]
    assert who.count("社区网格员") == 2  # of every lead, and of the group
    assert {"公安", "消防", "产品质量安全监管科"} <= set(who)
    assert "综合行政执法(城管)" not in who
    owner = next(item for item in answer["items"] if item["role"] == "COMMISSIONER")
    assert [person["username"] for person in owner["people"]] == ["commissioner-01"]
    everything = Caller(world, "worker-01-1").get("responsibilities/").json()
    assert len(everything["items"]) == ResponsibilityItem.objects.count()
    assert Caller(world, "worker-01-1").get("responsibilities/", category="Z9").status_code == 400


def test_people_are_named_to_who_serves_the_grid(world: World) -> None:
    answer = Caller(world, "worker-21-1").get("responsibilities/", category="F03")
    assert {item["people"] for item in answer.json()["items"]} == {None}


def test_every_group_of_the_catalogue_has_its_list(world: World) -> None:
    for code in "FLPQSDACX":
        rows = ResponsibilityItem.objects.filter(group=code, category="")
        assert {"GRID_WORKER", "COMMISSIONER"} <= set(rows.values_list("role", flat=True))


# --- the work group --------------------------------------------------------------------------------


def test_the_group_is_who_is_posted_there(world: World) -> None:
    answer = Caller(world, "worker-01-1").get("work-group/")
    assert answer.status_code == 200
    group = answer.json()
    names = [member["person"]["username"] for member in group["members"]]
    assert names[:4] == ["commissioner-01", "worker-01-1", "worker-01-2", "worker-01-3"]
    assert {"office-01", "clerk-01", "community-01"} <= set(names)
    assert (group["robot"], group["robots"]) == (None, None)
    assert Caller(world, "worker-21-1").get("work-group/").status_code == 404


def test_the_bureau_sets_the_robot(world: World) -> None:
    robot = Robot.objects.create(name="一网格机器人", url="/cgi-bin/webhook/send?key=SECRET")
    bureau, head = Caller(world, "bureau"), Caller(world, "office-01")
    shown = bureau.get("work-group/")
    assert [one["id"] for one in shown.json()["robots"]] == [robot.pk]
    assert b"SECRET" not in shown.content
    assert head.send("patch", "work-group/", {"robot": robot.pk}, 1).status_code == 403
    assert bureau.send("patch", "work-group/", {"robot": robot.pk}).status_code == 428
    assert bureau.send("patch", "work-group/", {"robot": robot.pk + 1}, 1).status_code == 422
    changed = bureau.send("patch", "work-group/", {"robot": robot.pk, "name": "一网格群"}, 1)
    assert (changed.status_code, changed["ETag"]) == (200, '"v2"')
    group = WorkGroup.objects.get(grid=world.grid(1))
    assert (group.robot_id, group.name) == (robot.pk, "一网格群")
    assert bureau.send("patch", "work-group/", {"robot": None}, 2).json()["robot"] is None
