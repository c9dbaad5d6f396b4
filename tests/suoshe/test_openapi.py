"""The OpenAPI document and the code say the same (API.md)."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
import schemathesis
import yaml
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import URLPattern, resolve
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from pytest_django import DjangoDbBlocker

from grids import rota_sheet
from kernel import clock
from kernel.errors import DomainError
from kernel.evidence.models import Evidence
from suoshe import api_urls
from suoshe.api_docs import Docs, Document, document
from suoshe.openapi import ERROR, REFUSALS, one_path_each
from tests.factories import citizens
from tests.factories.accounts import PASSWORD, make_user, token_for
from tests.factories.house import House, keep_photo, on_its_own
from tests.fuzz.document import CHECKS, PLAIN
from tests.fuzz.grounds import application
from tests.fuzz.valid import METHODS, PREFIX, operations

pytestmark = pytest.mark.xdist_group("house")


@pytest.fixture
def house(standing_house: House, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    with on_its_own(django_db_blocker):
        yield standing_house


# --- the document ----------------------------------------------------------------------------------


def test_each_path_is_named_once() -> None:
    paths = ["/leads/", "/leads", "/grids.geojson/", "/grids.geojson", "/schema/", "/healthz"]
    kept = one_path_each([(path, path, "GET", None) for path in paths])
    assert [path for path, *_ in kept] == ["/leads/", "/grids.geojson", "/schema/", "/healthz"]


def test_the_generator_has_nothing_to_complain_of() -> None:
    GENERATOR_STATS.reset()
    try:
        made = SchemaGenerator().get_schema(request=None, public=True)
        assert not GENERATOR_STATS._warn_cache, list(GENERATOR_STATS._warn_cache)
        assert not GENERATOR_STATS._error_cache, list(GENERATOR_STATS._error_cache)
    finally:
        GENERATOR_STATS.reset()
    validate_schema(made)


def test_every_endpoint_is_described_and_every_description_is_served() -> None:
    """Names and methods of the URLconf against those of the document, with and without the slash."""
    served = {
        pattern.callback.view_class: {m for m in METHODS if hasattr(pattern.callback.view_class, m)}  # type: ignore[attr-defined]
        for pattern in api_urls.urlpatterns
        if isinstance(pattern, URLPattern) and pattern.callback.view_class not in (Docs, Document)  # type: ignore[attr-defined]
    }
    described: dict[Any, set[str]] = {}
    for path, method, _ in operations():
        concrete = re.sub(r"\{\w+\}", "1", path)
        other = concrete.rstrip("/") if concrete.endswith("/") else f"{concrete}/"
        views = {resolve(one).func.view_class for one in (concrete, other)}  # type: ignore[attr-defined]
        assert len(views) == 1, path
        described.setdefault(views.pop(), set()).add(method)
    assert described == served


def test_operations_have_names_of_their_own_and_say_who_may_call_them() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names), names
    for path, _, operation in operations():
        open_paths = ("auth/login/", "survey/{token}/", "intake/{source}/")
        open_to_all = path in [PREFIX + one for one in open_paths]
        assert bool(operation.get("security")) is not open_to_all, path
        assert "401" in operation["responses"] or (open_to_all and not operation.get("security"))
    assert set(document()["components"]["securitySchemes"]) == {"deviceToken", "cookieAuth"}


def test_every_refusal_is_described_in_one_place() -> None:
    shared = {f"#/components/responses/{name}" for name, _ in REFUSALS.values()}
    for path, method, operation in operations():
        for code, answer in operation["responses"].items():
            if code in REFUSALS and "$ref" in answer:
                assert answer["$ref"] in shared
            elif code in REFUSALS:
                assert answer["content"], f"{method} {path} {code} says nothing of its body"
        if any(p["name"] == "If-Match" for p in operation.get("parameters", [])):
            assert {"412", "428"} <= set(operation["responses"])
    for kind in DomainError.__subclasses__():
        assert str(kind.status) in REFUSALS


def test_an_error_body_is_as_described(client: Client, house: House) -> None:
    refused = client.get(f"{PREFIX}me/")
    schema = json.loads(
        json.dumps(ERROR).replace('"type": "string", "nullable": true', '"type": ["string", "null"]')
    )
    jsonschema.validate(refused.json(), schema)


def test_strict_bodies_say_that_they_take_no_other_fields() -> None:
    for path, method, operation in operations():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            for schema in _alternatives(content["schema"]):
                assert schema["additionalProperties"] is False, f"{method} {path}"


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema itself, or each of those it may be."""
    if reference := schema.get("$ref"):
        return _alternatives(document()["components"]["schemas"][reference.rpartition("/")[2]])
    return [one for each in schema["oneOf"] for one in _alternatives(each)] if "oneOf" in schema else [schema]


