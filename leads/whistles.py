"""社区吹哨: calling departments to a place, calling one more, and closing (DOMAIN.md §1, API.md).

What a department does with its call stands in `whistle_calls`. Nothing that a whistle says holds a
reporter's name or number; a restricted lead (举报) can never be whistled for.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.db import IntegrityError, transaction

from grids.access import scope_of
from grids.models import Department, Grid
from kernel import clock
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.errors import Conflict, NotAllowed, NotVisible, Refused
from kernel.notices.policy import masked
from leads import whistle_clocks, whistle_notices
from leads.acts import BIGGEST, Expect
from leads.models import Lead, Whistle, WhistleCall
from leads.states import OPEN
from leads.whistle_acts import CLOCKS_OF, WhistleAct, caller_seat, perform
from leads.whistle_states import OVER, WAITING, CallMove, WhistleState

MOST_DEPARTMENTS = 8
NO_LEAD = "没有找到这条线索，或者您无权查看。"


@dataclass(frozen=True, slots=True)
class Request:
    """What the caller asks for. `grid` is a code, empty where the lead's own is meant."""

    departments: tuple[str, ...]
    reason: str
    client_uid: uuid.UUID
    grid: str = ""
    lead_id: int | None = None
    place: str = ""
    telephone: str = ""

    def digest(self) -> str:
        """The SHA-256 of what was asked, whatever the order of the departments."""
        told = asdict(self) | {"client_uid": str(self.client_uid), "departments": sorted(self.departments)}
        text = json.dumps(told, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Made:
    whistle: Whistle
    created: bool


def blow(*, request: Request, by: User) -> Made:
    """吹哨: call departments, start the clocks that joint notices set, tell everybody concerned.

    The same `client_uid` with the same content gives the same whistle back. The lead is locked.

    Raises:
        NotVisible: no such lead. NotAllowed: `not_caller`. Refused: `unknown_grid`, `grid_required`,
        `other_grid`, `unknown_department`. Conflict: `restricted_lead`, `lead_over`, `already_called`,
        `client_uid_conflict`.
    """
    try:
        return _blow(request, by)
    except IntegrityError as error:
        if "leads_whistle_one_client_uid" not in str(error):
            raise
    return _blow(request, by)  # sent twice at once: the other one made it


def _blow(request: Request, by: User) -> Made:
    with transaction.atomic():
        clocks.cap_waits()
        earlier = Whistle.objects.filter(called_by=by, client_uid=request.client_uid).first()
        if earlier is not None:
            return _again(earlier, request)
        lead = _lead(request.lead_id, by)
        grid = _grid(request.grid, lead)
        found = caller_seat(scope_of(by), grid)
        if found is None:
            raise NotAllowed("您不能为这个网格吹哨。", code="not_caller")
        side, seat = found
        departments = _departments(request.departments)
        if lead is not None:
            _refuse_called(lead, departments)
        at = clock.now()
        whistle = Whistle.objects.create(
            lead=lead,
            grid=grid,
            side=side,
            called_by=by,
            on_behalf_of_id=None if seat.holder_id == by.pk else seat.holder_id,
            reason=masked(request.reason),
            place=masked(request.place),
            telephone=request.telephone,
            client_uid=request.client_uid,
            content_digest=request.digest(),
            called_at=at,
        )
        act = WhistleAct(whistle, lead, [], by, at, [])
        _call(act, departments, kind="whistle.blown")
        return Made(whistle, created=True)


def _again(earlier: Whistle, request: Request) -> Made:
    if earlier.content_digest != request.digest():
        raise Conflict(
            "该编号已用于另一次吹哨，内容不同，请重新吹哨。", code="client_uid_conflict", attr="client_uid"
        )
    return Made(earlier, created=False)


def _lead(lead_id: int | None, by: User) -> Lead | None:
    if lead_id is None:
        return None
    rows = Lead.objects.visible_to(by).select_related("category", "grid__office", "grid__lead_community")
    lead = rows.select_for_update(of=("self",)).filter(pk=lead_id).first() if lead_id <= BIGGEST else None
    if lead is None:
        raise NotVisible(NO_LEAD, attr="lead")
    if lead.restricted:
        raise Conflict("举报线索须保密，不能吹哨。", code="restricted_lead", attr="lead")
    if lead.state not in OPEN:
        raise Conflict(f"线索目前为“{lead.get_state_display()}”，不能吹哨。", code="lead_over", attr="lead")
    return lead


def _grid(code: str, lead: Lead | None) -> Grid:
    """The grid asked for, else the lead's. A lead that nobody placed yet takes the one asked for."""
    own = lead.grid if lead is not None else None
    if not code:
        if own is None:
            raise Refused("请选择网格。", code="grid_required", attr="grid")
        return own
    grid = Grid.objects.select_related("office", "lead_community").filter(code=code, is_active=True).first()
    if grid is None:
        raise Refused("没有这个网格。", code="unknown_grid", attr="grid")
    if own is not None and own.pk != grid.pk:
        raise Refused("线索不在这个网格，请核对。", code="other_grid", attr="grid")
    return grid


def _departments(codes: Sequence[str]) -> list[Department]:
    asked = list(dict.fromkeys(codes))
    found = {one.code: one for one in Department.objects.filter(code__in=asked)}
    missing = [code for code in asked if code not in found]
    if missing:
        raise Refused("没有这个部门，请重新选择。", code="unknown_department", attr="departments")
    return [found[code] for code in asked]


def _refuse_called(lead: Lead, departments: Sequence[Department]) -> None:
    """A department that still owes something on an open whistle for this lead is not called again."""
    waiting = WhistleCall.objects.filter(
        whistle__lead=lead, whistle__state=WhistleState.OPEN, state__in=WAITING, department__in=departments
    )
    names = list(waiting.order_by("id").values_list("department__name", flat=True).distinct())
    if names:
        raise Conflict(
            f"{'、'.join(dict.fromkeys(names))}已被吹哨，尚未结束，不必重复吹哨。",
            code="already_called",
            attr="departments",
        )


def _call(act: WhistleAct, departments: Sequence[Department], *, kind: str) -> None:
    """Rows, clocks, journal and notices of calling these departments. Statements do not grow with them."""
    policies = whistle_clocks.policies([one.pk for one in departments], act.at)
    rows = []
    for one in departments:
        policy = policies.get(one.pk)
        due = whistle_clocks.dues(policy, act.at)
        rows.append(
            WhistleCall(
                whistle=act.whistle,
                department=one,
                policy=policy,
                called_at=act.at,
                answer_due_at=due.answer,
                on_site_due_at=due.on_site,
            )
        )
    made = WhistleCall.objects.bulk_create(rows)
    act.calls += made
    clocks.arm([clock_row for call in made for clock_row in whistle_clocks.of_call(call)])
    act.note(
        kind,
        {
            "departments": [one.code for one in departments],
            "names": [one.name for one in departments],
            "reason": act.whistle.reason,
            "grid": act.whistle.grid.code,
            "side": act.whistle.side,
            "for": act.whistle.on_behalf_of_id,
        },
    )
    whistle_notices.tell_called(act, made)


def call_more(*, whistle_id: int, by: User, expect: Expect, departments: Sequence[str]) -> Whistle:
    """再叫一个部门, e.g. where one said 不归我管. Departments called already are left as they are.

    Raises (beside `perform`): NotAllowed `not_caller`; Conflict `whistle_closed`; Refused
    `unknown_department`; StaleVersion / VersionRequired (through `expect`).
    """

    def work(act: WhistleAct) -> Whistle:
        act.must_be_caller()
        asked = _departments(departments)
        there = {call.department_id for call in act.calls}
        new = [one for one in asked if one.pk not in there]
        if not new:
            return act.whistle
        expect(act.whistle.version)
        refuse_closed(act)
        if len(there) + len(new) > 2 * MOST_DEPARTMENTS:
            raise Refused("一次吹哨的部门过多，请另行吹哨。", code="too_many", attr="departments")
        if act.lead is not None:
            _refuse_called(act.lead, new)
        _call(act, new, kind="whistle.called_more")
        act.save()
        return act.whistle

    return perform(whistle_id, by, work)


def refuse_closed(act: WhistleAct) -> None:
    if act.whistle.state != WhistleState.OPEN:
        raise Conflict("这次吹哨已经结束。", code="whistle_closed")


def close(*, whistle_id: int, by: User, expect: Expect, note: str = "") -> Whistle:
    """结束吹哨 by the caller's side. Departments that still owe something are let go, each marked so.

    What was late stays late. Closing again gives the whistle back.

    Raises (beside `perform`): NotAllowed `not_caller`; Refused `note_required` where a department is let
    go without a word; StaleVersion / VersionRequired.
    """

    def work(act: WhistleAct) -> Whistle:
        act.must_be_caller()
        if act.whistle.state == WhistleState.CLOSED:
            return act.whistle
        expect(act.whistle.version)
        waiting = [call for call in act.calls if call.state in WAITING]
        act.refuse_overdue(waiting)
        if waiting and not note:
            raise Refused("还有部门没有报告，请说明结束的原因。", code="note_required", attr="note")
        for call in waiting:
            act.move(call, CallMove.END)
            call.ended_at = act.at
        WhistleCall.objects.bulk_update(waiting, ["state", "ended_at"])
        clocks.cancel_of(CLOCKS_OF, [call.pk for call in waiting], at=act.at)
        whistle = act.whistle
        whistle.state, whistle.closed_at, whistle.closed_by = WhistleState.CLOSED, act.at, by
        whistle.close_note = masked(note)
        act.save("state", "closed_at", "closed_by", "close_note")
        act.note("whistle.closed", {"note": note, "let_go": [c.department.code for c in waiting]})
        whistle_notices.tell_closed(act, waiting)
        return whistle

    return perform(whistle_id, by, work)


def finished(calls: Sequence[WhistleCall]) -> bool:
    """Has every department reported, declined or been let go?"""
    return all(call.state in OVER for call in calls)
