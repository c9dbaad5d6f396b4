"""Leads over the REST API: the manner of API.md."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from grids.demo import World
from leads.models import Lead, Signature
from tests.factories.accounts import bearer
from tests.factories.grids import make_world
from tests.leads.calls import body

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def post(client: Client, user: Any, path: str, data: Any = None, version: int | None = None) -> Any:
    headers = bearer(user)
    if version is not None:
        headers["If-Match"] = f'"v{version}"'
    return client.post(f"/api/v1/{path}", data or {}, content_type="application/json", headers=headers)


def test_a_lead_from_report_to_closing_carries_six_signatures(client: Client, world: World) -> None:
    made = post(client, world.worker(1), "leads/", body(world))
    assert made.status_code == 201, made.content
    lead = made.json()
    assert lead["state"] == "dispatched"
    assert lead["grid"] == world.grid(1).code
    assert lead["assignee"]["username"] == "commissioner-01"
    assert {d["kind"] for d in lead["deadlines"]} >= {"respond", "respond_80", "feedback", "same_day"}

    commissioner = world.commissioner(1)
    url = f"leads/{lead['id']}"
    lead = post(client, commissioner, f"{url}/respond/", {"plan": "on_my_way"}, lead["version"]).json()
    assert lead["state"] == "responded", lead
    lead = post(client, commissioner, f"{url}/control", {"note": "已封存食材"}, lead["version"]).json()
    lead = post(
        client,
        commissioner,
        f"{url}/feedback/",
        {"disposal": {"kind": "guided", "note": "已清理消杀"}},
        lead["version"],
    ).json()
    assert lead["state"] == "fed_back", lead
    assert lead["missing_signatures"] == ["result:community"]
    done = post(client, world.worker(1, 2), f"{url}/verify/", {"method": "on_site"}, lead["version"])
    lead = done.json()
    assert lead["state"] == "closed", lead
    assert lead["missing_signatures"] == []
    assert Signature.objects.filter(lead_id=lead["id"]).count() == 6
    assert {d["state"] for d in lead["deadlines"]} == {"met", "cancelled"}
    assert done["ETag"] == f'"v{lead["version"]}"'
    timeline = client.get(f"/api/v1/{url}/timeline/", headers=bearer(commissioner)).json()
    assert [e["kind"] for e in timeline["entries"]] == [
        "lead.reported",
        "lead.dispatched",
        "lead.responded",
        "lead.controlled",
        "lead.fed_back",
        "lead.closed",
    ]
    told = client.get(f"/api/v1/{url}/explain/", headers=bearer(commissioner)).json()
    assert "接单时限" in told["text_zh"]


def test_one_report_takes_at_most_twelve_statements(
    client: Client, world: World, django_assert_max_num_queries: Any
) -> None:
    worker = world.worker(1)
    headers = bearer(worker)
    client.post("/api/v1/leads/", body(world), content_type="application/json", headers=headers)
    with django_assert_max_num_queries(14) as seen:
        answer = client.post("/api/v1/leads/", body(world), content_type="application/json", headers=headers)
    assert answer.status_code == 201
    work = [
        q["sql"]
        for q in seen.captured_queries
        if not q["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))
    ]
    assert len(work) <= 12, work
    print(len(work), *[w[:100] for w in work], sep="\n")


def test_the_same_report_again_gives_the_same_lead(client: Client, world: World) -> None:
    data = body(world)
    first = post(client, world.worker(1), "leads/", data)
    again = post(client, world.worker(1), "leads", data)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == {key: value for key, value in again.json().items() if key in first.json()}
    other = post(client, world.worker(1), "leads/", data | {"description": "别的"})
    assert other.status_code == 409
    assert other.json()["errors"][0]["code"] == "client_uid_conflict"
    assert Lead.objects.count() == 1
