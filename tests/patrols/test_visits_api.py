"""Visits over HTTP: the phone's own words, offline, files that come later, lists, the line at the door."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from grids.demo import World
from kernel import clock
from kernel.evidence.models import Evidence
from leads.models import Lead
from patrols import files
from patrols.kinds import PATROL_NOTICE, TaskKind
from patrols.models import PatrolTask, PatrolVisit
from tests.factories.accounts import bearer
from tests.factories.house import keep_photo
from tests.factories.leads import stand_at
from tests.factories.photos import make_photo
from tests.factories.visits import give_cards, papers, task_of, tasks_along
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db


def words(result: str = "ok", **fields: Any) -> dict[str, Any]:
    return {"client_uid": str(uuid.uuid4()), "result": result, **fields}


def complete(api: Api, user: Any, task: PatrolTask, said: dict[str, Any], version: Any = 1) -> Any:
    return api.post(user, f"patrols/tasks/{task.pk}/complete/", said, version=version)


# --- one task --------------------------------------------------------------------------------------


def test_a_worker_completes_a_task(world: World, api: Api) -> None:
    task = task_of(world)
    said = words(note="整洁", location={"lon": 116.7, "lat": 36.1, "crs": "gcj02"})
    answer = complete(api, world.worker(1), task, said)
    told = answer.json()
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"v2"')
    assert (told["result"], told["how"], told["task"]["state"]) == ("ok", "SINGLE", "DONE")
    assert told["notice"] == PATROL_NOTICE == "巡查走访不是行政检查：只看、只提醒、只上报。"
    assert told["location"]["crs"] == "wgs84"
    assert told["location"]["lon"] != 116.7
    again = complete(api, world.worker(1), task, said)
    assert (again.status_code, again.json()) == (200, told)


def test_versions_are_asked_for(world: World, api: Api) -> None:
    task, worker = task_of(world), world.worker(1)
    assert complete(api, worker, task, words(), version=None).status_code == 428
    assert complete(api, worker, task, words(), version=7).status_code == 412
    assert complete(api, world.commissioner(1), task, words()).status_code == 403
    assert complete(api, world.worker(21), task, words()).status_code == 404


def test_a_workers_patrol_orders_nothing(world: World, api: Api) -> None:
    task = task_of(world)
    disposed = {"category": "F03", "description": "老鼠", "disposal": {"kind": "rectify"}}
    refused = complete(api, world.worker(1), task, words("problem", lead=disposed))
    assert (refused.status_code, code_of(refused)) == (400, "unknown_field")
    assert complete(api, world.worker(1), task, words(disposal={})).status_code == 400


def test_a_check_with_its_papers(world: World, api: Api) -> None:
    give_cards(world)
    task, officer = task_of(world, TaskKind.WEEKLY_CHECK), world.commissioner(1)
    given = papers(world)
    told = complete(api, officer, task, words(inspection={"basis": "食品安全法"}))
    assert (told.status_code, code_of(told)) == (422, "papers_incomplete")
    said = words(
        inspection={
            "second_officer": given.second_officer_id,
            "basis": given.basis,
            "approval_no": given.approval_no,
            "notice_no": given.notice_no,
            "platform_no": given.platform_no,
        }
    )
    answer = complete(api, officer, task, said)
    assert answer.status_code == 200, answer.content
    assert answer.json()["inspection"]["second_officer"]["id"] == given.second_officer_id
    assert "行政检查" in answer.json()["notice"]
    assert api.get(world.worker(1), "patrols/cards/").json()["results"] == []
    assert len(api.get(officer, "patrols/cards/").json()["results"]) == 2


# --- files -----------------------------------------------------------------------------------------


def test_files_are_bound_and_their_hashes_kept(world: World, api: Api, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    worker, task = world.worker(1), task_of(world)
    photo = keep_photo(worker, "#123456")
    later = make_photo(colour="#654321")
    sha = hashlib.sha256(later).hexdigest()
    told = complete(api, worker, task, words(evidence=[photo.pk, {"sha256": sha}])).json()
    assert told["evidence"] == [
        {"id": photo.pk, "sha256": photo.sha256, "missing": False},
        {"id": None, "sha256": sha, "missing": True},
    ]
    came = keep_photo(worker, "#654321")
    assert (came.subject_kind, came.subject_id) == ("patrol_visit", told["id"])
    shown = api.get(worker, "patrols/visits/").json()["results"][0]["evidence"]
    assert [one["missing"] for one in shown] == [False, False]
    for person, status in ((world.commissioner(1), 200), (world.worker(21), 404)):
        answer = api.get(person, f"evidence/{photo.pk}/original/")
        assert answer.status_code == status
        if answer.streaming:
            b"".join(answer.streaming_content)  # read to the end: it closes its file


def test_a_file_that_crossed_is_bound_by_the_sweep(world: World, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    worker, task = world.worker(1), task_of(world)
    photo = keep_photo(worker, "#112233")
    number = files_named(task, worker, photo.sha256)
    assert (files.bind_crossed(), files.bind_crossed()) == (1, 0)
    assert Evidence.objects.get(pk=photo.pk).subject_id == number


def files_named(task: PatrolTask, by: Any, sha: str) -> int:
    """A visit whose file came while it was written: neither saw the other."""
    now = clock.now()
    return PatrolVisit.objects.create(
        client_uid=uuid.uuid4(), content_digest="x", task=task, entity=task.entity, grid=task.grid, by=by,
        result="ok", evidence=[sha], captured_at=now, at=now, done_on=clock.today(),
    ).pk  # fmt: skip


def test_of_a_finding_the_lead_takes_the_files(world: World, api: Api, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    worker, task = world.worker(1), task_of(world)
    photo = keep_photo(worker, "#abcdef")
    said = words("problem", evidence=[photo.pk], lead={"category": "F03"})
    told = complete(api, worker, task, said).json()
    lead = Lead.objects.get()
    assert told["lead"] == {"id": lead.pk, "number": lead.number}
    assert told["evidence"] == [{"id": photo.pk, "sha256": photo.sha256, "missing": False}]
    assert Evidence.objects.get(pk=photo.pk).subject_kind == "lead"


# --- a stretch, and offline ------------------------------------------------------------------------


def test_a_stretch_over_http(world: World, api: Api) -> None:
    tasks = tasks_along(world, 3)
    said = {
        "client_uid": str(uuid.uuid4()),
        "tasks": [{"id": task.pk, "version": 1} for task in tasks],
        "exceptions": [{"task": tasks[1].pk, "result": "closed_today"}],
    }
    answer = api.post(world.worker(1), "patrols/tasks/complete-batch/", said)
    assert answer.status_code == 201, answer.content
    assert [one["result"] for one in answer.json()["visits"]] == ["ok", "closed_today", "ok"]
    assert api.post(world.worker(1), "patrols/tasks/complete-batch/", said).status_code == 200
    other = {**said, "client_uid": str(uuid.uuid4())}
    refused = api.post(world.worker(1), "patrols/tasks/complete-batch/", other)
    assert refused.status_code == 412
    assert [one["attr"] for one in refused.json()["errors"]] == [f"tasks.{task.pk}" for task in tasks]


def test_a_phone_that_was_offline_hands_in_what_it_did(world: World, api: Api) -> None:
    task, other, when = task_of(world), task_of(world, TaskKind.MONTHLY_PATROL), clock.now()
    PatrolTask.objects.filter(pk=task.pk).update(state="MISSED", version=2)
    stand_at(when + timedelta(days=1))
    operations = [
        {
            "client_uid": str(uuid.uuid4()),
            "path": f"patrols/tasks/{task.pk}/complete/",
            "if_match": '"v1"',
            "captured_at": when.isoformat(),
            "body": {"result": "problem", "lead": {"category": "F03", "description": "老鼠"}},
        },
        {
            "client_uid": str(uuid.uuid4()),
            "path": "patrols/visits/",
            "captured_at": when.isoformat(),
            "body": {"entity": other.entity_id, "result": "ok", "reason": "顺路看消防"},
        },
        {
            "client_uid": str(uuid.uuid4()),
            "path": "patrols/tasks/complete-batch/",
            "captured_at": (when + timedelta(days=1)).isoformat(),
            "body": {"tasks": [{"id": other.pk, "version": 1}]},
        },
    ]
    for expected in ("created", "already_have"):
        told = api.post(world.worker(1), "sync/", {"operations": operations}).json()
        assert [one["receipt"] for one in told["receipts"]] == [expected] * 3, told
    assert PatrolVisit.objects.filter(captured_at=when).count() == 2
    assert Lead.objects.get().discovered_at == when
    task.refresh_from_db()
    assert task.state == "DONE"


# --- reading ---------------------------------------------------------------------------------------


def test_the_list_and_its_filters(world: World, api: Api) -> None:
    worker = world.worker(1)
    single, *street = tasks_along(world, 4)
    complete(api, worker, single, words("refused", note="店主电话13812345678"))
    seen = [{"id": one.pk, "version": 1} for one in street]
    api.post(worker, "patrols/tasks/complete-batch/", {"client_uid": str(uuid.uuid4()), "tasks": seen})
    shop = task_of(world).entity
    api.post(worker, "patrols/visits/", words(entity=shop.pk))
    today = clock.today().isoformat()

    def count(**query: Any) -> int:
        return len(api.get(worker, "patrols/visits/", **query).json()["results"])

    assert count() == 5
    assert (count(how="STRETCH"), count(how="SINGLE")) == (3, 2)
    assert (count(entity=shop.pk), count(result="refused"), count(planned="false")) == (1, 1, 1)
    assert (count(by="me"), count(by=world.worker(1, 2).pk)) == (5, 0)
    assert (count(grid=world.grid(1).code), count(grid=world.grid(21).code)) == (5, 0)
    assert (count(**{"from": today, "to": today}), count(to="2026-01-01")) == (5, 0)
    assert api.get(worker, "patrols/visits/", by="him").status_code == 400
    note = api.get(worker, "patrols/visits/", result="refused").json()["results"][0]["note"]
    assert note == "店主电话138****5678"
    assert api.get(world.worker(21), "patrols/visits/").json()["results"] == []


def test_a_page_takes_as_many_statements_whatever_its_length(world: World, api: Api) -> None:
    worker = world.worker(1)

    def asked() -> int:
        headers = bearer(worker)
        with CaptureQueriesContext(connection) as seen:
            assert api.client.get("/api/v1/patrols/visits/", headers=headers).status_code == 200
        return len(seen.captured_queries)

    complete(api, worker, task_of(world), words(evidence=[{"sha256": "a" * 64}]))
    few = asked()
    for _ in range(8):
        complete(api, worker, task_of(world), words(evidence=[{"sha256": "b" * 64}]))
    assert asked() == few
    assert few <= 6


def test_the_line_at_the_door(world: World, api: Api) -> None:
    task, worker = task_of(world, TaskKind.MONTHLY_PATROL), world.worker(1)
    told = api.get(worker, "patrols/before/", entity=task.entity_id).json()
    assert (told["line"], told["reason_required"]) == ("本月尚未入店", True)
    assert [one["id"] for one in told["tasks"]] == [task.pk]
    complete(api, worker, task, words())
    told = api.get(worker, "patrols/before/", entity=task.entity_id).json()
    assert told["line"] == "本月已入店1次，最近一次3月10日（巡查走访）"
    assert told["tasks"] == []
    assert (told["inspections_this_year"], told["may_enter_for_check"]) == (0, True)
    assert api.get(world.worker(21), "patrols/before/", entity=task.entity_id).status_code == 404
    assert api.get(worker, "patrols/before/").status_code == 400
    refused = api.post(worker, "patrols/visits/", words(entity=task.entity_id))
    assert (refused.status_code, code_of(refused)) == (422, "reason_required")
