"""Stations, circles and disputes for tests, made through the services: every row as the product writes it.

`place(world, 1)` is the shop, the circle and the community's station around grid 1; `taken(place)` a dispute
there, taken at the community's counter by its mediator. The further states follow the moves.
"""

from __future__ import annotations

import io
import itertools
import random
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from PIL import Image, ImageDraw

from grids.demo import World
from grids.models import BusinessEntity, Posting
from grids.roles import Role
from kernel import clock
from kernel.accounts.models import User
from stations import intake
from stations.intake import Given
from stations.models import CircleShop, Dispute, Source, Station, StationHours, StationKind
from tests.factories.grids import make_entity
from tests.factories.leads import take_any

NAME, PHONE = "诸葛青岚", "13905381357"
TELEPHONE = "0538-3212345"
_numbers = itertools.count(1)


@dataclass
class Place:
    """What stands around one grid. `circle` is None where the shop belongs to none."""

    world: World
    number: int
    shop: BusinessEntity
    station: Station
    mediator: User
    circle: Station | None
    circle_mediator: User | None

    def again(self, user: User) -> User:
        """The same account without a cached scope."""
        return self.world.user(user.username)

    @property
    def community_head(self) -> User:
        return self.world.community_head_of(self.number)

    @property
    def clerk(self) -> User:
        return self.world.clerk_of(self.number)

    @property
    def section(self) -> User:
        return self.world.user("section-consumer")


def make_station(world: World, number: int = 1, **columns: Any) -> Station:
    """A station in the community that leads the grid with this number."""
    count = next(_numbers)
    columns.setdefault("kind", StationKind.COMMUNITY)
    columns.setdefault("code", f"T-{count:03d}")
    columns.setdefault("name", f"测试{count}消费维权服务站")
    columns.setdefault("telephone", TELEPHONE)
    columns.setdefault("address", f"测试路{count}号")
    return Station.objects.create(community=world.grid(number).lead_community, **columns)


def mediator(world: World, station: Station, *, username: str = "") -> User:
    """A new account with a mediator's posting at the station, known to `world.user`."""
    count = next(_numbers)
    user = User.objects.create_user(
        username or f"mediator-{count:03d}", None, name=f"测试调解员{count}", phone=f"137{count:08d}"
    )
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    Posting.objects.create(
        user=user,
        role=Role.STATION_MEDIATOR,
        station_code=station.code,
        starts_at=clock.now() - timedelta(days=30),
    )
    world.users[user.username] = user
    return world.user(user.username)


def hours(station: Station, *, opens: str = "08:30", closes: str = "17:30") -> None:
    """Open on working days."""
    StationHours.objects.bulk_create(
        [StationHours(station=station, weekday=day, opens_at=opens, closes_at=closes) for day in range(1, 6)]
    )


def join_circle(station: Station, shop: BusinessEntity, *, since: date | None = None) -> CircleShop:
    """The shop belongs to the circle, for thirty days already."""
    return CircleShop.objects.create(
        station=station, entity=shop, since=since or clock.today() - timedelta(days=30)
    )


def place(world: World, number: int = 1, *, circle: bool = False, **shop: Any) -> Place:
    """Shop, community station and – with `circle` – a complex's station around the grid with this number.

    In a world built with its 25 stations those of the community are found, with their demo mediators.
    """
    community = world.grid(number).lead_community
    station = Station.objects.filter(kind=StationKind.COMMUNITY, community=community).first()
    if station is None:
        station = make_station(world, number)
    around = Place(
        world=world,
        number=number,
        shop=make_entity(world, number, **shop),
        station=station,
        mediator=_mediator_of(world, station),
        circle=None,
        circle_mediator=None,
    )
    if circle:
        around.circle = make_station(
            world, number, kind=StationKind.COMPLEX, complex_name="测试商业广场", name="测试商业广场服务站"
        )
        around.circle_mediator = _mediator_of(world, around.circle)
        join_circle(around.circle, around.shop)
    return around


def _mediator_of(world: World, station: Station) -> User:
    held = (
        Posting.objects.filter(role=Role.STATION_MEDIATOR, station_code=station.code).order_by("id").first()
    )
    return mediator(world, station) if held is None else world.user(held.user.username)


# --- disputes --------------------------------------------------------------------------------------


def given(around: Place | None = None, **fields: Any) -> Given:
    """What a consumer tells of a shop: a coat that shrank."""
    if around is not None and "entity_id" not in fields and "entity_name" not in fields:
        fields["entity_id"] = around.shop.pk
    fields.setdefault("client_uid", uuid.uuid4())
    fields.setdefault("goods", "羊绒大衣")
    fields.setdefault("goods_kind", "CLOTHING")
    fields.setdefault("claims", ("REFUND",))
    fields.setdefault("amount", Decimal("399.00"))
    fields.setdefault("description", "洗了一次就缩水，店家不给退")
    fields.setdefault("name", NAME)
    fields.setdefault("phone", PHONE)
    return Given(**fields)


