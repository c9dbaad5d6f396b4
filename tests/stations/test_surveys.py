"""满意度: asked once a round of the consumer alone; an unhappy answer asks for a new round."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import Settings

from kernel.approvals import decide
from kernel.approvals.models import Approval
from kernel.errors import Conflict, Gone, NotAllowed
from kernel.notices import telephones
from kernel.notices.models import OutboxMessage
from leads.models import Rating
from stations import official, surveys
from stations.models import Dispute, DisputeSurvey, WordWay
from stations.states import State, Tier
from tests.factories import stations as made
from tests.factories.leads import pass_time, take_any
from tests.factories.stations import Place

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def public_address(settings: Settings) -> None:
    settings.SUOSHE_PUBLIC_URL = "https://suoshe.example.gov.cn"
    settings.SUOSHE_SMS = {"URL": "http://127.0.0.1:9/", "KEY": "k"}


def link_of(row: Dispute) -> str:
    """The token that the consumer's SMS holds."""
    sms = OutboxMessage.objects.filter(subject_kind="dispute", subject_id=row.pk, sealed__gt="")
    for one in sms.order_by("-id"):
        parcel: Any = telephones.opened(one)
        found = re.search(r"/s/([^/]+)/", str(parcel))
        if found:
            return found.group(1)
    raise AssertionError("no link was sent")


def rate(row: Dispute, rating: Rating, comment: str = "") -> Any:
    return surveys.answer_by_link(link_of(row), rating, comment)


def test_the_sms_that_tells_the_end_asks_the_question(around: Place, client: Client) -> None:
    row = made.settled(around)
    survey = DisputeSurvey.objects.get(dispute=row)
    assert survey.token_hash is not None
    token = link_of(row)
    assert token.startswith("d.")
    page = client.get(f"/s/{token}/")
    assert page.status_code == 200
    text = page.content.decode()
    assert row.number in text
    assert around.shop.name not in text
    assert made.NAME not in text
    survey.refresh_from_db()
    assert survey.answered_at is None, "GET answers nothing"
    api = client.get(f"/api/v1/survey/{token}/")
    assert api.status_code == 200
    assert api.json()["done"] == "您反映的消费纠纷已当场和解"
    said = client.post(f"/s/{token}/", {"rating": "satisfied", "comment": "很快"})
    assert said.status_code == 200
    survey.refresh_from_db()
    assert (survey.rating, survey.comment, survey.how) == ("satisfied", "很快", "link")
    other = client.post(f"/api/v1/survey/{token}/", {"rating": "neutral", "comment": ""}, "application/json")
    assert other.status_code == 409, "answered once"
    assert client.get("/s/d.nothing/").status_code == 404
    assert client.get("/s/x.nothing/").status_code == 404


def test_the_same_answer_may_be_sent_again(around: Place) -> None:
    row = made.settled(around)
    first = rate(row, Rating.SATISFIED, "好")
    assert rate(row, Rating.SATISFIED, "好") == first
    with pytest.raises(Conflict):
        rate(row, Rating.NEUTRAL)


@pytest.mark.parametrize("make", [made.withdrawn, made.refused])
def test_who_took_it_back_or_was_refused_is_not_asked(around: Place, make: Any) -> None:
    assert not DisputeSurvey.objects.filter(dispute=make(around)).exists()


def test_our_own_people_are_never_asked(around: Place) -> None:
    row = made.settled(around, phone=around.mediator.phone)
    assert not DisputeSurvey.objects.filter(dispute=row).exists()


def test_a_link_is_good_for_a_while(around: Place) -> None:
    row = made.settled(around)
    pass_time(timedelta(days=15))
    with pytest.raises(Gone):
        rate(row, Rating.SATISFIED)


def test_by_telephone_somebody_uninvolved_enters_it(around: Place) -> None:
    row = made.settled(around)
    with pytest.raises(NotAllowed) as refused:
        surveys.record_by_telephone(
            dispute_id=row.pk, by=around.again(around.mediator), rating=Rating.SATISFIED
        )
    assert refused.value.code == "not_surveyor"
    done = surveys.record_by_telephone(
        dispute_id=row.pk, by=around.clerk, rating=Rating.SATISFIED, comment=f"{made.NAME}满意"
    )
    assert (done.how, done.entered_by) == ("telephone", around.clerk)
    assert made.NAME not in done.comment


def test_the_database_holds_the_uninvolved(around: Place) -> None:
    row = made.settled(around)
    survey = DisputeSurvey.objects.filter(dispute=row)
    with pytest.raises(IntegrityError, match="uninvolved"), transaction.atomic():
        survey.update(
            rating="satisfied", how="telephone", entered_by=around.mediator, answered_at=row.registered_at
        )


def test_an_unhappy_one_asks_for_a_new_round(around: Place) -> None:
    row = made.settled(around)
    rate(row, Rating.UNSATISFIED, "店家没退钱")
    asked = Approval.objects.get(kind="dispute.reopen")
    assert asked.asked_by is None
    assert asked.state == "waiting"
    head = around.world.head_of(around.number)
    decide(approval_id=asked.pk, by=head, approve=True, expect=take_any)
    row.refresh_from_db()
    assert (row.state, row.tier, row.round) == (State.MEDIATING, Tier.COMMUNITY, 2)
    assert (row.outcome, row.ended_at) == ("", None)
    assert row.station == around.station


def test_refused_it_stays_as_it_ended(around: Place) -> None:
    row = made.settled(around)
    rate(row, Rating.VERY_UNSATISFIED)
    asked = Approval.objects.get(kind="dispute.reopen")
    decide(approval_id=asked.pk, by=around.world.head_of(1), approve=False, expect=take_any, note="已核实")
    row.refresh_from_db()
    assert (row.state, row.round) == (State.SETTLED, 1)


def test_unanswered_it_comes_to_the_bureau_too(around: Place) -> None:
    row = made.settled(around)
    rate(row, Rating.UNSATISFIED)
    pass_time(timedelta(days=6))
    again = Approval.objects.get(kind="dispute.reopen", state="waiting")
    assert again.payload["level"] == "bureau"
    bureau = around.world.user("bureau")
    assert Approval.objects.visible_to(bureau).filter(pk=again.pk).exists()


def test_whoever_goes_on_to_the_office_voids_the_question(around: Place) -> None:
    row = made.not_reached(around)
    token = link_of(row)
    official.to_official(
        dispute_id=row.pk, by=around.again(around.mediator), expect=take_any, way=WordWay.TELEPHONE
    )
    with pytest.raises(Gone) as over:
        surveys.answer_by_link(token, Rating.SATISFIED, "")
    assert over.value.code == "survey_voided"
    row.refresh_from_db()
    assert row.round == 2, "and is asked anew when the office has done"
