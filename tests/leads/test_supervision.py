"""Supervision orders over HTTP: who stands on which side, who may answer, versions (DESIGN.md §3)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from grids import absences, postings
from grids.demo import World
from grids.models import DutyShift
from grids.roles import DUTY_LEADER, Role
from kernel import clock
from leads import lifecycle, supervision
from leads.models import Lead, Side, SupervisionOrder
from tests.factories import leads as made
from tests.factories.leads import TUESDAY, pass_time, take_any
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db

FINISH = {"instruction": "finish_today"}


def sides(world: World, username: str, lead: Lead) -> dict[str, tuple[str, str]]:
    found = supervision.sides_of(world.user(username), lead)
    return {side.value: (seat.role, seat.basis) for side, seat in found.items()}


# --- which side ------------------------------------------------------------------------------------


def test_the_sides_of_an_order(world: World) -> None:
    order = made.late_response(world)
    lead = order.lead
    # the demo's office head leads the duty too: his own seat comes first
    assert sides(world, "office-01", lead) == {"office": ("OFFICE_HEAD", "own")}
    chief = world.community_head_of(1).username
    assert sides(world, chief, lead) == {"community": ("COMMUNITY_HEAD", "own")}
    assert sides(world, chief.replace("community", "vice"), lead) == {
        "community": ("COMMUNITY_HEAD", "backup")
    }
    assert sides(world, "deputy-01", lead) == {"office": ("OFFICE_HEAD", "backup")}
    for other in ("clerk-01", "commissioner-01", "worker-01-1", "office-04", "community-17", "bureau"):
        assert sides(world, other, lead) == {}, other


def test_the_days_duty_leader_stands_on_the_offices_side(world: World) -> None:
    order = made.late_response(world)
    DutyShift.objects.filter(office=world.office_of(1), role=DUTY_LEADER, day=TUESDAY.date()).update(
        user=world.user("office-02")
    )
    assert sides(world, "office-02", order.lead) == {"office": (DUTY_LEADER, "duty")}
    pass_time(until=TUESDAY + timedelta(hours=22, minutes=30))
    assert sides(world, "office-02", order.lead) == {}


def test_a_stand_in_acknowledges_with_both_names(world: World, api: Api) -> None:
    order = made.late_response(world)
    head = world.head_of(1)
    absences.record(
        user=head,
        stand_in=world.clerk_of(1),
        starts_at=clock.now(),
        ends_at=clock.now() + timedelta(days=1),
        by=head,
        at=clock.now(),
    )
    answer = api.post(world.clerk_of(1), f"supervision-orders/{order.pk}/acknowledge/", FINISH, 1)
    assert answer.status_code == 200, answer.content
    [said] = answer.json()["acknowledgements"]
    assert (said["side"], said["by"]["username"], said["for"]["username"]) == (
        "office",
        "clerk-01",
        "office-01",
    )


# --- who may, the colleague, the outsider ----------------------------------------------------------


def test_who_may_acknowledge(world: World, api: Api) -> None:
    order = made.late_response(world)
    path = f"supervision-orders/{order.pk}/acknowledge/"
    assert api.post(None, path, FINISH, 1).status_code == 401
    for colleague in ("worker-01-1", "commissioner-01", "clerk-01", "bureau", "auditor", "street-01"):
        answer = api.post(world.user(colleague), path, FINISH, 1)
        assert (answer.status_code, code_of(answer)) == (403, "not_supervisor"), colleague
    for outsider in ("office-04", "community-17", "worker-21-1", "police", "admin", "keeper"):
        assert api.post(world.user(outsider), path, FINISH, 1).status_code == 404, outsider
        assert api.get(world.user(outsider), f"supervision-orders/{order.pk}/").status_code == 404
        assert api.get(world.user(outsider), "supervision-orders/").json()["results"] == []
    for may in (world.head_of(1), world.community_head_of(1)):
        answer = api.post(may, path, FINISH, 1)
        assert answer.status_code == 200, answer.content
    assert {said["side"] for said in answer.json()["acknowledgements"]} == {"office", "community"}


def test_the_bureau_answers_for_a_side_on_which_nobody_is_left(world: World, api: Api) -> None:
    order = made.late_response(world)
    path = f"supervision-orders/{order.pk}/acknowledge/"
    postings.end(posting=world.posting_of(world.community_head_of(1).username), at=clock.now(), by=None)
    refused = api.post(world.user("bureau"), path, FINISH, order.version)
    assert (refused.status_code, code_of(refused)) == (403, "not_supervisor")

    pass_time(timedelta(hours=3))
    order.refresh_from_db()
    assert order.level == "bureau"
    answer = api.post(world.user("bureau"), path, FINISH, order.version)
    assert answer.status_code == 200, answer.content
    assert [said["side"] for said in answer.json()["acknowledgements"]] == ["community"]
    other = api.post(world.user("bureau-02"), path, FINISH, order.version)
    assert code_of(other) == "acknowledged_by_other", "the office has its head"


def test_saying_it_again_changes_nothing_and_needs_no_version(world: World, api: Api) -> None:
    order = made.late_response(world)
    path = f"supervision-orders/{order.pk}/acknowledge/"
    first = api.post(world.head_of(1), path, FINISH, 1)
    for version in (None, 1, 99):
        again = api.post(world.head_of(1), path, {"instruction": "go_myself"}, version)
        assert (again.status_code, again.json()) == (200, first.json())
    other = api.post(world.user("deputy-01"), path, FINISH, 1)
    assert (other.status_code, code_of(other)) == (409, "acknowledged_by_other")


def test_one_person_on_both_sides_answers_for_one(world: World, api: Api) -> None:
    """The bureau made the office head head of the community too: the other side waits for another."""
    order = made.late_response(world)
    both = world.head_of(1)
    chief = world.community_head_of(1)
    postings.appoint(
        user=both,
        role=Role.COMMUNITY_HEAD,
        community=world.grid(1).lead_community,
        by=None,
        at=clock.now(),
    )
    found = supervision.sides_of(world.head_of(1), order.lead)
    assert set(found) == {Side.OFFICE, Side.COMMUNITY}
    path = f"supervision-orders/{order.pk}/acknowledge/"
    for _ in range(2):
        answer = api.post(world.head_of(1), path, FINISH, 1)
        assert [said["side"] for said in answer.json()["acknowledgements"]] == ["office"]
    done = api.post(chief, path, FINISH, 1)
    assert {said["by"]["username"] for said in done.json()["acknowledgements"]} == {
        both.username,
        chief.username,
    }
    second = """
    INSERT INTO leads_acknowledgement (order_id, side, by_id, instruction, note, at)
    SELECT order_id, 'community', by_id, instruction, note, at FROM leads_acknowledgement
     WHERE side = 'office'
    """
    with connection.cursor() as cursor, pytest.raises(IntegrityError), transaction.atomic():
        cursor.execute(second)


# --- bodies and versions ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "attr", "code"),
    [
        ({}, "instruction", "required"),
        ({"instruction": "shout"}, "instruction", "invalid_choice"),
        ({"instruction": "other"}, "note", "note_required"),
        ({"instruction": "other", "note": "  "}, "note", "note_required"),
        ({"instruction": "other", "note": "长" * 501}, "note", "max_length"),
        ({"instruction": "finish_today", "x": 1}, "x", "unknown_field"),
    ],
)
def test_bodies_that_are_refused(
    world: World, api: Api, data: dict[str, object], attr: str, code: str
) -> None:
    order = made.late_response(world)
    answer = api.post(world.head_of(1), f"supervision-orders/{order.pk}/acknowledge/", data, 1)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert (error["attr"], error["code"]) == (attr, code)


def test_free_text_is_an_instruction_too(world: World, api: Api) -> None:
    order = made.late_response(world)
    data = {"instruction": "other", "note": "请带执法记录仪前往"}
    answer = api.post(world.head_of(1), f"supervision-orders/{order.pk}/acknowledge", data, 1)
    assert answer.json()["acknowledgements"][0]["note"] == "请带执法记录仪前往"


def test_the_version_of_an_order(world: World, api: Api) -> None:
    """It moves when the order itself changes level or state, not with the other side's answer."""
    order = made.late_response(world)
    path = f"supervision-orders/{order.pk}/"
    head, chief = world.head_of(1), world.community_head_of(1)
    assert api.get(head, path)["ETag"] == '"v1"'
    for sent, status in ((None, 428), ("*", 428), (7, 412)):
        assert api.post(head, f"{path}acknowledge/", FINISH, sent).status_code == status
    assert api.post(head, f"{path}acknowledge/", FINISH, 'W/"v1"')["ETag"] == '"v1"'
    pass_time(timedelta(hours=3))
    assert api.get(chief, path).json()["level"] == "bureau"
    assert api.post(chief, f"{path}acknowledge/", FINISH, 1).status_code == 412
    assert api.post(chief, f"{path}acknowledge/", FINISH, 2)["ETag"] == '"v2"'
    lifecycle.respond(lead_id=order.lead_id, by=world.commissioner(1), expect=take_any)
    answer = api.get(head, path)
    assert (answer["ETag"], answer.json()["state"]) == ('"v3"', "lifted")


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**30])
def test_an_order_that_is_not_there(world: World, api: Api, number: int) -> None:
    head = world.head_of(1)
    assert api.get(head, f"supervision-orders/{number}/").status_code == 404
    answer = api.post(head, f"supervision-orders/{number}/acknowledge/", FINISH, 1)
    assert (answer.status_code, code_of(answer)) == (404, "not_found")


