"""The page of one lead: side roads, handing over, rechecks and look-backs. Reads only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leads.models import DisposalKind, Lead, LookBack, Recheck

Say = Callable[[str], str]

RECHECK_TONES = {"waiting": "warning", "passed": "success", "failed": "danger"}
REFERRAL_TONES = {"waits_for_receipt": "warning", "waits_for_reply": "info", "replied": "success"}
LOOK_BACK_TONES = {"scheduled": "info", "passed": "success", "failed": "danger", "cancelled": "default"}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a section: what, in what state, who and when, in what words."""

    title: str
    state: str
    tone: str
    who: str
    at: datetime | None
    text: str


def sections(lead: Lead, kinds: set[str], say: Say) -> dict[str, Any]:
    """Every section of `_after.html`. Three statements; more only where the lead has gone that way."""
    rectified = DisposalKind.RECTIFY in kinds
    return {
        "interims": _interims(lead, say) if lead.first_interim_at else [],
        "recusals": _recusals(lead, say),
        "merged_here": list(lead.merged.filter(restricted=False).order_by("id")),
        "referrals": _referrals(lead, say) if DisposalKind.HANDED_OVER in kinds else [],
        "rectification": _rectification(lead, say) if rectified else [],
        "look_backs": _look_backs(lead, say) if rectified else [],
        "reopenings": _reopenings(lead, say) if lead.reopen_count else [],
    }


def _interims(lead: Lead, say: Say) -> list[Item]:
    rows = lead.interims.select_related("by", "approved_by").order_by("id")
    return [
        Item(
            f"第 {one.round} 轮第 {one.number} 次",
            "所长批准" if one.approved_by else "",
            "info",
            one.by.name,
            one.at,
            f"已完成：{say(one.done)}；尚需：{say(one.remaining)}；承诺 {_day(one.final_due_at)} 前完整反馈",
        )
        for one in rows
    ]


def _day(at: datetime) -> str:
    from leads.admin import words

    return words.moment(at)


def _recusals(lead: Lead, say: Say) -> list[Item]:
    return [
        Item("原承办人" if one.was_owner else "", "", "default", one.person.name, one.at, say(one.reason))
        for one in lead.recusals.select_related("person").order_by("id")
    ]


def _referrals(lead: Lead, say: Say) -> list[Item]:
    found = []
    for one in lead.referrals.select_related("department", "sent_by").order_by("round"):
        parts = [
            f"文号：{one.document_number}" if one.document_number else "",
            f"回执：{_day(one.receipt_at)} {one.receipt_number}" if one.receipt_at else "",
            f"答复时限：{_day(one.reply_due_at)}" if one.reply_due_at and not one.reply_at else "",
            f"答复：{say(one.reply)}" if one.reply else "",
        ]
        text = "；".join(part for part in parts if part)
        tone = REFERRAL_TONES[one.stage]
        found.append(
            Item(one.department.name, str(one.stage.label), tone, one.sent_by.name, one.sent_at, text)
        )
    return found


def _rectification(lead: Lead, say: Say) -> list[Item]:
    proofs = [
        Item(
            f"第 {one.round} 轮整改证明",
            "期限内" if one.in_time else "期限已过",
            "success" if one.in_time else "warning",
            one.by.name,
            one.at,
            say(one.note),
        )
        for one in lead.corrections.select_related("by").order_by("id")
    ]
    rechecks = lead.rechecks.select_related("by", "countersigned_by").order_by("round")
    return sorted([*proofs, *(_recheck(one, say) for one in rechecks)], key=lambda item: str(item.at))


def _recheck(one: Recheck, say: Say) -> Item:
    text = say(one.note)
    if one.countersigned_by is not None:
        text += f"（会签：{one.countersigned_by.name} {say(one.countersign_note)}）"
    return Item(
        f"第 {one.round} 轮复查", one.get_state_display(), RECHECK_TONES[one.state], one.by.name, one.at, text
    )


def _look_backs(lead: Lead, say: Say) -> list[Item]:
    return [look_back(one, say) for one in lead.look_backs.select_related("by").order_by("round", "number")]


def look_back(one: LookBack, say: Say) -> Item:
    return Item(
        f"第 {one.round} 轮{one.get_number_display()}，应于 {one.due_on:%Y-%m-%d} 前",
        one.get_state_display(),
        LOOK_BACK_TONES[one.state],
        one.by.name if one.by else "",
        one.done_at,
        say(one.note),
    )


def _reopenings(lead: Lead, say: Say) -> list[Item]:
    return [
        Item(
            f"进入第 {one.round} 轮",
            one.get_cause_display(),
            "warning",
            one.by.name if one.by else "系统",
            one.at,
            say(one.reason),
        )
        for one in lead.reopenings.select_related("by").order_by("id")
    ]
