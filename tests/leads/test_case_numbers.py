"""立案查处: the number of the case in the enforcement system is signed, shown and told with the result."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from credit.models import CreditFact
from grids.demo import World
from leads import lifecycle, reopening
from leads.lifecycle import Outcome
from leads.models import Disposal, DisposalKind, Signature
from tests.factories import leads as made
from tests.factories.grids import make_entity
from tests.factories.leads import take_any
from tests.leads.calls import Api

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
