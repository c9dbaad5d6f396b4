"""The one way in which a dispute ends: clocks, stay, columns, journal, and the word to the consumer."""

from __future__ import annotations

from stations import consumers, sessions, stays, telling, testing
from stations.acts import Act
from stations.models import FailReason, Outcome, RefusalGround, WithdrawalReason
from stations.states import Move, State, Tier

COLUMNS = (
    "state",
    "ended_at",
    "ended_by",
    "outcome",
    "fail_reason",
    "withdrawal_reason",
    "refusal_ground",
    "end_note",
    "decided_at",
    "decided_by",
    *stays.COLUMNS,
)
TOLD = {State.SETTLED: "settled", State.PERFORMED: "performed", State.NOT_REACHED: "not_reached"}


def end(
    act: Act,
    move: Move,
    outcome: Outcome,
    *,
    note: str = "",
    fail: FailReason | None = None,
    withdrawal: WithdrawalReason | None = None,
    ground: RefusalGround | None = None,
) -> None:
    """Move the dispute to where `move` ends it, in the act's transaction, save it and tell the consumer.

    Raises: Conflict `wrong_state`.
    """
    dispute, note = act.dispute, consumers.hidden(act.dispute, note)[:1000]
    act.move(move, to=State.NOT_REACHED if move is Move.BREAK else None)
    stays.leave(act)
    sessions.call_off([dispute])
    testing.call_off(act)
    dispute.ended_at, dispute.ended_by, dispute.outcome = act.at, act.by, outcome
    dispute.fail_reason, dispute.withdrawal_reason = fail or "", withdrawal or ""
    dispute.refusal_ground, dispute.end_note = ground or "", note
    act.note(
        f"dispute.{outcome.lower()}",
        {"tier": dispute.tier, "reason": str(fail or withdrawal or ground or ""), "note": note},
    )
    act.save(*COLUMNS)
    _tell(act)


def _tell(act: Act) -> None:
    what = TOLD.get(State(act.dispute.state))
    if what is None:
        return
    from stations import surveys

    if what == "not_reached" and act.dispute.tier == Tier.OFFICIAL:
        what = "not_reached_official"
    asked = surveys.begin(act)
    if asked is not None and asked[1]:
        row, link = asked
        telling.to_consumer(act, f"{what}_survey", link=link, expires_at=row.expires_at.isoformat())
    else:
        telling.to_consumer(act, what)


def undo(act: Act) -> None:
    """The dispute goes on after all: what said that it was over is emptied, and where it was over a new round
    begins, the open question of the old one being void. Saves nothing of the dispute."""
    dispute = act.dispute
    if dispute.ended_at is not None:
        dispute.round += 1
        dispute.surveys.filter(answered_at=None, voided_at=None).update(voided_at=act.at)
    dispute.ended_at = dispute.ended_by = None
    dispute.outcome = dispute.fail_reason = dispute.withdrawal_reason = dispute.end_note = ""