def taken(
    around: Place, *, by: User | None = None, source: Source = Source.COUNTER, **fields: Any
) -> Dispute:
    """A dispute just registered at the community's station by its mediator (or by `by`): SHOP, 协商中."""
    who = around.again(by or around.mediator)
    fields.setdefault("station_code", around.station.code)
    return intake.take(given(around, **fields), by=who, source=source).dispute


def in_circle(around: Place, **fields: Any) -> Dispute:
    """One that went up to the circle, at the wish of the consumer."""
    from stations import escalating

    row = taken(around, **fields)
    return escalating.escalate(
        dispute_id=row.pk, by=around.again(around.mediator), expect=take_any, note="消费者请求商圈调解"
    )


def in_community(around: Place, **fields: Any) -> Dispute:
    """One that lies with the community's station: MEDIATING at COMMUNITY."""
    from stations import escalating

    row = in_circle(around, **fields)
    if row.tier == "CIRCLE":
        who = around.again(around.circle_mediator or around.mediator)
        row = escalating.escalate(dispute_id=row.pk, by=who, expect=take_any, note="消费者请求社区调解")
    return row


def settled(around: Place, **fields: Any) -> Dispute:
    """当场和解, in one tap."""
    return taken(around, settled_at_once=True, **fields)


def filed(around: Place, **fields: Any) -> Dispute:
    """One that the consumer wants decided by the office: FILED."""
    from stations import official
    from stations.models import WordWay

    row = taken(around, **fields)
    return official.to_official(
        dispute_id=row.pk, by=around.again(around.mediator), expect=take_any, way=WordWay.TELEPHONE
    )


def accepted(around: Place, **fields: Any) -> Dispute:
    """One that the office has accepted."""
    from stations import official

    row = filed(around, **fields)
    conditions = frozenset(official.CONDITIONS)
    return official.accept(
        dispute_id=row.pk, by=around.again(around.clerk), expect=take_any, conditions=conditions
    )


def refused(around: Place, **fields: Any) -> Dispute:
    """One that the office has refused: more than three years."""
    from stations import official
    from stations.models import RefusalGround

    row = filed(around, **fields)
    return official.refuse(
        dispute_id=row.pk, by=around.again(around.clerk), expect=take_any, ground=RefusalGround.THREE_YEARS
    )


def not_reached(around: Place, **fields: Any) -> Dispute:
    """One in which both could not agree."""
    from stations import settling
    from stations.models import FailReason

    row = taken(around, **fields)
    return settling.fail(
        dispute_id=row.pk,
        by=around.again(around.mediator),
        expect=take_any,
        reason=FailReason.NO_AGREEMENT,
        note="双方各执一词",
    )


def withdrawn(around: Place, **fields: Any) -> Dispute:
    """One that the consumer took back."""
    from stations import settling
    from stations.models import WithdrawalReason

    row = taken(around, **fields)
    return settling.withdraw(
        dispute_id=row.pk,
        by=around.again(around.mediator),
        expect=take_any,
        reason=WithdrawalReason.GIVEN_UP,
    )


def agreed(around: Place, *, perform_by: date | None = None, **fields: Any) -> Dispute:
    """One with an agreement signed by all three, to be performed in three days (or by `perform_by`)."""
    row = taken(around, **fields)
    sign(around, row, perform_by=perform_by)
    row.refresh_from_db()
    return row


def sign(around: Place, row: Dispute, *, perform_by: date | None = None, by: User | None = None) -> Any:
    """The agreement of a dispute that is talked about."""
    from stations import agreements
    from stations.models import Party

    return agreements.agree(
        dispute_id=row.pk,
        by=around.again(by or around.mediator),
        expect=take_any,
        client_uid=uuid.uuid4(),
        given=agreements.Terms(
            terms="商家于约定日期前退还货款，消费者退回大衣。",
            amount=Decimal("399.00"),
            perform_by=perform_by or clock.today() + timedelta(days=3),
        ),
        signatures={party: signature(party) for party in Party},
    )


def signature(seed: str = "") -> bytes:
    """A signature as a screen hands it in: black strokes on a transparent PNG, another for each seed."""
    strokes = random.Random(str(seed))
    image = Image.new("RGBA", (480, 180), (0, 0, 0, 0))
    points = [(20 + 40 * step, strokes.randint(30, 150)) for step in range(12)]
    ImageDraw.Draw(image).line(points, fill=(0, 0, 0, 255), width=5)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def performed(around: Place, **fields: Any) -> Dispute:
    """One whose agreement was kept."""
    from stations import agreements

    row = agreed(around, **fields)
    agreements.perform(
        dispute_id=row.pk,
        by=around.again(around.mediator),
        expect=take_any,
        performed=True,
        note="已退款",
    )
    row.refresh_from_db()
    return row


def moment(day: int, hour: int = 10, *, month: int = 3, year: int = 2026) -> datetime:
    """A moment in Shanghai."""
    return datetime(year, month, day, hour, tzinfo=clock.SHANGHAI)
