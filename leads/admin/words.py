"""Chinese words for clocks, journal entries and hints, and masks for what people typed."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from kernel.approvals import kinds as approval_kinds
from kernel.clock import SHANGHAI
from kernel.notices import policy
from leads.admin import after_words
from leads.models import (
    DisposalKind,
    Instruction,
    Method,
    Plan,
    Rating,
    RejectReason,
    Result,
    Route,
    Severity,
    Side,
    SupervisionOrder,
    Survey,
    SuspendReason,
)
from leads.states import State
from leads.whistle_states import Answer, How

CLOCKS = {
    "desk": "人工派单",
    "respond": "接单",
    "owner_respond": "改派后接单",
    "feedback": "反馈",
    "final": "完整反馈",
    "same_day": "当日处置",
    "suspend_end": "暂缓到期",
    "finish_today": "督办要求今日办结",
    "grace": "督办同意的延期",
    "verify": "核验",
    "verify_stead": "社区书记可代核验",
    "morning": "夜间交班",
    "urgent_backup": "B角加入",
    "urgent_duty": "值班员加入",
    "answer": "回复反映人",
    "tip_off": "举报核查",
    "ack_office": "所方签收督办",
    "ack_community": "社方签收督办",
    "whistle_answer": "部门回应吹哨",
    "whistle_on_site": "部门到场",
    "digest": "一般线索督办汇总",
    **after_words.CLOCKS,
}
WARNING = re.compile(r"^(?P<kind>\w+?)_(?P<percent>\d{2})$")

FLAGS = {
    "clock_doubted": "手机时间与服务器相差过大，已按收到时间计",
    "clock_skewed": "手机时钟与服务器相差超过10分钟",
    "synced_late": "离线上报，时限自收到时起算",
    "extended_tip_off": "举报核查时限已延长15个工作日",
}
SEVERITY_COLOURS = {
    Severity.MINOR.label: "default",
    Severity.MODERATE.label: "info",
    Severity.SERIOUS.label: "warning",
    Severity.URGENT.label: "danger",
}
STATE_COLOURS = {
    State.REPORTED.label: "danger",
    State.DISPATCHED.label: "warning",
    State.RESPONDED.label: "info",
    State.FED_BACK.label: "primary",
    State.CLOSED.label: "success",
    State.SUSPENDED.label: "default",
    State.REJECTED.label: "default",
    State.MERGED.label: "default",
}


def clock_name(kind: str) -> str:
    """接单, 接单催办 … for a kind of deadline."""
    found = WARNING.match(kind)
    if found and found["kind"] in CLOCKS:
        return f"{CLOCKS[found['kind']]}催办（{found['percent']}%）"
    return CLOCKS.get(kind, "其他时限")


def moment(at: datetime | None) -> str:
    """11月23日 14:05, in Shanghai."""
    return "" if at is None else f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def masked(text: str) -> str:
    """The text with telephone and identity numbers masked: for lists, exports and auditors."""
    return str(policy.masked(text))


def entry_title(kind: str) -> str:
    """What happened, in a few characters."""
    if kind.startswith("clock."):
        return f"{clock_name(kind.removeprefix('clock.'))}时限已到"
    return TITLES.get(kind, "其他记录")


TITLES = {
    "lead.reported": "上报",
    "lead.dispatched": "派单",
    "lead.on_desk": "转待派单",
    "lead.responded": "接单",
    "lead.handover_confirmed": "确认知悉",
    "lead.controlled": "登记现场处置",
    "lead.fed_back": "反馈",
    "lead.closed": "核验办结",
    "lead.reworked": "退回重办",
    "lead.suspended": "暂缓办理",
    "lead.resumed": "恢复办理",
    "lead.extended": "延期",
    "lead.rejected": "退单",
    "lead.reclassified": "改类",
    "lead.joined": "督办人员共同办理",
    "approval.asked": "提出申请",
    "approval.approved": "同意申请",
    "approval.refused": "未同意申请",
    "approval.lapsed": "申请逾期未批",
    "approval.withdrawn": "申请撤回",
    "lead.synced_late": "离线操作补传",
    "tip_off.extended": "举报核查延期",
    "guidance.given": "提醒、指导、约谈",
    "leniency.proposed": "提出容错纠错",
    "leniency.agreed": "容错纠错审批通过一环",
    "leniency.refused": "容错纠错未同意",
    "leniency.signed": "容错纠错签字",
    "lead.handed_on": "交班",
    "lead.nobody_to_hand_on_to": "无人可交接",
    "lead.evidence_arrived": "补传证据",
    "answer.owed": "须回复反映人",
    "answer.called": "电话回复反映人",
    "answer.sms_delivered": "短信已送达反映人",
    "answer.sms_failed": "短信未能送达反映人",
    "answer.cancelled": "重新办理，原回复事项取消",
    "survey.asked": "发起满意度回访",
    "survey.answered": "满意度评价",
    "reporter.revealed": "查看反映人信息",
    "reporter.removed": "反映人信息到期清除",
    "order.raised": "发出督办单",
    "order.acknowledged": "签收督办单",
    "order.escalated": "督办升级到局",
    "order.lifted": "督办解除",
    "whistle.blown": "吹哨",
    "whistle.called_more": "再叫其他部门",
    "whistle.answered": "部门回应吹哨",
    "whistle.checked_in": "部门到场",
    "whistle.reported": "部门报告处置情况",
    "whistle.contacts_revealed": "查看部门联系电话",
    "whistle.closed": "结束吹哨",
    **after_words.TITLES,
}


def entry_text(kind: str, data: dict[str, Any]) -> str:
    """The details of an entry in one sentence; empty where the title says it all."""
    parts = [text for text in _details(kind, data) if text]
    if data.get("signed"):
        parts.append(f"签字 {len(data['signed'])} 项")
    return "；".join(parts)


def _details(kind: str, data: dict[str, Any]) -> list[str]:
    note = str(data.get("note") or data.get("reason") or data.get("why") or "")
    if (told := after_words.details(kind, data, note)) is not None:
        return told
    match kind:
        case "lead.reported":
            files = data.get("evidence") or 0
            return [
                f"严重程度：{_label(Severity, data.get('severity'))}",
                f"网格：{data.get('grid') or '未匹配'}",
                f"证据 {files} 份" if files else "",
            ]
        case "lead.dispatched" | "lead.handed_on":
            return [f"承办人：{data.get('name', '')}", note]
        case "lead.responded":
            return [_label(Plan, data.get("plan"))]
        case "lead.fed_back":
            filed = f"案件编号 {data['case_number']}" if data.get("case_number") else ""
            return [f"第 {data.get('round', 1)} 轮", _label(DisposalKind, data.get("disposal")), filed, note]
        case "lead.closed":
            return [_label(Method, data.get("method")), "代核验" if data.get("in_stead") else "", note]
        case "lead.synced_late":
            return [
                f"手机记录于 {_moment_of(data.get('captured_at'))}" if data.get("captured_at") else "",
                f"收到于 {_moment_of(data.get('received_at'))}",
                f"手机时钟偏差 {data.get('skew_s')} 秒" if data.get("clock_skewed") else "",
            ]
        case "leniency.proposed":
            earlier = "、".join(str(one) for one in data.get("earlier") or [])
            found = f"此前已有同类线索 {earlier}" if earlier else "此前已有同类违法记录"
            first = "系统查询为初次" if data.get("is_first") else found
            return [_label(Route, data.get("route")), first]
        case "leniency.agreed" | "leniency.refused":
            return [approval_kinds.label(str(data.get("stage", ""))), note]
        case "leniency.signed":
            return [f"第 {data.get('signatures', 1)} 名执法人员"]
        case "lead.reworked":
            return [f"进入第 {data.get('round', 2)} 轮", f"原因：{note}"]
        case "answer.owed":
            return [
                f"回复时限：{_moment_of(data.get('due_at'))}",
                "已发短信" if data.get("sms") else "须电话回复",
            ]
        case "answer.called":
            return [_label(Result, data.get("result")), note]
        case "survey.asked":
            whom = _label(Survey.Asked, data.get("asked"))
            return [whom, "短信链接" if data.get("link") else "电话回访"]
        case "survey.answered":
            return [_label(Rating, data.get("rating")), _label(Survey.How, data.get("how"))]
        case "lead.suspended":
            return [
                _label(SuspendReason, data.get("reason_kind")),
                f"至 {_moment_of(data.get('until'))}",
                note,
            ]
        case "lead.resumed":
            return ["暂缓期满" if data.get("by_itself") else "提前恢复", note]
        case "lead.extended":
            late = "此前的超时保留" if data.get("keeps_breach") else ""
            return [f"{clock_name(str(data.get('clock', '')))}时限延至 {_moment_of(data.get('until'))}", late]
        case "lead.rejected":
            return [_label(RejectReason, data.get("reason_kind")), note]
        case "lead.reclassified":
            severity = _label(Severity, data.get("severity"))
            return [f"{data.get('from', '')} 改为 {data.get('to', '')}", f"严重程度：{severity}", note]
        case "lead.joined":
            return [f"{data.get('name', '')}到现场共同办理"]
        case _ if kind.startswith("approval."):
            return [approval_kinds.label(str(data.get("kind", ""))), note]
        case "order.acknowledged":
            side = _label(Side, data.get("side"))
            return [f"{side}方：{_label(Instruction, data.get('instruction'))}", note]
        case "order.raised":
            cause = _label(SupervisionOrder.Cause, data.get("cause"))
            return [
                cause,
                f"责任方：{data.get('late', '')}",
                f"签收时限：{_moment_of(data.get('ack_due_at'))}",
            ]
        case "order.lifted":
            return [_label(SupervisionOrder.Cause, data.get("cause"))]
        case "order.escalated":
            return [f"{clock_name(str(data.get('silent', '')))}超时"]
        case "whistle.blown" | "whistle.called_more":
            return [f"吹哨 {data.get('whistle', '')}", "、".join(data.get("names") or []), note]
        case "whistle.answered":
            return [
                str(data.get("name", "")),
                _label(Answer, data.get("answer")),
                _label(How, data.get("how")),
                note,
            ]
        case "whistle.closed":
            return [f"吹哨 {data.get('whistle', '')}", note]
        case _ if kind.startswith("whistle."):
            return [str(data.get("name", "")), note]
        case _ if kind.startswith("clock."):
            return [str(data.get("name", "")), f"时限：{_moment_of(data.get('due_at'))}"]
        case _:
            return [note]


def _label(choices: Any, value: Any) -> str:
    return str(dict(choices.choices).get(value, value or ""))


def _moment_of(text: Any) -> str:
    found = parse_datetime(text.replace(" ", "T", 1)) if isinstance(text, str) else None
    return moment(found) if found else ""
