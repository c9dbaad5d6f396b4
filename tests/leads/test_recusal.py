"""回避: who is related to the matter neither owns nor signs it (DESIGN.md §3)."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from grids import postings
from grids.demo import World
from kernel import clock
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, NotAllowed
from leads import dispatch, handover, lifecycle, recusal
from leads.models import Lead, Recusal
from leads.states import State
from tests.factories import leads as made
from tests.factories.leads import GUIDED, take_any

pytestmark = pytest.mark.django_db


def recuse(world: World, lead: Lead, by: str = "commissioner-01") -> Lead:
    user = world.user(by)
    return recusal.recuse(lead_id=lead.pk, by=user, expect=take_any, reason="店主是我亲属")


def test_the_owner_passes_it_to_his_backup_with_a_clock_of_its_own(world: World) -> None:
    lead = recuse(world, made.responded(world))
    assert (lead.state, lead.assignee_id) == (State.DISPATCHED, world.commissioner(2).pk)
    assert (lead.owner_cycle, lead.responded_at) == (2, None)
    clock_of = Deadline.objects.get(subject_id=lead.pk, kind="owner_respond", cycle=2)
    assert clock_of.state == "running"
    assert recuse(world, lead).version == lead.version, "said again"
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(2), expect=take_any)


def test_the_first_clock_runs_on_and_is_missed_as_before(world: World) -> None:
    lead = made.reported(world)
    made.pass_time(until=lead.respond_due_at)
    recuse(world, lead)
    assert Deadline.objects.get(subject_id=lead.pk, kind="respond").state == "breached"
    assert lead.orders.get().cause == "respond"


def test_never_again_the_owner(world: World) -> None:
    lead = recuse(world, made.reported(world))
    with pytest.raises(Conflict) as refused:
        dispatch.dispatch(
            lead_id=lead.pk,
            by=world.clerk_of(1),
            expect=take_any,
            assignee_id=world.commissioner(1).pk,
            reason="改派",
        )
    assert refused.value.code == "recused"
    postings.end(posting=world.posting_of("commissioner-02"), at=clock.now(), by=None)
    handover.sweep_vacant()
    lead.refresh_from_db()
    assert lead.assignee_id not in (world.commissioner(1).pk, world.commissioner(2).pk)
    with pytest.raises(IntegrityError, match="recusal_owns_nothing"), transaction.atomic():
        Lead.objects.filter(pk=lead.pk).update(assignee=world.commissioner(1))


def test_nor_does_he_stand_in_for_who_owns_it_now(world: World) -> None:
    lead = recuse(world, made.reported(world))
    last = world.posting_of("commissioner-02").backup
    assert last is not None
    recusal.recuse(lead_id=lead.pk, by=last, expect=take_any, reason="同学")
    for person in (world.commissioner(1), last):
        with pytest.raises(NotAllowed) as refused:
            lifecycle.respond(lead_id=lead.pk, by=person, expect=take_any)
        assert refused.value.code == "recused"


def test_a_worker_may_not_verify_what_he_is_related_to(world: World) -> None:
    lead = made.fed_back(world, by="clerk-01")
    version = lead.version
    lead = recuse(world, lead, "worker-01-2")
    assert (lead.state, lead.version) == (State.FED_BACK, version + 1)
    with pytest.raises(NotAllowed) as refused:
        lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert refused.value.code == "recused"
    forged = (
        "INSERT INTO leads_signature (lead_id, stage, side, cycle, signer_id, sentence, snapshot, digest,"
        " signed_at) SELECT lead_id, 'result', 'community', 1, %s, sentence, snapshot, digest, signed_at"
        " FROM leads_signature WHERE lead_id = %s LIMIT 1"
    )
    forbidden = pytest.raises(IntegrityError, match="recusal_signs_nothing")
    with connection.cursor() as cursor, forbidden, transaction.atomic():
        cursor.execute(forged, [world.worker(1, 2).pk, lead.pk])
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 3), expect=take_any)


def test_where_all_workers_recuse_the_secretary_verifies_at_once(world: World) -> None:
    lead = made.fed_back(world, by="clerk-01")
    for person in (1, 2, 3):
        recuse(world, lead, f"worker-01-{person}")
    lead = lifecycle.verify(
        lead_id=lead.pk, by=world.community_head_of(1), expect=take_any, note="网格员均已回避"
    )
    assert lead.verified_in_stead


def test_who_has_nothing_to_do_with_it_need_not(world: World) -> None:
    lead = made.reported(world)
    with pytest.raises(NotAllowed) as refused:
        recuse(world, lead, "leader")
    assert refused.value.code == "not_concerned"
    fed_back = lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    with pytest.raises(Conflict):
        recuse(world, fed_back)
    assert Recusal.objects.count() == 0
