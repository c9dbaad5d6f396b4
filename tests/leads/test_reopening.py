"""重新办理: a closed lead begins a new round; what was late stays late (DESIGN.md §3)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from grids import postings
from grids.demo import World
from kernel import clock
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, NotAllowed
from leads import lifecycle, reopening, signing
from leads.models import Lead, Reopening, Signature
from leads.states import State
from tests.factories import leads as made
from tests.factories.after import cleared
from tests.factories.leads import GUIDED, take_any

pytestmark = pytest.mark.django_db


def reopen(world: World, lead: Lead, by: str | None = None) -> Lead:
    user = world.user(by) if by else world.head_of(1)
    return reopening.reopen(lead_id=lead.pk, by=user, expect=take_any, reason="群众反映又有问题")


def deadline(lead: Lead, kind: str, cycle: int) -> Deadline:
    return Deadline.objects.get(subject_kind="lead", subject_id=lead.pk, kind=kind, cycle=cycle)


def test_a_new_round_with_its_own_clock_and_result_open_anew(world: World) -> None:
    lead = made.closed(world)
    first = (lead.first_closed_at, lead.first_fed_back_at, lead.feedback_due_at, lead.closing_due_at)
    made.pass_time(timedelta(days=2))
    lead = reopen(world, lead)
    lead = Lead.objects.get(pk=lead.pk)
    assert (lead.state, lead.round, lead.reopen_count) == (State.RESPONDED, 2, 1)
    assert (lead.closed_at, lead.closed_by, lead.closing_digest) == (None, None, "")
    assert (lead.first_closed_at, lead.first_fed_back_at, lead.feedback_due_at, lead.closing_due_at) == first
    assert deadline(lead, "feedback", 2).due_at == clock.now() + timedelta(hours=24)
    missing = signing.missing(lead, list(Signature.objects.filter(lead=lead)))
    assert [slot.name for slot in missing] == ["result:office", "result:community"]
    assert not Lead.objects.overdue(clock.now()).filter(pk=lead.pk).exists(), "it has a day"


def test_it_closes_again_with_the_signatures_of_its_round(world: World) -> None:
    lead = reopen(world, made.closed(world))
    with pytest.raises(Conflict):
        lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    assert deadline(lead, "verify", 2).state == "running"
    again = lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert (again.state, again.round) == (State.CLOSED, 2)
    assert again.first_closed_at is not None
    assert again.closed_at is not None
    results = Signature.objects.filter(lead=lead, stage="result").order_by("id")
    assert [(one.side, one.cycle) for one in results] == [
        ("office", 1), ("community", 1), ("office", 2), ("community", 2),
    ]  # fmt: skip


def test_its_owner_has_gone_the_next_gets_it_with_a_clock(world: World) -> None:
    lead = made.closed(world)
    postings.end(posting=world.posting_of("commissioner-01"), at=clock.now(), by=None)
    lead = Lead.objects.get(pk=reopen(world, lead).pk)
    assert (lead.state, lead.owner_cycle, lead.responded_at) == (State.DISPATCHED, 2, None)
    assert lead.assignee_id != world.commissioner(1).pk
    assert deadline(lead, "owner_respond", 2).state == "running"
    assert deadline(lead, "feedback", 2).state == "running"
    assert Reopening.objects.get(lead=lead).to == "dispatched"
    owner = lead.assignee
    assert owner is not None
    lifecycle.respond(lead_id=lead.pk, by=owner, expect=take_any)
    lifecycle.feed_back(lead_id=lead.pk, by=owner, expect=take_any, outcome=GUIDED)
    assert lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any).state == State.CLOSED


def test_only_the_office_head_and_only_what_is_closed(world: World) -> None:
    lead = made.closed(world)
    for nobody in ("commissioner-01", "clerk-01", "community-01", "leader", "worker-01-1"):
        with pytest.raises(NotAllowed) as refused:
            reopen(world, lead, nobody)
        assert refused.value.code == "not_office_head"
    reopen(world, lead)
    with pytest.raises(Conflict) as refused_again:
        reopen(world, lead)
    assert refused_again.value.code == "wrong_state"


def test_a_lateness_of_the_first_round_stays(world: World) -> None:
    lead = made.responded(world)
    made.pass_time(until=lead.closing_due_at)
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    lead = lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    late = (lead.first_fed_back_at, lead.feedback_strict_due_at, lead.first_closed_at, lead.closing_due_at)
    lead = reopen(world, lead)
    assert late == (
        lead.first_fed_back_at, lead.feedback_strict_due_at, lead.first_closed_at, lead.closing_due_at,
    )  # fmt: skip
    assert deadline(lead, "feedback", 1).state == "breached"
    assert list(lead.orders.values_list("cause", "cycle")) == [("feedback", 1)]


def test_what_was_still_to_come_is_owed_no_more(world: World) -> None:
    lead = reopen(world, cleared(world))
    assert set(lead.look_backs.values_list("state", flat=True)) == {"cancelled"}
    live = Deadline.objects.filter(subject_id=lead.pk, state="running").values_list("kind", flat=True)
    assert set(live) == {"feedback", "feedback_80"}


def test_a_round_that_runs_late_is_overdue_and_supervised(world: World) -> None:
    lead = reopen(world, made.closed(world))
    made.pass_time(timedelta(hours=25))
    assert Lead.objects.overdue(clock.now()).filter(pk=lead.pk).exists()
    assert list(lead.orders.values_list("cause", "cycle")) == [("feedback", 2)]
