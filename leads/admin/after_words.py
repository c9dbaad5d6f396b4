"""Chinese words of the side roads and of the time after closing, for the timeline."""

from __future__ import annotations

from typing import Any

from leads.models import LookBack, Recheck, Reopening, Severity

CLOCKS = {
    "rectify": "整改",
    "recheck": "复查",
    "countersign": "复查会签",
    "look_back": "回头看（第一次）",
    "look_back_food": "回头看（第一次）",
    "look_back_again": "回头看（第二次）",
    "referral_receipt": "移交回执",
    "referral_reply": "移交答复",
    "leniency_sign": "容错纠错决定签字",
}
TITLES = {
    "lead.interim": "阶段反馈",
    "lead.recused": "回避",
    "lead.merged": "并单",
    "lead.absorbed": "并入其他线索",
    "lead.unmerged": "撤销并单",
    "lead.released": "并入的线索已撤销",
    "lead.referred": "移交其他部门",
    "lead.referral_received": "取得移交回执",
    "lead.referral_replied": "收到移交答复",
    "lead.case_numbered": "补登案件编号",
    "lead.corrected": "提交整改证明",
    "lead.rechecked": "复查",
    "lead.recheck_countersigned": "复查会签",
    "lead.look_backs_scheduled": "安排回头看",
    "lead.looked_back": "回头看",
    "lead.reopened": "重新办理",
}


def _label(choices: Any, value: Any) -> str:
    return str(dict(choices.choices).get(value, value or ""))


def details(kind: str, data: dict[str, Any], note: str) -> list[str] | None:
    """What an entry of ours tells, part by part; None for every other kind."""
    number = str(data.get("number", ""))
    match kind:
        case "lead.interim":
            return [f"第 {data.get('number', 1)} 次", note]
        case "lead.case_numbered":
            return [f"案件编号 {number}"]
        case "lead.recused":
            return [f"转由{data['name']}承办" if data.get("name") else "", note]
        case "lead.merged":
            return [f"并入 {number}", note]
        case "lead.absorbed":
            return [f"{number} 并入本线索", note]
        case "lead.unmerged":
            return [f"不再并入 {number}", note]
        case "lead.released":
            return [f"{number} 恢复单独办理", note]
        case "lead.referred":
            return [f"移交{data.get('name', '')}", str(data.get("document_number") or "")]
        case "lead.referral_received":
            return [str(data.get("name", "")), f"回执编号：{number}" if number else ""]
        case "lead.corrected":
            return ["期限内" if data.get("in_time") else "期限已过", note]
        case "lead.rechecked":
            return [_label(Recheck.State, data.get("result")), note]
        case "lead.recheck_countersigned":
            return ["同意" if data.get("agree") else "不同意", "代会签" if data.get("in_stead") else "", note]
        case "lead.look_backs_scheduled":
            return ["、".join(str(day) for day in data.get("due_on") or [])]
        case "lead.looked_back":
            which = _label(LookBack.Number, data.get("number"))
            return [which, _label(LookBack.State, data.get("result")), note]
        case "lead.reopened":
            return [
                _label(Reopening.Cause, data.get("cause")),
                f"进入第 {data.get('round', 2)} 轮",
                f"严重程度：{_label(Severity, data.get('severity'))}",
                note,
            ]
        case _:
            return None
