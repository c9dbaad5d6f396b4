"""Appointing, ending, handing on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from grids import postings
from grids.access import scope_of
from grids.demo import World
from grids.models import Posting
from grids.roles import Role
from kernel.accounts import rights
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, Refused
from kernel.journal.models import Entry
from tests.factories.accounts import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def handed_on(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, datetime, User | None]]:
    calls: list[tuple[int, datetime, User | None]] = []

    def callback(*, posting: Posting, at: datetime, by: User | None) -> None:
        assert posting.ends_at is not None
        calls.append((posting.id, at, by))

    monkeypatch.setattr(postings, "_on_end", [])
    postings.on_end(callback)
    postings.on_end(callback)
    return calls


def kinds(posting: Posting) -> list[str]:
    return list(
        Entry.objects.filter(stream=f"posting:{posting.id}").order_by("seq").values_list("kind", flat=True)
    )


def test_end_then_appoint_a_successor(world: World, handed_on: list[Any]) -> None:
    head = world.user("office-01")
    old = postings.end(posting=world.posting_of("commissioner-01"), at=world.at, by=head)
    assert (old.ends_at, old.wound_up_at) == (world.at, world.at)
    assert handed_on == [(old.id, world.at, head)]
    assert kinds(old) == ["appointed", "ended"]
    new = postings.appoint(
        user=make_user(), role=Role.COMMISSIONER, grid=world.grid(1), by=head, at=world.at,
        backup=world.user("commissioner-02"),
    )  # fmt: skip
    assert kinds(new) == ["appointed"]
    assert scope_of(new.user).grid_ids == {world.grid(1).id}


def test_ending_twice_hands_on_once(world: World, handed_on: list[Any]) -> None:
    posting = world.posting_of("commissioner-01")
    for _ in range(2):
        postings.end(posting=posting, at=world.at, by=world.user("bureau"))
    assert len(handed_on) == 1


def test_a_second_commissioner_is_refused(world: World) -> None:
    with pytest.raises(Conflict, match="已有市场监管专员"):
        postings.appoint(
            user=make_user(),
            role=Role.COMMISSIONER,
            grid=world.grid(1),
            by=world.user("office-01"),
            at=world.at,
        )


def test_workers_get_the_lowest_free_seat(world: World) -> None:
    head = world.user("community-01")
    new = {"role": Role.GRID_WORKER, "grid": world.grid(1), "by": head, "at": world.at}
    with pytest.raises(Conflict, match="已有 3 名"):
        postings.appoint(user=make_user(), **new)
    postings.end(posting=world.posting_of("worker-01-2"), at=world.at, by=head)
    assert postings.appoint(user=make_user(), **new).seat == 2


@pytest.mark.parametrize(
    ("username", "role", "number", "allowed"),
    [
        ("office-01", Role.COMMISSIONER, 1, True),
        ("office-01", Role.COMMISSIONER, 7, False),
        ("deputy-01", Role.COMMISSIONER, 1, True),
        ("community-01", Role.GRID_WORKER, 1, True),
        ("community-01", Role.COMMISSIONER, 1, False),
        ("community-09", Role.GRID_WORKER, 1, False),
        ("clerk-01", Role.GRID_WORKER, 1, False),
        ("commissioner-01", Role.GRID_WORKER, 1, False),
        ("bureau", Role.COMMISSIONER, 7, True),
        ("admin", Role.COMMISSIONER, 7, True),
        ("auditor", Role.COMMISSIONER, 7, False),
    ],
)
def test_who_may_staff_a_grid(world: World, username: str, role: str, number: int, allowed: bool) -> None:
    first = "commissioner-%02d" if role == Role.COMMISSIONER else "worker-%02d-1"
    posting = world.posting_of(first % number)
    if allowed:
        postings.end(posting=posting, at=world.at, by=world.user(username))
    else:
        with pytest.raises(NotAllowed):
            postings.end(posting=posting, at=world.at, by=world.user(username))
        with pytest.raises(NotAllowed):
            postings.appoint(
                user=make_user(), role=role, grid=world.grid(number), by=world.user(username), at=world.at
            )


def test_only_the_administrator_makes_auditors_and_administrators(world: World) -> None:
    for role in (Role.AUDITOR, Role.SYSTEM_ADMIN, Role.IDENTITY_KEEPER):
        with pytest.raises(NotAllowed):
            postings.appoint(user=make_user(), role=role, by=world.user("bureau"), at=world.at)
        postings.appoint(user=make_user(), role=role, by=world.user("admin"), at=world.at)


def test_nobody_appoints_himself(world: World) -> None:
    with pytest.raises(NotAllowed, match="自己"):
        postings.appoint(user=world.user("admin"), role=Role.BUREAU, by=world.user("admin"), at=world.at)


def test_administrator_and_auditor_hold_nothing_else(world: World) -> None:
    admin = world.user("admin")
    for user, role in [("auditor", Role.BUREAU), ("admin", Role.AUDITOR), ("bureau", Role.AUDITOR)]:
        with pytest.raises((Conflict, NotAllowed), match=r"不得兼任|自己"):
            postings.appoint(user=world.user(user), role=role, by=admin, at=world.at)


@pytest.mark.parametrize(
    ("role", "columns", "sentence"),
    [
        (Role.COMMISSIONER, {}, "市场监管专员需要填写网格"),
        (Role.BUREAU, {"section": "FOOD"}, "市场监管局不应填写科室"),
        ("KING", {}, "没有这个岗位"),
    ],
)
def test_scope_must_fit_the_role(world: World, role: str, columns: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        postings.appoint(user=make_user(), role=role, by=world.user("admin"), at=world.at, **columns)


def test_a_backup_of_the_other_side_is_refused(world: World) -> None:
    posting = world.posting_of("commissioner-01")
    with pytest.raises(Conflict, match="另一方"):
        postings.change_backup(
            posting=posting, backup=world.user("worker-01-1"), by=world.user("office-01"), at=world.at
        )
    assert world.posting_of("commissioner-01").backup_id == world.users["commissioner-02"].id


@pytest.mark.parametrize(
    ("who", "backup"),
    [
        ("commissioner-01", "auditor"),
        ("clerk-01", "admin"),
        ("admin", "bureau"),
        ("auditor", "admin"),
    ],
)
def test_nobody_backs_up_across_the_three_keepers(world: World, who: str, backup: str) -> None:
    posting = world.posting_of(who)
    by = world.user("office-01") if posting.grid_id or posting.office_id else world.user("admin")
    with pytest.raises(Conflict, match="不能互为B角") as refused:
        postings.change_backup(posting=posting, backup=world.user(backup), by=by, at=world.at)
    assert refused.value.code == "backup_stands_alone"


def test_an_auditor_backs_up_an_auditor(world: World) -> None:
    admin = world.user("admin")
    second = postings.appoint(
        user=make_user(), role=Role.AUDITOR, by=admin, at=world.at, backup=world.user("auditor")
    )
    assert second.backup == world.user("auditor")
    with pytest.raises(Conflict, match="不能互为B角"):
        postings.appoint(
            user=make_user(), role=Role.BUREAU, by=admin, at=world.at, backup=world.user("auditor")
        )


def test_changing_the_backup(world: World) -> None:
    posting = world.posting_of("commissioner-01")
    backup = world.user("commissioner-03")
    for _ in range(2):
        postings.change_backup(posting=posting, backup=backup, by=world.user("office-01"), at=world.at)
    assert world.grid(1).id in scope_of(world.user("commissioner-03")).grid_ids
    assert world.grid(1).id not in scope_of(world.user("commissioner-02")).grid_ids
    assert kinds(posting) == ["appointed", "backup_changed"]


def test_a_planned_end_hands_on_when_it_comes(world: World, handed_on: list[Any]) -> None:
    end = world.at + timedelta(hours=1)
    posting = postings.appoint(
        user=make_user(), role=Role.BUREAU, by=world.user("admin"), at=world.at, ends_at=end
    )
    assert postings.wind_up_lapsed(world.at) == 0
    assert postings.wind_up_lapsed(end) == 1
    assert postings.wind_up_lapsed(end) == 0
    assert handed_on == [(posting.id, end, None)]
    assert kinds(posting) == ["appointed", "ended"]


def test_ending_before_it_began(world: World, handed_on: list[Any]) -> None:
    start = world.at + timedelta(days=1)
    posting = postings.appoint(
        user=make_user(), role=Role.BUREAU, by=world.user("admin"), at=world.at, starts_at=start
    )
    ended = postings.end(posting=posting, at=world.at, by=world.user("admin"))
    assert ended.ends_at == start
    assert not ended.is_active(start)


def test_the_first_administrator(world: World) -> None:
    user = make_user()
    assert not rights.may_administer(user)
    for _ in range(2):
        rights.make_administrator(user, world.at)
    assert rights.may_administer(User.objects.get(pk=user.pk))
    assert Posting.objects.filter(user=user, role=Role.SYSTEM_ADMIN).count() == 1
    assert not rights.may_administer(world.user("bureau"))
