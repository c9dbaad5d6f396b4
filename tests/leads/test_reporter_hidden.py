"""Who told a lead is found in no answer, page, export, notice, log line or row of anyone but the keeper.

A citizen with a name and a number of their own goes through a whole life: sent again and in conflict,
refused in every form, handled, answered, asked, revealed; and comes by every other way in (platforms, the
door of a shop, an offline phone). Then everything that anyone was told, every text in the database and
every line of the log is searched (DOMAIN.md §7).
"""

from __future__ import annotations

import io
import json
import logging
import re
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from grids.demo import World
from kernel.approvals.models import Approval
from kernel.notices import templates, webhooks
from kernel.notices.models import OutboxMessage, WebhookDelivery
from kernel.offline.models import Operation
from leads import answers, reporters
from leads.models import Lead, Matter
from tests.factories import citizens
from tests.factories import leads as made
from tests.factories.citizens import NAME, PHONE
from tests.leads import other_ways_in
from tests.leads.calls import Api, body
from tests.leads.other_ways_in import OTHER_PHONE
from tests.test_roles_and_endpoints import ENTRIES

pytestmark = pytest.mark.django_db
TOLD = {"name": NAME, "phone": PHONE}
SPACED = f"{PHONE[:3]}-{PHONE[3:7]}-{PHONE[7:]}"
NEEDLES = [
    NAME,
    PHONE,
    SPACED,
    other_ways_in.SPACED,
    OTHER_PHONE,
    json.dumps(NAME).strip('"'),
    NAME.encode().hex(),
    PHONE.encode().hex(),
]
ROLES = [
    "worker-01-1",
    "worker-01-2",
    "commissioner-01",
    "clerk-01",
    "office-01",
    "duty-01",
    "community-01",
    "street-01",
    "police",
    "section-food",
    "section-price",
    "bureau",
    "leader",
    "auditor",
    "admin",
    "keeper",
    "worker-21-1",
    "office-04",
]
SHOWN_OF_EACH = ("", "timeline/")
"""Of the leads that came by other ways: what tells of how they came."""
ADMIN_READERS = ("bureau", "auditor", "admin", "keeper", "clerk-01", "section-food")
"""The clerk and the section open the pages of the leads only, the tip-off's among them: every other list of
theirs is part of the bureau's."""
LIST_READERS = ("bureau", "auditor", "admin", "keeper")
READ = sorted({entry.path.partition("?")[0] for entry in ENTRIES if entry.method == "GET"})
PER_LEAD = sorted({path.partition(".pk}/")[2] for path in READ if path.startswith("leads/{")})
OF_PLACES = re.compile(
    r"(categories|communities|departments|docs|duty-shifts|grids|offices|schema|stations)\b"
)
"""Who and where: nothing that is told of a lead stands in them, but in a grid's tasks."""
LISTS = [path for path in READ if "{" not in path and (not OF_PLACES.match(path) or path.endswith("/tasks/"))]
"""Every other list there is: a new one is in it by having its entry."""


class Everything:
    """What anyone was ever told, by where."""

    def __init__(self) -> None:
        self.told: dict[str, bytes] = {}

    def keep(self, where: str, answer: Any) -> Any:
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        self.told[f"{len(self.told)} {where} {answer.status_code}"] = content + repr(answer.headers).encode()
        return answer

    def giving_away(self) -> list[str]:
        return [where for where, content in self.told.items() if any(n in _plain(content) for n in NEEDLES)]


