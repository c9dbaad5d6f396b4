"""A station over the API: what it is, its day, the shops of its circle, figures, without a network."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from grids.demo import World
from kernel import clock
from kernel.journal.models import Entry
from stations.models import CircleShop, Dispute
from tests.factories import disputes as more
from tests.factories import stations as made
from tests.factories.grids import make_entity
from tests.factories.leads import TUESDAY, pass_time, stand_at
from tests.factories.stations import Place
from tests.leads.calls import Api, code_of
from tests.leads.test_query_budgets import SLACK, statements

pytestmark = pytest.mark.django_db
BUDGETS: dict[str, int] = json.loads((Path(__file__).parents[1] / "query_budgets.json").read_text())[
    "stations"
]


def within(name: str, asked: list[str]) -> None:
    shown = "\n".join(sql[:150] for sql in asked)
    assert len(asked) <= BUDGETS[name], f"{name}: {len(asked)} statements\n{shown}"
    assert len(asked) >= BUDGETS[name] - SLACK, f"{name}: only {len(asked)}, lower the budget"


def test_a_station_with_its_hours_and_people(around: Place, world: World, api: Api) -> None:
    circle: Any = around.circle
    made.hours(circle)
    for slash in ("", "/"):
        found = api.get(world.worker(21), f"stations/{circle.code}{slash}").json()
        assert (found["kind"], found["complex_name"]) == ("COMPLEX", "测试商业广场")
        assert found["hours"][0] == {
            "weekday": 1,
            "weekday_label": "星期一",
            "opens_at": "08:30",
            "closes_at": "17:30",
        }
        assert [one["id"] for one in found["mediators"]] == [around.circle_mediator.pk]  # type: ignore[union-attr]
        assert found["circle_shops"] == 1
    assert api.get(world.worker(21), "stations/NONE/").status_code == 404
    assert api.get(world.worker(21), "stations/%00/").status_code in (400, 404)
    within("GET stations/", statements(api, world.worker(21), "stations/"))


def test_the_day_of_a_station(around: Place, world: World, api: Api) -> None:
    row = made.in_community(around)
    session = more.booked(around, row, after=timedelta(hours=1))
    made.settled(around)
    path = f"stations/{around.station.code}/today/"
    today = api.get(around.mediator, path).json()
    assert today["day"] == "2026-03-10"
    assert [one["id"] for one in today["sessions"]] == [session.pk]
    assert [one["id"] for one in today["disputes"]] == [row.pk]
    asked = statements(api, around.mediator, path)
    within("GET stations/{code}/today/", asked)
    for _ in range(3):
        made.taken(around)
    assert len(statements(api, around.mediator, path)) == len(asked)
    for user, status in ((around.clerk, 200), (world.user("auditor"), 200), (world.worker(1), 403)):
        assert api.get(user, path).status_code == status
    elsewhere = made.place(world, 21)
    assert api.get(elsewhere.mediator, path).status_code == 403
    stand_at(TUESDAY + timedelta(days=1))
    assert [one["id"] for one in api.get(around.mediator, path).json()["sessions"]] == [session.pk], (
        "not held"
    )


def test_shops_of_a_circle(around: Place, world: World, api: Api) -> None:
    circle: Any = around.circle
    path = f"stations/{circle.code}/shops/"
    shop = make_entity(world, 1, name="新开的鞋店")
    first = api.post(around.circle_mediator, path, {"entity": shop.pk})
    assert first.status_code == 201, first.content
    assert (first.json()["since"], first.json()["until"]) == ("2026-03-10", None)
    assert api.post(around.circle_mediator, path, {"entity": shop.pk}).status_code == 200
    noted = Entry.objects.get(kind="circle.shop_joined")
    assert noted.data["station"] == circle.code
    listed = api.get(around.circle_mediator, path, q="鞋店", count="exact").json()
    assert [one["entity"]["id"] for one in listed["results"]] == [shop.pk]
    taken = made.taken(around, entity_id=shop.pk)
    assert taken.circle == circle
    for body, status, code in (
        ({"entity": around.shop.pk, "since": "2020-01-01"}, 409, "other_circle"),
        ({"entity": 2**63 - 1}, 422, "unknown_entity"),
        ({"entity": shop.pk, "since": "0001-01-01"}, 422, "bad_day"),
        ({"entity": "x"}, 400, "invalid"),
        ({"entity": shop.pk, "x": 1}, 400, "unknown_field"),
    ):
        answer = api.post(around.circle_mediator, path, body)
        assert (answer.status_code, code_of(answer)) == (status, code), answer.content
    refused = api.post(around.mediator, f"stations/{around.station.code}/shops/", {"entity": shop.pk})
    assert (refused.status_code, code_of(refused)) == (422, "not_a_circle")
    assert api.post(world.worker(1), path, {"entity": shop.pk}).status_code == 403
    assert api.post(world.user("auditor"), path, {"entity": shop.pk}).status_code == 403
    assert CircleShop.objects.filter(entity=shop).count() == 1


def test_a_shop_leaves_its_circle(around: Place, world: World, api: Api) -> None:
    circle: Any = around.circle
    row = CircleShop.objects.get(station=circle, entity=around.shop)
    path = f"stations/{circle.code}/shops/{row.pk}/leave/"
    assert api.post(around.mediator, path).status_code == 403
    assert api.post(world.user("auditor"), path).status_code == 403
    for body, status, code in (
        ({"until": row.since.isoformat()}, 422, "bad_day"),
        ({"until": "9999-12-31"}, 422, "bad_day"),
        ({"until": "x"}, 400, "invalid"),
        ({"x": 1}, 400, "unknown_field"),
    ):
        answer = api.post(around.circle_mediator, path, body)
        assert (answer.status_code, code_of(answer)) == (status, code), answer.content
    elsewhere = f"stations/{around.station.code}/shops/{row.pk}/leave/"
    for other in (elsewhere, path.replace(str(row.pk), str(2**65)), path.replace(circle.code, "NONE")):
        assert api.post(around.clerk, other).status_code == 404, other
    for _ in range(2):
        left = api.post(around.circle_mediator, path)
        assert (left.status_code, left.json()["until"]) == (200, "2026-03-10"), left.content
    again = api.post(around.circle_mediator, path, {"until": "2026-03-20"})
    assert (again.status_code, code_of(again)) == (409, "left_already")
    assert Entry.objects.filter(kind="circle.shop_left", stream=f"circle_shop:{row.pk}").count() == 1
    assert api.get(around.circle_mediator, f"stations/{circle.code}/shops/").json()["results"] == []
    assert made.taken(around).circle is None


def test_figures_and_what_is_hot(around: Place, world: World, api: Api) -> None:
    made.settled(around)
    made.not_reached(around)
    made.taken(around)
    bureau = world.user("bureau")
    found = api.get(bureau, "disputes/figures/").json()
    assert (found["registered"], found["on_the_spot"], found["not_reached"], found["open"]) == (3, 1, 1, 1)
    assert (found["mediation_success_rate"], found["satisfaction_rate"], found["rated"]) == (0.5, None, 0)
    mine = api.get(bureau, "disputes/figures", station=around.station.code, to="2026-03-31").json()
    assert (mine["station"], mine["registered"]) == (around.station.code, 3)
    assert api.get(world.worker(1), "disputes/figures/").json()["registered"] == 0
    for wrong in (
        {"from": "x"},
        {"from": "2026-12-31", "to": "2026-01-01"},
        {"station": "NONE"},
        {"from": "0001-01-01"},
    ):
        assert api.get(bureau, "disputes/figures/", **wrong).status_code == 400, wrong
    hot = api.get(bureau, "disputes/hot/").json()
    assert [(one["entity"], one["disputes"]) for one in hot["shops"]] == [(around.shop.pk, 3)]
    assert hot["goods"][0]["goods_kind"] == "CLOTHING"
    within("GET disputes/figures/", statements(api, bureau, "disputes/figures/"))


def test_what_waits_is_counted(around: Place, world: World, api: Api) -> None:
    made.taken(around)
    made.settled(around)
    made.filed(around)
    for user, many in (
        (around.mediator, 1),
        (around.clerk, 1),
        (world.clerk_of(21), 0),
        (world.worker(1), 0),
    ):
        assert api.get(user, "me/").json()["open_tasks"]["disputes"] == many, user


def test_taken_down_without_a_network(around: Place, api: Api) -> None:
    """An intake, and an act on what it made, queued on a phone: in order, and once."""
    uid, code = str(uuid.uuid4()), around.station.code
    body = {
        "entity": around.shop.pk,
        "goods": "电饭煲",
        "goods_kind": "APPLIANCE",
        "claims": ["REPAIR"],
        "consumer": {"phone": made.PHONE},
    }
    operations = [
        {"client_uid": uid, "path": f"stations/{code}/disputes/", "body": body},
        {
            "client_uid": str(uuid.uuid4()),
            "path": f"disputes/uid:{uid}/settle/",
            "if_match": '"v1"',
            "body": {},
        },
        {
            "client_uid": str(uuid.uuid4()),
            "path": f"disputes/uid:{uid}/consumer/reveal/",
            "body": {"reason": "x"},
        },
    ]
    for word in ("created", "already_have"):
        receipts = api.post(around.mediator, "sync/", {"operations": operations}).json()["receipts"]
        assert [one["receipt"] for one in receipts] == [word, word, "rejected"], receipts
    row = Dispute.objects.get()
    assert (str(row.client_uid), row.state) == (uid, "settled")


def queued(path: str, version: int, body: dict[str, Any], uid: str = "") -> dict[str, Any]:
    """One operation of a phone, made on this version of the dispute."""
    uid = uid or str(uuid.uuid4())
    return {"client_uid": uid, "path": path, "if_match": f'"v{version}"', "body": body}


def test_meetings_held_and_called_off_without_a_network(around: Place, api: Api) -> None:
    """All made on the version that the phone saw: its own acts carry it on, also those on appointments."""
    row, uid = made.in_community(around), str(uuid.uuid4())
    booked = more.booked(around, row, after=timedelta(hours=1))
    row.refresh_from_db()
    seen = row.version
    pass_time(timedelta(hours=2))
    starts_at = clock.now() + timedelta(days=1)
    meeting = {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + timedelta(hours=1)).isoformat()}
    held = {"consumer_came": True, "shop_came": False, "minutes": "经营者未到场"}
    operations = [
        queued(f"mediation-sessions/{booked.pk}/hold/", seen, held),
        queued(f"disputes/{row.pk}/sessions/", seen, meeting, uid),
        queued(f"mediation-sessions/uid:{uid}/cancel/", seen, {"why": "双方改期"}),
        queued(f"disputes/{row.pk}/settle/", seen, {"note": "电话中谈妥"}),
    ]
    for word in ("created", "already_have"):
        receipts = api.post(around.mediator, "sync/", {"operations": operations}).json()["receipts"]
        assert [one["receipt"] for one in receipts] == [word] * 4, receipts
        assert {one["resource"] for one in receipts} == {f"disputes/{row.pk}"}
        assert [one["version"] for one in receipts] == [seen + 1, seen + 2, seen + 3, seen + 4]
    assert set(row.sessions.values_list("state", flat=True)) == {"held", "cancelled"}
    row.refresh_from_db()
    assert row.state == "settled"


def test_a_meeting_held_on_a_stale_page_is_told_to_the_phone(around: Place, api: Api) -> None:
    row = made.in_community(around)
    booked = more.booked(around, row, after=timedelta(hours=1))
    row.refresh_from_db()
    held = {"consumer_came": True, "shop_came": True, "minutes": "未谈拢"}
    unknown = queued(f"mediation-sessions/{2**65}/hold/", 1, held)
    stale = queued(f"mediation-sessions/{booked.pk}/hold/", row.version - 1, held)
    pass_time(timedelta(hours=2))
    receipts = api.post(around.mediator, "sync/", {"operations": [unknown, stale]}).json()["receipts"]
    assert [(one["receipt"], one["status"]) for one in receipts] == [("rejected", 404), ("conflict", 412)]
    booked.refresh_from_db()
    assert booked.state == "planned"


# --- how much is asked of the database -------------------------------------------------------------


def test_every_budget_is_used() -> None:
    source = Path(__file__).read_text()
    assert [name for name in BUDGETS if f'"{name}"' not in source] == []


@pytest.mark.parametrize("who", ["mediator", "clerk", "section"])
def test_a_page_of_thirty_takes_as_many_as_one_of_three(around: Place, api: Api, who: str) -> None:
    user = getattr(around, who)
    for _ in range(3):
        made.taken(around)
    few = statements(api, user, "disputes/?page_size=50")
    for number in range(27):
        made.taken(around, goods=f"商品{number}")
    many = statements(api, user, "disputes/?page_size=50")
    assert len(many) == len(few)
    within("GET disputes/", many)


def test_one_dispute_and_its_acts(around: Place, api: Api) -> None:
    user, row = around.mediator, made.taken(around)
    path = f"disputes/{row.pk}"
    within("GET disputes/{id}/", statements(api, user, f"{path}/"))
    within("GET disputes/{id}/timeline/", statements(api, user, f"{path}/timeline/"))
    body = {
        "client_uid": str(uuid.uuid4()),
        "entity": around.shop.pk,
        "goods": "鞋",
        "goods_kind": "CLOTHING",
        "claims": ["REFUND"],
        "consumer": {"phone": made.PHONE},
    }
    within(
        "POST stations/{code}/disputes/",
        statements(api, user, f"stations/{around.station.code}/disputes/", body),
    )
    within("POST disputes/{id}/escalate/", statements(api, user, f"{path}/escalate/", {"note": "请求"}, 1))
    mediator = around.circle_mediator
    within("POST disputes/{id}/settle/", statements(api, mediator, f"{path}/settle/", {}, 2))
