"""即知即改: respond, control and feed back in one tap (DESIGN.md §3, settle)."""

from __future__ import annotations

from collections.abc import Sequence

from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.errors import Conflict
from leads import lifecycle, signing, supervision
from leads.acts import Act, Expect, perform
from leads.lifecycle import Outcome
from leads.models import DisposalKind, Lead, Plan, Severity, Side, Stage
from leads.signing import Slot
from leads.states import Move

MILD = (Severity.MINOR, Severity.MODERATE)
KINDS = (DisposalKind.GUIDED, DisposalKind.NO_PROBLEM)


def settle(
    *,
    lead_id: int,
    by: User,
    expect: Expect,
    outcome: Outcome,
    evidence: Sequence[int] = (),
    awaited: Sequence[str] = (),
) -> Lead:
    """One tap by the assignee from dispatched to fed back: put right while the grid worker stood there.

    Answers, controls and feeds back in this order, each with its rows, signatures and journal entry.
    Who has signed the RESULT of this round gets the lead back.

    Raises (beside `lifecycle`'s): Conflict `not_fixed_on_spot`, `too_severe`, `settle_kind`.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        if signing.already_signed(lead, Slot(Stage.RESULT, Side.OFFICE, lead.round), by):
            return lead
        behalf = act.as_owner()
        expect(lead.version)
        first = signing.open_slots(lead, Side.OFFICE)
        act.move(Move.SETTLE)
        refuse(lead, outcome)
        signing.refuse_other_side(lead, Side.OFFICE, by)
        _respond(act, first, behalf)
        _control(act, outcome, behalf)
        _feed_back(act, outcome, behalf, evidence, awaited)
        supervision.lift_settled(act)
        return lead

    return perform(lead_id, by, work)


def refuse(lead: Lead, outcome: Outcome | None = None) -> None:
    """Raise Conflict where this lead (or this disposal) may not be settled in one tap."""
    if not lead.fixed_on_spot or lead.round > 1:
        raise Conflict("上报时没有注明当场改正，请按接单、反馈办理。", code="not_fixed_on_spot")
    if lead.severity not in MILD:
        raise Conflict("严重和紧急的线索不能即知即改。", code="too_severe")
    if outcome is not None and outcome.kind not in KINDS:
        raise Conflict("即知即改只能是“提醒指导”或“未发现问题”。", code="settle_kind", attr="disposal.kind")


def _respond(act: Act, slots: Sequence[Slot], behalf: int | None) -> None:
    lifecycle.take(act, plan=Plan.ON_MY_WAY, note="")
    signed = signing.sign(act.lead, slots, by=act.actor, on_behalf_of_id=behalf, at=act.at)
    told = {"plan": Plan.ON_MY_WAY, "for": behalf, "signed": lifecycle.digests(signed)}
    act.note("lead.responded", told)


def _control(act: Act, outcome: Outcome, behalf: int | None) -> None:
    lead = act.lead
    if lead.controlled_at is None:
        lead.controlled_at, lead.control_note = act.at, outcome.note[:500]
        clocks.meet("lead", lead.pk, ["same_day"], at=act.at)
        act.note("lead.controlled", {"note": outcome.note[:500], "evidence": [], "for": behalf, "signed": {}})


def _feed_back(
    act: Act, outcome: Outcome, behalf: int | None, evidence: Sequence[int], awaited: Sequence[str]
) -> None:
    lead = act.lead
    slots = [Slot(Stage.RESULT, Side.OFFICE, lead.round)]
    signed = lifecycle.give_result(act, outcome, slots, behalf=behalf, evidence=evidence, awaited=awaited)
    lead.settled_at = act.at
    act.save(
        "state", "responded_at", "first_responded_at", "respond_plan", "respond_note", "controlled_at",
        "control_note", "fed_back_at", "first_fed_back_at", "settled_at",
    )  # fmt: skip
    act.note(
        "lead.fed_back",
        {
            "round": lead.round,
            "disposal": outcome.kind,
            "note": outcome.note,
            "settled": True,
            "for": behalf,
            "signed": lifecycle.digests(signed),
        },
    )
