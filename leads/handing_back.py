"""Steps of a lead told to other systems: in our own form, or in that of the platform it came from.

Written in the transaction of the step (`kernel.notices.webhooks`). No body carries who told it or what he
wrote; the platform that handed it in also hears what was done. Of a tip-off (举报) that platform alone
hears, and only the state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.timezone import localtime

from kernel.deadlines.handlers import Fired
from kernel.notices import webhooks
from kernel.notices.models import WebhookDelivery
from kernel.notices.policy import masked
from kernel.notices.webhooks import Step
from leads.models import Disposal, Lead, Matter

STEPS = {
    "lead.reported": "已受理",
    "lead.dispatched": "已派单",
    "lead.on_desk": "待派单",
    "lead.handed_on": "已转交承办人",
    "lead.responded": "已接单",
    "lead.controlled": "已现场处置",
    "lead.interim": "已阶段反馈",
    "lead.fed_back": "已反馈",
    "lead.reworked": "已退回重办",
    "lead.closed": "已办结",
    "lead.suspended": "暂缓办理",
    "lead.resumed": "恢复办理",
    "lead.extended": "已延期",
    "lead.reclassified": "已调整分类",
    "lead.referral_received": "已移交承办部门",
    "lead.referral_replied": "承办部门已答复",
    "lead.rechecked": "已复查",
    "lead.rejected": "已退单",
    "lead.merged": "已并单",
    "lead.unmerged": "已撤销并单",
    "lead.reopened": "重新办理",
}
"""What is told, in words for the other side. A kind of entry that is not named here is told to nobody."""
LATE = {
    "clock.desk": "派单超时",
    "clock.respond": "接单超时",
    "clock.feedback": "反馈超时",
    "clock.final": "完整反馈超时",
    "clock.same_day": "当日处置超时",
    "clock.verify": "核验超时",
    "clock.recheck": "复查超时",
    "clock.look_back": "回头看超时",
    "clock.look_back_food": "回头看超时",
    "clock.look_back_again": "回头看超时",
    "clock.referral_receipt": "移交回执超时",
    "clock.referral_reply": "移交答复超时",
}
"""Limits of ours that ran out: told to general addresses. A platform keeps its own limit, and hears steps."""
WITH_RESULT = ("lead.fed_back", "lead.closed")
FORMATS = {"12345": "12345热线回传格式", "12315": "12315平台回传格式", "city": "桃都善治回传格式"}


def tell(lead: Lead, event: str, at: datetime) -> None:
    """Write one step of a lead for whoever is told of it; nothing where the step is told to nobody."""
    if event not in STEPS:
        return
    result = _result(lead, event) if lead.source else None
    number = _numbers([lead]).get(lead.pk, "")
    webhooks.post(step(lead, event, at, external_number=number, result=result), at=at)


def tell_many(leads: Sequence[Lead], event: str, at: datetime) -> None:
    """The same for many leads at once, of a step without a result. Three statements at most."""
    if event not in STEPS or not leads or not webhooks.is_wanted(event):
        return
    numbers = _numbers(leads)
    steps = (step(lead, event, at, external_number=numbers.get(lead.pk, "")) for lead in leads)
    webhooks.post(*steps, at=at)


def tell_late(batch: Sequence[Fired], at: datetime) -> None:
    """Clocks of leads that ran out, all of one kind. Three statements at most, one where nobody listens."""
    event = f"clock.{batch[0].kind}"
    if event not in LATE or not webhooks.is_wanted(event):
        return
    leads = Lead.objects.in_bulk({one.subject_id for one in batch})
    steps = []
    for one in batch:
        told = step(leads[one.subject_id], event, at)
        due = {"due_at": _moment(one.due_at)}
        steps.append(replace(told, payload=told.payload | due, own={}, source=""))
    webhooks.post(*steps, at=at)


def _numbers(leads: Sequence[Lead]) -> dict[int, str]:
    """The platforms' own numbers, by lead; no statement where none came from a platform."""
    came = [lead.pk for lead in leads if lead.source]
    if not came:
        return {}
    rows = Matter.objects.filter(Q(lead__in=came) | Q(tip_off__in=came)).order_by("-id")
    found: dict[int, str] = {}
    for lead_id, tip_off_id, number in rows.values_list("lead_id", "tip_off_id", "external_number"):
        found |= {one: number for one in (lead_id, tip_off_id) if one is not None}
    return found


