"""Every role × every endpoint: who is answered, who is refused, who may not even know (DESIGN.md §7).

The house stands around grid 1; each role comes in the one who serves it and, where there is such a
thing, the colleague elsewhere. A new endpoint without an entry here fails the suite. `make test` asks some
people of each answer, `make long` everybody.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern
from pytest_django import DjangoDbBlocker

from kernel import clock
from kernel.accounts.models import User
from patrols.periods import quarter_of
from stations.models import Dispute
from stations.official import CONDITIONS
from suoshe import api_urls
from tests.factories.accounts import token_for
from tests.factories.house import House, on_its_own
from tests.factories.photos import make_photo, upload
from tests.factories.stations import signature

pytestmark = pytest.mark.xdist_group("house")
CLIENT = Client()
METHODS = ("get", "post", "put", "patch", "delete")
OF_EACH = 2

# --- who -------------------------------------------------------------------------------------------

PEOPLE: dict[str, Callable[[House], User]] = {
    "worker": lambda h: h.world.worker(1),
    "worker_elsewhere": lambda h: h.world.worker(21),
    "commissioner": lambda h: h.world.commissioner(1),
    "commissioner_elsewhere": lambda h: h.world.commissioner(21),
    "clerk": lambda h: h.world.clerk_of(1),
    "clerk_elsewhere": lambda h: h.world.clerk_of(21),
    "head": lambda h: h.world.head_of(1),
    "head_elsewhere": lambda h: h.world.head_of(21),
    "duty": lambda h: h.world.duty_of(1),
    "duty_elsewhere": lambda h: h.world.duty_of(21),
    "community": lambda h: h.world.community_head_of(1),
    "community_elsewhere": lambda h: h.world.community_head_of(21),
    "street": lambda h: h.world.user("street-01"),
    "street_elsewhere": lambda h: h.world.user("street-04"),
    "liaison": lambda h: h.world.user("police"),
    "mediator": lambda h: h.world.user("station-01"),
    "section_food": lambda h: h.world.user("section-food"),
    "section_price": lambda h: h.world.user("section-price"),
    "bureau": lambda h: h.world.user("bureau"),
    "leader": lambda h: h.world.user("leader"),
    "auditor": lambda h: h.world.user("auditor"),
    "admin": lambda h: h.world.user("admin"),
    "keeper": lambda h: h.world.user("keeper"),
    "nobody": lambda h: h.nobody,
    "former": lambda h: h.former,
}
ALL = frozenset(PEOPLE)
SEATLESS = frozenset({"nobody", "former"})
SEATED = ALL - SEATLESS
OFFICE = frozenset({"clerk", "head", "duty"})
ABOVE = frozenset({"bureau", "leader", "auditor"})
NEAR = OFFICE | ABOVE | {"worker", "commissioner", "community", "street"}
"""Whose scope holds grid 1."""
INSIDE = NEAR | {"section_food"}
"""Who sees a food lead of grid 1; everybody else does not know that it exists."""
REPORTERS = SEATED - {"auditor", "admin", "keeper"}
SEES_SHOP = NEAR | {"section_food", "section_price"}
"""Who sees a business of grid 1, and with it its grade."""
KEEPS_SHOP = frozenset({"worker", "commissioner", "clerk", "head", "bureau", "section_price"})
"""The price section backs up the one for registration."""
ENTERS = OFFICE | {"worker", "commissioner"}
READS_REPORT = SEATED - {"liaison", "mediator", "admin", "keeper"}


def some(names: str) -> frozenset[str]:
    found = frozenset(names.split())
    assert found <= ALL, found - ALL
    return found


# --- what ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One call of one endpoint. Whom `expected` does not name gets `rest`; without a token it is 401.

    `shows` asks more of a list: these people, and nobody else, find the row `row` in it.
    """

    name: str
    method: str
    path: str
    expected: dict[int, frozenset[str]]
    rest: int = 404
    body: Callable[[House], dict[str, Any]] = field(default=lambda house: {})
    version: Callable[[House], int] | None = None
    multipart: bool = False
    shows: frozenset[str] | None = None
    row: Callable[[House], Any] | None = None
    open_to_all: bool = False

    def status_for(self, person: str) -> int:
        return next((status for status, people in self.expected.items() if person in people), self.rest)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def get(name: str, path: str, who: frozenset[str] = ALL, **more: Any) -> Entry:
    return Entry(name, "GET", path, {200: who}, **more)


def listed(name: str, path: str, shows: frozenset[str], row: Callable[[House], Any]) -> Entry:
    """A list is for everybody; what stands in it is not."""
    return get(name, f"{path}?page_size=200", shows=shows, row=row)


def act(name: str, lead: str, who: frozenset[str], **body: Any) -> Entry:
    """An act on a food lead of grid 1: done, 403 for who sees it, 404 for who does not."""
    path = f"leads/{{{lead}.pk}}/{name}/"
    return Entry(
        f"lead-{name}",
        "POST",
        path,
        {200: who, 403: INSIDE - who},
        body=lambda house: body,
        version=lambda house: getattr(house, lead).version,
    )


def new_appeal(house: House) -> dict[str, Any]:
    shop = house.praised.entity_id
    return {
        "client_uid": str(uuid.uuid4()), "entity": shop, "assessment": house.praised.pk, "reason": "不认可",
    }  # fmt: skip


def new_repair(house: House) -> dict[str, Any]:
    proof = [{"sha256": "1e" * 32}]
    return {
        "client_uid": str(uuid.uuid4()), "fact": house.penalty.pk, "reason": "已缴清", "evidence": proof,
    }  # fmt: skip


def new_partner(house: House) -> dict[str, Any]:
    return {"client_uid": str(uuid.uuid4()), "entity": house.worthy.pk, "reason": "带头参加社区共治"}


def scheme_step(name: str, expected: dict[int, frozenset[str]], method: str = "POST", **body: Any) -> Entry:
    """A step of the draft: whom it is shown to, and who of them may."""
    return Entry(
        f"credit-scheme-{name or 'version'}",
        method,
        f"credit/schemes/{{draft.pk}}/{name}" + ("/" if name else ""),
        expected,
        body=lambda house: body,
        version=lambda house: house.draft.revision,
    )


