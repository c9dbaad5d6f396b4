"""Whistles turned into rows of a page: each call with its clocks and what may be done now. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from grids.access import Scope, scope_of
from grids.models import Grid
from grids.roles import Role
from kernel.accounts.models import User
from leads.models import Lead, Side, Whistle, WhistleCall
from leads.whistle_acts import caller_seat
from leads.whistle_states import WAITING, Answer, CallMove, CallState, WhistleState, allowed

Say = Callable[[str], str]
TONES = {
    CallState.CALLED: "warning",
    CallState.ANSWERED: "info",
    CallState.ON_SITE: "primary",
    CallState.REPORTED: "success",
    CallState.DECLINED: "danger",
    CallState.ENDED: "default",
}
STEPS = (
    (CallMove.RECEIVE, "接到"),
    (CallMove.DISPATCH, "已派人"),
    (CallMove.DECLINE, "不归我管"),
    (CallMove.CHECK_IN, "到场签到"),
    (CallMove.REPORT, "报告处置情况"),
)


@dataclass(frozen=True, slots=True)
class Clock:
    name: str
    due_at: datetime
    late: bool


@dataclass(frozen=True, slots=True)
class CallShown:
    """One department's call. `steps` are the moves that the person may make now, `telephone` says that
    he enters them for the department."""

    call: WhistleCall
    tone: str
    answer_note: str
    check_in_note: str
    report: str
    clocks: list[Clock]
    steps: list[tuple[str, str]] = field(default_factory=list)
    telephone: bool = False
    reports: bool = False


@dataclass(frozen=True, slots=True)
class WhistleShown:
    whistle: Whistle
    reason: str
    place: str
    calls: list[CallShown]
    is_caller: bool
    """May the person close it and call more?"""

    @property
    def open(self) -> bool:
        return self.whistle.state == WhistleState.OPEN


def full(rows: QuerySet[Whistle]) -> QuerySet[Whistle]:
    """Whistles with all that a page shows. Two statements more."""
    return rows.select_related(
        "lead__category", "grid__office", "grid__lead_community", "called_by", "on_behalf_of", "closed_by"
    ).prefetch_related("calls__department", "calls__policy", "calls__answered_by", "calls__evidence")


def shown(whistle: Whistle, by: User, say: Say = str) -> WhistleShown:
    """One whistle read by `full`, for this person."""
    scope = scope_of(by)
    open_ = whistle.state == WhistleState.OPEN
    is_caller = open_ and caller_seat(scope, whistle.grid, Side(whistle.side)) is not None
    calls = [_call(call, scope, say, open_, is_caller) for call in whistle.calls.all()]
    return WhistleShown(whistle, say(whistle.reason), say(whistle.place), calls, is_caller)


def _call(call: WhistleCall, scope: Scope, say: Say, open_: bool, is_caller: bool) -> CallShown:
    liaison = scope.seat(Role.DEPARTMENT_LIAISON, department_id=call.department_id) is not None
    may = open_ and not scope.is_auditor and (liaison or is_caller)
    steps = [(move.value, label) for move, label in STEPS if may and _offered(call, move)]
    return CallShown(
        call,
        TONES[CallState(call.state)],
        say(call.answer_note),
        say(call.check_in_note),
        say(call.report),
        clocks(call, scope.at) if open_ else [],
        steps,
        telephone=bool(steps) and not liaison,
        reports=any(move == CallMove.REPORT for move, _ in steps),
    )


def _offered(call: WhistleCall, move: CallMove) -> bool:
    if move is CallMove.DISPATCH and call.answer == Answer.DISPATCHED:
        return False
    return allowed(move, call.state)


def clocks(call: WhistleCall, at: datetime) -> list[Clock]:
    """The limits that still wait for the department."""
    waits = [
        ("回应", call.answer_due_at, call.state == CallState.CALLED),
        ("到场", call.on_site_due_at, call.state in (CallState.CALLED, CallState.ANSWERED)),
    ]
    return [Clock(name, due, due <= at) for name, due, waiting in waits if waiting and due is not None]


def nearest(calls: Sequence[WhistleCall], at: datetime) -> Clock | None:
    """The limit of a whistle that is due first."""
    found = [one for call in calls for one in clocks(call, at)]
    return min(found, key=lambda one: one.due_at, default=None)


def of_lead(lead: Lead, by: User, say: Say = str) -> list[WhistleShown]:
    """The whistles of a lead that this person may see, oldest first."""
    rows = full(Whistle.objects.visible_to(by).filter(lead=lead)).order_by("id")
    return [shown(row, by, say) for row in rows]


def may_whistle(lead: Lead, by: User) -> bool:
    """Is the button 吹哨 for him? The service remains the judge."""
    from leads.states import OPEN

    if lead.restricted or lead.grid is None or lead.state not in OPEN:
        return False
    return caller_seat(scope_of(by), lead.grid) is not None


def callers_grids(by: User) -> list[Grid]:
    """The grids for which this person may whistle. Two statements."""
    scope = scope_of(by)
    if scope.is_auditor or scope.business_nothing or scope.sees_all:
        return []
    rows = Grid.objects.filter(is_active=True).prefetch_related("communities").order_by("code")
    return [
        grid
        for grid in rows
        if grid.pk in scope.grid_ids
        or grid.office_id in scope.office_ids
        or any(one.pk in scope.community_ids for one in grid.communities.all())
    ]


def standing(whistle: Any) -> str:
    """公安 已到场、消防 待回应."""
    told = []
    for call in whistle.calls.all():
        late = "（超时）" if call.state in WAITING and (call.answer_late or call.on_site_late) else ""
        told.append(f"{call.department.name} {call.get_state_display()}{late}")
    return "、".join(told)