def step(
    lead: Lead,
    event: str,
    at: datetime,
    *,
    external_number: str = "",
    result: dict[str, str] | None = None,
) -> Step:
    """One step as it is written."""
    state = {"at": _moment(at), "number": lead.number, "state": lead.state, "state_label": _label(lead)}
    whole: dict[str, Any] = state | {
        "round": lead.round,
        "category": lead.category_id,
        "severity": lead.severity,
        "food": lead.food,
        "reported_at": _moment(lead.reported_at),
        "dispatched_at": _moment(lead.dispatched_at),
        "responded_at": _moment(lead.responded_at),
        "fed_back_at": _moment(lead.fed_back_at),
        "closed_at": _moment(lead.closed_at),
        "feedback_due_at": _moment(lead.feedback_due_at),
    }
    theirs = {"external_number": external_number, "record": "tip_off" if lead.restricted else "request"}
    own: dict[str, Any] = state | theirs if lead.restricted else whole | theirs | {"result": result}
    return Step(
        event,
        "lead",
        lead.pk,
        payload=whole,
        own=own,
        source=lead.source,
        restricted=lead.restricted,
    )


def _result(lead: Lead, event: str) -> dict[str, str] | None:
    """What was done in this round, for the platform that asked: numbers of persons masked."""
    if lead.restricted or event not in WITH_RESULT:
        return None
    found = Disposal.objects.filter(lead=lead, round=lead.round).first()
    if found is None:
        return None
    return {"kind": found.kind, "label": found.get_kind_display(), "note": str(masked(found.note))}


def _label(lead: Lead) -> str:
    return lead.get_state_display()


def _moment(at: datetime | None) -> str | None:
    return None if at is None else localtime(at).isoformat()


# --- forms of the platforms ------------------------------------------------------------------------


def _local(payload: dict[str, Any]) -> str:
    return str(datetime.fromisoformat(payload["at"]).strftime("%Y-%m-%d %H:%M:%S"))


def _done(payload: dict[str, Any]) -> str:
    result = payload.get("result")
    return f"{result['label']}：{result['note']}" if result else ""


def to_12345(delivery: WebhookDelivery) -> dict[str, Any]:
    told = delivery.payload
    return {
        "order_no": told["external_number"],
        "operate_type": STEPS[delivery.event],
        "operate_time": _local(told),
        "order_status": told["state_label"],
        "reply_content": _done(told),
        "handle_no": told["number"],
    }


def to_12315(delivery: WebhookDelivery) -> dict[str, Any]:
    told = delivery.payload
    return {
        "registration_no": told["external_number"],
        "business_type": "举报" if told["record"] == "tip_off" else "诉求",
        "handle_status": told["state_label"],
        "handle_step": STEPS[delivery.event],
        "handle_time": _local(told),
        "handle_result": _done(told),
        "handle_no": told["number"],
    }


def to_city(delivery: WebhookDelivery) -> dict[str, Any]:
    told = delivery.payload
    return {
        "event_code": told["external_number"],
        "event_state": told["state_label"],
        "action": STEPS[delivery.event],
        "action_time": told["at"],
        "result": _done(told),
        "handle_code": told["number"],
    }


def register() -> None:
    """Register steps and forms (called once, at start-up)."""
    for event, label in (STEPS | LATE).items():
        webhooks.register_event(event, label)
    forms: dict[str, Callable[[WebhookDelivery], dict[str, Any]]] = {
        "12345": to_12345,
        "12315": to_12315,
        "city": to_city,
    }
    for name, render in forms.items():
        webhooks.register_format(name, FORMATS[name], render)
