"""举报: no grid worker, community, mediator, liaison, subdistrict, group or whistle ever learns of one.

A tip-off with a word of its own goes through its whole life; then everything that the others can ask,
were told or are sent is searched for that word and for its number (DOMAIN.md §7, DESIGN.md §3).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, reverse

from grids import absences
from grids.access import forget
from grids.demo import World
from grids.models import Posting, WorkGroup
from grids.roles import Role
from kernel import clock
from kernel.accounts.models import User
from kernel.deadlines.models import Deadline
from kernel.errors import DomainError
from kernel.notices import templates, webhooks
from kernel.notices.models import OutboxMessage, Robot, WebhookDelivery, WebhookEndpoint
from leads import dispatch, platforms, tip_offs
from leads.acts import Act
from leads.models import Lead, LookBack, Matter, Survey, Whistle, WhistleCall
from leads.states import State
from reports import nightly
from suoshe import api_urls
from tests.factories import leads as made
from tests.factories import platforms as there
from tests.factories.accounts import bearer, make_user
from tests.factories.photos import make_photo, upload
from tests.leads.calls import Api, body, code_of

pytestmark = pytest.mark.django_db
WORD = "铜锁鹦鹉"
NAME, PHONE = "司马举报", "13911112222"
HIDDEN_FROM = [
    "worker-01-1",
    "worker-21-1",
    "community-01",
    "street-01",
    "police",
    "station-01",
    "commissioner-21",
    "section-price",
    "bureau",
    "auditor",
    "admin",
    "keeper",
]
FULLY = ("worker-01-1", "community-01", "police", "bureau")
"""These ask everything; the others what lies close to leads."""
CLOSE = ("leads", "matters", "notices", "me", "complaints", "supervision-orders", "approvals", "whistles")
PAGES_OF = ["worker-01-1", "community-01", "bureau", "auditor", "admin"]


@dataclass
class Life:
    """The tip-off, and the ordinary records around it."""

    tip_off: Lead
    request: Lead
    double: Lead
    evidence: int
    robot: Robot


def person(world: World, who: str) -> User:
    """Any of them, without a cached scope; the mediator sits at a station of grid 1's community."""
    if who != "station-01":
        return world.user(who)
    found = User.objects.filter(username=who).first()
    if found is None:
        found = make_user(who)
        Posting.objects.create(
            user=found,
            role=Role.STATION_MEDIATOR,
            station_code="ST-01",
            starts_at=world.at - timedelta(days=30),
        )
    return found


def post(api: Api, user: User, path: str, data: Any, version: int | None = None, status: int = 200) -> Any:
    answer = api.post(user, path, data, version)
    assert answer.status_code == status, (path, answer.content.decode())
    return answer


def act(api: Api, user: User, lead: Lead, name: str, **data: Any) -> None:
    forget(user)
    lead.refresh_from_db()
    post(api, user, f"leads/{lead.pk}/{name}/", data, lead.version)
    lead.refresh_from_db()


def photo(client: Client, by: User, colour: str) -> int:
    sent = upload(make_photo(colour=colour))
    return int(client.post("/api/v1/evidence/", sent, headers=bearer(by)).json()["id"])


def handed_in(world: World, client: Client, settings: Any) -> Matter:
    """A mixed matter of a platform that wants its steps back; another system wants everybody's."""
    settings.SUOSHE_WEBHOOK_HOSTS = ["https://hotline.example", "https://other.example"]
    other = WebhookEndpoint(name="大屏", url="https://other.example/steps")
    webhooks.set_secret(other, "secret-of-the-other")
    other.save()
    platform, secret = there.made(
        world, code="p12345", hands_back=True, callback_path="https://hotline.example/back"
    )
    lon, lat = world.point_in(1)
    sent = {
        "number": there.number(),
        "request": {"description": "门口占道", "category": "L01"},
        "tip_off": {"description": f"{WORD}后厨用回收油", "category": "F03"},
        "complaint": {"description": "要求退款"},
        "location": {"lon": lon, "lat": lat, "crs": "wgs84"},
        "reporter": {"name": NAME, "phone": PHONE},
    }
    assert there.hand_in(client, platform, secret, sent).status_code == 201
    return Matter.objects.get()


