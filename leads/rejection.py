"""退单: a lead that need not be handled, for a listed reason, with the other side's word (DESIGN.md §3).

The assignee proposes; a grid worker of the grid agrees within 24 hours; his refusal or silence brings it to
the office's head, who has 24 hours. While it waits every clock runs on, and a lead that was late stays
late: its breach, its order and its due times remain (DOMAIN.md §5).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kernel import approvals
from kernel.accounts.models import User
from kernel.approvals.asking import Question
from kernel.approvals.deciding import Decision
from kernel.approvals.kinds import Kind
from kernel.approvals.models import Approval
from kernel.deadlines import clocks
from kernel.errors import Malformed
from leads import answers, approving, credit_facts, files, supervision
from leads.acts import Act, Expect, perform
from leads.models import Lead, Rejection, RejectReason, Stage
from leads.states import Move, State

REJECT, REJECT_HEAD = "lead.reject", "lead.reject_head"


def reject(
    *,
    lead_id: int,
    by: User,
    expect: Expect,
    reason_kind: RejectReason,
    note: str = "",
    evidence: Sequence[int] = (),
    awaited: Sequence[str] = (),
) -> Lead:
    """Propose to reject, with a note or evidence. Proposing again while it waits changes nothing.

    Without a community side that could be asked (a tip-off, no grid) the office's head decides at once.

    Raises (beside `acts.perform`): NotAllowed `not_assignee`, `recused`; Conflict `wrong_state`,
    `already_waiting`; Malformed `ground_required`; what `files.add` refuses.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        behalf = act.as_owner()
        if approving.waits(act, REJECT, REJECT_HEAD):
            return lead
        expect(lead.version)
        act.could_move(Move.REJECT)
        if not note and not (evidence or awaited):
            raise Malformed("退单须写明情况或附上证据。", code="ground_required", attr="note")
        if reason_kind == RejectReason.OTHER and not note:
            raise Malformed("选择“其他”时请写明原因。", code="ground_required", attr="note")
        hashes: list[str] = []
        if evidence or awaited:
            hashes = list(files.add(act, ids=evidence, awaited=awaited, stage=Stage.RESULT))
            act.save()
        label = RejectReason(reason_kind).label
        approvals.ask(
            kind=REJECT if approving.asks_worker(lead) else REJECT_HEAD,
            subject_kind="lead",
            subject_id=lead.pk,
            by=by,
            reason=f"{label}：{note}" if note else label,
            at=act.at,
            payload={"reason_kind": str(reason_kind), "note": note, "evidence": hashes},
            about=approving.about(lead),
            on_behalf_of_id=behalf,
        )
        return lead

    return perform(lead_id, by, work)


def _worker_decided(decision: Decision) -> None:
    if decision.approved:
        _reject(decision)
    else:
        said = f"（网格员不同意：{decision.approval.note}）" if decision.approval.note else "（网格员不同意）"
        approvals.ask_many([_to_head(decision.approval, said)], at=decision.at)


def _worker_silent(rows: Sequence[Approval], at: datetime) -> None:
    approvals.ask_many([_to_head(row, "（网格员逾期未确认）") for row in rows], at=at)


def _to_head(row: Approval, said: str) -> Question:
    return Question(
        REJECT_HEAD,
        row.subject_kind,
        row.subject_id,
        row.asked_by_id,
        f"{row.reason[:400]}{said[:100]}",
        {**row.payload, "earlier": row.pk},
        row.about,
        row.asked_on_behalf_of_id,
    )


def _head_decided(decision: Decision) -> None:
    if decision.approved:
        _reject(decision)


def _reject(decision: Decision) -> None:
    """The lead ends: every clock that still runs is cancelled; what has run out stays run out."""
    act, row = approving.act_of(decision), decision.approval
    lead = act.lead
    act.move(Move.REJECT)
    lead.rejected_at = act.at
    clocks.cancel("lead", lead.pk, None, at=act.at)
    kind = RejectReason(row.payload["reason_kind"])
    Rejection.objects.create(
        lead=lead,
        reason_kind=kind,
        note=row.payload["note"],
        evidence=row.payload["evidence"],
        proposed_by=approving.asker(row),
        agreed_by=decision.by,
        approval=row,
        at=act.at,
    )
    act.save("state", "rejected_at")
    credit_facts.ended(act)
    act.note("lead.rejected", {"reason_kind": kind, "reason": row.payload["note"], "approval": row.pk})
    answers.begin(act)
    supervision.lift_settled(act)
    act.tell([lead.reported_by_id, lead.assignee_id], "rejected", reason=row.reason)


def register() -> None:
    """Register both stages (called once, at start-up)."""
    common: dict[str, Any] = {
        "lock": approving.lock_lead,
        "stands_in": frozenset({State.DISPATCHED.value, State.RESPONDED.value}),
    }
    approvals.register(
        REJECT,
        Kind(
            "退单确认",
            "agree_reject",
            may_decide=approving.worker_may_decide,
            decidable=approving.worker_decidable,
            deciders=approving.worker_deciders,
            decided=_worker_decided,
            lapsed=_worker_silent,
            **common,
        ),
    )
    approvals.register(
        REJECT_HEAD,
        Kind(
            "退单审批",
            "approve_reject",
            may_decide=approving.head_may_decide,
            decidable=approving.head_decidable,
            deciders=approving.head_deciders,
            decided=_head_decided,
            **common,
        ),
    )
