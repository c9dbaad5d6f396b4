"""Signed intake: who may hand in, what is made of it, and that nothing is taken twice."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from grids.demo import World
from kernel import clock
from kernel.errors import Conflict, Malformed, NotAllowed
from kernel.journal.models import Entry
from leads import platforms, reporters
from leads.models import KeptComplaint, Lead, Matter, Platform, UsedSignature
from tests.factories import platforms as there
from tests.factories.grids import make_entity
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def hotline(world: World) -> tuple[Platform, str]:
    return there.made(world)


def place(world: World) -> dict[str, Any]:
    lon, lat = world.point_in(1)
    return {"lon": lon, "lat": lat, "crs": "wgs84"}


def plain(world: World, **fields: Any) -> dict[str, Any]:
    return {
        "number": there.number(),
        "request": {"description": "后厨有老鼠", "category": "F03"},
        "location": place(world),
        **fields,
    }


def test_a_request_becomes_a_dispatched_lead(world: World, client: Client, hotline: Any) -> None:
    platform, secret = hotline
    sent = plain(world, reporter={"name": "李群众", "phone": "13800001111"})
    answer = there.hand_in(client, platform, secret, sent)
    assert answer.status_code == 201, answer.content
    lead = Lead.objects.get(number=answer.json()["records"][0]["number"])
    assert (lead.source, lead.reported_by_id, lead.assignee) == (
        platform.code,
        platform.user_id,
        world.commissioner(1),
    )
    assert not lead.restricted
    matter = Matter.objects.get(lead=lead)
    assert (matter.external_number, matter.kinds) == (sent["number"], ["request"])
    told = reporters.identity_of(lead)
    assert told is not None
    assert told.phone == "13800001111"
    assert not platform.user.has_usable_password()


def test_a_mixed_matter_is_split_and_nothing_crosses(world: World, client: Client, hotline: Any) -> None:
    platform, secret = hotline
    sent = plain(
        world,
        request={"description": "门口占道", "category": "L01"},
        tip_off={"description": "老板用回收油", "category": "F03"},
        complaint={"description": "李群众要求退款，电话13800001111", "amount": "35.50"},
        reporter={"name": "李群众", "phone": "13800001111"},
    )  # fmt: skip
    answer = there.hand_in(client, platform, secret, sent)
    assert answer.status_code == 201, answer.content
    matter = Matter.objects.get()
    request, tip_off, complaint = matter.lead, matter.tip_off, KeptComplaint.objects.get()
    assert request is not None
    assert tip_off is not None
    assert (request.description, tip_off.description) == ("门口占道", "老板用回收油")
    assert (request.restricted, tip_off.restricted, tip_off.restricted_section) == (False, True, "FOOD")
    assert (complaint.grid_id, str(complaint.amount)) == (request.grid_id, "35.50")
    assert "13800001111" not in complaint.description + str(complaint.sealed_consumer)
    assert complaint.sealed_consumer
    assert [r["kind"] for r in answer.json()["records"]] == ["request", "tip_off", "complaint"]


def test_the_same_matter_again_is_the_first_one(world: World, client: Client, hotline: Any) -> None:
    platform, secret = hotline
    sent = plain(world, status="待受理")
    first = there.hand_in(client, platform, secret, sent)
    again = there.hand_in(client, platform, secret, sent | {"status": "处理中"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = there.hand_in(client, platform, secret, sent | {"request": {"description": "别的事"}})
    assert (other.status_code, code_of(other)) == (409, "external_number_conflict")
    second, key = there.made(world, kind="city")
    assert there.hand_in(client, second, key, sent).status_code == 201, (
        "another platform's numbers are its own"
    )
    assert Lead.objects.count() == 2


def test_a_replay_is_refused_and_a_refused_one_may_come_again(
    world: World, client: Client, hotline: Any
) -> None:
    platform, secret = hotline
    at, sent = int(clock.now().timestamp()), plain(world)
    assert there.hand_in(client, platform, secret, sent, at=at).status_code == 201
    replay = there.hand_in(client, platform, secret, sent, at=at)
    assert (replay.status_code, code_of(replay)) == (409, "replay")
    raw = json.dumps(sent, ensure_ascii=False).encode()
    loud = there.headers(secret, raw, at=at)["X-Signature"].upper()
    assert there.hand_in(client, platform, secret, sent, at=at, **{"X-Signature": loud}).status_code == 409
    wrong = plain(world, request={"description": "x", "category": "Z99"})
    for _ in range(2):
        assert there.hand_in(client, platform, secret, wrong, at=at + 1).status_code == 422
    clock.travel(timedelta(hours=2))
    assert platforms.forget_signatures() == 1
    assert UsedSignature.objects.count() == 0


def test_whoever_cannot_prove_it_learns_nothing(world: World, client: Client, hotline: Any) -> None:
    platform, secret = hotline
    now, sent = int(clock.now().timestamp()), plain(world)
    ghost = Platform(code="nobody")
    answers = [
        there.hand_in(client, ghost, secret, sent),
        there.hand_in(client, Platform(code="坏'"), secret, sent),
        there.hand_in(client, platform, "wrong", sent),
        there.hand_in(client, platform, secret, sent, at=now - 301),
        there.hand_in(client, platform, secret, sent, at=now + 301),
        there.hand_in(client, platform, secret, sent, **{"X-Signature": "é" * 64}),
        there.hand_in(client, platform, secret, sent, **{"X-Signature": ""}),
        there.hand_in(client, platform, secret, sent, **{"X-Timestamp": "yesterday"}),
        there.hand_in(client, platform, secret, b"not json", **{"X-Timestamp": str(now)}),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert all(answer["WWW-Authenticate"] for answer in answers)
    Platform.objects.update(is_active=False)
    assert there.hand_in(client, platform, secret, sent).status_code == 401
    assert Matter.objects.count() == UsedSignature.objects.count() == 0


def test_two_secrets_open_while_one_is_changed(world: World, client: Client, hotline: Any) -> None:
    platform, old = hotline
    by, at = world.user("bureau"), clock.now()
    new = platforms.change_secret(platform_id=platform.pk, by=by, at=at)
    assert there.hand_in(client, platform, old, plain(world)).status_code == 201
    assert there.hand_in(client, platform, new, plain(world)).status_code == 201
    platforms.forget_secret_before(platform_id=platform.pk, by=by, at=at)
    assert there.hand_in(client, platform, old, plain(world)).status_code == 401
    assert there.hand_in(client, platform, new, plain(world)).status_code == 201
    noted = str(list(Entry.objects.filter(stream=f"platform:{platform.pk}").values("kind", "data")))
    assert old not in noted
    assert new not in noted


def test_bad_bodies_are_refused(world: World, client: Client, hotline: Any, settings: Any) -> None:
    platform, secret = hotline

    def status(body: Any) -> int:
        return int(there.hand_in(client, platform, secret, body).status_code)

    assert status(plain(world, surprise=1)) == 400
    assert status(b"{") == 400
    assert status(b"[]") == 400
    assert status({"number": "A1"}) == 400
    assert status({"number": "A\x001", "request": {"description": "x"}}) in (400, 422)
    assert status(plain(world, request={"description": "   "})) in (400, 422)
    assert status(b" " * 70_000) == 413
    assert Matter.objects.count() == 0
    settings.SUOSHE_INTAKE_RATE = "3/min"
    cache.clear()
    assert [status(plain(world)) for _ in range(4)] == [201, 201, 201, 429]
    cache.clear()


def test_their_limit_rules_where_it_is_earlier(world: World, client: Client, hotline: Any) -> None:
    platform, secret = hotline
    now = clock.now()
    for due, kept in ((timedelta(hours=2), True), (timedelta(days=30), False)):
        sent = plain(world, due_at=(now + due).isoformat())
        there.hand_in(client, platform, secret, sent)
        lead = Lead.objects.latest("id")
        assert (lead.feedback_due_at == now + due) is kept
        assert Matter.objects.get(lead=lead).their_due_at == now + due
    late = there.hand_in(client, platform, secret, plain(world, due_at=(now - due).isoformat()))
    assert late.status_code == 201, "a limit that has passed already is late, and taken all the same"


FORMS: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "12345",
        {
            "order_no": "GD1", "order_status": "办理中", "title": "饭店卫生",
            "appeal_type": ["诉求", "举报", "投诉"], "category_code": "F03",
            "content": "油烟扰民", "report_content": "使用过期肉", "complaint_content": "要求退款",
            "caller_name": "王某", "caller_phone": "13800002222", "company": "某饭店", "amount": "12.5",
            "address": "新城路1号", "lng": 116.77, "lat": 36.18, "call_time": "2026-03-10 09:30:00",
            "deadline": "2026-03-12 18:00:00",
        },
        ["request", "tip_off", "complaint"],
    ),
    (
        "12315",
        {
            "registration_no": "D1", "status": "待分派", "business_type": "投诉举报",
            "complaint_content": "要求退款", "report_content": "虚假宣传",
            "consumer_name": "王某", "consumer_phone": "13800002222",
            "respondent_name": "某店", "involved_amount": 99, "limit_time": "2026-03-20T18:00:00+08:00",
        },
        ["tip_off", "complaint"],
    ),
    (
        "city",
        {"event_code": "SJ1", "event_state": "待处置", "event_desc": "占道经营",
         "longitude": 116.75, "latitude": 36.16, "coord_type": "bd09", "reporter": "", "reporter_tel": ""},
        ["request"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "kinds"), FORMS, ids=[one[0] for one in FORMS])
def test_each_platform_speaks_its_own_form(
    world: World, client: Client, kind: str, body: dict[str, Any], kinds: list[str]
) -> None:
    platform, secret = there.made(world, kind=kind)
    entity = make_entity(world, 1)
    if kind == "12315":
        body = body | {"respondent_uscc": entity.uscc}
    answer = there.hand_in(client, platform, secret, body)
    assert answer.status_code == 201, answer.content
    matter = Matter.objects.get()
    assert matter.kinds == kinds
    assert there.hand_in(client, platform, secret, body | {"surprise": 1}).status_code == 400
    if kind == "12345":
        assert matter.lead is not None
        assert "过期肉" not in matter.lead.description
        assert "新城路1号" in matter.lead.description
        empty = there.hand_in(client, platform, secret, body | {"order_no": "GD2", "report_content": ""})
        assert empty.status_code == 400, "a tip-off has words of its own"
    if kind == "12315" and matter.tip_off:
        assert matter.tip_off.entity == entity


def test_only_the_bureau_and_the_administrator_keep_platforms(world: World) -> None:
    terms = platforms.Terms(name="热线")
    for who in ("office-01", "clerk-01", "worker-01-1", "auditor"):
        with pytest.raises(NotAllowed):
            platforms.add(code="x", kind="city", terms=terms, by=world.user(who), at=clock.now())
    by = world.user("admin")
    platforms.add(code="x", kind="city", terms=terms, by=by, at=clock.now())
    with pytest.raises(Conflict):
        platforms.add(code="x", kind="city", terms=terms, by=by, at=clock.now())
    for bad in ("", "X", "长", "a" * 13, "a/b"):
        with pytest.raises(Malformed):
            platforms.add(code=bad, kind="city", terms=terms, by=by, at=clock.now())
    away = platforms.Terms(name="热线", hands_back=True, callback_path="https://evil.example/x")
    with pytest.raises(Malformed):
        platforms.add(code="y", kind="city", terms=away, by=by, at=clock.now())


# --- the desk --------------------------------------------------------------------------------------


def at_desk(world: World, **fields: Any) -> dict[str, Any]:
    return {
        "client_uid": str(uuid.uuid4()),
        "tip_off": {"description": "老板用回收油", "category": "F03"},
        "complaint": {"description": "要求退款"},
        "location": place(world),
        **fields,
    }


@pytest.mark.parametrize("who", ["clerk-01", "office-01", "duty-01", "bureau", "section-food"])
def test_the_desk_takes_matters(world: World, api: Api, who: str) -> None:
    sent, by = at_desk(world), world.user(who)
    first = api.post(by, "matters/", sent)
    assert first.status_code == 201, first.content
    again = api.post(by, "matters/", sent)
    assert (again.status_code, again.json()) == (200, first.json())
    other = api.post(by, "matters/", sent | {"complaint": {"description": "别的"}})
    assert (other.status_code, code_of(other)) == (409, "client_uid_conflict")


@pytest.mark.parametrize(
    "who", ["worker-01-1", "community-01", "commissioner-01", "police", "auditor", "admin"]
)
def test_a_phone_is_told_whom_to_ask(world: World, api: Api, who: str) -> None:
    refused = api.post(world.user(who), "matters/", at_desk(world))
    assert (refused.status_code, code_of(refused)) == (403, "not_the_desk")
    assert "12315" in refused.json()["errors"][0]["detail"]
    assert Matter.objects.count() == 0


def test_each_sees_of_a_matter_what_he_may(world: World, api: Api) -> None:
    sent = at_desk(world, request={"description": "门口占道", "category": "L01"})
    pk = api.post(world.clerk_of(1), "matters/", sent).json()["id"]

    def kinds(who: str) -> Any:
        answer = api.get(world.user(who), f"matters/{pk}/")
        listed = {row["id"] for row in api.get(world.user(who), "matters/").json()["results"]}
        assert (pk in listed) == (answer.status_code == 200)
        return answer.json()["kinds"] if answer.status_code == 200 else answer.status_code

    assert kinds("clerk-01") == ["request", "tip_off", "complaint"]
    assert kinds("worker-01-1") == ["request"]
    assert kinds("community-01") == ["request"]
    assert kinds("bureau") == ["request", "complaint"]
    assert kinds("section-food") == ["tip_off"]
    assert kinds("office-04") == 404
    for who, sees in (("clerk-01", 1), ("bureau", 1), ("worker-01-1", 0), ("section-food", 0), ("nobody", 0)):
        if who != "nobody":
            assert len(api.get(world.user(who), "complaints/").json()["results"]) == sees, who


def test_complaints_are_masked(world: World, api: Api) -> None:
    clerk = world.clerk_of(1)

    def take(number: int) -> None:
        reporter = {"name": "王某某", "phone": "13800002222"}
        for _ in range(number):
            sent = at_desk(world, complaint={"description": "请打13900003333"}, reporter=reporter)
            assert api.post(clerk, "matters/", sent).status_code == 201

    def statements(path: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            told = api.get(clerk, path).content.decode()
        assert not any(secret in told for secret in ("13900003333", "王某某", "13800002222"))
        return len(seen)

    take(1)
    few = [statements("complaints/"), statements("matters/")]
    take(3)
    assert [statements("complaints/"), statements("matters/")] == few


def test_what_rests_is_sealed_anew(world: World, api: Api, hotline: Any, settings: Any) -> None:
    api.post(world.clerk_of(1), "matters/", at_desk(world, reporter={"name": "王某", "phone": "13800002222"}))
    settings.SUOSHE_IDENTITY_KEY = "another-key-0123456789," + settings.SUOSHE_IDENTITY_KEY
    assert platforms.reseal() == (2, 0)
    assert platforms.reseal() == (0, 0)


@pytest.mark.parametrize(
    ("phone", "kept"),
    [
        ("", ""),
        ("未留", ""),
        ("***", ""),
        ("13800002222/05383210000", "13800002222"),
        ("0538-3210000转8012", "0538-3210000"),
        ("***/13800002222", "13800002222"),
        ("13800002222 13800003333", "13800002222"),
        ("＋86 １３８００００２２２２", "86 13800002222"),
    ],
)
def test_a_number_that_is_hidden_or_odd_refuses_no_matter(
    world: World, client: Client, phone: str, kept: str
) -> None:
    """A platform's clerk writes what the citizen said. Without a number nobody owes an answer by telephone,
    and the name is sealed all the same."""
    platform, secret = there.made(world, kind="12345")
    sent = FORMS[0][1] | {"appeal_type": ["诉求"], "content": "王某反映油烟扰民", "caller_phone": phone}
    answer = there.hand_in(client, platform, secret, sent)
    assert answer.status_code == 201, answer.content
    lead = Lead.objects.get()
    told = reporters.identity_of(lead)
    assert told is not None
    assert (told.name, told.phone) == ("王某", kept)
    assert lead.told_by_citizen is bool(kept)
    assert "王某" not in lead.description


def test_their_number_and_limit_stand_beside_ours(world: World, client: Client, hotline: Any) -> None:
    platform, secret = hotline
    due = clock.now() + timedelta(hours=2)
    sent = plain(world, due_at=due.isoformat(), tip_off={"description": "用回收油", "category": "F03"})
    assert there.hand_in(client, platform, secret, sent).status_code == 201
    matter, api = Matter.objects.get(), Api(client)
    assert matter.lead is not None
    assert matter.tip_off is not None
    theirs = {"code": platform.code, "name": platform.name, "external_number": sent["number"]}
    for lead, who in ((matter.lead, "worker-01-1"), (matter.tip_off, "clerk-01")):
        seen = api.get(world.user(who), f"leads/{lead.pk}/").json()["platform"]
        assert datetime.fromisoformat(seen.pop("due_at")) == due
        assert seen == theirs
        why = api.get(world.user(who), f"leads/{lead.pk}/explain/").content.decode()
        assert "早于本平台时限" in why
    at_desk = Client()
    clerk = world.clerk_of(1)
    type(clerk).objects.filter(pk=clerk.pk).update(is_staff=True)
    at_desk.force_login(clerk)
    page = at_desk.get(f"/admin/leads/lead/{matter.lead.pk}/change/").content.decode()
    assert (
        f"{platform.name}　{sent['number']}，平台时限 {due.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M}" in page
    )


def test_a_later_limit_of_theirs_explains_nothing(world: World, client: Client, hotline: Any) -> None:
    platform, secret = hotline
    there.hand_in(
        client, platform, secret, plain(world, due_at=(clock.now() + timedelta(days=9)).isoformat())
    )
    why = Api(client).get(world.worker(1), f"leads/{Lead.objects.get().pk}/explain/").content.decode()
    assert "早于本平台时限" not in why


def test_a_platform_that_grants_more_time_tells_us_by_handing_in_again(
    world: World, client: Client, hotline: Any
) -> None:
    platform, secret = hotline
    first, later = (clock.now() + timedelta(hours=hours) for hours in (2, 50))
    sent = plain(world, due_at=first.isoformat())
    assert there.hand_in(client, platform, secret, sent).status_code == 201
    more = sent | {"due_at": later.isoformat()}
    answers = [there.hand_in(client, platform, secret, more) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert datetime.fromisoformat(answers[0].json()["their_due_at"]) == later
    matter = Matter.objects.get()
    assert matter.lead is not None
    assert (matter.their_due_at, matter.lead.feedback_due_at) == (later, first), "no clock of ours moves"
    noted = Entry.objects.filter(stream=f"matter:{matter.pk}").values_list("kind", flat=True)
    assert sorted(noted) == ["matter.limit_put_off", "matter.taken"]
    why = Api(client).get(world.worker(1), f"leads/{matter.lead.pk}/explain/").content.decode()
    assert f"（已延至 {later.astimezone(clock.SHANGHAI):%m-%d %H:%M}），早于本平台时限" in why
    for earlier in (first.isoformat(), None):
        refused = there.hand_in(client, platform, secret, sent | {"due_at": earlier})
        assert (refused.status_code, code_of(refused)) == (409, "external_number_conflict")