def new_shop(house: House) -> dict[str, Any]:
    lon, lat = house.world.point_in(1)
    return {
        "client_uid": str(uuid.uuid4()), "name": "新开的店", "kind": "STALL", "business_types": ["OTHER"],
        "location": {"lon": lon, "lat": lat, "crs": "wgs84"},
    }  # fmt: skip


def shop_step(name: str, method: str, path: str, **body: Any) -> Entry:
    """An act on a business of grid 1: done, 403 for who sees it, 404 for who does not."""
    return Entry(
        name,
        method,
        f"entities/{{entity.pk}}/{path}",
        {200: KEEPS_SHOP, 403: SEES_SHOP - KEEPS_SHOP},
        body=lambda house: body,
        version=lambda house: house.entity.version,
    )


def new_lead(house: House) -> dict[str, Any]:
    lon, lat = house.world.point_in(1)
    place = {"lon": lon, "lat": lat, "crs": "wgs84"}
    return {
        "client_uid": str(uuid.uuid4()),
        "category": "F03",
        "description": "后厨有老鼠",
        "location": place,
    }


def new_visit() -> dict[str, Any]:
    return {"client_uid": str(uuid.uuid4()), "result": "ok"}


def new_matter(house: House) -> dict[str, Any]:
    lead = new_lead(house)
    return {
        "client_uid": lead["client_uid"],
        "tip_off": {"description": lead["description"], "category": "F03"},
        "location": lead["location"],
    }


def new_whistle(house: House) -> dict[str, Any]:
    return {"grid": house.world.grid(1).code, "departments": ["fire"], "reason": "消防通道被占"}


def whistle_step(name: str, who: dict[int, frozenset[str]], **body: Any) -> Entry:
    """An act on the house's whistle: 403 for who sees it and has no part in it, 404 for who does not."""
    named = frozenset().union(*who.values())
    return Entry(
        f"whistle-{name}",
        "POST",
        f"whistles/{{whistle.pk}}/{name}/",
        {**who, 403: SEES_WHISTLE - named},
        body=lambda house: body,
        version=lambda house: house.whistle.version,
    )


def new_photo(house: House) -> dict[str, Any]:
    return upload(make_photo(colour="#3080c0"))


def register_file(house: House) -> dict[str, Any]:
    return {"file": SimpleUploadedFile("register.csv", "名称\n新开的店\n".encode())}


def new_leave(house: House) -> dict[str, Any]:
    return {"starts_at": "2031-01-01T00:00:00+08:00", "ends_at": "2031-01-02T00:00:00+08:00"}


def new_shift(house: House) -> dict[str, Any]:
    office = house.world.office_of(1).code
    return {"office": office, "day": "2031-01-01", "role": "DUTY_OFFICER", "person": "duty-01"}


def new_task(house: House) -> dict[str, Any]:
    due_at = (clock.now() + timedelta(days=1)).isoformat()
    owner = house.world.worker(1).username
    return {"client_uid": str(uuid.uuid4()), "title": "核对新店", "owner": owner, "due_at": due_at}


LIAISON = some("liaison")
KNOWS_TIP_OFF = OFFICE | {"commissioner", "section_food"}
"""Its office, its owner, and the one section named in it: nobody else, however high."""
SEES_COMPLAINT = OFFICE | ABOVE
TAKES_MATTERS = OFFICE | some(
    "clerk_elsewhere head_elsewhere duty_elsewhere bureau section_food section_price"
)
CALLERS = some("worker community")
"""The side that blew the house's whistle."""
WHISTLERS = OFFICE | CALLERS | {"commissioner"}
SEES_WHISTLE = INSIDE | LIAISON


def decide(name: str) -> Entry:
    """A decision on what grid 1's commissioner asked of his office's head."""
    return Entry(
        f"approval-{name}",
        "POST",
        f"approvals/{{asked.pk}}/{name}/",
        {200: some("head"), 403: INSIDE - some("head")},
        body=lambda house: {"note": "已阅"},
        version=lambda house: house.asked.version,
    )


def in_two_days() -> str:
    return (clock.now() + timedelta(days=2)).isoformat()


GUIDES = some("worker commissioner clerk head duty section_food section_price bureau")
CALLS_ON = OFFICE | some("worker commissioner")
"""Who may call on a shop of grid 1 outside the plan."""
LEAD, PHOTO = "leads/{late.pk}/", "evidence/{evidence.pk}/"
CONCERNED = OFFICE | some("commissioner worker community")
"""Who could own or sign a lead of grid 1."""
MERGES = OFFICE | some("commissioner bureau")
MEDIATES = some("mediator community")
"""Who handles what lies with the station of grid 1's community, up to COMMUNITY."""
SEES_DISPUTE = OFFICE | ABOVE | MEDIATES | {"street"}
SEES_OFFICIAL = SEES_DISPUTE | {"commissioner"}
HANDLES_OFFICIAL = OFFICE | {"commissioner"}
TAKES_DISPUTES = OFFICE | MEDIATES
OF_THE_CIRCLE = OFFICE | {"community"}
ASKS_CONSUMERS = OFFICE | some("community street bureau")


def taken_dispute(house: House) -> dict[str, Any]:
    return {
        "client_uid": str(uuid.uuid4()), "entity": house.entity.pk, "goods": "羊绒大衣",
        "goods_kind": "CLOTHING", "claims": ["REFUND"], "amount": "399.00",
        "consumer": {"name": "李四", "phone": "13800001111"},
    }  # fmt: skip


def new_terms(house: House) -> dict[str, Any]:
    last = clock.today() + timedelta(days=3)
    return {"terms": "店家退还货款，消费者退回大衣。", "amount": "399.00", "perform_by": last.isoformat()}


def new_agreement(house: House) -> dict[str, Any]:
    drawn = "data:image/png;base64," + base64.b64encode(signature()).decode()
    signed = {"consumer": drawn, "shop": drawn}
    return {**new_terms(house), "client_uid": str(uuid.uuid4()), "signatures": signed}


def new_session(house: House) -> dict[str, Any]:
    starts_at = clock.now() + timedelta(days=1)
    ends_at = starts_at + timedelta(hours=1)
    return {
        "client_uid": str(uuid.uuid4()), "mediator": house.world.user("station-01").pk,
        "starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat(),
    }  # fmt: skip


