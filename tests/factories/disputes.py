"""One dispute in each state that tests of the whole API look at, around grid 1 of a house."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from grids.demo import World
from grids.models import BusinessEntity
from kernel import clock
from stations import circles, sessions, testing
from stations.models import Dispute, Session, Station, StationKind, TestingKind
from stations.sessions import Appointment
from tests.factories import stations as made
from tests.factories.leads import take_any
from tests.factories.stations import Place

UNREGISTERED = "没有登记的小店"


def around(world: World, shop: BusinessEntity) -> Place:
    """The demo's station of grid 1's community, with its mediator."""
    community = world.grid(1).lead_community
    station = Station.objects.get(kind=StationKind.COMMUNITY, community=community)
    return Place(world, 1, shop, station, world.user("station-01"), None, None)


def of_every_kind(world: World, shop: BusinessEntity) -> dict[str, Any]:
    """What a house holds of disputes; three of them name `shop`."""
    place = around(world, shop)
    complex_here = Station.objects.get(kind=StationKind.COMPLEX, community=place.station.community)
    joined = circles.join(code=complex_here.code, entity_id=shop.pk, by=place.community_head)
    unnamed: dict[str, Any] = {"entity_name": UNREGISTERED}
    return {
        "circle_shop": joined.shop,
        "dispute": made.taken(place),
        "filed": made.filed(place),
        "accepted": made.accepted(place),
        "tested": tested(place, **unnamed),
        "agreed": made.agreed(place, **unnamed),
        "ended": made.settled(place, **unnamed),
        "sat": booked(place, made.taken(place, **unnamed), after=timedelta(seconds=1)),
    }


def tested(place: Place, **fields: Any) -> Dispute:
    """Accepted by the office, and what was bought is with a laboratory."""
    row = made.accepted(place, **fields)
    testing.begin_testing(
        dispute_id=row.pk,
        by=place.again(place.clerk),
        expect=take_any,
        kind=TestingKind.DETECTION,
        institution="肥城市检验检测中心",
    )
    row.refresh_from_db()
    return row


def booked(place: Place, row: Dispute, *, after: timedelta = timedelta(days=1), **fields: Any) -> Session:
    """A meeting at the station, so long from now, for one hour."""
    starts_at = clock.now() + after
    by = place.again(place.mediator)
    given = Appointment(
        client_uid=uuid.uuid4(),
        mediator_id=by.pk,
        place=fields.pop("at", Session.Place.STATION),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
        **fields,
    )
    return sessions.book(dispute_id=row.pk, by=by, expect=take_any, given=given)
