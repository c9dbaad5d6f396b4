"""投诉 from platforms and the desk become disputes; 12315's go to the office at once (DESIGN.md §9)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from kernel import clock
from kernel.errors import DomainError
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from leads import matters
from leads.intake import Told
from leads.matters import Given, Part
from leads.models import KeptComplaint, MatterKind
from stations import complaints, consumers, tasks
from stations.models import ConsumerWord, Dispute, Source, TierStay, WordWay
from stations.states import State, Tier
from tests.factories import platforms as there
from tests.factories.stations import NAME, PHONE, Place, make_station

pytestmark = pytest.mark.django_db


def hand_in(around: Place, kind: str | None = "12345", **fields: Any) -> KeptComplaint:
    """A complaint of a platform (of the desk without one) about the place's shop."""
    platform = there.made(around.world, kind=kind)[0] if kind else None
    part = Part(
        MatterKind.COMPLAINT,
        f"{NAME}要求退款，电话{PHONE}",
        amount=fields.pop("amount", None),
        entity_name=fields.pop("entity_name", ""),
    )
    fields.setdefault("entity_id", around.shop.pk)
    fields.setdefault("told", Told(NAME, PHONE))
    given = Given(
        parts=(part,),
        client_uid=None if platform else uuid.uuid4(),
        external_number=there.number() if platform else "",
        **fields,
    )
    taken = matters.take(given, by=platform.user if platform else around.clerk, platform=platform)
    assert taken.complaint is not None
    return taken.complaint


def nowhere(around: Place, kind: str | None = "12345") -> KeptComplaint:
    return hand_in(around, kind, entity_id=None, entity_name="网上的店")


def test_one_of_12345_starts_in_the_shops_circle(around: Place) -> None:
    complaint = hand_in(around)
    row = Dispute.objects.get(complaint=complaint)
    assert (row.source, row.state, row.tier) == (Source.PLATFORM, State.NEGOTIATING, Tier.SHOP)
    assert (row.taken_station, row.entity, row.taken_by) == (around.circle, around.shop, None)
    assert complaint.state == KeptComplaint.State.TAKEN
    complaint.refresh_from_db()
    assert (complaint.state, complaint.sealed_consumer) == (KeptComplaint.State.TAKEN, None)
    told = consumers.identity_of(row)
    assert told is not None
    assert (told.name, told.phone) == (NAME, PHONE)
    assert NAME not in row.description
    assert PHONE not in row.description
    message = OutboxMessage.objects.get(subject_kind="dispute", subject_id=row.pk)
    assert around.circle_mediator is not None
    assert (message.template, message.recipient_id) == ("stations.taken", around.circle_mediator.pk)
    kinds = list(Entry.objects.filter(stream=f"matter:{complaint.matter_id}").values_list("kind", flat=True))
    assert kinds == ["matter.taken", "matter.complaint_taken"]


def test_the_platforms_earlier_limit_rules(around: Place) -> None:
    soon = clock.now() + timedelta(hours=5)
    row = Dispute.objects.get(complaint=hand_in(around, their_due_at=soon))
    assert (row.due_at, row.their_due_at) == (soon, soon)
    late = clock.now() + timedelta(days=9)
    row = Dispute.objects.get(complaint=hand_in(around, their_due_at=late))
    assert row.due_at == row.registered_at + timedelta(hours=24)


def test_one_of_12315_is_filed_with_the_office_at_once(around: Place) -> None:
    row = Dispute.objects.get(complaint=hand_in(around, "12315"))
    assert (row.state, row.tier, row.station) == (State.FILED, Tier.OFFICIAL, around.station)
    assert (row.word_at, row.filed_at, row.office) == (
        row.registered_at,
        row.registered_at,
        around.world.office_of(1),
    )
    assert ConsumerWord.objects.get(dispute=row).way == WordWay.PLATFORM
    assert TierStay.objects.get(dispute=row).why == "WORD"
    message = OutboxMessage.objects.get(subject_kind="dispute", subject_id=row.pk)
    assert (message.template, message.recipient_id) == ("stations.taken_official", around.clerk.pk)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_desks_own_complaint_is_taken_too(around: Place) -> None:
    row = Dispute.objects.get(complaint=hand_in(around, None))
    assert (row.source, row.state) == (Source.PLATFORM, State.NEGOTIATING)


