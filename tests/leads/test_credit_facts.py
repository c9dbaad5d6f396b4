"""What leads tell the credit ledger: which facts, once each, withdrawn where a later round says otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credit.models import CreditFact, DirtyEntity
from grids.demo import World
from grids.models import EntityContact
from kernel import approvals, clock
from kernel.approvals.models import Approval
from kernel.clock import local_date
from leads import lifecycle, look_backs, matters, merging, rechecks, rejection, reopening, settling
from leads.lifecycle import Outcome
from leads.models import DisposalKind, Lead, LookBack, Method, Plan, RejectReason
from leads.models.platform import MatterKind
from tests.factories import leads as made
from tests.factories.after import cleared, ordered, rectify
from tests.factories.grids import make_entity
from tests.factories.leads import GUIDED, pass_time, take_any
from tests.factories.ledger import check_facts, counting, open_in_ledger, told
from tests.factories.tip_offs import given

pytestmark = pytest.mark.django_db
NOTHING = Outcome(DisposalKind.NO_PROBLEM, "现场未发现问题")


def shop(world: World) -> dict[str, Any]:
    return {"entity_id": make_entity(world).pk}


def again(world: World, lead: Lead, outcome: Outcome) -> Lead:
    """The next round, up to its closing."""
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=outcome)
    return lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)


def reopened(world: World, lead: Lead) -> Lead:
    return reopening.reopen(lead_id=lead.pk, by=world.head_of(1), expect=take_any, reason="群众又有反映")


def recheck(world: World, lead: Lead, passed: bool) -> Lead:
    return rechecks.recheck(
        lead_id=lead.pk, by=world.commissioner(1), expect=take_any, passed=passed, note="复查"
    )


def countersign(world: World, lead: Lead) -> Lead:
    return rechecks.countersign(lead_id=lead.pk, by=world.worker(1, 3), expect=take_any)


def correct(world: World, lead: Lead) -> Lead:
    return rechecks.correct(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any, note="已整改")


def look_back(world: World, lead: Lead, passed: bool) -> LookBack:
    row = LookBack.objects.waiting().filter(lead=lead).order_by("number")[0]
    pass_time(until=row.opens_at)
    return look_backs.complete(
        look_back_id=row.pk, by=world.worker(1, 2), expect=take_any, passed=passed, note="回头看"
    )


def test_a_report_that_names_a_shop_opens_it_in_the_same_statement(world: World) -> None:
    entity = make_entity(world)
    made.reported(world)
    with CaptureQueriesContext(connection) as without:
        made.reported(world)
    with CaptureQueriesContext(connection) as queries:
        lead = made.reported(world, entity_id=entity.pk)
    assert len(queries) == len(without)
    assert told(lead) == ["LEAD_OPENED"]
    assert DirtyEntity.objects.filter(entity=entity).exists()
    fact = counting(lead)[0]
    assert (fact.source, fact.at) == (f"lead:{lead.pk}:opened:1", lead.reported_at)
    assert fact.data == {"what": "无照经营", "number": lead.number}


def test_guidance_leaves_a_finding_and_put_right_on_the_spot_also_that(world: World) -> None:
    guided = made.closed(world, **shop(world))
    assert told(guided) == ["LEAD_OPENED", "FINDING MODERATE 1", "LEAD_CLOSED"]
    lead = made.reported(world, fixed_on_spot=True, **shop(world))
    settling.settle(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert told(lead) == ["LEAD_OPENED", "FINDING MODERATE 1", "RECTIFICATION_DONE ON_TIME 1", "LEAD_CLOSED"]


@pytest.mark.parametrize(
    "outcome",
    [
        NOTHING,
        Outcome(DisposalKind.PENALTY, "立案"),
        Outcome(DisposalKind.HANDED_OVER, "移交公安", department="police"),
    ],
)
def test_what_is_no_finding_only_ends(world: World, outcome: Outcome) -> None:
    assert told(made.closed(world, outcome=outcome, **shop(world))) == ["LEAD_OPENED", "LEAD_CLOSED"]


def test_an_order_says_until_when_and_the_first_recheck_that_passes_is_on_time(world: World) -> None:
    lead = ordered(world, days=3, **shop(world))
    assert told(lead)[1:] == ["FINDING MODERATE 1", "RECTIFICATION_ORDERED MODERATE 1", "LEAD_CLOSED"]
    order = next(row for row in counting(lead) if row.kind == "RECTIFICATION_ORDERED")
    assert order.until == local_date(clock.now() + timedelta(days=3))
    countersign(world, recheck(world, lead, True))
    assert told(lead)[-1] == "RECTIFICATION_DONE ON_TIME 1"
    look_back(world, lead, True)
    assert told(lead)[-1] == "LOOK_BACK_PASSED 1 1"


def test_proof_in_time_is_done_on_time_and_counts_once(world: World) -> None:
    lead = ordered(world, **shop(world))
    correct(world, lead)
    correct(world, lead)
    countersign(world, recheck(world, lead, True))
    assert told(lead).count("RECTIFICATION_DONE ON_TIME 1") == 1
    check_facts(lead)


def test_the_ordered_date_passes_and_the_recheck_still_decides(world: World) -> None:
    lead = ordered(world, days=3, **shop(world))
    pass_time(timedelta(days=4))
    assert told(lead)[-1] == "RECTIFICATION_OVERDUE MODERATE 1"
    correct(world, lead)
    assert told(lead)[-1] == "RECTIFICATION_OVERDUE MODERATE 1"
    countersign(world, recheck(world, lead, True))
    assert told(lead)[-1] == "RECTIFICATION_DONE ON_TIME 1"


def test_what_passed_before_the_closing_is_told_with_it(world: World) -> None:
    lead = made.fed_back(world, outcome=rectify(3), **shop(world))
    correct(world, lead)
    pass_time(timedelta(days=4))
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert "RECTIFICATION_DONE ON_TIME 1" in told(lead)
    late = made.fed_back(world, outcome=rectify(3), **shop(world))
    pass_time(timedelta(days=4))
    assert told(late) == ["LEAD_OPENED"]
    lifecycle.verify(lead_id=late.pk, by=world.worker(1, 2), expect=take_any)
    assert "RECTIFICATION_OVERDUE MODERATE 1" in told(late)


def test_a_failed_recheck_takes_the_proof_back_and_the_finding_is_not_told_twice(world: World) -> None:
    lead = ordered(world, days=3, **shop(world))
    correct(world, lead)
    pass_time(timedelta(days=4))
    recheck(world, lead, False)
    assert told(lead) == [
        "LEAD_OPENED", "FINDING MODERATE 1", "RECTIFICATION_ORDERED MODERATE 1", "LEAD_CLOSED",
        "LEAD_OPENED", "RECTIFICATION_OVERDUE MODERATE 1",
    ]  # fmt: skip
    lead = again(world, lead, rectify(3))
    assert told(lead)[6:] == ["RECTIFICATION_ORDERED MODERATE 2", "LEAD_CLOSED"]
    countersign(world, recheck(world, lead, True))
    assert told(lead)[8:] == ["RECTIFICATION_DONE LATE 2", "RECTIFICATION_DONE LATE 1"]
    check_facts(lead)


def test_failed_before_its_date_it_is_overdue_only_from_then_on(world: World) -> None:
    lead = ordered(world, days=5, **shop(world))
    correct(world, lead)
    recheck(world, lead, False)
    late = next(row for row in counting(lead) if row.kind == "RECTIFICATION_OVERDUE")
    assert late.happened_on == local_date(clock.now() + timedelta(days=6))
    lead = again(world, lead, GUIDED)
    assert told(lead)[-2:] == ["RECTIFICATION_DONE ON_TIME 1", "LEAD_CLOSED"]


def test_a_relapse_is_a_new_problem(world: World) -> None:
    lead = cleared(world, **shop(world))
    look_back(world, lead, False)
    assert told(lead)[-2:] == ["LOOK_BACK_FAILED 1 1", "LEAD_OPENED"]
    lead.refresh_from_db()
    lead = again(world, lead, rectify(3))
    assert "FINDING MODERATE 1" in told(lead)
    assert "FINDING SERIOUS 2" in told(lead)
    check_facts(lead)


def test_reopened_and_nothing_found_the_finding_is_withdrawn(world: World) -> None:
    lead = reopened(world, made.closed(world, **shop(world)))
    assert open_in_ledger(lead)
    lead = again(world, lead, NOTHING)
    assert told(lead) == ["LEAD_OPENED", "LEAD_CLOSED", "LEAD_OPENED", "LEAD_CLOSED"]
    assert CreditFact.objects.filter(kind="WITHDRAWN", ref=f"lead:{lead.pk}:1:finding").exists()


def test_reopened_and_found_again_there_is_one_finding(world: World) -> None:
    lead = again(world, reopened(world, made.closed(world, **shop(world))), rectify(3))
    assert [one for one in told(lead) if "FINDING" in one] == ["FINDING MODERATE 2"]
    filed = again(world, reopened(world, lead), Outcome(DisposalKind.PENALTY, "立案"))
    assert not [one for one in told(filed) if "FINDING" in one]
    assert "RECTIFICATION_DONE ON_TIME 2" in told(filed)


def test_a_complaint_found_true_scores_as_one(world: World) -> None:
    assert "COMPLAINT SUBSTANTIATED 1" in told(made.closed(world, category="C01", **shop(world)))
    both = given(world, 1, MatterKind.REQUEST, MatterKind.COMPLAINT, **shop(world))
    lead = matters.take(both, by=world.clerk_of(1)).matter.lead
    assert lead is not None
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)
    lead = again(world, lead, GUIDED)
    assert "COMPLAINT SUBSTANTIATED 1" in told(lead)
    assert not any("FINDING" in one for one in told(lead))


def test_rejected_and_merged_leads_end_and_an_unmerged_one_is_open_again(world: World) -> None:
    named = shop(world)
    lead, other = made.reported(world, **named), made.reported(world, **named)
    clerk = world.clerk_of(1)
    for _ in range(2):
        merging.merge(lead_id=lead.pk, by=clerk, expect=take_any, into_id=other.pk)
        assert not open_in_ledger(lead)
        merging.unmerge(lead_id=lead.pk, by=clerk, expect=take_any, reason="不是一回事")
        assert open_in_ledger(lead)
    rejection.reject(
        lead_id=lead.pk,
        by=world.commissioner(1),
        expect=take_any,
        reason_kind=RejectReason.UNTRUE,
        note="查无",
    )
    row = Approval.objects.waiting().get(subject_kind="lead", subject_id=lead.pk)
    approvals.decide(approval_id=row.pk, by=world.worker(1, 2), approve=True, expect=take_any, note="")
    assert not open_in_ledger(lead)
    assert open_in_ledger(other)


def test_a_tip_off_leaves_nothing_at_the_shop(world: World) -> None:
    """举报: neither in the ledger nor among those who called."""
    entity = make_entity(world)
    lead = matters.take(
        given(world, 1, MatterKind.TIP_OFF, entity_id=entity.pk), by=world.clerk_of(1)
    ).matter.tip_off
    assert lead is not None
    assert lead.restricted
    assert lead.entity_id == entity.pk
    owner = lead.assignee
    assert owner is not None
    lifecycle.respond(lead_id=lead.pk, by=owner, expect=take_any)
    lifecycle.control(lead_id=lead.pk, by=owner, expect=take_any, note="已查")
    lifecycle.feed_back(lead_id=lead.pk, by=owner, expect=take_any, outcome=GUIDED)
    lifecycle.verify(lead_id=lead.pk, by=world.head_of(1), expect=take_any)
    reopened(world, lead)
    assert not CreditFact.objects.filter(entity=entity).exists()
    assert not DirtyEntity.objects.filter(entity=entity).exists()
    assert not EntityContact.objects.filter(entity=entity).exists()


def purposes(lead: Lead) -> list[str]:
    rows = EntityContact.objects.filter(entity=lead.entity_id).order_by("at", "id")
    return list(rows.values_list("purpose", flat=True))


def test_who_enters_for_a_lead_is_written_down_once_a_day(world: World) -> None:
    lead = made.responded(world, **shop(world))
    assert purposes(lead) == []
    lifecycle.control(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, note="已封存")
    lead = again(world, lead, rectify(3))
    assert purposes(lead) == ["LEAD", "VERIFY"]
    countersign(world, recheck(world, lead, True))
    look_back(world, lead, True)
    assert purposes(lead) == ["LEAD", "VERIFY", "RECHECK", "LOOK_BACK"]


def test_by_telephone_and_from_photos_nobody_entered(world: World) -> None:
    lead = made.reported(world, category="L02", **shop(world))
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, plan=Plan.BY_PHONE)
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any, method=Method.PHOTO)
    assert purposes(lead) == []


def test_a_finding_put_right_on_the_spot_goes_with_what_put_it_right(world: World) -> None:
    lead = made.reported(world, fixed_on_spot=True, **shop(world))
    settling.settle(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    lead = again(world, reopened(world, lead), rectify(3))
    assert told(lead)[3:] == ["FINDING MODERATE 2", "RECTIFICATION_ORDERED MODERATE 2", "LEAD_CLOSED"]
    check_facts(lead)
