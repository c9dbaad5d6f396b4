"""Asked, decided by somebody else, lapsed by its own clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from kernel import approvals, clock
from kernel.accounts.models import User
from kernel.approvals.models import Approval, State
from kernel.deadlines.models import Deadline, Event
from kernel.deadlines.sweep import SETTLE, sweep
from kernel.errors import Conflict, NotAllowed, NotVisible
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from tests.factories.accounts import make_user, token_for
from tests.factories.leads import take_any
from tests.kernel.approvals.conftest import KIND, Office, asked


def clock_of(row: Approval) -> Deadline:
    return Deadline.objects.get(subject_kind="approval", subject_id=row.pk, kind="decide")


def kinds_in(stream: str) -> list[str]:
    return list(Entry.objects.filter(stream=stream).order_by("seq").values_list("kind", flat=True))


def told(template: str) -> set[int | None]:
    rows = OutboxMessage.objects.filter(template=f"approvals.{template}")
    return set(rows.values_list("recipient_id", flat=True))


def decide(row: Approval, by: User, *, approve: bool = True, note: str = "") -> Approval:
    return approvals.decide(approval_id=row.pk, by=by, approve=approve, expect=take_any, note=note)


# --- asking ----------------------------------------------------------------------------------------


def test_a_question_waits_with_a_clock_both_journals_and_a_word_to_the_deciders(
    office: Office, asker: User, head: User
) -> None:
    row = asked(asker)
    assert (row.state, row.due_at - row.asked_at) == (State.WAITING, timedelta(minutes=120))
    assert (clock_of(row).state, clock_of(row).due_at) == ("running", row.due_at)
    assert kinds_in(f"approval:{row.pk}") == kinds_in("thing:7") == ["approval.asked"]
    assert told("asked") == {head.pk}
    data = Entry.objects.get(stream="thing:7").data
    assert "13800005678" not in str(data)


def test_the_same_question_waits_once(office: Office, asker: User, head: User) -> None:
    asked(asker)
    with pytest.raises(Conflict) as refused:
        asked(head)
    assert refused.value.code == "already_waiting"
    asked(asker, 8)
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.create(
            kind=KIND,
            subject_kind="thing",
            subject_id=7,
            asked_at=clock.now(),
            due_at=clock.now(),
            reason="-",
        )


# --- deciding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("approve", [True, False])
def test_a_decision_is_carried_out_and_told(office: Office, asker: User, head: User, approve: bool) -> None:
    row = decide(asked(asker), head, approve=approve, note="情况属实")
    row.refresh_from_db()
    assert row.state == ("approved" if approve else "refused")
    assert (row.decided_by, row.note, row.version) == (head, "情况属实", 2)
    assert office.decided == [(row.pk, approve)]
    assert clock_of(row).state == "met"
    assert kinds_in("thing:7") == ["approval.asked", f"approval.{row.state}"]
    assert told("decided") == {asker.pk}


def test_saying_it_again_changes_nothing_and_others_are_refused(
    office: Office, asker: User, head: User
) -> None:
    other = make_user("other-head")
    office.seat(other)
    row = decide(asked(asker), head)
    assert decide(row, head).version == row.version
    for by, approve in ((head, False), (other, True)):
        with pytest.raises(Conflict) as refused:
            decide(row, by, approve=approve)
        assert refused.value.code == "already_decided"
    assert office.decided == [(row.pk, True)]


def test_nobody_decides_what_he_asked_for_also_not_as_a_stand_in(
    office: Office, asker: User, head: User
) -> None:
    deputy = make_user("deputy")
    office.seat(asker)
    office.seat(deputy, for_whom=asker)
    row = asked(asker)
    for by in (asker, deputy):
        with pytest.raises(NotAllowed) as refused:
            decide(row, by)
        assert refused.value.code == "own_request"
    in_name = asked(deputy, 8, on_behalf_of_id=head.pk)
    with pytest.raises(NotAllowed):
        decide(in_name, head)
    assert not Approval.objects.filter(state=State.APPROVED).exists()


@pytest.mark.parametrize(
    ("by", "behalf"), [("asker", None), ("named", None), ("head", "asker"), ("head", "named")]
)
def test_the_database_holds_it_too(
    office: Office, asker: User, head: User, by: str, behalf: str | None
) -> None:
    people = {"asker": asker, "head": head, "named": make_user("named")}
    row = asked(asker, on_behalf_of_id=people["named"].pk)
    values: dict[str, Any] = {"state": "approved", "decided_at": clock.now(), "ended_at": clock.now()}
    values |= {"decided_by": people[by], "decided_on_behalf_of": people[behalf] if behalf else None}
    with pytest.raises(IntegrityError, match="approvals_approval_not_"), transaction.atomic():
        Approval.objects.filter(pk=row.pk).update(**values)


def test_who_may_not_know_is_told_nothing_and_who_may_not_decide_is_refused(
    office: Office, asker: User, head: User
) -> None:
    row = asked(asker)
    onlooker, stranger = make_user("onlooker"), make_user("stranger")
    office.seers.add(onlooker.pk)
    with pytest.raises(NotAllowed) as refused:
        decide(row, onlooker)
    assert refused.value.code == "not_decider"
    with pytest.raises(NotVisible):
        decide(row, stranger)


def test_what_has_ended_is_final(office: Office, asker: User, head: User) -> None:
    row = decide(asked(asker), head)
    with pytest.raises(IntegrityError, match="approvals_approval_final"), transaction.atomic():
        Approval.objects.filter(pk=row.pk).update(note="改一改")
    with pytest.raises(IntegrityError, match="approvals_approval_final"), transaction.atomic():
        Approval.objects.filter(pk=row.pk).delete()


# --- not decided -----------------------------------------------------------------------------------


def test_silence_lapses_each_once_and_everybody_is_told(office: Office, asker: User, head: User) -> None:
    rows = [asked(asker, number) for number in (7, 8, 9)]
    clock.travel(timedelta(minutes=120) + SETTLE)
    assert sweep() == 3
    assert sweep() == 0
    found = Approval.objects.order_by("id")
    assert {(row.state, row.ended_at == row.due_at, row.version) for row in found} == {("lapsed", True, 2)}
    assert office.lapsed == [row.pk for row in rows]
    assert told("lapsed") == {asker.pk, head.pk}
    for event in Event.objects.all():
        assert OutboxMessage.objects.filter(dedupe_key__startswith=f"event:{event.pk}:").count() == 2
    with pytest.raises(Conflict) as refused:
        decide(rows[0], head)
    assert refused.value.code == "lapsed"


def test_a_decision_after_the_due_time_lets_the_clock_fire_first(
    office: Office, asker: User, head: User
) -> None:
    row = asked(asker)
    clock.travel(timedelta(minutes=120) + SETTLE)
    with pytest.raises(Conflict) as refused:
        decide(row, head)
    assert (refused.value.code, office.lapsed, office.decided) == ("lapsed", [row.pk], [])


def test_what_makes_no_sense_any_more_is_withdrawn(office: Office, asker: User, head: User) -> None:
    row = asked(asker)
    assert approvals.withdraw_moot("thing", 7, state="open", by=asker, at=clock.now()) == []
    assert approvals.withdraw_moot("thing", 7, state="closed", by=asker, at=clock.now()) == [row]
    row.refresh_from_db()
    assert (row.state, clock_of(row).state, office.withdrawn) == ("withdrawn", "cancelled", [row.pk])
    assert told("withdrawn") == {head.pk}
    asked(asker)  # and may be asked again


def test_the_first_locks_hold_the_clocks_of_the_subject_and_of_what_waits(
    office: Office, asker: User, head: User
) -> None:
    ended, waits = decide(asked(asker), head), asked(asker)
    own = Deadline.objects.create(
        subject_kind="thing", subject_id=7, kind="x", armed_at=clock.now(), due_at=clock.now()
    )
    asked(asker, 8)
    locked = approvals.lock_live("thing", 7)
    assert [(d.subject_kind, d.subject_id) for d in locked] == [("approval", waits.pk), ("thing", 7)]
    assert (own in locked, clock_of(ended) in locked) == (True, False)


# --- over HTTP -------------------------------------------------------------------------------------


def call(client: Client, method: str, path: str, by: User, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {token_for(by)}"} | more.pop("headers", {})
    send = getattr(client, method)
    return send(f"/api/v1/approvals/{path}", headers=headers, content_type="application/json", **more)


def test_the_list_shows_what_waits_for_whom(client: Client, office: Office, asker: User, head: User) -> None:
    row = asked(asker)
    stranger = make_user("stranger")
    found = {by.username: call(client, "get", "", by).json()["results"] for by in (asker, head, stranger)}
    assert found["stranger"] == []
    assert [(r["id"], r["waits_for_me"]) for r in found["asker"]] == [(row.pk, False)]
    (shown,) = found["head"]
    assert (shown["waits_for_me"], shown["kind_label"], shown["subject"]) == (
        True,
        "试验申请",
        {"kind": "thing", "id": 7},
    )
    assert "13800005678" not in str(shown)
    assert call(client, "get", "?waits_for_me=true", asker).json()["results"] == []
    assert len(call(client, "get", "?asked_by_me=true&state=waiting", asker).json()["results"]) == 1


def test_approving_needs_the_version_that_was_seen(
    client: Client, office: Office, asker: User, head: User
) -> None:
    row = asked(asker)
    seen = call(client, "get", f"{row.pk}/", head)
    assert seen["ETag"] == '"v1"'
    assert call(client, "post", f"{row.pk}/approve/", head, data={}).status_code == 428
    stale = call(client, "post", f"{row.pk}/approve/", head, data={}, headers={"If-Match": '"v9"'})
    assert stale.status_code == 412
    mine = {"headers": {"If-Match": seen["ETag"]}, "data": {"note": "同意"}}
    assert call(client, "post", f"{row.pk}/approve", asker, **mine).status_code == 403
    done = call(client, "post", f"{row.pk}/refuse", head, **mine)
    assert (done.status_code, done.json()["state"], done["ETag"]) == (200, "refused", '"v2"')
    assert call(client, "get", f"{2**63}/", head).status_code == 404
