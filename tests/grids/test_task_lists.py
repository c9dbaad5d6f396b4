"""Tasks of a grid: given, changed, done, cancelled, handed on; their clocks, and who is told."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from grids import absences, postings, states, task_lists, task_notices
from grids.demo import World
from grids.models import TaskItem, WorkGroup
from grids.states import MOVES, TaskMove, TaskState
from grids.task_lists import Wish
from kernel import clock
from kernel.accounts.models import User
from kernel.deadlines.audit import faults
from kernel.deadlines.models import Deadline, Event
from kernel.deadlines.sweep import Driver
from kernel.errors import Conflict, DomainError, NotAllowed, NotVisible, Refused, StaleVersion
from kernel.journal.models import Entry
from kernel.notices import templates
from kernel.notices.models import OutboxMessage, Robot
from kernel.notices.policy import Urgency

DAY = timedelta(days=1)


def anyhow(version: int) -> None:
    """Takes every version."""


def give(world: World, by: str = "office-01", owner: str = "worker-01-1", **more: Any) -> TaskItem:
    wish = Wish(
        more.pop("title", "核对沿街新店执照"),
        world.users[owner].pk,
        more.pop("due_at", clock.now() + DAY),
        more.pop("note", ""),
        more.pop("source", None),
    )
    uid = more.pop("uid", None) or uuid.uuid4()
    grid = world.grid(more.pop("number", 1))
    return task_lists.add(grid=grid, wish=wish, client_uid=uid, by=world.user(by), at=clock.now()).task


def told(task: TaskItem) -> set[tuple[str, str]]:
    rows = OutboxMessage.objects.filter(subject_kind="task", subject_id=task.pk)
    return {
        (row.template.removeprefix("grids.task_"), row.recipient.username if row.recipient else "群")
        for row in rows.select_related("recipient")
    }


def with_robot(world: World, number: int = 1) -> None:
    robot = Robot.objects.create(name="群机器人", url="/robot")
    WorkGroup.objects.filter(grid=world.grid(number)).update(robot=robot)


def kinds(task: TaskItem) -> list[str]:
    return list(Entry.objects.filter(stream=task.stream).order_by("seq").values_list("kind", flat=True))


def code_of(refused: pytest.ExceptionInfo[DomainError]) -> str:
    return refused.value.code


# --- the table of moves ----------------------------------------------------------------------------


@pytest.mark.parametrize("move", TaskMove)
@pytest.mark.parametrize("state", TaskState)
def test_every_move_from_every_state(move: TaskMove, state: TaskState) -> None:
    if state in MOVES[move]:
        assert states.target(move, state) == MOVES[move][state]
    else:
        with pytest.raises(Conflict, match=f"任务目前为“{state.label}”"):
            states.target(move, state)


# --- giving ----------------------------------------------------------------------------------------


def test_a_task_is_given_told_and_timed(world: World) -> None:
    with_robot(world)
    task = give(world, note="电话13812345678")
    assert (task.state, task.version, task.owner.username) == ("open", 1, "worker-01-1")
    assert told(task) == {("given", "worker-01-1"), ("given_group", "群")}
    rows = Deadline.objects.filter(subject_kind="task", subject_id=task.pk)
    assert {row.kind: row.due_at for row in rows} == {
        "due": task.due_at,
        "due_80": task.created_at + (task.due_at - task.created_at) * 0.8,
    }
    assert kinds(task) == ["task.given"]


def test_the_same_uid_gives_the_same_task(world: World) -> None:
    uid, due_at = uuid.uuid4(), clock.now() + DAY
    first, again = give(world, uid=uid, due_at=due_at), give(world, uid=uid, due_at=due_at)
    assert first.pk == again.pk
    with pytest.raises(Conflict) as refused:
        give(world, uid=uid, due_at=due_at, title="别的事")
    assert code_of(refused) == "client_uid_conflict"
    assert give(world, by="community-01", uid=uid, due_at=due_at).pk != first.pk


@pytest.mark.parametrize(
    ("by", "owner", "code"),
    [
        ("worker-01-1", "worker-01-2", "only_yourself"),
        ("worker-21-1", "worker-01-1", "not_your_grid"),
        ("commissioner-21", "worker-01-1", "not_your_grid"),
        ("auditor", "worker-01-1", "not_your_grid"),
        ("admin", "worker-01-1", "not_your_grid"),
        ("police", "worker-01-1", "not_your_grid"),
    ],
)
def test_who_may_not_give(world: World, by: str, owner: str, code: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        give(world, by=by, owner=owner)
    assert code_of(refused) == code


@pytest.mark.parametrize(
    "by", ["commissioner-01", "clerk-01", "office-01", "duty-01", "community-01", "street-01", "bureau"]
)
def test_who_leads_gives_to_anyone_of_the_group(world: World, by: str) -> None:
    for owner in ("worker-01-1", "commissioner-01", "office-01", "clerk-01", "community-01"):
        assert give(world, by=by, owner=owner).owner.username == owner


def test_a_worker_notes_a_task_for_himself_and_is_not_told(world: World) -> None:
    assert told(give(world, by="worker-01-1")) == set()


def test_a_higher_app_makes_its_task_once(world: World) -> None:
    uid = uuid.uuid5(uuid.NAMESPACE_OID, "lead:42:recheck")
    wish = Wish("复查整改情况", world.users["commissioner-01"].pk, clock.now() + DAY, source=("lead", 42))
    made = [
        task_lists.add(grid=world.grid(1), wish=wish, client_uid=uid, by=None, at=clock.now())
        for _ in range(2)
    ]
    assert [one.created for one in made] == [True, False]
    task = made[0].task
    assert (task.source_kind, task.source_id, task.created_by) == ("lead", 42, None)
    assert told(task) == {("given", "commissioner-01")}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"title": "  "}, "title_required"),
        ({"owner": "worker-21-1"}, "owner_not_in_group"),
        ({"owner": "bureau"}, "owner_not_in_group"),
        ({"due_at": -DAY}, "due_past"),
        ({"due_at": 400 * DAY}, "due_too_far"),
    ],
)
def test_what_is_refused(world: World, more: dict[str, Any], code: str) -> None:
    if "due_at" in more:
        more = {"due_at": clock.now() + more["due_at"]}
    with pytest.raises(Refused) as refused:
        give(world, **more)
    assert code_of(refused) == code


# --- changing, finishing, cancelling ---------------------------------------------------------------


def test_done_by_the_owner(world: World) -> None:
    with_robot(world)
    task = give(world)
    owner = world.user("worker-01-1")
    done = task_lists.finish(task_id=task.pk, by=owner, expect=anyhow, note="都齐全")
    assert (done.state, done.done_by_id, done.version) == ("done", owner.pk, 2)
    assert told(task) >= {("done", "office-01"), ("done_group", "群")}
    rows = Deadline.objects.filter(subject_kind="task", subject_id=task.pk)
    assert {row.kind: row.state for row in rows} == {"due": "met", "due_80": "cancelled"}
    assert kinds(task) == ["task.given", "task.done"]


def test_the_group_hears_of_a_running_clock_at_night_and_of_a_task_done_in_the_morning(world: World) -> None:
    with_robot(world)
    task = give(world)
    task_lists.finish(task_id=task.pk, by=world.user("worker-01-1"), expect=anyhow)
    rows = OutboxMessage.objects.filter(subject_kind="task", robot__isnull=False).order_by("id")
    assert [templates.urgency_of(row) for row in rows] == [Urgency.CLOCK, Urgency.NEWS]


def test_done_again_is_the_same_and_by_another_is_refused(world: World) -> None:
    task = give(world)
    task_lists.finish(task_id=task.pk, by=world.user("worker-01-1"), expect=anyhow)

    def stale(version: int) -> None:
        raise StaleVersion("旧版本")

    again = task_lists.finish(task_id=task.pk, by=world.user("worker-01-1"), expect=stale)
    assert again.version == 2
    with pytest.raises(Conflict) as refused:
        task_lists.finish(task_id=task.pk, by=world.user("office-01"), expect=anyhow)
    assert code_of(refused) == "wrong_state"


@pytest.mark.parametrize(
    ("by", "raised"),
    [
        ("office-01", None),  # who gave it
        ("worker-01-2", NotAllowed),  # a colleague
        ("community-01", None),  # leads in the grid
        ("auditor", NotAllowed),
        ("worker-21-1", NotVisible),
        ("admin", NotVisible),
    ],
)
def test_who_may_say_that_it_is_done(world: World, by: str, raised: type[DomainError] | None) -> None:
    task = give(world, owner="commissioner-01")
    if raised is None:
        assert task_lists.finish(task_id=task.pk, by=world.user(by), expect=anyhow).state == "done"
    else:
        with pytest.raises(raised):
            task_lists.finish(task_id=task.pk, by=world.user(by), expect=anyhow)


def test_who_stands_in_may_finish(world: World) -> None:
    at = clock.now()
    absences.record(
        user=world.user("worker-01-1"),
        stand_in=world.user("worker-01-3"),
        starts_at=at,
        ends_at=at + 2 * DAY,
        by=world.user("community-01"),
        at=at,
    )
    task = give(world)
    done = task_lists.finish(task_id=task.pk, by=world.user("worker-01-3"), expect=anyhow)
    assert done.done_by.username == "worker-01-3"


def test_another_owner_and_another_time(world: World) -> None:
    task = give(world)
    later = task.due_at + DAY
    changed = task_lists.change(
        task_id=task.pk, by=world.user("office-01"), expect=anyhow,
        owner_id=world.users["worker-01-2"].pk, due_at=later,
    )  # fmt: skip
    assert (changed.version, changed.clock_cycle) == (2, 2)
    assert told(task) == {("given", "worker-01-1"), ("given", "worker-01-2"), ("taken", "worker-01-1")}
    rows = Deadline.objects.filter(subject_kind="task", subject_id=task.pk, kind="due").order_by("cycle")
    assert [(row.state, row.due_at) for row in rows] == [("cancelled", task.due_at), ("running", later)]
    assert kinds(task) == ["task.given", "task.changed"]


def test_nothing_changed_is_no_new_version(world: World) -> None:
    task = give(world)
    same = task_lists.change(task_id=task.pk, by=world.user("office-01"), expect=anyhow, title=task.title)
    assert same.version == 1
    assert kinds(task) == ["task.given"]


def test_the_owner_may_not_change_what_he_was_given(world: World) -> None:
    task = give(world)
    with pytest.raises(NotAllowed):
        task_lists.change(task_id=task.pk, by=world.user("worker-01-1"), expect=anyhow, title="x")
    with pytest.raises(NotAllowed):
        task_lists.cancel(task_id=task.pk, by=world.user("worker-01-1"), expect=anyhow, reason="不想做")


def test_cancelled_with_a_reason(world: World) -> None:
    task = give(world)
    head = world.user("office-01")
    with pytest.raises(Refused):
        task_lists.cancel(task_id=task.pk, by=head, expect=anyhow, reason=" ")
    for _ in range(2):
        over = task_lists.cancel(task_id=task.pk, by=head, expect=anyhow, reason="重复布置")
        assert (over.state, over.version) == ("cancelled", 2)
    assert ("cancelled", "worker-01-1") in told(task)
    assert not Deadline.objects.filter(subject_kind="task", state="running").exists()


# --- clocks ----------------------------------------------------------------------------------------


def test_due_is_told_to_the_owner_and_to_who_gave_it(world: World) -> None:
    task = give(world)
    clock.travel(timedelta(hours=20))
    Driver("test").tick()
    assert told(task) >= {("soon", "worker-01-1"), ("soon", "office-01")}
    clock.travel(timedelta(hours=5))
    Driver("test").tick()
    assert told(task) >= {("late", "worker-01-1"), ("late", "office-01")}
    assert Event.objects.filter(subject_kind="task").count() == 2
    assert list(faults()) == []
    done = task_lists.finish(task_id=task.pk, by=world.user("worker-01-1"), expect=anyhow)
    assert Entry.objects.get(stream=task.stream, kind="task.done").data["late"] is True
    assert done.state == "done"
    assert Deadline.objects.get(subject_kind="task", kind="due").state == "breached"


def test_a_late_act_fires_the_clock_first(world: World) -> None:
    task = give(world)
    clock.travel(2 * DAY)
    task_lists.finish(task_id=task.pk, by=world.user("worker-01-1"), expect=anyhow)
    assert Event.objects.filter(subject_kind="task", kind="due").count() == 1
    assert ("late", "office-01") in told(task)


def test_many_at_once_are_one_notice_a_person(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_notices, "DIGEST_ABOVE", 2)
    for number in range(3):
        give(world, title=f"任务{number}")
    clock.travel(2 * DAY)
    Driver("test").tick()
    rows = OutboxMessage.objects.filter(template="grids.task_digest", params__what="已到完成期限")
    assert {row.recipient.username: row.params["count"] for row in rows} == {  # type: ignore[union-attr]
        "worker-01-1": 3,
        "office-01": 3,
    }
    assert list(faults()) == []


def test_where_nobody_is_left_the_bureau_is_told(world: World) -> None:
    task = give(world)
    User.objects.filter(username__in=["worker-01-1", "office-01"]).update(is_active=False)
    clock.travel(2 * DAY)
    Driver("test").tick()
    assert ("late", "bureau") in told(task)
    assert list(faults()) == []


# --- people who go ---------------------------------------------------------------------------------


def test_tasks_of_who_leaves_go_to_his_backup(world: World) -> None:
    task, elsewhere = give(world, owner="commissioner-01"), give(world, owner="worker-01-2")
    posting = world.posting_of("commissioner-01")
    backup = posting.backup
    postings.end(posting=posting, at=clock.now(), by=world.user("office-01"))
    task.refresh_from_db()
    elsewhere.refresh_from_db()
    assert backup is not None
    assert (task.owner_id, task.version) == (backup.pk, 2)
    assert elsewhere.version == 1
    assert told(task) >= {("given", backup.username), ("taken", "commissioner-01")}
    assert kinds(task) == ["task.given", "task.handed_on"]


def test_without_a_backup_to_one_of_the_same_role(world: World) -> None:
    posting = world.posting_of("worker-01-1")
    postings.change_backup(posting=posting, backup=None, by=world.user("office-01"), at=clock.now())
    task = give(world)
    postings.end(posting=posting, at=clock.now(), by=world.user("community-01"))
    task.refresh_from_db()
    assert task.owner.username == "worker-01-2"


# --- reading ---------------------------------------------------------------------------------------


def test_who_sees_a_task(world: World) -> None:
    task = give(world)
    seen = {
        name
        for name in world.users
        if TaskItem.objects.visible_to(world.user(name)).filter(pk=task.pk).exists()
    }
    assert seen >= {"worker-01-1", "worker-01-2", "commissioner-01", "office-01", "clerk-01", "duty-01"}
    assert {"community-01", "street-01", "bureau", "leader", "auditor"} - seen == set()
    assert seen.isdisjoint({"worker-21-1", "commissioner-21", "admin", "police", "station-01", "keeper"})
