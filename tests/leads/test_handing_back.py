"""What a sweep does to many leads at once is told to other systems too: in fixed statements."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from grids.demo import World
from kernel import clock
from kernel.approvals.models import Approval
from kernel.deadlines.handlers import Fired
from kernel.notices import webhooks
from kernel.notices.models import WebhookDelivery, WebhookEndpoint
from leads import handing_back, lifecycle, pauses, reclassification
from leads.models import Lead, Matter, SuspendReason
from tests.factories import platforms
from tests.factories.leads import pass_time, take_any
from tests.factories.requests import decided, suspended

pytestmark = pytest.mark.django_db
_numbers = itertools.count(1)
ORDER = {"category_code": "L01", "content": "门口占道经营"}


def endpoint(**columns: Any) -> WebhookEndpoint:
    row = WebhookEndpoint(name=f"对方 {next(_numbers)}", url="https://other.example/hook", **columns)
    webhooks.set_secret(row, "s" * 32)
    row.save()
    return row


def told(to: WebhookEndpoint, lead: Lead) -> list[str]:
    rows = WebhookDelivery.objects.filter(endpoint=to, subject_kind="lead", subject_id=lead.pk)
    return list(rows.order_by("id").values_list("event", flat=True))


def from_a_platform(world: World, number: int = 1, kind: str = "诉求") -> tuple[Lead, WebhookEndpoint, str]:
    platform, secret = platforms.made(world, kind="12345")
    lon, lat = world.point_in(number)
    name = platforms.number()
    order = ORDER | {"order_no": name, "lng": lon, "lat": lat, "coord": "wgs84", "appeal_type": [kind]}
    order |= {"report_content": "后厨用回收油"} if kind == "举报" else {}
    answer = platforms.hand_in(Client(), platform, secret, order)
    assert answer.status_code == 201, answer.content
    matter = Matter.objects.get(external_number=name)
    lead = matter.lead or matter.tip_off
    assert lead is not None
    return lead, endpoint(source=platform.code, format="12345"), name


def test_a_pause_that_ends_by_itself_is_told_like_one_that_somebody_ends(world: World) -> None:
    lead, theirs, name = from_a_platform(world)
    general = endpoint(events=["lead.suspended", "lead.resumed"])
    common = {"lead_id": lead.pk, "by": world.commissioner(1), "expect": take_any}
    lifecycle.respond(**common)
    until = clock.now() + timedelta(days=1)
    pauses.suspend(**common, reason_kind=SuspendReason.TEST_RESULT, until=until, note="样品已送检")
    decided(Approval.objects.get(kind=pauses.SUSPEND, subject_id=lead.pk), world.head_of(1))
    pass_time(until=until)
    assert Lead.objects.get(pk=lead.pk).state == "responded"
    assert told(general, lead) == ["lead.suspended", "lead.resumed"]
    assert told(theirs, lead)[-2:] == ["lead.suspended", "lead.resumed"]
    last = WebhookDelivery.objects.filter(endpoint=theirs).latest("id")
    body = webhooks.render(last)
    assert (body["order_no"], body["operate_type"], body["order_status"]) == (name, "恢复办理", "办理中")


def test_a_limit_that_ran_out_is_told_to_general_addresses_alone(world: World) -> None:
    lead, theirs, _ = from_a_platform(world)
    general, chosen = endpoint(), endpoint(events=["clock.feedback"])
    secret, told_by, _ = from_a_platform(world, 2, "举报")
    handing_back.tell_late([Fired(1, "lead", secret.pk, "feedback", 1, clock.now())], clock.now())
    pass_time(timedelta(minutes=31))
    pass_time(until=lead.feedback_due_at)
    late = ["clock.respond", "clock.feedback"]
    assert [one for one in told(general, lead) if one in late] == late
    assert told(chosen, lead) == ["clock.feedback"]
    assert [one for one in told(theirs, lead) if one.startswith("clock.")] == []
    assert told(general, secret) + told(told_by, secret) == []
    row = WebhookDelivery.objects.get(endpoint=chosen)
    assert row.payload["due_at"].startswith(lead.feedback_due_at.astimezone(clock.SHANGHAI).isoformat()[:19])
    assert "external_number" not in row.payload


def test_statements_do_not_grow_with_the_leads(world: World) -> None:
    leads = [suspended(world, number) for number in (1, 2, 3, 4)]
    at = clock.now()
    batch = [Fired(lead.pk, "lead", lead.pk, "feedback", 1, at) for lead in leads]
    with CaptureQueriesContext(connection) as quiet:
        handing_back.tell_many(leads, "lead.resumed", at)
        handing_back.tell_late(batch, at)
    assert len(quiet) == 2, "where nobody listens, one question each"
    general = endpoint()
    with CaptureQueriesContext(connection) as one:
        handing_back.tell_many(leads[:1], "lead.resumed", at)
        handing_back.tell_late(batch[:1], at)
    with CaptureQueriesContext(connection) as many:
        handing_back.tell_many(leads, "lead.resumed", at)
        handing_back.tell_late(batch, at)
    assert len(one) == len(many) <= 6
    assert [told(general, lead) for lead in leads[1:]] == [["lead.resumed", "clock.feedback"]] * 3


def test_every_step_is_a_kind_of_entry_that_somebody_writes() -> None:
    """A step that was renamed where it is written would be told to nobody, and nobody would notice."""
    folder = Path(handing_back.__file__).parent
    written = " ".join(
        one.read_text() for one in folder.glob("*.py") if one.name not in ("handing_back.py", "states.py")
    )
    assert [event for event in handing_back.STEPS if f'"{event}"' not in written] == []


def test_a_change_of_category_is_told_as_well(world: World) -> None:
    lead, theirs, _ = from_a_platform(world)
    reclassification.reclassify(
        lead_id=lead.pk, by=world.clerk_of(1), expect=take_any, category="L02", reason="现场核实为亮照问题"
    )
    row = WebhookDelivery.objects.filter(endpoint=theirs).latest("id")
    assert webhooks.render(row)["operate_type"] == "已调整分类"
    assert "亮照" not in str(row.payload), "what our people wrote stays with us"
