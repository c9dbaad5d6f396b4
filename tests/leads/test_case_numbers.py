"""立案查处: the number of the case in the enforcement system is signed, shown and told with the result."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from credit.models import CreditFact
from grids.demo import World
from kernel.journal.models import Entry
from leads import case_numbers, lifecycle, reopening
from leads.lifecycle import Outcome
from leads.models import CaseNumber, Disposal, DisposalKind, Lead, Signature
from tests.factories import leads as made
from tests.factories.grids import make_entity
from tests.factories.leads import take_any
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db
NUMBER = "泰肥市监立〔2026〕12号"
FILED = Outcome(DisposalKind.PENALTY, "已立案", case_number=f" {NUMBER} ")


def test_it_is_signed_with_the_result_and_answered(world: World, api: Api) -> None:
    lead = made.responded(world)
    disposal = {"kind": "penalty", "note": "已立案", "case_number": NUMBER}
    answer = api.post(
        world.commissioner(1), f"leads/{lead.pk}/feedback/", {"disposal": disposal}, lead.version
    )
    assert answer.json()["disposal"]["case_number"] == NUMBER
    signed = Signature.objects.get(lead=lead, stage="result").snapshot["signed"]["disposal"]
    assert signed["case_number"] == NUMBER
    timeline = api.get(world.worker(1), f"leads/{lead.pk}/timeline/").content.decode()
    assert NUMBER in timeline


def test_a_result_without_one_is_signed_as_before(world: World) -> None:
    lead = made.fed_back(world)
    signed = Signature.objects.get(lead=lead, stage="result").snapshot["signed"]["disposal"]
    assert set(signed) == {"kind", "note", "rectify_due_at"}


def test_the_ledger_says_which_case_a_withdrawn_finding_became(world: World) -> None:
    lead = made.closed(world, entity_id=make_entity(world).pk)
    lead = reopening.reopen(lead_id=lead.pk, by=world.head_of(1), expect=take_any, reason="群众又有反映")
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=FILED)
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    gone = CreditFact.objects.get(kind="WITHDRAWN", ref=f"lead:{lead.pk}:1:finding")
    assert gone.data["why"] == f"已立案查处（案件编号{NUMBER}），以行政处罚为准"
    assert Disposal.objects.get(lead=lead, round=2).case_number == NUMBER


def test_the_database_takes_it_for_a_penalty_only(world: World) -> None:
    lead = made.responded(world)
    with pytest.raises(IntegrityError, match="leads_disposal_case_of_a_penalty"), transaction.atomic():
        Disposal.objects.create(
            lead=lead, round=1, kind="guided", note="提醒", case_number=NUMBER, by=world.commissioner(1),
            at=lead.reported_at,
        )  # fmt: skip


# --- a number that follows -------------------------------------------------------------------------


def filed(world: World, **fields: Any) -> Lead:
    """A penalty case was filed, its number is not known yet."""
    lead = made.responded(world, **fields)
    outcome = Outcome(DisposalKind.PENALTY, "已立案")
    return lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=outcome)


def verified(world: World, lead: Lead) -> Lead:
    return lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)


def test_one_that_follows_is_entered_once_beside_what_was_signed(world: World, api: Api) -> None:
    lead = filed(world)
    lead = verified(world, lead)
    path, by, number = f"leads/{lead.pk}/case-number/", world.commissioner(1), {"case_number": f" {NUMBER} "}
    signed = list(Signature.objects.filter(lead=lead).values_list("digest", flat=True))
    assert api.post(by, path, number, lead.version - 1).status_code == 412
    answer = api.post(by, path, number, lead.version)
    assert (answer.status_code, answer.json()["version"]) == (200, lead.version + 1), answer.content
    assert (answer.json()["state"], answer.json()["disposal"]["case_number"]) == ("closed", NUMBER)
    assert list(Signature.objects.filter(lead=lead).values_list("digest", flat=True)) == signed
    assert Disposal.objects.get(lead=lead).case_number == ""
    assert api.post(by, path, number, lead.version).status_code == 200, "the same again"
    other = api.post(by, path, {"case_number": "另一个"}, lead.version + 1)
    assert (other.status_code, code_of(other)) == (409, "case_number_there")
    listed = api.get(world.worker(1, 2), "leads/").json()["results"]
    assert [one["disposal"]["case_number"] for one in listed if one["id"] == lead.pk] == [NUMBER]
    [entry] = Entry.objects.filter(stream=lead.stream, kind="lead.case_numbered")
    assert (entry.actor_id, entry.data) == (by.pk, {"round": 1, "number": NUMBER})
    with pytest.raises(DatabaseError), transaction.atomic():
        CaseNumber.objects.update(number="改过的")


def test_who_enters_it_and_of_which_result(world: World, api: Api) -> None:
    lead = filed(world)
    number = {"case_number": NUMBER}
    for who, status in (
        (world.worker(1), 403),
        (world.user("auditor"), 403),
        (world.commissioner(21), 404),
        (world.clerk_of(1), 200),
    ):
        answer = api.post(who, f"leads/{lead.pk}/case-number/", number, lead.version)
        assert answer.status_code == status, answer.content
    for other in (made.fed_back(world), made.responded(world)):
        answer = api.post(world.commissioner(1), f"leads/{other.pk}/case-number/", number, other.version)
        assert (answer.status_code, code_of(answer)) == (409, "not_a_penalty")
    for wrong in ({"case_number": " "}, {"case_number": "一" * 61}, {}, {"case_number": "\x00"}):
        path = f"leads/{lead.pk}/case-number/"
        assert api.post(world.commissioner(1), path, wrong, lead.version).status_code == 400, wrong


def test_one_that_was_signed_is_not_entered_again(world: World, api: Api) -> None:
    lead = made.responded(world)
    lead = lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=FILED)
    path = f"leads/{lead.pk}/case-number/"
    assert api.post(world.commissioner(1), path, {"case_number": NUMBER}, 1).status_code == 200
    answer = api.post(world.commissioner(1), path, {"case_number": "另一个"}, lead.version)
    assert (answer.status_code, code_of(answer)) == (409, "case_number_there")
    assert not CaseNumber.objects.exists()


def test_known_before_closing_it_stands_in_the_ledger(world: World) -> None:
    lead = made.closed(world, entity_id=make_entity(world).pk)
    lead = reopening.reopen(lead_id=lead.pk, by=world.head_of(1), expect=take_any, reason="群众又有反映")
    outcome = Outcome(DisposalKind.PENALTY, "已立案")
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=outcome)
    case_numbers.enter(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, number=NUMBER)
    verified(world, lead)
    gone = CreditFact.objects.get(kind="WITHDRAWN", ref=f"lead:{lead.pk}:1:finding")
    assert gone.data["why"] == f"已立案查处（案件编号{NUMBER}），以行政处罚为准"
