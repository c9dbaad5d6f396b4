"""Clocks, events and notices that disagree are found, however old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from kernel import clock
from kernel.deadlines import handlers, sweep, tasks
from kernel.deadlines.audit import faults
from kernel.deadlines.handlers import Fired
from kernel.deadlines.models import Deadline, Event
from kernel.deadlines.sweep import Driver
from kernel.notices.models import OutboxMessage
from leads import clock_notices
from tests.factories.accounts import make_user
from tests.factories.grids import make_world
from tests.factories.leads import reported
from tests.kernel.deadlines.conftest import MINUTE, Remembered, arm, arm_many

pytestmark = pytest.mark.django_db


def broken() -> dict[str, list[int]]:
    return {fault.rule: fault.ids for fault in faults()}


def tell(*numbers: int, digest: bool = False) -> None:
    """An outbox row for each event, or one for all."""
    person = make_user().pk
    for number in numbers[:1] if digest else numbers:
        OutboxMessage.objects.create(
            dedupe_key=f"event:{number}:x:{'digest:' if digest else ''}user:{person}", recipient_id=person,
            template="x", params={"events": list(numbers)} if digest else {}, subject_kind="thing",
            subject_id=1, created_at=clock.now(), state="delivered",
        )  # fmt: skip


def test_a_house_in_order(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert broken() == {}
    call_command("audit_clocks")
    assert "一致" in capsys.readouterr().out


def test_a_clock_overdue_by_more_than_five_seconds(fired: Remembered) -> None:
    late = arm(due=timedelta(seconds=-5))
    arm(2, due=timedelta(seconds=-4))
    assert broken() == {"overdue": [late.pk]}
    with pytest.raises(CommandError, match=f"到期超过 5 秒仍在计时：时限 {late.pk}。"):
        call_command("audit_clocks")


def test_a_breach_without_event_and_an_event_without_breach(fired: Remembered) -> None:
    first, second = arm(1, due=-MINUTE), arm(2, due=-MINUTE)
    sweep.sweep()
    tell(first.pk, second.pk)
    alone = arm(3)
    Deadline.objects.filter(pk=alone.pk).update(state="breached", closed_at=clock.now())
    Deadline.objects.filter(pk=second.pk).update(state="met")
    assert broken() == {"breach_without_event": [alone.pk], "event_without_breach": [second.pk]}


def test_an_event_told_to_nobody(fired: Remembered) -> None:
    arm_many(4)
    sweep.sweep()
    a, b, c, d = Event.objects.order_by("deadline_id").values_list("deadline_id", flat=True)
    tell(a)
    tell(b, c, digest=True)
    OutboxMessage.objects.create(
        dedupe_key=f"event:{d}0:x", recipient_id=make_user().pk, template="x", params={},
        subject_kind="thing", subject_id=1, created_at=clock.now(), state="delivered",
    )  # fmt: skip
    assert broken() == {"event_not_told": [d]}


def test_poison_waits_for_a_person(fired: Remembered, caplog: pytest.LogCaptureFixture) -> None:
    row = arm(kind="unknown", due=-MINUTE)
    sweep.sweep()
    assert broken() == {"poison": [row.pk]}
    caplog.clear()
    tasks.audit()
    assert "invariant_broken" in caplog.text


def test_many_are_named_in_part(fired: Remembered) -> None:
    arm_many(12, due=-MINUTE)
    (fault,) = faults()
    assert fault.sentence.count("、") == 9
    assert fault.sentence.endswith("等。")


def test_the_products_own_handlers_tell_every_event(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of clock of every lead, one by one and as digests; also where every seat stands empty."""
    monkeypatch.setattr(clock_notices, "DIGEST_ABOVE", 2)
    world = make_world()
    leads = [reported(world, 1 + number % 3) for number in range(9)]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE grids_posting SET ends_at = kernel_now() - interval '1 s', wound_up_at = kernel_now()"
            " WHERE role IN ('OFFICE_HEAD', 'COMMUNITY_HEAD', 'GRID_WORKER')"
            "   AND (office_id = %s OR grid_id = %s)",
            [world.office_of(3).pk, world.grid(3).pk],
        )
    kinds = sorted(kind for subject, kind in handlers.registered() if subject == "lead")
    now = clock.now()
    rows = [
        Deadline(
            subject_kind="lead", subject_id=lead.pk, kind=kind, cycle=9, parent_kind="", state="running",
            policy_version=1, armed_at=now, due_at=now + MINUTE,
        )
        for lead in leads
        for kind in kinds
    ]  # fmt: skip
    Deadline.objects.bulk_create(rows)
    for _ in range(4):  # what they arm (acknowledgements of orders) fires too
        clock.travel(timedelta(hours=30))
        Driver("test").tick()
    assert broken() == {}
    assert Event.objects.filter(subject_kind="order").count() > 0
    assert OutboxMessage.objects.filter(template="leads.digest").count() > 0
    assert OutboxMessage.objects.filter(params__what="接单超时").exists()


def test_a_storm_is_one_notice_a_person(db: None) -> None:
    world = make_world()
    lead = reported(world, 1)
    now = clock.now()
    count = clock_notices.DIGEST_ABOVE + 1
    Deadline.objects.bulk_create(
        Deadline(
            subject_kind="lead", subject_id=lead.pk, kind="respond_80", cycle=cycle, parent_kind="",
            state="running", policy_version=1, armed_at=now - 2 * MINUTE, due_at=now - MINUTE,
        )
        for cycle in range(10, 10 + count)
    )  # fmt: skip
    before = OutboxMessage.objects.count()
    Driver("test").tick()
    told = OutboxMessage.objects.order_by("id")[before:]
    assert {(row.template, row.params["count"]) for row in told} == {("leads.digest", count)}
    assert world.commissioner(1).pk in {row.recipient_id for row in told}
    assert broken() == {}


def test_a_handler_is_called_with_what_the_event_says(fired: Remembered) -> None:
    seen: list[tuple[Sequence[Fired], datetime]] = []
    handlers._handlers["thing", "limit"] = lambda batch, at: seen.append((batch, at))
    row = arm(due=-MINUTE)
    sweep.sweep()
    event = Event.objects.get()
    ((batch, at),) = seen
    assert batch[0] == Fired(row.pk, "thing", 1, "limit", 1, event.due_at)
    assert at == event.recorded_at
