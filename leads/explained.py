"""Everything that moved a lead's due times or its owner, in sentences: for `manage.py lead_explain`.

Beside `leads.explain` (why this grid, this person, these due times, with every pause): the owners it had,
what was asked and decided, what was put off, and who is charged with a lateness.
"""

from __future__ import annotations

from datetime import datetime

from kernel.approvals import kinds
from kernel.approvals.models import Approval
from kernel.deadlines.policy import local
from kernel.journal.models import Entry
from kernel.notices.policy import masked
from leads.explain import explain
from leads.models import Extension, Lead, Suspension

NOTHING = "无。"
CLOCKS = {"feedback": "反馈时限", "final": "完整反馈时限"}


def whole(lead: Lead) -> list[tuple[str, list[str]]]:
    """Headings with their sentences, in the order of a reader's questions. Telephone numbers are masked."""
    found = explain(lead)
    parts = [
        ("派单依据", [lead.routing_reason]),
        ("承办人变动", owners(lead)),
        ("时限", [why.text_zh for why in found.clocks]),
        ("暂缓办理", suspensions(lead)),
        ("延期", extensions(lead)),
        ("申请与审批", requests(lead)),
        ("督办与责任", charges(lead)),
        ("说明", found.warnings),
    ]
    return [(title, [str(masked(one)) for one in said] or [NOTHING]) for title, said in parts]


def owners(lead: Lead) -> list[str]:
    """Who got it and why, oldest first."""
    told = []
    for entry in Entry.objects.filter(stream=lead.stream).order_by("seq"):
        if entry.kind == "lead.dispatched":
            why = entry.data.get("reason") or lead.routing_reason
            told.append(f"{_at(entry.at)} {entry.actor_name}派单：{why.rstrip('。')}。")
        elif entry.kind == "lead.handed_on":
            why = str(entry.data.get("why"))
            told.append(f"{_at(entry.at)} 交给{entry.data.get('name')}：{why.rstrip('。')}。")
    return told


def suspensions(lead: Lead) -> list[str]:
    told = []
    for one in Suspension.objects.filter(lead=lead).select_related("asked_by", "approved_by"):
        until = f"{_at(one.ended_at)} 恢复" if one.ended_at else f"至 {_at(one.until_at)}"
        told.append(
            f"{_at(one.began_at)} 起暂缓，{until}，{one.get_reason_kind_display()}，"
            f"{one.asked_by.name}申请，{one.approved_by.name}批准。"
        )
    return told


def extensions(lead: Lead) -> list[str]:
    told = []
    for one in Extension.objects.filter(lead=lead).select_related("approved_by"):
        ground = "督办意见" if one.approval_id is None else "审批"
        late = "（此前已超时，超时记录保留）" if one.keeps_breach else ""
        told.append(
            f"{CLOCKS.get(one.clock, one.clock)}由 {_at(one.due_before)} 延至 {_at(one.due_after)}，"
            f"{one.approved_by.name}以{ground}同意{late}。"
        )
    return told


def requests(lead: Lead) -> list[str]:
    """What was asked about it and what came of it; also of what nobody answered in time."""
    told = []
    for one in Approval.objects.of("lead", lead.pk).select_related("asked_by", "decided_by").order_by("id"):
        who = one.asked_by.name if one.asked_by else "系统"
        end = f"，{_at(one.ended_at)} {one.get_state_display()}" if one.ended_at else "，待审批"
        by = f"（{one.decided_by.name}）" if one.decided_by else ""
        told.append(
            f"{_at(one.asked_at)} {who}提出{kinds.label(one.kind)}：{one.reason}，"
            f"应于 {_at(one.due_at)} 前审批{end}{by}。"
        )
    return told


def charges(lead: Lead) -> list[str]:
    """The supervision orders, and whose the lateness is."""
    told = []
    for one in lead.orders.select_related("charged_approval").order_by("id"):
        asked = one.charged_approval
        why = f"（{kinds.label(asked.kind)}应于 {_at(asked.due_at)} 前审批，逾期未批）" if asked else ""
        told.append(
            f"{_at(one.raised_at)} {one.get_cause_display()}，责任方：{one.get_late_side_display()}{why}，"
            f"{one.get_state_display()}。"
        )
    return told


def _at(moment: datetime | None) -> str:
    return "—" if moment is None else f"{local(moment):%m-%d %H:%M}"