# --- the pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_document_is_open_and_in_json_or_yaml(client: Client, house: House, slash: str) -> None:
    answer = client.get(f"{PREFIX}schema{slash}")
    assert answer["Content-Type"].startswith("application/json")
    assert answer.json() == json.loads(json.dumps(document(), default=str))
    assert answer.json()["openapi"].startswith("3.")
    as_yaml = client.get(f"{PREFIX}schema{slash}", headers={"Accept": "application/vnd.oai.openapi"})
    read = yaml.load(as_yaml.content, Loader=yaml.CSafeLoader)  # safe_load's answer, ten times as fast
    assert read["paths"].keys() == document()["paths"].keys()
    assert client.post(f"{PREFIX}schema{slash}").status_code == 405


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_docs_need_no_other_host_and_no_inline_script(client: Client, house: House, slash: str) -> None:
    page = client.get(f"{PREFIX}docs{slash}")
    html = page.content.decode()
    assert page.status_code == 200
    assert 'lang="zh-Hans"' in html
    assert "'unsafe" not in page["Content-Security-Policy"]
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)
    assets = re.findall(r'(?:src|href)="/static/([^"]+)"', html)
    assert len(assets) == 5
    assert [name for name in assets if finders.find(name) is None] == []
    (script,) = re.findall(r'src="(/api/v1/docs[^"]+)"', html)
    code = client.get(script)
    assert code["Content-Type"].startswith("application/javascript")
    assert "/api/v1/schema/" in code.content.decode()


# --- answers against the document ------------------------------------------------------------------


class Caller:
    """Calls operations of the document as a person, and holds each answer against it."""

    def __init__(self) -> None:
        self.schema = schemathesis.openapi.from_wsgi(f"{PREFIX}schema/", application)
        self.called: set[tuple[str, str]] = set()

    def __call__(
        self, user: Any, method: str, path: str, *expected: int, version: int | None = None, **sent: Any
    ) -> Any:
        filled, _, template = path.partition(" as ")
        operation = self.schema[f"{PREFIX}{template or filled}"][method]
        names = re.findall(r"\{(\w+)\}", template)
        pattern = re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(template)) if names else ""
        values = re.fullmatch(pattern, filled).groups() if names else ()  # type: ignore[union-attr]
        headers = PLAIN | ({"Authorization": f"Bearer {token_for(user)}"} if user else {})
        if version is not None:
            headers["If-Match"] = f'"v{version}"'
        case = operation.Case(path_parameters=dict(zip(names, values, strict=True)), headers=headers, **sent)
        answer = case.call()
        assert answer.status_code in (expected or (200,)), f"{method} {filled}: {answer.text}"
        case.validate_response(answer, checks=CHECKS)
        self.called.add((method, f"{PREFIX}{template or filled}"))
        return answer


@pytest.fixture(scope="module")
def caller(standing_house: House) -> Caller:
    return Caller()


