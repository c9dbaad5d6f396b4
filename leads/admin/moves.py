"""The acts offered on a lead's page: which form asks, which service answers, who is offered it.

What is offered follows the table of moves and the very checks that the services make; the service
remains the judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from grids.access import scope_of
from kernel.accounts.models import User
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.models import Deadline
from kernel.errors import DomainError
from leads import dispatch, lifecycle, signing, states
from leads import forms as ask
from leads.acts import Act
from leads.admin import after_moves, leniency_moves, request_moves, survey_moves, tip_off_moves
from leads.admin.offers import Call, Check, Offer
from leads.lifecycle import Outcome
from leads.models import DisposalKind, Lead, Method, Plan, Side, Signature
from leads.states import Move

__all__ = ["OFFERS", "Call", "Offer", "offered"]


def _dispatch(c: Call) -> Lead:
    return dispatch.dispatch(
        lead_id=c.lead_id,
        by=c.by,
        expect=c.expect,
        assignee_id=c.given["assignee"],
        reason=c.given["reason"],
        grid_id=c.given["grid"],
    )


def _respond(c: Call) -> Lead:
    return lifecycle.respond(
        lead_id=c.lead_id, by=c.by, expect=c.expect, plan=Plan(c.given["plan"]), note=c.given["note"]
    )


def _confirm(c: Call) -> Lead:
    return lifecycle.confirm_handover(lead_id=c.lead_id, by=c.by, expect=c.expect)


def _control(c: Call) -> Lead:
    return lifecycle.control(
        lead_id=c.lead_id, by=c.by, expect=c.expect, note=c.given["note"], evidence=c.evidence
    )


def _feed_back(c: Call) -> Lead:
    day = c.given["rectify_due_on"]
    outcome = Outcome(
        DisposalKind(c.given["kind"]),
        c.given["note"],
        arithmetic.end_of_day(day) if day else None,
        department=c.given["department"],
        document_number=c.given["document_number"],
        case_number=c.given["case_number"],
    )
    return lifecycle.feed_back(
        lead_id=c.lead_id, by=c.by, expect=c.expect, outcome=outcome, evidence=c.evidence
    )


def _verify(c: Call) -> Lead:
    return lifecycle.verify(
        lead_id=c.lead_id, by=c.by, expect=c.expect, method=Method(c.given["method"]), note=c.given["note"]
    )


def _rework(c: Call) -> Lead:
    return lifecycle.rework(lead_id=c.lead_id, by=c.by, expect=c.expect, reason=c.given["reason"])


OFFERS: dict[str, Offer] = {
    offer.key: offer
    for offer in (
        Offer(
            Move.RESPOND, "touch_app", ask.RespondForm, _respond, "已接单。",
            "接单即代表监管所签字“已知悉上报内容”“已接收，由我办理”。", weighty=True,
        ),
        Offer(
            Move.CONFIRM_HANDOVER, "done_all", ask.ConfirmForm, _confirm, "已确认知悉。",
            "确认即代表社区签字“已知悉上报内容”“已移交”。", weighty=True,
        ),
        Offer(
            Move.CONTROL, "shield", ask.ControlForm, _control, "已登记现场处置。",
            "登记后停止当日处置计时；这不是行政强制措施。",
        ),
        Offer(
            Move.FEED_BACK, "rate_review", ask.FeedbackForm, _feed_back, "已反馈，等待网格员核验。",
            "反馈即代表监管所签字“处置情况属实”。", weighty=True,
        ),
        Offer(
            Move.VERIFY, "task_alt", ask.VerifyForm, _verify, "已核验办结。",
            "核验即代表社区签字“已核实，问题现象已消除”，线索随即办结。", weighty=True,
        ),
        Offer(
            Move.REWORK, "undo", ask.ReworkForm, _rework, "已退回重办。",
            "退回后开始新的一轮办理，重新计算反馈时限。",
        ),
        Offer(
            Move.DISPATCH, "assignment_ind", ask.DispatchForm, _dispatch, "已派单。",
            "派单后由新的承办人接单；改派不改变反馈等其他时限。",
        ),
        *request_moves.OFFERS,
        *after_moves.OFFERS,
        *leniency_moves.OFFERS,
        *tip_off_moves.OFFERS,
        *survey_moves.OFFERS,
    )
}  # fmt: skip


def offered(
    lead: Lead, by: User, *, clocks: Sequence[Deadline], signatures: Sequence[Signature], at: datetime
) -> list[Offer]:
    """The acts that `by` may do on this lead now, in the order of its life. Reads only."""
    if scope_of(by).is_auditor:
        return []
    live = [c for c in clocks if c.closed_at is None]
    act = Act(lead, by, at, live)
    return [offer for offer in OFFERS.values() if _may(offer, act, by, signatures)]


def _may(offer: Offer, act: Act, by: User, signatures: Sequence[Signature]) -> bool:
    move = offer.move
    if move is not None and not states.allowed(move, act.lead.state):
        return False
    if act.lead.restricted and move in states.NOT_FOR_TIP_OFFS:
        return False
    signs_for = None if move is None else SIGNS_FOR.get(move)
    if signs_for and any(s.signer_id == by.pk and s.side != signs_for for s in signatures):
        return False
    try:
        check = offer.check or (CHECKS[move] if move is not None else None)
        return check is not None and check(act, by, signatures)
    except DomainError:
        return False


SIGNS_FOR = {
    Move.RESPOND: Side.OFFICE,
    Move.FEED_BACK: Side.OFFICE,
    Move.SETTLE: Side.OFFICE,
    Move.RECHECK: Side.OFFICE,
    Move.CONFIRM_HANDOVER: Side.COMMUNITY,
    Move.VERIFY: Side.COMMUNITY,
    Move.REWORK: Side.COMMUNITY,
}


def _as_owner(act: Act, by: User, signatures: Sequence[Signature]) -> bool:
    act.as_owner()
    return True


def _may_control(act: Act, by: User, signatures: Sequence[Signature]) -> bool:
    act.as_owner()
    return act.lead.controlled_at is None


def _may_confirm(act: Act, by: User, signatures: Sequence[Signature]) -> bool:
    waiting = [s for s in signing.missing(act.lead, signatures) if s.side == Side.COMMUNITY]
    return act.as_worker() is not None and any(s.stage != "result" for s in waiting)


def _may_verify(act: Act, by: User, signatures: Sequence[Signature]) -> bool:
    lifecycle.verifier(act)
    return True


def _may_dispatch(act: Act, by: User, signatures: Sequence[Signature]) -> bool:
    dispatch.refuse_dispatcher(act, by)
    return True


CHECKS: dict[Move, Check] = {
    Move.RESPOND: _as_owner,
    Move.CONTROL: _may_control,
    Move.FEED_BACK: _as_owner,
    Move.CONFIRM_HANDOVER: _may_confirm,
    Move.VERIFY: _may_verify,
    Move.REWORK: _may_verify,
    Move.DISPATCH: _may_dispatch,
}
