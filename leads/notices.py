"""The words of every notice about leads, and who gets them. Numbers and names of shops, never of citizens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kernel.notices import sms, templates
from kernel.notices.outbox import Draft
from kernel.notices.policy import Urgency
from leads import still_wanted
from leads.models import Lead
from leads.states import OPEN, OWNED, State
from leads.still_wanted import lead_is


def register() -> None:
    """Register every template of this app (called once, at start-up)."""
    templates.register(
        "leads.dispatched",
        "新线索 {number}",
        "{category}，{grid}。请于 {respond_due_at} 前接单。",
        lead_is(State.DISPATCHED),
        urgency=still_wanted.urgency_of_dispatch,
    )
    templates.register(
        "leads.desk",
        "待派单线索 {number}",
        "{category}。{reason}，请于 {desk_due_at} 前人工派单。",
        lead_is(State.REPORTED),
    )
    templates.register(
        "leads.morning",
        "夜间线索 {number} 已交班",
        "{category} 夜间值班结束，由您继续承办。",
        lead_is(*OWNED),
    )
    templates.register(
        "leads.told",
        "本网格新线索 {number}",
        "{category}，{grid}，非网格员上报，请知悉并留意。",
        lead_is(*OPEN),
        urgency=Urgency.NEWS,
    )
    templates.register(
        "leads.desk_late",
        "待派单超时 {number}",
        "{category} 已超过派单时限，请立即派单。",
        lead_is(State.REPORTED),
    )
    templates.register(
        "leads.handed_on", "线索交接 {number}", "{category} 已转由您承办：{reason}。", lead_is(*OWNED)
    )
    templates.register(
        "leads.responded",
        "线索 {number} 已接单",
        "{category}，承办人{owner}，{plan}。",
        urgency=Urgency.NEWS,
    )
    templates.register(
        "leads.fed_back",
        "请核验 {number}",
        "{category} 已反馈（{disposal}），请于 {verify_due_at} 前核验。",
        lead_is(State.FED_BACK),
    )
    templates.register(
        "leads.leniency_to_sign",
        "容错纠错待签字 {number}",
        "{category} 的容错纠错已由局领导同意，请两名执法人员签字并填写审批表编号。",
    )
    templates.register(
        "leads.leniency_completed",
        "请核验 {number}",
        "{category} 已作出“{result}”决定，核验时限恢复计算，请尽快核验。",
    )
    templates.register(
        "leads.reworked",
        "退回重办 {number}",
        "{category} 被退回：{reason}。请于 {feedback_due_at} 前重新反馈。",
        lead_is(State.RESPONDED),
    )
    templates.register(
        "leads.closed", "线索 {number} 已办结", "{category} 已核验办结。", urgency=Urgency.NEWS
    )
    templates.register(
        "leads.control", "线索 {number} 已现场处置", "{category}，隐患已控制。", urgency=Urgency.NEWS
    )
    for kind, what in (
        ("respond", "接单"),
        ("feedback", "反馈"),
        ("same_day", "当日处置"),
        ("owner_respond", "接单"),
        ("final", "完整反馈"),
        ("recheck", "复查"),
    ):
        templates.register(
            f"leads.{kind}_80",
            f"催办 {{number}}：即将{what}超时",
            "{category}，时限 {due_at}，请尽快办理。",
            still_wanted.reminder(kind),
        )
        templates.register(
            f"leads.{kind}_late",
            f"线索 {{number}} {what}超时",
            "{category}，时限 {due_at} 已过，已转入督办。",
            still_wanted.reminder(kind),
        )
        templates.register(
            f"leads.order_{kind}",
            "督办单：{number}" + f" {what}超时",
            "{category}，责任方：{late}。请于 {ack_due_at} 前签收并提出督办意见。",
            still_wanted.order_is_open,
            urgency=still_wanted.urgency_of_order,
        )
    templates.register(
        "leads.order_escalated",
        "督办升级：{number}",
        "{side}方未按时签收督办单，已上报市场监管局。",
        still_wanted.order_is_open,
    )
    templates.register(
        "leads.order_acknowledged", "督办意见：{number}", "{side}方督办意见：{instruction}。{note}"
    )
    templates.register(
        "leads.order_lifted",
        "督办解除：{number}",
        "线索已推进且双方已签收，督办解除。",
        urgency=Urgency.NEWS,
    )
    templates.register(
        "leads.verify",
        "催办核验 {number}",
        "{category} 反馈已满24小时，请尽快核验。",
        lead_is(State.FED_BACK),
    )
    templates.register(
        "leads.verify_stead",
        "请代核验 {number}",
        "{category} 反馈已满48小时未核验，社区书记可说明原因后代为核验。",
        lead_is(State.FED_BACK),
    )
    templates.register(
        "leads.urgent_backup",
        "紧急线索 {number} 无人接单",
        "{category}，已10分钟无人接单，请B角立即加入处置。",
        lead_is(State.DISPATCHED),
        urgency=Urgency.URGENT,
    )
    templates.register(
        "leads.urgent_duty",
        "紧急线索 {number} 无人接单",
        "{category}，已20分钟无人接单，请值班员立即加入处置。",
        lead_is(State.DISPATCHED),
        urgency=Urgency.URGENT,
    )


def to_people(
    people: Iterable[int | None], *, key: str, template: str, lead_id: int, params: dict[str, Any]
) -> list[Draft]:
    """One notice to each of these people (None and repetitions left out). `key` names the fact."""
    return [
        Draft(f"lead:{lead_id}:{key}:user:{person}", template, params, "lead", lead_id, recipient_id=person)
        for person in sorted({p for p in people if p is not None})
    ]


def to_group(
    robot_id: int | None, *, key: str, template: str, lead_id: int, params: dict[str, Any]
) -> list[Draft]:
    """The same to the grid's chat group, where it has a robot."""
    if robot_id is None:
        return []
    return [
        Draft(f"lead:{lead_id}:{key}:robot:{robot_id}", template, params, "lead", lead_id, robot_id=robot_id)
    ]


def to_phones(
    people: Iterable[int | None], *, key: str, template: str, lead: Lead, params: dict[str, Any]
) -> list[Draft]:
    """A page by SMS to each of these people, beside the inbox, for a lead that pages at any hour.

    None where the lead does not, or where the house has no SMS gateway (DOMAIN.md §3, nights).
    """
    if not (still_wanted.pages(lead) and sms.configured()):
        return []
    return [
        Draft(
            f"lead:{lead.pk}:{key}:user:{person}:sms",
            template,
            params,
            "lead",
            lead.pk,
            sms_user_id=person,
            urgency=Urgency.URGENT,
        )
        for person in sorted({p for p in people if p is not None})
    ]
