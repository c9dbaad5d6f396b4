"""The manner of API.md on the endpoints of leads: bodies, types, characters, slashes."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from grids.demo import World
from kernel.coordinates import distance_m, from_wgs84
from leads.models import Lead
from tests.factories import leads as made
from tests.factories.accounts import bearer
from tests.leads.calls import Api, body, code_of

pytestmark = pytest.mark.django_db

DISPOSAL = {"kind": "guided", "note": "已提醒"}
PAST, SOON, FAR = "2026-03-10T09:00:00+08:00", "2026-03-20T09:00:00+08:00", "2027-03-10T09:00:00+08:00"
GOOD: dict[str, dict[str, Any]] = {
    "respond": {"plan": "on_my_way", "note": ""},
    "confirm-handover": {},
    "control": {"note": "已封存", "evidence": []},
    "feedback": {"disposal": DISPOSAL, "evidence": []},
    "verify": {"method": "on_site", "note": ""},
    "rework": {"reason": "没有改好"},
    "dispatch": {"assignee": 1, "reason": "外出"},
}


def errors_of(answer: Any) -> list[tuple[str, str]]:
    """Type checked, the (attr, code) of each refusal."""
    said = answer.json()
    assert set(said) == {"type", "errors"}
    for one in said["errors"]:
        assert set(one) == {"code", "detail", "attr"}
        assert one["detail"]
    return [(one["attr"], one["code"]) for one in said["errors"]]


# --- reporting -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "attr", "code"),
    [
        ({"colour": "red"}, "colour", "unknown_field"),
        ({"state": "closed"}, "state", "unknown_field"),
        ({"location": {"lon": 116.75, "lat": 36.16}}, "location.crs", "bad_crs"),
        ({"location": {"lon": 116.75, "lat": 36.16, "crs": "utm"}}, "location.crs", "bad_crs"),
        ({"location": {"lon": 181, "lat": 36, "crs": "wgs84"}}, "location.lon", "out_of_range"),
        ({"location": {"lon": "x", "lat": 36, "crs": "wgs84"}}, "location.lon", "invalid"),
        ({"location": {"lon": 116, "lat": 36, "crs": "wgs84", "z": 1}}, "location.z", "unknown_field"),
        ({"location": [116, 36]}, "location", "invalid"),
        ({"reporter": {"name": "李四", "phone": "13800001111", "x": 1}}, "reporter.x", "unknown_field"),
        ({"client_uid": "no uuid"}, "client_uid", "invalid"),
        ({"client_uid": None}, "client_uid", "null"),
        ({"category": "F033"}, "category", "max_length"),
        ({"category": ""}, "category", "blank"),
        ({"severity": "DEADLY"}, "severity", "invalid_choice"),
        ({"entity": 2**63}, "entity", "max_value"),
        ({"entity": 0}, "entity", "min_value"),
        ({"entity": "x"}, "entity", "invalid"),
        ({"captured_at": "yesterday"}, "captured_at", "invalid"),
        ({"captured_at": "9999-12-31T23:59:59+00:00"}, "captured_at", "overflow"),
        ({"captured_at": "9999-01-01T00:00:00+00:00"}, None, None),
        ({"captured_at": "0001-01-01T00:00:00+00:00"}, None, None),
        ({"description": "长" * 2001}, "description", "max_length"),
        ({"description": "a\x00b"}, "description", "null_characters_not_allowed"),
        ({"description": 5}, None, None),
        ({"description": ["x"]}, "description", "invalid"),
        ({"fixed_on_spot": "perhaps"}, "fixed_on_spot", "invalid"),
        ({"evidence": {}}, "evidence", "invalid"),
    ],
    ids=lambda value: json.dumps(value, ensure_ascii=True)[:40],
)
def test_a_report_that_is_malformed(
    world: World, api: Api, change: dict[str, Any], attr: str | None, code: str | None
) -> None:
    answer = api.post(world.worker(1), "leads/", body(world, **change))
    if code is None:
        assert answer.status_code == 201, answer.content
        return
    assert (answer.status_code, answer.json()["type"]) == (400, "validation_error"), answer.content
    assert (attr, code) in errors_of(answer)
    assert not Lead.objects.exists()


@pytest.mark.parametrize("missing", ["client_uid", "category"])
def test_what_a_report_needs(world: World, api: Api, missing: str) -> None:
    sent = body(world)
    del sent[missing]
    assert errors_of(api.post(world.worker(1), "leads/", sent)) == [(missing, "required")]


def test_a_report_may_be_as_short_as_this(world: World, api: Api) -> None:
    sent = {"client_uid": str(uuid.uuid4()), "category": "00", "description": "说不清"}
    answer = api.post(world.worker(1), "leads", sent)
    assert (answer.status_code, answer.json()["state"]) == (201, "reported")
    assert answer["Location"] == f"/api/v1/leads/{answer.json()['id']}/"
    assert answer["ETag"] == '"v1"'


@pytest.mark.parametrize(("crs", "metres"), [("wgs84", 0), ("gcj02", 400), ("bd09", 900)])
def test_every_coordinate_system_is_converted(world: World, api: Api, crs: str, metres: int) -> None:
    lon, lat = world.point_in(9)
    there = from_wgs84(lon, lat, crs)
    assert distance_m(lon, lat, *there) >= metres
    place = {"lon": there[0], "lat": there[1], "crs": crs, "accuracy_m": 8.4}
    found = api.post(world.worker(9), "leads/", body(world, location=place)).json()
    assert found["grid"] == world.grid(9).code
    shown = found["location"]
    assert distance_m(lon, lat, shown["lon"], shown["lat"]) < 1
    assert (shown["crs"], shown["accuracy_m"]) == ("wgs84", 8)


# --- acts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", GOOD)
def test_unknown_fields_are_refused_in_every_act(world: World, api: Api, act: str) -> None:
    lead = made.reported(world)
    answer = api.post(world.user("bureau"), f"leads/{lead.pk}/{act}/", GOOD[act] | {"extra": 1}, 1)
    assert (answer.status_code, errors_of(answer)) == (400, [("extra", "unknown_field")])


@pytest.mark.parametrize(
    ("act", "data", "attr", "code"),
    [
        ("respond", {"plan": "maybe"}, "plan", "invalid_choice"),
        ("respond", {"note": "长" * 501}, "note", "max_length"),
        ("control", {}, "note", "required"),
        ("control", {"note": " "}, "note", "blank"),
        ("feedback", {}, "disposal", "required"),
        ("feedback", {"disposal": "guided"}, "disposal", "invalid"),
        ("feedback", {"disposal": {"kind": "guided"}}, "disposal.note", "required"),
        ("feedback", {"disposal": DISPOSAL | {"fine": 1}}, "disposal.fine", "unknown_field"),
        ("feedback", {"disposal": DISPOSAL | {"kind": "jail"}}, "disposal.kind", "invalid_choice"),
        ("verify", {"method": "dream"}, "method", "invalid_choice"),
        ("rework", {}, "reason", "required"),
        ("rework", {"reason": ""}, "reason", "blank"),
        ("dispatch", {"reason": "外出"}, "assignee", "required"),
        ("dispatch", {"assignee": 1}, "reason", "required"),
        ("dispatch", {"assignee": 2**63, "reason": "外出"}, "assignee", "max_value"),
    ],
)
def test_an_act_that_is_malformed(
    world: World, api: Api, act: str, data: dict[str, Any], attr: str, code: str
) -> None:
    lead = made.reported(world)
    answer = api.post(world.user("bureau"), f"leads/{lead.pk}/{act}/", data, 1)
    assert answer.status_code == 400, answer.content
    assert (attr, code) in errors_of(answer)


@pytest.mark.parametrize(
    ("disposal", "status", "code"),
    [
        ({"kind": "rectify", "note": "限期"}, 400, "rectify_due_at"),
        ({"kind": "rectify", "note": "限期", "rectify_due_at": PAST}, 400, "rectify_due_at"),
        ({"kind": "rectify", "note": "限期", "rectify_due_at": FAR}, 400, "rectify_due_at"),
        ({"kind": "guided", "note": "提醒", "rectify_due_at": SOON}, 400, "rectify_due_at"),
        ({"kind": "leniency", "note": "首次轻微"}, 400, "leniency"),
        ({"kind": "guided", "note": "提醒", "leniency": {"route": "NO_FAULT"}}, 400, "leniency"),
        ({"kind": "handed_over", "note": "移交城管"}, 400, "department"),
        ({"kind": "rectify", "note": "限期", "rectify_due_at": SOON}, 200, ""),
        ({"kind": "penalty", "note": "立案"}, 200, ""),
        ({"kind": "penalty", "note": "立案", "case_number": "泰肥市监立〔2026〕12号"}, 200, ""),
        ({"kind": "guided", "note": "提醒", "case_number": "泰肥市监立〔2026〕12号"}, 400, "case_number"),
        ({"kind": "penalty", "note": "立案", "case_number": "号" * 61}, 400, "max_length"),
        ({"kind": "no_problem", "note": "未发现问题"}, 200, ""),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_disposals(world: World, api: Api, disposal: dict[str, Any], status: int, code: str) -> None:
    lead = made.responded(world)
    path = f"leads/{lead.pk}/feedback/"
    answer = api.post(world.commissioner(1), path, {"disposal": disposal}, lead.version)
    assert answer.status_code == status, answer.content
    if code:
        assert code_of(answer) == code
        assert Lead.objects.get(pk=lead.pk).state == "responded"
    else:
        assert answer.json()["disposal"]["kind"] == disposal["kind"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"assignee": "same"}, 409, "same_assignee"),
        ({"assignee": "worker-01-2"}, 422, "not_on_office_side"),
        ({"assignee": "commissioner-21"}, 422, "not_on_office_side"),
        ({"assignee": "office-01", "grid": "370983001-L99"}, 422, "unknown_grid"),
        ({"assignee": "office-01"}, 200, ""),
        ({"assignee": "duty-01"}, 200, ""),
        ({"assignee": "commissioner-02", "grid": "own"}, 200, ""),
    ],
    ids=str,
)
def test_dispatches(world: World, api: Api, change: dict[str, Any], status: int, code: str) -> None:
    lead = made.reported(world)
    who = change["assignee"]
    data: dict[str, Any] = {"reason": "专员外出"}
    data["assignee"] = lead.assignee_id if who == "same" else world.user(who).pk
    if "grid" in change:
        data["grid"] = world.grid(2).code if change["grid"] == "own" else change["grid"]
    answer = api.post(world.clerk_of(1), f"leads/{lead.pk}/dispatch/", data, 1)
    assert answer.status_code == status, answer.content
    if code:
        assert code_of(answer) == code
    elif "grid" in change:
        assert (answer.json()["grid"], answer.json()["boundary_match"]) == (world.grid(2).code, "manual")


def test_a_lead_without_a_grid_needs_one_to_be_dispatched(world: World, api: Api) -> None:
    lead = made.reported(world, lon="117.5", lat="37.1", crs_in="wgs84")
    data = {"assignee": world.commissioner(1).pk, "reason": "试"}
    answer = api.post(world.user("bureau"), f"leads/{lead.pk}/dispatch/", data, 1)
    assert (answer.status_code, code_of(answer)) == (422, "grid_required")


# --- type, form, characters ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "raw", "status"),
    [
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("application/json", '"x"', 400),
        ("application/json", "nan", 400),
        ("application/json", b"\xff\xfe{", 400),
        ("application/json", '{"note": NaN}', 400),
        ("application/json", "[" * 100_000, 400),
        ("text/plain", "{}", 415),
        ("application/xml", "<a/>", 415),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_body_that_cannot_be_read(world: World, api: Api, content_type: str, raw: Any, status: int) -> None:
    lead = made.reported(world)
    headers = bearer(world.commissioner(1)) | {"If-Match": '"v1"'}
    for path in ("leads/", *(f"leads/{lead.pk}/{act}/" for act in GOOD)):
        answer = api.client.post(f"/api/v1/{path}", raw, content_type=content_type, headers=headers)
        assert answer.status_code == status, (path, answer.content)
        errors_of(answer)


def strings_in(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every string in a body."""
    if isinstance(value, str):
        return [at]
    if isinstance(value, dict):
        return [way for key, one in value.items() for way in strings_in(one, (*at, key))]
    if isinstance(value, list):
        return [way for key, one in enumerate(value) for way in strings_in(one, (*at, key))]
    return []


