"""The frame of every act on one dispute: one transaction, one lock order, one moment (DESIGN.md §4).

As `leads.acts`: the dispute's live clocks by id (with those of what is asked about it), then the dispute,
then all else. A clock that ran out and has not fired yet is fired first, in its own transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from django.db import IntegrityError, transaction

from grids.access import Scope, Seat, scope_of
from grids.acting import BIGGEST, Acting, safe
from grids.roles import DUTY_LEADER, DUTY_OFFICER, Role, Section
from kernel import approvals, clock, journal
from kernel.accounts.models import User
from kernel.approvals.models import Approval
from kernel.deadlines import clocks, contention
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import WorkingCalendar
from kernel.errors import NotAllowed, NotVisible
from stations import states
from stations.models import Dispute
from stations.states import Move, State, Tier

T = TypeVar("T")
Expect = Callable[[int], None]
"""Called with the dispute's present version; raises VersionRequired or StaleVersion."""

SUBJECT = "dispute"
SAVED_AT_ONCE = 500
WITH = ("station", "taken_station", "circle", "entity__grid", "office")
UNKNOWN = "没有找到这件纠纷，或者您无权查看。"
OFFICE_DESK = (Role.OFFICE_CLERK.value, Role.OFFICE_HEAD.value, DUTY_OFFICER, DUTY_LEADER)


@dataclass
class Act(Acting):
    """One act on one locked dispute."""

    dispute: Dispute
    by: User | None
    at: datetime
    live: list[Deadline]

    @cached_property
    def calendar(self) -> WorkingCalendar:
        return clocks.calendar()

    def move(self, move: Move, *, to: State | None = None) -> None:
        """Take the way the table allows, `to` where it names several. Raises Conflict `wrong_state`."""
        self.dispute.state = states.target(move, self.dispute.state, to)

    def could_move(self, move: Move) -> None:
        """Raise Conflict `wrong_state` where this way is not open from here."""
        if not states.allowed(move, self.dispute.state):
            states.target(move, self.dispute.state)

    def as_handler(self) -> Seat:
        """The seat from which this person handles the dispute on its present tier.

        Up to COMMUNITY a mediator of the station that has it, or the head of the station's community; at
        OFFICIAL the office's clerk, head or duty, a commissioner of the shop's grid, or – where the dispute
        has no office – the consumers' section.

        Raises:
            NotAllowed: `not_handler`.
        """
        seat = handler_seat(self.scope, self.dispute)
        if seat is None:
            raise NotAllowed("这件纠纷由其他人员承办，您不能操作。", code="not_handler")
        return seat

    def as_office(self) -> Seat:
        """The seat of the office's desk, which alone accepts or refuses. Raises NotAllowed `not_office`."""
        seat = office_seat(self.scope, self.dispute)
        if seat is None:
            raise NotAllowed("受理或不予受理由市场监管所决定，服务站不作此决定。", code="not_office")
        return seat

    def note(self, kind: str, data: dict[str, Any] | None = None) -> None:
        """Append to the dispute's journal, in this transaction. Numbers in what people wrote are masked."""
        journal.append_many([self.told(kind, data)])

    def told(self, kind: str, data: dict[str, Any] | None = None) -> journal.Note:
        """The same, for who appends many at once."""
        return journal.Note(self.dispute.stream, kind, self.at, safe(data or {}), self.by)

    def save(self, *fields: str) -> None:
        """Write these columns and the next version; what was asked and is moot now is withdrawn."""
        self.dispute.version += 1
        self.dispute.save(update_fields=[*fields, "version"])
        if "state" in fields:
            approvals.withdraw_moot(
                SUBJECT, self.dispute.pk, state=self.dispute.state, by=self.by, at=self.at
            )


def save_all(acts: Sequence[Act], *fields: str) -> None:
    """`Act.save` with a new state for many acts of one moment: two statements whatever their number, and more
    only where something is asked about one of them."""
    for act in acts:
        act.dispute.version += 1
    disputes = [act.dispute for act in acts]
    Dispute.objects.bulk_update(disputes, [*fields, "version"], batch_size=SAVED_AT_ONCE)
    ids = [one.pk for one in disputes]
    waiting = Approval.objects.waiting().filter(subject_kind=SUBJECT, subject_id__in=ids)
    asked = set(waiting.values_list("subject_id", flat=True))
    for act in acts:
        if act.dispute.pk in asked:
            approvals.withdraw_moot(SUBJECT, act.dispute.pk, state=act.dispute.state, by=act.by, at=act.at)


def handler_seat(scope: Scope, dispute: Dispute) -> Seat | None:
    """See `Act.as_handler`; None where he is no handler. `dispute.station` (and `.entity`) are read."""
    if scope.is_auditor:
        return None
    if dispute.tier == Tier.OFFICIAL:
        found = office_seat(scope, dispute)
        if found is None and dispute.entity is not None and dispute.entity.grid_id is not None:
            found = scope.seat(Role.COMMISSIONER, grid_id=dispute.entity.grid_id)
        return found
    return scope.seat(Role.STATION_MEDIATOR, station_code=dispute.station.code) or scope.seat(
        Role.COMMUNITY_HEAD, community_id=dispute.station.community_id
    )


def handler_seat_of(user: User, dispute: Dispute) -> Seat | None:
    """The same for any person, who need not be the one who acts."""
    return handler_seat(scope_of(user), dispute)


def office_seat(scope: Scope, dispute: Dispute) -> Seat | None:
    """The seat at the desk of the dispute's office; without an office, in the consumers' section."""
    if scope.is_auditor:
        return None
    if dispute.office_id is None:
        return scope.seat(Role.BUREAU_SECTION, section=Section.CONSUMER.value)
    seats = (scope.seat(role, office_id=dispute.office_id) for role in OFFICE_DESK)
    return next((seat for seat in seats if seat is not None), None)


def perform(dispute_id: int, by: User | None, work: Callable[[Act], T]) -> T:
    """Run one act on one dispute; `by` None is the system.

    Raises:
        NotVisible: the dispute does not exist, or `by` may not know of it.
        Busy: locks could not be had in time, twice (503; the same request may be sent again).
    """
    if not 0 < dispute_id <= BIGGEST:
        raise NotVisible(UNKNOWN)
    return contention.retried(lambda: _once(dispute_id, by, work), subject=(SUBJECT, dispute_id))


def once_per_uid(act: Callable[[], T], constraint: str) -> T:
    """Run an act that a `client_uid` names. Where the same one came in twice at once, for two disputes that
    do not wait for each other, the later finds the row of the earlier when it looks again."""
    try:
        return act()
    except IntegrityError as twice:
        if constraint not in str(twice):
            raise
    return act()


def _once(dispute_id: int, by: User | None, work: Callable[[Act], T]) -> T:
    with transaction.atomic():
        live = approvals.lock_live(SUBJECT, dispute_id)
        rows = Dispute.objects.all() if by is None else Dispute.objects.visible_to(by)
        rows = rows.select_related(*WITH).filter(pk=dispute_id)
        dispute = rows.select_for_update(of=("self",), no_key=True).first()
        if dispute is None:
            raise NotVisible(UNKNOWN)
        approvals.refuse_unseen(live, SUBJECT, [dispute_id])
        at = clock.now()
        clocks.refuse_overdue(live, at)
        return work(Act(dispute, by, at, live))
