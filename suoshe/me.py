"""`GET me`: who I am, which seats I may act from, and what waits for me (API.md).

Counts are for the phone's badges, not a list of their own: each number says how many rows the
matching list would show. Seats of an A/B角 are shown but not counted: the work is the holder's.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import Any

from django.db.models import CharField, Count, Exists, OuterRef, Q, QuerySet, Value
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids.access import OFFICE_WIDE, Scope, Seat, scope_of
from grids.models import Community, Department, Grid, Office, Subdistrict, TaskItem
from grids.roles import DUTY_LEADER, DutyRole, Role
from kernel import clock
from kernel.approvals.models import Approval
from kernel.notices.selectors import unread_count
from leads import owed
from leads.models import Acknowledgement, Lead, Side, Signature, Stage, SupervisionOrder, WhistleCall
from leads.states import State
from leads.whistle_states import WAITING, WhistleState
from patrols.models import PatrolTask
from stations.acts import OFFICE_DESK
from stations.models import Dispute
from stations.states import Tier

__all__ = ["Me", "open_tasks"]

TASKS = (
    "respond", "feed_back", "verify", "confirm_handover", "acknowledge", "desk", "tasks", "whistle",
    "approve", "recheck", "countersign", "look_back", "patrol", "disputes",
)  # fmt: skip
PLACES: dict[str, Any] = {
    "grid": Grid,
    "office": Office,
    "community": Community,
    "department": Department,
    "subdistrict": Subdistrict,
}
ROLE_NAMES = dict(Role.choices) | dict(DutyRole.choices)
BASES = [("own", "本人任职"), ("backup", "B角"), ("absence", "代岗"), ("duty", "值班")]
TAKEN = (State.DISPATCHED, State.RESPONDED)


# --- what waits ------------------------------------------------------------------------------------


def open_tasks(user: Any, scope: Scope) -> dict[str, int]:
    """How many of each of `TASKS` wait for this person. One statement."""
    seats = [seat for seat in scope.seats if seat.basis != "backup"]
    waiting = {
        "respond": Lead.objects.filter(assignee_id=scope.user_id, state=State.DISPATCHED),
        "feed_back": Lead.objects.filter(assignee_id=scope.user_id, state=State.RESPONDED),
        "verify": _of_my_grids(seats).filter(state=State.FED_BACK),
        "confirm_handover": _not_taken_over(_of_my_grids(seats)),
        "acknowledge": _orders(seats),
        "desk": _desk(seats),
        "tasks": TaskItem.objects.open().filter(owner_id=scope.user_id),
        "whistle": _called(seats),
        "approve": Approval.objects.for_decision_by(user),
        "recheck": owed.rechecks_of(scope.user_id, scope.at),
        "countersign": owed.countersigns_in(_ids(seats, "grid_id", Role.GRID_WORKER)),
        "look_back": owed.look_backs_in(
            _ids(seats, "grid_id", Role.GRID_WORKER, Role.COMMISSIONER), scope.at
        ),
        "patrol": PatrolTask.objects.of_the_day(scope.user_id, clock.local_date(scope.at)),
        "disputes": _disputes(seats),
    }
    # An auditor or administrator who (wrongly) holds another seat still has no work.
    idle = scope.is_auditor or scope.business_nothing
    counted = [
        rows.order_by()
        .annotate(task=Value(name, output_field=CharField()))
        .values("task")
        .annotate(n=Count("pk"))
        .values_list("task", "n")
        for name, rows in waiting.items()
    ]
    found = {} if idle else dict(counted[0].union(*counted[1:], all=True))
    return {name: found.get(name, 0) for name in TASKS}


def _ids(seats: list[Seat], column: str, *roles: str) -> set[int]:
    return {value for seat in seats if seat.role in roles and (value := getattr(seat, column)) is not None}


def _of_my_grids(seats: list[Seat]) -> QuerySet[Lead]:
    mine = _ids(seats, "grid_id", Role.GRID_WORKER)
    return Lead.objects.filter(grid_id__in=mine, restricted=False)  # a tip-off is none of theirs, nor a count


def _not_taken_over(leads: QuerySet[Lead]) -> QuerySet[Lead]:
    """Taken on by the office without the community's word (a citizen told it)."""
    signed = Signature.objects.filter(lead=OuterRef("pk"), stage=Stage.HANDOVER, side=Side.COMMUNITY)
    return leads.filter(~Exists(signed), state__in=TAKEN)


def _orders(seats: list[Seat]) -> QuerySet[SupervisionOrder]:
    """Open orders that one of my two possible sides has not yet acknowledged."""
    answered = partial(Acknowledgement.objects.filter, order=OuterRef("pk"))
    office = Q(lead__office_id__in=_ids(seats, "office_id", Role.OFFICE_HEAD, DUTY_LEADER))
    community = Q(lead__grid__lead_community_id__in=_ids(seats, "community_id", Role.COMMUNITY_HEAD))
    return SupervisionOrder.objects.filter(
        office & ~Exists(answered(side=Side.OFFICE)) | community & ~Exists(answered(side=Side.COMMUNITY)),
        state=SupervisionOrder.State.OPEN,
    )