def every_get_of_credit(caller: Caller, house: House) -> None:
    bureau = house.world.user("bureau")
    for name in ("assessments", "facts", "appeals", "repairs", "red-partners", "schemes"):
        found = caller(bureau, "GET", f"credit/{name}/", query={"count": "exact", "page_size": 100}).json()
        assert found["results"], name
    caller(house.world.worker(1), "GET", "credit/scheme/")
    for one, row in (("appeals", house.appeal), ("repairs", house.repair), ("red-partners", house.partner)):
        caller(bureau, "GET", f"credit/{one}/{row.pk}/ as credit/{one}/{{id}}/")
    caller(bureau, "GET", f"credit/schemes/{house.draft.pk}/ as credit/schemes/{{id}}/")
    for shop in (house.entity, house.world.entities[0]):
        caller(bureau, "GET", f"entities/{shop.pk}/credit/ as entities/{{id}}/credit/")
    path = f"credit/schemes/{house.draft.pk}/trial.xlsx as credit/schemes/{{id}}/trial.xlsx"
    caller(bureau, "GET", path)


def every_get_of_the_register(caller: Caller, house: House) -> None:
    clerk, shop = house.world.clerk_of(1), house.key_change.entity_id
    for name in ("key-changes", "duplicates", "imports"):
        assert caller(clerk, "GET", f"entities/{name}/", query={"count": "exact"}).json()["results"], name
    for part in ("history", "contacts"):
        for pk in (shop, house.entity.pk):
            caller(clerk, "GET", f"entities/{pk}/{part}/ as entities/{{id}}/{part}/")
    for name in ("entities/import-template.xlsx", "entities/export.xlsx"):
        caller(clerk, "GET", name)
    for tail in ("/", "/errors.xlsx"):
        caller(clerk, "GET", f"entities/imports/{house.imported.pk}{tail} as entities/imports/{{id}}{tail}")
    caller(clerk, "GET", f"entities/{shop}/ as entities/{{id}}/")
    caller(clerk, "GET", f"entities/{house.alike.first_id}/ as entities/{{id}}/")


def every_get_of_patrols(caller: Caller, house: House) -> None:
    bureau = house.world.user("bureau")
    for name in ("tasks", "visits", "cards"):
        found = caller(bureau, "GET", f"patrols/{name}/", query={"count": "exact"}).json()
        assert found["results"], name
    caller(house.world.worker(1), "GET", f"patrols/tasks/{house.patrol.pk}/ as patrols/tasks/{{id}}/")
    for name in ("reviews", "completion", "frequency", "plans"):
        caller(bureau, "GET", f"patrols/{name}/")
    caller(bureau, "GET", "patrols/before/", query={"entity": house.entity.pk})


def every_get_of_stations(caller: Caller, house: House) -> None:
    bureau, clerk = house.world.user("bureau"), house.world.clerk_of(1)
    assert caller(bureau, "GET", "disputes/", query={"count": "exact"}).json()["count"] >= 5
    for part in ("", "today/", "disputes/"):
        caller(bureau, "GET", f"stations/ST-01/{part} as stations/{{code}}/{part}")
    shops = caller(bureau, "GET", "stations/ST-18/shops/ as stations/{code}/shops/").json()
    assert shops["results"]
    for row in (house.dispute, house.filed, house.tested, house.agreed, house.sat.dispute):
        for part in ("", "timeline/", "sessions/"):
            caller(bureau, "GET", f"disputes/{row.pk}/{part} as disputes/{{id}}/{part}")
    caller(bureau, "GET", f"disputes/{house.ended.pk}/survey/ as disputes/{{id}}/survey/")
    caller(bureau, "GET", "disputes/figures/", query={"from": "2026-01-01", "to": "2026-12-31"})
    caller(bureau, "GET", "disputes/figures/", 400, query={"from": "yesterday"})
    assert caller(bureau, "GET", "disputes/hot/").json()["shops"]
    for ending in ("pdf", "docx"):
        path = f"disputes/{house.agreed.pk}/agreement.{ending} as disputes/{{id}}/agreement.{ending}"
        caller(clerk, "GET", path)
        caller(bureau, "GET", path, 403)


def every_get_of_imported_facts(caller: Caller, house: House) -> None:
    bureau, number = house.world.user("bureau"), house.imported.pk
    caller(bureau, "GET", "credit/facts/import-template.xlsx")
    for tail in ("/", "/errors.xlsx"):
        path = f"credit/facts/imports/{number}{tail} as credit/facts/imports/{{id}}{tail}"
        caller(bureau, "GET", path, 404)  # a file of the register, not of facts


