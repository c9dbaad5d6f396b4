"""The frame of every act on one whistle: one transaction, one lock order, one moment (DESIGN.md §4).

Lock order: the live clocks of its calls by id, then its lead, then the whistle, then the calls by id.
Clocks that ran out and have not fired yet are fired first, by the same handler as the sweep's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from grids.access import Scope, Seat
from grids.acting import BIGGEST, Acting, safe
from grids.models import Grid
from grids.roles import DUTY_LEADER, DUTY_OFFICER, Role
from kernel import clock, journal
from kernel.accounts.models import User
from kernel.deadlines import clocks, contention
from kernel.deadlines.models import Deadline
from kernel.errors import NotAllowed, NotVisible
from leads.models import Lead, Side, Whistle, WhistleCall
from leads.whistle_states import CallMove, target

T = TypeVar("T")
UNKNOWN = "没有找到这次吹哨，或者您无权查看。"
CLOCKS_OF = "whistle_call"
OFFICE_CALLERS = (Role.OFFICE_HEAD, Role.OFFICE_CLERK, DUTY_LEADER, DUTY_OFFICER)


def caller_seat(scope: Scope, grid: Grid, side: Side | None = None) -> tuple[Side, Seat] | None:
    """From which seat this person may whistle for the grid (支持所社双方), and on which side it stands.

    The head of any community that the grid holds, a grid worker or the commissioner of the grid, the
    office's head, clerk or duty. One statement where community heads are asked.
    """
    if scope.is_auditor or scope.business_nothing:
        return None
    if side in (None, Side.COMMUNITY):
        seat = scope.seat(Role.GRID_WORKER, grid_id=grid.pk) or _community_seat(scope, grid)
        if seat is not None:
            return Side.COMMUNITY, seat
    if side in (None, Side.OFFICE):
        seat = scope.seat(Role.COMMISSIONER, grid_id=grid.pk)
        for role in OFFICE_CALLERS:
            seat = seat or scope.seat(role, office_id=grid.office_id)
        if seat is not None:
            return Side.OFFICE, seat
    return None


def _community_seat(scope: Scope, grid: Grid) -> Seat | None:
    if not scope.community_ids:
        return None
    held = set(grid.communities.values_list("id", flat=True))
    found = [scope.seat(Role.COMMUNITY_HEAD, community_id=one) for one in sorted(held & scope.community_ids)]
    return next((seat for seat in found if seat is not None), None)


@dataclass
class WhistleAct(Acting):
    """One act on one locked whistle. `by` None: a department's contact, by his link."""

    whistle: Whistle
    lead: Lead | None
    calls: list[WhistleCall]
    by: User | None
    at: datetime
    live: list[Deadline]

    def as_caller(self) -> Seat | None:
        """The seat on the caller's side of the whistle's grid, own or stood in for."""
        found = caller_seat(self.scope, self.whistle.grid, Side(self.whistle.side))
        return None if found is None else found[1]

    def must_be_caller(self) -> Seat:
        """Raises NotAllowed `not_caller`."""
        seat = self.as_caller()
        if seat is None:
            raise NotAllowed("只有吹哨一方可以办理。", code="not_caller")
        return seat

    def as_liaison(self, call: WhistleCall) -> Seat | None:
        return self.scope.seat(Role.DEPARTMENT_LIAISON, department_id=call.department_id)

    def move(self, call: WhistleCall, move: CallMove) -> None:
        """Take the way the table of moves allows. Raises Conflict `wrong_state`."""
        call.state = target(move, call.state)

    def refuse_overdue(self, calls: list[WhistleCall]) -> None:
        """Raise `Overdue` where a clock of these calls ran out that no sweep has fired yet."""
        ids = {call.pk for call in calls}
        clocks.refuse_overdue((one for one in self.live if one.subject_id in ids), self.at)

    def note(self, kind: str, data: dict[str, Any]) -> None:
        """Append to the whistle's journal and to the lead's. Numbers in what people wrote are masked."""
        told = safe(data)
        notes = [journal.Note(self.whistle.stream, kind, self.at, told, self.by)]
        if self.lead is not None:
            on_lead = {"whistle": self.whistle.pk, **told}
            notes.append(journal.Note(self.lead.stream, kind, self.at, on_lead, self.by))
        journal.append_many(notes)

    def save(self, *fields: str) -> None:
        self.whistle.version += 1
        self.whistle.save(update_fields=[*fields, "version"])


def perform(whistle_id: int, by: User | None, work: Callable[[WhistleAct], T]) -> T:
    """Run one act on one whistle; `by` None is a contact with his link.

    Raises:
        NotVisible: there is none, or `by` may not know of it.
        Busy: locks could not be had in time, twice (503; the same request may be sent again).
    """
    if whistle_id > BIGGEST:
        raise NotVisible(UNKNOWN)
    return contention.retried(lambda: _once(whistle_id, by, work))


def _call_ids(whistle_id: int) -> list[int]:
    return list(WhistleCall.objects.filter(whistle=whistle_id).order_by("id").values_list("id", flat=True))


def _once(whistle_id: int, by: User | None, work: Callable[[WhistleAct], T]) -> T:
    with transaction.atomic():
        ids = _call_ids(whistle_id)
        live = clocks.lock_live_of(CLOCKS_OF, ids)
        lead = Lead.objects.select_for_update(of=("self",)).filter(whistles=whistle_id).first()
        rows = Whistle.objects.all() if by is None else Whistle.objects.visible_to(by)
        found = rows.select_related("grid__office", "grid__lead_community", "lead__category")
        whistle = found.select_for_update(of=("self",)).filter(pk=whistle_id).first()
        if whistle is None:
            raise NotVisible(UNKNOWN)
        calls = list(
            WhistleCall.objects.select_for_update(of=("self",))
            .filter(whistle=whistle)
            .select_related("department")
            .order_by("id")
        )
        if [call.pk for call in calls] != ids:
            raise clocks.Overdue  # a department was called meanwhile: lock its clocks too
        return work(WhistleAct(whistle, lead, calls, by, clock.now(), live))
