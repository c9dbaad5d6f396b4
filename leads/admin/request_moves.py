"""The acts offered on a lead's page: the side roads that somebody approves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kernel.accounts.models import User
from kernel.deadlines import policy as arithmetic
from leads import forms_requests as ask
from leads import pauses, reclassification, rejection
from leads.acts import Act
from leads.admin.offers import Call, Offer
from leads.models import Lead, RejectReason, Severity, Signature, SuspendReason
from leads.states import Move

Signed = Sequence[Signature]


def _suspend(c: Call) -> Lead:
    return pauses.suspend(
        lead_id=c.lead_id,
        by=c.by,
        expect=c.expect,
        reason_kind=SuspendReason(c.given["reason_kind"]),
        until=_end_of(c),
        note=c.given["note"],
    )


def _resume(c: Call) -> Lead:
    return pauses.resume(lead_id=c.lead_id, by=c.by, expect=c.expect, note=c.given["note"])


def _extend(c: Call) -> Lead:
    return pauses.extend(
        lead_id=c.lead_id, by=c.by, expect=c.expect, until=_end_of(c), reason=c.given["reason"]
    )


def _end_of(c: Call) -> datetime:
    return arithmetic.end_of_day(c.given["until_on"])


def _reject(c: Call) -> Lead:
    return rejection.reject(
        lead_id=c.lead_id,
        by=c.by,
        expect=c.expect,
        reason_kind=RejectReason(c.given["reason_kind"]),
        note=c.given["note"],
        evidence=c.evidence,
    )


def _reclassify(c: Call) -> Lead:
    severity = c.given["severity"]
    return reclassification.reclassify(
        lead_id=c.lead_id,
        by=c.by,
        expect=c.expect,
        category=c.given["category"].pk,
        severity=Severity(severity) if severity else None,
        reason=c.given["reason"],
    )


def _owner(act: Act, by: User, signatures: Signed) -> bool:
    act.as_owner()
    return True


def _may_extend(act: Act, by: User, signatures: Signed) -> bool:
    act.as_owner()
    pauses.extendable(act)
    return True


def _may_reclassify(act: Act, by: User, signatures: Signed) -> bool:
    return reclassification.may(act, by)


OFFERS = (
    Offer(
        Move.SUSPEND, "pause_circle", ask.SuspendForm, _suspend, "已申请暂缓办理，等待所长审批。",
        "所长同意后反馈时限暂停计时；接单、当日处置和核验时限不暂停。", title="申请暂缓", check=_owner,
    ),
    Offer(
        Move.RESUME, "play_circle", ask.ResumeForm, _resume, "已恢复办理，继续计时。",
        "恢复后反馈时限继续计时，未用完的暂缓时间不再计入。", check=_owner,
    ),
    Offer(
        Move.EXTEND, "more_time", ask.ExtendForm, _extend, "已申请延期，等待所长审批。",
        "申请期间反馈时限暂停计时，最长 2 小时；每项时限只能申请一次。", check=_may_extend,
    ),
    Offer(
        Move.RECLASSIFY, "category", ask.ReclassifyForm, _reclassify, "已提交改类。",
        "改类不推迟任何时限；食品安全线索改为其他分类须经网格员同意。", check=_may_reclassify,
    ),
    Offer(
        Move.REJECT, "block", ask.RejectForm, _reject, "已提出退单，等待网格员确认。",
        "网格员 24 小时内确认；不同意或逾期的由所长决定。等待期间各项时限照常计时。", check=_owner,
    ),
)  # fmt: skip
