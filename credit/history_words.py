"""What credit's entries in the journal of a business are called in its 变更历史."""

from __future__ import annotations

from grids import register_history

WORDS = {
    "credit.appealed": "登记等级申诉",
    "credit.appeal_taken_back": "撤回等级申诉",
    "credit.appeal_decided": "等级申诉审结",
    "credit.repair_asked": "申请信用修复",
    "credit.repair_decided": "信用修复审结",
    "credit.fact_withdrawn": "撤销信用事实",
    "red_partner.nominated": "提名红色合伙人",
    "red_partner.withdrawn": "撤回红色合伙人提名",
    "red_partner.moved": "红色合伙人称号转入",
    "red_partner.approved": "批准红色合伙人",
    "red_partner.refused": "未批准红色合伙人",
    "red_partner.suspended": "暂停红色合伙人称号",
    "red_partner.resumed": "恢复红色合伙人称号",
    "red_partner.revoked": "取消红色合伙人称号",
}


def register() -> None:
    """Name them (called once, at start-up)."""
    for kind, words in WORDS.items():
        register_history.name(kind, words)
