"""柔性指导与容错纠错: one tap; and the tests, the chain, two officers, or back to the owner."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from grids import absences, duplicates
from grids.demo import World
from grids.models import DuplicatePair
from kernel import approvals, clock
from kernel.approvals.models import Approval
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, NotAllowed
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from leads import dispatch, leniency, lifecycle, signing
from leads.leniency import Counts
from leads.lifecycle import Outcome
from leads.models import DisposalKind, Guidance, Lead, LeniencyDecision, OfficerSignature
from tests.factories import leads as made
from tests.factories.grids import make_entity
from tests.factories.leads import pass_time, take_any
from tests.leads.calls import Api, code_of
from tests.leads.test_intake import photo_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(world: World) -> Any:
    return make_entity(world, 1)


def taken(world: World, shop: Any, **fields: Any) -> Lead:
    """A minor lead about the shop, taken by its commissioner."""
    return made.responded(world, entity_id=shop.pk, category="L02", **fields)


def proposal(world: World, api: Api, **fields: Any) -> dict[str, Any]:
    said = {
        "route": "FIRST_MINOR",
        "harm": "minor",
        "corrected_at": (clock.now() - timedelta(minutes=5)).isoformat(),
        "guidance": "已当面讲解亮照经营的规定",
        **fields,
    }
    photo = photo_of(api, world.commissioner(1))
    return {
        "disposal": {"kind": "leniency", "note": "首次未亮照，已当场改正", "leniency": said},
        "evidence": [photo["id"]],
    }


def propose(world: World, api: Api, lead: Lead, **fields: Any) -> Any:
    return api.post(
        world.commissioner(1), f"leads/{lead.pk}/feedback/", proposal(world, api, **fields), lead.version
    )


def proposed(world: World, api: Api, shop: Any) -> Lead:
    lead = taken(world, shop)
    answer = propose(world, api, lead)
    assert answer.status_code == 200, answer.content
    lead.refresh_from_db()
    return lead


def decide(world: World, lead: Lead, by: str, *, approve: bool = True, note: str = "") -> Approval:
    waiting = Approval.objects.of("lead", lead.pk).waiting().get()
    return approvals.decide(
        approval_id=waiting.pk, by=world.user(by), approve=approve, expect=take_any, note=note
    )


def agreed_by_all(world: World, lead: Lead) -> None:
    for by in (world.head_of(1).username, "section-legal", "leader"):
        decide(world, lead, by)


def sign(world: World, api: Api, lead: Lead, by: Any, **body: Any) -> Any:
    lead.refresh_from_db()
    return api.post(by, f"leads/{lead.pk}/leniency/sign/", body, lead.version)


# --- the road ----------------------------------------------------------------------------------------


def test_the_whole_chain_to_the_closing(world: World, api: Api, shop: Any) -> None:
    lead = proposed(world, api, shop)
    decision = LeniencyDecision.objects.get(lead=lead)
    assert (decision.state, decision.is_first, decision.guidance.lead_id) == ("proposed", True, lead.pk)
    clocks = dict(
        Deadline.objects.filter(subject_kind="lead", subject_id=lead.pk).values_list("kind", "state")
    )
    assert (clocks["feedback"], clocks["verify"], clocks["verify_stead"]) == ("met", "paused", "paused")
    pass_time(timedelta(hours=6))
    agreed_by_all(world, lead)
    decision.refresh_from_db()
    assert decision.state == "decided"
    first = sign(world, api, lead, world.commissioner(1), card_number="SD-0001")
    assert first.status_code == 200, first.content
    assert code_of(sign(world, api, lead, world.head_of(1), card_number="SD-0002")) == "form_number"
    assert (
        code_of(sign(world, api, lead, world.head_of(1), card_number="SD-0001", form_number="2026-01"))
        == "same_card"
    )
    second = sign(world, api, lead, world.head_of(1), card_number="SD-0002", form_number="2026-01")
    assert second.status_code == 200, second.content
    decision.refresh_from_db()
    assert (decision.state, decision.form_number) == ("completed", "2026-01")
    assert OfficerSignature.objects.filter(decision=decision).count() == 2
    verify = Deadline.objects.get(subject_kind="lead", subject_id=lead.pk, kind="verify")
    assert (verify.state, verify.due_at) == ("running", clock.now() + timedelta(hours=24))
    lead.refresh_from_db()
    assert lead.closing_due_at == lead.feedback_due_at + timedelta(hours=30)
    closed = lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert closed.state == "closed"


def test_nobody_verifies_or_sends_back_what_is_being_decided(world: World, api: Api, shop: Any) -> None:
    lead = proposed(world, api, shop)
    for work in (
        lambda: lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any),
        lambda: lifecycle.rework(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any, reason="不行"),
    ):
        with pytest.raises(Conflict) as refused, transaction.atomic():
            work()
        assert refused.value.code == "leniency_pending"


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_refused_at_any_stage_it_goes_back_to_its_owner(
    world: World, api: Api, shop: Any, stage: int
) -> None:
    lead = proposed(world, api, shop)
    people = [world.head_of(1).username, "section-legal", "leader"]
    for by in people[:stage]:
        decide(world, lead, by)
    decide(world, lead, people[stage], approve=False, note="不是轻微违法")
    lead.refresh_from_db()
    assert (lead.state, lead.round) == ("responded", 2)
    assert LeniencyDecision.objects.get(lead=lead).state == "refused"
    assert lead.reworks.get().reason == "容错纠错未同意：不是轻微违法"
    feedback = Deadline.objects.get(subject_kind="lead", subject_id=lead.pk, kind="feedback", cycle=2)
    assert feedback.state == "running"
    assert not Deadline.objects.filter(
        subject_kind="lead", subject_id=lead.pk, kind="verify", state="paused"
    ).exists()
    again = propose(world, api, lead)
    assert again.status_code == 200, again.content


def test_the_proposer_decides_no_stage_and_nobody_two(world: World, api: Api, shop: Any) -> None:
    lead = proposed(world, api, shop)
    waiting = Approval.objects.of("lead", lead.pk).waiting().get()
    path = f"approvals/{waiting.pk}/approve/"
    assert api.post(world.commissioner(1), path, {}, waiting.version).status_code == 403
    decide(world, lead, world.head_of(1).username)
    second = Approval.objects.of("lead", lead.pk).waiting().get()
    assert (second.kind, second.payload["earlier"]) == ("lead.leniency_legal", [world.head_of(1).pk])


def test_what_nobody_decides_is_asked_again_with_the_bureau_beside(world: World, api: Api, shop: Any) -> None:
    lead = proposed(world, api, shop)
    pass_time(timedelta(hours=25))
    states = list(Approval.objects.of("lead", lead.pk).order_by("id").values_list("state", flat=True))
    assert states == ["lapsed", "waiting"]
    assert decide(world, lead, "bureau").state == "approved"


# --- the tests of the routes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"harm": "none"}, "harm_not_fitting"),
        ({"corrected_at": None}, "correction_required"),
        ({"guidance": ""}, "guidance_required"),
        ({"route": "NO_FAULT", "proof": ""}, "proof_required"),
        ({"route": "MINOR_NO_HARM", "harm": "minor"}, "harm_not_fitting"),
    ],
)
def test_every_test_of_the_route_must_hold(
    world: World, api: Api, shop: Any, fields: dict[str, Any], code: str
) -> None:
    lead = taken(world, shop)
    answer = propose(world, api, lead, **fields)
    assert (answer.status_code, code_of(answer)) == (409, code)
    assert not LeniencyDecision.objects.exists()


def test_it_needs_evidence_a_shop_and_a_sorted_category(world: World, api: Api, shop: Any) -> None:
    lead = taken(world, shop)
    bare = proposal(world, api) | {"evidence": []}
    path = f"leads/{lead.pk}/feedback/"
    assert code_of(api.post(world.commissioner(1), path, bare, lead.version)) == "evidence_required"
    assert code_of(propose(world, api, made.responded(world))) == "entity_required"
    unsorted = made.responded(world, entity_id=shop.pk, category="00")
    assert code_of(propose(world, api, unsorted)) == "sort_first"
    serious = taken(world, shop, severity="SERIOUS")
    assert code_of(propose(world, api, serious)) == "too_serious"
    plain = {"disposal": {"kind": "leniency", "note": "x"}}
    assert code_of(api.post(world.commissioner(1), path, plain, lead.version)) == "leniency"


def test_first_is_looked_up(world: World, api: Api, shop: Any) -> None:
    due = clock.now() + timedelta(days=3)
    earlier = made.fed_back(
        world, entity_id=shop.pk, category="L02", outcome=Outcome(DisposalKind.RECTIFY, "责令改正", due)
    )
    lead = taken(world, shop)
    told = api.get(world.commissioner(1), f"leads/{lead.pk}/first-offence/").json()
    assert (told["is_first"], told["earlier"]) == (False, [earlier.number])
    assert code_of(propose(world, api, lead)) == "not_first"
    assert propose(world, api, lead, route="MINOR_NO_HARM", harm="none").status_code == 200
    assert LeniencyDecision.objects.get(lead=lead).is_first is False


def test_another_type_and_an_old_one_do_not_count(world: World, api: Api, shop: Any) -> None:
    due = clock.now() + timedelta(days=3)
    rectify = Outcome(DisposalKind.RECTIFY, "责令改正", due)
    made.fed_back(world, entity_id=shop.pk, category="L01", outcome=rectify)
    old = made.fed_back(world, entity_id=shop.pk, category="L02", outcome=rectify)
    window = timedelta(days=730)
    found = leniency.history(
        entity_id=shop.pk, category_id="L02", at=clock.now() + window + timedelta(seconds=1), window=window
    )
    assert found.is_first
    found = leniency.history(entity_id=shop.pk, category_id="L02", at=clock.now(), window=window)
    assert found.earlier == [old.number]


def test_a_shop_that_was_entered_twice_has_one_record(world: World, api: Api, shop: Any) -> None:
    """Whichever entry a lead names, until they are judged to be two after all."""
    again = make_entity(world, 1)
    pair = DuplicatePair.objects.create(first=shop, second=again, why="联系电话相同", found_at=clock.now())
    earlier = proposed(world, api, again)
    lead = taken(world, shop)
    path = f"leads/{lead.pk}/first-offence/"
    assert api.get(world.commissioner(1), path).json()["is_first"] is True
    duplicates.judge(pair_id=pair.pk, by=world.clerk_of(1), same=True)
    assert api.get(world.commissioner(1), path).json()["earlier"] == [earlier.number]
    assert code_of(propose(world, api, lead)) == "not_first"
    duplicates.judge(pair_id=pair.pk, by=world.clerk_of(1), same=False, note="是两家", revise=True)
    assert api.get(world.commissioner(1), path).json()["is_first"] is True


def test_what_is_still_being_decided_counts_and_is_not_the_first_twice(
    world: World, api: Api, shop: Any
) -> None:
    first = proposed(world, api, shop)
    second = taken(world, shop)
    refused = propose(world, api, second)
    assert code_of(refused) == "not_first"
    assert first.number in refused.content.decode()
    decide(world, first, world.head_of(1).username, approve=False, note="情节不符")
    assert propose(world, api, second).status_code == 200, "what was refused is no decision"


# --- truth in the database ---------------------------------------------------------------------------


def test_a_decision_cannot_be_rewritten_or_completed_without_two(world: World, api: Api, shop: Any) -> None:
    lead = proposed(world, api, shop)
    rows = LeniencyDecision.objects.filter(lead=lead)
    at = clock.now()
    for change in (
        {"route": "NO_FAULT", "proof": "x"},
        {"state": "completed", "decided_at": at, "completed_at": at, "form_number": "1"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)


# --- guidance ----------------------------------------------------------------------------------------


def tap(**fields: Any) -> dict[str, Any]:
    return {"client_uid": str(uuid.uuid4()), "kind": "remind", "note": "请及时更换健康证", **fields}


def test_guidance_in_one_tap_and_again(world: World, api: Api, shop: Any) -> None:
    path, sent = f"entities/{shop.pk}/guidance/", tap()
    first, again = api.post(world.worker(1), path, sent), api.post(world.worker(1), path, sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    other = api.post(world.worker(1), path, sent | {"note": "换了"})
    assert (other.status_code, code_of(other)) == (409, "client_uid_conflict")
    listed = api.get(world.commissioner(1), path).json()["results"]
    assert [one["id"] for one in listed] == [first.json()["id"]]
    assert Entry.objects.filter(stream=f"entity:{shop.pk}", kind="guidance.given").count() == 1


def test_who_may_guide(world: World, api: Api, shop: Any) -> None:
    path = f"entities/{shop.pk}/guidance/"
    assert api.post(world.commissioner(1), path, tap()).status_code == 201
    assert api.post(world.worker(21), path, tap()).status_code == 404
    assert api.post(world.user("auditor"), path, tap()).status_code == 403
    assert api.post(None, path, tap()).status_code == 401


def test_a_guided_result_is_guidance_and_nothing_is_typed_twice(world: World, shop: Any) -> None:
    lead = made.fed_back(world, entity_id=shop.pk)
    given = Guidance.objects.get()
    assert (given.lead_id, given.entity_id, given.note) == (lead.pk, shop.pk, made.GUIDED.note)


def test_shops_are_counted_apart(world: World, api: Api, shop: Any) -> None:
    other = make_entity(world, 1)
    for _ in range(2):
        api.post(world.worker(1), f"entities/{other.pk}/guidance/", tap())
    lead = proposed(world, api, shop)
    agreed_by_all(world, lead)
    sign(world, api, lead, world.commissioner(1), card_number="SD-0001", form_number="2026-01")
    sign(world, api, lead, world.head_of(1), card_number="SD-0002")
    since, until = clock.now() - timedelta(days=1), clock.now() + timedelta(days=1)
    assert leniency.counts(since=since, until=until) == Counts(entities=2, guided=2, lenient=1)
    day = clock.local_date(clock.now()).isoformat()
    path = "leniency-decisions/counts/"
    told = api.get(world.user("bureau"), path, since=day, until=day).json()
    assert (told["entities"], told["guided"], told["lenient"]) == (2, 2, 1)
    assert api.get(world.user("bureau"), path, since=day, until="2020-01-01").status_code == 400
    assert api.get(world.user("bureau"), path, since="1-1-1").status_code == 400
    assert api.get(world.worker(1), path, since=day, until=day).status_code == 403


def test_those_who_must_act_are_told(world: World, api: Api, shop: Any) -> None:
    lead = proposed(world, api, shop)
    agreed_by_all(world, lead)
    told = OutboxMessage.objects.filter(template="leads.leniency_to_sign", subject_id=lead.pk)
    assert {one.recipient for one in told} >= {world.commissioner(1)}


# --- where it meets other roads ----------------------------------------------------------------------


def test_a_closing_that_had_passed_is_not_put_off_by_a_proposal(world: World, api: Api, shop: Any) -> None:
    lead = taken(world, shop)
    pass_time(until=lead.closing_due_at)
    assert propose(world, api, lead).status_code == 200
    assert Lead.objects.get(pk=lead.pk).closing_due_at == lead.closing_due_at
    decide(world, lead, world.head_of(1).username, approve=False, note="不符合")
    assert Lead.objects.get(pk=lead.pk).closing_due_at == lead.closing_due_at


def test_refused_it_gives_back_what_was_foreseen_for_it(world: World, api: Api, shop: Any) -> None:
    lead = proposed(world, api, shop)
    pass_time(timedelta(hours=5))
    decide(world, lead, world.head_of(1).username, approve=False, note="不符合")
    now = Lead.objects.get(pk=lead.pk)
    assert now.closing_due_at == lead.feedback_due_at + timedelta(hours=24 + 5)
    again = propose(world, api, now, guidance="")
    assert again.status_code == 200, again.content
    assert LeniencyDecision.objects.get(lead=lead, round=2).state == "proposed"


def test_what_two_officers_do_not_sign_is_told_again_and_again(world: World, api: Api, shop: Any) -> None:
    lead = proposed(world, api, shop)
    agreed_by_all(world, lead)
    for cycle in (1, 101):
        row = Deadline.objects.get(subject_id=lead.pk, kind="leniency_sign", cycle=cycle)
        assert row.state == "running"
        pass_time(until=row.due_at)
        assert OutboxMessage.objects.filter(
            template="leads.leniency_unsigned",
            recipient=world.head_of(1),
            dedupe_key__contains=f"event:{row.pk}:",
        ).exists()
    sign(world, api, lead, world.commissioner(1), card_number="SD-0001")
    sign(world, api, lead, world.head_of(1), card_number="SD-0002", form_number="2026-01")
    assert not Deadline.objects.filter(subject_id=lead.pk, kind="leniency_sign", state="running").exists()
    with pytest.raises(NotAllowed, match="48小时"):
        lifecycle.verify(lead_id=lead.pk, by=world.community_head_of(1), expect=take_any, note="代核验")


def test_nobody_agrees_to_what_was_proposed_in_his_name(world: World, api: Api, shop: Any) -> None:
    lead = taken(world, shop)
    head, clerk, at = world.head_of(1), world.clerk_of(1), clock.now()
    dispatch.dispatch(lead_id=lead.pk, by=clerk, expect=take_any, assignee_id=head.pk, reason="由所长办理")
    absences.record(
        user=head, stand_in=world.commissioner(1), starts_at=at, ends_at=at + timedelta(days=1),
        reason="出差", by=world.user("bureau"), at=at,
    )  # fmt: skip
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)
    lead.refresh_from_db()
    assert propose(world, api, lead).status_code == 200
    waiting = Approval.objects.of("lead", lead.pk).waiting().get()
    assert waiting.asked_on_behalf_of_id == head.pk
    with pytest.raises(NotAllowed):
        decide(world, lead, head.username)
    assert decide(world, lead, "bureau").state == "approved"


def test_an_officer_who_signed_does_not_verify(world: World, api: Api, shop: Any) -> None:
    lead = proposed(world, api, shop)
    agreed_by_all(world, lead)
    sign(world, api, lead, world.commissioner(1), card_number="SD-0001")
    sign(world, api, lead, world.commissioner(2), card_number="SD-0002", form_number="2026-01")
    at = clock.now()
    absences.record(
        user=world.worker(1, 2), stand_in=world.commissioner(2), starts_at=at, ends_at=at + timedelta(days=1),
        reason="家中有事", by=world.community_head_of(1), at=at,
    )  # fmt: skip
    with pytest.raises(signing.SamePerson):
        lifecycle.verify(lead_id=lead.pk, by=world.commissioner(2), expect=take_any)