def a_whole_life(world: World, api: Api, settings: Any) -> Life:
    robot = Robot.objects.create(name="一网格群", url="/cgi-bin/webhook/send?key=k1")
    WorkGroup.objects.filter(grid=world.grid(1)).update(robot=robot)
    matter = handed_in(world, api.client, settings)
    assert matter.lead is not None
    assert matter.tip_off is not None
    lead = matter.tip_off
    owner, clerk, head, duty = (
        world.commissioner(1),
        world.clerk_of(1),
        world.head_of(1),
        world.duty_of(1),
    )
    assert (lead.state, lead.assignee) == (State.DISPATCHED, owner)
    double = Lead.objects.get(pk=post(api, world.worker(1), "leads/", body(world), status=201).json()["id"])
    for where in (lead, double):
        other = double if where is lead else lead
        refused = api.post(clerk, f"leads/{where.pk}/merge/", {"into": other.pk}, where.version)
        assert (refused.status_code, code_of(refused)) == (409, "restricted")
    whistle = {"lead": lead.pk, "grid": world.grid(1).code, "departments": ["police"], "reason": "协查"}
    refused = api.post(clerk, "whistles/", whistle)
    assert (refused.status_code, code_of(refused)) == (409, "restricted_lead")

    act(api, clerk, lead, "dispatch", assignee=head.pk, reason=f"{WORD}改派")
    act(api, clerk, lead, "dispatch", assignee=owner.pk, reason="返回")
    absences.record(
        user=owner,
        stand_in=clerk,
        starts_at=clock.now(),
        ends_at=clock.now() + timedelta(hours=2),
        by=head,
        at=clock.now(),
    )
    assert dispatch.perform(lead.pk, None, lambda a: dispatch.hand_on(a, why="外出", leaving_id=owner.pk))
    lead.refresh_from_db()
    owner = User.objects.get(pk=lead.assignee_id)
    act(api, owner, lead, "respond", plan="on_my_way", note=f"{WORD}暗访")
    act(api, owner, lead, "control", note=f"{WORD}已封存")
    if owner != head:
        forget(head)
        act(api, head, lead, "tip-off/extend", reason=f"{WORD}等检验")
    overrun(lead)
    file = photo(api.client, owner, "#203040")
    guided = {"kind": "guided", "note": f"{WORD}已查处"}
    act(api, owner, lead, "feedback", disposal=guided, evidence=[file])
    second = next(p for p in (clerk, duty, head, world.commissioner(2)) if p != owner and may(p, lead))
    act(api, second, lead, "rework", reason=f"{WORD}照片不清")
    act(api, owner, lead, "feedback", disposal=guided | {"note": f"{WORD}补充"})
    act(api, second, lead, "verify", note=f"{WORD}属实")
    assert (lead.state, lead.second_officer) == (State.CLOSED, second)
    clock.travel(timedelta(hours=24))
    made.let_clocks_fire()
    nightly.make_up(most=3)
    return Life(lead, matter.lead, double, file, robot)


def overrun(lead: Lead) -> None:
    """Its statutory limit passes: the clock fires, and nobody of the community hears of it."""
    due_at = Deadline.objects.filter(
        subject_kind="lead", subject_id=lead.pk, kind=tip_offs.CLOCK, state="running"
    ).get()
    made.pass_time(until=due_at.due_at)
    for user in User.objects.all():
        forget(user)
    late = OutboxMessage.objects.filter(template="leads.tip_off_late", subject_id=lead.pk)
    assert late.filter(recipient__username="section-food").exists()


def may(person: User, lead: Lead) -> bool:
    """May this officer verify it?"""
    forget(person)
    try:
        tip_offs.second_officer(Act(lead, person, clock.now(), []))
    except DomainError:
        return False
    return True


# --- what the others can ask -----------------------------------------------------------------------


