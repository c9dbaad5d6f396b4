"""移交其他部门: sent with the feedback, 已移交 only with the receipt, its reply chased (DESIGN.md §3).

The lead is verified and closed as usual; until the receipt is there it shows 待回执.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from grids.models import Department
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.deadlines import policy as arithmetic
from kernel.errors import Conflict, Malformed, NotAllowed, Refused
from leads import dispatch
from leads.acts import Act, Expect, perform
from leads.models import DisposalKind, Lead, Referral
from leads.states import State


def refuse_department(kind: str, code: str) -> Department | None:
    """The department that a disposal names. None for every other kind of disposal.

    Raises:
        Malformed: `department` – missing with `handed_over`, or given without it.
        Refused: `unknown_department`.
    """
    if (kind == DisposalKind.HANDED_OVER) != bool(code):
        raise Malformed(
            "移交其他部门须选择部门，其他处置方式不填。", code="department", attr="disposal.department"
        )
    if not code:
        return None
    found = Department.objects.filter(code=code).first()
    if found is None:
        raise Refused("没有这个部门。", code="unknown_department", attr="disposal.department")
    return found


def send(act: Act, department: Department, document_number: str) -> Referral:
    """The lead's round is handed over: the receipt is awaited from now on."""
    row = Referral.objects.create(
        lead=act.lead,
        round=act.lead.round,
        department=department,
        document_number=document_number,
        sent_by=act.actor,
        sent_at=act.at,
    )
    _arm(act, "referral_receipt", act.at)
    act.note(
        "lead.referred",
        {"department": department.code, "name": department.name, "document_number": document_number},
    )
    return row


def signed(row: Referral | None) -> dict[str, Any] | None:
    """What the signature of a handed-over result holds beside its disposal."""
    if row is None:
        return None
    return {"referral": {"department": row.department.code, "document_number": row.document_number}}


def of_round(lead: Lead) -> Referral | None:
    """The referral of the present round, or None."""
    return Referral.objects.filter(lead=lead, round=lead.round).select_related("department").first()


def _arm(act: Act, kind: str, start: datetime) -> datetime:
    limit = act.limits[kind]
    due_at = arithmetic.due(limit, start, clocks.calendar())
    clocks.arm(
        clocks.with_warning(
            limit,
            subject_kind="lead",
            subject_id=act.lead.pk,
            kind=kind,
            cycle=act.lead.round,
            armed_at=act.at,
            due_at=due_at,
        )
    )
    return due_at


def refuse_registrar(act: Act) -> None:
    """Who may enter what the department sent: the owner, or the office's desk and heads.

    Raises:
        NotAllowed: `not_registrar`, `recused`.
    """
    act.refuse_recused()
    try:
        act.as_owner()
    except NotAllowed:
        try:
            dispatch.refuse_dispatcher(act, act.actor)
        except NotAllowed:
            raise NotAllowed("回执和答复由承办人或所内勤登记。", code="not_registrar") from None


def _present(act: Act) -> Referral:
    row = of_round(act.lead)
    if row is None or act.lead.state not in (State.FED_BACK, State.CLOSED):
        raise Conflict("这条线索目前没有移交其他部门。", code="not_referred")
    return row


def enter_receipt(*, lead_id: int, by: User, expect: Expect, number: str = "") -> Lead:
    """回执: the department has it. Counts as 已移交 from now on; its reply is due 10 working days later.

    Saying it again gives the lead back. Raises (beside `acts.perform`): NotAllowed `not_registrar`,
    `recused`; Conflict `not_referred`, `receipt_there` (with another number).
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        refuse_registrar(act)
        row = _present(act)
        if row.receipt_at is not None and row.receipt_number == number:
            return lead
        expect(lead.version)
        if row.receipt_at is not None:
            raise Conflict("回执已经登记。", code="receipt_there")
        clocks.meet("lead", lead.pk, ["referral_receipt"], at=act.at)
        row.reply_due_at = _arm(act, "referral_reply", act.at)
        row.receipt_at, row.receipt_by, row.receipt_number = act.at, by, number
        row.save(update_fields=["receipt_at", "receipt_by", "receipt_number", "reply_due_at"])
        lead.handed_over_at = act.at
        act.save("handed_over_at")
        act.note(
            "lead.referral_received",
            {"department": row.department.code, "name": row.department.name, "number": number},
        )
        act.tell(
            [lead.assignee_id],
            "referral_received",
            department=row.department.name,
            reply_due_at=row.reply_due_at.isoformat(),
        )
        return lead

    return perform(lead_id, by, work)


def enter_reply(*, lead_id: int, by: User, expect: Expect, text: str) -> Lead:
    """答复: what the department did. Saying the same again gives the lead back.

    Raises (beside `acts.perform`): NotAllowed `not_registrar`, `recused`; Conflict `not_referred`,
    `receipt_missing`, `reply_there`.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        refuse_registrar(act)
        row = _present(act)
        if row.reply_at is not None and row.reply == text:
            return lead
        expect(lead.version)
        if row.receipt_at is None:
            raise Conflict("请先登记移交回执。", code="receipt_missing")
        if row.reply_at is not None:
            raise Conflict("答复已经登记。", code="reply_there")
        clocks.meet("lead", lead.pk, ["referral_reply"], at=act.at)
        row.reply_at, row.reply_by, row.reply = act.at, by, text
        row.save(update_fields=["reply_at", "reply_by", "reply"])
        act.save()
        act.note("lead.referral_replied", {"department": row.department.code, "note": text})
        act.tell([lead.assignee_id, lead.reported_by_id], "referral_replied", department=row.department.name)
        return lead

    return perform(lead_id, by, work)
