"""Deciding what somebody else asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from kernel import clock, journal
from kernel.accounts.models import User
from kernel.approvals import asking, kinds, locks, telling
from kernel.approvals.kinds import SeatLike
from kernel.approvals.models import CLOCK, DECIDE, OWN, Approval, State
from kernel.deadlines import clocks
from kernel.deadlines.contention import retried
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, NotAllowed, NotVisible
from kernel.notices.policy import masked

Expect = Callable[[int], None]
"""Called with the approval's present version; raises VersionRequired or StaleVersion."""

UNKNOWN = "没有找到这项审批，或者您无权查看。"
BIGGEST = 2**63 - 1


@dataclass(frozen=True)
class Decision:
    """What was decided, as handed to `Kind.decided`. Everything in it is locked.

    `subject` is what `Kind.lock` gave; `live` the clocks of the subject and of what waits about it.
    """

    approval: Approval
    subject: Any
    by: User
    on_behalf_of_id: int | None
    at: datetime
    live: Sequence[Deadline]

    @property
    def approved(self) -> bool:
        return self.approval.state == State.APPROVED


def decide(*, approval_id: int, by: User, approve: bool, expect: Expect, note: str = "") -> Approval:
    """Approve or refuse, and carry it out, in one transaction. Saying the same again gives it back.

    Locks: the live clocks of the subject and of what waits about it by id, the subject, the approval.

    Raises:
        NotVisible; NotAllowed `own_request`, `not_decider`; StaleVersion / VersionRequired (through
        `expect`); Conflict `already_decided`, `lapsed`, `withdrawn`, and whatever the kind refuses;
        Busy.
    """
    if approval_id > BIGGEST:
        raise NotVisible(UNKNOWN)
    return retried(lambda: _decide(approval_id, by, approve, expect, note))


def _decide(approval_id: int, by: User, approve: bool, expect: Expect, note: str) -> Approval:
    with transaction.atomic():
        seen = Approval.objects.visible_to(by).filter(pk=approval_id).first()
        if seen is None:
            raise NotVisible(UNKNOWN)
        live = locks.lock_live(seen.subject_kind, seen.subject_id)
        subject = kinds.of(seen.kind).lock(seen)
        locks.refuse_unseen(live, seen.subject_kind, [seen.subject_id])
        approval = Approval.objects.select_for_update().get(pk=approval_id)
        at = clock.now()
        clocks.refuse_overdue(live, at)
        wanted = State.APPROVED if approve else State.REFUSED
        if approval.decided_by_id == by.pk and approval.state == wanted:
            return approval
        seat = judge(by, approval, subject)
        expect(approval.version)
        _refuse_ended(approval)
        return settle(approval, subject, by=by, seat=seat, approve=approve, note=note, at=at, live=live)


def judge(by: User, approval: Approval, subject: Any) -> SeatLike:
    """The seat from which `by` may decide this. Raises NotAllowed `own_request`, `not_decider`."""
    asked = telling.askers(approval)
    if by.pk in asked:
        raise NotAllowed(OWN, code="own_request")
    seat = kinds.of(approval.kind).may_decide(by, approval, subject)
    if seat is None:
        raise NotAllowed("这项申请不由您审批。", code="not_decider")
    if seat.holder_id in asked:
        raise NotAllowed(OWN, code="own_request")
    return seat


def _refuse_ended(approval: Approval) -> None:
    match approval.state:
        case State.LAPSED:
            raise Conflict("审批时限已过，这项申请已经失效。", code="lapsed")
        case State.WITHDRAWN:
            raise Conflict("这项申请已经撤回，不再需要审批。", code="withdrawn")
        case State.APPROVED | State.REFUSED:
            raise Conflict("这项申请已经有人审批。", code="already_decided")


def settle(
    approval: Approval,
    subject: Any,
    *,
    by: User,
    seat: SeatLike,
    approve: bool,
    note: str,
    at: datetime,
    live: Sequence[Deadline],
) -> Approval:
    """Write the decision and carry it out, in a transaction that holds all its locks already."""
    behalf = None if seat.holder_id == by.pk else seat.holder_id
    approval.state = State.APPROVED if approve else State.REFUSED
    approval.decided_by, approval.decided_on_behalf_of_id = by, behalf
    approval.decided_at = approval.ended_at = at
    approval.note, approval.version = note, approval.version + 1
    approval.save(
        update_fields=[
            "state",
            "decided_by",
            "decided_on_behalf_of",
            "decided_at",
            "ended_at",
            "note",
            "version",
        ]
    )
    clocks.meet(CLOCK, approval.pk, [DECIDE], at=at)
    data = {"approval": approval.pk, "kind": approval.kind, "note": masked(note), "for": behalf}
    journal.append_many(asking.both_streams(approval, f"approval.{approval.state}", at, data, by))
    kinds.of(approval.kind).decided(Decision(approval, subject, by, behalf, at, live))
    telling.decided(approval, at)
    return approval
