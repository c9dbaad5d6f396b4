"""The frame of every act on one lead: one transaction, one lock order, one moment (DESIGN.md §4).

Lock order: the lead's live clocks by id, then the lead, then all else. A clock that ran out and has
not fired yet is fired first, by the same handler as the sweep's, in its own transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Exists, OuterRef

from grids.access import Seat
from grids.acting import BIGGEST, Acting, safe
from grids.roles import DUTY_OFFICER, OFFICE_SIDE, Role
from grids.staffing import RoutingFacts, routing_facts
from kernel import approvals, clock, journal
from kernel.accounts.models import User
from kernel.deadlines import clocks, contention
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, NotAllowed, NotVisible
from kernel.notices import outbox
from leads import handing_back, notices, states
from leads.models import JointHandler, Lead, Recusal, Side, Signature, Stage
from leads.states import Move, State

T = TypeVar("T")
Expect = Callable[[int], None]
"""Called with the lead's present version; raises VersionRequired or StaleVersion."""

APPROVAL = "approval"
INSTRUCTED = ("finish_today", "grace")
"""Clocks of a supervisor's instructions: finish today, and the day given to one who is late already."""
UNKNOWN = "没有找到这条线索，或者您无权查看。"


@dataclass
class Act(Acting):
    """One act on one locked lead."""

    lead: Lead
    by: User | None
    at: datetime
    live: list[Deadline]

    @cached_property
    def people(self) -> RoutingFacts | None:
        """Who serves the lead's grid now; None where no grid was found."""
        return None if self.lead.grid_id is None else routing_facts(self.lead.grid_id, self.at)

    def running(self, kind: str) -> bool:
        return any(d.kind == kind and d.state == Deadline.State.RUNNING for d in self.live)

    def move(self, move: Move, *, to: State | None = None) -> None:
        """Take the way the table allows, `to` where it names several.

        Raises Conflict `wrong_state`, `restricted`.
        """
        self.refuse_restricted(move)
        self.lead.state = states.target(move, self.lead.state, to)

    def refuse_restricted(self, move: Move) -> None:
        """Raise Conflict `restricted`: a tip-off (举报) takes no side road that others would learn of."""
        if self.lead.restricted and move in states.NOT_FOR_TIP_OFFS:
            raise Conflict("举报线索限制知悉，不走这个程序。", code="restricted")

    def could_move(self, move: Move) -> None:
        """Raise as `move` does where this way is not open; for who only asks for it."""
        self.refuse_restricted(move)
        states.target(move, self.lead.state)

    def as_owner(self) -> int | None:
        """May this person act as the lead's owner? For whom, where not for himself.

        The owner, who stands in for him (backup, absence, duty), who joined him as a supervisor
        (我到现场), and – on an URGENT lead that nobody answered – the duty officer who joined.

        Raises:
            NotAllowed: `not_assignee`, `recused`.
        """
        self.refuse_recused()
        if self.lead.assignee_id == self.by_id:
            return None
        if self._stand_in_seat() is None and not self.joined_by:
            raise NotAllowed("这条线索由其他人承办，您不能代为操作。", code="not_assignee")
        return self.lead.assignee_id

    def _stand_in_seat(self) -> Seat | None:
        owner_id, lead = self.lead.assignee_id, self.lead
        for seat in self.scope.seats:
            if (
                seat.holder_id == owner_id
                and seat.basis != "own"
                and seat.role in OFFICE_SIDE | {DUTY_OFFICER}
            ):
                return seat
        if lead.severity == "URGENT" and self._joined():
            return self.scope.seat(DUTY_OFFICER, office_id=lead.office_id)
        return None

    def _joined(self) -> bool:
        """May a duty officer join, or has this one joined and taken the lead over by answering it?"""
        if self.lead.state == State.DISPATCHED:
            return not self.running("urgent_duty")
        return Signature.objects.filter(
            lead=self.lead,
            signer=self.by,
            stage=Stage.HANDOVER,
            side=Side.OFFICE,
            cycle=self.lead.owner_cycle,
        ).exists()

    @cached_property
    def joined_by(self) -> bool:
        """Does this person handle it together with its present owner (我到现场)?"""
        return JointHandler.objects.filter(
            lead=self.lead, person=self.by, owner_cycle=self.lead.owner_cycle
        ).exists()

    @cached_property
    def recused(self) -> bool:
        """Has this person recused himself from this lead (回避)? Read with the lead where `perform` did."""
        known: bool | None = getattr(self.lead, "actor_recused", None)
        if known is None:
            return Recusal.objects.filter(lead=self.lead, person=self.by).exists()
        return known

    def refuse_recused(self) -> None:
        """Raise NotAllowed `recused`: who is related to the matter neither owns nor signs it."""
        if self.recused:
            raise NotAllowed("您已对这条线索申请回避，不能再办理或签字。", code="recused")

    def as_worker(self) -> Seat | None:
        """The seat as grid worker of this lead's grid, own or stood in for; none once recused."""
        if self.recused:
            return None
        return self.scope.seat(Role.GRID_WORKER, grid_id=self.lead.grid_id)

    def note(self, kind: str, data: dict[str, Any] | None = None) -> None:
        """Append to the lead's journal, in this transaction, and tell other systems where it is a step.

        Numbers in what people wrote are masked.
        """
        journal.append(stream=self.lead.stream, kind=kind, by=self.by, at=self.at, data=safe(data or {}))
        handing_back.tell(self.lead, kind, self.at)

    def tell(self, people: Sequence[int | None], what: str, **params: str) -> None:
        """A notice about what just happened, once per version, never to the one who did it."""
        lead = self.lead
        outbox.post(
            notices.to_people(
                [p for p in people if p != self.by_id],
                key=f"{what}:{lead.version}",
                template=f"leads.{what}",
                lead_id=lead.pk,
                params={"number": lead.number, "category": lead.category.name, **params},
            ),
            at=self.at,
        )

    def save(self, *fields: str) -> None:
        """Write these columns and the next version: whatever an act changes is something people sign.

        Where the state moved, what was asked and makes no sense any more is withdrawn, and what a
        supervisor wanted done by a certain time is met by the feedback.
        """
        self.lead.version += 1
        self.lead.save(update_fields=[*fields, "version"])
        if "state" not in fields:
            return
        if any(one.subject_kind == APPROVAL for one in self.live):
            approvals.withdraw_moot("lead", self.lead.pk, state=self.lead.state, by=self.by, at=self.at)
        if self.lead.state == State.FED_BACK and any(one.kind in INSTRUCTED for one in self.live):
            clocks.meet("lead", self.lead.pk, INSTRUCTED, at=self.at)

    def keep(self, *fields: str) -> None:
        """Write columns that nobody signs (due times): the version stays."""
        self.lead.save(update_fields=fields)


