"""Why this grid, this person, these due times – in sentences a supervisor can read aloud."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kernel.deadlines import clocks
from kernel.deadlines.models import Deadline, LimitPolicy, Segment
from kernel.deadlines.policy import local
from kernel.journal.models import Entry
from kernel.notices.policy import masked
from leads.models import Extension, Lead, SupervisionOrder
from leads.selectors import deadlines_of, handed_in

STATES = dict(Deadline.State.choices)
EXTRA = {
    "morning": "夜间派单交班",
    "ack_office": "所方签收督办",
    "ack_community": "社方签收督办",
    "digest": "一般线索督办汇总",
    "suspend_end": "暂缓到期",
    "finish_today": "督办要求今日办结",
    "grace": "督办同意的延期",
    "leniency_sign": "容错纠错决定签字",
}


@dataclass(frozen=True, slots=True)
class Why:
    """One clock and the rule behind it."""

    deadline: Deadline
    text_zh: str


@dataclass(frozen=True, slots=True)
class Explanation:
    lead: Lead
    clocks: list[Why]
    warnings: list[str]

    @property
    def text_zh(self) -> str:
        return "\n".join([self.lead.routing_reason, *(why.text_zh for why in self.clocks), *self.warnings])


def explain(lead: Lead) -> Explanation:
    """Every clock of the lead with the policy version that set it, its pauses, and what was guessed."""
    rows = deadlines_of([lead.pk])[lead.pk]
    policies = {(p.kind, p.version): p for p in LimitPolicy.objects.all()}
    pauses: dict[int, list[Segment]] = {}
    for segment in Segment.objects.filter(deadline__in=[r.pk for r in rows]).order_by("id"):
        pauses.setdefault(segment.deadline_id, []).append(segment)
    told = _given(lead)
    calendar = clocks.calendar()
    guessed = sorted({local(r.due_at).year for r in rows if calendar.guesses(local(r.due_at).date())})
    warnings = [f"{year} 年节假日安排尚未录入，按周一至周五推算。" for year in guessed]
    whys = [
        Why(r, _sentence(r, policies, pauses.get(r.pk, [])) + told.get((r.kind, r.cycle), "")) for r in rows
    ]
    return Explanation(lead, whys, warnings)


def _given(lead: Lead) -> dict[tuple[str, int], str]:
    """By clock: whose limit rules, who agreed to more time, and whose a lateness is. Two statements, four
    for what a platform handed in."""
    found: dict[tuple[str, int], str] = _theirs(lead)
    for more in Extension.objects.filter(lead=lead).select_related("approved_by"):
        kept = "（此前的超时保留）" if more.keeps_breach else ""
        found[more.clock, more.cycle] = found.get((more.clock, more.cycle), "") + (
            f"{more.approved_by.name}同意由 {local(more.due_before):%m-%d %H:%M} "
            f"延至 {local(more.due_after):%m-%d %H:%M}{kept}。"
        )
    for order in SupervisionOrder.objects.filter(lead=lead, charged_approval__isnull=False):
        found[order.cause, order.cycle] = (
            found.get((order.cause, order.cycle), "") + "申请逾期未批，责任方为审批人。"
        )
    return found


def _theirs(lead: Lead) -> dict[tuple[str, int], str]:
    """The other platform's limit, where it set the first feedback clock."""
    matter = handed_in(lead)
    if matter is None or matter.platform is None or matter.their_due_at is None:
        return {}
    moved = Entry.objects.filter(stream=f"matter:{matter.pk}", kind="matter.limit_put_off").order_by("seq")
    befores = [datetime.fromisoformat(said["before"]) for said in moved.values_list("data", flat=True)[:1]]
    first = (befores or [matter.their_due_at])[0]
    if max(first, lead.reported_at) > lead.feedback_strict_due_at:
        return {}
    later = f"（已延至 {local(matter.their_due_at):%m-%d %H:%M}）" if befores else ""
    said = f"{matter.platform.name} {matter.external_number} 的时限为 {local(first):%m-%d %H:%M}{later}"
    return {("tip_off" if lead.restricted else "feedback", 1): f"{said}，早于本平台时限，按该时限执行。"}


def _sentence(row: Deadline, policies: dict[tuple[str, int], LimitPolicy], pauses: list[Segment]) -> str:
    kind = row.parent_kind or row.kind
    policy = policies.get((kind, row.policy_version))
    name = policy.name if policy else EXTRA.get(kind, kind)
    if row.parent_kind:
        name += "催办"
    text = (
        f"{name}（第 {row.cycle} 轮）：自 {local(row.armed_at):%m-%d %H:%M} 起算，"
        f"{local(row.due_at):%m-%d %H:%M} 到期，{STATES[row.shown_state]}"
    )
    if policy:
        text += f"；依据：{policy.basis}（第 {policy.version} 版）"
    for pause in pauses:
        until = f"{local(pause.resumed_at):%m-%d %H:%M}" if pause.resumed_at else "至今"
        text += f"；{local(pause.paused_at):%m-%d %H:%M} 至 {until} 暂停，原因：{masked(pause.reason)}"
    return text + "。"
