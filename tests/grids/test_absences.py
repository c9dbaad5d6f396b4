"""Leave and stand-ins."""

from __future__ import annotations

from datetime import timedelta

import pytest

from grids import absences, postings
from grids.access import scope_of
from grids.demo import World
from grids.models import Absence
from grids.roles import Role
from kernel.errors import Conflict, NotAllowed, Refused
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from tests.factories.accounts import make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def leave(world: World, who: str, stand_in: str | None, by: str, days: int = 1) -> Absence:
    return absences.record(
        user=world.user(who),
        stand_in=world.user(stand_in) if stand_in else None,
        starts_at=world.at,
        ends_at=world.at + days * DAY,
        by=world.user(by),
        at=world.at,
        reason=" 事假 ",
    )


def test_for_oneself(world: World) -> None:
    absence = leave(world, "worker-01-1", "worker-02-1", "worker-01-1")
    assert absence.reason == "事假"
    assert scope_of(world.user("worker-02-1")).seat(Role.GRID_WORKER, grid_id=world.grid(1).id)
    entry = Entry.objects.get(stream=f"user:{absence.user_id}", kind="absence_recorded")
    assert entry.actor_id == absence.user_id
    notice = OutboxMessage.objects.get(template="grids.stand_in")
    assert notice.recipient_id == world.users["worker-02-1"].id


@pytest.mark.parametrize(
    ("by", "who", "allowed"),
    [
        ("office-01", "commissioner-01", True),
        ("office-02", "commissioner-01", False),
        ("community-01", "worker-01-1", True),
        ("community-01", "commissioner-01", False),
        ("worker-01-2", "worker-01-1", False),
        ("clerk-01", "commissioner-01", False),
        ("bureau", "office-01", True),
        ("auditor", "office-01", False),
        ("admin", "bureau", False),
        ("admin", "worker-01-1", False),
        ("admin", "admin", True),
    ],
)
def test_for_others(world: World, by: str, who: str, allowed: bool) -> None:
    if allowed:
        assert leave(world, who, None, by).pk
    else:
        with pytest.raises(NotAllowed):
            leave(world, who, None, by)


def test_what_is_refused(world: World) -> None:
    leave(world, "worker-01-1", None, "worker-01-1")
    with pytest.raises(Conflict, match="已有请假"):
        leave(world, "worker-01-1", None, "worker-01-1", days=3)
    with pytest.raises(Conflict, match="本人"):
        leave(world, "worker-01-2", "worker-01-2", "worker-01-2")
    with pytest.raises(Conflict, match="另一方"):
        leave(world, "worker-01-2", "commissioner-01", "worker-01-2")
    with pytest.raises(Conflict, match="另一方"):
        leave(world, "commissioner-01", "worker-01-2", "commissioner-01")
    with pytest.raises(Refused, match="晚于"):
        leave(world, "worker-01-2", None, "worker-01-2", days=0)
    with pytest.raises(Refused, match="一年"):
        leave(world, "worker-01-2", None, "worker-01-2", days=500)


def test_a_closed_account_stands_in_for_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = world.users["worker-02-1"]
    monkeypatch.setattr(stand_in, "is_active", False)
    stand_in.save()
    with pytest.raises(Conflict, match="停用"):
        leave(world, "worker-01-1", "worker-02-1", "worker-01-1")


@pytest.mark.parametrize("who", ["auditor", "admin"])
def test_auditor_and_administrator_stand_in_for_nobody(world: World, who: str) -> None:
    with pytest.raises(Conflict, match="不能代他人") as refused:
        leave(world, "clerk-01", who, "office-01")
    assert refused.value.code == "stand_in_stands_alone"


def test_who_becomes_auditor_during_the_leave_does_not_stand_in_either(world: World) -> None:
    soon = world.users["soon-auditor"] = make_user("soon-auditor")
    postings.appoint(
        user=soon, role=Role.AUDITOR, by=world.user("admin"), at=world.at, starts_at=world.at + DAY
    )
    assert leave(world, "clerk-01", "soon-auditor", "office-01").stand_in == soon
    with pytest.raises(Conflict, match="不能代他人"):
        leave(world, "clerk-02", "soon-auditor", "office-02", days=2)


def test_back_early(world: World) -> None:
    absence = leave(world, "worker-01-1", "worker-02-1", "worker-01-1", days=5)
    with pytest.raises(NotAllowed):
        absences.end_early(absence=absence, by=world.user("worker-02-1"), at=world.at)
    for _ in range(2):
        absences.end_early(absence=absence, by=world.user("worker-01-1"), at=world.at)
    assert not scope_of(world.user("worker-02-1")).seat(Role.GRID_WORKER, grid_id=world.grid(1).id)
    kinds = Entry.objects.filter(stream=f"user:{absence.user_id}").values_list("kind", flat=True)
    assert list(kinds).count("absence_ended") == 1
