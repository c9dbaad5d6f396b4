"""`GET me`: seats by code, and what waits, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker

from grids import task_lists
from grids.models import Absence
from kernel import clock
from leads import lifecycle, supervision
from leads.models import Instruction, Lead
from leads.states import State
from suoshe.me import TASKS
from tests.factories import leads as make
from tests.factories.accounts import bearer
from tests.factories.house import House, on_its_own

pytestmark = pytest.mark.xdist_group("house")
NOTHING = dict.fromkeys(TASKS, 0)
MOST = {"bureau": 11, "office-01": 7, "commissioner-01": 7}
"""Statements of who may decide: each kind of question looks once who else is there to decide it."""


@pytest.fixture
def house(standing_house: House, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    with on_its_own(django_db_blocker):
        yield standing_house


@pytest.fixture
def me(client: Client, house: House) -> Any:
    def ask(username: str) -> dict[str, Any]:
        user = house.world.users.get(username) or getattr(house, username)
        answer = client.get("/api/v1/me/", headers=bearer(user))
        assert answer.status_code == 200
        body: dict[str, Any] = answer.json()
        return body

    return ask


def test_seats_are_told_by_code_with_their_basis_and_holder(me: Any, house: House) -> None:
    world = house.world
    found = me("commissioner-01")
    assert (found["username"], found["name"]) == ("commissioner-01", world.users["commissioner-01"].name)
    own, backup = found["postings"] if found["postings"][0]["basis"] == "own" else found["postings"][::-1]
    assert own == {
        "role": "COMMISSIONER",
        "role_name": "市场监管专员",
        "basis": "own",
        "for": None,
        "grid": world.grid(1).code,
        "office": None,
        "community": None,
        "department": None,
        "subdistrict": None,
        "station": None,
        "section": None,
    }
    assert backup["basis"] == "backup"
    assert backup["for"]["name"].strip()
    assert backup["grid"] != own["grid"]


@pytest.mark.parametrize(
    ("username", "key", "value"),
    [
        ("office-01", "office", "370983001-S"),
        ("clerk-01", "office", "370983001-S"),
        ("community-01", "community", "370983001-C01"),
        ("street-01", "subdistrict", "370983001"),
        ("police", "department", "police"),
        ("station-07", "station", "ST-07"),
        ("section-food", "section", "FOOD"),
    ],
)
def test_each_kind_of_place_has_its_code(me: Any, username: str, key: str, value: str) -> None:
    (own,) = [seat for seat in me(username)["postings"] if seat["basis"] == "own"]
    assert own[key] == value


def test_duty_is_a_seat_of_the_day(me: Any) -> None:
    (duty,) = me("duty-01")["postings"]
    assert (duty["role"], duty["role_name"], duty["basis"], duty["for"]) == (
        "DUTY_OFFICER", "值班员", "duty", None,
    )  # fmt: skip
    assert {seat["basis"] for seat in me("office-01")["postings"]} == {"own", "duty"}


def in_grid_1(house: House, state: State) -> int:
    return Lead.objects.filter(grid=house.world.grid(1), state=state).count()


def test_what_waits_for_whom(me: Any, house: House) -> None:
    """Around grid 1: what is to be answered, fed back and verified; one order, one task; two leads that the
    office reported, one of them with a matter; a shop's change of name, which the B角 may confirm too; a
    patrol; what lies with the station, and with the office."""
    verify = in_grid_1(house, State.FED_BACK)
    waiting = {
        "commissioner-01": {
            "respond": in_grid_1(house, State.DISPATCHED),
            "feed_back": in_grid_1(house, State.RESPONDED),
            "approve": 1,
        },
        "worker-01-1": {
            "verify": verify,
            "confirm_handover": 2,
            "tasks": 1,
            "countersign": 1,
            "patrol": 1,
        },
        "worker-01-2": {"verify": verify, "confirm_handover": 2, "countersign": 1},
        "office-01": {"acknowledge": 1, "approve": 2, "disputes": 3},
        "community-01": {"acknowledge": 1},
        "station-01": {"disputes": 4},
        "station-02": {},
        "bureau": {"desk": 1},
        "commissioner-02": {"approve": 1},
        "worker-21-1": {},
        "office-02": {},
        "clerk-01": {"disputes": 3},
        "clerk-02": {},
        "auditor": {},
        "admin": {},
        "leader": {},
        "nobody": {},
        "former": {},
    }
    assert {name: me(name)["open_tasks"] for name in waiting} == {
        name: NOTHING | some for name, some in waiting.items()
    }


def test_what_is_done_waits_no_longer(me: Any, house: House) -> None:
    world, verify = house.world, in_grid_1(house, State.FED_BACK)
    supervision.acknowledge(
        order_id=house.order.pk,
        by=world.head_of(1),
        expect=make.take_any,
        instruction=Instruction.GO_MYSELF,
    )
    lifecycle.verify(lead_id=house.fed_back.pk, by=world.worker(1), expect=make.take_any)
    lifecycle.confirm_handover(lead_id=house.told.pk, by=world.worker(1, 2), expect=make.take_any)
    task_lists.finish(task_id=house.task.pk, by=world.worker(1), expect=make.take_any)
    assert me("office-01")["open_tasks"] == NOTHING | {"approve": 2, "disputes": 3}
    assert me("community-01")["open_tasks"] == NOTHING | {"acknowledge": 1}
    assert me("worker-01-1")["open_tasks"] == NOTHING | {
        "verify": verify - 1, "confirm_handover": 1, "countersign": 1, "patrol": 1,
    }  # fmt: skip


def test_a_stand_in_has_the_work_of_whom_he_stands_in_for(me: Any, house: House) -> None:
    world, now = house.world, clock.now()
    Absence.objects.create(
        user=world.worker(1),
        stand_in=world.worker(21),
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=1),
    )
    found = me("worker-21-1")
    verify = in_grid_1(house, State.FED_BACK)
    assert found["open_tasks"] == NOTHING | {"verify": verify, "confirm_handover": 2, "countersign": 1}
    held = [seat for seat in found["postings"] if seat["basis"] == "absence"]
    assert [seat["for"]["id"] for seat in held] == [world.worker(1).pk]


def test_unread_notices_are_counted(me: Any, client: Client, house: House) -> None:
    before = me("commissioner-01")["unread_notices"]
    assert before >= 4
    headers = bearer(house.world.commissioner(1))
    path = f"/api/v1/notices/{house.notice.pk}/read/"
    assert client.post(path, {}, content_type="application/json", headers=headers).status_code == 200
    assert me("commissioner-01")["unread_notices"] == before - 1


@pytest.mark.parametrize("username", ["commissioner-01", "worker-01-1", "office-01", "bureau", "auditor"])
def test_few_statements_whoever_asks(
    client: Client, house: House, username: str, django_assert_max_num_queries: Any
) -> None:
    """The token, the seats, their codes, the unread notices, what waits; for who may decide, who else
    is there to."""
    headers = bearer(house.world.users[username])
    with django_assert_max_num_queries(MOST.get(username, 5)):
        assert client.get("/api/v1/me", headers=headers).status_code == 200


def test_401_without_a_token(client: Client, house: House) -> None:
    assert client.get("/api/v1/me/").status_code == 401


def test_a_recheck_is_owed_once_its_day_has_come(me: Any, house: House) -> None:
    assert me("commissioner-01")["open_tasks"]["recheck"] == 0
    clock.travel(timedelta(days=4))
    assert me("commissioner-01")["open_tasks"]["recheck"] == 1
