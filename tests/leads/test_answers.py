"""事事有回音: what a citizen is owed when his lead ends, how it is given, and what shows when it is not."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from grids.demo import World
from kernel import approvals, clock
from kernel.approvals.models import Approval
from kernel.deadlines.models import Deadline
from kernel.errors import Busy
from kernel.journal.models import Entry
from kernel.notices import telephones, templates
from kernel.notices.models import OutboxMessage
from leads import answers, identity, lifecycle, merging, rejection
from leads.acts import Act
from leads.intake import Told
from leads.models import Answer, AnswerAttempt, AnswerState, Lead, LeadReporter, Result, Survey, Way
from leads.models.choices import RejectReason
from tests.factories import citizens
from tests.factories import leads as made
from tests.factories.citizens import NAME, PHONE
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db


def call_body(**fields: Any) -> dict[str, Any]:
    return {"client_uid": str(uuid.uuid4()), "result": "reached", "note": "已告知", **fields}


def answer_clock(lead: Lead) -> Deadline:
    return Deadline.objects.get(subject_kind="lead", subject_id=lead.pk, kind="answer")


def answered(api: Api, world: World, lead: Lead) -> str | None:
    value: str | None = api.get(world.clerk_of(1), f"leads/{lead.pk}/").json()["answered"]
    return value


def kinds(lead: Lead) -> list[str]:
    return list(Entry.objects.filter(stream=lead.stream).order_by("seq").values_list("kind", flat=True))


def told_of(lead: Lead, template: str) -> set[str]:
    rows = OutboxMessage.objects.filter(subject_id=lead.pk, template=template, recipient__isnull=False)
    return set(rows.values_list("recipient__username", flat=True))


def test_closing_owes_an_answer_by_the_end_of_the_next_working_day(world: World, api: Api) -> None:
    lead = citizens.reported(world)
    assert answered(api, world, lead) is None
    lead = citizens.closed(world)
    owed = Answer.objects.get(lead=lead)
    assert (owed.state, owed.round, owed.answered_at, owed.way) == (AnswerState.OWED, 1, None, "")
    assert owed.due_at.astimezone(clock.SHANGHAI).isoformat() == "2026-03-12T00:00:00+08:00"
    assert answer_clock(lead).due_at == owed.due_at
    assert answered(api, world, lead) == "unanswered"
    assert "answer.owed" in kinds(lead)


def test_who_told_it_himself_owes_nobody_an_answer(world: World, api: Api) -> None:
    lead = made.closed(world)
    assert not Answer.objects.exists()
    assert not Survey.objects.exists()
    assert answered(api, world, lead) == "not_needed"
    assert not Deadline.objects.filter(kind="answer").exists()


def test_the_sms_says_what_was_done_and_nothing_of_the_shop(world: World) -> None:
    lead = citizens.closed(world, description="桃都面馆后厨有老鼠")
    message = citizens.sms(lead)
    opened = telephones.opened(message)
    assert opened.phone == PHONE
    text = templates.render_sms(message.template, opened.params)
    assert lead.number in text
    assert "已对经营者进行提醒指导" in text
    assert "/s/" in text
    assert "面馆" not in text
    assert "老鼠" not in text
    assert NAME not in text
    assert PHONE not in str(message.params)
    assert "/s/" not in str(message.params)
    assert AnswerAttempt.objects.get().result == Result.SENDING


def test_the_sms_counts_when_it_has_arrived(world: World, api: Api) -> None:
    lead = citizens.closed(world)
    assert answers.settle_sms() == 0
    citizens.deliver(lead)
    given = Answer.objects.get(lead=lead)
    assert (given.state, given.way) == (AnswerState.ANSWERED, Way.SMS)
    assert answer_clock(lead).state == Deadline.State.MET
    assert answered(api, world, lead) == "answered"
    assert answers.settle_sms() == 0
    assert kinds(lead).count("answer.sms_delivered") == 1


def test_an_sms_that_is_lost_asks_for_a_call(world: World, api: Api) -> None:
    lead = citizens.closed(world)
    citizens.lose(lead)
    assert AnswerAttempt.objects.get().result == Result.FAILED
    assert answered(api, world, lead) == "unanswered"
    assert told_of(lead, "leads.answer_call") == {world.clerk_of(1).username}
    citizens.lose(lead)
    assert kinds(lead).count("answer.sms_failed") == 1


def test_one_that_fails_stops_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sick, well = citizens.closed(world, 1), citizens.closed(world, 2)
    rows = OutboxMessage.objects.filter(pk__in=[citizens.sms(sick).pk, citizens.sms(well).pk])
    rows.update(state="delivered", delivered_at=clock.now(), sealed="")
    whole = answers.perform

    def failing(lead_id: int, by: None, work: Any) -> Any:
        if lead_id == sick.pk:
            raise Busy("系统正忙，请稍后再试。")
        return whole(lead_id, by, work)

    monkeypatch.setattr(answers, "perform", failing)
    assert answers.settle_sms() == 1
    assert Answer.objects.get(lead=well).state == "answered"
    monkeypatch.undo()
    assert answers.settle_sms() == 1
    assert Answer.objects.get(lead=sick).state == "answered"


def test_a_landline_is_called_from_the_beginning(world: World) -> None:
    lead = citizens.closed(world, phone="0538-3212345")
    assert not AnswerAttempt.objects.exists()
    assert told_of(lead, "leads.answer_call") == {world.clerk_of(1).username}
    assert Survey.objects.get(lead=lead).token_hash is None


def test_late_it_tells_clerk_and_head_once(world: World, api: Api) -> None:
    lead = citizens.closed(world)
    made.pass_time(until=answer_clock(lead).due_at)
    assert answer_clock(lead).state == Deadline.State.BREACHED
    assert told_of(lead, "leads.answer_late") == {world.clerk_of(1).username, world.head_of(1).username}
    assert "clock.answer" in kinds(lead)
    citizens.deliver(lead)
    assert answered(api, world, lead) == "answered"
    assert answer_clock(lead).state == Deadline.State.BREACHED


@pytest.mark.parametrize(
    ("result", "state"),
    [("reached", "answered"), ("refused", "answered"), ("not_reached", "owed")],
)
def test_a_call_is_entered(world: World, api: Api, result: str, state: str) -> None:
    lead = citizens.closed(world)
    sent = call_body(result=result, note=f"与{NAME}通话，电话 139-0538-1357")
    first = api.post(world.clerk_of(1), f"leads/{lead.pk}/answers/", sent)
    assert first.status_code == 201
    again = api.post(world.clerk_of(1), f"leads/{lead.pk}/answers/", sent)
    assert again.status_code == 200
    assert again.json() == first.json()
    (row,) = first.json()["answers"]
    assert row["state"] == state
    call = row["attempts"][1]
    assert (call["way"], call["result"], call["by"]["username"]) == (
        "call",
        result,
        world.clerk_of(1).username,
    )
    assert call["note"] == "与诸**通话，电话 139****1357"
    assert api.get(world.worker(1), f"leads/{lead.pk}/answers/").json() == first.json()
    other = api.post(world.clerk_of(1), f"leads/{lead.pk}/answers/", {**sent, "note": "别的"})
    assert (other.status_code, code_of(other)) == (409, "client_uid_conflict")
    assert AnswerAttempt.objects.filter(way=Way.CALL).count() == 1


def test_a_call_is_refused_where_nothing_is_owed(world: World, api: Api) -> None:
    path = "leads/{}/answers/"
    clerk = world.clerk_of(1)
    still_open = citizens.reported(world)
    assert code_of(api.post(clerk, path.format(still_open.pk), call_body())) == "nothing_owed"
    lead = citizens.closed(world)
    at = (clock.now() - timedelta(days=2)).isoformat()
    early = api.post(clerk, path.format(lead.pk), call_body(called_at=at))
    assert (early.status_code, code_of(early)) == (400, "called_at")
    assert api.post(clerk, path.format(lead.pk), call_body()).status_code == 201
    assert code_of(api.post(clerk, path.format(lead.pk), call_body())) == "already_answered"
    assert api.post(world.user("auditor"), path.format(lead.pk), call_body()).status_code == 403
    assert api.post(world.clerk_of(21), path.format(lead.pk), call_body()).status_code == 404
    assert api.post(clerk, path.format(lead.pk), call_body(result="delivered")).status_code == 400


def test_the_keeper_may_enter_a_call_though_he_sees_no_lead(world: World, api: Api) -> None:
    lead = citizens.closed(world)
    keeper = world.user("keeper")
    assert api.get(keeper, f"leads/{lead.pk}/answers/").status_code == 404
    assert api.post(keeper, f"leads/{lead.pk}/answers/", call_body()).status_code == 201


def test_taken_up_again_the_old_round_owes_nothing(world: World, api: Api) -> None:
    lead = citizens.closed(world)
    act = Act(lead, None, clock.now(), [])
    answers.cancel(act)
    assert Answer.objects.get(lead=lead).state == AnswerState.CANCELLED
    assert answer_clock(lead).state == Deadline.State.CANCELLED
    assert Survey.objects.get(lead=lead).voided_at is not None
    citizens.deliver(lead)
    assert Answer.objects.get(lead=lead).state == AnswerState.CANCELLED
    assert code_of(api.post(world.clerk_of(1), f"leads/{lead.pk}/answers/", call_body())) == "nothing_owed"


def test_an_sms_of_a_lead_taken_up_again_is_no_longer_wanted(world: World) -> None:
    lead = citizens.closed(world)
    assert templates.still_wanted(citizens.sms(lead))
    answers.cancel(Act(lead, None, clock.now(), []))
    assert not templates.still_wanted(citizens.sms(lead))


def test_the_list_is_filtered_by_what_was_answered(world: World, api: Api) -> None:
    heard, unheard, own = citizens.closed(world), citizens.closed(world), made.closed(world)
    still_open = citizens.reported(world)
    citizens.deliver(heard)

    def having(value: str) -> set[int]:
        rows = api.get(world.clerk_of(1), "leads/", answered=value).json()["results"]
        assert {row["answered"] for row in rows} == {value}
        return {row["id"] for row in rows}

    assert having("answered") == {heard.pk}
    assert having("unanswered") == {unheard.pk}
    assert having("not_needed") == {own.pk}
    assert still_open.pk not in having("unanswered")
    assert api.get(world.clerk_of(1), "leads/", answered="perhaps").status_code == 400


def test_begun_twice_it_owes_once(world: World) -> None:
    lead = citizens.closed(world)
    answers.begin(Act(lead, None, clock.now(), []))
    assert Answer.objects.count() == AnswerAttempt.objects.count() == Survey.objects.count() == 1


def test_a_tip_off_is_answered_by_the_office_and_never_surveyed(world: World) -> None:
    lead = made.closed(world)
    sealed = identity.seal(name=NAME, phone="0538-3212345")
    LeadReporter.objects.create(lead=lead, sealed=sealed)
    Lead.objects.filter(pk=lead.pk).update(told_by_citizen=True, restricted=True, restricted_section="FOOD")
    answers.begin(Act(Lead.objects.get(pk=lead.pk), None, clock.now(), []))
    assert Answer.objects.get(lead=lead).state == AnswerState.OWED
    assert not Survey.objects.exists()
    assert told_of(lead, "leads.answer_call") == {world.clerk_of(1).username}


def test_what_a_citizen_said_names_nobody(world: World) -> None:
    said = f"{NAME}反映，电话{PHONE}，桃都面馆（0538-3212345）后厨有老鼠"
    lead = made.told_by_office(world, told=Told(NAME, PHONE), description=said)
    assert lead.description == "诸**反映，电话139****1357，桃都面馆（0538-3212345）后厨有老鼠"


def test_who_told_a_merged_lead_hears_when_the_survivor_closes(world: World, api: Api) -> None:
    survivor = made.responded(world)
    lead = citizens.reported(world)
    owner, worker = world.commissioner(1), world.worker(1, 2)
    merging.merge(lead_id=lead.pk, by=owner, expect=made.take_any, into_id=survivor.pk, reason="同一家店")
    assert answers.answer_merged() == 0
    assert answered(api, world, lead) is None
    lifecycle.feed_back(lead_id=survivor.pk, by=owner, expect=made.take_any, outcome=made.GUIDED)
    lifecycle.verify(lead_id=survivor.pk, by=worker, expect=made.take_any)
    assert answers.answer_merged() == 1
    assert answers.answer_merged() == 0
    assert "提醒指导" in str(citizens.sms(lead).params)
    assert not Survey.objects.filter(lead=lead).exists()
    citizens.deliver(lead)
    assert answered(api, world, lead) == "answered"


def test_a_lead_taken_out_of_a_merge_owes_its_own_answer(world: World, api: Api) -> None:
    survivor = made.responded(world)
    lead = citizens.reported(world)
    merge: dict[str, Any] = {"by": world.commissioner(1), "expect": made.take_any, "reason": "同一家店"}
    merging.merge(lead_id=lead.pk, into_id=survivor.pk, **merge)
    lifecycle.feed_back(
        lead_id=survivor.pk, by=world.commissioner(1), expect=made.take_any, outcome=made.GUIDED
    )
    lifecycle.verify(lead_id=survivor.pk, by=world.worker(1, 2), expect=made.take_any)
    answers.answer_merged()
    citizens.deliver(lead)
    merging.unmerge(lead_id=lead.pk, **merge)
    assert Answer.objects.get(lead=lead).state == AnswerState.CANCELLED
    made.pass_time(timedelta(minutes=1))
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=made.take_any)
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=made.take_any, outcome=made.GUIDED)
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=made.take_any)
    assert answered(api, world, lead) == "unanswered"
    assert Deadline.objects.filter(subject_id=lead.pk, kind="answer", state="running").count() == 1
    citizens.deliver(lead)
    assert answered(api, world, lead) == "answered"


def test_who_is_turned_away_hears_of_it(world: World, api: Api) -> None:
    lead = citizens.reported(world)
    rejection.reject(
        lead_id=lead.pk,
        by=world.commissioner(1),
        expect=made.take_any,
        reason_kind=RejectReason.NOT_OURS,
        note="应由城管部门办理",
    )
    request = Approval.objects.get(subject_id=lead.pk)
    approvals.decide(approval_id=request.pk, by=world.worker(1), approve=True, expect=made.take_any)
    assert Lead.objects.get(pk=lead.pk).state == "rejected"
    assert answered(api, world, lead) == "unanswered"
    assert "不能由本单位办理" in str(citizens.sms(lead).params)
    assert not Survey.objects.exists()
