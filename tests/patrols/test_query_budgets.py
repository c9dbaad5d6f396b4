"""How many SQL statements each endpoint of visits may take (`tests/query_budgets.json`, `visits`)."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from grids.demo import World
from patrols.kinds import TaskKind
from tests.factories.visits import give_cards, papers, task_of, tasks_along
from tests.leads.calls import Api
from tests.leads.test_query_budgets import SLACK, statements

pytestmark = pytest.mark.django_db

BUDGETS: dict[str, int] = json.loads((Path(__file__).parents[1] / "query_budgets.json").read_text())["visits"]


def within(name: str, asked: list[str]) -> None:
    shown = "\n".join(sql[:150] for sql in asked)
    assert len(asked) <= BUDGETS[name], f"{name}: {len(asked)} statements\n{shown}"
    assert len(asked) >= BUDGETS[name] - SLACK, f"{name}: only {len(asked)}, lower the budget"


def words(result: str = "ok", **fields: Any) -> dict[str, Any]:
    return {"client_uid": str(uuid.uuid4()), "result": result, **fields}


def test_each_act_and_each_list(world: World, api: Api) -> None:
    worker, officer = world.worker(1), world.commissioner(1)
    give_cards(world)
    task, found, check = task_of(world), task_of(world), task_of(world, TaskKind.WEEKLY_CHECK)
    within("complete", statements(api, worker, f"patrols/tasks/{task.pk}/complete/", words(), 1))
    said = words("problem", lead={"category": "F03", "description": "后厨有老鼠"})
    within("complete, a finding", statements(api, worker, f"patrols/tasks/{found.pk}/complete/", said, 1))
    given = papers(world)
    inspection = {
        "second_officer": given.second_officer_id,
        "basis": given.basis,
        "approval_no": given.approval_no,
        "notice_no": given.notice_no,
        "platform_no": given.platform_no,
    }
    said = words(inspection=inspection)
    within("complete, a check", statements(api, officer, f"patrols/tasks/{check.pk}/complete/", said, 1))
    street = {
        "client_uid": str(uuid.uuid4()),
        "tasks": [{"id": one.pk, "version": 1} for one in tasks_along(world, 60)],
    }
    within("a stretch of 60", statements(api, worker, "patrols/tasks/complete-batch/", street))
    said = words(entity=task.entity_id)
    within("visit", statements(api, worker, "patrols/visits/", said))
    within("visits", statements(api, worker, "patrols/visits/?page_size=200"))
    within("before", statements(api, worker, f"patrols/before/?entity={task.entity_id}"))
    within("cards", statements(api, officer, "patrols/cards/"))