# --- the list --------------------------------------------------------------------------------------


def test_the_list_and_its_filters(world: World, api: Api) -> None:
    order = made.late_response(world)
    other = made.late_response(world, 21)
    pass_time(timedelta(hours=3))
    bureau = world.user("bureau")

    def ids(**query: object) -> list[int]:
        return [row["id"] for row in api.get(bureau, "supervision-orders/", **query).json()["results"]]

    assert ids() == [other.pk, order.pk]
    assert ids(lead=order.lead_id) == [order.pk]
    assert ids(level="bureau") == [other.pk, order.pk]
    assert ids(level="office") == ids(state="lifted") == ids(cause="feedback") == []
    assert ids(cause="respond", state="open") == [other.pk, order.pk]
    assert api.get(bureau, "supervision-orders/", count="exact").json()["count"] == 2
    assert api.get(bureau, "supervision-orders/", lead=2**63).status_code == 400
    row = api.get(world.head_of(1), "supervision-orders/").json()["results"]
    assert [one["id"] for one in row] == [order.pk]
    assert row[0] | {"acknowledgements": []} == row[0]
    assert (row[0]["cause"], row[0]["late_side"], row[0]["number"]) == (
        "respond",
        "office",
        order.lead.number,
    )


# --- what the database holds -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("leads_supervisionorder_lifted_when_said", "state = 'lifted'"),
        ("leads_supervisionorder_lifted_when_said", "lifted_at = raised_at"),
        ("leads_supervisionorder_escalated_when_said", "level = 'bureau'"),
    ],
)
def test_an_order_is_coherent(world: World, rule: str, change: str) -> None:
    made.late_response(world)
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match=rule), transaction.atomic():
        cursor.execute(f"UPDATE leads_supervisionorder SET {change}")


def test_an_acknowledgement_can_neither_be_changed_nor_removed(world: World, api: Api) -> None:
    order = made.late_response(world)
    api.post(world.head_of(1), f"supervision-orders/{order.pk}/acknowledge/", FINISH, 1)
    for sql in (
        "UPDATE leads_acknowledgement SET note = '改了'",
        "DELETE FROM leads_acknowledgement",
    ):
        with (
            connection.cursor() as cursor,
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
        ):
            cursor.execute(sql)
    assert SupervisionOrder.objects.get().acknowledgements.count() == 1
