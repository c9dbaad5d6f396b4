"""The words of notices about pauses, rejections, changed categories and supervisors' instructions."""

from __future__ import annotations

from kernel.notices import templates
from kernel.notices.policy import Urgency


def register() -> None:
    """Register every template of these side roads (called once, at start-up)."""
    templates.register(
        "leads.suspend_end", "线索 {number} 暂缓期满", "{category} 暂缓期已满，恢复计时，请继续办理。"
    )
    templates.register(
        "leads.rejected", "线索 {number} 已退单", "{category} 已退单：{reason}。", urgency=Urgency.NEWS
    )
    templates.register(
        "leads.reclassified",
        "线索 {number} 已改类",
        "由“{was}”改为“{category}”，严重程度：{severity}。理由：{reason}。",
    )
    templates.register(
        "leads.finish_today", "未按督办要求今日办结 {number}", "{category}，督办要求的时限 {due_at} 已过。"
    )
    templates.register(
        "leads.grace", "督办延期已到 {number}", "{category}，督办同意的延期 {due_at} 已过，仍未反馈。"
    )
    templates.register(
        "leads.extension_granted", "督办同意延期 {number}", "{category}，督办同意延长 24 小时，请抓紧办理。"
    )
    templates.register(
        "leads.joined", "督办人员共同办理 {number}", "{category}，{name}将到现场与您共同办理。"
    )
    templates.register(
        "leads.reassign_wanted", "社区请求改派 {number}", "{category}，{name}请求改派承办人。{note}"
    )
    templates.register(
        "leads.extension_wanted", "社区建议延期 {number}", "{category}，{name}建议同意延期。{note}"
    )
    templates.register(
        "leads.approver_late",
        "审批逾期致线索超时 {number}",
        "{category}，时限 {due_at} 已过，因申请逾期未批，责任计入审批人。",
    )
