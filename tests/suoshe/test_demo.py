"""The small living demo: made through the services, whole, and still running when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from credit.models import CreditFact, CreditStanding, DirtyEntity
from grids.models import BusinessEntity, EntityContact, Grid, Licence, TaskItem
from kernel import clock
from kernel.accounts.models import User
from kernel.approvals.models import Approval
from kernel.clock.models import ClockOffset
from kernel.deadlines.models import Deadline, Event, PoisonRow
from kernel.evidence.models import Evidence
from kernel.journal.models import Entry
from kernel.journal.verify import verify
from kernel.notices.models import OutboxMessage
from leads import signing
from leads.models import (
    Answer,
    Guidance,
    KeptComplaint,
    Lead,
    LeniencyDecision,
    LookBack,
    Severity,
    Signature,
    SupervisionOrder,
    Survey,
    Whistle,
    WhistleCall,
)
from leads.states import State
from patrols.models import EnforcementCard, PatrolTask
from stations.agreements import verified
from stations.models import (
    Agreement,
    CircleShop,
    Dispute,
    DisputeLead,
    DisputeSurvey,
    HotShop,
    Outcome,
    Session,
    Station,
    StationKind,
)
from stations.states import State as DisputeState
from stations.states import Tier
from suoshe import demo

pytestmark = pytest.mark.django_db
MAIN_ROAD = {State.REPORTED, State.DISPATCHED, State.RESPONDED, State.FED_BACK, State.CLOSED}


@pytest.fixture
def empty_media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.mark.usefixtures("empty_media")
def test_the_demo_is_whole_and_its_clocks_are_running() -> None:
    demo.build(entities=40)

    assert (Grid.objects.count(), Station.objects.count(), BusinessEntity.objects.count()) == (21, 25, 40)
    assert set(Lead.objects.values_list("state", flat=True)) >= MAIN_ROAD
    assert set(SupervisionOrder.objects.values_list("state", flat=True)) == {"open", "lifted"}
    assert SupervisionOrder.objects.filter(level="bureau").exists()
    assert Evidence.objects.exists()
    running = Deadline.objects.filter(state="running")
    assert {"respond", "feedback", "desk", "verify"} <= set(running.values_list("kind", flat=True))

    assert verify() is None
    assert not PoisonRow.objects.exists()
    assert signing.verify_digests(Signature.objects.all()) == []
    assert not ClockOffset.objects.get().ahead, "the house's clock is put back"
    for username in ("bureau", "office-01", "commissioner-21", "worker-21-3", "station-25", "admin"):
        assert User.objects.filter(username=username).exists()

    every_side_road_is_there()
    every_state_of_a_dispute_is_there()
    every_shop_is_graded()
    with pytest.raises(CommandError, match="已有业务数据"):
        call_command("seed_demo", force=2)


def every_shop_is_graded() -> None:
    """By the grader, from facts, licences and calls; the plan follows."""
    grades = set(BusinessEntity.objects.values_list("credit_grade", flat=True))
    assert {"A", "B", "C"} <= grades <= {"A", "B", "C", "D"}, grades
    assert CreditStanding.objects.count() == BusinessEntity.objects.count()
    assert not DirtyEntity.objects.exists()
    assert Licence.objects.exists()
    assert EntityContact.objects.exists()
    assert PatrolTask.objects.filter(kind="DAILY_PATROL").exists()
    assert EnforcementCard.objects.filter(officer__username__startswith="commissioner").count() == 21
    assert PatrolTask.objects.filter(kind="MONTHLY_PATROL").exists()


def every_side_road_is_there() -> None:
    """Whoever signs in finds something of his own to do, made by the services."""
    assert set(Lead.objects.values_list("state", flat=True)) == set(State.values)
    what_waits_for_somebody()
    what_was_whistled_for()
    what_follows_a_closing()
    what_a_citizen_hears()
    a_tip_off_for_its_officers_alone()
    tasks = TaskItem.objects.filter(grid__code="370983001-L01")
    assert sorted(tasks.values_list("state", flat=True)) == ["done", "open", "open", "open"]
    assert Event.objects.filter(subject_kind="task", kind="due").exists(), "one is late"
    journal_kinds = set(Entry.objects.values_list("kind", flat=True))
    assert {"lead.recused", "lead.interim", "lead.referral_received", "lead.rejected"} <= journal_kinds
    pair = Lead.objects.get(state=State.MERGED)
    assert pair.merged_into is not None
    assert pair.merged_into.entity_id == pair.entity_id


def every_state_of_a_dispute_is_there() -> None:
    """On every tier and with every end, at stations that can be found and called."""
    disputes = Dispute.objects.all()
    assert set(disputes.values_list("state", flat=True)) == set(DisputeState.values)
    assert set(disputes.values_list("tier", flat=True)) == set(Tier.values)
    assert set(disputes.values_list("outcome", flat=True)) == {"", *Outcome.values}
    assert {"SHOP", "CIRCLE", "COMMUNITY"} == set(
        disputes.filter(state__in=["negotiating", "mediating"]).values_list("tier", flat=True)
    )
    running = Deadline.objects.filter(subject_kind="dispute", state="running", due_at__gt=clock.now())
    kinds = {"shop", "circle", "community", "perform", "check", "accept"}
    assert kinds <= set(running.values_list("kind", flat=True))
    paused = Deadline.objects.filter(subject_kind="dispute", state="paused", parent_kind="")
    assert [one.kind for one in paused] == ["mediation"]
    assert set(Agreement.objects.values_list("state", flat=True)) == {"signed", "performed", "broken"}
    assert all(verified(row) for row in Agreement.objects.prefetch_related("signatures"))
    assert CreditFact.objects.filter(kind="COMPLAINT", level="NOT_PERFORMED").exists()
    assert set(Session.objects.values_list("state", flat=True)) == {"planned", "held"}
    assert HotShop.objects.count() == 1
    assert KeptComplaint.objects.get().state == KeptComplaint.State.KEPT
    assert DisputeLead.objects.count() == 1
    assert DisputeSurvey.objects.exclude(rating="").count() >= 4
    assert not OutboxMessage.objects.filter(subject_kind="dispute", template__contains="consumer").exists()
    for station in Station.objects.all():
        assert station.hours.exists()
        assert "" not in (station.address, station.telephone)
    circles = CircleShop.objects.values_list("station__kind", flat=True)
    assert set(circles) == {StationKind.COMPLEX}


def what_waits_for_somebody() -> None:
    waiting = Approval.objects.waiting().order_by("kind")
    assert list(waiting.values_list("kind", flat=True)) == [
        "dispute.reopen", "lead.extend", "lead.leniency_legal", "lead.reject", "lead.reopen",
    ]  # fmt: skip
    for kind, username in (
        ("dispute.reopen", "office-04"),
        ("lead.extend", "office-04"),
        ("lead.leniency_legal", "section-legal"),
        ("lead.reject", "worker-17-1"),
        ("lead.reopen", "office-02"),
    ):
        row, user = waiting.get(kind=kind), User.objects.get(username=username)
        assert row in Approval.objects.for_decision_by(user)
    decided = LeniencyDecision.objects.get(state=LeniencyDecision.State.COMPLETED)
    assert (decided.lead.state, decided.officers.count()) == (State.CLOSED, 2)
    assert Guidance.objects.filter(lead=None).count() == 1, "guidance in one tap"


def what_was_whistled_for() -> None:
    calls = WhistleCall.objects.order_by("id").values_list("department__code", "state", "answer_late")
    assert list(calls) == [
        ("police", "reported", False), ("fire", "called", True), ("citymgmt", "called", False),
    ]  # fmt: skip
    liaison = User.objects.get(username="citymgmt")
    assert Whistle.objects.visible_to(liaison).count() == 1


def what_follows_a_closing() -> None:
    look_backs = LookBack.objects.order_by("lead_id", "number").values_list("number", "state")
    assert sorted(look_backs) == [
        (1, "failed"), (1, "passed"), (1, "scheduled"),
        (2, "cancelled"), (2, "scheduled"), (2, "scheduled"),
    ]  # fmt: skip
    due = LookBack.objects.get(number=1, state=LookBack.State.SCHEDULED)
    assert due.due_on == clock.today()
    assert due.opens_at < clock.now()
    back = LookBack.objects.get(state=LookBack.State.FAILED).lead
    assert (back.state, back.round, back.severity) == (State.RESPONDED, 2, Severity.MODERATE)
    ordered = Deadline.objects.filter(subject_kind="lead", kind="recheck", state="running")
    assert ordered.exists(), "a recheck is still to come"


def what_a_citizen_hears() -> None:
    assert sorted(Answer.objects.values_list("state", flat=True)) == ["answered", "answered", "owed"]
    owed = Answer.objects.select_related("lead").get(state="owed")
    assert owed.lead in Lead.objects.visible_to(User.objects.get(username="clerk-03"))
    assert sorted(Survey.objects.exclude(rating="").values_list("rating", flat=True)) == [
        "unsatisfied",
        "very_satisfied",
    ]


def a_tip_off_for_its_officers_alone() -> None:
    lead = Lead.objects.get(restricted=True)
    assert lead.assignee is not None
    assert lead in Lead.objects.visible_to(lead.assignee)
    clerk = User.objects.get(username="clerk-02")
    assert lead in Lead.objects.visible_to(clerk), "the office that took it"
    for username in ("worker-10-1", "community-08", "bureau", "leader", "police", "auditor", "office-01"):
        user = User.objects.get(username=username)
        assert lead not in Lead.objects.visible_to(user), username


def test_the_demo_refuses_a_production_database_unless_told_twice(settings: Any) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="正式环境"):
        call_command("seed_demo", force=1)
    assert not Grid.objects.exists()