def paths(life: Life) -> Iterator[str]:
    """Every GET of the API, with the numbers of the tip-off and of what lies beside it."""
    numbers = {
        "leads": [life.tip_off.pk, life.request.pk, life.double.pk],
        "matters": list(Matter.objects.values_list("pk", flat=True)),
        "evidence": [life.evidence],
    }
    for pattern in api_urls.urlpatterns:
        if not (isinstance(pattern, URLPattern) and pattern.name):
            continue
        route = str(pattern.pattern)
        view: Any = pattern.callback.view_class  # type: ignore[attr-defined]
        if not hasattr(view, "get") or route.startswith(("schema", "docs", "survey/")):
            continue
        first = route.split("/")[0]
        for number in numbers.get(first, [1]) if "<int:" in route else [0]:
            yield filled(route, number)
    for name in ("leads", "entities", "supervision-orders", "matters", "look-backs", "approvals"):
        yield f"{name}/?q={WORD}&page_size=200"
    yield f"leads/?q={life.tip_off.number}"
    yield f"leads/?grid={life.double.grid.code if life.double.grid else ''}&food=true&page_size=200"


def filled(route: str, number: int) -> str:
    while "<" in route:
        start, end = route.index("<"), route.index(">") + 1
        kind = route[start:end]
        route = route[:start] + (str(number) if kind.startswith("<int") else "370983001-L01") + route[end:]
    return route


def told(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            return "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    text: str = content.decode("utf-8", "replace")
    return text.encode().decode("unicode_escape", "replace") + text if "\\u" in text else text


def pages(life: Life) -> list[str]:
    lists = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]
    one = life.tip_off.pk
    return [
        *lists,
        "/admin/",
        "/admin/leads/lead/front/",
        f"/admin/leads/lead/{one}/change/",
        f"/admin/leads/lead/{life.request.pk}/change/",
        f"/admin/leads/lead/{life.double.pk}/change/",
        f"/admin/leads/lead/?q={WORD}",
        "/admin/leads/lead/?_export=xlsx",
        f"/admin/leads/matter/{Matter.objects.get().pk}/change/",
        f"/admin/journal/entry/?q=lead:{one}",
        "/admin/journal/entry/?q=tip_off.extended",
        f"/admin/deadlines/deadline/?q=lead:{one}",
        f"/admin/deadlines/event/?q=lead:{one}",
    ]


CLOSEST = ("leads/?page_size=200", "matters/", "notices/?page_size=200", "complaints/", "me/", "whistles/")
"""What each of the others asks in the short form, besides the tip-off itself."""
OUTSIDERS = {
    Role.GRID_WORKER, Role.COMMUNITY_HEAD, Role.SUBDISTRICT, Role.DEPARTMENT_LIAISON, Role.STATION_MEDIATOR,
    Role.BUREAU, Role.BUREAU_LEADER, Role.AUDITOR, Role.SYSTEM_ADMIN, Role.IDENTITY_KEEPER,
}  # fmt: skip


def test_nobody_else_sees_it_or_is_told_of_it(world: World, api: Api, settings: Any) -> None:
    """The short form of the test below: every person, every notice, post and whistle; few endpoints."""
    cache.clear()
    life = a_whole_life(world, api, settings)
    one, needles = life.tip_off, (WORD, life.tip_off.number, NAME, PHONE, "tip_off_")
    whistle = {
        "lead": life.double.pk,
        "grid": world.grid(1).code,
        "departments": ["police"],
        "reason": "协查",
    }
    post(api, world.clerk_of(1), "whistles/", whistle, status=201)
    own = [f"leads/{one.pk}/", f"leads/{one.pk}/timeline/", f"evidence/{life.evidence}/original/"]
    given_away, unexpected = [], []
    for who in HIDDEN_FROM:
        headers = bearer(person(world, who))
        for path in (*own, *CLOSEST):
            answer = api.client.get(f"/api/v1/{path}", headers=headers)
            given_away += [(who, path, needle) for needle in needles if needle in told(answer)]
            if path in own and answer.status_code != 404:
                unexpected.append((who, path, answer.status_code))
    assert (given_away, unexpected) == ([], [])
    platform = Matter.objects.get().taken_by
    assert_only_its_office_and_section_see_it(one, platform, world.commissioner(1))  # its first owner
    assert_nobody_was_told(life, needles)
    assert_no_whistle_tells(needles)
    seen = told(api.get(world.head_of(1), f"leads/{one.pk}/"))
    assert all(needle in seen for needle in (WORD, one.number)), "the needles are sharp"
    cache.clear()


