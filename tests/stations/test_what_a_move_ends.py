"""What one move does to the rest: testing, pauses, appointments, the consumer's word, who sees it then."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from grids.demo import World
from kernel.deadlines.models import Deadline, Segment
from kernel.errors import Conflict, NotAllowed, StaleVersion
from kernel.notices import templates
from kernel.notices.models import OutboxMessage
from stations import (
    agreements,
    escalating,
    lead_made,
    official,
    sessions,
    settling,
    testing,
)
from stations.agreements import Word
from stations.lead_made import Hint
from stations.models import (
    Dispute,
    RefusalGround,
    Session,
    Testing,
    TestingKind,
    TierStay,
    WithdrawalReason,
    WordWay,
)
from stations.sessions import Appointment
from stations.states import State, Tier
from tests.factories import stations as made
from tests.factories.leads import TUESDAY, pass_time, take_any
from tests.factories.stations import NAME, PHONE, Place

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def stale(version: int) -> None:
    raise StaleVersion("内容已有变化。")


def clocks_of(row: Dispute) -> dict[str, Deadline]:
    rows = Deadline.objects.filter(subject_kind="dispute", subject_id=row.pk)
    return {one.kind: one for one in rows.filter(state__in=["running", "paused"])}


def in_laboratory(around: Place) -> Dispute:
    """Accepted, and its goods are with a laboratory."""
    row = made.accepted(around)
    testing.begin_testing(
        dispute_id=row.pk,
        by=around.again(around.clerk),
        expect=take_any,
        kind=TestingKind.DETECTION,
        institution=f"检测中心（送检人{NAME}）",
    )
    row.refresh_from_db()
    return row


def pauses_open(row: Dispute) -> int:
    rows = Segment.objects.filter(deadline__subject_kind="dispute", deadline__subject_id=row.pk)
    return rows.filter(resumed_at__isnull=True).count()


# --- testing ---------------------------------------------------------------------------------------


def test_an_agreement_ends_the_testing_and_its_pause(around: Place) -> None:
    row = in_laboratory(around)
    assert NAME not in Testing.objects.get().institution
    assert (row.due_at, pauses_open(row)) == (None, 2), "the clock and its warning stand still"
    pass_time(2 * DAY)
    made.sign(around, row, by=around.clerk)
    row.refresh_from_db()
    assert Testing.objects.get().until == TUESDAY + 2 * DAY
    assert pauses_open(row) == 0
    assert list(clocks_of(row)) == ["perform"]
    assert row.due_at == clocks_of(row)["perform"].due_at
    with pytest.raises(Conflict) as refused:
        testing.end_testing(dispute_id=row.pk, by=around.again(around.clerk), expect=take_any, result="合格")
    assert refused.value.code == "not_testing"


def test_withdrawing_ends_the_testing_and_its_pause(around: Place) -> None:
    row = in_laboratory(around)
    settling.withdraw(
        dispute_id=row.pk,
        by=around.again(around.clerk),
        expect=take_any,
        reason=WithdrawalReason.SOLVED,
    )
    assert (pauses_open(row), clocks_of(row)) == (0, {})
    assert Testing.objects.get().until is not None


def test_a_platforms_limit_that_passed_during_testing_ends_nothing(around: Place) -> None:
    row = made.accepted(around)
    Dispute.objects.filter(pk=row.pk).update(their_due_at=TUESDAY + 3 * DAY)
    clerk = around.again(around.clerk)
    testing.begin_testing(
        dispute_id=row.pk, by=clerk, expect=take_any, kind=TestingKind.DETECTION, institution="检测中心"
    )
    before = Deadline.objects.get(subject_id=row.pk, subject_kind="dispute", kind="mediation").due_at
    pass_time(10 * DAY)
    testing.end_testing(dispute_id=row.pk, by=around.again(around.clerk), expect=take_any, result="合格")
    pass_time(HOUR)
    row.refresh_from_db()
    assert (row.state, row.due_at) == (State.ACCEPTED, before + 10 * DAY)


def test_a_result_entered_late_moves_clock_and_warning_alike(around: Place) -> None:
    row = in_laboratory(around)
    held = {one.kind: one.due_at for one in Deadline.objects.filter(subject_id=row.pk, state="paused")}
    pass_time(10 * DAY)
    testing.end_testing(
        dispute_id=row.pk,
        by=around.again(around.clerk),
        expect=take_any,
        result="合格",
        ended_at=TUESDAY + 4 * DAY,
    )
    now = {kind: one.due_at for kind, one in clocks_of(row).items()}
    assert now == {kind: due_at + 4 * DAY for kind, due_at in held.items()}


# --- appointments ----------------------------------------------------------------------------------


def test_who_no_longer_handles_it_holds_no_appointment(around: Place) -> None:
    row = made.taken(around)
    booked = sessions.book(
        dispute_id=row.pk,
        by=around.mediator,
        expect=take_any,
        given=Appointment(
            client_uid=uuid.uuid4(),
            mediator_id=around.mediator.pk,
            place=Session.Place.STATION,
            starts_at=TUESDAY + 30 * HOUR,
            ends_at=TUESDAY + 31 * HOUR,
        ),
    )
    pass_time(DAY + HOUR)
    booked.refresh_from_db()
    assert (booked.state, booked.cancelled_why) == (Session.State.CANCELLED, "纠纷已转商圈调解")


# --- the consumer's word ---------------------------------------------------------------------------


def broken(around: Place, row: Dispute, word: Word | None) -> Dispute:
    pass_time(DAY)
    return agreements.perform(
        dispute_id=row.pk,
        by=around.again(around.mediator),
        expect=take_any,
        performed=False,
        note="没有退款",
        to_official=word,
    )


def test_broken_in_the_shop_the_consumer_may_have_it_go_to_the_office_at_once(around: Place) -> None:
    row = broken(around, made.agreed(around, perform_by=TUESDAY.date()), Word(WordWay.TELEPHONE))
    assert (row.state, row.tier, row.word.way) == (State.FILED, Tier.OFFICIAL, WordWay.TELEPHONE)
    row.refresh_from_db()
    assert row.word_at is not None


def test_a_word_without_an_office_is_kept_whole(around: Place) -> None:
    row = made.in_community(around)
    Dispute.objects.filter(pk=row.pk).update(office=None)
    made.sign(around, row, perform_by=TUESDAY.date())
    row = broken(around, row, Word(WordWay.IN_PERSON))
    row.refresh_from_db()
    assert (row.state, row.word_at) == (State.NOT_REACHED, row.word.said_at)


def test_a_word_that_waited_and_one_that_is_said_now_are_one_request(around: Place) -> None:
    row = made.taken(around, wants_official=True)
    said: dict[str, Any] = {"dispute_id": row.pk, "way": WordWay.TELEPHONE}
    first = official.to_official(by=around.mediator, expect=take_any, **said)
    again = official.to_official(by=around.again(around.mediator), expect=stale, **said)
    assert (again.state, again.version) == (State.FILED, first.version)
    with pytest.raises(NotAllowed):
        official.to_official(by=around.again(around.community_head), expect=take_any, **said)


# --- repeated, seen, told --------------------------------------------------------------------------


def test_the_same_words_with_the_present_version_ask_for_the_next_tier(around: Place) -> None:
    """The community's head handles circle and community alike, and writes what he always writes."""
    row = made.taken(around)
    asked: dict[str, Any] = {"dispute_id": row.pk, "note": "双方请求转上一级"}
    up = escalating.escalate(by=around.again(around.community_head), expect=take_any, **asked)
    assert up.tier == Tier.CIRCLE
    again = escalating.escalate(by=around.again(around.community_head), expect=stale, **asked)
    assert (again.tier, again.version) == (Tier.CIRCLE, up.version)
    up = escalating.escalate(by=around.again(around.community_head), expect=take_any, **asked)
    assert up.tier == Tier.COMMUNITY