def with_text(value: Any, way: tuple[Any, ...], text: str) -> Any:
    changed = json.loads(json.dumps(value))
    inner = changed
    for key in way[:-1]:
        inner = inner[key]
    inner[way[-1]] = text
    return changed


@pytest.mark.parametrize(
    "text", ["a\x00b", "\ud800", "a\udfffb", "\U0001f469\u200d\U0001f33e" * 9, "\u202e", "\x1b[1m"]
)
def test_no_character_in_any_string_or_key_breaks_the_server(world: World, api: Api, text: str) -> None:
    """NUL and lone surrogates are refused; the rest is text like any other. Nothing answers 500."""
    lead = made.responded(world)
    commissioner = world.commissioner(1)
    full = body(
        world,
        severity="MINOR",
        captured_at="2026-03-10T09:00:00+08:00",
        reporter={"name": "李四", "phone": "13800001111"},
        evidence=[{"sha256": "a" * 64}],
    )
    bodies = {"leads/": full} | {f"leads/{lead.pk}/{act}/": data for act, data in GOOD.items()}
    unsavable = "\x00" in text or any("\ud800" <= one <= "\udfff" for one in text)
    for path, data in bodies.items():
        for way in strings_in(data):
            sent = json.dumps(with_text(data, way, text))
            answer = api.post(commissioner, path, sent, 1)
            assert answer.status_code < 500, (path, way, answer.content)
            if unsavable:
                assert answer.status_code == 400, (path, way, answer.content)
        answer = api.post(commissioner, path, json.dumps(data | {text: 1}), 1)
        assert answer.status_code == 400, (path, answer.content)
        errors_of(answer)
    place = {"location": full["location"] | {text: 1}}
    assert api.post(commissioner, "leads/", json.dumps(full | place), 1).status_code == 400


