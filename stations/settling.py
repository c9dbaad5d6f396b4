"""和解、未达成、撤回: how a dispute ends among people who talk (DESIGN.md §9).

Mediation is voluntary: whoever will not go on may say so at any time, and nothing about it is ever scored.
"""

from __future__ import annotations

from kernel.accounts.models import User
from kernel.errors import Refused
from stations import consumers, ending, official, policy
from stations.acts import Act, Expect, perform
from stations.models import Dispute, FailReason, Outcome, TierStay, WithdrawalReason
from stations.models.choices import CHOSEN_FAIL_REASONS
from stations.states import Move, State, Tier


def settle(*, dispute_id: int, by: User, expect: Expect, note: str = "") -> Dispute:
    """和解, in one tap; 当场和解 where it was registered in the shop that day. Repeated, it is given back.

    Raises:
        NotVisible; NotAllowed `not_handler`; StaleVersion / VersionRequired; Conflict `wrong_state`; Busy.
    """

    def work(act: Act) -> Dispute:
        act.as_handler()
        dispute = act.dispute
        if dispute.state == State.SETTLED and dispute.ended_by_id == by.pk:
            return dispute
        expect(dispute.version)
        settle_now(act, note=note.strip())
        return dispute

    return perform(dispute_id, by, work)


def settle_now(act: Act, *, note: str = "") -> None:
    """The same, in a transaction that holds the dispute already (intake of what is settled at once)."""
    dispute = act.dispute
    at_once = dispute.tier == Tier.SHOP and policy.same_day(dispute.registered_at, act.at)
    outcome = Outcome.ON_THE_SPOT if at_once else Outcome.SETTLED
    ending.end(act, Move.SETTLE, outcome, note=note)


def fail(*, dispute_id: int, by: User, expect: Expect, reason: FailReason, note: str = "") -> Dispute:
    """未达成: somebody will not go on, or they cannot agree. Where the consumer has said that it shall then
    go to 12315, it does.

    Raises:
        NotVisible; NotAllowed `not_handler`; StaleVersion / VersionRequired; Conflict `wrong_state`;
        Refused `bad_reason`; Busy.
    """
    if reason not in CHOSEN_FAIL_REASONS:
        raise Refused("请选择未达成的原因。", code="bad_reason", attr="reason")

    def work(act: Act) -> Dispute:
        dispute = act.dispute
        if dispute.state == State.NOT_REACHED and (dispute.ended_by, dispute.fail_reason) == (by, reason):
            return dispute
        if dispute.state == State.FILED and _filed_by(dispute, by, reason):
            return dispute
        act.as_handler()
        expect(dispute.version)
        act.could_move(Move.FAIL)
        if official.may_file(dispute):
            act.note(
                "dispute.failed",
                {"tier": dispute.tier, "reason": reason, "note": consumers.hidden(dispute, note)},
            )
            official.file(act, note=FailReason(reason).label)
        else:
            ending.end(act, Move.FAIL, Outcome.NOT_REACHED, note=note.strip(), fail=reason)
        return dispute

    return perform(dispute_id, by, work)


def _filed_by(dispute: Dispute, by: User, reason: FailReason) -> bool:
    """Was it this very word of this person that brought it to the office?"""
    label = FailReason(reason).label
    return dispute.stays.filter(until__isnull=True, why=TierStay.Why.WORD, by=by, note=label).exists()


def withdraw(
    *, dispute_id: int, by: User, expect: Expect, reason: WithdrawalReason, note: str = ""
) -> Dispute:
    """撤回, by the consumer's word, whatever the tier. A signed agreement that waits is void.

    Raises:
        NotVisible; NotAllowed `not_handler`; StaleVersion / VersionRequired; Conflict `wrong_state`; Busy.
    """

    def work(act: Act) -> Dispute:
        act.as_handler()
        dispute = act.dispute
        if dispute.state == State.WITHDRAWN and (dispute.ended_by, dispute.withdrawal_reason) == (by, reason):
            return dispute
        expect(dispute.version)
        act.could_move(Move.WITHDRAW)
        dispute.agreements.filter(state="signed").update(state="voided")
        ending.end(act, Move.WITHDRAW, Outcome.WITHDRAWN, note=note.strip(), withdrawal=reason)
        return dispute

    return perform(dispute_id, by, work)