def _plain(content: bytes) -> str:
    """The text of an answer; of a workbook, that of all its parts."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            return "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    return content.decode("utf-8", "replace")


def malformed() -> Iterator[dict[str, Any]]:
    """Bodies that are wrong, each with the name or the number somewhere in it."""
    yield {"reporter": NAME}
    yield {"reporter": [NAME, PHONE]}
    yield {"reporter": {"name": NAME}}
    yield {"reporter": {"name": NAME * 30, "phone": PHONE}}
    yield {"reporter": {"name": NAME, "phone": NAME}}
    yield {"reporter": {**TOLD, "id": NAME}}
    yield {"reporter": TOLD, "category": NAME}
    yield {"reporter": TOLD, "category": "Z99"}
    yield {"reporter": TOLD, "severity": NAME}
    yield {"reporter": TOLD, "entity": PHONE}
    yield {"reporter": TOLD, "entity": 999_999}
    yield {"reporter": TOLD, "captured_at": NAME}
    yield {"reporter": TOLD, "client_uid": NAME}
    yield {"reporter": TOLD, "evidence": [NAME]}
    yield {"reporter": TOLD, "location": {"lon": NAME, "lat": PHONE, "crs": NAME}}
    yield {"reporter": TOLD, "description": f"{NAME}\x00"}
    yield {"reporter": TOLD, "fixed_on_spot": NAME}


def a_whole_life(world: World, api: Api, everything: Everything) -> Lead:
    """Told, sent again, handled, closed, rated, called; every answer on the way is kept."""
    clerk, commissioner = world.clerk_of(1), world.commissioner(1)

    def post(user: Any, path: str, data: Any = None, version: int | None = None) -> Any:
        return everything.keep(f"POST {path}", api.post(user, path, data, version))

    for wrong in malformed():
        assert post(clerk, "leads/", body(world, category="L02") | wrong).status_code in (400, 422)
    everything.keep("POST broken", api.post(clerk, "leads/", f'{{"reporter": {{"name": "{NAME}"'))
    post(world.user("auditor"), "leads/", body(world, reporter=TOLD))
    said = f"{NAME}（{SPACED}）反映后厨有老鼠"
    sent = body(world, reporter=TOLD, description=said, category="L02")
    lead = post(clerk, "leads/", sent).json()
    assert post(clerk, "leads/", sent).json()["id"] == lead["id"]
    assert post(clerk, "leads/", sent | {"description": f"又是{NAME}"}).status_code == 409
    assert post(clerk, "leads/", sent | {"reporter": TOLD | {"phone": "13900000000"}}).status_code == 409
    path = f"leads/{lead['id']}/"
    made.pass_time(until=Lead.objects.get(pk=lead["id"]).respond_due_at)

    def act(user: Any, name: str, data: Any) -> None:
        version = Lead.objects.get(pk=lead["id"]).version
        assert post(user, f"{path}{name}/", data, version).status_code == 200, name

    act(commissioner, "respond", {"plan": "by_phone"})
    act(commissioner, "feedback", {"disposal": {"kind": "guided", "note": "已当场清理"}})
    act(world.worker(1), "rework", {"reason": "还有积水"})
    act(commissioner, "feedback", {"disposal": {"kind": "guided", "note": "已再次清理"}})
    act(world.worker(1), "verify", {"method": "on_site"})
    closed = Lead.objects.get(pk=lead["id"])
    token = citizens.token_in(citizens.sms(closed))
    call = {"client_uid": str(uuid.uuid4()), "result": "not_reached", "note": f"打{PHONE}找{NAME}，无人接"}
    assert post(clerk, f"{path}answers/", call).status_code == 201
    everything.keep("GET link", api.get(None, f"survey/{token}/"))
    everything.keep("GET page", api.client.get(f"/s/{token}/"))
    post(None, f"survey/{token}/", {"rating": NAME, "comment": PHONE})
    unhappy = {"rating": "unsatisfied", "comment": f"我是{NAME}，电话{SPACED}，没有改"}
    assert post(None, f"survey/{token}/", unhappy).status_code == 200
    everything.keep("POST page", api.client.post(f"/s/{token}/", unhappy))
    made.pass_time(until=closed.answers.get().due_at)
    citizens.lose(closed)
    answers.answer_merged()
    for who in ("clerk-01", "bureau", "admin"):
        post(world.user(who), f"{path}reporter/reveal/", {"reason": f"想联系{NAME}"})
    told = reporters.reveal(lead_id=closed.pk, by=world.user("keeper"), reason=f"联系{NAME}，{PHONE}")
    assert (told.identity.name, told.identity.phone) == (NAME, PHONE)
    everything.told["repr"] = repr((told, told.identity)).encode()
    return closed


def ask_as_everybody(
    world: World, api: Api, lead: Lead, others: list[Lead], everything: Everything, turns: int
) -> None:
    """Everybody asks for all there is of the leads, and for one list in `turns`."""
    one_of_them = [f"leads/{other.pk}/{part}" for other in others for part in SHOWN_OF_EACH]
    one_of_them += [f"matters/{pk}/" for pk in Matter.objects.values_list("pk", flat=True)]
    for turn, who in enumerate(ROLES):
        user = world.user(who)
        for path in one_of_them:
            everything.keep(f"{who} {path}", api.get(user, path))
        for part in PER_LEAD:
            everything.keep(f"{who} {part}", api.get(user, f"leads/{lead.pk}/{part}"))
        for name in LISTS[turn % turns :: turns]:
            everything.keep(f"{who} {name}", api.get(user, name, page_size=200))
        for kind, rows in (("approvals", Approval.objects), ("supervision-orders", lead.orders)):
            for pk in rows.values_list("pk", flat=True):
                everything.keep(f"{who} {kind}", api.get(user, f"{kind}/{pk}/"))
        everything.keep(f"{who} q", api.get(user, "leads/", q=PHONE[3:9]))


def open_every_page(
    world: World, lead: Lead, others: list[Lead], everything: Everything, *, by_turns: bool
) -> None:
    """Every reader opens the pages of the leads; every list is opened by each of its four, or by one."""
    lists = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]
    pages = ["/admin/", "/admin/leads/lead/", "/admin/leads/lead/front/"]
    pages += [f"/admin/leads/lead/{lead.pk}/change/"]
    pages += [f"/admin/leads/answer/{row.pk}/change/" for row in lead.answers.all()]
    pages += [f"/admin/leads/survey/{row.pk}/change/" for row in lead.surveys.all()]
    pages += [f"/admin/leads/supervisionorder/{row.pk}/change/" for row in lead.orders.all()]
    pages += [f"/admin/notices/outboxmessage/{citizens.sms(lead).pk}/change/"]
    pages += [f"/admin/leads/lead/{other.pk}/change/" for other in others]
    pages += [
        f"/admin/leads/matter/{pk}/change/" for pk in Matter.objects.order_by().values_list("pk", flat=True)
    ]
    pages += [f"/admin/offline/operation/{row.pk}/change/" for row in Operation.objects.all()]
    pages += ["/admin/leads/lead/?_export=xlsx"]
    opened = 0
    for who in ADMIN_READERS:
        user = world.user(who)
        type(user).objects.filter(pk=user.pk).update(is_staff=True)
        client = Client()
        client.force_login(user)
        more = []
        if who in LIST_READERS:
            more = lists[LIST_READERS.index(who) :: len(LIST_READERS)] if by_turns else lists
        if who == "bureau":
            more = more + every_export()
        for path in pages + more:
            answer = everything.keep(f"{who} {path}", client.get(path))
            opened += answer.status_code == 200
    assert opened > 80


def every_export() -> list[str]:
    """Every list that is handed out as a workbook; the bureau's rows are everybody's but of tip-offs."""
    found = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") + "?_export=xlsx"
        for model, page in admin.site._registry.items()
        if getattr(page, "export_name", "")
    ]
    assert len(found) > 20
    return found


def rows_giving_away() -> list[str]:
    """Every table that holds the name or the number in any column, binary ones included."""
    like = [f"%{needle}%" for needle in NEEDLES]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
        )
        tables = [row[0] for row in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t::text LIKE ANY(%s)", [like])
            found += [table] * cursor.fetchone()[0]
    assert len(tables) > 40
    return found


@pytest.mark.parametrize("by_turns", [True, pytest.param(False, marks=pytest.mark.long)])
def test_who_told_it_is_found_nowhere(
    by_turns: bool,
    world: World,
    api: Api,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    settings.SUOSHE_WEBHOOK_HOSTS = [other_ways_in.HOST]
    cache.clear()
    everything = Everything()
    lead = a_whole_life(world, api, everything)
    others = other_ways_in.all_of_them(world, api, everything.keep)
    ask_as_everybody(world, api, lead, others, everything, turns=3 if by_turns else 1)
    open_every_page(world, lead, others, everything, by_turns=by_turns)
    cache.clear()

    assert everything.giving_away() == []
    assert rows_giving_away() == []
    written = caplog.text + "".join(capfd.readouterr())
    assert [needle for needle in NEEDLES if needle in written] == []
    told = [templates.render(row.template, row.params) for row in OutboxMessage.objects.all()]
    handed_back = [webhooks.render(row) for row in WebhookDelivery.objects.select_related("endpoint")]
    texts = f"{told} {handed_back}"
    assert {row["event"] for row in handed_back if "event" in row} >= {"lead.reported", "lead.closed"}
    assert "已告知诉求人" in texts, "the platform that handed it in hears what was done"
    assert [needle for needle in NEEDLES if needle in texts] == []
    assert len(everything.told) > 400


def test_the_search_would_find_it(world: World, api: Api) -> None:
    """The needles are sharp: what is written where it must not be is found."""
    everything = Everything()
    lead = made.reported(world, description=f"{NAME}反映")
    everything.keep("lead", api.get(world.worker(1), f"leads/{lead.pk}/"))
    assert len(everything.giving_away()) == 1
    assert "leads_lead" in rows_giving_away()
    keeper = api.post(
        world.user("keeper"), f"leads/{citizens.reported(world).pk}/reporter/reveal/", {"reason": "回访核实"}
    )
    everything.keep("keeper", keeper)
    assert len(everything.giving_away()) == 2
