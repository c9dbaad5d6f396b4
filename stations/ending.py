"""The one way in which a dispute ends: clocks, stay, columns, journal, and the word to the consumer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kernel import journal
from kernel.notices import outbox
from stations import consumers, sessions, stays, telling, testing
from stations.acts import Act, save_all
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
    reasons = Reasons(fail or "", withdrawal or "", ground or "")
    end_all([act], move, outcome, note=note, reasons=reasons)


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why it ended, in the words of the lists; at most one of them."""

    fail: str = ""
    withdrawal: str = ""
    ground: str = ""


def end_all(acts: Sequence[Act], move: Move, outcome: Outcome, *, note: str = "", reasons: Reasons) -> None:
    """The same for many acts of one moment; the number of statements does not grow with theirs.

    Raises: Conflict `wrong_state`.
    """
    if not acts:
        return
    disputes = [act.dispute for act in acts]
    kept = consumers.hidden_of_all(disputes, note)
    for act in acts:
        act.move(move, to=State.NOT_REACHED if move is Move.BREAK else None)
    stays.leave_all(acts)
    sessions.call_off(disputes)
    testing.call_off(disputes, acts[0].at)
    why = reasons.fail or reasons.withdrawal or reasons.ground
    notes = []
    for act in acts:
        dispute, said = act.dispute, kept[act.dispute.pk][:1000]
        dispute.ended_at, dispute.ended_by, dispute.outcome = act.at, act.by, outcome
        dispute.fail_reason, dispute.withdrawal_reason = reasons.fail, reasons.withdrawal
        dispute.refusal_ground, dispute.end_note = reasons.ground, said
        told = {"tier": dispute.tier, "reason": str(why), "note": said}
        notes.append(act.told(f"dispute.{outcome.lower()}", told))
    journal.append_many(notes)
    save_all(acts, *COLUMNS)
    _tell(acts)


def _tell(acts: Sequence[Act]) -> None:
    """Each consumer how it ended, and what he thinks of it: in one SMS."""
    from stations import surveys

    told = [act for act in acts if act.dispute.state in TOLD]
    if not told:
        return
    known = consumers.KEEPING.all_known([act.dispute for act in told])
    asked = surveys.begin_all(told, known)
    drafts = []
    for act in told:
        dispute = act.dispute
        what = TOLD[State(dispute.state)]
        if what == "not_reached" and dispute.tier == Tier.OFFICIAL:
            what = "not_reached_official"
        more = {}
        row, link = asked.get(dispute.pk, (None, ""))
        if row is not None and link:
            what, more = f"{what}_survey", {"link": link, "expires_at": row.expires_at.isoformat()}
        drafts += telling.draft(act, known.get(dispute.pk), what, **more)
    outbox.post(drafts, at=told[0].at)


def undo(act: Act) -> None:
    """The dispute goes on after all: what said that it was over is emptied, and where it was over a new round
    begins, the open question of the old one being void. Saves nothing of the dispute."""
    dispute = act.dispute
    if dispute.ended_at is not None:
        dispute.round += 1
        dispute.surveys.filter(answered_at=None, voided_at=None).update(voided_at=act.at)
    dispute.ended_at = dispute.ended_by = None
    dispute.outcome = dispute.fail_reason = dispute.withdrawal_reason = dispute.end_note = ""
