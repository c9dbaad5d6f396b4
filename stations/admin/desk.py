"""服务站工作台: a station's day on one page (appointments, clocks, what waits), and the office's desk.

A fixed number of statements, whatever waits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.safestring import SafeString

from grids.access import Scope, scope_of
from grids.roles import DUTY_LEADER, DUTY_OFFICER, Role
from kernel import clock
from kernel.accounts.models import User
from kernel.clock import local_date
from kernel.deadlines.policy import end_of_day
from leads.admin.front import Figure
from leads.models import KeptComplaint
from stations import complaints, intake, selectors
from stations.admin import seats, words
from stations.models import Agreement, Dispute, Outcome, Session, Source, Station
from stations.states import State, Tier

MOST_AT_OFFICE = 50
OFFICE_DESK = frozenset({Role.OFFICE_CLERK.value, Role.OFFICE_HEAD.value, DUTY_OFFICER, DUTY_LEADER})


@dataclass(frozen=True, slots=True)
class Row:
    """One dispute of the desk. `clock` is the countdown's HTML."""

    dispute: Dispute
    title: str
    address: str
    state: str
    tone: str
    clock: SafeString
    why: str = ""


@dataclass
class Desk:
    """What the page shows. `station` is None for who works at none, or has chosen none."""

    at: datetime
    stations: list[Station] = field(default_factory=list)
    station: Station | None = None
    own: bool = False
    may_take: bool = False
    figures: list[Figure] = field(default_factory=list)
    sessions: list[tuple[Session, str, bool]] = field(default_factory=list)
    waiting: list[Row] = field(default_factory=list)
    running: list[Row] = field(default_factory=list)
    at_office: bool = False
    decide: list[Row] = field(default_factory=list)
    kept: list[KeptComplaint] = field(default_factory=list)


def of(by: User, code: str = "") -> Desk:
    """The desk of this person; `code` chooses the station where there are several."""
    scope = scope_of(by)
    own = seats.mediates_at(scope)
    desk = Desk(scope.at, stations=seats.own_first(scope), may_take=intake.may_take(by))
    if own or code or not (scope.office_ids or seats.looks_after_all(scope)):
        first = desk.stations[0] if desk.stations else None
        desk.station = next((one for one in desk.stations if one.code == code), first)
    if desk.station is not None:
        desk.own = desk.station.code in own
        _of_station(desk, desk.station)
    if scope.has(*OFFICE_DESK) or seats.looks_after_all(scope):
        desk.at_office = True
        _of_office(desk, by, scope)
    return desk


def is_mediator(user: Any) -> bool:
    """Does his front page begin with a station's desk?"""
    return bool(seats.mediates_at(scope_of(user)))


def _of_station(desk: Desk, station: Station) -> None:
    found = selectors.todays_sessions(station, desk.at)
    desk.sessions = [(one, words.masked(one.dispute.entity_name), one.starts_at <= desk.at) for one in found]
    rows = [one for one in selectors.running(station) if one.tier != Tier.OFFICIAL]
    why = _why(rows, desk.at)
    desk.waiting = [_row(one, desk.at, why[one.pk]) for one in rows if one.pk in why]
    desk.running = [_row(one, desk.at) for one in rows if one.due_at is not None]
    late = sum(selectors.is_late(one, desk.at) for one in rows)
    today = local_date(desk.at)
    since = end_of_day(today - timedelta(days=1))
    counted = Dispute.objects.filter(taken_station=station, registered_at__gte=since).aggregate(
        taken=Count("pk"), spot=Count("pk", filter=Q(outcome=Outcome.ON_THE_SPOT))
    )
    listed = f"{reverse('admin:stations_dispute_changelist')}?station={station.code}"
    day = f"{listed}&registered_at_from={today}&registered_at_to={today}"
    desk.figures = [
        Figure("今日登记", counted["taken"], day),
        Figure("当场和解", counted["spot"], day),
        Figure("未办结", len(rows), f"{listed}&progress=open"),
        Figure("已超时", late, f"{listed}&progress=overdue", "late" if late else ""),
        Figure("等待处理", len(desk.waiting), "#waiting", "soon" if desk.waiting else ""),
    ]


def _why(rows: list[Dispute], at: datetime) -> dict[int, str]:
    """What waits for somebody of the station, and for what. One statement."""
    promised = [one.pk for one in rows if one.state == State.AGREED]
    kept = Agreement.objects.filter(
        dispute_id__in=promised, state=Agreement.State.SIGNED, perform_by__lt=clock.local_date(at)
    )
    due = set(kept.values_list("dispute_id", flat=True))
    found: dict[int, str] = {}
    for one in rows:
        if one.pk in due:
            found[one.pk] = "协议到期，待核实履行"
        elif one.version == 1 and one.source in (Source.DOOR, Source.PLATFORM) and one.tier == Tier.SHOP:
            found[one.pk] = f"{one.get_source_display()}，待联系消费者"
        elif one.word_at is not None and one.state != State.AGREED:
            found[one.pk] = "消费者已同意：调解不成转12315"
    return found


def _of_office(desk: Desk, by: User, scope: Scope) -> None:
    """Decisions on acceptance, soonest first, and complaints that wait for a station. Two statements."""
    filed = Dispute.objects.visible_to(by).filter(state=State.FILED)
    if scope.office_ids and not seats.looks_after_all(scope):
        filed = filed.filter(office_id__in=scope.office_ids)
    rows = selectors.for_list(filed).order_by("due_at", "id")[:MOST_AT_OFFICE]
    desk.decide = [_row(one, desk.at, one.office.name if one.office else "") for one in rows]
    if complaints.may_send(by) or scope.sees_all:
        kept = KeptComplaint.objects.visible_to(by).filter(state=KeptComplaint.State.KEPT)
        desk.kept = list(kept.select_related("grid", "matter__platform").order_by("id")[:MOST_AT_OFFICE])


def _row(dispute: Dispute, at: datetime, why: str = "") -> Row:
    return Row(
        dispute,
        words.masked(f"{dispute.entity_name}　{dispute.goods}"),
        reverse("admin:stations_dispute_change", args=[dispute.pk]),
        words.state_of(dispute),
        words.STATE_TONES[dispute.get_state_display()],
        words.clock(dispute, at),
        why,
    )
