"""满意度回访: one question a round, answered once, never by staff; who is not satisfied is heard again."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client

from grids.demo import World
from kernel import approvals, clock
from kernel.accounts.models import User
from kernel.approvals.models import Approval
from kernel.deadlines.models import Deadline
from kernel.journal.models import Entry
from kernel.notices import telephones, templates
from kernel.notices.models import OutboxMessage
from leads import lifecycle, reopening, shop_surveys, surveys
from leads.acts import Act
from leads.intake import Told
from leads.models import Answer, AnswerState, Lead, Matter, Rating, Survey
from leads.states import State
from tests.factories import citizens
from tests.factories import leads as made
from tests.factories.citizens import NAME, PHONE
from tests.factories.grids import make_entity
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db
HAPPY = {"rating": "very_satisfied", "comment": "处理得快"}
UNHAPPY = {"rating": "unsatisfied", "comment": "老鼠还在"}


def asked(lead: Lead) -> Survey:
    return Survey.objects.get(lead=lead, round=Lead.objects.get(pk=lead.pk).round)


def link_of(lead: Lead) -> str:
    return f"survey/{citizens.token_in(citizens.sms(lead))}/"


# --- whom --------------------------------------------------------------------------------------------


def test_closing_asks_the_citizen_once(world: World) -> None:
    lead = citizens.closed(world)
    survey = asked(lead)
    assert (survey.asked, survey.answered_at, survey.round) == ("citizen", None, 1)
    assert survey.expires_at == survey.asked_at + timedelta(days=14)
    token = citizens.token_in(citizens.sms(lead))
    assert len(token) >= 32
    assert token not in str(Survey.objects.values().get())
    assert survey.token_hash is not None


def test_staff_are_never_asked(world: World) -> None:
    user = world.worker(5)
    user.phone = "13800009999"
    user.is_active = False
    user.save()
    for phone in ("13800009999", "+86 138-0000-9999", "138 0000 9999"):
        lead = citizens.closed(world, phone=phone)
        assert not Survey.objects.filter(lead=lead).exists()
        assert citizens.sms(lead).template == "leads.answer"


def test_nobody_to_ask_is_no_survey(world: World, api: Api) -> None:
    lead = made.closed(world)
    assert api.get(world.clerk_of(1), f"leads/{lead.pk}/survey/").json()["surveys"] == []
    said = api.post(world.clerk_of(1), f"leads/{lead.pk}/survey/", HAPPY)
    assert (said.status_code, code_of(said)) == (409, "no_survey")


def about_a_shop(world: World) -> Lead:
    """Closed; nobody but the grid worker told it."""
    return made.closed(world, entity_id=make_entity(world, 1).pk)


def test_where_no_citizen_told_it_the_shop_is_asked_by_telephone(world: World, api: Api) -> None:
    lead = about_a_shop(world)
    assert not Survey.objects.filter(lead=lead).exists(), "no link: the register knows no telephone of it"
    path, head = f"leads/{lead.pk}/survey/", world.head_of(1)
    first = api.post(head, path, HAPPY)
    assert first.status_code == 200
    (row,) = first.json()["surveys"]
    assert (row["asked"], row["how"], row["by_link"]) == ("shop", "telephone", False)
    assert api.post(head, path, HAPPY).json() == first.json()
    assert code_of(api.post(world.user("bureau"), path, HAPPY)) == "survey_answered"
    kinds = Entry.objects.filter(stream=lead.stream, kind__startswith="survey.").order_by("seq")
    assert list(kinds.values_list("kind", flat=True)) == ["survey.asked", "survey.answered"]


def test_an_unhappy_shop_asks_for_it_to_be_taken_up_again(world: World, api: Api) -> None:
    lead = about_a_shop(world)
    assert api.post(world.user("bureau"), f"leads/{lead.pk}/survey/", UNHAPPY).status_code == 200
    waiting = Approval.objects.of("lead", lead.pk).waiting().get()
    assert (waiting.kind, waiting.reason) == ("lead.reopen", "经营主体评价“不满意”，要求重新办理")


def test_a_shop_is_asked_of_a_closed_lead_by_the_uninvolved_alone(world: World, api: Api) -> None:
    lead = about_a_shop(world)
    for who in (world.commissioner(1), world.worker(1, 3), world.user("auditor")):
        assert code_of(api.post(who, f"leads/{lead.pk}/survey/", HAPPY)) == "not_surveyor"
    open_one = made.fed_back(world, entity_id=lead.entity_id)
    assert code_of(api.post(world.head_of(1), f"leads/{open_one.pk}/survey/", HAPPY)) == "no_survey"
    assert not Survey.objects.exists()


def test_no_shop_is_asked_about_a_tip_off() -> None:
    lead = Lead(state=State.CLOSED, entity_id=1, restricted=False)
    assert surveys.may_ask_shop(lead)
    lead.restricted = True
    assert not surveys.may_ask_shop(lead)


SHOP = {"contact_phone": "13812345678", "contact_name": "王小明"}


@pytest.fixture
def gateway(settings: Any) -> None:
    settings.SUOSHE_SMS_BASE_URL = "http://127.0.0.1:1/sms"
    settings.SUOSHE_SMS_KEY = settings.SUOSHE_SMS_SECRET = "x"


@pytest.mark.usefixtures("gateway")
def test_a_shop_that_can_be_called_gets_the_link(world: World, api: Api) -> None:
    lead = made.closed(world, entity_id=make_entity(world, 1, **SHOP).pk, description="有人反映后厨有老鼠")
    survey, message = asked(lead), citizens.sms(lead)
    assert (survey.asked, message.template, message.phone_masked) == (
        "shop", "leads.shop_survey", "138****5678",
    )  # fmt: skip
    told = templates.render_sms(message.template, telephones.opened(message).params)
    assert told.startswith(f"对您店的检查事项（编号{lead.number}）已经办结。")
    assert f"/s/{citizens.token_in(message)}/" in told
    shown = api.get(None, link_of(lead))
    assert (shown.json()["asked"], shown.json()["done"]) == ("shop", "对您店的检查事项已经办结")
    page = api.client.get(f"/s/{citizens.token_in(message)}/").content.decode()
    assert "您对我们的工作满意吗" in page
    for text in (told, shown.content.decode(), page):
        assert "反映" not in text
        assert "老鼠" not in text
    said = api.post(None, link_of(lead), UNHAPPY | {"comment": "王小明不满意，打138 1234 5678"})
    assert said.json()["comment"] == "王**不满意，打138****5678"
    assert "经营主体评价" in Approval.objects.of("lead", lead.pk).waiting().get().reason
    kept = str([*OutboxMessage.objects.values(), *Entry.objects.values(), *Survey.objects.values()])
    assert SHOP["contact_phone"] not in kept
    assert SHOP["contact_name"] not in kept
    assert not templates.still_wanted(message), "answered already"


@pytest.mark.usefixtures("gateway")
@pytest.mark.parametrize(
    ("shop", "fields"),
    [
        ({"contact_phone": ""}, {}),
        ({"contact_phone": "05383212345"}, {}),
        ({"contact_phone": "13800009999"}, {}),  # somebody of the house
        (SHOP | {"status": "DEREGISTERED"}, {}),
        (SHOP, {"told": Told(NAME, "")}),
        (SHOP, {"source": "door"}),
    ],
)
def test_no_link_goes_to_a_shop(world: World, shop: dict[str, Any], fields: dict[str, Any]) -> None:
    User.objects.filter(pk=world.worker(5).pk).update(phone="13800009999")
    lead = made.closed(world, entity_id=make_entity(world, 1, **shop).pk, **fields)
    assert not Survey.objects.filter(lead=lead).exists()
    assert not OutboxMessage.objects.exclude(phone_masked="").exists()


def test_without_a_gateway_the_shop_is_asked_by_telephone(world: World, api: Api) -> None:
    lead = made.closed(world, entity_id=make_entity(world, 1, **SHOP).pk)
    assert not Survey.objects.filter(lead=lead).exists()
    assert api.post(world.head_of(1), f"leads/{lead.pk}/survey/", HAPPY).status_code == 200


def test_no_link_goes_to_the_shop_of_a_tip_off_or_beside_one(
    world: World, request: pytest.FixtureRequest
) -> None:
    shop = make_entity(world, 1, **SHOP)
    lead, beside = (made.closed(world, entity_id=shop.pk) for _ in range(2))
    request.getfixturevalue("gateway")
    act = Act(Lead.objects.get(pk=lead.pk), None, clock.now(), [])
    act.lead.restricted = True
    assert shop_surveys.open_round(act) is None
    Matter.objects.create(
        client_uid=uuid.uuid4(), content_digest="x", kinds=["request", "tip_off"], received_at=clock.now(),
        taken_by=world.clerk_of(1), lead=beside,
    )  # fmt: skip
    assert shop_surveys.open_round(Act(beside, None, clock.now(), [])) is None
    act.lead.restricted = False
    assert shop_surveys.open_round(act) == asked(lead)
    assert shop_surveys.open_round(act) == asked(lead), "asked once"
    assert OutboxMessage.objects.filter(
        template="leads.shop_survey", dedupe_key=f"survey:{asked(lead).pk}:sms"
    )


@pytest.mark.usefixtures("gateway")
def test_a_shop_that_left_the_link_alone_is_asked_by_telephone(world: World, api: Api) -> None:
    lead = made.closed(world, entity_id=make_entity(world, 1, **SHOP).pk)
    made.stand_at(asked(lead).expires_at)
    assert api.get(None, link_of(lead)).status_code == 410
    answer = api.post(world.head_of(1), f"leads/{lead.pk}/survey/", HAPPY)
    assert [(row["asked"], row["how"]) for row in answer.json()["surveys"]] == [("shop", "telephone")]


def test_the_shop_is_not_asked_beside_the_citizen(world: World, api: Api) -> None:
    lead = citizens.closed(world, entity_id=make_entity(world, 1).pk)
    assert api.post(world.head_of(1), f"leads/{lead.pk}/survey/", HAPPY).status_code == 200
    assert asked(lead).asked == "citizen"


def test_without_an_address_of_ours_the_answer_goes_out_without_a_link(world: World, settings: Any) -> None:
    settings.SUOSHE_PUBLIC_URL = ""
    lead = citizens.closed(world)
    assert citizens.sms(lead).template == "leads.answer"
    assert asked(lead).token_hash is None


# --- by link -----------------------------------------------------------------------------------------


def test_get_shows_and_answers_nothing(world: World, api: Api) -> None:
    lead = citizens.closed(world, description="桃都面馆后厨")
    before = Survey.objects.values().get()
    shown = api.get(None, link_of(lead))
    assert shown.status_code == 200
    assert shown["Cache-Control"] == "no-store"
    body = shown.json()
    assert body["number"] == lead.number
    assert [one["value"] for one in body["ratings"]] == list(Rating.values)
    assert "面馆" not in shown.content.decode()
    for method in ("get", "head", "options"):
        getattr(api.client, method)(f"/api/v1/{link_of(lead)}")
        getattr(api.client, method)(f"/s/{citizens.token_in(citizens.sms(lead))}/")
    assert Survey.objects.values().get() == before


def test_it_is_answered_once_and_the_same_answer_may_be_sent_again(world: World, api: Api) -> None:
    lead = citizens.closed(world)
    link = link_of(lead)
    said = {"rating": "satisfied", "comment": f"我是{NAME}，打{PHONE}或13712345678"}
    first = api.post(None, link, said)
    assert first.status_code == 200
    assert first.json()["comment"] == "我是诸**，打139****1357或137****5678"
    assert api.post(None, link, said).json() == first.json()
    other = api.post(None, link, HAPPY)
    assert (other.status_code, code_of(other)) == (409, "survey_answered")
    assert code_of(api.get(None, link)) == "survey_answered"
    survey = asked(lead)
    assert (survey.rating, survey.how, survey.entered_by) == ("satisfied", "link", None)
    assert Entry.objects.filter(stream=lead.stream, kind="survey.answered").count() == 1
    assert not Approval.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rating": "perfect"},
        {"rating": None},
        {"rating": "satisfied", "comment": "x" * 501},
        {"rating": "satisfied", "by": "me"},
        {"rating": ["satisfied"]},
        {"rating": "satisfied", "comment": "\x00"},
    ],
)
def test_what_is_no_answer_is_refused(world: World, api: Api, body: Any) -> None:
    lead = citizens.closed(world)
    assert api.post(None, link_of(lead), body).status_code == 400
    assert asked(lead).answered_at is None


def test_after_fourteen_days_the_link_is_over(world: World, api: Api) -> None:
    lead = citizens.closed(world)
    link = link_of(lead)
    made.stand_at(asked(lead).expires_at - timedelta(seconds=1))
    assert api.get(None, link).status_code == 200
    made.stand_at(asked(lead).expires_at)
    for answer in (api.get(None, link), api.post(None, link, HAPPY)):
        assert (answer.status_code, code_of(answer)) == (410, "survey_expired")
    by_telephone = api.post(world.clerk_of(1), f"leads/{lead.pk}/survey/", HAPPY)
    assert by_telephone.status_code == 403  # he took the report


@pytest.mark.parametrize("token", ["x", "Zm9v" * 8, "%F0%9F%90%AD", "a" * 300])
def test_an_unknown_link_is_unknown(world: World, api: Api, token: str) -> None:
    assert api.get(None, f"survey/{token}/").status_code == 404
    assert api.post(None, f"survey/{token}/", HAPPY).status_code == 404
    page = api.client.get(f"/s/{token}/")
    assert page.status_code == 404
    assert "没有找到这个评价链接" in page.content.decode()


def test_too_often_is_too_often(world: World, api: Api, settings: Any) -> None:
    settings.SUOSHE_LINK_RATE = "2/min"
    cache.clear()
    codes = [api.get(None, "survey/nothing/").status_code for _ in range(2)]
    page = api.client.get("/s/nothing/")
    again = api.get(None, "survey/nothing/")
    cache.clear()
    assert codes == [404, 404]
    assert (page.status_code, again.status_code) == (429, 429)
    assert "过于频繁" in page.content.decode()


# --- the page ----------------------------------------------------------------------------------------


def test_the_page_asks_and_takes_one_answer(world: World) -> None:
    lead = citizens.closed(world)
    client = Client(enforce_csrf_checks=True)
    path = f"/s/{citizens.token_in(citizens.sms(lead))}/"
    page = client.get(path)
    text = page.content.decode()
    assert page.status_code == 200
    assert lead.number in text
    assert "非常不满意" in text
    assert page["Referrer-Policy"] == "no-referrer"
    assert page["Cache-Control"] == "no-store"
    assert not page.cookies
    assert "'unsafe" not in page["Content-Security-Policy"]
    empty = client.post(path, {"comment": "没有选"})
    assert empty.status_code == 400
    assert "请选择一项评价" in empty.content.decode()
    assert "没有选" in empty.content.decode()
    thanks = client.post(path, {"rating": "satisfied", "comment": ""})
    assert thanks.status_code == 200
    assert "感谢" in thanks.content.decode()
    assert asked(lead).rating == "satisfied"
    for over in (client.get(path), client.post(path, {"rating": "neutral"})):
        assert over.status_code == 409
        assert "您已经作出评价" in over.content.decode()
    assert client.post(path.rstrip("/"), {"rating": "satisfied"}).status_code == 200
    assert client.put(path).status_code == 405


# --- by telephone ------------------------------------------------------------------------------------


def test_somebody_uninvolved_asks_by_telephone(world: World, api: Api) -> None:
    lead = citizens.closed(world)
    path = f"leads/{lead.pk}/survey/"
    said = {"rating": "neutral", "comment": f"{NAME}说一般"}
    head = world.head_of(1)
    first = api.post(head, path, said)
    assert first.status_code == 200
    (row,) = first.json()["surveys"]
    assert (row["rating"], row["how"], row["entered_by"]["username"]) == (
        "neutral",
        "telephone",
        head.username,
    )
    assert row["comment"] == "诸**说一般"
    assert api.post(head, path, said).json() == first.json()
    assert code_of(api.post(world.user("bureau"), path, HAPPY)) == "survey_answered"
    seen = api.get(world.worker(1), path).json()["surveys"][0]
    assert (seen["rating"], seen["comment"]) == ("neutral", None)
    assert code_of(api.get(None, link_of(lead))) == "survey_answered"


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("clerk", 403, "involved"),
        ("commissioner", 403, "not_surveyor"),
        ("worker", 403, "not_surveyor"),
        ("auditor", 403, "not_surveyor"),
        ("elsewhere", 404, "not_found"),
        ("bureau", 200, None),
        ("duty", 200, None),
        ("keeper", 200, None),
    ],
)
def test_who_may_ask_by_telephone(world: World, api: Api, who: str, status: int, code: str | None) -> None:
    people = {
        "clerk": world.clerk_of(1),
        "commissioner": world.commissioner(1),
        "worker": world.worker(1, 3),
        "elsewhere": world.clerk_of(21),
        "duty": world.duty_of(1),
    }
    lead = citizens.closed(world)
    answer = api.post(people.get(who) or world.user(who), f"leads/{lead.pk}/survey/", HAPPY)
    assert answer.status_code == status
    if code:
        assert code_of(answer) == code


def test_who_handled_it_cannot_be_written_in_whatever_the_code_says(world: World) -> None:
    lead = citizens.closed(world)
    for user in (world.commissioner(1), world.worker(1, 2), world.clerk_of(1)):
        with pytest.raises(IntegrityError, match="by_the_uninvolved"), transaction.atomic():
            Survey.objects.filter(lead=lead).update(
                answered_at=clock.now(), rating="satisfied", how="telephone", entered_by=user
            )


def test_an_answer_is_never_changed(world: World, api: Api) -> None:
    lead = citizens.closed(world)
    api.post(None, link_of(lead), HAPPY)
    with pytest.raises(IntegrityError, match="answered_once"), transaction.atomic():
        Survey.objects.filter(lead=lead).update(rating="neutral")


def test_one_survey_a_round(world: World) -> None:
    lead = citizens.closed(world)
    again = asked(lead)
    with pytest.raises(IntegrityError, match="one_a_round"), transaction.atomic():
        Survey.objects.create(
            lead=lead, round=1, asked="citizen", asked_at=again.asked_at, expires_at=again.expires_at
        )


# --- who is not satisfied ----------------------------------------------------------------------------


def unhappy(world: World, api: Api) -> tuple[Lead, Approval]:
    lead = citizens.closed(world)
    assert api.post(None, link_of(lead), UNHAPPY).status_code == 200
    return lead, Approval.objects.get(subject_kind="lead", subject_id=lead.pk)


def take_any(version: int) -> None:
    """Whatever version it is."""


@pytest.mark.parametrize(
    ("rating", "asks"), [("unsatisfied", True), ("very_unsatisfied", True), ("neutral", False)]
)
def test_who_is_not_satisfied_asks_for_it_to_be_taken_up_again(
    world: World, api: Api, rating: str, asks: bool
) -> None:
    lead = citizens.closed(world)
    said = {"rating": rating, "comment": "没有改"}
    for _ in range(2):
        assert api.post(None, link_of(lead), said).status_code == 200
    assert Approval.objects.filter(kind="lead.reopen").count() == int(asks)
    if asks:
        request = Approval.objects.get()
        assert request.asked_by is None
        assert "没有改" not in request.reason
        assert Deadline.objects.get(subject_kind="approval").due_at == request.due_at
        told = OutboxMessage.objects.filter(template="approvals.asked")
        assert set(told.values_list("recipient__username", flat=True)) == {world.head_of(1).username}


def test_the_head_decides_and_a_new_round_begins(world: World, api: Api) -> None:
    lead, request = unhappy(world, api)
    approvals.decide(approval_id=request.pk, by=world.head_of(1), approve=True, expect=take_any)
    lead = Lead.objects.get(pk=lead.pk)
    assert (lead.state, lead.round, lead.reopen_count) == (State.RESPONDED, 2, 1)
    assert Answer.objects.get(lead=lead).state == AnswerState.CANCELLED
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=made.GUIDED)
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert asked(lead).round == 2
    assert Answer.objects.get(lead=lead, round=2).state == AnswerState.OWED
    assert api.post(None, link_of(lead), HAPPY).status_code == 200


def test_refused_it_stays_closed(world: World, api: Api) -> None:
    lead, request = unhappy(world, api)
    done = approvals.decide(
        approval_id=request.pk, by=world.head_of(1), approve=False, expect=take_any, note="已再次核实"
    )
    assert done.state == "refused"
    assert Lead.objects.get(pk=lead.pk).state == State.CLOSED


def test_what_the_head_leaves_goes_to_the_bureau(world: World, api: Api) -> None:
    lead, request = unhappy(world, api)
    made.pass_time(until=request.due_at)
    request.refresh_from_db()
    assert request.state == "lapsed"
    again = Approval.objects.get(state="waiting")
    told = OutboxMessage.objects.filter(template="approvals.asked", subject_id=again.pk)
    assert world.user("bureau").pk in set(told.values_list("recipient_id", flat=True))
    assert Approval.objects.for_decision_by(world.user("bureau")).get() == again
    assert not Approval.objects.for_decision_by(world.head_of(21)).exists()
    approvals.decide(approval_id=again.pk, by=world.user("bureau"), approve=True, expect=take_any)
    assert Lead.objects.get(pk=lead.pk).round == 2


def test_the_link_of_an_earlier_round_is_void(world: World, api: Api) -> None:
    lead = citizens.closed(world)
    link = link_of(lead)
    reopening.reopen(lead_id=lead.pk, by=world.head_of(1), expect=take_any, reason="群众再次来电")
    answer = api.get(None, link)
    assert (answer.status_code, code_of(answer)) == (410, "survey_voided")
    assert api.post(None, link, HAPPY).status_code == 410
