"""双签字: six slots over a frozen snapshot, immutable, never one person on both sides (DESIGN.md §3)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from grids import absences, postings
from grids.demo import World
from grids.roles import Role
from kernel import clock
from kernel.errors import Conflict
from leads import dispatch, intake, lifecycle, signing, snapshots
from leads.models import DisposalKind, Lead, Side, Signature, Stage
from leads.signing import SamePerson
from leads.states import State
from tests.factories import leads as made
from tests.factories.leads import GUIDED, take_any
from tests.leads.calls import Api, body, code_of
from tests.leads.test_constraints import refused_by

pytestmark = pytest.mark.django_db


def slots(lead: Lead) -> list[str]:
    return [f"{s.stage}:{s.side}:{s.cycle}" for s in Signature.objects.filter(lead=lead).order_by("id")]


def of(lead: Lead, stage: str, side: str) -> QuerySet[Signature]:
    return Signature.objects.filter(lead=lead, stage=stage, side=side)


def missing(lead: Lead) -> list[str]:
    fresh = Lead.objects.get(pk=lead.pk)
    return [slot.name for slot in signing.missing(fresh, list(Signature.objects.filter(lead=lead)))]


# --- six slots, two taps a side --------------------------------------------------------------------


def test_two_taps_a_side_sign_six_slots(world: World) -> None:
    lead = made.reported(world)
    assert slots(lead) == ["discovery:community:1", "handover:community:1"]
    commissioner = world.commissioner(1)
    lifecycle.respond(lead_id=lead.pk, by=commissioner, expect=take_any)
    assert slots(lead)[2:] == ["discovery:office:1", "handover:office:1"]
    lifecycle.feed_back(lead_id=lead.pk, by=commissioner, expect=take_any, outcome=GUIDED)
    assert slots(lead)[4:] == ["result:office:1"]
    assert missing(lead) == ["result:community"]
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert slots(lead)[5:] == ["result:community:1"]
    assert missing(lead) == []


def test_the_sentences_that_were_signed(world: World) -> None:
    lead = made.closed(world)
    said = {(s.stage, s.side): s.sentence for s in Signature.objects.filter(lead=lead)}
    assert said == {
        ("discovery", "community"): "由我发现并上报",
        ("handover", "community"): "已移交",
        ("discovery", "office"): "已知悉上报内容",
        ("handover", "office"): "已接收,由我办理",
        ("result", "office"): "处置情况属实",
        ("result", "community"): "已核实,问题现象已消除",
    }
    for one in Signature.objects.filter(lead=lead):
        assert one.snapshot["sentence"] == one.sentence


def test_nobody_signs_what_he_has_not_seen(world: World) -> None:
    """Who did not find it himself says that he knows of it; nothing found is not "gone away"."""
    lead = made.told_by_office(world)
    assert slots(lead) == []
    lifecycle.confirm_handover(lead_id=lead.pk, by=world.worker(1), expect=take_any)
    assert of(lead, "discovery", "community").get().sentence == "已知悉上报内容"
    nothing = lifecycle.Outcome(DisposalKind.NO_PROBLEM, "到现场未发现问题")
    other = made.fed_back(world, 2, outcome=nothing)
    lifecycle.verify(lead_id=other.pk, by=world.worker(2, 2), expect=take_any)
    assert of(other, "result", "community").get().sentence == "已核实,未发现问题"


def test_a_report_that_somebody_told_the_worker_is_not_his_own_find(world: World) -> None:
    lead = made.reported(world, told=intake.Told("李四", "13800001111"))
    assert of(lead, "discovery", "community").get().sentence == "已知悉上报内容"


def test_verifying_signs_every_community_slot_still_open_and_closes(world: World) -> None:
    lead = made.fed_back(world, by=world.clerk_of(1).username)
    assert missing(lead) == ["discovery:community", "handover:community", "result:community"]
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1), expect=take_any)
    lead.refresh_from_db()
    assert (lead.state, missing(lead)) == (State.CLOSED, [])
    assert of(lead, "discovery", "community").get().sentence == "已知悉上报内容"


def test_confirming_the_handover_signs_once_and_then_nothing(world: World) -> None:
    lead = made.told_by_office(world)
    for person in (1, 1, 2):
        lifecycle.confirm_handover(lead_id=lead.pk, by=world.worker(1, person), expect=take_any)
    assert slots(lead) == ["discovery:community:1", "handover:community:1"]
    assert {s.signer_id for s in Signature.objects.filter(lead=lead)} == {world.worker(1).pk}


# --- what was signed is frozen ---------------------------------------------------------------------


def test_every_digest_is_that_of_its_snapshot(world: World) -> None:
    made.closed(world)
    made.reworked(world, 2)
    everything = Signature.objects.all()
    assert everything.count() == 11
    assert signing.verify_digests(everything) == []
    one = everything.order_by("id")[0]
    assert one.digest == snapshots.sha256(one.snapshot)
    assert one.snapshot["signer"] == {"id": one.signer_id, "name": one.signer.name}
    assert snapshots.moment(one.signed_at) == one.snapshot["signed_at"]


def test_a_changed_snapshot_is_found(world: World) -> None:
    lead = made.reported(world)
    forged = of(lead, "discovery", "community").get()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE leads_signature DISABLE TRIGGER leads_signature_immutable")
        cursor.execute(
            "UPDATE leads_signature SET snapshot = jsonb_set(snapshot, '{sentence}', '\"已移交\"')"
            " WHERE id = %s",
            [forged.pk],
        )
        cursor.execute("ALTER TABLE leads_signature ENABLE TRIGGER leads_signature_immutable")
    assert signing.verify_digests(Signature.objects.all()) == [forged.pk]


def test_both_sides_sign_the_same_facts_whatever_came_later(world: World, api: Api) -> None:
    lead = made.reported(world, description="后厨有老鼠", category="F03")
    later = "a" * 64
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)
    lifecycle.control(
        lead_id=lead.pk, by=world.commissioner(1), expect=take_any, note="已封存", awaited=[later]
    )
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    lead.refresh_from_db()
    community, office = of(lead, "discovery", "community").get(), of(lead, "discovery", "office").get()
    assert community.snapshot["signed"] == office.snapshot["signed"] == {"facts": lead.facts}
    assert lead.facts["description"] == "后厨有老鼠"
    assert later not in lead.facts["evidence"]
    for one in (of(lead, "result", "office").get(), of(lead, "result", "community").get()):
        assert one.snapshot["signed"]["evidence"] == [later]
        assert one.snapshot["signed"]["facts_sha256"] == snapshots.sha256(lead.facts)
        assert one.snapshot["signed"]["disposal"]["note"] == GUIDED.note


def test_the_closing_digest_covers_the_six_signatures(world: World) -> None:
    lead = made.closed(world)
    lead.refresh_from_db()
    order = [("discovery", "community"), ("handover", "community"), ("discovery", "office")]
    order += [("handover", "office"), ("result", "office"), ("result", "community")]
    digests = [of(lead, stage, side).get().digest for stage, side in order]
    assert lead.closing_digest == snapshots.closing_digest(digests)


# --- cycles ----------------------------------------------------------------------------------------


def test_rework_asks_for_a_new_result_of_both_sides(world: World) -> None:
    lead = made.reworked(world)
    assert (lead.state, lead.round) == (State.RESPONDED, 2)
    assert missing(lead) == ["result:office", "result:community"]
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert [s for s in slots(lead) if s.startswith("result")] == [
        "result:office:1",
        "result:office:2",
        "result:community:2",
    ]


def test_each_owner_signs_his_own_handover(world: World) -> None:
    lead = made.responded(world)
    head = world.head_of(1)
    dispatch.dispatch(
        lead_id=lead.pk, by=world.clerk_of(1), expect=take_any, assignee_id=head.pk, reason="专员外出"
    )
    assert missing(lead) == ["handover:office", "result:office", "result:community"]
    lifecycle.respond(lead_id=lead.pk, by=head, expect=take_any)
    handovers = of(lead, "handover", "office").order_by("cycle")
    assert [(s.cycle, s.signer_id) for s in handovers] == [(1, world.commissioner(1).pk), (2, head.pk)]
    assert of(lead, "discovery", "office").get().signer_id == world.commissioner(1).pk


@pytest.mark.parametrize("act", ["control", "feed_back"])
def test_who_was_handed_a_lead_signs_with_his_next_act(world: World, act: str) -> None:
    lead = made.responded(world)
    postings.end(posting=world.posting_of("commissioner-01"), at=clock.now(), by=None)
    lead.refresh_from_db()
    assert (lead.state, lead.owner_cycle, lead.assignee_id) == ("responded", 2, world.commissioner(2).pk)
    assert missing(lead) == ["handover:office", "result:office", "result:community"]
    if act == "control":
        lifecycle.control(lead_id=lead.pk, by=world.commissioner(2), expect=take_any, note="已封存")
    else:
        lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(2), expect=take_any, outcome=GUIDED)
    assert of(lead, "handover", "office").get(cycle=2).signer_id == world.commissioner(2).pk


def test_who_was_handed_a_lead_that_waits_for_verification_holds_nothing_up(world: World) -> None:
    lead = made.fed_back(world)
    postings.end(posting=world.posting_of("commissioner-01"), at=clock.now(), by=None)
    assert missing(lead) == ["result:community"]
    done = lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert (done.state, done.assignee_id) == (State.CLOSED, world.commissioner(2).pk)


# --- who signs -------------------------------------------------------------------------------------


def test_a_stand_in_signs_with_both_names(world: World, api: Api) -> None:
    away, there = world.commissioner(1), world.commissioner(3)
    absences.record(
        user=away,
        stand_in=there,
        starts_at=world.at,
        ends_at=world.at + timedelta(days=2),
        by=away,
        at=clock.now(),
    )
    lead = made.reported(world)
    assert lead.assignee_id == away.pk
    answer = api.post(world.commissioner(3), f"leads/{lead.pk}/respond/", {}, lead.version).json()
    signed = [s for s in answer["signatures"] if s["side"] == "office"]
    assert {s["signer"]["username"] for s in signed} == {"commissioner-03"}
    assert {s["for"]["username"] for s in signed} == {"commissioner-01"}
    assert answer["assignee"]["username"] == "commissioner-01"
    rows = Signature.objects.filter(lead=lead, side=Side.OFFICE)
    assert {row.snapshot["on_behalf_of"] for row in rows} == {away.pk}


def test_a_stand_in_reaches_what_his_holder_owns_in_another_grid(world: World, api: Api) -> None:
    """The clerk gave a lead of grid 1 to commissioner 2, whose backup serves neither grid."""
    backup = world.posting_of("commissioner-02").backup
    assert backup == world.commissioner(3)
    lead = made.reported(world)
    dispatch.dispatch(
        lead_id=lead.pk,
        by=world.clerk_of(1),
        expect=take_any,
        assignee_id=world.commissioner(2).pk,
        reason="专员外出",
    )
    lead.refresh_from_db()
    answer = api.post(world.commissioner(3), f"leads/{lead.pk}/respond/", {}, lead.version)
    assert answer.status_code == 200, answer.content


def test_a_grid_workers_stand_in_signs_for_the_community_with_both_names(world: World) -> None:
    neighbour = world.worker(2)
    absences.record(
        user=world.worker(1),
        stand_in=neighbour,
        starts_at=world.at,
        ends_at=world.at + timedelta(days=1),
        by=world.worker(1),
        at=clock.now(),
    )
    lead = made.fed_back(world)
    lifecycle.verify(lead_id=lead.pk, by=world.worker(2), expect=take_any)
    signed = of(lead, "result", "community").get()
    assert (signed.signer_id, signed.on_behalf_of_id) == (neighbour.pk, world.worker(1).pk)


def test_one_person_never_signs_on_both_sides(world: World, api: Api) -> None:
    """A grid worker reports, changes to the office, and is refused on the other side of that lead."""
    lead = made.reported(world)
    turncoat = world.worker(1)
    become_commissioner(world, turncoat)
    answer = api.post(turncoat, f"leads/{lead.pk}/respond/", {}, lead.version)
    assert (answer.status_code, code_of(answer)) == (409, "same_person")
    with pytest.raises(SamePerson):
        lifecycle.respond(lead_id=lead.pk, by=turncoat, expect=take_any)
    assert slots(lead) == ["discovery:community:1", "handover:community:1"]


def become_commissioner(world: World, person: Any) -> None:
    """End his seat as a grid worker and appoint him commissioner of the grid, owner of its open leads."""
    at = clock.now()
    postings.end(posting=world.posting_of(person.username), at=at, by=None)
    old = world.posting_of("commissioner-01")
    Lead.objects.filter(assignee_id=old.user_id).update(assignee_id=person.pk)
    postings.end(posting=old, at=at, by=None)
    postings.appoint(user=person, role=Role.COMMISSIONER, grid=world.grid(1), by=None, at=at)


def test_a_lead_is_not_handed_to_who_has_signed_for_the_community(world: World) -> None:
    lead = made.reported(world)
    turncoat = world.worker(1)
    at = clock.now()
    postings.end(posting=world.posting_of(turncoat.username), at=at, by=None)
    postings.appoint(user=turncoat, role=Role.OFFICE_CLERK, office=world.office_of(1), by=None, at=at)
    with pytest.raises(Conflict) as refused, transaction.atomic():
        dispatch.dispatch(
            lead_id=lead.pk, by=world.clerk_of(1), expect=take_any, assignee_id=turncoat.pk, reason="试"
        )
    assert refused.value.code == "same_person"


# --- what the database refuses ---------------------------------------------------------------------

COPY = """
INSERT INTO leads_signature (lead_id, stage, side, cycle, signer_id, sentence, snapshot, digest, signed_at)
SELECT lead_id, %s, %s, %s, signer_id, sentence, snapshot, digest, signed_at
  FROM leads_signature WHERE id = %s