def test_every_get_answers_as_described(caller: Caller, house: House) -> None:
    bureau, worker = house.world.user("bureau"), house.world.worker(1)
    lists = "absences approvals categories communities departments duty-shifts entities grids leads"
    for name in (
        f"{lists} leniency-decisions look-backs notices offices stations supervision-orders whistles".split()
    ):
        found = caller(bureau, "GET", f"{name}/", query={"count": "exact", "page_size": 100}).json()
        assert found["count"] >= 1, name
        assert found["results"], name
    caller(worker, "GET", "auth/devices/")
    caller(bureau, "GET", "me/")
    caller(bureau, "GET", "grids.geojson")
    for name in ("duty-shifts/export.xlsx", "duty-shifts/template.xlsx"):
        caller(bureau, "GET", name)
    code = house.world.grid(1).code
    caller(worker, "GET", f"grids/{code}/ as grids/{{code}}/")
    for part in ("tasks/", "responsibilities/", "work-group/"):
        caller(bureau, "GET", f"grids/{code}/{part} as grids/{{code}}/{part}")
    one = f"grids/{code}/tasks/{house.task.pk}/ as grids/{{code}}/tasks/{{id}}/"
    caller(worker, "GET", one)
    caller(house.world.worker(21), "GET", one, 404)
    lon, lat = house.world.point_in(1)
    caller(worker, "GET", "grids/locate/", query={"lon": lon, "lat": lat, "crs": "wgs84"})
    caller(worker, "GET", "grids/locate/", query={"lon": 0, "lat": 0, "crs": "bd09"})
    caller(worker, "GET", "entities/", query={"near": f"{lon},{lat}"})
    caller(worker, "GET", f"entities/{house.entity.pk}/ as entities/{{id}}/")
    caller(worker, "GET", f"entities/{house.entity.pk}/guidance/ as entities/{{id}}/guidance/")
    caller(bureau, "GET", f"approvals/{house.asked.pk}/ as approvals/{{approval_id}}/")
    caller(worker, "GET", f"entities/by-code/{house.entity.code}/ as entities/by-code/{{code}}/")
    caller(bureau, "GET", f"absences/{house.absence.pk}/ as absences/{{id}}/")
    caller(bureau, "GET", f"duty-shifts/{house.shift.pk}/ as duty-shifts/{{id}}/")
    caller(bureau, "GET", f"supervision-orders/{house.order.pk}/ as supervision-orders/{{id}}/")
    caller(bureau, "GET", f"whistles/{house.whistle.pk}/ as whistles/{{id}}/")
    caller(bureau, "GET", f"look-backs/{house.look_back.pk}/ as look-backs/{{id}}/")
    for lead in (house.lenient.lead, house.merged, house.rechecked, house.look_back.lead, house.received):
        caller(bureau, "GET", f"leads/{lead.pk}/ as leads/{{id}}/")
    for lead in house.leads().values():
        for part in ("", "timeline/", "explain/", "first-offence/"):
            caller(bureau, "GET", f"leads/{lead.pk}/{part} as leads/{{id}}/{part}")
    for name in ("matters/", "complaints/"):
        caller(bureau, "GET", name, query={"count": "exact"})
    caller(house.world.clerk_of(1), "GET", f"matters/{house.matter.pk}/ as matters/{{id}}/")
    for part in ("answers/", "survey/"):
        caller(bureau, "GET", f"leads/{house.heard.pk}/{part} as leads/{{id}}/{part}")
    caller(None, "GET", f"survey/{house.token}/ as survey/{{token}}/")
    caller(None, "GET", "survey/nothing/ as survey/{token}/", 404)
    every_get_of_credit(caller, house)
    every_get_of_the_register(caller, house)
    every_get_of_patrols(caller, house)
    every_get_of_imported_facts(caller, house)
    every_get_of_stations(caller, house)
    for part, status in (("original", 200), ("thumbnail", 200), ("watermarked", 200), ("playback", 409)):
        path = f"evidence/{house.evidence.pk}/{part}/ as evidence/{{evidence_id}}/{part}/"
        caller(worker, "GET", path, status)
    day = {"since": "2026-01-01", "until": "2026-12-31"}
    caller(bureau, "GET", "leniency-decisions/counts/", query=day)
    for name in ("reports/sla/", "reports/sla.xlsx"):
        caller(bureau, "GET", name)
        caller(bureau, "GET", name, 404, query={"date": "2020-01-01"})
        caller(bureau, "GET", name, 400, query={"date": "yesterday"})
    assert caller.called >= {(m.upper(), p) for p, m, _ in operations() if m == "get"}