def assert_only_its_office_and_section_see_it(one: Lead, *were_told: User) -> None:
    """Of all persons there are, and of all who were told: beside those who see it now, `were_told`."""
    see = set()
    for user in User.objects.all():
        forget(user)
        if Lead.objects.visible_to(user).filter(pk=one.pk).exists():
            see.add(user)
    rows = OutboxMessage.objects.filter(subject_kind="lead", subject_id=one.pk, recipient__isnull=False)
    assert {row.recipient for row in rows.select_related("recipient")} <= see | set(were_told)
    postings = Posting.objects.filter(user__in=see).select_related("backup")
    assert {one.assignee, one.second_officer} <= {posting.user for posting in postings} <= see
    assert not {posting.role for posting in postings} & OUTSIDERS
    of_the_section = Posting.objects.filter(section=one.restricted_section)
    stand_in = {found for pair in of_the_section.values_list("user", "backup") for found in pair}
    assert {posting.user_id for posting in postings if posting.section} <= stand_in


def assert_no_whistle_tells(needles: tuple[str, ...]) -> None:
    """What a department is sent, and what stands behind the link."""
    assert Whistle.objects.exists()
    rows = OutboxMessage.objects.filter(subject_kind="whistle")
    assert rows.exists()
    texts = [str(templates.render(row.template, row.params)) for row in rows]
    texts += [str(list(model.objects.values())) for model in (Whistle, WhistleCall)]
    assert not any(needle in text for text in texts for needle in needles)


@pytest.mark.long
def test_a_tip_off_is_known_to_its_office_and_one_section_only(world: World, api: Api, settings: Any) -> None:
    cache.clear()
    life = a_whole_life(world, api, settings)
    needles = (WORD, life.tip_off.number, NAME, PHONE, "tip_off_")
    asked, given_away, unexpected = list(paths(life)), [], []
    for who in HIDDEN_FROM:
        user = person(world, who)
        headers = bearer(user)
        for path in asked if who in FULLY else [one for one in asked if one.startswith(CLOSE)]:
            answer = api.client.get(f"/api/v1/{path}", headers=headers)
            text = told(answer)
            given_away += [(who, path, n) for n in needles if n in text]
            if f"leads/{life.tip_off.pk}" in path and answer.status_code != 404:
                unexpected.append((who, path, answer.status_code))
            if path.startswith("evidence/") and answer.status_code != 404:
                unexpected.append((who, path, answer.status_code))
    assert given_away == []
    assert unexpected == []
    assert len(asked) > 60
    seen = api.get(world.clerk_of(1), "leads/", q=WORD)
    assert [row["number"] for row in seen.json()["results"]] == [life.tip_off.number], "the needles are sharp"
    assert seen.json()["results"][0]["restricted"] is True
    assert_pages_are_silent(world, life, needles)
    assert_nobody_was_told(life, needles)
    cache.clear()


def assert_pages_are_silent(world: World, life: Life, needles: tuple[str, ...]) -> None:
    given_away, opened = [], 0
    for who in PAGES_OF:
        user = person(world, who)
        User.objects.filter(pk=user.pk).update(is_staff=True)
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        technical = ("/admin/notices/", "/admin/journal/", "/admin/deadlines/", "/admin/offline/")
        for path in pages(life):
            if who == "admin" and not path.startswith(technical):
                continue
            answer = client.get(path)
            opened += answer.status_code == 200
            text = told(answer).replace(f'value="{WORD}"', "")
            typed = WORD in path or "q=" in path
            given_away += [(who, path, n) for n in needles if n in text and not (typed and n == WORD)]
            given_away += [
                (who, path, "stream") for _ in [0] if f"<code>lead:{life.tip_off.pk}</code>" in text
            ]
    assert given_away == []
    assert opened > 60