def test_by_its_place_where_the_shop_is_unknown(around: Place) -> None:
    lon, lat = around.world.point_in(1)
    complaint = hand_in(around, entity_id=None, lon=lon, lat=lat, crs_in="wgs84", told=None)
    row = Dispute.objects.get(complaint=complaint)
    assert (row.taken_station, row.entity, row.entity_name) == (around.station, None, complaints.SHOP)
    assert consumers.identity_of(row) is None


def test_handed_in_again_it_is_one_dispute(around: Place) -> None:
    platform, _ = there.made(around.world)
    part = Part(MatterKind.COMPLAINT, "要求退款")
    given = Given(parts=(part,), external_number="WD1", entity_id=around.shop.pk)
    first, again = (matters.take(given, by=platform.user, platform=platform) for _ in range(2))
    assert (first.created, again.created) == (True, False)
    assert Dispute.objects.count() == 1


# --- kept, and sent by hand ------------------------------------------------------------------------


def test_what_nobody_can_place_is_kept_until_the_section_sends_it(around: Place) -> None:
    complaint = nowhere(around)
    assert complaint.state == KeptComplaint.State.KEPT
    tasks.take_kept()
    complaint.refresh_from_db()
    assert complaint.state == KeptComplaint.State.KEPT
    code = around.station.code
    sent = complaints.take_complaint(complaint.pk, station=code, by=around.section)
    assert (sent.created, sent.dispute.taken_station, sent.dispute.taken_by) == (
        True,
        around.station,
        around.section,
    )
    again = complaints.take_complaint(complaint.pk, station=code, by=around.section)
    assert (again.created, again.dispute) == (False, sent.dispute)
    other = make_station(around.world, 3)
    with pytest.raises(DomainError) as caught:
        complaints.take_complaint(complaint.pk, station=other.code, by=around.section)
    assert caught.value.code == "already_taken"
    assert sent.dispute.number in caught.value.detail


def test_one_of_12315_sent_by_hand_lies_with_the_stations_office(around: Place) -> None:
    complaint = nowhere(around, "12315")
    sent = complaints.take_complaint(complaint.pk, station=around.station.code, by=around.section)
    assert (sent.dispute.state, sent.dispute.office) == (State.FILED, around.world.office_of(1))


@pytest.mark.parametrize(
    ("who", "station", "code"),
    [
        ("clerk-01", "here", "not_found"),
        ("bureau", "here", "not_sender"),
        ("auditor", "here", "not_sender"),
        ("worker-01-1", "here", "not_found"),
        ("section-consumer", None, "station_required"),
        ("section-consumer", "nowhere", "unknown_station"),
        ("section-consumer", "\x00", "unknown_station"),
    ],
)
def test_who_may_send_and_where(around: Place, who: str, station: str | None, code: str) -> None:
    complaint = nowhere(around)
    named = around.station.code if station == "here" else station
    with pytest.raises(DomainError) as caught:
        complaints.take_complaint(complaint.pk, station=named, by=around.world.user(who))
    assert caught.value.code == code


def test_the_offices_clerk_sends_his_own(around: Place) -> None:
    around.station.is_active = around.circle.is_active = False  # type: ignore[union-attr]
    around.station.save()
    around.circle.save()  # type: ignore[union-attr]
    complaint = hand_in(around)
    assert complaint.state == KeptComplaint.State.KEPT
    other = make_station(around.world, 3)
    sent = complaints.take_complaint(complaint.pk, station=other.code, by=around.clerk)
    assert (sent.created, sent.dispute.taken_station) == (True, other)


def test_what_was_kept_is_taken_once_a_station_opens(around: Place) -> None:
    around.station.is_active = around.circle.is_active = False  # type: ignore[union-attr]
    around.station.save()
    around.circle.save()  # type: ignore[union-attr]
    complaint = hand_in(around)
    around.station.is_active = True
    around.station.save()
    assert complaints.take_kept() == 1
    assert Dispute.objects.get(complaint=complaint).taken_station == around.station
    assert complaints.take_kept() == 0


def test_a_seal_that_no_key_opens_keeps_the_complaint(around: Place, settings: Any) -> None:
    complaint = nowhere(around)
    key, settings.SUOSHE_IDENTITY_KEY = settings.SUOSHE_IDENTITY_KEY, "another-key-" + "z" * 50
    with pytest.raises(DomainError) as caught:
        complaints.take_complaint(complaint.pk, station=around.station.code, by=around.section)
    assert caught.value.code == "seal_broken"
    settings.SUOSHE_IDENTITY_KEY = key
    sent = complaints.take_complaint(complaint.pk, station=around.station.code, by=around.section)
    assert consumers.identity_of(sent.dispute) is not None