def test_the_life_of_a_lead_answers_as_described(caller: Caller, house: House) -> None:
    world = house.world
    worker, commissioner = world.worker(1), world.commissioner(1)
    lon, lat = world.point_in(1)
    photo: Evidence = keep_photo(worker, "#208040")
    body = {
        "client_uid": str(uuid.uuid4()),
        "category": "F03",
        "description": "后厨有老鼠",
        "location": {"lon": lon, "lat": lat, "crs": "gcj02", "accuracy_m": 12.5},
        "evidence": [photo.pk, {"sha256": "0" * 64}],
        "reporter": {"name": "李四", "phone": "13800001111"},
    }
    lead = caller(worker, "POST", "leads/", 201, body=body).json()
    assert caller(worker, "POST", "leads/", 200, body=body).json()["id"] == lead["id"]
    caller(worker, "POST", "leads/", 409, body=body | {"description": "别的"})
    caller(worker, "POST", "leads/", 422, body=body | {"client_uid": str(uuid.uuid4()), "category": "Z99"})
    caller(worker, "POST", "leads/", 400, body={})

    def act(user: Any, name: str, *expected: int, body: dict[str, Any], version: int | None) -> Any:
        path = f"leads/{lead['id']}/{name}/ as leads/{{id}}/{name}/"
        return caller(user, "POST", path, *expected, body=body, version=version).json()

    plan = {"plan": "on_my_way"}
    act(commissioner, "respond", 428, body=plan, version=None)
    act(commissioner, "respond", 412, body=plan, version=lead["version"] + 7)
    act(worker, "respond", 403, body=plan, version=lead["version"])
    act(world.worker(21), "respond", 404, body=plan, version=lead["version"])
    to_clerk = {"assignee": world.clerk_of(1).pk, "reason": "专员外出"}
    lead = act(world.head_of(1), "dispatch", body=to_clerk, version=lead["version"])
    back = {"assignee": commissioner.pk, "reason": "专员已回"}
    lead = act(world.head_of(1), "dispatch", body=back, version=lead["version"])
    lead = act(worker, "confirm-handover", body={}, version=lead["version"])
    lead = act(commissioner, "respond", body=plan, version=lead["version"])
    lead = act(commissioner, "control", body={"note": "已封存"}, version=lead["version"])
    outcome = {"disposal": {"kind": "guided", "note": "已整改"}}
    lead = act(commissioner, "feedback", body=outcome, version=lead["version"])
    lead = act(worker, "rework", body={"reason": "照片不清楚"}, version=lead["version"])
    lead = act(commissioner, "feedback", body=outcome, version=lead["version"])
    act(worker, "verify", 409, body={"method": "phone"}, version=lead["version"])
    lead = act(worker, "verify", body={"method": "on_site"}, version=lead["version"])
    assert lead["state"] == "closed"
    act(commissioner, "respond", body=plan, version=None)  # his own signature again: the lead, as it is
    act(worker, "rework", 409, body={"reason": "照片不清楚"}, version=lead["version"])


