"""登记纠纷: at a counter, by telephone, behind the code on a door, from another platform (DESIGN.md §9).

Registered, never accepted or refused: that is the office's, and only once the consumer has said so. Name and
telephone, no identity card. 当场和解 is one tap: taken and settled in one transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from grids.access import Scope, Seat, scope_of
from grids.models import BusinessEntity
from grids.roles import Role, Section
from kernel import clock
from kernel.accounts.models import User
from kernel.errors import Conflict, Malformed, NotAllowed, Refused
from stations import intake_values, placing, registering, settling
from stations.acts import BIGGEST, OFFICE_DESK
from stations.intake_values import Given
from stations.models import Dispute, Source, Station
from stations.registering import Told

__all__ = ["Given", "Taken", "may_take", "seat_at", "take", "take_public"]

TAKES = frozenset({*OFFICE_DESK, Role.STATION_MEDIATOR.value, Role.COMMUNITY_HEAD.value})
BY_HAND = (Source.COUNTER, Source.TELEPHONE)
TWICE = ("stations_dispute_one_client_uid", "stations_dispute_one_public_uid")
NOT_HERE = "您不能在这个服务站登记纠纷。"


@dataclass(frozen=True, slots=True)
class Taken:
    """The dispute; `created` is False where it was there already."""

    dispute: Dispute
    created: bool


def may_take(user: User) -> bool:
    """Does one of his seats let him take disputes anywhere (and so hand in files)?"""
    scope = scope_of(user)
    return not scope.is_auditor and (scope.has(*TAKES) or Section.CONSUMER in scope.sections)


def seat_at(scope: Scope, station: Station) -> Seat | None:
    """The seat from which one takes disputes at a station: its mediator's, its community's head's, the desk
    of its office, the consumers' section."""
    if scope.is_auditor:
        return None
    found = scope.seat(Role.STATION_MEDIATOR, station_code=station.code) or scope.seat(
        Role.COMMUNITY_HEAD, community_id=station.community_id
    )
    if found is None and scope.office_ids:
        office_id = placing.office_of(None, station=station)
        seats = (scope.seat(role, office_id=office_id) for role in OFFICE_DESK if office_id is not None)
        found = next((seat for seat in seats if seat is not None), None)
    return found or scope.seat(Role.BUREAU_SECTION, section=Section.CONSUMER.value)


def take(given: Given, *, by: User, source: Source) -> Taken:
    """Take a dispute at a counter or by telephone. The same `client_uid` of a person with the same content
    gives the first one back; with `settled_at_once` it is settled on the spot.

    Raises:
        NotAllowed: `not_taker` – no seat at this station; `not_handler` – settled at once by somebody who
            does not handle it. Malformed, Refused: `intake_values.refuse`; `unknown_source`.
        Refused: `unknown_station`, `station_required`, `unknown_entity`.
        Conflict: `client_uid_conflict`, `evidence_unavailable`.
    """
    if source not in BY_HAND:
        raise Malformed("来源只能是窗口登记或电话登记。", code="unknown_source", attr="source")
    given = given.tidy()

    def once() -> Dispute:
        at = clock.now()
        if not may_take(by):
            raise NotAllowed(
                "只有服务站调解员、社区书记、市场监管所和局消保科可以登记纠纷。", code="not_taker"
            )
        intake_values.refuse(given, today=clock.local_date(at))
        entity = _entity(given)
        station = _station(given, by, entity, at)
        if seat_at(scope_of(by), station) is None:
            raise NotAllowed(NOT_HERE, code="not_taker", attr="station")
        act = registering.register(told_of(given, station, entity, at, source=source, by=by, files_by=by))
        if given.settled_at_once:
            act.as_handler()
            settling.settle_now(act)
        return act.dispute

    return _once_per_uid(given, by, once)


def take_public(given: Given, *, station: Station, files_by: User) -> Taken:
    """Take what somebody wrote behind the code on a door, or on a station's poster. Nobody's account takes
    it; `files_by` is the one that keeps the photos of such forms. Sent twice, it is one dispute.

    Raises: as `take`, without rights.
    """
    given = given.tidy()

    def once() -> Dispute:
        at = clock.now()
        intake_values.refuse(given, today=clock.local_date(at))
        told = told_of(given, station, _entity(given), at, source=Source.DOOR, by=None, files_by=files_by)
        return registering.register(told).dispute

    return _once_per_uid(given, None, once)


def told_of(
    given: Given,
    station: Station,
    entity: BusinessEntity | None,
    at: datetime,
    *,
    source: Source,
    by: User | None,
    files_by: User,
) -> Told:
    """What the writer needs of a tidy `given`."""
    same = ("client_uid", "goods", "goods_kind", "claims", "name", "phone", "amount", "description")
    return Told(
        **{name: getattr(given, name) for name in (*same, "bought_on", "evidence", "awaited")},
        digest=given.digest(),
        source=source,
        by=by,
        at=at,
        station=station,
        entity=entity,
        entity_name=entity.name if entity else given.entity_name,
        files_by=files_by,
        word=given.wants_official,
    )


def _once_per_uid(given: Given, by: User | None, once: Callable[[], Dispute]) -> Taken:
    known = _known(given.client_uid, by)
    if known is None:
        try:
            with transaction.atomic():
                return Taken(once(), created=True)
        except IntegrityError as error:
            if not any(name in str(error) for name in TWICE):
                raise
        except Conflict as refused:
            if refused.code != "evidence_unavailable":
                raise
            if _known(given.client_uid, by) is None:
                raise
        # The same sent twice at once: the other one has the uid, or the files.
        known = _known(given.client_uid, by)
    if known is None or known.content_digest != given.digest():
        raise Conflict(
            "该编号已用于另一件纠纷，内容不同，请重新登记。", code="client_uid_conflict", attr="client_uid"
        )
    return Taken(known, created=False)


def _known(uid: uuid.UUID, by: User | None) -> Dispute | None:
    rows = Dispute.objects.filter(client_uid=uid).select_related("taken_station", "station", "entity")
    return rows.filter(taken_by=by).first() if by else rows.filter(taken_by__isnull=True).first()


def _entity(given: Given) -> BusinessEntity | None:
    if given.entity_id is None:
        return None
    rows = BusinessEntity.objects.select_related("grid")
    found = rows.filter(pk=given.entity_id).first() if 0 < given.entity_id <= BIGGEST else None
    if found is None:
        raise Refused(
            "没有找到该经营主体，请重新选择，或只填写店铺名称。", code="unknown_entity", attr="entity"
        )
    return found


def _station(given: Given, by: User, entity: BusinessEntity | None, at: datetime) -> Station:
    """The station that was named; else the taker's own; else the shop's."""
    if given.station_code is not None:
        named = placing.named(given.station_code)
        if named is None:
            raise Refused("没有这个服务站，或者已停用。", code="unknown_station", attr="station")
        return named
    seats = [seat for seat in scope_of(by).seats if seat.role == Role.STATION_MEDIATOR]
    own = {seat.station_code for seat in seats if seat.basis == "own"} or {s.station_code for s in seats}
    found = placing.named(own.pop()) if len(own) == 1 else None
    found = found or placing.from_outside(entity, on=clock.local_date(at))
    if found is None:
        raise Refused("请选择登记的服务站。", code="station_required", attr="station")
    return found
