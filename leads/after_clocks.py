"""Clocks of the time after closing: the ordered date, countersignature, look-backs, receipt and reply.

Set-based, in the sweep's transaction; each event is told (DESIGN.md §4). `final` and `recheck` raise a
supervision order like the clocks of the main road (`clock_handlers.raise_orders`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kernel.deadlines import handlers
from kernel.deadlines.handlers import Fired
from kernel.notices import templates
from kernel.notices.models import OutboxMessage
from leads import clock_handlers, clock_notices, credit_facts
from leads.clock_notices import (
    BUREAU_WITHOUT_OFFICE,
    COMMUNITY_HEADS,
    HEADS,
    OWNER,
    WORKERS,
    of_leads,
    tell,
)
from leads.states import State

COMMISSIONERS = clock_notices.held("p.role = 'COMMISSIONER' AND p.grid_id = l.grid_id")

LATE = {
    "rectify": ("rectify_due", (OWNER, COMMISSIONERS)),
    "countersign": ("countersign_late", (WORKERS, COMMUNITY_HEADS)),
    "look_back": ("look_back_late", (COMMISSIONERS, WORKERS, HEADS, COMMUNITY_HEADS)),
    "look_back_food": ("look_back_late", (COMMISSIONERS, WORKERS, HEADS, COMMUNITY_HEADS)),
    "look_back_again": ("look_back_late", (COMMISSIONERS, WORKERS, HEADS, COMMUNITY_HEADS)),
    "referral_receipt": ("referral_receipt_late", (OWNER, HEADS, BUREAU_WITHOUT_OFFICE)),
    "referral_reply": ("referral_reply_late", (OWNER, HEADS, BUREAU_WITHOUT_OFFICE)),
}
"""What is told, and to whom, when one of these runs out."""
SOON = {
    "look_back_80": ("look_back_soon", (COMMISSIONERS, WORKERS)),
    "look_back_food_80": ("look_back_soon", (COMMISSIONERS, WORKERS)),
    "look_back_again_80": ("look_back_soon", (COMMISSIONERS, WORKERS)),
    "referral_reply_80": ("referral_reply_soon", (OWNER,)),
}
WHAT = {
    "rectify_due": "整改期限届满待复查",
    "countersign_late": "复查已满24小时待会签",
    "look_back_late": "回头看超时",
    "look_back_soon": "即将到回头看时限",
    "referral_receipt_late": "移交后未取得回执",
    "referral_reply_late": "移交后未收到答复",
    "referral_reply_soon": "即将到移交答复时限",
}


def late(batch: Sequence[Fired], at: datetime) -> None:
    """One of `LATE` ran out: noted in the journal and told."""
    clock_handlers.note(batch, at)
    topic, people = LATE[batch[0].kind]
    if batch[0].kind == "rectify":
        credit_facts.overdue(batch, at)
    tell(of_leads(batch), at, topic, *people)


def soon(batch: Sequence[Fired], at: datetime) -> None:
    """A reminder: only told."""
    topic, people = SOON[batch[0].kind]
    tell(of_leads(batch), at, topic, *people)


# --- words -----------------------------------------------------------------------------------------


def _is_closed(message: OutboxMessage) -> bool:
    from leads.models import Lead

    return Lead.objects.filter(pk=message.subject_id, state=State.CLOSED).exists()


def _waits_for_countersignature(message: OutboxMessage) -> bool:
    from leads.models import Recheck

    return Recheck.objects.filter(lead_id=message.subject_id, state=Recheck.State.WAITING).exists()


def _waits_for_receipt(message: OutboxMessage) -> bool:
    from leads.models import Referral

    return Referral.objects.filter(lead_id=message.subject_id, receipt_at__isnull=True).exists()


def _waits_for_reply(message: OutboxMessage) -> bool:
    from leads.models import Referral

    waiting = Referral.objects.filter(lead_id=message.subject_id, reply_at__isnull=True)
    return waiting.filter(receipt_at__isnull=False).exists()


def _looks_back_still(message: OutboxMessage) -> bool:
    from leads.models import LookBack

    return LookBack.objects.waiting().filter(lead_id=message.subject_id).exists()


TEMPLATES = (
    ("interim", "阶段反馈 {number}", "{category} 已作阶段反馈，承诺于 {final_due_at} 前完整反馈。", None),
    ("recused", "线索 {number} 承办人回避", "{category} 原承办人申请回避，已转由{owner}承办。", None),
    ("worker_recused", "线索 {number} 有人回避", "{category}，{person}申请回避。", None),
    ("merged", "线索 {number} 已并单", "{category} 与 {survivor} 为同一事项，已并案办理。", None),
    ("absorbed", "线索 {number} 并入其他线索", "{merged} 已并入本线索，请一并办理。", None),
    ("unmerged", "线索 {number} 撤销并单", "{category} 恢复单独办理：{reason}。", None),
    ("reopened", "线索 {number} 重新办理", "{cause}：{reason}。请于 {feedback_due_at} 前重新反馈。", None),
    ("corrected", "线索 {number} 已提交整改证明", "{category} 已提交整改证明，请安排复查。", _is_closed),
    (
        "countersign",
        "请会签复查 {number}",
        "{category} 复查认定整改到位，请于 {countersign_due_at} 前核实会签。",
        _waits_for_countersignature,
    ),
    ("cleared", "线索 {number} 已销号", "{category} 复查通过，已销号，届时回头看。", None),
    ("look_back_passed", "线索 {number} 回头看通过", "{category} {which}回头看未发现反弹。", None),
    (
        "rectify_due",
        "整改期限届满 {number}",
        "{category} 整改期限 {due_at} 已到，请在3个工作日内复查。",
        _is_closed,
    ),
    (
        "countersign_late",
        "催办会签 {number}",
        "{category} 复查已满24小时未会签，社区书记可说明原因后代为会签。",
        _waits_for_countersignature,
    ),
    ("look_back_soon", "请回头看 {number}", "{category}，请于 {due_at} 前到现场回头看。", _looks_back_still),
    ("look_back_late", "回头看超时 {number}", "{category}，回头看时限 {due_at} 已过。", _looks_back_still),
    (
        "referral_receipt_late",
        "待回执 {number}",
        "{category} 移交后尚未取得回执，请向接收部门催要。",
        _waits_for_receipt,
    ),
    (
        "referral_received",
        "线索 {number} 已取得回执",
        "{department}已接收，答复时限 {reply_due_at}。",
        None,
    ),
    ("referral_replied", "线索 {number} 已收到答复", "{department}已答复移交事项。", None),
    (
        "referral_reply_soon",
        "催办移交答复 {number}",
        "{category} 移交事项答复时限 {due_at} 将到，请提醒接收部门。",
        _waits_for_reply,
    ),
    (
        "referral_reply_late",
        "移交未答复 {number}",
        "{category} 移交事项答复时限 {due_at} 已过，请催办。",
        _waits_for_reply,
    ),
)  # fmt: skip


def register() -> None:
    """Register handlers and words (called once, at start-up)."""
    clock_notices.WHAT.update(WHAT)
    for key, title, body, still_wanted in TEMPLATES:
        templates.register(f"leads.{key}", title, body, still_wanted)
    for kind in LATE:
        handlers.register("lead", kind, late)
    for kind in SOON:
        handlers.register("lead", kind, soon)