def test_the_life_of_a_whistle_answers_as_described(caller: Caller, house: House) -> None:
    world = house.world
    head, police = world.community_head_of(1), world.user("police")
    body = {
        "client_uid": str(uuid.uuid4()), "lead": house.dispatched.pk, "grid": world.grid(1).code,
        "departments": ["citymgmt", "fire"], "reason": "消防通道被占", "place": "北门",
    }  # fmt: skip
    whistle = caller(head, "POST", "whistles/", 201, body=body).json()
    assert caller(head, "POST", "whistles/", 200, body=body).json()["id"] == whistle["id"]
    caller(head, "POST", "whistles/", 409, body=body | {"reason": "别的"})
    caller(world.worker(21), "POST", "whistles/", 404, body=body | {"client_uid": str(uuid.uuid4())})
    caller(
        police,
        "POST",
        "whistles/",
        403,
        body={"grid": body["grid"], "departments": ["fire"], "reason": "请到场"},
    )

    def act(user: Any, name: str, *expected: int, body: dict[str, Any], version: int | None) -> Any:
        path = f"whistles/{whistle['id']}/{name}/ as whistles/{{id}}/{name}/"
        return caller(user, "POST", path, *expected, body=body, version=version).json()

    whistle = act(head, "call", body={"departments": ["police"]}, version=whistle["version"])
    act(police, "answer", 428, body={"answer": "received"}, version=None)
    act(police, "answer", 412, body={"answer": "received"}, version=9)
    whistle = act(police, "answer", body={"answer": "received"}, version=whistle["version"])
    lon, lat = world.point_in(1)
    spot = {"location": {"lon": lon, "lat": lat, "crs": "gcj02", "accuracy_m": 9}, "note": "已到"}
    whistle = act(police, "check-in", body=spot, version=whistle["version"])
    told = {"note": "已劝离", "evidence": [keep_photo(police, "#204060").pk, {"sha256": "1" * 64}]}
    whistle = act(police, "report", body=told, version=whistle["version"])
    act(head, "close", 422, body={}, version=whistle["version"])
    whistle = act(head, "close", body={"note": "其余部门不再需要"}, version=whistle["version"])
    assert whistle["state"] == "closed"


def test_answers_to_citizens_answer_as_described(caller: Caller, house: House) -> None:
    world, lead = house.world, house.heard
    clerk, keeper = world.clerk_of(1), world.user("keeper")
    calls = f"leads/{lead.pk}/answers/ as leads/{{id}}/answers/"
    body = {"client_uid": str(uuid.uuid4()), "result": "not_reached", "note": "无人接听"}
    caller(clerk, "POST", calls, 201, body=body)
    caller(clerk, "POST", calls, 200, body=body)
    caller(clerk, "POST", calls, 409, body=body | {"note": "别的"})
    caller(world.worker(21), "POST", calls, 404, body=body)
    survey = f"leads/{lead.pk}/survey/ as leads/{{id}}/survey/"
    caller(clerk, "POST", survey, 403, body={"rating": "satisfied"})
    link = f"survey/{house.token}/ as survey/{{token}}/"
    said = {"rating": "unsatisfied", "comment": "没有改好"}
    caller(None, "POST", link, 400, body={"rating": "fine"})
    caller(None, "POST", link, body=said)
    caller(None, "POST", link, body=said)
    caller(None, "POST", link, 409, body={"rating": "satisfied"})
    caller(None, "GET", link, 409)
    caller(world.head_of(1), "POST", survey, 409, body={"rating": "satisfied"})
    reveal = f"leads/{lead.pk}/reporter/reveal/ as leads/{{id}}/reporter/reveal/"
    reason = {"reason": "回访核实"}
    assert caller(keeper, "POST", reveal, body=reason).json()["name"] == citizens.NAME
    caller(keeper, "POST", reveal, 422, body={"reason": "看"})
    caller(clerk, "POST", reveal, 403, body=reason)
    caller(keeper, "POST", "reporters/reveal/", body=reason | {"number": lead.number})
    caller(keeper, "POST", "reporters/reveal/", 404, body=reason | {"number": "XS"})
    caller(clerk, "POST", "reporters/reveal/", 403, body=reason | {"number": lead.number})