def _called(seats: list[Seat]) -> QuerySet[WhistleCall]:
    """Calls to my department that still want an answer, somebody on the spot, or a report."""
    mine = _ids(seats, "department_id", Role.DEPARTMENT_LIAISON)
    tellable = Q(whistle__lead__isnull=True) | Q(whistle__lead__restricted=False)
    return WhistleCall.objects.filter(
        tellable, department_id__in=mine, state__in=WAITING, whistle__state=WhistleState.OPEN
    )


def _desk(seats: list[Seat]) -> QuerySet[Lead]:
    """Leads that no rule could place: the office's, and for the bureau those of no office."""
    mine = Q(office_id__in=_ids(seats, "office_id", *OFFICE_WIDE))
    if any(seat.role == Role.BUREAU for seat in seats):
        mine |= Q(office__isnull=True, restricted=False)
    return Lead.objects.filter(mine, state=State.REPORTED)


def _disputes(seats: list[Seat]) -> QuerySet[Dispute]:
    """Open disputes of my station, or – at OFFICIAL – of my office's desk."""
    stations = {seat.station_code for seat in seats if seat.role == Role.STATION_MEDIATOR}
    here = Q(station__code__in=stations) & ~Q(tier=Tier.OFFICIAL)
    desk = Q(office_id__in=_ids(seats, "office_id", *OFFICE_DESK), tier=Tier.OFFICIAL)
    return Dispute.objects.open().filter(here | desk)


# --- who I am --------------------------------------------------------------------------------------


def _codes(scope: Scope) -> dict[tuple[str, int], str]:
    """Codes of all places of these seats, by kind and number. One statement."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for seat in scope.seats:
        for kind in PLACES:
            if (number := getattr(seat, f"{kind}_id")) is not None:
                wanted[kind].add(number)
    asked = [
        model._default_manager.order_by()
        .filter(pk__in=wanted[kind])
        .annotate(kind=Value(kind, output_field=CharField()))
        .values_list("kind", "pk", "code")
        for kind, model in PLACES.items()
        if wanted[kind]
    ]
    return (
        {(kind, number): code for kind, number, code in asked[0].union(*asked[1:], all=True)} if asked else {}
    )


def _posting(seat: Seat, codes: dict[tuple[str, int], str]) -> dict[str, Any]:
    places = {kind: codes.get((kind, getattr(seat, f"{kind}_id") or 0)) for kind in PLACES}
    mine = seat.basis in ("own", "duty")
    return {
        "role": seat.role,
        "role_name": ROLE_NAMES[seat.role],
        "basis": seat.basis,
        "for": None if mine else {"id": seat.holder_id, "name": seat.holder_name},
        **places,
        "station": seat.station_code or None,
        "section": seat.section or None,
    }


class HolderOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class SeatOut(serializers.Serializer[Any]):
    """One seat to act from; `for` names its holder where that is somebody else."""

    role = serializers.ChoiceField(choices=[*Role.choices, *DutyRole.choices])
    role_name = serializers.CharField()
    basis = serializers.ChoiceField(choices=BASES)
    grid = serializers.CharField(allow_null=True)
    office = serializers.CharField(allow_null=True)
    community = serializers.CharField(allow_null=True)
    department = serializers.CharField(allow_null=True)
    subdistrict = serializers.CharField(allow_null=True)
    station = serializers.CharField(allow_null=True)
    section = serializers.CharField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"for": HolderOut(allow_null=True)}


@extend_schema_field(
    {"type": "object", "required": list(TASKS), "properties": {name: {"type": "integer"} for name in TASKS}}
)
class TasksField(serializers.Field[Any, Any, Any, Any]):
    """Counts by name."""


class MeOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    name = serializers.CharField()
    must_change_password = serializers.BooleanField()
    postings = SeatOut(many=True)
    unread_notices = serializers.IntegerField()
    open_tasks = TasksField()


class Me(APIView):
    """Who I am, which seats I may act from now, and what waits for me."""

    before_password_change = True  # it says `must_change_password`

    @extend_schema(operation_id="me", responses=MeOut)
    def get(self, request: Request) -> Response:
        user: Any = request.user
        scope = scope_of(user)
        codes = _codes(scope)
        return Response(
            {
                "id": user.pk,
                "username": user.username,
                "name": user.name,
                "must_change_password": user.must_change_password,
                "postings": [_posting(seat, codes) for seat in scope.seats],
                "unread_notices": unread_count(user.pk),
                "open_tasks": open_tasks(user, scope),
            }
        )