def perform(lead_id: int, by: User | None, work: Callable[[Act], T]) -> T:
    """Run one act on one lead; `by` None is the system.

    Raises:
        NotVisible: the lead does not exist, or `by` may not know of it.
        Busy: locks could not be had in time, twice (503; the same request may be sent again).
    """
    if lead_id > BIGGEST:
        raise NotVisible(UNKNOWN)
    return retried("lead", lead_id, lambda: _once(lead_id, by, work))


def retried(subject_kind: str, subject_id: int, once: Callable[[], T]) -> T:
    """Run a transaction on one subject: clocks that ran out are fired first, contention is met once more.

    Raises:
        Busy: locks could not be had in time, twice (503; the same request may be sent again).
    """
    return contention.retried(once, subject=(subject_kind, subject_id))


def _once(lead_id: int, by: User | None, work: Callable[[Act], T]) -> T:
    with transaction.atomic():
        live = approvals.lock_live("lead", lead_id)
        rows = Lead.objects.all() if by is None else Lead.objects.visible_to(by)
        recused = Exists(Recusal.objects.filter(lead=OuterRef("pk"), person=by))
        rows = rows.annotate(actor_recused=recused)
        lead = rows.select_for_update(of=("self",)).filter(pk=lead_id).first()
        if lead is None:
            raise NotVisible(UNKNOWN)
        approvals.refuse_unseen(live, "lead", [lead_id])
        at = clock.now()
        clocks.refuse_overdue(live, at)
        return work(Act(lead, by, at, live))
