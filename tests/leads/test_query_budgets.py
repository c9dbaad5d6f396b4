"""How many SQL statements each endpoint of leads may take (`tests/query_budgets.json`).

A budget is a baseline: what takes more fails, and a budget that has grown more than two too wide fails
too, so that a gain is kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from grids.demo import World
from leads.models import Lead
from tests.factories import leads as made
from tests.factories.accounts import bearer
from tests.leads.calls import Api, body

pytestmark = pytest.mark.django_db

BUDGETS: dict[str, int] = json.loads((Path(__file__).parents[1] / "query_budgets.json").read_text())["leads"]
FRAMING = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")
SLACK = 2


def statements(api: Api, user: Any, path: str, data: Any = None, version: int | None = None) -> list[str]:
    """What one request asks of the database, transactions' framing left out."""
    headers = bearer(user)
    with CaptureQueriesContext(connection) as seen:
        if data is None:
            answer = api.client.get(f"/api/v1/{path}", headers=headers)
        else:
            headers |= {"If-Match": f'"v{version}"'} if version else {}
            answer = api.client.post(
                f"/api/v1/{path}", data, content_type="application/json", headers=headers
            )
    assert answer.status_code in (200, 201), answer.content
    return [one["sql"] for one in seen.captured_queries if not one["sql"].startswith(FRAMING)]


def within(name: str, asked: list[str]) -> None:
    shown = "\n".join(sql[:150] for sql in asked)
    assert len(asked) <= BUDGETS[name], f"{name}: {len(asked)} statements\n{shown}"
    assert len(asked) >= BUDGETS[name] - SLACK, f"{name}: only {len(asked)}, lower the budget"


def test_every_budget_is_used() -> None:
    source = Path(__file__).read_text()
    assert [name for name in BUDGETS if f'"{name}"' not in source] == []


@pytest.mark.parametrize("username", ["bureau", "office-01", "commissioner-01", "street-01"])
def test_a_page_of_fifty_takes_as_many_as_one_of_five(world: World, api: Api, username: str) -> None:
    user = world.user(username)
    for _ in range(5):
        made.closed(world)
    few = statements(api, user, "leads/?page_size=50")
    for _ in range(45):
        made.responded(world, category="F03")
    many = statements(api, user, "leads/?page_size=50")
    assert len(many) == len(few)
    within("GET leads/", many)


def test_reading(world: World, api: Api) -> None:
    lead = made.closed(world, category="F03")
    made.reported(world, category="F03", by="worker-01-2")
    user = world.worker(1)
    within("GET leads/{id}/", statements(api, user, f"leads/{lead.pk}/"))
    within("GET leads/{id}/timeline/", statements(api, user, f"leads/{lead.pk}/timeline/"))
    within("GET leads/{id}/explain/", statements(api, user, f"leads/{lead.pk}/explain/"))
    within("GET categories/", statements(api, user, "categories/"))


def test_reporting(world: World, api: Api) -> None:
    worker = world.worker(1)
    statements(api, worker, "leads/", body(world))
    within("POST leads/", statements(api, worker, "leads/", body(world)))
    sent = body(world)
    statements(api, worker, "leads/", sent)
    within("POST leads/ again", statements(api, worker, "leads/", sent))


def test_acting(world: World, api: Api) -> None:
    lead = made.told_by_office(world, category="F03")
    path, commissioner, worker = f"leads/{lead.pk}", world.commissioner(1), world.worker(1)

    def act(user: Any, name: str, data: dict[str, Any]) -> None:
        version = Lead.objects.get(pk=lead.pk).version
        asked = statements(api, user, f"{path}/{name}/", data, version)
        within(f"POST leads/{{id}}/{name}/", asked)

    # "POST leads/{id}/dispatch/" "POST leads/{id}/confirm-handover/" "POST leads/{id}/respond/"
    # "POST leads/{id}/control/" "POST leads/{id}/feedback/" "POST leads/{id}/rework/"
    # "POST leads/{id}/verify/"
    act(world.clerk_of(1), "dispatch", {"assignee": world.head_of(1).pk, "reason": "外出"})
    back = {"assignee": commissioner.pk, "reason": "返回"}
    version = Lead.objects.get(pk=lead.pk).version
    statements(api, world.clerk_of(1), f"{path}/dispatch/", back, version)
    act(worker, "confirm-handover", {})
    act(commissioner, "respond", {})
    act(commissioner, "control", {"note": "已封存"})
    act(commissioner, "feedback", {"disposal": {"kind": "guided", "note": "已清理"}})
    act(worker, "rework", {"reason": "没有改好"})
    version = Lead.objects.get(pk=lead.pk).version
    again = {"disposal": {"kind": "guided", "note": "又清理"}}
    statements(api, commissioner, f"{path}/feedback/", again, version)
    act(worker, "verify", {})


def test_supervising(world: World, api: Api) -> None:
    order = made.late_response(world)
    head, path = world.head_of(1), f"supervision-orders/{order.pk}/"
    within("GET supervision-orders/{id}/", statements(api, head, path))
    few = statements(api, head, "supervision-orders/")
    for number in (2, 3):
        made.late_response(world, number)
    many = statements(api, head, "supervision-orders/")
    assert len(many) == len(few)
    within("GET supervision-orders/", many)
    asked = statements(api, head, f"{path}acknowledge/", {"instruction": "finish_today"}, 1)
    within("POST supervision-orders/{id}/acknowledge/", asked)
