"""What credit's entries in the journal of a business are called in its 变更历史."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


_CAUSES = {"CAP": "，等级封顶", "VETO": "，一票否决"}


def _moved(said: Mapping[str, Any]) -> str:
    """`B级 → C级（73.00分，等级封顶）`."""
    why = _CAUSES.get(str(said.get("cause")), "")
    return f"{said.get('before')}级 → {said.get('grade')}级（{float(said.get('total', 0)):.2f}分{why}）"


def register() -> None:
    """Name them (called once, at start-up)."""
    register_history.name("credit.graded", "信用等级变动", _moved)
    for kind, words in WORDS.items():
        register_history.name(kind, words)
