"""重新调解: an unhappy consumer asks for it, somebody else decides (kind `dispute.reopen`, DESIGN.md §3).

Asked by the platform in his stead, with a clock of its own. The office's head decides, where there is none
the consumers' section; what is left undecided is asked again with the bureau beside: no voice is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from grids.access import Scope, Seat, scope_of
from grids.roles import DUTY_LEADER, Role, Section
from grids.staffing import BUREAU_BESIDE, bureau_ids, office_people
from kernel import approvals
from kernel.accounts.models import User
from kernel.approvals.deciding import Decision
from kernel.approvals.kinds import Kind
from kernel.approvals.models import Approval
from kernel.notices import outbox
from leads.models import Rating
from stations import ending, notices, people, placing, stays
from stations.acts import SUBJECT, Act
from stations.models import Dispute, DisputeSurvey, TierStay
from stations.states import Move, State, Tier

KIND = "dispute.reopen"

COLUMNS = (
    "state", "round", "ended_at", "ended_by", "outcome", "fail_reason", "withdrawal_reason", "end_note",
    *stays.COLUMNS,
)  # fmt: skip
REOPENABLE = frozenset({State.SETTLED.value, State.PERFORMED.value, State.NOT_REACHED.value})


def ask(act: Act, survey: DisputeSurvey) -> None:
    """Ask for it, in the transaction of the unhappy answer; nothing where it waits already or cannot be.

    The consumer's own words stay with the survey: a journal is never erased.
    """
    dispute = act.dispute
    if dispute.state not in REOPENABLE or dispute.tier == Tier.OFFICIAL:
        return
    if Approval.objects.of(SUBJECT, dispute.pk).waiting().filter(kind=KIND).exists():
        return
    approvals.ask(
        kind=KIND,
        subject_kind=SUBJECT,
        subject_id=dispute.pk,
        by=None,
        reason=f"消费者评价“{Rating(survey.rating).label}”，要求重新调解",
        payload={"survey": survey.pk, "round": survey.round},
        about=f"纠纷 {dispute.number}",
        at=act.at,
    )


def _lock(approval: Approval) -> Dispute:
    rows = Dispute.objects.select_related("station", "entity").filter(pk=approval.subject_id)
    return rows.select_for_update(of=("self",), no_key=True).get()


def _bureau(scope: Scope, row: Approval) -> Seat | None:
    return scope.seat(Role.BUREAU) if row.payload.get("level") == BUREAU_BESIDE else None


def _may_decide(user: User, approval: Approval, dispute: Dispute) -> Seat | None:
    """Never who handled it: who settled, decided or mediated it."""
    scope = scope_of(user)
    if scope.is_auditor or user.pk in involved(dispute):
        return None
    if dispute.office_id is not None:
        seats = (scope.seat(role, office_id=dispute.office_id) for role in (Role.OFFICE_HEAD, DUTY_LEADER))
        found = next((seat for seat in seats if seat is not None), None)
        if found is not None:
            return found
    section = scope.seat(Role.BUREAU_SECTION, section=Section.CONSUMER.value)
    return section or _bureau(scope, approval)


def involved(dispute: Dispute) -> set[int]:
    """Who took, handled, decided or mediated this dispute."""
    found = {dispute.taken_by_id, dispute.ended_by_id, dispute.decided_by_id}
    found |= set(dispute.sessions.values_list("mediator_id", flat=True))
    found |= set(dispute.agreements.values_list("mediator_id", flat=True))
    return {one for one in found if one is not None}


def _about(rows: QuerySet[Dispute]) -> Q:
    return Q(Exists(rows.filter(pk=OuterRef("subject_id"))))


def _decidable(user: User) -> Q:
    scope = scope_of(user)
    if Section.CONSUMER in scope.sections:
        return Q(pk__isnull=False)
    offices = {seat.office_id for seat in scope.seats if seat.role in (Role.OFFICE_HEAD, DUTY_LEADER)}
    found = _about(Dispute.objects.filter(office_id__in=offices)) if offices else Q(pk__in=[])
    return found | Q(payload__level=BUREAU_BESIDE) if scope.has(Role.BUREAU) else found


def _deciders(rows: Sequence[Approval], at: datetime) -> Mapping[int, Collection[int]]:
    offices = dict(
        Dispute.objects.filter(pk__in=[row.subject_id for row in rows]).values_list("id", "office_id")
    )
    heads = office_people({one for one in offices.values() if one is not None}, at)
    section = people.above(at)
    bureau = set(bureau_ids(at))
    found: dict[int, Collection[int]] = {}
    for row in rows:
        office_id = offices.get(row.subject_id)
        told = set(heads[office_id].head_ids) if office_id is not None else set()
        found[row.pk] = (told or section) | (bureau if row.payload.get("level") == BUREAU_BESIDE else set())
    return found


def _decided(decision: Decision) -> None:
    """Approved: mediated anew by the community, in a new round. Refused: it stays as it ended."""
    if not decision.approved:
        return
    act = Act(decision.subject, decision.by, decision.at, list(decision.live))
    dispute = act.dispute
    act.move(Move.REOPEN)
    ending.undo(act)
    stays.enter(
        act,
        tier=Tier.COMMUNITY,
        station=placing.community_station(dispute),
        state=State.MEDIATING,
        why=TierStay.Why.REOPENED,
        note=decision.approval.reason,
    )
    act.save(*COLUMNS)
    told = people.handlers([dispute], act.at)
    outbox.post(notices.drafts("reopened", told, [dispute], key=f"reopened:{dispute.cycle}"), at=act.at)


def _lapsed(rows: Sequence[Approval], at: datetime) -> None:
    approvals.ask_again(rows, at=at, level=BUREAU_BESIDE)


def seen(user: User) -> Any:
    """Who sees a dispute sees what is asked about it."""
    return Dispute.objects.visible_to(user).values("id")


def register() -> None:
    """Register the kind and the subject (called once, at start-up)."""
    approvals.register_subject(SUBJECT, seen)
    approvals.register(
        KIND,
        Kind(
            label="不满意重新调解",
            limit_kind="dispute_reopen",
            lock=_lock,
            may_decide=_may_decide,
            decidable=_decidable,
            deciders=_deciders,
            decided=_decided,
            lapsed=_lapsed,
            stands_in=REOPENABLE,
        ),
    )
