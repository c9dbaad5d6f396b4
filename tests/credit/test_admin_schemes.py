"""Schemes in the admin: drafted, edited value by value, tried, put in force by another, dropped."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from credit import trial
from credit.models import CreditScheme
from grids.demo import World
from tests.factories.plans import graded
from tests.suoshe.pages import english_in, outside_in

pytestmark = pytest.mark.django_db
LIST = "/admin/credit/creditscheme/"
ALLOWED = {"A", "B", "C", "D", "esc"}
CODES = re.compile(r"\b[A-D]级|（[a-z0-9-]+）|\d{9}-L\d\d|L\d\d")


def signed_in(world: World, username: str) -> Client:
    client, user = Client(), world.user(username)
    type(user).objects.filter(pk=user.pk).update(is_staff=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    html = str(answer.content.decode())
    assert english_in(CODES.sub("", html), allowed=ALLOWED) == []
    assert outside_in(html) == []
    return html


def drafted(world: World) -> tuple[Client, CreditScheme]:
    client = signed_in(world, "bureau")
    assert client.post(f"{LIST}add/", {"title": "更严的方案", "basis": ""}).status_code == 302
    return client, CreditScheme.objects.get(state="DRAFT")


def said_of(row: CreditScheme, **changes: Any) -> dict[str, Any]:
    values = {f"{part}-{name}": one for part, rules in row.rules.items() for name, one in rules.items()}
    return {"revision": row.revision, "title": row.title, **values, **changes}


def test_a_draft_is_made_edited_tried_and_put_in_force_by_another(world: World) -> None:
    graded(world, "A")
    client, row = drafted(world)
    assert "还没有试算" in read(client, f"{LIST}{row.pk}/change/")
    assert "证照过期每件扣分" in read(client, f"{LIST}{row.pk}/edit")
    said = said_of(row, **{"limits-a": "92.5"})
    assert client.post(f"{LIST}{row.pk}/edit", said).status_code == 302
    row.refresh_from_db()
    assert row.rules["limits"]["a"] == 92.5
    html = read(client, f"{LIST}{row.pk}/change/")
    assert "现行 90分" in html
    assert f"{LIST}{row.pk}/force" not in html
    assert client.post(f"{LIST}{row.pk}/try", {"revision": row.revision}).status_code == 302
    waiting = client.get(f"{LIST}{row.pk}/change/")
    assert waiting["Refresh"] == "3"
    assert "正在试算" in waiting.content.decode()
    trial.run_asked()
    html = read(client, f"{LIST}{row.pk}/change/")
    assert "试算结果" in html
    assert "巡查工作量" in html
    assert client.get(f"{LIST}{row.pk}/movers.xlsx").content.startswith(b"PK")
    own = client.post(f"{LIST}{row.pk}/force", {"revision": row.revision})
    assert "不能批准施行自己起草" in own.content.decode()
    leader = signed_in(world, "leader")
    assert f"{LIST}{row.pk}/force" in read(leader, f"{LIST}{row.pk}/change/")
    assert leader.post(f"{LIST}{row.pk}/force", {"revision": row.revision}).status_code == 302
    row.refresh_from_db()
    assert row.state == "IN_FORCE"
    assert "正在按本方案重新评定" in read(leader, f"{LIST}{row.pk}/change/")


def test_faults_are_said_beside_their_values_and_nothing_is_kept(world: World) -> None:
    client, row = drafted(world)
    said = said_of(row, **{"limits-c": "95", "penalty-light": ""})
    answer = client.post(f"{LIST}{row.pk}/edit", said)
    assert answer.status_code == 400
    answer = client.post(f"{LIST}{row.pk}/edit", said_of(row, **{"limits-c": "95"}))
    assert "应低于“B级最低分”" in answer.content.decode()
    stale = client.post(f"{LIST}{row.pk}/edit", said_of(row, revision=9, title="旧页面"))
    assert "在您填写期间有了变化" in stale.content.decode()
    row.refresh_from_db()
    assert row.revision == 1


def test_a_draft_is_dropped_with_a_reason(world: World) -> None:
    client, row = drafted(world)
    assert client.post(f"{LIST}{row.pk}/drop", {"revision": row.revision, "reason": ""}).status_code == 200
    said = {"revision": row.revision, "reason": "条件不成熟"}
    assert client.post(f"{LIST}{row.pk}/drop", said).status_code == 302
    row.refresh_from_db()
    assert row.state == "DROPPED"


def test_others_see_what_is_in_force_and_draft_nothing(world: World) -> None:
    _, row = drafted(world)
    section, auditor = signed_in(world, "section-food"), signed_in(world, "auditor")
    assert "更严的方案" not in read(section, LIST)
    assert section.get(f"{LIST}{row.pk}/change/").status_code == 302
    assert "更严的方案" in read(auditor, LIST)
    assert auditor.get(f"{LIST}{row.pk}/edit").status_code == 403
    assert auditor.get(f"{LIST}add/").status_code == 403
    assert section.get(f"{LIST}{row.pk}/movers.xlsx").status_code == 403
    in_force = CreditScheme.objects.get(state="IN_FORCE")
    assert "证照过期每件扣分" in read(section, f"{LIST}{in_force.pk}/change/")
    refused = signed_in(world, "bureau").get(f"{LIST}{in_force.pk}/edit")
    assert refused.status_code == 302
