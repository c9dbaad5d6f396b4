"""调解会: booked, held with its minutes, cancelled; nobody at two places at once."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from grids.models import EntityContact
from kernel.errors import Conflict, DomainError, NotAllowed, NotVisible
from stations import sessions, settling
from stations.models import Dispute, Session
from stations.sessions import Appointment
from tests.factories import stations as made
from tests.factories.leads import TUESDAY, pass_time, take_any
from tests.factories.stations import Place

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def book(around: Place, row: Dispute, **fields: Any) -> Session:
    by = around.again(fields.pop("by", around.mediator))
    fields.setdefault("client_uid", uuid.uuid4())
    fields.setdefault("mediator_id", around.mediator.pk)
    fields.setdefault("place", Session.Place.STATION)
    fields.setdefault("starts_at", TUESDAY + 4 * HOUR)
    fields.setdefault("ends_at", fields["starts_at"] + HOUR)
    return sessions.book(dispute_id=row.pk, by=by, expect=take_any, given=Appointment(**fields))


def hold(around: Place, row: Session, minutes: str = "双方陈述，未达成一致。") -> Session:
    return sessions.hold(
        session_id=row.pk,
        by=around.again(around.mediator),
        expect=take_any,
        consumer_came=True,
        shop_came=False,
        minutes=minutes,
    )


def test_booked_and_sent_again(around: Place) -> None:
    row, uid = made.taken(around), uuid.uuid4()
    first = book(around, row, client_uid=uid)
    assert book(around, row, client_uid=uid) == first
    with pytest.raises(Conflict):
        book(around, row, client_uid=uid, starts_at=TUESDAY + 6 * HOUR)
    assert first.station == around.station


def test_a_mediator_is_at_one_place_at_a_time(around: Place) -> None:
    first, second = made.taken(around), made.taken(around)
    book(around, first)
    with pytest.raises(Conflict) as refused:
        book(around, second, starts_at=TUESDAY + 4 * HOUR + HOUR / 2)
    assert refused.value.code == "mediator_busy"
    assert book(around, second, starts_at=TUESDAY + 5 * HOUR).state == "planned", "one after the other"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"starts_at": TUESDAY - HOUR}, "past"),
        ({"starts_at": TUESDAY + timedelta(days=91)}, "too_far"),
        ({"starts_at": TUESDAY + HOUR, "ends_at": TUESDAY + HOUR}, "too_long"),
        ({"starts_at": TUESDAY + HOUR, "ends_at": TUESDAY + 10 * HOUR}, "too_long"),
        ({"mediator_id": 2**62}, "not_a_mediator"),
    ],
)
def test_what_cannot_be_booked(around: Place, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(DomainError) as refused:
        book(around, made.taken(around), **fields)
    assert refused.value.code == code


def test_only_who_handles_it_may_mediate(around: Place) -> None:
    with pytest.raises(DomainError) as refused:
        book(around, made.taken(around), mediator_id=around.clerk.pk)
    assert refused.value.code == "not_a_mediator"


def test_minutes_are_written_once_and_name_nobody(around: Place) -> None:
    row = book(around, made.taken(around), place=Session.Place.SHOP)
    with pytest.raises(Conflict) as refused:
        hold(around, row)
    assert refused.value.code == "not_begun"
    pass_time(5 * HOUR)
    done = hold(around, row, f"{made.NAME}（{made.PHONE}）要求退款，店家同意换货。")
    assert (done.state, done.consumer_came, done.shop_came) == ("held", True, False)
    assert made.NAME not in done.minutes
    assert made.PHONE not in done.minutes
    assert "店家同意换货" in done.minutes
    assert hold(around, row, f"{made.NAME}（{made.PHONE}）要求退款，店家同意换货。").pk == done.pk
    with pytest.raises(Conflict):
        hold(around, row, "另一份记录")
    with pytest.raises(IntegrityError, match="minutes_frozen"), transaction.atomic():
        Session.objects.filter(pk=row.pk).update(minutes="改了")


def test_a_meeting_in_the_shop_is_an_entry(around: Place) -> None:
    row = book(around, made.taken(around), place=Session.Place.SHOP)
    pass_time(5 * HOUR)
    hold(around, row)
    entered = EntityContact.objects.get(entity=around.shop, purpose="MEDIATION")
    assert (entered.by, entered.source) == (around.mediator, f"session:{row.pk}")


def test_one_in_the_station_is_none(around: Place) -> None:
    row = book(around, made.taken(around))
    pass_time(5 * HOUR)
    hold(around, row)
    assert not EntityContact.objects.filter(entity=around.shop).exists()


def test_cancelled(around: Place) -> None:
    row = book(around, made.taken(around))
    again = {"session_id": row.pk, "expect": take_any, "why": "店家改期"}
    done = sessions.cancel(by=around.again(around.mediator), **again)  # type: ignore[arg-type]
    assert (done.state, done.cancelled_why) == ("cancelled", "店家改期")
    assert sessions.cancel(by=around.again(around.mediator), **again).pk == done.pk  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        hold(around, row)


def test_what_is_over_calls_off_its_meetings(around: Place) -> None:
    row = made.taken(around)
    meeting = book(around, row)
    settling.settle(dispute_id=row.pk, by=around.again(around.mediator), expect=take_any)
    meeting.refresh_from_db()
    assert meeting.state == "cancelled"


def test_others_see_none(around: Place) -> None:
    row = book(around, made.taken(around))
    stranger = made.place(around.world, 9).mediator
    with pytest.raises(NotVisible):
        sessions.cancel(session_id=row.pk, by=stranger, expect=take_any, why="不归我")
    circle = made.in_circle(around)
    with pytest.raises(NotAllowed):
        book(around, circle)