def test_a_community_goes_on_seeing_what_its_station_had(around: Place, world: World) -> None:
    row = made.taken(around)
    elsewhere = made.place(world, 12)
    assert elsewhere.community_head != around.community_head
    heads = [around.again(around.community_head), around.again(elsewhere.community_head)]
    seen = [Dispute.objects.visible_to(head).filter(pk=row.pk).exists() for head in heads]
    assert seen == [True, False]
    TierStay.objects.filter(dispute=row).update(until=TUESDAY)
    Dispute.objects.filter(pk=row.pk).update(station=elsewhere.station, taken_station=elsewhere.station)
    seen = [Dispute.objects.visible_to(head).filter(pk=row.pk).exists() for head in heads]
    assert seen == [True, True]


def test_a_lead_is_given_back_though_the_dispute_has_gone_on(around: Place) -> None:
    row = made.taken(around)
    hint = Hint(client_uid=uuid.uuid4(), category="P02", description="标价与结算价不一致")
    first, new = lead_made.make_lead(dispute_id=row.pk, by=around.mediator, given=hint)
    escalating.escalate(
        dispute_id=row.pk, by=around.again(around.mediator), expect=take_any, note="消费者请求"
    )
    again = lead_made.make_lead(dispute_id=row.pk, by=around.again(around.mediator), given=hint)
    assert (new, again) == (True, (first, False))
    other = Hint(client_uid=uuid.uuid4(), category="P02", description="又一处")
    with pytest.raises(NotAllowed):
        lead_made.make_lead(dispute_id=row.pk, by=around.again(around.mediator), given=other)


def test_a_refusal_tells_the_ground_and_nothing_of_the_consumer(around: Place) -> None:
    row = made.filed(around)
    official.refuse(
        dispute_id=row.pk,
        by=around.again(around.clerk),
        expect=take_any,
        ground=RefusalGround.NO_MATERIAL,
        note=f"经电话{PHONE}联系{NAME}，其未能提供小票。" + "材料不全" * 40,
    )
    sent = OutboxMessage.objects.get(template="stations.to_consumer_refused")
    assert NAME not in str(sent.params)
    assert PHONE not in str(sent.params)
    words = templates.render_sms(sent.template, sent.params)
    assert "（经电话139****1357联系诸**，其未能提供小票。" in words
    assert words.endswith("…）。对处理不服的，可以依法申请行政复议或者提起行政诉讼。")
    assert len(words) < 180


def test_settled_at_once_nobody_is_told_to_wait_for_a_call(around: Place, settings: object) -> None:
    for name in ("BASE_URL", "KEY", "SECRET"):
        setattr(settings, f"SUOSHE_SMS_{name}", "http://127.0.0.1:9/")
    made.settled(around)
    wanted = {
        one.template: templates.still_wanted(one) for one in OutboxMessage.objects.filter(sealed__gt="")
    }
    assert wanted.pop("stations.to_consumer_taken") is False
    assert list(wanted.values()) == [True]


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"tier": Tier.COMMUNITY}, "stations_dispute_on_the_spot_in_the_shop"),
        ({"state": State.PERFORMED, "outcome": "PERFORMED"}, "stations_dispute_agreed_when_said"),
    ],
)
def test_the_database_knows_what_an_end_needs(around: Place, columns: dict[str, str], rule: str) -> None:
    row = made.settled(around)
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        Dispute.objects.filter(pk=row.pk).update(**columns)
