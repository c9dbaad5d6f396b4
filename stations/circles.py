"""Which shops belong to a circle (商圈): entered by who takes disputes at its station (DESIGN.md §9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from grids.access import scope_of
from grids.models import BusinessEntity
from kernel import clock, journal
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, NotVisible, Refused
from stations import intake
from stations.acts import BIGGEST
from stations.models import CircleShop, Station, StationKind

UNKNOWN = "没有找到这个服务站，或者您无权查看。"
NOT_HERE = "服务站的店铺和当日安排由本站人员、所在社区、辖区市场监管所和局消保科查看和办理。"
BACK_DAYS, AHEAD_DAYS = 3650, 365


@dataclass(frozen=True, slots=True)
class Joined:
    """The row; `created` is False where the shop belonged to the circle already."""

    shop: CircleShop
    created: bool


def station(code: str, *, by: User) -> Station:
    """The station with this code, for who may know of stations. Raises NotVisible."""
    rows = Station.objects.visible_to(by).select_related("community", "grid")
    found = rows.filter(code=code).first()
    if found is None:
        raise NotVisible(UNKNOWN)
    return found


def inside(code: str, *, by: User) -> Station:
    """The same, for who works there or looks after it all. Raises NotVisible; NotAllowed `not_here`."""
    found, scope = station(code, by=by), scope_of(by)
    if not scope.sees_all and intake.seat_at(scope, found) is None:
        raise NotAllowed(NOT_HERE, code="not_here")
    return found


def shops(of: Station, on: date) -> QuerySet[CircleShop]:
    """The shops that belong to a circle on a day, with their business. One statement."""
    rows = CircleShop.objects.filter(station=of, since__lte=on).filter(
        Q(until__isnull=True) | Q(until__gt=on)
    )
    return rows.select_related("entity")


def join(*, code: str, entity_id: int, by: User, since: date | None = None) -> Joined:
    """A shop belongs to this circle, from today or from `since` on. Entered again, the row is given back.

    Raises:
        NotVisible; NotAllowed `not_here`. Refused `not_a_circle`, `unknown_entity`, `bad_day`.
        Conflict `other_circle`: it belongs to another circle then, or to this one for a while.
    """
    today = clock.today()
    first = since or today
    with transaction.atomic():
        here = inside(code, by=by)
        if intake.seat_at(scope_of(by), here) is None:
            raise NotAllowed(NOT_HERE, code="not_here")
        if here.kind != StationKind.COMPLEX:
            raise Refused("只有商业综合体服务站设有商圈。", code="not_a_circle")
        if not -BACK_DAYS <= (first - today).days <= AHEAD_DAYS:
            raise Refused("加入日期超出范围。", code="bad_day", attr="since")
        entity = _locked(entity_id)
        known = CircleShop.objects.filter(station=here, entity=entity, until__isnull=True).first()
        if known is not None and since in (None, known.since):
            return Joined(known, created=False)
        row = _write(here, entity, first)
        joined = {"station": here.code, "entity": entity.pk, "since": first.isoformat()}
        stream = f"circle_shop:{row.pk}"
        journal.append(stream=stream, kind="circle.shop_joined", by=by, at=clock.now(), data=joined)
    return Joined(row, created=True)


def _locked(entity_id: int) -> BusinessEntity:
    """The business, locked: two who enter it at once wait for each other."""
    rows = BusinessEntity.objects.select_for_update(of=("self",), no_key=True)
    found = rows.filter(pk=entity_id).first() if 0 < entity_id <= BIGGEST else None
    if found is None:
        raise Refused("没有找到该经营主体，请重新选择。", code="unknown_entity", attr="entity")
    return found


def _write(here: Station, entity: BusinessEntity, since: date) -> CircleShop:
    try:
        with transaction.atomic():
            return CircleShop.objects.create(station=here, entity=entity, since=since)
    except IntegrityError as refused:
        if "one_circle_at_a_time" not in str(refused):
            raise
        raise Conflict("该店铺在这段时间内已属于一个商圈。", code="other_circle", attr="entity") from refused


def leave(*, shop_id: int, by: User, until: date | None = None, code: str | None = None) -> CircleShop:
    """A shop belongs to its circle no more from today, or from `until`, on. Repeated, the row is given back.
    With `code` it is a row of the station with this code, or none.

    Raises: NotVisible; NotAllowed `not_here`. Refused `bad_day`. Conflict `left_already`.
    """
    today = clock.today()
    last = until or today
    with transaction.atomic():
        rows = CircleShop.objects.select_related("station__community", "station__grid", "entity")
        if code is not None:
            rows = rows.filter(station=inside(code, by=by))
        row = rows.select_for_update(of=("self",)).filter(pk=min(shop_id, BIGGEST)).first()
        if row is None:
            raise NotVisible("没有找到这家商圈店铺，或者您无权查看。")
        if intake.seat_at(scope_of(by), row.station) is None:
            raise NotAllowed(NOT_HERE, code="not_here")
        if row.until is not None:
            if row.until == last:
                return row
            raise Conflict(f"该店铺已登记于{row.until}退出商圈。", code="left_already")
        if last <= row.since or (last - today).days > AHEAD_DAYS:
            raise Refused("退出日期应晚于加入日期，最迟一年以内。", code="bad_day", attr="until")
        row.until = last
        row.save(update_fields=["until"])
        left = {"station": row.station.code, "entity": row.entity_id, "until": last.isoformat()}
        stream = f"circle_shop:{row.pk}"
        journal.append(stream=stream, kind="circle.shop_left", by=by, at=clock.now(), data=left)
    return row
