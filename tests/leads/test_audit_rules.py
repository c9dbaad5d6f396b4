"""What the auditor finds of leads: an open one without its clocks, a signature that was changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from grids.demo import World
from kernel.deadlines import audit
from kernel.deadlines.models import Deadline
from leads import audit_rules
from leads.models import Lead, Signature
from tests.factories import leads as made

pytestmark = pytest.mark.django_db


def found() -> dict[str, list[int]]:
    return {fault.rule: fault.ids for fault in audit.faults()}


def lose(lead: Lead, *kinds: str) -> None:
    Deadline.objects.filter(subject_kind="lead", subject_id=lead.pk, kind__in=kinds).delete()


def test_a_lead_that_lost_its_clocks_is_named(world: World) -> None:
    dispatched, responded = made.reported(world, 1), made.responded(world, 2)
    made.pass_time(timedelta(minutes=1))
    assert found() == {}
    lose(dispatched, "respond", "respond_80")
    assert found() == {"dispatched_without_respond": [dispatched.pk]}
    lose(dispatched, "feedback", "feedback_80")
    lose(responded, "feedback", "feedback_80")
    assert found()["lead_without_clocks"] == [dispatched.pk, responded.pk]


def test_a_new_round_needs_a_clock_of_its_own(world: World) -> None:
    lead = made.reworked(world)
    made.pass_time(timedelta(minutes=1))
    assert found() == {}
    Deadline.objects.filter(subject_kind="lead", subject_id=lead.pk, kind="feedback", cycle=2).delete()
    assert found() == {"lead_without_clocks": [lead.pk]}


def test_what_has_ended_needs_none(world: World) -> None:
    lead = made.closed(world)
    Deadline.objects.filter(subject_kind="lead", subject_id=lead.pk).delete()
    made.pass_time(timedelta(minutes=1))
    assert found() == {}


def test_a_changed_signature_is_found_by_night_alone(world: World) -> None:
    lead = made.responded(world)
    row = Signature.objects.filter(lead=lead).latest("pk")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE leads_signature DISABLE TRIGGER leads_signature_immutable")
        cursor.execute("UPDATE leads_signature SET digest = repeat('0', 64) WHERE id = %s", [row.pk])
        cursor.execute("ALTER TABLE leads_signature ENABLE TRIGGER leads_signature_immutable")
    assert audit_rules.changed_signatures() == [row.pk]
    assert "signature_changed" not in found()
    assert "signature_changed" in {fault.rule for fault in audit.faults(nightly=True)}