def dispute_act(
    name: str, held: str = "dispute", who: frozenset[str] = MEDIATES, sees: frozenset[str] = SEES_DISPUTE,
    /, status: int = 200, **body: Any,
) -> Entry:  # fmt: skip
    """An act on a dispute of grid 1: done, 403 for who sees it, 404 for who does not."""
    given = body.pop("given", None)
    return Entry(
        f"dispute-{name.replace('/', '-')}",
        "POST",
        f"disputes/{{{held}.pk}}/{name}/",
        {status: who, 403: sees - who},
        body=given or (lambda house: body),
        version=lambda house: getattr(house, held).version,
    )


def session_act(name: str, **body: Any) -> Entry:
    return Entry(
        f"mediation-session-{name}",
        "POST",
        f"mediation-sessions/{{sat.id}}/{name}/",
        {200: MEDIATES, 403: SEES_DISPUTE - MEDIATES},
        body=lambda house: body,
        version=lambda house: Dispute.objects.get(pk=house.sat.dispute_id).version,
    )


KEEPS_ROTA = some("clerk head bureau")
SEES_DESK = ABOVE | some("worker section_food")
SEES_ROTA = NEAR | {"admin"}
SWAPS = KEEPS_ROTA | {"duty"}
SEES_LEAVE = OFFICE | ABOVE | some("community street admin")
CALLS = OFFICE | some("worker commissioner community bureau keeper")
ASKS = some("head duty community street section_food bureau keeper")
"""Who may ask a citizen by telephone: the clerk took this report."""
GRANTS = some("head community bureau")
TASK = "grids/370983001-L01/tasks/{task.pk}/"
GIVES_TASKS = OFFICE | some("commissioner community street bureau")