def assert_nobody_was_told(life: Life, needles: tuple[str, ...]) -> None:
    """Notices, group robots, telephones, webhooks, orders, surveys, look-backs."""
    one = life.tip_off
    rows = list(OutboxMessage.objects.select_related("recipient", "sms_user"))
    about = [
        r for r in rows if (r.subject_kind, r.subject_id) == ("lead", one.pk) or one.number in str(r.params)
    ]
    assert about
    assert {r.recipient.username for r in about if r.recipient} & set(HIDDEN_FROM) == set()
    assert [r.template for r in about if r.robot_id or r.sms_user_id] == []
    assert OutboxMessage.objects.filter(robot=life.robot).exists(), "the group hears of the ordinary ones"
    assert not any(WORD in str(r.params) for r in rows if r.robot_id)
    assert one.orders.count() == 0
    assert not Survey.objects.filter(lead=one).exists()
    assert not LookBack.objects.filter(lead=one).exists()
    told_on = WebhookDelivery.objects.select_related("endpoint").filter(subject_id=one.pk)
    assert {row.endpoint.source for row in told_on} == {"p12345"}
    assert all(row.restricted for row in told_on)
    states = {row.payload["state"] for row in told_on}
    assert {State.DISPATCHED, State.CLOSED} <= states
    words = str([webhooks.render(row) for row in told_on])
    assert not any(needle in words for needle in (WORD, NAME, PHONE, "guided"))
    everybody = WebhookDelivery.objects.filter(endpoint__source="")
    assert everybody.exists()
    assert not any(needle in str(row.payload) for row in everybody for needle in needles)


# --- its own road ----------------------------------------------------------------------------------


@pytest.fixture
def tip_off(world: World, api: Api) -> Lead:
    lon, lat = world.point_in(1)
    sent = {
        "client_uid": "6f1f0c1e-0000-4000-8000-000000000001",
        "tip_off": {"description": "后厨用回收油", "category": "F03"},
        "location": {"lon": lon, "lat": lat, "crs": "wgs84"},
    }
    post(api, world.clerk_of(1), "matters/", sent, status=201)
    return Lead.objects.get(restricted=True)


def test_it_has_the_statutory_clock_and_no_other(world: World, tip_off: Lead) -> None:
    rows = Deadline.objects.filter(subject_kind="lead", subject_id=tip_off.pk)
    assert {row.kind for row in rows} == {"tip_off", "tip_off_80"}
    assert tip_off.feedback_due_at - clock.now() > timedelta(days=20), "15 working days"
    assert (tip_off.respond_due_at, tip_off.same_day_due_at) == (None, None)


def test_food_is_fed_back_without_a_same_day_clock(world: World, api: Api, tip_off: Lead) -> None:
    owner = world.commissioner(1)
    act(api, owner, tip_off, "respond")
    act(api, owner, tip_off, "feedback", disposal={"kind": "penalty", "note": "已立案"})
    assert tip_off.controlled_at is not None


@pytest.mark.parametrize("kind", ["rectify", "handed_over", "leniency"])
def test_a_result_that_the_community_would_follow_is_refused(
    world: World, api: Api, tip_off: Lead, kind: str
) -> None:
    owner = world.commissioner(1)
    act(api, owner, tip_off, "respond")
    disposal = {"kind": kind, "note": "已处理"}
    if kind == "rectify":
        disposal["rectify_due_at"] = (clock.now() + timedelta(days=3)).isoformat()
    refused = api.post(owner, f"leads/{tip_off.pk}/feedback/", {"disposal": disposal}, tip_off.version)
    assert refused.status_code == 409, refused.content
    assert code_of(refused) == "restricted"


