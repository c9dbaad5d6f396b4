"""The main road of a lead: respond, confirm, control, feed back, verify, rework (DESIGN.md §3).

Every function is one transaction (`acts.perform`) and raises NotVisible, NotAllowed, StaleVersion /
VersionRequired (through `expect`), Conflict `wrong_state`, `same_person`, Busy. A signing request by
a person who has signed that slot already answers with the lead, before version and state are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import WorkingCalendar
from kernel.errors import Conflict, Malformed, NotAllowed
from leads import (
    answers,
    credit_facts,
    files,
    guidance,
    leniency,
    pauses,
    rechecks,
    referral,
    rounds,
    shop_contacts,
    signing,
    supervision,
    tip_offs,
)
from leads.acts import Act, Expect, perform
from leads.leniency import Proposal
from leads.models import Disposal, DisposalKind, Lead, Method, Plan, Rework, Side, Signature, Stage
from leads.policy import AFTER_CLOSING
from leads.signing import Slot
from leads.states import Move, State
from leads.verifiers import verifier

LONGEST_RECTIFY = timedelta(days=180)
ANSWER_CLOCKS = ("respond", "owner_respond", "urgent_backup", "urgent_duty")


def respond(*, lead_id: int, by: User, expect: Expect, plan: Plan = Plan.ON_MY_WAY, note: str = "") -> Lead:
    """接单: the assignee takes it and signs DISCOVERY (知悉) and HANDOVER (接收) for the office."""

    def work(act: Act) -> Lead:
        lead = act.lead
        slot = Slot(Stage.HANDOVER, Side.OFFICE, lead.owner_cycle)
        if signing.already_signed(lead, slot, by):
            return lead
        behalf = act.as_owner()
        expect(lead.version)
        act.move(Move.RESPOND)
        signing.refuse_other_side(lead, Side.OFFICE, by)
        take(act, plan=plan, note=note)
        signed = signing.sign(
            lead, signing.open_slots(lead, Side.OFFICE), by=by, on_behalf_of_id=behalf, at=act.at
        )
        act.save("state", "responded_at", "first_responded_at", "respond_plan", "respond_note")
        act.note("lead.responded", {"plan": plan, "for": behalf, "signed": digests(signed)})
        supervision.lift_settled(act)
        act.tell([lead.reported_by_id], "responded", owner=by.name, plan=Plan(plan).label)
        return lead

    return perform(lead_id, by, work)


def take(act: Act, *, plan: str, note: str) -> None:
    """Columns and clocks of an answer (接单)."""
    lead = act.lead
    lead.responded_at = act.at
    lead.first_responded_at = lead.first_responded_at or act.at
    lead.respond_plan, lead.respond_note = plan, note
    clocks.meet("lead", lead.pk, ANSWER_CLOCKS, at=act.at)


def confirm_handover(*, lead_id: int, by: User, expect: Expect) -> Lead:
    """已知悉: a grid worker signs whichever community slots are open, when no grid worker reported."""

    def work(act: Act) -> Lead:
        lead = act.lead
        seat = act.as_worker()
        if seat is None:
            raise NotAllowed("只有本网格的网格员可以确认。", code="not_grid_worker")
        slots = signing.open_slots(lead, Side.COMMUNITY)
        if not slots and signing.has_signed(lead, Side.COMMUNITY, by):
            return lead
        expect(lead.version)
        if not slots:
            return lead
        act.move(Move.CONFIRM_HANDOVER)
        signing.refuse_other_side(lead, Side.COMMUNITY, by)
        behalf = None if seat.holder_id == by.pk else seat.holder_id
        signed = signing.sign(lead, slots, by=by, on_behalf_of_id=behalf, at=act.at, discovered_it=False)
        act.note("lead.handover_confirmed", {"for": behalf, "signed": digests(signed)})
        return lead

    return perform(lead_id, by, work)


def control(
    *,
    lead_id: int,
    by: User,
    expect: Expect,
    note: str,
    evidence: Sequence[int] = (),
    awaited: Sequence[str] = (),
) -> Lead:
    """已现场处置(隐患已消除/已控制): stops the same-day clock. Saying it again changes nothing.

    Who took the lead over without a new clock (交班) signs HANDOVER with this, his next act.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        behalf = act.as_owner()
        expect(lead.version)
        if lead.controlled_at is not None:
            return lead
        act.move(Move.CONTROL)
        slots = signing.open_slots(lead, Side.OFFICE)
        if slots:
            signing.refuse_other_side(lead, Side.OFFICE, by)
        lead.controlled_at, lead.control_note = act.at, note
        hashes = files.add(act, ids=evidence, awaited=awaited, stage=Stage.RESULT)
        clocks.meet("lead", lead.pk, ["same_day"], at=act.at)
        signed = signing.sign(lead, slots, by=by, on_behalf_of_id=behalf, at=act.at)
        act.save("controlled_at", "control_note")
        shop_contacts.handled(act)
        act.note(
            "lead.controlled", {"note": note, "evidence": hashes, "for": behalf, "signed": digests(signed)}
        )
        supervision.lift_settled(act)
        act.tell([lead.reported_by_id], "control")
        return lead

    return perform(lead_id, by, work)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the commissioner did. `rectify_due_at` only with `rectify`, `department` (its code) and
    `document_number` only with `handed_over`, `leniency` only with `leniency`, `case_number` (of the
    enforcement system, where there is one already) only with `penalty`."""

    kind: DisposalKind
    note: str
    rectify_due_at: datetime | None = None
    department: str = ""
    document_number: str = ""
    leniency: Proposal | None = None
    case_number: str = ""


def feed_back(
    *,
    lead_id: int,
    by: User,
    expect: Expect,
    outcome: Outcome,
    evidence: Sequence[int] = (),
    awaited: Sequence[str] = (),
) -> Lead:
    """反馈: disposal and evidence; RESULT signed for the office; the verify clock starts.

    Feedback on a lead with a same-day clock that is not yet under control sets `controlled_at` to now.

    Raises (beside the module's): Malformed `rectify_due_at`, `case_number`; see
    `referral.refuse_department` and `leniency.refuse_proposal`.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        if signing.already_signed(lead, Slot(Stage.RESULT, Side.OFFICE, lead.round), by):
            return lead
        behalf = act.as_owner()
        expect(lead.version)
        slots = [*signing.open_slots(lead, Side.OFFICE), Slot(Stage.RESULT, Side.OFFICE, lead.round)]
        act.move(Move.FEED_BACK)
        signed = give_result(act, outcome, slots, behalf=behalf, evidence=evidence, awaited=awaited)
        act.save("state", "fed_back_at", "first_fed_back_at", "controlled_at", "closing_due_at")
        shop_contacts.handled(act)
        act.note(
            "lead.fed_back",
            {
                "round": lead.round,
                "disposal": outcome.kind,
                "note": outcome.note,
                "for": behalf,
                "signed": digests(signed),
                **({"case_number": outcome.case_number.strip()} if outcome.case_number.strip() else {}),
            },
        )
        supervision.lift_settled(act)
        return lead

    return perform(lead_id, by, work)


def give_result(
    act: Act,
    outcome: Outcome,
    slots: Sequence[Slot],
    *,
    behalf: int | None,
    evidence: Sequence[int],
    awaited: Sequence[str],
) -> list[Signature]:
    """The round's disposal with its files, columns and clocks; these slots signed over it.

    Raises: see `feed_back`, and `referral.refuse_department`.
    """
    lead, by = act.lead, act.actor
    refuse_outcome(outcome, act.at)
    tip_offs.refuse_result(lead, outcome.kind)
    department = referral.refuse_department(outcome.kind, outcome.department)
    found = leniency.refuse_proposal(act, outcome.kind, outcome.leniency, files=len(evidence) + len(awaited))
    signing.refuse_other_side(lead, Side.OFFICE, by)
    files.add(act, ids=evidence, awaited=awaited, stage=Stage.RESULT)
    disposal = Disposal.objects.create(
        lead=lead,
        round=lead.round,
        kind=outcome.kind,
        note=outcome.note,
        rectify_due_at=outcome.rectify_due_at,
        case_number=outcome.case_number.strip(),
        by=by,
        at=act.at,
    )
    sent = None if department is None else referral.send(act, department, outcome.document_number)
    come_back(act, disposal)
    if outcome.kind == DisposalKind.GUIDED:
        guidance.of_result(act, outcome.note)
    if outcome.leniency is not None and found is not None:
        leniency.propose(act, disposal, outcome.leniency, found, behalf=behalf)
    return signing.sign(
        lead,
        slots,
        by=by,
        on_behalf_of_id=behalf,
        at=act.at,
        disposal=disposal,
        result_evidence=signing.result_evidence(lead),
        extra=referral.signed(sent) or leniency.signed(outcome.leniency, found),
    )


def refuse_outcome(outcome: Outcome, at: datetime) -> None:
    due = outcome.rectify_due_at
    if (outcome.kind == DisposalKind.RECTIFY) != (due is not None):
        raise Malformed(
            "责令改正须填写整改期限，其他处置方式不填。",
            code="rectify_due_at",
            attr="disposal.rectify_due_at",
        )
    if due is not None and not at < due <= at + LONGEST_RECTIFY:
        raise Malformed(
            "整改期限应在今后 180 天以内。", code="rectify_due_at", attr="disposal.rectify_due_at"
        )
    if outcome.case_number.strip() and outcome.kind != DisposalKind.PENALTY:
        raise Malformed(
            "案件编号仅立案查处填写，其他处置方式不填。", code="case_number", attr="disposal.case_number"
        )


def come_back(act: Act, disposal: Disposal) -> None:
    """Columns and clocks of a feedback, and the word to those who verify."""
    lead = act.lead
    pauses.ask_no_more(act)
    lead.fed_back_at = act.at
    lead.first_fed_back_at = lead.first_fed_back_at or act.at
    if (lead.food or lead.same_day_due_at is not None) and lead.controlled_at is None:
        lead.controlled_at = act.at
    clocks.meet("lead", lead.pk, ["feedback", "same_day", "final"], at=act.at)
    if lead.restricted:
        clocks.meet("lead", lead.pk, [tip_offs.CLOCK], at=act.at)
        act.tell(tip_offs.verifiers(act), "tip_off_verify", disposal=disposal.get_kind_display())
        return
    rechecks.ordered(act, disposal)
    verify_due = arithmetic.due(act.limits["verify"], act.at, WorkingCalendar())
    stead_due = arithmetic.due(act.limits["verify_stead"], act.at, WorkingCalendar())
    clocks.arm([_clock(act, "verify", verify_due), _clock(act, "verify_stead", stead_due)])
    people = act.people
    verifiers = [] if people is None else [*people.worker_ids, *people.worker_stand_in_ids]
    if people is not None and not people.worker_ids_present:
        verifiers += people.community_head_ids
    act.tell(
        verifiers,
        "fed_back",
        disposal=disposal.get_kind_display(),
        verify_due_at=verify_due.isoformat(),
    )


def _clock(act: Act, kind: str, due_at: datetime) -> Deadline:
    version = act.limits[kind].version
    return clocks.running(
        "lead", act.lead.pk, kind, cycle=act.lead.round, armed_at=act.at, due_at=due_at, version=version
    )


def latest_disposal(lead: Lead) -> Disposal:
    return Disposal.objects.get(lead=lead, round=lead.round)


# --- the community's word --------------------------------------------------------------------------


def verify(
    *, lead_id: int, by: User, expect: Expect, method: Method = Method.ON_SITE, note: str = ""
) -> Lead:
    """核验: signs every community slot still open, and closes in the same act.

    Raises (beside the module's): Conflict `on_site_required`, `signatures_missing`; Malformed
    `reason_required` for 代核验 without a reason.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        result = Slot(Stage.RESULT, Side.COMMUNITY, lead.round)
        if signing.already_signed(lead, result, by):
            return lead
        who = verifier(act)
        expect(lead.version)
        act.move(Move.VERIFY)
        leniency.refuse_pending(lead)
        signing.refuse_other_side(lead, Side.COMMUNITY, by)
        if lead.needs_on_site and method != Method.ON_SITE:
            raise Conflict("食品安全和严重以上的线索须到现场核验。", code="on_site_required", attr="method")
        if who.in_stead and not note:
            raise Malformed("代核验须说明原因。", code="reason_required", attr="note")
        slots = [*signing.open_slots(lead, Side.COMMUNITY), result]
        signed = signing.sign(
            lead,
            slots,
            by=by,
            on_behalf_of_id=who.on_behalf_of_id,
            at=act.at,
            disposal=latest_disposal(lead),
            result_evidence=signing.result_evidence(lead),
            discovered_it=False,
            extra={"method": method, "in_stead": who.in_stead},
        )
        _close(act, by, method=method, note=note, in_stead=who.in_stead)
        shop_contacts.verified(act, method)
        answers.begin(act)
        act.note(
            "lead.closed",
            {
                "method": method,
                "in_stead": who.in_stead,
                "note": note,
                "for": who.on_behalf_of_id,
                "signed": digests(signed),
                "closing_digest": lead.closing_digest,
            },
        )
        supervision.lift_settled(act)
        act.tell([lead.assignee_id, lead.reported_by_id], "closed")
        return lead

    return perform(lead_id, by, work)


def _close(act: Act, by: User, *, method: str, note: str, in_stead: bool) -> None:
    lead = act.lead
    lead.closed_at, lead.closed_by = act.at, by
    if lead.restricted:
        lead.second_officer = by
    lead.first_closed_at = lead.first_closed_at or act.at
    lead.verify_method, lead.verify_note, lead.verified_in_stead = method, note, in_stead
    lead.closing_digest = signing.closing_digest(lead)
    clocks.meet("lead", lead.pk, ["verify"], at=act.at)
    over = {d.kind for d in act.live if d.subject_kind == "lead"} - kept_on(act.live)
    clocks.cancel("lead", lead.pk, sorted(over), at=act.at)
    rechecks.begin(act)
    act.save(
        "state",
        "closed_at",
        "closed_by",
        "first_closed_at",
        "second_officer",
        "verify_method",
        "verify_note",
        "verified_in_stead",
        "closing_digest",
    )
    credit_facts.closed(act)


def kept_on(live: Sequence[Deadline]) -> set[str]:
    """Kinds of clocks that closing does not end: the ordered date, the other department's receipt."""
    return {d.kind for d in live if (d.parent_kind or d.kind) in AFTER_CLOSING}


def rework(*, lead_id: int, by: User, expect: Expect, reason: str) -> Lead:
    """退回重办: a new round with its own feedback clock; RESULT must be signed anew."""

    def work(act: Act) -> Lead:
        lead = act.lead
        verifier(act)
        expect(lead.version)
        if lead.state == State.FED_BACK:
            leniency.refuse_pending(lead)
        signing.refuse_other_side(lead, Side.COMMUNITY, by)
        send_back(act, reason=reason)
        return lead

    return perform(lead_id, by, work)


def send_back(act: Act, *, reason: str) -> None:
    """The result does not stand: a new round with its own feedback clock, in the caller's transaction."""
    lead = act.lead
    act.move(Move.REWORK)
    Rework.objects.create(lead=lead, round=lead.round, reason=reason, by=act.actor, at=act.at)
    clocks.cancel("lead", lead.pk, ["verify", "verify_stead", *AFTER_CLOSING], at=act.at)
    lead.round += 1
    lead.fed_back_at = lead.final_due_at = lead.handed_over_at = None
    due_at = rounds.start_clock(act)
    act.save("state", "round", "fed_back_at", "final_due_at", "handed_over_at")
    act.note("lead.reworked", {"round": lead.round, "reason": reason})
    act.tell([lead.assignee_id], "reworked", reason=reason, feedback_due_at=due_at.isoformat())


def digests(signatures: Sequence[signing.Signature]) -> dict[str, str]:
    return {f"{s.stage}:{s.side}:{s.cycle}": s.digest for s in signatures}