def test_the_tasks_of_a_group_answer_as_described(caller: Caller, house: House) -> None:
    world, code = house.world, house.world.grid(1).code
    head, worker, bureau = world.head_of(1), world.worker(1), world.user("bureau")
    due_at = (clock.now() + timedelta(days=1)).isoformat()
    body = {"client_uid": str(uuid.uuid4()), "title": "核对新店", "owner": worker.username, "due_at": due_at}
    path = f"grids/{code}/tasks/ as grids/{{code}}/tasks/"
    task = caller(head, "POST", path, 201, body=body).json()
    caller(head, "POST", path, 200, body=body)
    caller(head, "POST", path, 409, body=body | {"title": "别的"})
    caller(world.worker(21), "POST", path, 403, body=body)
    past = {"client_uid": str(uuid.uuid4()), "due_at": "2020-01-01T00:00Z"}
    caller(head, "POST", path, 422, body=body | past)
    one, named = f"grids/{code}/tasks/{task['id']}/", "grids/{code}/tasks/{id}/"
    caller(head, "PATCH", f"{one} as {named}", 428, body={"title": "复核"})
    caller(head, "PATCH", f"{one} as {named}", body={"title": "复核"}, version=1)
    caller(worker, "POST", f"{one}done/ as {named}done/", 412, body={}, version=1)
    caller(worker, "POST", f"{one}done/ as {named}done/", body={"note": "齐全"}, version=2)
    caller(head, "POST", f"{one}cancel/ as {named}cancel/", 409, body={"reason": "重复"}, version=3)
    group = f"grids/{code}/work-group/ as grids/{{code}}/work-group/"
    caller(bureau, "PATCH", group, body={"name": "一网格群"}, version=1)
    caller(bureau, "PATCH", group, 422, body={"robot": 999999}, version=2)


def test_the_other_writes_answer_as_described(caller: Caller, house: House) -> None:
    world = house.world
    head, commissioner = world.head_of(1), world.commissioner(1)
    person = make_user("signs-in")
    body = {"username": "signs-in", "password": PASSWORD, "device_name": "手机"}
    caller(None, "POST", "auth/login/", body=body)
    caller(None, "POST", "auth/login/", 401, body=body | {"password": "wrong"})
    new = {"old_password": PASSWORD, "new_password": "Other-pass-2027"}
    caller(person, "POST", "auth/password/", 204, body=new)
    caller(person, "POST", "auth/password/", 403, 409, 422, 400, body=new)
    caller(person, "POST", "auth/logout/", 204)
    device = f"auth/devices/{house.device.pk}/ as auth/devices/{{id}}/"
    caller(world.worker(1), "DELETE", device, 204)
    caller(world.worker(1), "DELETE", device, 404)
    path = f"supervision-orders/{house.order.pk}/acknowledge/ as supervision-orders/{{id}}/acknowledge/"
    caller(head, "POST", path, 428, body={"instruction": "go_myself"})
    caller(head, "POST", path, body={"instruction": "go_myself"}, version=house.order.version)
    notice = f"notices/{house.notice.pk}/read/ as notices/{{notice_id}}/read/"
    caller(commissioner, "POST", notice)
    caller(head, "POST", notice, 404)
    away = {
        "starts_at": "2030-01-01T08:30:00+08:00",
        "ends_at": "2030-01-02T08:30:00+08:00",
        "reason": "学习",
    }
    made = caller(commissioner, "POST", "absences/", 201, body=away).json()
    caller(commissioner, "POST", f"absences/{made['id']}/end/ as absences/{{id}}/end/", 200, 409)
    shift = {
        "office": world.office_of(1).code,
        "day": "2030-01-01",
        "role": "DUTY_OFFICER",
        "person": "duty-01",
    }
    caller(head, "POST", "duty-shifts/", 201, body=shift)
    caller(head, "POST", "duty-shifts/", 200, body=shift | {"person": "clerk-01"})
    form: dict[str, Any] = {"media_type": "multipart/form-data"}
    for content in (b"no table", rota_sheet.template()):  # its example names nobody
        sheet = {"file": content, "dry_run": "false"}
        caller(head, "POST", "duty-shifts/import/", 422, body=sheet, **form)
    caller(head, "POST", "duty-shifts/import/", body={"file": rota_sheet.template()}, **form)
    path = f"duty-shifts/{house.shift.pk}/swap/ as duty-shifts/{{id}}/swap/"
    caller(head, "POST", path, body={"with": house.next_shift.pk})


