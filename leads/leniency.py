"""容错纠错、首违不罚: proposed with the result, decided by a chain, signed by two (DOMAIN.md §3).

The commissioner proposes with his feedback, which meets `feedback`; the community's verification waits
for the decision with its clocks paused. Head, legal section and leader follow each other
(`leads.leniency_chain`); refused anywhere, the lead goes back to its owner in a new round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from grids import same_business
from grids.access import scope_of
from grids.models import BusinessEntity, Posting
from grids.roles import DUTY_LEADER, DUTY_OFFICER, OFFICE_SIDE, Role
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.errors import Conflict, Malformed, NotAllowed
from leads import catalogue, guidance, signing, snapshots
from leads.acts import Act, Expect, perform
from leads.dispatch import candidates
from leads.models import (
    Disposal,
    DisposalKind,
    Guidance,
    Harm,
    Lead,
    LeniencyDecision,
    LeniencyResult,
    OfficerSignature,
    Route,
    Severity,
    Side,
)

State = LeniencyDecision.State
WAITS = ("verify", "verify_stead")
"""Clocks that stand still while the decision is made."""
SIGNING = "leniency_sign"
"""The clock of the two officers: as long as the leader had."""
CHAIN = ("leniency_head", "leniency_legal", "leniency_leader")
PENDING = (State.PROPOSED, State.AGREED, State.REVIEWED, State.DECIDED)
OFFICERS = 2
LOOKS_UP = OFFICE_SIDE | {
    DUTY_OFFICER, DUTY_LEADER, Role.BUREAU_SECTION, Role.BUREAU, Role.BUREAU_LEADER, Role.AUDITOR,
}  # fmt: skip
COUNTED = (DisposalKind.RECTIFY, DisposalKind.PENALTY)
"""Results that say there was a violation; a completed leniency decision says so too."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the commissioner says; "first" is not among it, the system looks that up."""

    route: Route
    result: LeniencyResult = LeniencyResult.NO_PENALTY
    harm: Harm = Harm.NONE
    corrected_at: datetime | None = None
    proof: str = ""
    guidance: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """What the shop did of this type since `since`: numbers of its leads, and how many have none to show.

    A violation that a tip-off (举报) brought to light counts; its number is told to nobody.
    """

    since: datetime
    earlier: list[str] = field(default_factory=list)
    unnamed: int = 0

    @property
    def is_first(self) -> bool:
        return not self.earlier and not self.unnamed

    def said(self) -> str:
        """What was found, in words; only where there is something."""
        return f"此前已有同类线索 {'、'.join(self.earlier[:3])}" if self.earlier else "此前已有同类违法记录"


def history(
    *, entity_id: int, category_id: str, at: datetime, window: timedelta, leaving_out: int | None = None
) -> History:
    """Same-type violations of a shop within the window (2 years unless the policy says otherwise).

    Same type is the same category. Counted: results `rectify` and `penalty`, and decisions of leniency, made
    or still to be made: of two proposals at once only one is the first. A shop that stands in the register
    twice (同一家) is one, whichever of its entries a lead names. Two statements.
    """
    since = at - window
    found = (
        Lead.objects.filter(entity__in=same_business.entries_of(entity_id), category_id=category_id)
        .filter(
            Q(disposals__kind__in=COUNTED, disposals__at__gte=since)
            | Q(leniencies__state__in=[State.COMPLETED, *PENDING], leniencies__at__gte=since)
        )
        .exclude(pk=leaving_out or 0)
        .order_by("id")
        .distinct()
    )
    rows = list(found.values_list("number", "restricted")[:20])
    named = [number for number, secret in rows if not secret]
    return History(since, named, len(rows) - len(named))


def history_of(lead: Lead, at: datetime) -> History | None:
    """`history` for the shop and category of a lead; None where it names no shop."""
    if lead.entity_id is None:
        return None
    window = timedelta(minutes=clocks.limits(at)["leniency_window"].amount)
    return history(
        entity_id=lead.entity_id, category_id=lead.category_id, at=at, window=window, leaving_out=lead.pk
    )


def refuse_curious(by: User) -> None:
    """A shop's record is looked up by the office and the bureau alone: a tip-off may stand behind it.

    Raises:
        NotAllowed: `not_in_office`.
    """
    if not scope_of(by).has(*LOOKS_UP):
        raise NotAllowed("同类违法记录由监管所和局业务科室查询。", code="not_in_office")


# --- proposing -------------------------------------------------------------------------------------


