"""Clocks of a department's call: only where a joint notice sets them, met, cancelled, run out and told."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from grids.demo import World
from grids.models import Posting
from kernel import clock
from kernel.deadlines import audit
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, NotAllowed, Refused
from kernel.journal.models import Entry
from kernel.notices import templates
from kernel.notices.models import OutboxMessage
from leads import departments, whistle_calls, whistles
from leads.departments import Card, Terms
from leads.models import DepartmentPolicy, Whistle
from leads.whistle_states import Answer
from tests.factories import leads as made
from tests.factories.leads import TUESDAY, let_clocks_fire, pass_time, take_any
from tests.factories.whistles import blown, call_of, contact, joint_notice

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def clocks_of(whistle: Whistle, code: str = "police", *, reminders: bool = False) -> dict[str, str]:
    rows = Deadline.objects.filter(subject_kind="whistle_call", subject_id=call_of(whistle, code).pk)
    return dict((rows if reminders else rows.filter(parent_kind="")).values_list("kind", "state"))


def told(whistle: Whistle, template: str) -> set[str]:
    rows = OutboxMessage.objects.filter(
        subject_kind="whistle", subject_id=whistle.pk, template=template, recipient__isnull=False
    )
    return set(rows.values_list("recipient__username", flat=True))


def answer(world: World, whistle: Whistle, said: Answer) -> None:
    whistle_calls.answer(whistle_id=whistle.pk, by=world.user("police"), expect=take_any, answer=said)


# --- only where a joint notice sets them -------------------------------------------------------------


def test_no_notice_no_clock(world: World) -> None:
    joint_notice(world, "police")
    whistle = blown(world, 1, ("police", "citymgmt"))
    assert clocks_of(whistle, reminders=True) == dict.fromkeys(
        ("whistle_answer", "whistle_answer_80", "whistle_on_site", "whistle_on_site_80"), "running"
    )
    assert clocks_of(whistle, "citymgmt") == {}
    call = call_of(whistle)
    assert call.answer_due_at == TUESDAY + 30 * MINUTE
    assert call.on_site_due_at == TUESDAY + 120 * MINUTE
    assert call.policy is not None
    assert call.policy.document_number == "肥政办发〔2026〕1号"


def test_one_limit_of_the_two(world: World) -> None:
    joint_notice(world, "police", answer=None, on_site=60)
    assert clocks_of(blown(world)) == {"whistle_on_site": "running"}


def test_the_newest_version_in_force_counts_and_running_clocks_keep_theirs(world: World) -> None:
    joint_notice(world)
    before = blown(world)
    bureau = world.user("bureau")
    later = Terms("肥政办发〔2026〕9号", 15, None, TUESDAY + timedelta(days=1))
    departments.add_policy(department=world.departments["police"], terms=later, by=bureau, at=clock.now())
    assert call_of(blown(world, 2)).answer_due_at == TUESDAY + 30 * MINUTE
    pass_time(timedelta(days=1), fire=False)
    after = call_of(blown(world, 3))
    assert after.answer_due_at == after.called_at + 15 * MINUTE
    assert after.on_site_due_at is None
    assert call_of(before).answer_due_at == TUESDAY + 30 * MINUTE
    ended = Terms("废止：肥政办发〔2026〕1号", None, None)
    departments.add_policy(department=world.departments["police"], terms=ended, by=bureau, at=clock.now())
    assert clocks_of(blown(world, 4)) == {}


def test_a_notice_in_force_is_never_changed(world: World) -> None:
    policy = joint_notice(world)
    with pytest.raises(IntegrityError), transaction.atomic():
        DepartmentPolicy.objects.filter(pk=policy.pk).update(answer_minutes=600)
    with connection.cursor() as cursor:
        cursor.execute("SELECT answer_minutes FROM leads_departmentpolicy WHERE id = %s", [policy.pk])
        assert cursor.fetchone() == (30,)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        (Terms("文", 0, None), "minutes_range"),
        (Terms("文", 30, 20000), "minutes_range"),
        (Terms("  ", 30, 120), "document_number"),
        (Terms("文", 30, 120, TUESDAY - timedelta(days=1)), "already_in_force"),
    ],
)
def test_what_no_notice_may_say(world: World, terms: Terms, code: str) -> None:
    with pytest.raises(Refused) as refused:
        departments.add_policy(
            department=world.departments["police"], terms=terms, by=world.user("bureau"), at=clock.now()
        )
    assert refused.value.code == code


def test_only_the_bureau_keeps_notices_and_contacts(world: World) -> None:
    for name in ("office-01", "police", "auditor", "leader", "worker-01-1"):
        by = world.user(name)
        with pytest.raises(NotAllowed):
            departments.add_policy(
                department=world.departments["police"], terms=Terms("文", 30, 120), by=by, at=clock.now()
            )
        with pytest.raises(NotAllowed):
            departments.keep_contact(
                department=world.departments["police"], card=Card("某", "13900000009"), by=by, at=clock.now()
            )
    contact(world, phone="13900000009")
    with pytest.raises(Conflict, match="已有这个手机号"):
        contact(world, phone="13900000009")
    with pytest.raises(Refused):
        contact(world, phone="1390000")
    [entry] = Entry.objects.filter(kind="department.contact_added")
    assert entry.data["phone"] == "139****0009"


# --- met and cancelled -----------------------------------------------------------------------------


def test_an_answer_meets_the_answer_clock_and_coming_meets_both(world: World) -> None:
    joint_notice(world)
    whistle = blown(world)
    answer(world, whistle, Answer.RECEIVED)
    assert clocks_of(whistle) == {"whistle_answer": "met", "whistle_on_site": "running"}
    whistle_calls.check_in(whistle_id=whistle.pk, by=world.user("police"), expect=take_any)
    assert clocks_of(whistle) == {"whistle_answer": "met", "whistle_on_site": "met"}
    straight = blown(world, 2)
    whistle_calls.check_in(whistle_id=straight.pk, by=world.user("police"), expect=take_any)
    assert clocks_of(straight) == {"whistle_answer": "met", "whistle_on_site": "met"}
    assert call_of(straight).answer == Answer.DISPATCHED


def test_not_ours_cancels_and_meets_nothing(world: World) -> None:
    joint_notice(world)
    whistle = blown(world)
    answer(world, whistle, Answer.NOT_OURS)
    assert set(clocks_of(whistle, reminders=True).values()) == {"cancelled"}


def test_closing_cancels_what_runs(world: World) -> None:
    joint_notice(world)
    whistle = blown(world)
    whistles.close(whistle_id=whistle.pk, by=world.worker(1), expect=take_any, note="已自行解决")
    assert set(clocks_of(whistle, reminders=True).values()) == {"cancelled"}


# --- 催办 ------------------------------------------------------------------------------------------


def test_at_80_percent_the_department_is_reminded(world: World) -> None:
    joint_notice(world)
    joint_notice(world, "fire")
    contact(world, "fire", "13900000001")
    contact(world, "fire", "13900000002", head=True)
    whistle = blown(world, 1, ("police", "fire"))
    pass_time(until=TUESDAY + 24 * MINUTE)
    caller = world.community_head_of(1).username
    assert told(whistle, "leads.whistle_answer_soon") == {"police", caller}, (
        "nobody of the brigade has an account"
    )
    [sms] = OutboxMessage.objects.filter(template="leads.whistle_answer_soon", sms_user=None, recipient=None)
    assert sms.phone_masked == "139****0001", "the head is spared until it is late"
    assert sms.params["due_at"] == (TUESDAY + 30 * MINUTE).astimezone(UTC).isoformat()
    assert templates.still_wanted(sms)
    link = call_of(whistle, "fire").links.latest("id")
    assert link.contact.phone == "13900000001"
    answer(world, whistle, Answer.DISPATCHED)
    pass_time(until=TUESDAY + 96 * MINUTE)
    assert told(whistle, "leads.whistle_on_site_soon") == {"police", caller}
    assert [fault.rule for fault in audit.faults()] == []


def test_who_has_answered_is_not_reminded(world: World) -> None:
    joint_notice(world)
    whistle = blown(world)
    answer(world, whistle, Answer.RECEIVED)
    assert clocks_of(whistle, reminders=True)["whistle_answer_80"] == "cancelled"
    whistle_calls.check_in(whistle_id=whistle.pk, by=world.user("police"), expect=take_any)
    pass_time(until=TUESDAY + 120 * MINUTE)
    assert told(whistle, "leads.whistle_answer_soon") | told(whistle, "leads.whistle_on_site_soon") == set()


def test_no_sms_to_a_head_whose_department_has_answered_meanwhile(world: World) -> None:
    joint_notice(world)
    contact(world, "police", "13900000002", head=True)
    whistle = blown(world)
    pass_time(until=TUESDAY + 31 * MINUTE)
    [sms] = OutboxMessage.objects.filter(template="leads.whistle_answer_late", recipient=None)
    assert templates.still_wanted(sms)
    answer(world, whistle, Answer.RECEIVED)
    assert not templates.still_wanted(sms)


# --- run out ---------------------------------------------------------------------------------------


def test_silence_is_told_to_the_head_the_subdistrict_and_the_caller(world: World) -> None:
    joint_notice(world)
    contact(world, "police", "13900000002", head=True, account="police-02")
    lead = made.reported(world, 1)
    whistle = blown(world, lead=lead)
    pass_time(until=TUESDAY + 30 * MINUTE)
    call = call_of(whistle)
    assert (call.answer_late, call.on_site_late, call.state) == (True, False, "called")
    street = world.subdistricts.index(world.communities[0].subdistrict) + 1
    caller = world.community_head_of(1).username
    assert told(whistle, "leads.whistle_answer_late") == {
        "police", "police-02", f"street-{street:02d}", caller,
    }  # fmt: skip
    [sms] = OutboxMessage.objects.filter(template="leads.whistle_answer_late", phone_masked="139****0002")
    assert sms.dedupe_key.startswith("event:")
    for stream in (whistle.stream, lead.stream):
        assert Entry.objects.filter(stream=stream, kind="clock.whistle_answer").count() == 1
    let_clocks_fire()
    assert OutboxMessage.objects.filter(template="leads.whistle_answer_late").count() == 5
    assert [fault.rule for fault in audit.faults()] == []


def test_not_on_site_in_time_is_told_as_well(world: World) -> None:
    joint_notice(world)
    whistle = blown(world)
    answer(world, whistle, Answer.DISPATCHED)
    pass_time(until=TUESDAY + 120 * MINUTE)
    call = call_of(whistle)
    assert (call.answer_late, call.on_site_late) == (False, True)
    assert world.community_head_of(1).username in told(whistle, "leads.whistle_on_site_late")
    whistle_calls.check_in(whistle_id=whistle.pk, by=world.user("police"), expect=take_any)
    assert call_of(whistle).on_site_late, "what was late stays late"


def test_without_a_subdistrict_the_bureau_is_told(world: World) -> None:
    joint_notice(world)
    Posting.objects.filter(role="SUBDISTRICT").update(ends_at=TUESDAY - timedelta(days=1))
    whistle = blown(world)
    pass_time(until=TUESDAY + 30 * MINUTE)
    assert "bureau" in told(whistle, "leads.whistle_answer_late")


def test_an_answer_after_its_time_is_late_whether_swept_or_not(world: World) -> None:
    """A clock that no sweep has fired yet is fired by the answer itself."""
    joint_notice(world)
    swept, unswept = blown(world, 1), blown(world, 2)
    pass_time(until=TUESDAY + 31 * MINUTE, fire=False)
    answer(world, unswept, Answer.RECEIVED)
    let_clocks_fire()
    answer(world, swept, Answer.RECEIVED)
    for whistle in (swept, unswept):
        assert call_of(whistle).answer_late
        assert clocks_of(whistle)["whistle_answer"] == "breached"
        assert Entry.objects.filter(stream=whistle.stream, kind="clock.whistle_answer").count() == 1


def test_declining_late_stays_late(world: World) -> None:
    joint_notice(world)
    whistle = blown(world)
    pass_time(until=TUESDAY + 31 * MINUTE)
    answer(world, whistle, Answer.NOT_OURS)
    call = call_of(whistle)
    assert (call.state, call.answer_late) == ("declined", True)


def test_many_at_once_are_counted_in_one_notice(world: World) -> None:
    """After downtime nobody is stormed; every event still has its row."""
    joint_notice(world)
    for _ in range(21):
        blown(world, 1)
    pass_time(until=TUESDAY + 30 * MINUTE)
    rows = OutboxMessage.objects.filter(recipient__username="police", template="leads.digest")
    [digest] = rows
    assert digest.params["count"] == 21
    assert len(digest.params["events"]) == 21
    assert [fault.rule for fault in audit.faults()] == []
