"""Reads that span the relations of a dispute, and what a person may do with it now."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Prefetch, Q, QuerySet

from grids.access import Scope
from kernel import clock
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import end_of_day
from kernel.journal.models import Entry
from leads.surveys import ASKS_BY_TELEPHONE
from stations import states
from stations.acts import SUBJECT, handler_seat, office_seat
from stations.models import (
    Agreement,
    AgreementSignature,
    Dispute,
    DisputeEvidence,
    DisputeLead,
    DisputeSurvey,
    Session,
    Station,
    Testing,
    TierStay,
)
from stations.states import OPEN, TALKING, Move, State, Tier

ROW = ("station__community", "taken_station", "circle", "office", "entity__grid", "consumer", "complaint")
TODAYS = 500
"""So many rows at most stand on a station's page of today."""


def for_list(rows: QuerySet[Dispute]) -> QuerySet[Dispute]:
    """Disputes with all that a row shows. One statement."""
    return rows.select_related(*ROW)


def full(rows: QuerySet[Dispute]) -> QuerySet[Dispute]:
    """Disputes with all that their own page shows, in a fixed number of statements."""
    named = for_list(rows).select_related("taken_by", "decided_by", "ended_by", "word__entered_by")
    signatures = AgreementSignature.objects.defer("sealed_image").select_related("signer").order_by("id")
    return named.prefetch_related(
        Prefetch("stays", TierStay.objects.select_related("station", "by").order_by("cycle")),
        Prefetch("sessions", sessions_shown(Session.objects.all())),
        Prefetch(
            "agreements",
            Agreement.objects.defer("sealed_content")
            .select_related("station", "mediator", "checked_by")
            .prefetch_related(Prefetch("signatures", signatures))
            .order_by("id"),
        ),
        Prefetch("testings", Testing.objects.select_related("entered_by").order_by("id")),
        Prefetch("leads", DisputeLead.objects.select_related("lead", "made_by").order_by("id")),
        Prefetch("surveys", DisputeSurvey.objects.order_by("round")),
        Prefetch("evidence", DisputeEvidence.objects.select_related("evidence").order_by("id")),
    )


def sessions_shown(rows: QuerySet[Session]) -> QuerySet[Session]:
    """Sessions with all that one shows, in the order in which they are held."""
    return rows.select_related("dispute", "station", "mediator", "made_by").order_by("starts_at", "id")


def deadlines_of(dispute: Dispute) -> list[Deadline]:
    """The dispute's clocks, oldest first. One statement."""
    rows = Deadline.objects.with_pauses().filter(subject_kind=SUBJECT, subject_id=dispute.pk)
    return list(rows.order_by("id"))


def timeline(dispute: Dispute) -> QuerySet[Entry]:
    """The dispute's journal, oldest first."""
    return Entry.objects.filter(stream=dispute.stream).order_by("seq")


def at_station(rows: QuerySet[Dispute], station: Station) -> QuerySet[Dispute]:
    """What a station took, or has now."""
    return rows.filter(Q(station=station) | Q(taken_station=station))


def todays_sessions(station: Station, at: datetime) -> QuerySet[Session]:
    """What is held at a station on this Shanghai day, and what was to be held before and nobody entered."""
    ends = end_of_day(clock.local_date(at))
    today = Q(starts_at__gte=ends - timedelta(days=1), starts_at__lt=ends)
    left = Q(starts_at__lt=ends, state=Session.State.PLANNED)
    return sessions_shown(Session.objects.filter(today | left, station=station))[:TODAYS]


def running(station: Station) -> QuerySet[Dispute]:
    """The open disputes that lie with a station, the one whose clock ends first before all others."""
    rows = Dispute.objects.open().filter(station=station)
    return for_list(rows).order_by("due_at", "id")[:TODAYS]


# --- what may be done ------------------------------------------------------------------------------

HANDLERS = {
    "settle": Move.SETTLE,
    "escalate": Move.ESCALATE,
    "agree": Move.AGREE,
    "perform": Move.PERFORM,
    "fail": Move.FAIL,
    "withdraw": Move.WITHDRAW,
    "to-official": Move.TO_OFFICIAL,
}
DESK = {"accept": Move.ACCEPT, "refuse": Move.REFUSE}
PREVIEW, REVEAL, SESSIONS = "agreement/preview", "consumer/reveal", "sessions"
LEAD, SURVEY, CORRECT = "lead", "survey", "correct"
BEGIN_TESTING, END_TESTING = "testing", "testing/end"


def allowed(dispute: Dispute, scope: Scope) -> list[str]:
    """The acts that this person may do now, named as their paths (`correct` is PATCH); read with `full`.

    From the table of moves and his seat; what else an act asks for, it says itself when it refuses.
    """
    found = []
    if handler_seat(scope, dispute) is not None:
        found = [name for name, move in HANDLERS.items() if states.allowed(move, dispute.state)]
        found = [name for name in found if not _stands_against(name, dispute)]
        found += _beside(dispute)
    if office_seat(scope, dispute) is not None:
        found += [name for name, move in DESK.items() if states.allowed(move, dispute.state)]
        found += [LEAD] if LEAD not in found else []
    return [*found, SURVEY] if _may_survey(dispute, scope) else found


def _stands_against(name: str, dispute: Dispute) -> bool:
    if name == "escalate":
        return states.next_tier(dispute.tier, has_circle=dispute.circle_id is not None) is None
    return name == "to-official" and (dispute.office_id is None or dispute.tier == Tier.OFFICIAL)


def _beside(dispute: Dispute) -> list[str]:
    """What a handler does beside the moves."""
    found = [LEAD]
    if dispute.state in OPEN and dispute.state != State.AGREED:
        found.append(CORRECT)
    if dispute.state in TALKING:
        found += [SESSIONS, PREVIEW]
    if dispute.state == State.ACCEPTED:
        goes_on = any(one.until is None for one in dispute.testings.all())
        found.append(END_TESTING if goes_on else BEGIN_TESTING)
    consumer = getattr(dispute, "consumer", None)
    if consumer is not None and consumer.removed_at is None:
        found.append(REVEAL)
    return found


def _may_survey(dispute: Dispute, scope: Scope) -> bool:
    """Is the consumer asked and silent, and had this person no part in the matter?"""
    if scope.is_auditor or not scope.has(*ASKS_BY_TELEPHONE):
        return False
    asked = [one for one in dispute.surveys.all() if one.round == dispute.round]
    waits = any(one.answered_at is None and one.voided_at is None for one in asked)
    involved = {dispute.taken_by_id, dispute.ended_by_id, dispute.decided_by_id}
    involved |= {one.mediator_id for one in dispute.sessions.all()}
    involved |= {one.mediator_id for one in dispute.agreements.all()}
    return waits and scope.user_id not in involved


def is_late(dispute: Dispute, at: datetime) -> bool:
    """Is its running clock over?"""
    return dispute.state in OPEN and dispute.due_at is not None and dispute.due_at <= at
