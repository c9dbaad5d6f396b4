"""Absences and the duty rota over HTTP, for the one who may, the colleague and the outsider."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from grids import rota_sheet
from grids.demo import World
from grids.duty import duty_day
from grids.models import Absence, DutyShift
from grids.roles import DUTY_OFFICER
from kernel.accounts.models import User
from tests.factories.accounts import make_user, token_for
from tests.grids.test_rota import sheet

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def client_of(user: User | None) -> APIClient:
    client = APIClient()
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token_for(user)}")
    return client


def wanted(world: World, **more: Any) -> dict[str, Any]:
    starts_at = world.at.isoformat()
    return {"starts_at": starts_at, "ends_at": (world.at + DAY).isoformat(), **more}


def shift(world: World, ahead: int, office: int = 0) -> DutyShift:
    day = duty_day(world.at) + timedelta(days=ahead)
    return DutyShift.objects.get(office=world.offices[office], day=day, role=DUTY_OFFICER)


PATHS = [
    ("get", "absences"), ("post", "absences"), ("get", "absences/1"), ("post", "absences/1/end"),
    ("get", "duty-shifts"), ("post", "duty-shifts"), ("get", "duty-shifts/1"), ("post", "duty-shifts/1/swap"),
    ("post", "duty-shifts/import"), ("get", "duty-shifts/template.xlsx"), ("get", "duty-shifts/export.xlsx"),
]  # fmt: skip


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(("method", "path"), PATHS)
def test_401_without_a_token(world: World, method: str, path: str, slash: str) -> None:
    assert getattr(client_of(None), method)(f"/api/v1/{path}{slash}").status_code == 401


def test_leave_of_ones_own(world: World) -> None:
    me, colleague = client_of(world.worker(1)), client_of(world.worker(1, 2))
    answer = me.post("/api/v1/absences/", wanted(world, stand_in="worker-01-3", reason="体检"))
    assert answer.status_code == 201, answer.json()
    body = answer.json()
    assert body["person"]["username"] == "worker-01-1"
    assert body["stand_in"]["username"] == "worker-01-3"
    assert len(me.get("/api/v1/absences").json()["results"]) == 1
    assert me.get("/api/v1/absences?running=true").json()["results"][0]["id"] == body["id"]
    assert len(client_of(world.worker(1, 3)).get("/api/v1/absences").json()["results"]) == 1
    assert colleague.get("/api/v1/absences").json()["results"] == []
    assert colleague.get(f"/api/v1/absences/{body['id']}").status_code == 404
    assert colleague.post(f"/api/v1/absences/{body['id']}/end").status_code == 404
    assert client_of(world.worker(1, 3)).post(f"/api/v1/absences/{body['id']}/end").status_code == 403
    assert me.post("/api/v1/absences", wanted(world)).status_code == 409
    assert me.post(f"/api/v1/absences/{body['id']}/end").status_code == 200
    assert me.get("/api/v1/absences?running=true").json()["results"] == []


def test_leave_of_ones_people(world: World) -> None:
    head = client_of(world.user("office-01"))
    assert head.post("/api/v1/absences", wanted(world, person="commissioner-02")).status_code == 201
    unknown = head.post("/api/v1/absences", wanted(world, person="commissioner-09"))
    assert (unknown.status_code, unknown.json()["errors"][0]["attr"]) == (400, "person")
    clerk = client_of(world.user("clerk-01"))
    assert clerk.post("/api/v1/absences", wanted(world, person="commissioner-03")).status_code == 403
    community = client_of(world.user("community-01"))
    assert community.post("/api/v1/absences", wanted(world, person="worker-01-1")).status_code == 201
    assert client_of(world.user("community-09")).get("/api/v1/absences").json()["results"] == []


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"colour": "red"}, 400),
        ({"starts_at": "yesterday"}, 400),
        ({"ends_at": None}, 400),
        ({"stand_in": "worker-01-1"}, 409),
        ({"stand_in": "commissioner-01"}, 409),
        ({"stand_in": "nobody"}, 400),
        ({"reason": "x" * 201}, 400),
        ({"reason": "a\u0000b"}, 400),
        ({"ends_at": "2020-01-01T00:00:00+08:00"}, 422),
    ],
)
def test_leave_that_is_refused(world: World, more: dict[str, Any], status: int) -> None:
    answer = client_of(world.worker(1)).post("/api/v1/absences", wanted(world, **more))
    assert answer.status_code == status
    assert answer.json()["errors"][0]["detail"]
    assert not Absence.objects.exists()


def test_the_rota_is_read_by_scope(world: World) -> None:
    today = duty_day(world.at)
    path = f"/api/v1/duty-shifts?day_after={today}&day_before={today}"
    for username, count in [("worker-01-1", 2), ("duty-01", 2), ("bureau", 8), ("police", 0)]:
        rows = client_of(world.user(username)).get(path).json()["results"]
        assert len(rows) == count, username
    assert client_of(make_user()).get(path).json()["results"] == []
    other = shift(world, 0, office=1)
    assert client_of(world.worker(1)).get(f"/api/v1/duty-shifts/{other.pk}").status_code == 404
    assert client_of(world.user("bureau")).get("/api/v1/duty-shifts?day=x").status_code == 400


def test_a_shift_is_set(world: World) -> None:
    clerk = client_of(world.user("clerk-01"))
    day = duty_day(world.at) + 60 * DAY
    body = {"office": world.offices[0].code, "day": str(day), "role": "DUTY_OFFICER", "person": "clerk-01"}
    assert clerk.post("/api/v1/duty-shifts/", body).status_code == 201
    again = clerk.post("/api/v1/duty-shifts/", {**body, "person": "duty-01"})
    assert (again.status_code, again.json()["person"]["username"]) == (200, "duty-01")
    assert client_of(world.user("clerk-02")).post("/api/v1/duty-shifts/", body).status_code in (400, 403)
    assert client_of(world.worker(1)).post("/api/v1/duty-shifts/", body).status_code == 403
    for wrong in ({"role": "COOK"}, {"office": "x"}, {"day": "x"}, {"extra": 1}, {"person": "nobody"}):
        assert clerk.post("/api/v1/duty-shifts/", {**body, **wrong}).status_code == 400
    assert clerk.post("/api/v1/duty-shifts/", {**body, "day": "2020-01-01"}).status_code == 422


def test_two_taps_swap(world: World) -> None:
    night = make_user("night")
    first, second = shift(world, 1), shift(world, 2)
    DutyShift.objects.filter(pk=second.pk).update(user=night)
    path = f"/api/v1/duty-shifts/{first.pk}/swap/"
    assert client_of(world.worker(1)).post(path, {"with": second.pk}).status_code == 403
    assert client_of(world.user("clerk-02")).post(path, {"with": second.pk}).status_code == 404
    clerk = client_of(world.user("clerk-01"))
    swapped = clerk.post(path, {"with": second.pk})
    assert swapped.status_code == 200
    assert [one["person"]["username"] for one in swapped.json()] == ["night", "duty-01"]
    assert clerk.post(path, {"with": first.pk}).status_code == 409
    assert clerk.post(path, {"with": 10**30}).status_code == 400
    assert clerk.post(path, {"with": 999999}).status_code == 404
    assert clerk.post(path, {}).status_code == 400


def upload(client: APIClient, content: bytes, **more: Any) -> Any:
    file = SimpleUploadedFile("值班表.xlsx", content)
    return client.post("/api/v1/duty-shifts/import/", {"file": file, **more}, format="multipart")


def test_import(world: World) -> None:
    clerk = client_of(world.user("clerk-01"))
    day = duty_day(world.at) + 60 * DAY
    content = sheet((str(day), "", "duty-01", "office-01"))
    dry = upload(clerk, content)
    assert (dry.status_code, dry.json()["created"]) == (200, 2)
    assert not DutyShift.objects.filter(day=day).exists()
    assert upload(clerk, content, dry_run="false").json()["created"] == 2
    assert DutyShift.objects.filter(day=day).count() == 2
    bad = sheet((str(day + DAY), "", "duty-01", ""), ("x", "", "duty-01", ""))
    told = upload(clerk, bad)
    assert (told.status_code, told.json()["errors"][0]["row"]) == (200, 3)
    refused = upload(clerk, bad, dry_run="false")
    assert (refused.status_code, refused.json()["type"]) == (422, "domain_error")
    assert not DutyShift.objects.filter(day=day + DAY).exists()
    assert upload(clerk, b"nothing", dry_run="false").status_code == 422
    assert clerk.post("/api/v1/duty-shifts/import/", {"file": "x"}).status_code == 415


def test_template_and_export(world: World) -> None:
    clerk = client_of(world.user("clerk-01"))
    template = clerk.get("/api/v1/duty-shifts/template.xlsx")
    assert template.content[:2] == b"PK"
    export = clerk.get(f"/api/v1/duty-shifts/export.xlsx?day_after={duty_day(world.at)}")
    report = upload(clerk, io.BytesIO(export.content).read()).json()
    assert (report["created"], report["updated"], report["errors"]) == (0, 0, [])
    assert report["unchanged"] == 2 * 22
    assert rota_sheet.HEADER[0] == "日期"