"""


def test_the_database_refuses_one_person_on_both_sides(world: World) -> None:
    signed = of(made.reported(world), "discovery", "community").get()
    refused_by("leads_signature_one_side_a_person", COPY, "discovery", "office", 1, signed.pk)


def test_the_database_refuses_a_second_signature_of_a_slot_and_unknown_slots(world: World) -> None:
    signed = of(made.reported(world), "discovery", "community").get()
    refused_by("leads_signature_one_a_slot", COPY, "discovery", "community", 1, signed.pk)
    refused_by("leads_signature_known_slot", COPY, "discovery", "community", 2, signed.pk)
    refused_by("leads_signature_known_slot", COPY, "handover", "community", 2, signed.pk)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE leads_signature SET sentence = '已移交'",
        "DELETE FROM leads_signature",
        "TRUNCATE leads_signature CASCADE",
        "UPDATE leads_disposal SET note = '改了'",
        "DELETE FROM leads_disposal",
        "UPDATE leads_rework SET reason = '改了'",
        "DELETE FROM leads_lead",
    ],
)
def test_what_was_signed_can_neither_be_changed_nor_removed(world: World, sql: str) -> None:
    made.reworked(world)
    refused_by("append-only", sql)


def test_closing_needs_all_six_also_in_the_database(world: World) -> None:
    lead = made.fed_back(world)
    refused_by(
        "leads_lead_closed_with_signatures",
        "UPDATE leads_lead SET state = 'closed', closed_at = fed_back_at, first_closed_at = fed_back_at,"
        " closed_by_id = assignee_id, verify_method = 'on_site', closing_digest = '' WHERE id = %s",
        lead.pk,
    )
    refused_by(
        "leads_lead_closed_needs_six",
        "UPDATE leads_lead SET state = 'closed', closed_at = fed_back_at, first_closed_at = fed_back_at,"
        " closed_by_id = assignee_id, verify_method = 'on_site', closing_digest = repeat('0', 64)"
        " WHERE id = %s",
        lead.pk,
    )


def test_no_lead_is_made_closed(world: World) -> None:
    """A row inserted as closed is looked at when its signatures could be there: at commit."""
    lead = made.fed_back(world)
    row = Lead.objects.filter(pk=lead.pk).values().get()
    row |= {"id": None, "number": "XS-1", "client_uid": uuid.uuid4(), "state": "closed"}
    row |= {"first_closed_at": row["fed_back_at"]}
    row |= {"closed_at": row["fed_back_at"], "closed_by_id": row["assignee_id"]}
    row |= {"closing_digest": "0" * 64, "verify_method": "on_site"}
    point = transaction.savepoint()
    Lead.objects.create(**row)
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="leads_lead_closed_needs_six"):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    transaction.savepoint_rollback(point)


def test_closing_refuses_in_code_where_a_slot_is_open(world: World) -> None:
    lead = made.fed_back(world)
    with pytest.raises(Conflict) as refused:
        signing.closing_digest(lead)
    assert refused.value.code == "signatures_missing"
    assert "社方结果" in refused.value.detail


# --- repetition and versions over HTTP -------------------------------------------------------------


def test_a_signing_request_repeated_answers_200_before_version_and_state(world: World, api: Api) -> None:
    """A phone that lost the answer asks again, with the version it had then, and later still."""
    lead = api.post(world.worker(1), "leads/", body(world, category="L02")).json()
    path = f"leads/{lead['id']}"
    taps: list[tuple[Any, str, dict[str, Any], int]] = []

    def tap(user: Any, act: str, data: dict[str, Any], version: int) -> Any:
        taps.append((user, act, data, version))
        answer = api.post(user, f"{path}/{act}/", data, version)
        assert answer.status_code == 200, answer.content
        for again in (version, None, "*"):
            repeated = api.post(user, f"{path}/{act}/", data, again)
            assert (repeated.status_code, repeated.json()) == (200, answer.json())
        return answer.json()

    now = tap(world.commissioner(1), "respond", {"plan": "by_phone"}, lead["version"])
    disposal = {"disposal": {"kind": "guided", "note": "已提醒"}}
    now = tap(world.commissioner(1), "feedback", disposal, now["version"])
    now = tap(world.worker(1, 2), "verify", {}, now["version"])
    assert len(slots(Lead.objects.get(pk=lead["id"]))) == 6
    for user, act, data, version in taps:
        answer = api.post(user, f"{path}/{act}", data, version)
        assert (answer.status_code, answer.json()["version"]) == (200, now["version"])


def test_a_repeated_feedback_of_the_last_round_is_not_the_next_rounds(world: World, api: Api) -> None:
    lead = made.fed_back(world)
    stale = lead.version - 1
    disposal = {"disposal": {"kind": "guided", "note": "已提醒"}}
    lifecycle.rework(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any, reason="没有改好")
    answer = api.post(world.commissioner(1), f"leads/{lead.pk}/feedback/", disposal, stale)
    assert (answer.status_code, code_of(answer)) == (412, "stale_version")
    assert of(lead, Stage.RESULT, Side.OFFICE).count() == 1


@pytest.mark.parametrize("sent", [None, "", "*", " * "])
def test_without_a_version_428(world: World, api: Api, sent: str | None) -> None:
    lead = made.reported(world)
    answer = api.post(world.commissioner(1), f"leads/{lead.pk}/respond/", {}, sent)
    assert (answer.status_code, code_of(answer)) == (428, "if_match_required")


@pytest.mark.parametrize(
    "sent", ['"v7"', 'W/"v7"', '"v0"', "v1", "1", '"v-1"', '"v1", "v2"', '"v99999999999"']
)
def test_a_version_that_is_not_the_present_one_412(world: World, api: Api, sent: str) -> None:
    lead = made.reported(world)
    assert lead.version == 1
    answer = api.post(world.commissioner(1), f"leads/{lead.pk}/respond/", {}, sent)
    assert (answer.status_code, code_of(answer)) == (412, "stale_version")


def test_a_weak_version_is_accepted_and_the_answer_names_the_next(world: World, api: Api) -> None:
    lead = made.reported(world)
    read = api.get(world.commissioner(1), f"leads/{lead.pk}/")
    assert read["ETag"] == '"v1"'
    answer = api.post(world.commissioner(1), f"leads/{lead.pk}/respond/", {}, 'W/"v1"')
    assert (answer.status_code, answer["ETag"], answer.json()["version"]) == (200, '"v2"', 2)


def test_every_act_asks_for_the_version(world: World, api: Api) -> None:
    told = made.told_by_office(world)
    disposal = {"disposal": {"kind": "guided", "note": "已提醒"}}
    clerk, commissioner, worker = world.clerk_of(1), world.commissioner(1), world.worker(1)
    target = {"assignee": world.head_of(1).pk, "reason": "专员外出"}
    for user, act, data in (
        (clerk, "dispatch", target),
        (worker, "confirm-handover", {}),
        (commissioner, "respond", {}),
    ):
        assert api.post(user, f"leads/{told.pk}/{act}/", data).status_code == 428, act
    taken = made.responded(world)
    for act, data in (("control", {"note": "已封存"}), ("feedback", disposal)):
        assert api.post(commissioner, f"leads/{taken.pk}/{act}/", data).status_code == 428, act
    waiting = made.fed_back(world)
    for act, data in (("verify", {}), ("rework", {"reason": "没有改好"})):
        assert api.post(worker, f"leads/{waiting.pk}/{act}/", data).status_code == 428, act


def test_the_version_moves_only_with_what_is_signed(world: World) -> None:
    """Warnings and notices leave it alone, so that nobody's page goes stale for nothing."""
    lead = made.reported(world)
    made.pass_time(until=lead.dispatched_at + timedelta(minutes=24))
    lead.refresh_from_db()
    assert lead.version == 1
    made.pass_time(until=lead.respond_due_at)
    lead.refresh_from_db()
    assert (lead.version, lead.orders.count()) == (1, 1)