def test_its_owner_does_not_verify_and_it_is_extended_once(world: World, api: Api, tip_off: Lead) -> None:
    owner, head = world.commissioner(1), world.head_of(1)
    first = tip_off.feedback_due_at
    act(api, head, tip_off, "tip-off/extend", reason="等待检验结果")
    assert tip_off.feedback_due_at > first
    again = api.post(head, f"leads/{tip_off.pk}/tip-off/extend/", {"reason": "还要等"}, tip_off.version)
    assert (again.status_code, code_of(again)) == (409, "extended_already")
    other = api.post(owner, f"leads/{tip_off.pk}/tip-off/extend/", {"reason": "还要等"}, tip_off.version)
    assert (other.status_code, code_of(other)) == (403, "not_office_head")
    act(api, owner, tip_off, "respond")
    act(api, owner, tip_off, "feedback", disposal={"kind": "no_problem", "note": "未发现"})
    own = api.post(owner, f"leads/{tip_off.pk}/verify/", {}, tip_off.version)
    assert (own.status_code, code_of(own)) == (403, "not_second_officer")
    act(api, head, tip_off, "verify")
    assert tip_off.state == State.CLOSED


def test_a_head_who_owns_it_gives_himself_no_more_time(world: World, api: Api, tip_off: Lead) -> None:
    head, clerk = world.head_of(1), world.clerk_of(1)
    act(api, clerk, tip_off, "dispatch", assignee=head.pk, reason="由所长办理")
    own = api.post(head, f"leads/{tip_off.pk}/tip-off/extend/", {"reason": "等待检验结果"}, tip_off.version)
    assert (own.status_code, code_of(own)) == (403, "own_request")
    act(
        api,
        world.user(f"section-{tip_off.restricted_section.lower()}"),
        tip_off,
        "tip-off/extend",
        reason="等待",
    )


def test_no_side_road_that_asks_the_community(world: World, api: Api, tip_off: Lead) -> None:
    owner, later = world.commissioner(1), (clock.now() + timedelta(days=2)).isoformat()
    act(api, owner, tip_off, "respond")
    for name, sent in (
        ("suspend", {"reason": "test_result", "until": later}),
        ("extend", {"until": later, "reason": "等待"}),
        ("reclassify", {"category": "F02", "reason": "现场核实"}),
        ("reject", {"reason": "no_such_place", "note": "查无此店"}),
        ("interim-feedback", {"done": "已封存", "remaining": "检验", "final_due_at": later}),
    ):
        refused = api.post(owner, f"leads/{tip_off.pk}/{name}/", sent, tip_off.version)
        assert refused.status_code == 409, (name, refused.content)


def test_where_nobody_is_found_the_section_places_it(world: World, api: Api) -> None:
    sent = {
        "client_uid": "6f1f0c1e-0000-4000-8000-000000000002",
        "tip_off": {"description": "某处用回收油", "category": "F03"},
        "location": {"lon": 110.0, "lat": 30.0, "crs": "wgs84"},
    }
    post(api, world.user("section-food"), "matters/", sent, status=201)
    lead = Lead.objects.get(restricted=True)
    assert (lead.state, lead.office_id) == (State.REPORTED, None)
    made.pass_time(until=lead.desk_due_at)
    heard = OutboxMessage.objects.filter(subject_kind="lead", subject_id=lead.pk)
    assert set(heard.values_list("recipient__username", flat=True)) <= {"section-food"}
    assert heard.filter(template="leads.desk_late").exists()
    assert api.get(world.user("bureau"), f"leads/{lead.pk}/").status_code == 404
    section = world.user("section-food")
    forget(section)
    given = {"assignee": world.commissioner(1).pk, "grid": world.grid(1).code, "reason": "属地"}
    post(api, section, f"leads/{lead.pk}/dispatch/", given, lead.version)


def test_hosts_are_kept_by_the_platforms_page(world: World, settings: Any) -> None:
    settings.SUOSHE_WEBHOOK_HOSTS = ["https://hotline.example"]
    platform, _ = there.made(world, hands_back=True, callback_path="https://hotline.example/back")
    made_for = WebhookEndpoint.objects.get(source=platform.code)
    assert (made_for.is_active, made_for.format) == (True, "12345")
    terms = platforms.Terms("热线", hands_back=False)
    platforms.change(platform_id=platform.pk, terms=terms, by=world.user("admin"), at=clock.now())
    made_for.refresh_from_db()
    assert not made_for.is_active
