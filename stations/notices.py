"""The words of every notice about disputes. Numbers, goods and shops, never the consumer.

What goes to the consumer himself says what became of his matter, and nothing of the shop but its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kernel.notices import templates
from kernel.notices.models import OutboxMessage
from kernel.notices.outbox import Draft
from kernel.notices.policy import Urgency
from kernel.notices.templates import StillWanted
from stations.models import Dispute
from stations.states import State

ABOUT = "{shop}，{goods}。"


def dispute_is(*states: State) -> StillWanted:
    """Wanted while the dispute is in one of these states."""

    def wanted(message: OutboxMessage) -> bool:
        return Dispute.objects.filter(pk=message.subject_id, state__in=states).exists()

    return wanted


def words(dispute: Dispute) -> dict[str, str]:
    """What every notice says of a dispute."""
    return {
        "number": dispute.number,
        "shop": dispute.entity_name,
        "goods": dispute.goods,
        "due_at": dispute.due_at.isoformat() if dispute.due_at else "",
    }


def drafts(
    what: str, people: Mapping[int, Iterable[int]], disputes: Iterable[Dispute], *, key: str, **more: str
) -> list[Draft]:
    """One notice `stations.<what>` to each of `people` (by dispute); `key` names the occasion."""
    return [
        Draft(
            f"dispute:{one.pk}:{key}:user:{person}",
            f"stations.{what}",
            {**words(one), **more},
            "dispute",
            one.pk,
            recipient_id=person,
        )
        for one in disputes
        for person in sorted(people.get(one.pk, ()))
    ]


def register() -> None:
    """Register every template of the moves (called once, at start-up)."""
    talking = dispute_is(State.NEGOTIATING, State.MEDIATING)
    templates.register(
        "stations.entered",
        "纠纷 {number} 转来{tier}",
        ABOUT + "{why}，请于 {due_at} 前调解。",
        talking,
    )
    templates.register(
        "stations.filed",
        "消费者要求转12315：{number}",
        ABOUT + "请于 {due_at} 前决定是否受理。",
        dispute_is(State.FILED),
    )
    for kind, tier in (("shop", "店内协商"), ("circle", "商圈调解"), ("community", "社区调解")):
        templates.register(
            f"stations.{kind}_80", f"催办：纠纷 {{number}} {tier}即将到期", ABOUT + "到期 {due_at}。", talking
        )
    templates.register(
        "stations.accept_80",
        "催办：{number} 受理决定即将到期",
        ABOUT + "请于 {due_at} 前决定是否受理并告知消费者。",
        dispute_is(State.FILED),
    )
    templates.register(
        "stations.accept_late",
        "逾期：{number} 未按期决定是否受理",
        ABOUT + "受理决定期限已于 {due_at} 届满，请立即办理并说明原因。",
        dispute_is(State.FILED),
    )
    templates.register(
        "stations.mediation_80",
        "催办：{number} 行政调解即将到期",
        ABOUT + "调解期限 {due_at}，期满未达成一致的将终止调解。",
        dispute_is(State.ACCEPTED),
    )
    templates.register(
        "stations.ended_by_time",
        "纠纷 {number} 期满未达成",
        ABOUT + "调解期满，双方未达成一致，调解已终止。",
        urgency=Urgency.NEWS,
    )
    templates.register(
        "stations.check",
        "请核实协议履行：{number}",
        ABOUT + "履行期限已到，请与双方核实是否履行，并于 {due_at} 前登记。",
        dispute_is(State.AGREED),
    )
    templates.register(
        "stations.check_late",
        "逾期：{number} 协议履行未核实",
        ABOUT + "履行期满后未按时核实，请督促。",
        dispute_is(State.AGREED),
    )
    templates.register(
        "stations.reopened",
        "纠纷 {number} 重新调解",
        ABOUT + "经批准重新调解，请于 {due_at} 前办理。",
        talking,
    )
    for what, said in TO_CONSUMER.items():
        templates.register(
            f"stations.to_consumer_{what}", "消费纠纷 {number}", said, urgency=Urgency.NEWS, sms=said
        )


LINK = "请点击链接评价（{expires_at}前有效，限评一次）：{link}"
ENDINGS = {
    "settled": "您登记的消费纠纷（编号{number}）已和解。",
    "performed": "您登记的消费纠纷（编号{number}）所签协议已履行完毕。",
    "not_reached": (
        "您登记的消费纠纷（编号{number}）经调解未能达成一致。您可以要求转12315处理，也可以依法申请仲裁或者提起诉讼。"
    ),
}
TO_CONSUMER = {
    **ENDINGS,
    **{f"{what}_survey": said + LINK for what, said in ENDINGS.items()},
    "accepted": "您的投诉（编号{number}）已由{office}受理，将依法组织调解。",
    "refused": (
        "您的投诉（编号{number}）不予受理，理由：{ground}。"
        "对处理不服的，可以依法申请行政复议或者提起行政诉讼。"
    ),
    "not_reached_official": (
        "您的投诉（编号{number}）经调解未能达成一致，已终止调解。您可以依法申请仲裁或者提起诉讼。"
    ),
    "not_reached_official_survey": (
        "您的投诉（编号{number}）经调解未能达成一致，已终止调解。您可以依法申请仲裁或者提起诉讼。" + LINK
    ),
}
"""What the consumer is told by SMS, by occasion."""
