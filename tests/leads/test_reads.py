"""Reading leads: who sees which, filters, pages, timeline, explanation, duplicates, the catalogue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from grids import responsibilities
from grids.demo import World
from kernel.deadlines.models import CalendarDay
from kernel.journal.models import Entry
from leads import catalogue, lifecycle
from leads.api.serializers import LeadOut, LeadRowOut
from leads.models import Lead
from leads.states import State
from tests.factories import leads as made
from tests.factories.grids import make_entity
from tests.factories.leads import GUIDED, TUESDAY, pass_time, stand_at, take_any
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db

SEES = [
    "worker-01-1", "worker-01-3", "commissioner-01", "clerk-01", "office-01", "deputy-01", "duty-01",
    "street-01", "bureau", "bureau-02", "leader", "auditor", "section-registration",
]  # fmt: skip
SEES_NOT = [
    "worker-21-1", "commissioner-21", "clerk-04", "office-04", "duty-04", "street-04", "community-17",
    "section-food", "police", "citymgmt", "keeper", "admin",
]  # fmt: skip


def numbers(api: Api, user: Any, **query: Any) -> list[str]:
    answer = api.get(user, "leads/", **query)
    assert answer.status_code == 200, answer.content
    return [row["number"] for row in answer.json()["results"]]


# --- who sees it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("username", SEES)
def test_who_sees_a_lead(world: World, api: Api, username: str) -> None:
    lead = made.reported(world, category="L02")
    user = world.user(username)
    assert numbers(api, user) == [lead.number]
    for path in ("", "timeline/", "explain/"):
        assert api.get(user, f"leads/{lead.pk}/{path}").status_code == 200


@pytest.mark.parametrize("username", SEES_NOT)
def test_who_does_not(world: World, api: Api, username: str) -> None:
    lead = made.reported(world, category="L02")
    user = world.user(username)
    assert numbers(api, user) == []
    for path in ("", "timeline/", "explain/"):
        answer = api.get(user, f"leads/{lead.pk}/{path}")
        assert (answer.status_code, code_of(answer)) == (404, "not_found")


def test_the_lead_community_and_a_backup_see_it(world: World, api: Api) -> None:
    lead = made.reported(world)
    for user in (world.community_head_of(1), world.commissioner(2), world.commissioner(3)):
        seen = [lead.number] if user != world.commissioner(3) else []
        assert numbers(api, user) == seen


def test_who_reported_it_sees_it_wherever_it_lies(world: World, api: Api) -> None:
    far = made.reported(world, 21, by="worker-01-1")
    outside = made.reported(world, by="police", lon="117.5", lat="37.1", crs_in="wgs84")
    assert numbers(api, world.worker(1)) == [far.number]
    assert numbers(api, world.user("police")) == [outside.number]


@pytest.mark.parametrize(
    "path", ["leads/", "leads/1/", "leads/1/timeline/", "leads/1/explain/", "categories/",
             "supervision-orders/", "supervision-orders/1/"],
)  # fmt: skip
def test_without_a_token_401(world: World, api: Api, path: str) -> None:
    for slash in (path, path.rstrip("/")):
        answer = api.get(None, slash)
        assert (answer.status_code, answer.json()["type"]) == (401, "auth_error")


# --- filters ---------------------------------------------------------------------------------------


def test_every_filter(world: World, api: Api) -> None:
    shop = make_entity(world, 3, name="桃园小吃店")
    plain = made.reported(world, 1, category="L02", description="执照挂反了")
    pass_time(timedelta(minutes=10))
    food = made.responded(world, 2, category="F03", description="后厨有老鼠")
    pass_time(timedelta(minutes=10))
    serious = made.fed_back(world, 3, category="Q01", entity_id=shop.pk, description="卖假酒")
    bureau = world.user("bureau")
    pairs: list[tuple[dict[str, Any], list[Lead]]] = [
        ({}, [serious, food, plain]),
        ({"state": "dispatched"}, [plain]),
        ({"state": ["dispatched", "fed_back"]}, [serious, plain]),
        ({"grid": world.grid(2).code}, [food]),
        ({"grid": "370983001-L99"}, []),
        ({"category": "F03"}, [food]),
        ({"severity": "SERIOUS"}, [serious]),
        ({"severity": ["SERIOUS", "MODERATE"]}, [serious, food]),
        ({"assignee": world.commissioner(2).pk}, [food]),
        ({"entity": shop.pk}, [serious]),
        ({"food": "true"}, [food]),
        ({"food": "false"}, [serious, plain]),
        ({"overdue": "true"}, []),
        ({"overdue": "false"}, [serious, food, plain]),
        ({"reported_after": (TUESDAY + timedelta(minutes=10)).isoformat()}, [serious, food]),
        ({"reported_before": (TUESDAY + timedelta(minutes=10)).isoformat()}, [plain]),
        ({"q": "老鼠"}, [food]),
        ({"q": "桃园"}, [serious]),
        ({"q": plain.number}, [plain]),
        ({"q": "假冒"}, [serious]),
        ({"q": "%"}, []),
        ({"q": "执照", "state": "dispatched", "food": "false"}, [plain]),
    ]
    for query, expected in pairs:
        assert numbers(api, bureau, **query) == [lead.number for lead in expected], query


def test_overdue_is_what_any_clock_of_an_open_lead_says(world: World, api: Api) -> None:
    late = made.reported(world, 1)
    food = made.responded(world, 2, category="F03")
    waiting = made.fed_back(world, 3)
    closed = made.closed(world, 4)
    bureau = world.user("bureau")
    at = {
        31: [late],
        60 * 15: [food, late],
        60 * 49: [waiting, food, late],
    }
    for minutes, expected in at.items():
        stand_at(TUESDAY + timedelta(minutes=minutes))
        assert numbers(api, bureau, overdue="true") == [lead.number for lead in expected], minutes
    assert closed.number in numbers(api, bureau, overdue="false")


@pytest.mark.parametrize(
    "query",
    [{"state": "lost"}, {"severity": "x"}, {"assignee": "me"}, {"assignee": 2**63}, {"assignee": -1},
     {"entity": "1.5"}, {"reported_after": "yesterday"}, {"q": "a\x00b"}, {"grid": "x" * 21},
     {"category": "F033"}, {"q": "长" * 81}, {"page_size": 0}, {"page_size": "x"}, {"count": "all"},
     {"ordering": "description"}, {"ordering": "--id"}, {"cursor": "nonsense"}],
    ids=str,
)  # fmt: skip
def test_a_filter_that_means_nothing_is_400(world: World, api: Api, query: dict[str, Any]) -> None:
    answer = api.get(world.user("bureau"), "leads/", **query)
    assert answer.status_code in {400, 404}, answer.content
    if "cursor" not in query:
        assert answer.status_code == 400, answer.content
        assert answer.json()["errors"][0]["attr"] in query


def test_unknown_parameters_are_tolerated(world: World, api: Api) -> None:
    lead = made.reported(world)
    assert numbers(api, world.user("bureau"), utm_source="x", _="123") == [lead.number]


# --- pages -----------------------------------------------------------------------------------------


def walk(api: Api, user: Any, **query: Any) -> list[str]:
    """Follow `next` to the end; then `previous` must lead back over the same rows."""
    answer = api.get(user, "leads/", **query).json()
    seen = [[row["number"] for row in answer["results"]]]
    while answer["next"]:
        answer = api.get(user, answer["next"].split("/api/v1/")[1]).json()
        seen.append([row["number"] for row in answer["results"]])
    back = []
    while answer["previous"]:
        answer = api.get(user, answer["previous"].split("/api/v1/")[1]).json()
        back.append([row["number"] for row in answer["results"]])
    assert list(reversed(back)) == seen[:-1]
    return [number for page in seen for number in page]


@pytest.mark.parametrize("ordering", [None, "id", "-reported_at", "reported_at", "closing_due_at"])
def test_pages_show_every_lead_once_whatever_the_order(world: World, api: Api, ordering: str | None) -> None:
    leads = []
    for number in range(1, 8):
        leads.append(made.reported(world, number))
        if number % 2:
            pass_time(timedelta(minutes=1))  # pairs share their moment
    query = {"page_size": 3, **({"ordering": ordering} if ordering else {})}
    found = walk(api, world.user("bureau"), **query)
    expected = [lead.number for lead in leads]
    assert sorted(found) == sorted(expected)
    if ordering in (None, "-reported_at"):
        assert found == expected[::-1]
    if ordering == "id":
        assert found == expected


def test_a_lead_that_comes_while_one_pages_moves_nothing(world: World, api: Api) -> None:
    leads = [made.reported(world, number) for number in range(1, 6)]
    bureau = world.user("bureau")
    first = api.get(bureau, "leads/", page_size=2).json()
    made.reported(world, 6)
    second = api.get(bureau, first["next"].split("/api/v1/")[1]).json()
    assert [row["number"] for row in second["results"]] == [leads[2].number, leads[1].number]


def test_the_count_is_given_only_where_asked(world: World, api: Api) -> None:
    for number in (1, 2, 21):
        made.reported(world, number)
    bureau = world.user("bureau")
    assert "count" not in api.get(bureau, "leads/").json()
    assert api.get(bureau, "leads/", count="exact", page_size=1).json()["count"] == 3
    assert api.get(world.head_of(1), "leads/", count="exact").json()["count"] == 2
    assert set(api.get(bureau, "leads/").json()) == {"next", "previous", "results"}


def test_a_page_holds_two_hundred_at_most(world: World, api: Api) -> None:
    made.reported(world)
    assert api.get(world.user("bureau"), "leads/", page_size=9999).status_code == 200


# --- one lead --------------------------------------------------------------------------------------

FIELDS = {
    "id", "number", "state", "version", "round", "category", "severity", "food", "description", "location",
    "grid", "entity", "assignee", "routing_reason", "boundary_match", "discovered_at", "reported_at",
    "dispatched_at", "responded_at", "controlled_at", "fed_back_at", "closed_at", "deadlines", "signatures",
    "missing_signatures", "evidence", "disposal", "possible_duplicates",
}  # fmt: skip


def test_a_lead_carries_the_fields_of_the_contract(world: World, api: Api) -> None:
    lead = made.closed(world, category="F03")
    found = api.get(world.commissioner(1), f"leads/{lead.pk}/").json()
    assert set(found) >= FIELDS
    assert found["location"]["crs"] == "wgs84"
    assert found["reported_at"] == TUESDAY.isoformat()
    assert set(found["deadlines"][0]) >= {"kind", "state", "due_at", "closed_at"}
    signed = {"stage", "side", "cycle", "signer", "for", "sentence", "signed_at", "digest"}
    assert set(found["signatures"][0]) == signed
    assert (found["disposal"]["kind"], found["disposal"]["note"]) == ("guided", GUIDED.note)
    row = api.get(world.commissioner(1), "leads/").json()["results"][0]
    assert row == {key: value for key, value in found.items() if key in row}
    assert set(LeadRowOut().fields) == set(row)
    assert set(LeadOut().fields) >= set(found)


def test_what_is_missing_is_said_in_the_order_of_its_life(world: World, api: Api) -> None:
    lead = made.told_by_office(world)
    found = api.get(world.commissioner(1), f"leads/{lead.pk}/").json()
    assert found["missing_signatures"] == [
        "discovery:community", "handover:community", "discovery:office", "handover:office",
        "result:office", "result:community",
    ]  # fmt: skip


def test_who_answers_for_what_stands_beside_a_lead(world: World, api: Api) -> None:
    lead = made.responded(world, category="F06")
    shown = api.get(world.commissioner(1), f"leads/{lead.pk}/").json()["responsibilities"]
    assert shown == responsibilities.beside("F06")
    who = {row["role"] or row["section"] or row["department"] for row in shown}
    assert {"COMMISSIONER", "GRID_WORKER", "education"} <= who
    other = made.reported(world, category="S02")
    beside = api.get(world.commissioner(1), f"leads/{other.pk}/").json()["responsibilities"]
    assert beside
    assert beside != shown


@pytest.mark.parametrize("number", [0, 2**31, 2**63 - 1, 2**63, 10**40])
def test_a_lead_that_is_not_there(world: World, api: Api, number: int) -> None:
    bureau = world.user("bureau")
    for path in ("", "timeline/", "explain/"):
        assert api.get(bureau, f"leads/{number}/{path}").status_code == 404
    for act, data in (
        ("respond", {}),
        ("confirm-handover", {}),
        ("control", {"note": "已封存"}),
        ("feedback", {"disposal": {"kind": "guided", "note": "已提醒"}}),
        ("verify", {}),
        ("rework", {"reason": "没有改好"}),
        ("dispatch", {"assignee": 2**63 - 1, "reason": "外出"}),
    ):
        answer = api.post(bureau, f"leads/{number}/{act}/", data, 1)
        assert (answer.status_code, code_of(answer)) == (404, "not_found"), act


def test_the_timeline_is_the_journal_with_its_hashes(world: World, api: Api) -> None:
    lead = made.reported(world)
    pass_time(until=lead.respond_due_at)
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)
    found = api.get(world.worker(1), f"leads/{lead.pk}/timeline").json()
    assert found["lead"] == lead.pk
    said = [(one["seq"], one["kind"]) for one in found["entries"]]
    assert said == [
        (1, "lead.reported"),
        (2, "lead.dispatched"),
        (3, "clock.respond"),
        (4, "order.raised"),
        (5, "lead.responded"),
    ]
    kept = list(Entry.objects.filter(stream=lead.stream).order_by("seq"))
    assert [one["hash"] for one in found["entries"]] == [row.hash for row in kept]
    assert [one["prev_hash"] for one in found["entries"]] == ["", *[row.hash for row in kept[:-1]]]
    assert found["entries"][1]["actor"] == {"id": None, "name": "系统"}


def test_the_explanation_says_why_this_grid_this_person_these_times(world: World, api: Api) -> None:
    lead = made.reported(world, category="F03")
    pass_time(until=lead.respond_due_at)
    told = api.get(world.worker(1), f"leads/{lead.pk}/explain/").json()
    assert told["grid"] == world.grid(1).code
    assert told["assignee"]["username"] == "commissioner-01"
    assert told["routing_reason"] == lead.routing_reason
    by_kind = {one["kind"]: one for one in told["deadlines"]}
    assert by_kind["respond"]["state"] == "breached"
    assert "30分钟内响应" in by_kind["respond"]["text_zh"]
    assert "10:30 到期" in by_kind["respond"]["text_zh"]
    assert "催办" in by_kind["feedback_80"]["text_zh"]
    assert told["warnings"] == []
    assert lead.routing_reason in told["text_zh"]


def test_the_explanation_warns_where_holidays_were_guessed(world: World, api: Api) -> None:
    stand_at(TUESDAY.replace(year=2027))
    lead = made.reported(world)
    told = api.get(world.user("bureau"), f"leads/{lead.pk}/explain/").json()
    assert told["warnings"] == ["2027 年节假日安排尚未录入，按周一至周五推算。"]
    for day in (9, 10, 11, 12):
        CalendarDay.objects.create(day=TUESDAY.date().replace(year=2027, day=day), is_working=True)
    told = api.get(world.user("bureau"), f"leads/{lead.pk}/explain/").json()
    assert told["warnings"] == []


# --- possible duplicates ---------------------------------------------------------------------------


def duplicates(api: Api, user: Any, lead: Lead) -> set[int]:
    return {one["id"] for one in api.get(user, f"leads/{lead.pk}/").json()["possible_duplicates"]}


def test_the_same_thing_near_by_in_time_and_place(world: World, api: Api) -> None:
    lon, lat = world.point_in(1)
    at = {"lon": f"{lon:.6f}", "lat": f"{lat:.6f}", "crs_in": "wgs84", "category": "F03"}
    near = at | {"lon": f"{lon + 0.0004:.6f}"}  # about 36 m east
    far = at | {"lon": f"{lon + 0.0007:.6f}"}  # about 63 m
    lead = made.reported(world, **at)
    twin, away = made.reported(world, by="worker-01-2", **near), made.reported(world, **far)
    other_kind = made.reported(world, **(at | {"category": "F02"}))
    bureau = world.user("bureau")
    assert duplicates(api, bureau, lead) == {twin.pk}
    assert lead.pk in duplicates(api, bureau, twin)
    assert away.pk not in duplicates(api, bureau, lead)
    assert duplicates(api, bureau, other_kind) == set()
    pass_time(timedelta(hours=73))
    later = made.reported(world, **at)
    assert duplicates(api, bureau, later) == set()


def test_the_same_shop_wherever_the_phone_stood(world: World, api: Api) -> None:
    shop = make_entity(world, 1)
    one = made.reported(world, 1, entity_id=shop.pk)
    two = made.reported(world, 21, entity_id=shop.pk)
    assert duplicates(api, world.user("bureau"), one) == {two.pk}
    # but nobody learns of a lead that he may not see
    assert duplicates(api, world.commissioner(1), one) == set()


# --- the catalogue ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "code"),
    [("老鼠", "F03"), ("厨房里有老鼠", "F03"), ("f03", "F03"), ("漏气", "Q03"), ("健康证", "F04"),
     ("拉肚子", "F07"), ("困在电梯", "S01"), ("占道", "X01"), ("说不清", "00")],
)  # fmt: skip
def test_categories_are_found_by_spoken_words(world: World, api: Api, said: str, code: str) -> None:
    found = api.get(world.worker(1), "categories/", q=said).json()["results"]
    assert code in [one["code"] for one in found]


def test_the_whole_catalogue(world: World, api: Api) -> None:
    found = api.get(world.worker(1), "categories", page_size=200).json()["results"]
    assert [one["code"] for one in found] == sorted(row.code for row in catalogue.ROWS)
    food = [one for one in found if one["food"]]
    assert {one["group"] for one in food} == {"F"}
    assert len(api.get(world.worker(1), "categories/", group="S").json()["results"]) == 4
    assert api.get(world.worker(1), "categories/", q="没有这个词").json()["results"] == []


def test_every_state_is_listed_with_its_label(world: World, api: Api) -> None:
    made.on_desk(world, 1)
    made.reported(world, 2)
    made.responded(world, 3)
    made.fed_back(world, 4)
    made.closed(world, 5)
    rows = api.get(world.user("bureau"), "leads/").json()["results"]
    assert {row["state"]: row["state_label"] for row in rows} == {
        s.value: s.label for s in State if s not in (State.SUSPENDED, State.REJECTED, State.MERGED)
    }