def refuse_proposal(act: Act, kind: str, proposal: Proposal | None, *, files: int) -> History | None:
    """Every test of the route chosen must hold before anything is written. Gives what was looked up.

    Raises:
        Malformed: `leniency` missing with the kind `leniency`, or given without it; `corrected_at`.
        Conflict: `entity_required`, `sort_first`, `too_serious`, `not_first`, `harm_not_fitting`,
            `correction_required`, `proof_required`, `evidence_required`, `guidance_required`.
    """
    if (kind == DisposalKind.LENIENCY) != (proposal is not None):
        raise Malformed(
            "容错纠错须填写适用情形，其他处置方式不填。", code="leniency", attr="disposal.leniency"
        )
    if proposal is None:
        return None
    lead = act.lead
    if lead.entity_id is not None:  # what is proposed for one shop at once is looked up one after the other
        entries = BusinessEntity.objects.filter(pk__in=same_business.entries_of(lead.entity_id))
        list(entries.order_by("pk").select_for_update(of=("self",), no_key=True))
    found = history_of(lead, act.at)
    if found is None:
        raise Conflict("请先补录经营主体，再提出容错纠错。", code="entity_required", attr="disposal.kind")
    if lead.category_id == catalogue.UNSORTED:
        raise Conflict("请先改类，再提出容错纠错。", code="sort_first", attr="disposal.kind")
    _refuse_tests(act, proposal, found)
    if not files:
        raise Conflict("请附上已经改正的证据。", code="evidence_required", attr="evidence")
    if not proposal.guidance and not _guided(lead):
        raise Conflict(
            "容错纠错须先作指导，请填写指导内容。",
            code="guidance_required",
            attr="disposal.leniency.guidance",
        )
    return found


def _refuse_tests(act: Act, proposal: Proposal, found: History) -> None:
    at = "disposal.leniency"
    if proposal.corrected_at is not None and proposal.corrected_at > act.at:
        raise Malformed("改正时间不能晚于现在。", code="corrected_at", attr=f"{at}.corrected_at")
    if proposal.route == Route.NO_FAULT:
        if not proposal.proof:
            raise Conflict("请写明没有主观过错的证据。", code="proof_required", attr=f"{at}.proof")
        return
    if act.lead.severity in (Severity.SERIOUS, Severity.URGENT):
        raise Conflict("严重以上的线索不属于轻微违法。", code="too_serious", attr=f"{at}.route")
    if proposal.corrected_at is None:
        raise Conflict(
            "请填写改正时间：须已及时改正。", code="correction_required", attr=f"{at}.corrected_at"
        )
    wanted = Harm.MINOR if proposal.route == Route.FIRST_MINOR else Harm.NONE
    if proposal.harm != wanted:
        raise Conflict("危害后果与所选情形不符。", code="harm_not_fitting", attr=f"{at}.harm")
    if proposal.route == Route.FIRST_MINOR and not found.is_first:
        raise Conflict(f"不是初次：{found.said()}。", code="not_first", attr=f"{at}.route")


def _guided(lead: Lead) -> Guidance | None:
    return Guidance.objects.filter(lead=lead).order_by("-id").first()


def propose(
    act: Act, disposal: Disposal, proposal: Proposal, found: History, *, behalf: int | None
) -> LeniencyDecision:
    """The decision's row with the round's disposal; verification waits, the chain begins.

    Called with the feedback, under the lead's locks, after its clocks were armed.
    """
    from leads import leniency_chain

    lead = act.lead
    if lead.entity is None:
        raise TypeError("refuse_proposal has not been asked")
    given = guidance.of_result(act, proposal.guidance) if proposal.guidance else _guided(lead)
    if given is None:
        raise TypeError("refuse_proposal has not been asked")
    decision = LeniencyDecision.objects.create(
        lead=lead,
        round=lead.round,
        entity=lead.entity,
        category=lead.category,
        route=proposal.route,
        result=proposal.result,
        harm=proposal.harm,
        corrected_at=proposal.corrected_at,
        is_first=found.is_first,
        first_since=found.since,
        proof=proposal.proof,
        guidance=given,
        state=State.PROPOSED,
        by=act.actor,
        at=act.at,
    )
    clocks.pause("lead", lead.pk, WAITS, at=act.at, reason="等待容错纠错决定", by_id=act.actor.pk)
    if lead.closing_due_at > act.at:
        lead.closing_due_at += foreseen(act.at)
    act.note(
        "leniency.proposed",
        {
            "decision": decision.pk,
            "route": proposal.route,
            "is_first": found.is_first,
            "earlier": found.earlier,
        },
    )
    leniency_chain.ask_next(act, decision, disposal.note, behalf=behalf)
    return decision


def signed(proposal: Proposal | None, found: History | None) -> dict[str, Any] | None:
    """What the signature of the result holds beside its disposal."""
    if proposal is None or found is None:
        return None
    return {
        "leniency": {
            "route": proposal.route,
            "result": proposal.result,
            "harm": proposal.harm,
            "corrected_at": snapshots.moment(proposal.corrected_at) if proposal.corrected_at else None,
            "is_first": found.is_first,
        }
    }


# --- while it waits, and its end -------------------------------------------------------------------


def of_round(lead: Lead) -> LeniencyDecision | None:
    """The decision of the lead's present round, or None."""
    return LeniencyDecision.objects.filter(lead=lead, round=lead.round).first()


def refuse_pending(lead: Lead) -> None:
    """Nobody verifies, or sends back, what is still being decided. Raises Conflict `leniency_pending`."""
    if LeniencyDecision.objects.filter(lead=lead, round=lead.round, state__in=PENDING).exists():
        raise Conflict("容错纠错还在审批，决定作出后再核验。", code="leniency_pending")