ENTRIES = [
    # open
    get("schema", "schema/", open_to_all=True),
    get("api-docs", "docs/", open_to_all=True),
    Entry("auth-login", "POST", "auth/login/", {}, rest=400, open_to_all=True),
    # one's own
    get("me", "me/"),
    Entry("sync", "POST", "sync/", {200: ALL}, body=lambda house: {"operations": []}),
    Entry("auth-logout", "POST", "auth/logout/", {204: ALL}),
    get("auth-devices", "auth/devices/"),
    Entry("auth-device", "DELETE", "auth/devices/{device.pk}/", {204: some("worker")}),
    Entry("auth-password", "POST", "auth/password/", {400: ALL}),
    listed("notices", "notices/", some("commissioner"), lambda h: h.notice.pk),
    Entry("notice-read", "POST", "notices/{notice.pk}/read/", {200: some("commissioner")}),
    # evidence
    Entry("evidence", "POST", "evidence/", {201: REPORTERS}, 403, new_photo, multipart=True),
    get("evidence-original", PHOTO + "original/", INSIDE),
    get("evidence-thumbnail", PHOTO + "thumbnail/", INSIDE),
    get("evidence-watermarked", PHOTO + "watermarked/", INSIDE),
    Entry("evidence-playback", "GET", PHOTO + "playback/", {409: INSIDE}),
    get("evidence-original", "evidence/{own_evidence.pk}/original/", some("commissioner")),
    get("evidence-thumbnail", "evidence/{own_evidence.pk}/thumbnail/", some("commissioner")),
    Entry(
        "evidence-watermarked", "GET", "evidence/{own_evidence.pk}/watermarked/", {409: some("commissioner")}
    ),
    # places: for everybody with a seat
    listed("grids", "grids/", SEATED, lambda h: h.world.grid(1).code),
    get("grid", "grids/370983001-L01/", SEATED),
    get("grids-geojson", "grids.geojson"),
    get("grids-locate", "grids/locate/?lon=116.75&lat=36.16&crs=wgs84", SEATED, rest=403),
    # a grid's group
    Entry(
        "grid-tasks", "GET", "grids/370983001-L01/tasks/?page_size=200", {200: SEATED},
        shows=NEAR, row=lambda h: h.task.pk,
    ),
    Entry("grid-tasks", "POST", "grids/370983001-L01/tasks/", {201: GIVES_TASKS | {"worker"}, 404: SEATLESS},
          403, new_task),
    get("grid-task", TASK, NEAR),
    Entry(
        "grid-task", "PATCH", TASK, {200: GIVES_TASKS, 403: NEAR - GIVES_TASKS},
        body=lambda h: {"title": "复核新店"}, version=lambda h: h.task.version,
    ),
    Entry(
        "grid-task-done", "POST", TASK + "done/",
        {200: GIVES_TASKS | {"worker"}, 403: some("leader auditor")}, version=lambda h: h.task.version,
    ),
    Entry(
        "grid-task-cancel", "POST", TASK + "cancel/", {200: GIVES_TASKS, 403: NEAR - GIVES_TASKS},
        body=lambda h: {"reason": "重复"}, version=lambda h: h.task.version,
    ),
    get("grid-responsibilities", "grids/370983001-L01/responsibilities/?category=F03", SEATED),
    get("grid-work-group", "grids/370983001-L01/work-group/", NEAR | {"admin"}),
    Entry(
        "grid-work-group", "PATCH", "grids/370983001-L01/work-group/",
        {200: some("bureau admin"), 403: NEAR - {"bureau"}},
        body=lambda h: {"name": "一网格群"}, version=lambda h: 1,
    ),
    listed("communities", "communities/", SEATED, lambda h: h.world.communities[0].code),
    listed("offices", "offices/", SEATED, lambda h: h.world.offices[0].code),
    listed("departments", "departments/", SEATED, lambda h: "police"),
    listed("stations", "stations/", SEATED, lambda h: "ST-01"),
    listed("categories", "categories/", ALL, lambda h: "F03"),
    # the register
    listed("entities", "entities/", NEAR | some("section_food section_price"), lambda h: h.entity.pk),
    get("entity", "entities/{entity.pk}/", NEAR | some("section_food section_price")),
    Entry("entities", "POST", "entities/", {201: KEEPS_SHOP}, 403, new_shop),
    shop_step("entity", "PATCH", "", address="龙山路1号"),
    shop_step("entity-licences", "POST", "licences/", licences=[{"type": "BUSINESS", "number": "1"}]),
    shop_step("entity-equipment", "POST", "equipment/", equipment=[{"kind": "SCALE", "number": "1"}]),
    shop_step("entity-reveal", "POST", "reveal/", field="operator_name", reason="联系整改"),
    get("entity-history", "entities/{entity.pk}/history/", SEES_SHOP),
    get("entity-contacts", "entities/{entity.pk}/contacts/", SEES_SHOP),
    listed("key-changes", "entities/key-changes/", SEES_SHOP, lambda h: h.key_change.pk),
    Entry(
        "key-change-withdraw", "POST", "entities/key-changes/{key_change.pk}/withdraw/",
        {200: some("worker"), 403: SEES_SHOP - some("worker")},
    ),
    listed("duplicates", "entities/duplicates/", SEES_SHOP, lambda h: h.alike.pk),
    Entry(
        "duplicate-judge", "POST", "entities/duplicates/{alike.pk}/judge/",
        {200: some("clerk head bureau"), 403: SEES_SHOP - some("clerk head bureau")},
        body=lambda house: {"verdict": "same"},
    ),
    # files into the register, and out of it
    Entry(
        "entities-import", "POST", "entities/import/",
        {200: some("clerk head clerk_elsewhere head_elsewhere bureau section_price")}, 403, register_file,
        multipart=True,
    ),
    listed("entities-imports", "entities/imports/", ABOVE | {"clerk"}, lambda h: h.imported.pk),
    get("entities-imported", "entities/imports/{imported.pk}/", ABOVE | {"clerk"}),
    get("entities-import-errors", "entities/imports/{imported.pk}/errors.xlsx", ABOVE | {"clerk"}),
    get("entities-template", "entities/import-template.xlsx"),
    get("entities-export", "entities/export.xlsx"),
    # guidance and leniency
    get("entity-guidance", "entities/{entity.pk}/guidance/", NEAR | some("section_food section_price")),
    Entry(
        "entity-guidance",
        "POST",
        "entities/{entity.pk}/guidance/",
        {201: GUIDES, 403: NEAR - GUIDES},
        body=lambda house: {"client_uid": str(uuid.uuid4()), "kind": "remind"},
    ),
    listed("leniency-decisions", "leniency-decisions/", NEAR | {"section_price"}, lambda h: h.lenient.pk),
    get(
        "leniency-counts",
        "leniency-decisions/counts/?since=2026-01-01&until=2026-12-31",
        ABOVE | some("section_food section_price"),
        rest=403,
    ),
    Entry(
        "lead-first-offence",
        "GET",
        LEAD + "first-offence/",
        {200: INSIDE - some("worker community street"), 403: some("worker community street")},
    ),
    Entry(
        "lead-leniency-sign",
        "POST",
        "leads/{fed_back.pk}/leniency/sign/",
        {409: some("commissioner clerk head"), 403: INSIDE - some("commissioner clerk head")},
        body=lambda house: {"card_number": "SD-0001"},
        version=lambda house: house.fed_back.version,
    ),
    get("entity-by-code", "entities/by-code/{entity.code}/", NEAR | some("section_food section_price")),
    # leave and rota
    listed("absences", "absences/", SEES_LEAVE, lambda h: h.absence.pk),
    Entry("absences", "POST", "absences/", {201: ALL}, body=new_leave),
    get("absence", "absences/{absence.pk}/", SEES_LEAVE),
    Entry("absence-end", "POST", "absences/{absence.pk}/end/", {200: GRANTS, 403: SEES_LEAVE - GRANTS}),
    listed("duty-shifts", "duty-shifts/", SEES_ROTA, lambda h: h.shift.pk),
    Entry("duty-shifts", "POST", "duty-shifts/", {201: KEEPS_ROTA, 400: SEATLESS}, 403, new_shift),
    get("duty-shift", "duty-shifts/{shift.pk}/", SEES_ROTA),
    Entry(
        "duty-shift-swap", "POST", "duty-shifts/{shift.pk}/swap/",
        {200: SWAPS, 403: SEES_ROTA - SWAPS}, body=lambda h: {"with": h.next_shift.pk},
    ),
    Entry("facts-import", "POST", "credit/facts/import/", {400: ALL}, multipart=True),
    get("facts-template", "credit/facts/import-template.xlsx"),
    get("facts-imported", "credit/facts/imports/987654321/", frozenset()),
    get("facts-import-errors", "credit/facts/imports/987654321/errors.xlsx", frozenset()),
    Entry("duty-shifts-import", "POST", "duty-shifts/import/", {400: ALL}, multipart=True),
    get("duty-shifts-template", "duty-shifts/template.xlsx"),
    get("duty-shifts-export", "duty-shifts/export.xlsx"),
    # leads
    listed("leads", "leads/", INSIDE, lambda h: h.late.pk),
    listed("leads", "leads/", SEES_DESK, lambda h: h.desk.pk),
    Entry("leads", "POST", "leads/", {201: REPORTERS}, 403, new_lead),
    get("lead", LEAD, INSIDE),
    get("lead", "leads/{desk.pk}/", SEES_DESK),
    get("lead-timeline", LEAD + "timeline/", INSIDE),
    get("lead-explain", LEAD + "explain/", INSIDE),
    act("respond", "dispatched", some("commissioner"), plan="on_my_way"),
    act("confirm-handover", "told", some("worker")),
    act("control", "responded", some("commissioner"), note="已封存"),
    act("feedback", "responded", some("commissioner"), disposal={"kind": "guided", "note": "已提醒"}),
    act("verify", "fed_back", some("worker"), method="on_site"),
    act("rework", "fed_back", some("worker"), reason="没有照片"),
    Entry(
        "lead-dispatch", "POST", "leads/{dispatched.pk}/dispatch/",
        {200: OFFICE | {"bureau"}, 403: INSIDE - OFFICE - {"bureau"}},
        body=lambda h: {"assignee": h.world.clerk_of(1).pk, "reason": "专员外出"},
        version=lambda h: h.dispatched.version,
    ),
    # answers to citizens
    get("lead-answers", "leads/{heard.pk}/answers/", INSIDE),
    Entry(
        "lead-answers", "POST", "leads/{heard.pk}/answers/", {201: CALLS, 403: INSIDE - CALLS},
        body=lambda h: {"client_uid": str(uuid.uuid4()), "result": "reached"},
    ),
    get("lead-survey", "leads/{heard.pk}/survey/", INSIDE),
    Entry(
        "lead-survey", "POST", "leads/{heard.pk}/survey/", {200: ASKS, 403: INSIDE - ASKS},
        body=lambda h: {"rating": "satisfied"},
    ),
    get("survey", "survey/{token}/", open_to_all=True),
    Entry(
        "survey", "POST", "survey/{token}/", {200: ALL},
        body=lambda h: {"rating": "satisfied"}, open_to_all=True,
    ),
    Entry(
        "lead-reporter-reveal", "POST", "leads/{heard.pk}/reporter/reveal/",
        {200: some("keeper"), 403: INSIDE}, body=lambda h: {"reason": "回访核实"},
    ),
    Entry(
        "reporter-reveal", "POST", "reporters/reveal/", {200: some("keeper")}, rest=403,
        body=lambda h: {"reason": "回访核实", "number": h.heard.number},
    ),
    # matters of other platforms and of the desk; tip-offs
    Entry("intake", "POST", "intake/12345/", {}, rest=401, body=new_matter, open_to_all=True),
    listed("matters", "matters/", NEAR | {"section_food"}, lambda h: h.matter.pk),
    Entry("matters", "POST", "matters/", {201: TAKES_MATTERS}, 403, new_matter),
    get("matter", "matters/{matter.pk}/", NEAR | {"section_food"}),
    listed("complaints", "complaints/", SEES_COMPLAINT, lambda h: h.matter.complaint.pk),
    get("lead", "leads/{tip_off.pk}/", KNOWS_TIP_OFF),
    get("lead-timeline", "leads/{tip_off.pk}/timeline/", KNOWS_TIP_OFF),
    listed("leads", "leads/", KNOWS_TIP_OFF, lambda h: h.tip_off.pk),
    Entry(
        "lead-tip-off-extend", "POST", "leads/{tip_off.pk}/tip-off/extend/",
        {200: some("head"), 403: KNOWS_TIP_OFF - some("head")},
        body=lambda h: {"reason": "等待检验结果"}, version=lambda h: h.tip_off.version,
    ),
    # side roads that need no approval, and after closing
    act("settle", "on_spot", some("commissioner"), disposal={"kind": "guided", "note": "当场改好"}),
    Entry(
        "lead-interim-feedback", "POST", "leads/{controlled.pk}/interim-feedback/",
        {200: some("commissioner"), 403: INSIDE - some("commissioner")},
        body=lambda h: {"done": "已封存", "remaining": "待检验", "final_due_at": in_two_days()},
        version=lambda h: h.controlled.version,
    ),
    act("recuse", "dispatched", CONCERNED, reason="店主是我亲属"),
    Entry(
        "lead-merge", "POST", "leads/{told.pk}/merge/",
        {200: MERGES, 403: INSIDE - MERGES},
        body=lambda h: {"into": h.dispatched.pk}, version=lambda h: h.told.version,
    ),
    act("unmerge", "merged", MERGES, reason="不是一回事"),
    Entry(
        "lead-case-number", "POST", "leads/{closed.pk}/case-number/",
        {409: MERGES, 403: INSIDE - MERGES},  # no penalty was filed; tests/leads/test_case_numbers.py
        body=lambda h: {"case_number": "〔2026〕12号"}, version=lambda h: h.closed.version,
    ),
    act("receipt", "referred", MERGES, number="公受1号"),
    act("reply", "received", MERGES, reply="已立案"),
    act("correction", "ordered", some("worker commissioner"), note="已改好"),
    act("recheck", "ordered", some("commissioner"), passed=True, note="已改好"),
    Entry(
        "lead-recheck-countersign", "POST", "leads/{rechecked.pk}/recheck/countersign/",
        {200: some("worker"), 403: INSIDE - some("worker")}, version=lambda h: h.rechecked.version,
    ),
    act("reopen", "closed", some("head"), reason="又有问题"),
    listed("look-backs", "look-backs/", INSIDE, lambda h: h.look_back.pk),
    get("look-back", "look-backs/{look_back.pk}/", INSIDE),
    Entry(
        "look-back-complete", "POST", "look-backs/{look_back.pk}/complete/",
        {200: some("worker commissioner"), 403: INSIDE - some("worker commissioner")},
        body=lambda h: {"result": "failed", "note": "又有老鼠"}, version=lambda h: h.look_back.version,
    ),
    # side roads that somebody approves
    Entry(
        "lead-suspend", "POST", "leads/{responded.pk}/suspend/",
        {200: some("commissioner"), 403: INSIDE - some("commissioner")},
        body=lambda h: {"reason": "test_result", "until": in_two_days()},
        version=lambda h: h.responded.version,
    ),
    act("resume", "suspended", some("commissioner")),
    Entry(
        "lead-extend", "POST", "leads/{responded.pk}/extend/",
        {200: some("commissioner"), 403: INSIDE - some("commissioner")},
        body=lambda h: {"until": in_two_days(), "reason": "等待检验"},
        version=lambda h: h.responded.version,
    ),
    act("reject", "dispatched", some("commissioner"), reason="no_such_place", note="查无此店"),
    act("reclassify", "responded", OFFICE | some("commissioner bureau"), category="F02", reason="现场核实"),
    listed("approvals", "approvals/", INSIDE, lambda h: h.asked.pk),
    get("approval", "approvals/{asked.pk}/", INSIDE),
    decide("approve"),
    decide("refuse"),
    # supervision
    Entry(
        "supervision-orders-acknowledge", "POST", "supervision-orders/acknowledge/", {200: ALL},
        body=lambda h: {"orders": [{"id": h.order.pk, "version": 1, "instruction": "go_myself"}]},
    ),
    listed("supervision-orders", "supervision-orders/", INSIDE, lambda h: h.order.pk),
    get("supervision-order", "supervision-orders/{order.pk}/", INSIDE),
    Entry(
        "supervision-order-acknowledge", "POST", "supervision-orders/{order.pk}/acknowledge/",
        {200: some("head community"), 403: INSIDE - some("head community")},
        body=lambda h: {"instruction": "finish_today"}, version=lambda h: h.order.version,
    ),
    # whistles
    get("lead", "leads/{whistled.pk}/", SEES_WHISTLE),
    listed("whistles", "whistles/", SEES_WHISTLE, lambda h: h.whistle.pk),
    Entry("whistles", "POST", "whistles/", {201: WHISTLERS}, 403, new_whistle),
    get("whistle", "whistles/{whistle.pk}/", SEES_WHISTLE),
    whistle_step("call", {200: CALLERS}, departments=["citymgmt"]),
    whistle_step("answer", {200: LIAISON, 400: CALLERS}, answer="received"),
    whistle_step("check-in", {200: LIAISON, 400: CALLERS}),
    whistle_step("report", {409: LIAISON, 400: CALLERS}, note="已处置"),
    whistle_step("close", {200: CALLERS}, note="不再需要"),
    # the plan of patrols
    listed("patrol-tasks", "patrols/tasks/", NEAR, lambda h: h.patrol.pk),
    get("patrol-task", "patrols/tasks/{patrol.pk}/", NEAR),
    get("patrol-reviews", "patrols/reviews/"),
    Entry(
        "patrol-reviews-confirm", "POST", "patrols/reviews/confirm/",
        {200: some("commissioner head"), 403: NEAR - some("commissioner head")},
        body=lambda h: {
            "quarter": quarter_of(clock.today()).first.isoformat(), "grid": h.world.grid(1).code,
        },
    ),
    get("patrol-completion", "patrols/completion/"),
    get("patrol-frequency", "patrols/frequency/"),
    get("patrol-plans", "patrols/plans/", ABOVE, rest=403),
    Entry("patrol-plan-consent", "POST", "patrols/plans/0/consent/", {404: some("bureau")}, rest=403),
    # doing patrols
    Entry(
        "patrol-task-complete", "POST", "patrols/tasks/{patrol.pk}/complete/",
        {200: some("worker"), 403: NEAR - some("worker")}, body=lambda h: new_visit(),
        version=lambda h: h.patrol.version,
    ),
    Entry(
        "patrol-stretches", "POST", "patrols/tasks/complete-batch/",
        {201: some("worker"), 403: NEAR - some("worker")},
        body=lambda h: {"client_uid": str(uuid.uuid4()), "tasks": [{"id": h.patrol.pk, "version": 1}]},
    ),
    listed("patrol-visits", "patrols/visits/", NEAR, lambda h: h.called_on.pk),
    Entry(
        "patrol-visits", "POST", "patrols/visits/",
        {201: CALLS_ON, 403: (NEAR | some("section_food section_price")) - CALLS_ON},
        body=lambda h: {**new_visit(), "entity": h.entity.pk, "reason": "店主咨询"},
    ),
    get("patrol-before", "patrols/before/?entity={entity.pk}", NEAR | some("section_food section_price")),
    listed("patrol-cards", "patrols/cards/", OFFICE | ABOVE | {"commissioner"}, lambda h: h.card.pk),
    Entry(
        "patrol-cards", "POST", "patrols/cards/", {201: some("head bureau")}, rest=403,
        body=lambda h: {
            "officer": h.world.clerk_of(1).pk, "number": "SD-0002", "expires_on": "2031-12-31"
        },
    ),
    # credit
    get("credit-scheme", "credit/scheme/", READS_REPORT),
    get("entity-credit", "entities/{entity.pk}/credit/", SEES_SHOP),
    listed("credit-assessments", "credit/assessments/", SEES_SHOP, lambda h: h.praised.pk),
    listed("credit-facts", "credit/facts/", SEES_SHOP, lambda h: h.penalty.pk),
    Entry(  # and section CREDIT, which is none of these
        "credit-fact-withdraw", "POST", "credit/facts/{penalty.pk}/withdraw/",
        {200: some("bureau"), 403: SEES_SHOP - some("bureau")}, body=lambda h: {"reason": "录错主体"},
    ),
    listed("credit-appeals", "credit/appeals/", SEES_SHOP, lambda h: h.appeal.pk),
    Entry(
        "credit-appeals", "POST", "credit/appeals/", {201: ENTERS, 403: SEES_SHOP - ENTERS}, body=new_appeal
    ),
    get("credit-appeal", "credit/appeals/{appeal.pk}/", SEES_SHOP),
    Entry(  # decided by section CREDIT, which is none of these
        "credit-appeal-decide", "POST", "credit/appeals/{appeal.pk}/decide/", {403: SEES_SHOP},
        body=lambda h: {"upheld": False, "note": "核实无误"}, version=lambda h: h.appeal.version,
    ),
    Entry(
        "credit-appeal-withdraw", "POST", "credit/appeals/{appeal.pk}/withdraw/",
        {200: some("worker"), 403: SEES_SHOP - some("worker")}, version=lambda h: h.appeal.version,
    ),
    listed("credit-repairs", "credit/repairs/", SEES_SHOP, lambda h: h.repair.pk),
    Entry(
        "credit-repairs", "POST", "credit/repairs/", {201: ENTERS, 403: SEES_SHOP - ENTERS}, body=new_repair
    ),
    get("credit-repair", "credit/repairs/{repair.pk}/", SEES_SHOP),
    Entry(
        "credit-repair-decide", "POST", "credit/repairs/{repair.pk}/decide/", {403: SEES_SHOP},
        body=lambda h: {"upheld": False, "note": "未缴清"}, version=lambda h: h.repair.version,
    ),
    listed("red-partners", "credit/red-partners/", SEES_SHOP, lambda h: h.partner.pk),
    Entry(
        "red-partners", "POST", "credit/red-partners/",
        {201: some("community"), 403: SEES_SHOP - some("community")}, body=new_partner,
    ),
    get("red-partner", "credit/red-partners/{partner.pk}/", SEES_SHOP),
    Entry(
        "red-partner-revoke", "POST", "credit/red-partners/{partner.pk}/revoke/",
        {200: some("head bureau leader"), 403: SEES_SHOP - some("head bureau leader")},
        body=lambda h: {"reason": "弄虚作假"}, version=lambda h: h.partner.version,
    ),
    Entry(
        "red-partner-withdraw", "POST", "credit/red-partners/{partner.pk}/withdraw/",
        {403: SEES_SHOP - some("community"), 409: some("community")},
        body=lambda h: {"reason": "提名有误"}, version=lambda h: h.partner.version,
    ),
    listed("credit-schemes", "credit/schemes/", ABOVE, lambda h: h.draft.pk),
    Entry(
        "credit-schemes", "POST", "credit/schemes/", {201: some("bureau")}, 403,
        body=lambda h: {"title": h.draft.title},
    ),
    get("credit-scheme-version", "credit/schemes/{draft.pk}/", ABOVE),
    scheme_step("", {200: some("bureau"), 403: some("leader auditor")}, "PATCH", title="新名称"),
    scheme_step("trial", {200: some("bureau leader"), 403: some("auditor")}),
    get("credit-scheme-trial-xlsx", "credit/schemes/{draft.pk}/trial.xlsx", ABOVE),
    scheme_step("put-in-force", {200: some("leader"), 403: some("bureau auditor")}),
    scheme_step("drop", {200: some("bureau leader"), 403: some("auditor")}, reason="不再需要"),
    # stations and their circles
    get("station", "stations/ST-01/", SEATED),
    Entry(
        "station-today", "GET", "stations/ST-01/today/",
        {200: TAKES_DISPUTES | ABOVE, 403: SEATED - TAKES_DISPUTES - ABOVE},
    ),
    Entry(
        "station-shops", "GET", "stations/ST-18/shops/?page_size=200",
        {200: OF_THE_CIRCLE | ABOVE, 403: SEATED - OF_THE_CIRCLE - ABOVE},
        shows=OF_THE_CIRCLE | ABOVE, row=lambda h: h.circle_shop.pk,
    ),
    Entry(
        "station-shops", "POST", "stations/ST-18/shops/",
        {201: OF_THE_CIRCLE, 403: SEATED - OF_THE_CIRCLE}, body=lambda h: {"entity": h.worthy.pk},
    ),
    Entry(
        "station-shop-leave", "POST", "stations/ST-18/shops/{circle_shop.pk}/leave/",
        {200: OF_THE_CIRCLE, 403: SEATED - OF_THE_CIRCLE},
        body=lambda h: {"until": (clock.today() + timedelta(days=1)).isoformat()},
    ),
    # disputes
    Entry(
        "station-disputes", "GET", "stations/ST-01/disputes/?page_size=200", {200: SEATED},
        shows=SEES_DISPUTE, row=lambda h: h.dispute.pk,
    ),
    Entry(
        "station-disputes", "POST", "stations/ST-01/disputes/",
        {201: TAKES_DISPUTES, 403: SEATED - TAKES_DISPUTES}, body=taken_dispute,
    ),
    listed("disputes", "disputes/", SEES_DISPUTE, lambda h: h.dispute.pk),
    listed("disputes", "disputes/", SEES_OFFICIAL, lambda h: h.filed.pk),
    get("dispute", "disputes/{dispute.pk}/", SEES_DISPUTE),
    get("dispute", "disputes/{filed.pk}/", SEES_OFFICIAL),
    Entry(
        "dispute", "PATCH", "disputes/{dispute.pk}/", {200: MEDIATES, 403: SEES_DISPUTE - MEDIATES},
        body=lambda h: {"amount": "299.00"}, version=lambda h: h.dispute.version,
    ),
    get("dispute-timeline", "disputes/{dispute.pk}/timeline/", SEES_DISPUTE),
    Entry(
        "dispute-consumer-reveal", "POST", "disputes/{dispute.pk}/consumer/reveal/",
        {200: MEDIATES, 403: SEES_DISPUTE - MEDIATES}, body=lambda h: {"reason": "约定调解时间"},
    ),
    dispute_act("settle"),
    dispute_act("escalate", note="消费者请求转交"),
    dispute_act("fail", reason="NO_AGREEMENT"),
    dispute_act("withdraw", reason="SOLVED"),
    dispute_act("to-official", way="TELEPHONE"),
    dispute_act("accept", "filed", OFFICE, SEES_OFFICIAL, conditions=list(CONDITIONS)),
    dispute_act("refuse", "filed", OFFICE, SEES_OFFICIAL, ground="THREE_YEARS"),
    dispute_act(
        "testing", "accepted", HANDLES_OFFICIAL, SEES_OFFICIAL, kind="DETECTION", institution="检测中心"
    ),
    dispute_act("testing/end", "tested", OFFICE, result="合格"),
    dispute_act("agree", given=new_agreement),
    dispute_act("perform", "agreed", performed=True, note="已退款"),
    Entry(
        "dispute-agreement-preview", "POST", "disputes/{dispute.pk}/agreement/preview/",
        {200: MEDIATES, 403: SEES_DISPUTE - MEDIATES}, body=new_terms,
    ),
    Entry(
        "dispute-agreement-pdf", "GET", "disputes/{agreed.pk}/agreement.pdf",
        {200: TAKES_DISPUTES, 403: SEES_DISPUTE - TAKES_DISPUTES},
    ),
    Entry(
        "dispute-agreement-docx", "GET", "disputes/{agreed.pk}/agreement.docx",
        {200: TAKES_DISPUTES, 403: SEES_DISPUTE - TAKES_DISPUTES},
    ),
    Entry(
        "dispute-sessions", "GET", "disputes/{sat.dispute_id}/sessions/", {200: SEES_DISPUTE},
        shows=SEES_DISPUTE, row=lambda h: h.sat.pk,
    ),
    dispute_act("sessions", status=201, given=new_session),
    Entry(
        "dispute-lead", "POST", "disputes/{dispute.pk}/lead/",
        {201: TAKES_DISPUTES, 403: SEES_DISPUTE - TAKES_DISPUTES},
        body=lambda h: {"client_uid": str(uuid.uuid4()), "category": "F03", "description": "后厨有老鼠"},
    ),
    get("dispute-survey", "disputes/{ended.pk}/survey/", SEES_DISPUTE),
    Entry(
        "dispute-survey", "POST", "disputes/{ended.pk}/survey/",
        {200: ASKS_CONSUMERS, 403: SEES_DISPUTE - ASKS_CONSUMERS},
        body=lambda h: {"rating": "satisfied"},
    ),
    get("dispute-figures", "disputes/figures/?station=ST-01", SEATED, rest=400),
    get("disputes-hot", "disputes/hot/"),
    session_act("hold", consumer_came=True, shop_came=True, minutes="双方同意退货"),
    session_act("cancel", why="店主改期"),
    Entry(
        "complaint-to-station", "POST", "complaints/{matter.complaint.pk}/to-station/",
        {200: OFFICE, 403: ABOVE}, body=lambda h: {"station": "ST-01"},
    ),
    # reports
    get("report-sla", "reports/sla/", READS_REPORT, rest=403),
    get("report-sla-xlsx", "reports/sla.xlsx", READS_REPORT, rest=403),
]  # fmt: skip


