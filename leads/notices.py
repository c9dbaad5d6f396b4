"""The words of every notice about leads, and who gets them. Numbers and names of shops, never of citizens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kernel.notices import templates
from kernel.notices.models import OutboxMessage
from kernel.notices.outbox import Draft
from leads.states import State


def _waits_for_owner(message: OutboxMessage) -> bool:
    from leads.models import Lead

    return Lead.objects.filter(pk=message.subject_id, state=State.DISPATCHED).exists()


def register() -> None:
    """Register every template of this app (called once, at start-up)."""
    templates.register(
        "leads.dispatched",
        "新线索 {number}",
        "{category}，{grid}。请于 {respond_due_at} 前接单。",
        _waits_for_owner,
    )
    templates.register(
        "leads.desk", "待派单线索 {number}", "{category}。{reason}，请于 {desk_due_at} 前人工派单。"
    )
    templates.register("leads.morning", "夜间线索 {number} 已交班", "{category} 夜间值班结束，由您继续承办。")
    templates.register(
        "leads.told", "本网格新线索 {number}", "{category}，{grid}，非网格员上报，请知悉并留意。"
    )
    templates.register("leads.desk_late", "待派单超时 {number}", "{category} 已超过派单时限，请立即派单。")
    templates.register("leads.handed_on", "线索交接 {number}", "{category} 已转由您承办：{reason}。")
    templates.register("leads.responded", "线索 {number} 已接单", "{category}，承办人{owner}，{plan}。")
    templates.register(
        "leads.fed_back", "请核验 {number}", "{category} 已反馈（{disposal}），请于 {verify_due_at} 前核验。"
    )
    templates.register(
        "leads.reworked",
        "退回重办 {number}",
        "{category} 被退回：{reason}。请于 {feedback_due_at} 前重新反馈。",
    )
    templates.register("leads.closed", "线索 {number} 已办结", "{category} 已核验办结。")
    templates.register("leads.control", "线索 {number} 已现场处置", "{category}，隐患已控制。")
    for kind, what in (
        ("respond", "接单"),
        ("feedback", "反馈"),
        ("same_day", "当日处置"),
        ("owner_respond", "接单"),
    ):
        templates.register(
            f"leads.{kind}_80", f"催办 {{number}}：即将{what}超时", "{category}，时限 {due_at}，请尽快办理。"
        )
        templates.register(
            f"leads.{kind}_late",
            f"线索 {{number}} {what}超时",
            "{category}，时限 {due_at} 已过，已转入督办。",
        )
        templates.register(
            f"leads.order_{kind}",
            "督办单：{number}" + f" {what}超时",
            "{category}，责任方：{late}。请于 {ack_due_at} 前签收并提出督办意见。",
        )
    templates.register(
        "leads.order_escalated", "督办升级：{number}", "{side}方未按时签收督办单，已上报市场监管局。"
    )
    templates.register(
        "leads.order_acknowledged", "督办意见：{number}", "{side}方督办意见：{instruction}。{note}"
    )
    templates.register("leads.order_lifted", "督办解除：{number}", "线索已推进且双方已签收，督办解除。")
    templates.register("leads.verify", "催办核验 {number}", "{category} 反馈已满24小时，请尽快核验。")
    templates.register(
        "leads.verify_stead",
        "请代核验 {number}",
        "{category} 反馈已满48小时未核验，社区书记可说明原因后代为核验。",
    )
    templates.register(
        "leads.urgent_backup",
        "紧急线索 {number} 无人接单",
        "{category}，已10分钟无人接单，请B角立即加入处置。",
    )
    templates.register(
        "leads.urgent_duty",
        "紧急线索 {number} 无人接单",
        "{category}，已20分钟无人接单，请值班员立即加入处置。",
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
