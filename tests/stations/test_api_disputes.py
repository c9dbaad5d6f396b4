"""Disputes over the API: taken, read, listed, and who may know of them (API.md)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from grids.demo import World
from kernel.journal.models import Entry
from leads import matters
from leads.models import KeptComplaint
from stations.models import Dispute
from tests.factories import stations as made
from tests.factories import tip_offs
from tests.factories.leads import TUESDAY, stand_at
from tests.factories.stations import Place
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db


def told(around: Place, **fields: Any) -> dict[str, Any]:
    """What a mediator enters at the counter."""
    return {
        "client_uid": str(uuid.uuid4()),
        "entity": around.shop.pk,
        "goods": "羊绒大衣",
        "goods_kind": "CLOTHING",
        "amount": "399.00",
        "claims": ["REFUND"],
        "description": f"{made.NAME}说洗了一次就缩水，电话{made.PHONE}",
        "consumer": {"name": made.NAME, "phone": made.PHONE},
        **fields,
    }


def counter(around: Place) -> str:
    return f"stations/{around.station.code}/disputes/"


# --- taking ----------------------------------------------------------------------------------------


def test_taken_at_the_counter_and_sent_twice(around: Place, api: Api) -> None:
    sent = told(around)
    answer = api.post(around.mediator, counter(around), sent)
    assert answer.status_code == 201, answer.content
    row = answer.json()
    assert answer["ETag"] == '"v1"'
    assert answer["Location"] == f"/api/v1/disputes/{row['id']}/"
    assert (row["state"], row["tier"], row["source"]) == ("negotiating", "SHOP", "COUNTER")
    assert row["station"] == {"code": around.station.code, "name": around.station.name}
    assert row["circle"]["code"] == (around.circle.code if around.circle else None)
    assert row["office"] == around.world.office_of(1).code
    assert row["amount"] == "399.00"
    assert next(one["kind"] for one in row["deadlines"] if one["state"] == "running") == "shop"
    assert row["consumer"]["name"] != made.NAME
    said = answer.content.decode()
    assert made.NAME not in said
    assert made.PHONE not in said
    again = api.post(around.mediator, counter(around), sent)
    assert (again.status_code, again.json()["id"]) == (200, row["id"])
    other = api.post(around.mediator, counter(around), sent | {"goods": "皮鞋"})
    assert (other.status_code, code_of(other)) == (409, "client_uid_conflict")
    assert Dispute.objects.count() == 1


def test_settled_in_one_tap(around: Place, api: Api) -> None:
    row = api.post(around.mediator, counter(around), told(around, settled_at_once=True)).json()
    assert (row["state"], row["outcome"]) == ("settled", "ON_THE_SPOT")
    assert row["allowed"] == ["lead", "consumer/reveal"]


def test_without_the_register_and_without_a_name(around: Place, api: Api) -> None:
    sent = told(around, entity_name="没有登记的店", source="TELEPHONE", consumer={"phone": made.PHONE})
    del sent["entity"]
    row = api.post(around.mediator, counter(around), sent).json()
    assert (row["entity"], row["entity_name"], row["source"]) == (None, "没有登记的店", "TELEPHONE")


@pytest.mark.parametrize(
    ("fields", "status", "code", "attr"),
    [
        ({"id_card": "37098319800101001X"}, 400, "unknown_field", "id_card"),
        ({"consumer": {"name": "诸葛", "phone": made.PHONE, "age": 3}}, 400, "unknown_field", "consumer.age"),
        ({"consumer": {"name": "诸葛"}}, 400, "required", "consumer.phone"),
        ({"consumer": {"name": "诸葛", "phone": "不告诉你"}}, 400, "invalid_phone", "phone"),
        ({"goods": ""}, 400, "blank", "goods"),
        ({"goods": "  \t "}, 400, "blank", "goods"),
        ({"goods": "大\x00衣"}, 400, "null_characters_not_allowed", "goods"),
        ({"goods_kind": "GOLD"}, 400, "invalid_choice", "goods_kind"),
        ({"claims": []}, 400, "min_length", "claims"),
        ({"claims": ["MOON"]}, 400, "invalid_choice", "claims.0"),
        ({"amount": "-1"}, 400, "min_value", "amount"),
        ({"amount": "1e400"}, 400, "max_digits", "amount"),
        ({"amount": 10**300}, 400, "max_digits", "amount"),
        ({"amount": "NaN"}, 400, "invalid", "amount"),
        ({"amount": "1.001"}, 400, "max_decimal_places", "amount"),
        ({"bought_on": "2999-01-01"}, 422, "not_yet", "bought_on"),
        ({"bought_on": "10000-01-01"}, 400, "invalid", "bought_on"),
        ({"entity": 2**63}, 400, "max_value", "entity"),
        ({"entity": 2**63 - 1}, 422, "unknown_entity", "entity"),
        ({"entity": None}, 422, "shop_required", "entity_name"),
        ({"source": "PLATFORM"}, 400, "invalid_choice", "source"),
        ({"evidence": [2**62]}, 409, "evidence_unavailable", "evidence"),
        ({"client_uid": "x"}, 400, "invalid", "client_uid"),
    ],
)
def test_what_is_wrong_is_said(
    around: Place, api: Api, fields: dict[str, Any], status: int, code: str, attr: str
) -> None:
    answer = api.post(around.mediator, counter(around), told(around, **fields))
    error = answer.json()["errors"][0]
    assert (answer.status_code, error["code"], error["attr"]) == (status, code, attr)
    assert not Dispute.objects.exists()


def test_who_takes_where(around: Place, world: World, api: Api) -> None:
    elsewhere = made.place(world, 21)
    path = counter(around)
    assert api.post(elsewhere.mediator, path, told(around)).status_code == 403
    assert api.post(world.worker(1), path, told(around)).status_code == 403
    assert api.post(world.user("auditor"), path, told(around)).status_code == 403
    for user in (around.community_head, around.clerk, around.section):
        assert api.post(user, path, told(around)).status_code == 201
    assert api.post(around.mediator, "stations/NONE/disputes/", told(around)).status_code == 404
    assert api.post(around.mediator, path, told(around), None).status_code == 201


# --- reading ---------------------------------------------------------------------------------------


def test_one_dispute_for_each_who_may_know(around: Place, world: World, api: Api) -> None:
    elsewhere = made.place(world, 21)
    row = made.in_community(around)
    circle_mediator = around.circle_mediator
    knows = [around.mediator, circle_mediator, around.community_head, around.clerk, around.section]
    knows += [world.user("bureau"), world.user("auditor"), world.user("street-01")]
    for user in knows:
        answer = api.get(user, f"disputes/{row.pk}/")
        assert answer.status_code == 200, user
        assert answer["ETag"] == f'"v{row.version}"'
    others = [
        elsewhere.mediator,
        elsewhere.clerk,
        world.worker(1),
        world.commissioner(1),
        world.user("admin"),
    ]
    for user in others:
        for path in (f"disputes/{row.pk}", f"disputes/{row.pk}/timeline", f"disputes/{row.pk}/sessions"):
            assert api.get(user, path).status_code == 404, user
        found = api.get(user, "disputes").json()["results"]
        assert row.pk not in {one["id"] for one in found}
    assert api.get(around.mediator, f"disputes/{2**70}/").status_code == 404
    assert api.get(None, f"disputes/{row.pk}/").status_code == 401


def test_what_each_may_do_now(around: Place, world: World, api: Api) -> None:
    taken = made.taken(around)

    def may(user: Any, row: Dispute) -> set[str]:
        return set(api.get(user, f"disputes/{row.pk}/").json()["allowed"])

    always = {"lead", "consumer/reveal"}
    talk = {"settle", "escalate", "agree", "fail", "withdraw", "to-official", "sessions"}
    talk |= {"agreement/preview", "correct", *always}
    assert may(around.mediator, taken) == talk
    assert may(around.community_head, taken) == talk
    assert may(around.clerk, taken) == {"lead"}
    assert may(world.user("auditor"), taken) == set()
    assert may(around.mediator, made.in_community(around)) == talk - {"escalate"}
    filed = made.filed(around)
    assert may(around.clerk, filed) == {"withdraw", "accept", "refuse", "correct", *always}
    assert may(world.commissioner(1), filed) == {"withdraw", "correct", *always}
    assert may(around.mediator, filed) == set()
    accepted = made.accepted(around)
    office = talk - {"escalate", "to-official"}
    assert may(around.clerk, accepted) == office | {"testing"}
    agreed = made.agreed(around)
    assert may(around.mediator, agreed) == {"perform", "withdraw", *always}
    over = made.not_reached(around)
    assert may(around.mediator, over) == {"to-official", *always}
    assert may(around.clerk, over) == {"lead", "survey"}


def test_the_journal_of_a_dispute(around: Place, api: Api) -> None:
    row = made.in_circle(around)
    found = api.get(around.mediator, f"disputes/{row.pk}/timeline/").json()
    assert found["dispute"] == row.pk
    assert [one["kind"] for one in found["entries"]] == ["dispute.taken", "dispute.tier_entered"]
    assert found["entries"][1]["prev_hash"] == found["entries"][0]["hash"]


def test_the_consumer_is_shown_with_a_reason_and_noted(around: Place, world: World, api: Api) -> None:
    row = made.taken(around)
    path = f"disputes/{row.pk}/consumer/reveal/"
    answer = api.post(around.mediator, path, {"reason": "联系消费者约调解时间"})
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert (answer.json()["name"], answer.json()["phone"]) == (made.NAME, made.PHONE)
    noted = Entry.objects.filter(stream=row.stream, kind="consumer.revealed").get()
    assert noted.actor_id == around.mediator.pk
    assert api.post(around.mediator, path, {"reason": " "}).status_code == 400
    assert api.post(around.mediator, path, {"reason": "看"}).status_code == 422
    assert api.post(around.clerk, path, {"reason": "联系消费者约调解时间"}).status_code == 403
    assert api.post(world.worker(1), path, {"reason": "联系消费者约调解时间"}).status_code == 404


# --- lists -----------------------------------------------------------------------------------------


def test_filters(around: Place, world: World, api: Api) -> None:
    one = made.taken(around, goods="电动车", goods_kind="VEHICLE")
    circle = made.in_circle(around)
    over = made.settled(around)
    stand_at(TUESDAY + timedelta(hours=30))
    later = made.taken(around)
    bureau = world.user("bureau")

    def ids(**query: Any) -> list[int]:
        answer = api.get(bureau, "disputes/", **query)
        assert answer.status_code == 200, answer.content
        return sorted(row["id"] for row in answer.json()["results"])

    everything = sorted([one.pk, circle.pk, over.pk, later.pk])
    assert ids() == everything
    assert ids(state=["settled"]) == [over.pk]
    assert ids(tier=["CIRCLE"]) == [circle.pk]
    assert ids(open="true") == sorted(set(everything) - {over.pk})
    assert ids(station=around.circle.code if around.circle else "") == [circle.pk]
    assert ids(taken_station=around.station.code, entity=around.shop.pk) == everything
    assert ids(office=world.office_of(1).code) == everything
    assert ids(entity=2**63 - 1) == []
    assert ids(source=["TELEPHONE"]) == []
    assert ids(goods_kind=["VEHICLE"]) == [one.pk]
    assert ids(q="电动") == ids(q=one.number) == [one.pk]
    assert ids(q=around.shop.name) == everything
    assert ids(overdue="true") == [one.pk]
    assert ids(registered_after=later.registered_at.isoformat()) == [later.pk]
    assert ids(registered_before=later.registered_at.isoformat(), ended_after="2026-03-01T00:00:00Z") == [
        over.pk
    ]
    assert ids(ended_before="2026-03-01T00:00:00Z") == []
    counted = api.get(bureau, "disputes", count="exact", page_size=2).json()
    assert (counted["count"], len(counted["results"])) == (4, 2)
    assert counted["next"]
    for wrong in ({"state": "x"}, {"entity": 2**63}, {"registered_after": "gestern"}, {"cursor": "x"}):
        assert api.get(bureau, "disputes", **wrong).status_code == 400, wrong


def test_a_list_says_no_number_and_no_name(around: Place, world: World, api: Api) -> None:
    made.taken(around, description=f"{made.NAME}（{made.PHONE}）说店主电话13712345678不通")
    said = api.get(world.user("bureau"), "disputes/").content.decode()
    for hidden in (made.NAME, made.PHONE, "13712345678"):
        assert hidden not in said


def test_a_complaint_is_sent_to_a_station(around: Place, world: World, api: Api) -> None:
    elsewhere = made.place(world, 21)
    taken = matters.take(tip_offs.given(world), by=around.clerk)
    complaint: Any = taken.complaint
    path = f"complaints/{complaint.pk}/to-station/"
    kept = KeptComplaint.objects.get(pk=complaint.pk)
    sent = {"station": around.station.code}
    first = api.post(around.clerk, path, sent)
    assert first.status_code == (201 if kept.state == KeptComplaint.State.KEPT else 200), first.content
    assert first.json()["complaint"] == complaint.number
    assert api.post(around.clerk, path, sent).json()["id"] == first.json()["id"]
    other = api.post(around.clerk, path, {"station": elsewhere.station.code})
    assert (other.status_code, code_of(other)) == (409, "already_taken")
    unknown = api.post(around.clerk, path, {"station": "NONE"})
    assert (unknown.status_code, code_of(unknown)) == (422, "unknown_station")
    assert api.post(around.mediator, path, sent).status_code == 404
    assert api.post(elsewhere.clerk, path, sent).status_code == 404