def test_the_approved_side_roads_answer_as_described(caller: Caller, house: House) -> None:
    owner, head = house.world.commissioner(1), house.world.head_of(1)

    def path(lead: Any, name: str) -> str:
        return f"leads/{lead.pk}/{name}/ as leads/{{id}}/{name}/"

    until = (clock.now() + timedelta(days=2)).isoformat()
    version = house.responded.version
    asked = {"reason": "test_result", "until": until}
    caller(owner, "POST", path(house.responded, "suspend"), 428, body=asked)
    caller(owner, "POST", path(house.responded, "suspend"), body=asked, version=version)
    caller(head, "POST", path(house.responded, "suspend"), 403, body=asked, version=version)
    more = {"until": until, "reason": "等待检验"}
    caller(owner, "POST", path(house.responded, "extend"), body=more, version=version)
    caller(owner, "POST", path(house.responded, "resume"), 409, version=version)
    caller(owner, "POST", path(house.suspended, "resume"), version=house.suspended.version)
    body = {"reason": "untrue", "note": "无此情况"}
    caller(owner, "POST", path(house.dispatched, "reject"), body=body, version=house.dispatched.version)
    changed = {"category": "F02", "reason": "现场核实"}
    caller(
        owner, "POST", path(house.controlled, "reclassify"), body=changed, version=house.controlled.version
    )
    unknown = {"category": "Z99", "reason": "现场核实"}
    caller(owner, "POST", path(house.responded, "reclassify"), 422, body=unknown, version=version)
    for name, status in (("refuse", 200), ("approve", 409)):
        asking = f"approvals/{house.asked.pk}/{name}/ as approvals/{{approval_id}}/{name}/"
        caller(head, "POST", asking, status, body={"note": "已阅"}, version=2 if status == 409 else 1)
    orders = [{"id": house.order.pk, "version": 1, "instruction": "other", "note": "已督促"}]
    caller(head, "POST", "supervision-orders/acknowledge/", body={"orders": orders})


def test_the_acts_of_the_register_answer_as_described(caller: Caller, house: House) -> None:
    world = house.world
    worker, lon_lat = world.worker(1), world.point_in(1)
    place = {"lon": lon_lat[0], "lat": lon_lat[1], "crs": "wgs84"}
    shop: dict[str, Any] = {
        "client_uid": str(uuid.uuid4()), "name": "描述里的店", "kind": "STALL", "business_types": ["OTHER"],
        "location": place, "licences": [{"type": "BUSINESS", "number": "1"}], "contact_phone": "13800001111",
    }  # fmt: skip
    made = caller(worker, "POST", "entities/", 201, body=shop).json()
    caller(worker, "POST", "entities/", 200, body=shop)
    one = f"entities/{made['id']}"
    change = {"address": "龙山路1号", "name": "换了名字的店", "reason": "换招牌"}
    body = caller(worker, "PATCH", f"{one}/ as entities/{{id}}/", version=1, body=change).json()
    for status, version in ((412, 7), (428, None)):
        caller(worker, "PATCH", f"{one}/ as entities/{{id}}/", status, version=version, body={"address": "x"})
    licences = {"licences": [{"type": "BUSINESS", "number": "1", "expires_on": "2030-01-01"}]}
    caller(worker, "POST", f"{one}/licences/ as entities/{{id}}/licences/", version=2, body=licences)
    equipment = {"equipment": [{"kind": "SCALE", "number": "1"}]}
    caller(worker, "POST", f"{one}/equipment/ as entities/{{id}}/equipment/", version=3, body=equipment)
    ask = {"field": "contact_phone", "reason": "联系整改"}
    caller(worker, "POST", f"{one}/reveal/ as entities/{{id}}/reveal/", body=ask)
    path = f"entities/key-changes/{body['waiting']['id']}/withdraw/ as entities/key-changes/{{id}}/withdraw/"
    caller(worker, "POST", path)
    path = f"entities/duplicates/{house.alike.pk}/judge/ as entities/duplicates/{{id}}/judge/"
    caller(world.clerk_of(1), "POST", path, body={"verdict": "different", "note": "两家"})
