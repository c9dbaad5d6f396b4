"""Orders of MINOR leads by digest; pages at night; what is no longer news (DESIGN.md §6, DOMAIN.md §3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from grids.demo import World
from kernel.deadlines import audit, clocks
from kernel.deadlines.models import Deadline
from kernel.notices import delivery, templates
from kernel.notices.models import OutboxMessage, State
from kernel.notices.policy import Urgency
from leads import lifecycle, order_digests, supervision
from leads.models import Instruction, Lead, SupervisionOrder
from leads.still_wanted import pages
from tests.factories import leads as made
from tests.factories.grids import make_world
from tests.factories.leads import TUESDAY, pass_time, stand_at, take_any

pytestmark = pytest.mark.django_db
HOURS, MINUTES = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def world() -> World:
    stand_at(TUESDAY)
    return make_world()


def told(template: str) -> list[OutboxMessage]:
    return list(
        OutboxMessage.objects.filter(template=f"leads.{template}").select_related("recipient").order_by("id")
    )


def names(template: str) -> set[str]:
    return {one.recipient.username for one in told(template) if one.recipient}


def at(hour: int, minute: int = 0) -> datetime:
    return TUESDAY.replace(hour=hour, minute=minute)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (at(8), at(8, 30)),
        (at(8, 30), at(14)),
        (at(13, 59), at(14)),
        (at(14), at(8, 30) + timedelta(days=1)),
        (at(23), at(8, 30) + timedelta(days=1)),
    ],
)
def test_when_the_next_summary_goes_out(settings: Any, now: datetime, then: datetime) -> None:
    assert order_digests.next_at(now) == then
    settings.SUOSHE_ORDER_DIGEST_AT = ""
    assert order_digests.next_at(now) is None


def test_minor_orders_reach_the_heads_as_one_summary_and_the_owner_at_once(world: World) -> None:
    minor = [made.reported(world, 1, category="L02") for _ in range(3)]
    graver = made.reported(world, 1)
    pass_time(until=minor[0].respond_due_at)
    assert {m.subject_id for m in told("order_respond")} == {graver.pk}
    assert {m.subject_id for m in told("respond_late")} == {lead.pk for lead in (*minor, graver)}
    assert names("respond_late") == {"commissioner-01"}
    assert SupervisionOrder.objects.count() == 4
    assert list(audit.faults()) == []

    pass_time(until=at(14))
    heads = {"office-01", world.community_head_of(1).username}
    assert names("order_digest") == heads
    assert len(told("order_digest")) == 2, "one to each, whatever the number of orders"
    summary = told("order_digest")[0]
    words = templates.render(summary.template, summary.params)
    assert words.title == "一般线索督办汇总：3 件待签收"
    assert minor[0].number in words.body
    assert "3月10日16:00" in words.body
    assert list(audit.faults()) == []


def test_its_clocks_run_from_the_summary(world: World) -> None:
    lead = made.reported(world, 1, category="L02")
    pass_time(until=lead.respond_due_at)
    (order,) = SupervisionOrder.objects.all()
    acks = Deadline.objects.filter(subject_kind="order", subject_id=order.pk, kind__startswith="ack_")
    assert {one.due_at for one in acks} == {at(16)}
    pass_time(until=at(15, 59))
    order.refresh_from_db()
    assert order.level == SupervisionOrder.Level.OFFICE
    pass_time(until=at(16))
    order.refresh_from_db()
    assert order.level == SupervisionOrder.Level.BUREAU


def test_what_both_have_acknowledged_is_not_summed_up(world: World) -> None:
    lead = made.reported(world, 1, category="L02")
    pass_time(until=lead.respond_due_at)
    (order,) = SupervisionOrder.objects.all()
    for who in (world.head_of(1), world.community_head_of(1)):
        supervision.acknowledge(
            order_id=order.pk, by=who, expect=take_any, instruction=Instruction.FINISH_TODAY
        )
    assert Deadline.objects.get(subject_kind="order", kind="digest").state == Deadline.State.CANCELLED
    pass_time(until=at(14))
    assert told("order_digest") == []


def test_food_and_a_house_without_summaries_are_told_at_once(world: World, settings: Any) -> None:
    food = made.reported(world, 1, category="F04")
    pass_time(until=food.respond_due_at)
    assert {m.subject_id for m in told("order_respond")} == {food.pk}
    settings.SUOSHE_ORDER_DIGEST_AT = ""
    lead = made.reported(world, 2, category="L02")
    pass_time(until=lead.respond_due_at)
    assert lead.pk in {m.subject_id for m in told("order_respond")}
    assert not Deadline.objects.filter(kind="digest").exists()


# --- pages -----------------------------------------------------------------------------------------------


@pytest.fixture
def gateway(settings: Any) -> None:
    settings.SUOSHE_SMS_BASE_URL = "http://127.0.0.1:1/sms"
    settings.SUOSHE_SMS_KEY = settings.SUOSHE_SMS_SECRET = "x"


def paged() -> set[tuple[str, str]]:
    rows = OutboxMessage.objects.filter(sms_user__isnull=False).select_related("sms_user")
    assert {(one.state, one.urgency) for one in rows} <= {(State.PENDING, Urgency.URGENT)}
    return {(one.template.removeprefix("leads."), one.sms_user.username) for one in rows if one.sms_user}


@pytest.mark.usefixtures("gateway")
def test_an_urgent_lead_pages_its_owner_then_who_joins(world: World) -> None:
    lead = made.reported(world, 1, category="S01")
    made.reported(world, 2)
    assert paged() == {("dispatched", "commissioner-01")}
    pass_time(11 * MINUTES)
    joined = {name for topic, name in paged() if topic == "urgent_backup"}
    assert joined >= {"commissioner-01", "office-01"}
    assert lead.severity == "URGENT"


@pytest.mark.usefixtures("gateway")
def test_only_what_pages_at_night_pages(world: World) -> None:
    food, plain = made.reported(world, 1, category="F01"), made.reported(world, 2, category="Q01")
    assert (pages(food), pages(plain)) == (True, False)
    pass_time(until=plain.respond_due_at)
    assert {topic for topic, _ in paged()} == {"dispatched", "order_respond"}
    assert set(OutboxMessage.objects.filter(sms_user__isnull=False).values_list("subject_id")) == {(food.pk,)}
    pass_time(HOURS)
    assert list(audit.faults()) == []


def test_a_house_without_a_gateway_pages_nobody_by_sms(world: World) -> None:
    made.reported(world, 1, category="S01")
    pass_time(11 * MINUTES)
    assert paged() == set()


# --- stop conditions --------------------------------------------------------------------------------------


def wanted(template: str, lead: Lead, **params: Any) -> bool:
    message = OutboxMessage(
        template=f"leads.{template}", subject_kind="lead", subject_id=lead.pk, params=params
    )
    return templates.still_wanted(message)


def test_an_answered_lead_pages_nobody(world: World) -> None:
    lead = made.reported(world, 1)
    waiting = ["dispatched", "respond_80", "respond_late", "owner_respond_80", "urgent_backup", "urgent_duty"]
    assert all(wanted(one, lead) for one in waiting)
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)
    assert not any(wanted(one, lead) for one in waiting)
    assert all(wanted(one, lead) for one in ("feedback_80", "feedback_late", "told", "morning"))
    assert wanted("responded", lead), "what has happened is always told"


def test_a_closed_lead_reminds_nobody(world: World) -> None:
    lead = made.fed_back(world, 1)
    assert wanted("verify", lead)
    assert not wanted("feedback_80", lead)
    closed = made.closed(world, 2)
    assert not any(
        wanted(one, closed)
        for one in ("verify", "verify_stead", "feedback_late", "same_day_80", "told", "desk", "desk_late")
    )


def test_a_lifted_order_is_no_news(world: World) -> None:
    lead = made.reported(world, 1)
    pass_time(until=lead.respond_due_at)
    (order,) = SupervisionOrder.objects.all()
    assert wanted("order_respond", lead, order=order.pk)
    assert wanted("order_digest", lead)
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)
    for who in (world.head_of(1), world.community_head_of(1)):
        supervision.acknowledge(
            order_id=order.pk, by=who, expect=take_any, instruction=Instruction.FINISH_TODAY
        )
    assert not wanted("order_respond", lead, order=order.pk)
    assert not wanted("order_escalated", lead, order=order.pk)
    assert not wanted("order_digest", lead)


def test_a_group_hears_of_a_running_clock_at_night_and_of_one_that_stands_still_in_the_morning(
    world: World, settings: Any
) -> None:
    lead = made.reported(world, 1)
    message = OutboxMessage(
        template="leads.dispatched", subject_kind="lead", subject_id=lead.pk, params={}, urgency=""
    )
    assert templates.urgency_of(message) == Urgency.CLOCK
    clocks.pause("lead", lead.pk, ["respond"], at=TUESDAY, reason="暂缓", by_id=world.head_of(1).pk)
    assert templates.urgency_of(message) == Urgency.NEWS
    message.subject_id = made.reported(world, 2, category="S01").pk
    assert templates.urgency_of(message) == Urgency.URGENT
    assert delivery.deliver_due() == 0