# --- the walk --------------------------------------------------------------------------------------


@pytest.fixture
def house(standing_house: House, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    with on_its_own(django_db_blocker):
        yield standing_house


@pytest.fixture(scope="module")
def tokens(standing_house: House, django_db_blocker: DjangoDbBlocker) -> dict[str, str]:
    with django_db_blocker.unblock():
        return {name: token_for(person(standing_house), "矩阵") for name, person in PEOPLE.items()}


def call(entry: Entry, house: House, token: str | None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if entry.version is not None:
        headers["If-Match"] = f'"v{entry.version(house)}"'
    path = "/api/v1/" + entry.path.format(**vars(house))
    if entry.method == "GET":
        answer = CLIENT.get(path, headers=headers)
    else:
        how = {} if entry.multipart else {"content_type": "application/json"}
        answer = getattr(CLIENT, entry.method.lower())(path, entry.body(house), headers=headers, **how)
    if answer.streaming:
        b"".join(answer.streaming_content)  # read to the end: it closes its file
    return answer


def rows_of(answer: Any) -> set[Any]:
    return {row.get("id", row.get("code")) for row in answer.json()["results"]}


def some_of_each() -> list[list[str]]:
    """For each entry two people of every answer it gives: those who were given that one least often."""
    asked: Counter[tuple[str, int]] = Counter()
    chosen = []
    for entry in ENTRIES:
        by_answer: dict[tuple[int, bool], list[str]] = {}
        for person in PEOPLE:
            answer = entry.status_for(person), entry.shows is not None and person in entry.shows
            by_answer.setdefault(answer, []).append(person)
        some = []
        for (status, _), people in by_answer.items():
            some += sorted(people, key=lambda person, status=status: asked[person, status])[:OF_EACH]
        asked.update((person, entry.status_for(person)) for person in some)
        chosen.append(some)
    return chosen


def walk(
    entry: Entry, people: Iterable[str], house: House, tokens: dict[str, str], blocker: DjangoDbBlocker
) -> None:
    told: dict[str, int] = {}
    shown: set[str] = set()
    for person in people:
        with on_its_own(blocker):
            answer = call(entry, house, tokens[person])
            told[person] = answer.status_code
            if entry.row is not None and answer.status_code == 200 and entry.row(house) in rows_of(answer):
                shown.add(person)
    expected = {person: entry.status_for(person) for person in told}
    assert {p: s for p, s in told.items() if s != expected[p]} == {}, "were answered otherwise"
    assert entry.shows is None or shown == entry.shows & set(told)


@pytest.mark.parametrize(
    ("entry", "people"), list(zip(ENTRIES, some_of_each(), strict=True)), ids=map(str, ENTRIES)
)
def test_each_role_is_answered_as_it_should_be(
    entry: Entry, people: list[str], house: House, tokens: dict[str, str], django_db_blocker: DjangoDbBlocker
) -> None:
    """Some people of each answer; `test_everybody_is_answered_as_he_should_be` asks all."""
    walk(entry, people, house, tokens, django_db_blocker)
    nameless = call(entry, house, None).status_code
    assert nameless == (entry.status_for("nobody") if entry.open_to_all else 401)


@pytest.mark.long
@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_everybody_is_answered_as_he_should_be(
    entry: Entry, house: House, tokens: dict[str, str], django_db_blocker: DjangoDbBlocker
) -> None:
    walk(entry, PEOPLE, house, tokens, django_db_blocker)


def test_everybody_has_his_turn_at_each_answer() -> None:
    """Who is let in, refused or told nothing anywhere is so in the short walk, more than once."""
    whole: Counter[tuple[str, int]] = Counter()
    short: Counter[tuple[str, int]] = Counter()
    for entry, people in zip(ENTRIES, some_of_each(), strict=True):
        whole.update((person, entry.status_for(person)) for person in PEOPLE)
        short.update((person, entry.status_for(person)) for person in people)
    usual = {answer: count for answer, count in whole.items() if answer[1] in (200, 403, 404)}
    assert {answer for answer, count in usual.items() if short[answer] < min(count, 2)} == set()


def test_every_endpoint_and_method_has_an_entry() -> None:
    served = {
        (pattern.name, method.upper())
        for pattern in api_urls.urlpatterns
        if isinstance(pattern, URLPattern) and pattern.name
        for method in METHODS
        if hasattr(pattern.callback.view_class, method)  # type: ignore[attr-defined]
    }
    assert {(entry.name, entry.method) for entry in ENTRIES} == served


def test_without_a_seat_there_is_nothing_in_any_list(house: House, tokens: dict[str, str]) -> None:
    """Default is nothing: of what others made, who holds no posting sees no row anywhere."""
    for entry in ENTRIES:
        if entry.row is not None and entry.name != "categories":
            for person in ("nobody", "former"):
                answer = call(entry, house, tokens[person])
                assert answer.status_code == entry.status_for(person), entry
                assert answer.status_code != 200 or rows_of(answer) == set(), entry


def test_a_right_ends_with_the_posting(house: House) -> None:
    from grids.models import Posting

    commissioner = house.world.commissioner(1)
    token = token_for(commissioner)
    entry = next(entry for entry in ENTRIES if entry.name == "lead-respond")
    Posting.objects.filter(user=commissioner).update(ends_at=clock.now())
    Posting.objects.filter(backup=commissioner).update(backup=None)
    assert call(entry, house, token).status_code in (403, 404)
    others = next(e for e in ENTRIES if e.path == "leads/{desk.pk}/")
    assert call(others, house, token).status_code == 404


STRANGERS = ("worker", "community", "street", "liaison", "mediator")


def test_an_act_on_a_tip_off_is_answered_like_one_on_nothing(house: House, tokens: dict[str, str]) -> None:
    """举报: to who may not know of it there is no such lead, whatever he tries, in the very same words."""
    act_path = re.compile(r"leads/\{\w+\.pk\}/.+")
    acts = [one for one in ENTRIES if one.method == "POST" and act_path.fullmatch(one.path)]
    assert len(acts) > 25
    for entry in acts:
        for person in STRANGERS:
            answers = []
            for pk in (house.tip_off.pk, 999_999_999):
                path = re.sub(r"^leads/[^/]+/", f"/api/v1/leads/{pk}/", entry.path)
                headers = {"Authorization": f"Bearer {tokens[person]}", "If-Match": '"v1"'}
                sent = entry.body(house)
                answer = CLIENT.post(path, sent, content_type="application/json", headers=headers)
                answers.append((answer.status_code, answer.content))
            assert answers[0] == answers[1], (person, entry)
            assert answers[0][0] == 404, (person, entry, answers[0])