def sign(*, lead_id: int, by: User, expect: Expect, card_number: str, form_number: str = "") -> Lead:
    """One of two officers signs the decision; with the second, and the form's number, it is made.

    Signing again gives the lead back. The number of the approval form may come with either.

    Raises (beside `acts.perform`): NotAllowed `not_officer`; Conflict `no_decision`, `signed_by_two`,
        `same_card`, `same_person`; Malformed `form_number`.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        decision = (
            LeniencyDecision.objects.select_for_update(of=("self",))
            .filter(lead=lead, round=lead.round)
            .first()
        )
        if decision is not None and decision.officers.filter(officer=by).exists():
            return lead
        refuse_officer(act, by)
        expect(lead.version)
        if decision is None or decision.state != State.DECIDED:
            raise Conflict("目前没有等待签字的容错纠错决定。", code="no_decision")
        signing.refuse_other_side(lead, Side.OFFICE, by)
        officers = _sign(act, decision, by, card_number, form_number)
        if len(officers) == OFFICERS:
            _complete(act, decision)
        act.save("closing_due_at")
        act.note(
            "leniency.signed",
            {"decision": decision.pk, "signatures": len(officers), "digest": officers[-1].digest},
        )
        return lead

    return perform(lead_id, by, work)


def refuse_officer(act: Act, by: User) -> None:
    """Officers sign from seats of the lead's office. Raises NotAllowed `not_officer`."""
    held = Posting.objects.active(act.at).filter(role__in=[r.value for r in OFFICE_SIDE], user=by)
    if act.lead.office_id is None or not held.filter(candidates(act.lead.office_id)).exists():
        raise NotAllowed("容错纠错决定由本监管所两名执法人员签字。", code="not_officer")


def _sign(
    act: Act, decision: LeniencyDecision, by: User, card_number: str, form_number: str
) -> Sequence[OfficerSignature]:
    earlier = list(decision.officers.all())
    if any(one.card_number == card_number for one in earlier):
        raise Conflict("两名执法人员的执法证号不能相同。", code="same_card", attr="card_number")
    if form_number:
        decision.form_number = form_number
        decision.save(update_fields=["form_number"])
    if len(earlier) == OFFICERS - 1 and not decision.form_number:
        raise Malformed("请填写审批表编号。", code="form_number", attr="form_number")
    snapshot = {
        "decision": decision.pk,
        "lead": act.lead.number,
        "entity": decision.entity_id,
        "category": decision.category_id,
        "route": decision.route,
        "result": decision.result,
        "harm": decision.harm,
        "is_first": decision.is_first,
        "decided_at": snapshots.moment(decision.decided_at) if decision.decided_at else None,
        "officer": {"id": by.pk, "name": by.name, "card_number": card_number},
        "signed_at": snapshots.moment(act.at),
    }
    made = OfficerSignature.objects.create(
        decision=decision,
        officer=by,
        card_number=card_number,
        snapshot=snapshot,
        digest=snapshots.sha256(snapshot),
        at=act.at,
    )
    return [*earlier, made]


def _complete(act: Act, decision: LeniencyDecision) -> None:
    """Both have signed: the decision is made, and verification runs on with what was left."""
    lead = act.lead
    decision.state, decision.completed_at = State.COMPLETED, act.at
    decision.save(update_fields=["state", "completed_at"])
    clocks.resume("lead", lead.pk, WAITS, at=act.at)
    clocks.meet("lead", lead.pk, [SIGNING], at=act.at)
    lead.closing_due_at = closing_after(act, decision)
    people = act.people
    verifiers = [] if people is None else [*people.worker_ids, *people.worker_stand_in_ids]
    if people is not None and not people.worker_ids_present:
        verifiers += people.community_head_ids
    act.tell(verifiers, "leniency_completed", result=decision.get_result_display())


def foreseen(at: datetime) -> timedelta:
    """How long the three may take together, by the limits in force at `at`. One statement."""
    limits = clocks.limits(at)
    return timedelta(minutes=sum(limits[kind].amount for kind in CHAIN))


def closing_after(act: Act, decision: LeniencyDecision) -> datetime:
    """The closing time moved by as long as the decision took, never by more than was foreseen for it.

    One that had passed when it was proposed has not been moved, and stays.
    """
    span, closing = foreseen(decision.at), act.lead.closing_due_at
    if closing - span <= decision.at:
        return closing
    return closing - span + min(act.at - decision.at, span)


# --- figures ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counts:
    """`entities`: distinct shops with guidance or a decision; how many had each."""

    entities: int
    guided: int
    lenient: int


def counts(*, since: datetime, until: datetime) -> Counts:
    """Shops given guidance, and shops given leniency, in [since, until) (DOMAIN.md §5)."""
    guided = set(
        Guidance.objects.filter(at__gte=since, at__lt=until).values_list("entity_id", flat=True).distinct()
    )
    lenient = set(
        LeniencyDecision.objects.filter(completed_at__gte=since, completed_at__lt=until)
        .values_list("entity_id", flat=True)
        .distinct()
    )
    return Counts(len(guided | lenient), len(guided), len(lenient))
