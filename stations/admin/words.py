"""Chinese words and tones for the pages of disputes: states, clocks, the entries of a journal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString

from kernel.approvals import kinds as approval_kinds
from leads.admin import clock_face
from leads.admin.words import WARNING, masked, moment
from leads.models import Rating
from stations import policy
from stations.models import (
    Dispute,
    DisputeSurvey,
    FailReason,
    GoodsKind,
    Outcome,
    RefusalGround,
    Source,
    TestingKind,
    TierStay,
    WithdrawalReason,
    WordWay,
)
from stations.states import OPEN, State, Tier

STATE_TONES = {
    State.NEGOTIATING.label: "info",
    State.MEDIATING.label: "primary",
    State.AGREED.label: "warning",
    State.FILED.label: "danger",
    State.ACCEPTED.label: "warning",
    State.SETTLED.label: "success",
    State.PERFORMED.label: "success",
    State.NOT_REACHED.label: "default",
    State.WITHDRAWN.label: "default",
    State.REFUSED.label: "default",
}
SHORT = {
    State.AGREED: "待履行",
    State.FILED: "待受理决定",
    State.ACCEPTED: "已受理",
}
"""Where a state's own words are too long for a list."""
SHORT_TONES = {SHORT.get(state, state.label): STATE_TONES[state.label] for state in State}
CLOCKS = {
    "shop": "店内协商",
    "circle": "商圈调解",
    "community": "社区调解",
    policy.ACCEPT: "受理决定",
    policy.MEDIATION: "行政调解",
    policy.PERFORM: "协议履行",
    policy.CHECK: "核实履行",
    "approval": "审批重新调解",
}
TITLES = {
    "dispute.taken": "登记",
    "dispute.tier_entered": "进入新层级",
    "dispute.on_the_spot": "当场和解",
    "dispute.settled": "和解",
    "dispute.failed": "未达成",
    "dispute.not_reached": "未达成",
    "dispute.withdrawn": "撤回",
    "dispute.performed": "协议已履行",
    "dispute.agreed": "签订调解协议",
    "dispute.agreement_broken": "协议未履行",
    "dispute.word": "消费者同意转12315",
    "dispute.filed": "转12315",
    "dispute.accepted": "受理",
    "dispute.refused": "不予受理",
    "dispute.session_booked": "预约调解会",
    "dispute.session_held": "登记调解记录",
    "dispute.session_cancelled": "取消调解会",
    "dispute.testing_began": "送检，暂停计时",
    "dispute.testing_ended": "检测结束，恢复计时",
    "dispute.lead_made": "转为问题线索",
    "dispute.evidence_arrived": "补传证据",
    "dispute.reopened": "重新调解",
    "agreement.printed": "打印协议书",
    "agreement.previewed": "预览协议草稿",
    "consumer.revealed": "查看消费者信息",
    "consumer.removed": "消费者信息到期清除",
    "survey.asked": "发起满意度回访",
    "survey.answered": "满意度评价",
    "approval.asked": "请求重新调解",
    "approval.approved": "同意重新调解",
    "approval.refused": "未同意重新调解",
    "approval.lapsed": "请求逾期未批",
    "approval.withdrawn": "请求撤回",
}
CHOICES = (
    ("source", Source), ("tier", Tier), ("goods_kind", GoodsKind), ("way", WordWay), ("outcome", Outcome),
    ("fail", FailReason), ("fail_reason", FailReason), ("withdrawal", WithdrawalReason),
    ("ground", RefusalGround), ("rating", Rating), ("how", DisputeSurvey.How),
)  # fmt: skip
"""Keys of an entry's data whose values are words of these choices."""
REASONS = {
    str(value): str(label)
    for choices in (FailReason, WithdrawalReason, RefusalGround, TierStay.Why)
    for value, label in choices.choices
}


def state_of(dispute: Dispute) -> str:
    """The state in the few characters of a list."""
    return str(SHORT.get(State(dispute.state), State(dispute.state).label))


def clock_name(kind: str) -> str:
    """店内协商, 店内协商催办（80%） … for a kind of deadline."""
    found = WARNING.match(kind)
    if found and found["kind"] in CLOCKS:
        return f"{CLOCKS[found['kind']]}催办（{found['percent']}%）"
    return CLOCKS.get(kind, "其他时限")


def clock(dispute: Dispute, at: datetime) -> SafeString:
    """The countdown of the stay that runs; empty where none does."""
    if dispute.state not in OPEN or dispute.due_at is None:
        return SafeString("")
    kind = policy.clock_of(dispute.state, dispute.tier)
    name = "履行" if kind == policy.PERFORM else CLOCKS.get(kind or "", "时限")
    return clock_face.draw(name, dispute.due_at, at)


def entry_title(kind: str) -> str:
    if kind.startswith("clock."):
        return f"{clock_name(kind.removeprefix('clock.'))}时限已到"
    return TITLES.get(kind, "其他记录")


def entry_text(kind: str, data: dict[str, Any]) -> str:
    """The details of an entry in one sentence; empty where the title says it all."""
    parts: list[str] = []
    if kind.startswith("approval."):
        parts.append(approval_kinds.label(str(data.get("kind", ""))))
    for key, choices in CHOICES:
        if data.get(key):
            parts.append(str(dict(choices.choices).get(data[key], data[key])))
    parts += _of_kind(kind, data)
    parts += [REASONS.get(str(data.get(key)), str(data.get(key) or "")) for key in ("why", "reason", "note")]
    return "；".join(dict.fromkeys(part for part in parts if part))


def _of_kind(kind: str, data: dict[str, Any]) -> list[str]:
    match kind:
        case "dispute.taken":
            files = len(data.get("evidence") or [])
            return [
                "消费者同意必要时转12315" if data.get("word") else "",
                f"证据 {files} 份" if files else "",
            ]
        case "dispute.agreed":
            amount = data.get("amount")
            return [
                f"协议 {data.get('agreement', '')}",
                f"给付 {amount} 元" if amount else "",
                f"履行期限 {data.get('perform_by', '')}",
            ]
        case "dispute.agreement_broken" | "agreement.printed":
            return [f"协议 {data.get('agreement', '')}"]
        case "dispute.session_booked":
            return [moment_of(data.get("starts_at"))]
        case "dispute.session_held":
            came = [
                name for key, name in (("consumer_came", "消费者"), ("shop_came", "经营者")) if data.get(key)
            ]
            return [f"{'、'.join(came)}到场" if came else "双方均未到场"]
        case "dispute.testing_began" | "dispute.testing_ended":
            return [
                str(dict(TestingKind.choices).get(str(data.get("kind")), "")),
                str(data.get("institution", "")),
            ]
        case "dispute.lead_made":
            return [f"线索 {data.get('lead', '')}"]
        case "survey.asked":
            return ["短信链接" if data.get("link") else "电话回访"]
        case _ if kind.startswith("clock."):
            return [f"时限：{moment_of(data.get('due_at'))}"]
        case _:
            return []


def moment_of(said: Any) -> str:
    found = parse_datetime(said.replace(" ", "T", 1)) if isinstance(said, str) else None
    return moment(found) if found else ""


__all__ = ["clock", "clock_name", "entry_text", "entry_title", "masked", "moment", "state_of"]