@pytest.mark.parametrize("number", [0, -1, 1.5, 2**31, 2**63, 10**400, True, None, [], {}])
def test_no_number_in_any_place_breaks_the_server(world: World, api: Api, number: Any) -> None:
    lead = made.responded(world)
    bodies = {"leads/": body(world)} | {f"leads/{lead.pk}/{act}/": data for act, data in GOOD.items()}
    for path, data in bodies.items():
        for key in data:
            answer = api.post(world.commissioner(1), path, json.dumps(data | {key: number}), 1)
            assert answer.status_code < 500, (path, key, answer.content)
    for key in ("lon", "lat", "accuracy_m", "crs"):
        sent = body(world)
        sent["location"][key] = number
        assert api.post(world.worker(1), "leads/", json.dumps(sent)).status_code < 500, key


# --- slashes and methods ---------------------------------------------------------------------------


def test_every_path_is_served_with_and_without_its_final_slash(world: World, api: Api) -> None:
    lead = made.reported(world)
    user = world.user("bureau")
    for path in ("leads", f"leads/{lead.pk}", f"leads/{lead.pk}/timeline", f"leads/{lead.pk}/explain",
                 "categories", "supervision-orders"):  # fmt: skip
        plain, slashed = api.get(user, path), api.get(user, f"{path}/")
        assert (plain.status_code, slashed.status_code) == (200, 200)
        assert plain.json() == slashed.json()
    for act, data in GOOD.items():
        plain = api.post(world.user("auditor"), f"leads/{lead.pk}/{act}", data, 1)
        assert plain.status_code == 403, act


def test_other_methods_are_405(world: World, api: Api) -> None:
    lead = made.reported(world)
    headers = bearer(world.commissioner(1))
    for method, path in (
        ("put", f"leads/{lead.pk}/"),
        ("delete", f"leads/{lead.pk}/"),
        ("patch", f"leads/{lead.pk}/"),
        ("get", f"leads/{lead.pk}/respond/"),
        ("delete", "leads/"),
        ("post", "categories/"),
    ):
        answer = getattr(api.client, method)(f"/api/v1/{path}", headers=headers)
        assert answer.status_code == 405, (method, path)
        errors_of(answer)
