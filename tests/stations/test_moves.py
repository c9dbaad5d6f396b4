"""What becomes of a dispute: each move with its rights, row, clock, journal and repetition."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from grids.demo import World
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, DomainError, NotAllowed, NotVisible, Refused, StaleVersion
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from stations import escalating, official, settling, testing
from stations.models import (
    Dispute,
    FailReason,
    Outcome,
    RefusalGround,
    Testing,
    TestingKind,
    TierStay,
    WithdrawalReason,
    WordWay,
)
from stations.states import State, Tier
from tests.factories import stations as made
from tests.factories.leads import TUESDAY, pass_time, take_any
from tests.factories.stations import Place

pytestmark = pytest.mark.django_db
ALL = frozenset(official.CONDITIONS)


def live(row: Dispute) -> dict[str, Deadline]:
    """The main clocks that run."""
    rows = Deadline.objects.filter(
        subject_kind="dispute", subject_id=row.pk, parent_kind="", state__in=["running", "paused"]
    )
    return {one.kind: one for one in rows}


def journal_of(row: Dispute) -> list[str]:
    return list(Entry.objects.filter(stream=row.stream).order_by("seq").values_list("kind", flat=True))


def told(row: Dispute, template: str) -> set[int | None]:
    found = OutboxMessage.objects.filter(subject_kind="dispute", subject_id=row.pk, template=template)
    return set(found.values_list("recipient_id", flat=True))


def code_of(refused: pytest.ExceptionInfo[DomainError]) -> str:
    return refused.value.code


def stale(version: int) -> None:
    raise StaleVersion("内容已有变化。")


# --- settle ----------------------------------------------------------------------------------------


def test_settled_on_the_spot_in_one_tap(around: Place) -> None:
    row = made.taken(around)
    before = row.version
    done = settling.settle(dispute_id=row.pk, by=around.mediator, expect=take_any, note="当场退款")
    assert (done.state, done.outcome, done.version) == (State.SETTLED, Outcome.ON_THE_SPOT, before + 1)
    assert done.ended_by == around.mediator
    assert done.ended_at is not None
    assert done.due_at is None
    assert live(row) == {}
    assert journal_of(row)[-2:] == ["dispute.on_the_spot", "survey.asked"]
    again = settling.settle(dispute_id=row.pk, by=around.mediator, expect=stale, note="当场退款")
    assert again.version == done.version, "a repeated request looks at no version"


def test_the_next_day_it_is_settled_but_not_on_the_spot(around: Place) -> None:
    row = made.taken(around)
    pass_time(timedelta(hours=15))
    done = settling.settle(dispute_id=row.pk, by=around.mediator, expect=take_any)
    assert done.outcome == Outcome.SETTLED


def test_in_the_circle_it_is_never_on_the_spot(around: Place) -> None:
    row = made.in_circle(around)
    assert around.circle_mediator is not None
    done = settling.settle(dispute_id=row.pk, by=around.circle_mediator, expect=take_any)
    assert (done.outcome, done.tier) == (Outcome.SETTLED, Tier.CIRCLE)


def test_who_does_not_handle_it_moves_nothing(around: Place, world: World) -> None:
    row = made.in_circle(around)
    with pytest.raises(NotAllowed) as refused:
        settling.settle(dispute_id=row.pk, by=around.again(around.mediator), expect=take_any)
    assert code_of(refused) == "not_handler", "it lies with the circle now; who took it still sees it"
    other = made.place(world, 9)
    with pytest.raises(NotVisible):
        settling.settle(dispute_id=row.pk, by=other.mediator, expect=take_any)
    with pytest.raises(NotVisible):
        settling.settle(dispute_id=row.pk, by=world.worker(1), expect=take_any)
    auditor = world.user("auditor")
    with pytest.raises(NotAllowed):
        settling.settle(dispute_id=row.pk, by=auditor, expect=take_any)


def test_a_stale_page_moves_nothing(around: Place) -> None:
    row = made.taken(around)
    with pytest.raises(StaleVersion):
        settling.settle(dispute_id=row.pk, by=around.mediator, expect=stale)
    row.refresh_from_db()
    assert row.state == State.NEGOTIATING


# --- up --------------------------------------------------------------------------------------------


def test_up_through_the_tiers_each_with_its_clock_and_its_people(around: Place) -> None:
    row = made.taken(around)
    assert list(live(row)) == ["shop"]
    row = escalating.escalate(
        dispute_id=row.pk, by=around.mediator, expect=take_any, note="消费者请求商圈调解"
    )
    assert (row.tier, row.state, row.station) == (Tier.CIRCLE, State.MEDIATING, around.circle)
    assert list(live(row)) == ["circle"]
    again = escalating.escalate(
        dispute_id=row.pk, by=around.again(around.mediator), expect=stale, note="消费者请求商圈调解"
    )
    assert again.version == row.version, "a phone that lost the answer may ask again"
    assert row.due_at == TUESDAY + timedelta(days=3) == live(row)["circle"].due_at
    assert around.circle_mediator is not None
    assert told(row, "stations.entered") == {around.circle_mediator.pk}
    row = escalating.escalate(
        dispute_id=row.pk, by=around.circle_mediator, expect=take_any, note="双方请求社区调解"
    )
    assert (row.tier, row.station) == (Tier.COMMUNITY, around.station)
    assert row.due_at == TUESDAY + timedelta(days=7)
    assert [(one.tier, one.why, one.until is None) for one in row.stays.all()] == [
        ("SHOP", "TAKEN", False),
        ("CIRCLE", "ASKED", False),
        ("COMMUNITY", "ASKED", True),
    ]
    with pytest.raises(Conflict) as refused:
        escalating.escalate(dispute_id=row.pk, by=around.again(around.mediator), expect=take_any, note="再上")
    assert code_of(refused) == "highest_tier", "to the office leads only the consumer's word"


def test_a_shop_of_no_circle_goes_to_the_community_at_once(world: World) -> None:
    around = made.place(world, 2)
    row = escalating.escalate(
        dispute_id=made.taken(around).pk, by=around.mediator, expect=take_any, note="店家请求"
    )
    assert row.tier == Tier.COMMUNITY


def test_up_needs_to_say_who_asked(around: Place) -> None:
    with pytest.raises(Refused):
        escalating.escalate(dispute_id=made.taken(around).pk, by=around.mediator, expect=take_any, note="  ")


def test_the_clocks_hand_it_up_by_themselves(around: Place) -> None:
    row = made.taken(around)
    pass_time(timedelta(hours=24, seconds=1))
    row.refresh_from_db()
    assert (row.tier, row.state) == (Tier.CIRCLE, State.MEDIATING)
    pass_time(timedelta(days=3, seconds=1))
    row.refresh_from_db()
    assert row.tier == Tier.COMMUNITY
    assert list(live(row)) == ["community"]
    why = list(row.stays.values_list("why", flat=True))
    assert why == ["TAKEN", "TIME_OUT", "TIME_OUT"]
    pass_time(timedelta(days=7, seconds=1))
    row.refresh_from_db()
    assert (row.state, row.outcome, row.fail_reason) == (
        State.NOT_REACHED,
        Outcome.NOT_REACHED,
        FailReason.TIME_OUT,
    )
    assert row.ended_by is None
    assert live(row) == {}
    assert row.tier == Tier.COMMUNITY, "without the consumer's word nothing goes to the office"


def test_at_80_per_cent_the_handlers_are_reminded(around: Place) -> None:
    row = made.taken(around)
    pass_time(timedelta(hours=19, minutes=13))
    assert told(row, "stations.shop_80") == {around.mediator.pk}


def test_with_the_word_given_before_it_goes_to_the_office_when_time_is_over(around: Place) -> None:
    row = made.in_community(around, wants_official=True)
    pass_time(timedelta(days=7, seconds=1))
    row.refresh_from_db()
    assert (row.state, row.tier) == (State.FILED, Tier.OFFICIAL)
    assert list(live(row)) == ["accept"]
    assert told(row, "stations.filed") == {around.clerk.pk}


# --- fail, withdraw --------------------------------------------------------------------------------


def test_either_may_stop_and_nothing_is_scored(around: Place) -> None:
    row = made.taken(around)
    done = settling.fail(
        dispute_id=row.pk, by=around.mediator, expect=take_any, reason=FailReason.SHOP_UNWILLING
    )
    assert (done.state, done.fail_reason) == (State.NOT_REACHED, FailReason.SHOP_UNWILLING)
    assert not around.shop.facts.exclude(kind="LICENCE").exists()
    assert OutboxMessage.objects.filter(template="stations.to_consumer_not_reached_survey").count() == 1


def test_only_the_clock_says_that_time_is_over(around: Place) -> None:
    row = made.taken(around)
    with pytest.raises(Refused):
        settling.fail(dispute_id=row.pk, by=around.mediator, expect=take_any, reason=FailReason.TIME_OUT)


def test_a_failure_with_the_word_goes_on_to_the_office(around: Place) -> None:
    row = made.taken(around, wants_official=True)
    done = settling.fail(
        dispute_id=row.pk, by=around.mediator, expect=take_any, reason=FailReason.NO_AGREEMENT
    )
    assert (done.state, done.tier, done.outcome) == (State.FILED, Tier.OFFICIAL, "")
    again = settling.fail(
        dispute_id=row.pk, by=around.again(around.mediator), expect=stale, reason=FailReason.NO_AGREEMENT
    )
    assert again.version == done.version, "a phone that lost the answer may ask again"


def test_withdrawn(around: Place) -> None:
    row = made.agreed(around)
    done = settling.withdraw(
        dispute_id=row.pk,
        by=around.again(around.mediator),
        expect=take_any,
        reason=WithdrawalReason.SOLVED,
        note="已私下解决",
    )
    assert (done.state, done.withdrawal_reason) == (State.WITHDRAWN, WithdrawalReason.SOLVED)
    assert done.agreements.get().state == "voided"
    assert live(done) == {}
    with pytest.raises(Conflict):
        settling.settle(dispute_id=row.pk, by=around.again(around.mediator), expect=take_any)


def test_what_people_write_holds_no_name_and_no_number(around: Place) -> None:
    row = made.taken(around)
    done = settling.fail(
        dispute_id=row.pk,
        by=around.mediator,
        expect=take_any,
        reason=FailReason.NO_AGREEMENT,
        note=f"{made.NAME}不接受，电话{made.PHONE}",
    )
    assert made.NAME not in done.end_note
    assert made.PHONE not in done.end_note
    data = "".join(str(one.data) for one in Entry.objects.filter(stream=row.stream))
    assert made.NAME not in data
    assert made.PHONE not in data


# --- the office ------------------------------------------------------------------------------------


def test_only_by_the_consumers_word(around: Place) -> None:
    row = made.taken(around)
    done = official.to_official(
        dispute_id=row.pk, by=around.mediator, expect=take_any, way=WordWay.TELEPHONE, note="来电要求"
    )
    assert (done.state, done.tier, done.word_at) == (State.FILED, Tier.OFFICIAL, TUESDAY)
    assert done.word.entered_by == around.mediator
    again = official.to_official(
        dispute_id=row.pk,
        by=around.again(around.mediator),
        expect=stale,
        way=WordWay.TELEPHONE,
        note="来电要求",
    )
    assert again.version == done.version


def test_seven_working_days_from_filing(around: Place) -> None:
    row = made.filed(around)
    assert live(row)["accept"].due_at == row.due_at == made.moment(20, 0), "11–13, 16–19 March"


def test_the_database_knows_no_way_to_the_office_without_the_word(around: Place) -> None:
    row = made.taken(around)
    with pytest.raises(IntegrityError), transaction.atomic():
        Dispute.objects.filter(pk=row.pk).update(tier="OFFICIAL", state="filed")
    with pytest.raises(IntegrityError, match="official_needs_word"):
        _send_without_word(row)


def _send_without_word(row: Dispute) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        Dispute.objects.filter(pk=row.pk).update(
            tier="OFFICIAL", state="filed", word_at=TUESDAY, filed_at=TUESDAY
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_station_neither_accepts_nor_refuses(around: Place) -> None:
    row = made.filed(around)
    for act in (
        lambda by: official.accept(dispute_id=row.pk, by=by, expect=take_any, conditions=ALL),
        lambda by: official.refuse(
            dispute_id=row.pk, by=by, expect=take_any, ground=RefusalGround.NOT_COMPETENT
        ),
    ):
        with pytest.raises(NotAllowed) as refused:
            act(around.again(around.mediator))
        assert code_of(refused) == "not_office"


def test_accepted_on_every_legal_condition(around: Place) -> None:
    row = made.filed(around)
    with pytest.raises(Refused) as refused:
        official.accept(dispute_id=row.pk, by=around.clerk, expect=take_any, conditions=ALL - {"in_time"})
    assert code_of(refused) == "conditions"
    assert "三年" in refused.value.detail
    done = official.accept(dispute_id=row.pk, by=around.clerk, expect=take_any, conditions=ALL)
    assert (done.state, done.decided_by) == (State.ACCEPTED, around.clerk)
    assert done.mediation_policy == 1, "March 2026: Order 20 still rules"
    accept = Deadline.objects.get(subject_kind="dispute", subject_id=row.pk, kind="accept")
    assert accept.state == "met"
    assert list(live(done)) == ["mediation"]
    assert OutboxMessage.objects.filter(template="stations.to_consumer_accepted").count() == 1


@pytest.mark.parametrize(
    ("accepted_on", "version", "ends"),
    [
        (date(2026, 4, 14), 1, made.moment(19, 0, month=6)),
        (date(2026, 4, 15), 2, made.moment(15, 0, month=6)),
    ],
)
def test_the_version_of_acceptance_rules(
    around: Place, accepted_on: date, version: int, ends: object
) -> None:
    from tests.factories.leads import stand_at

    stand_at(made.moment(accepted_on.day, month=accepted_on.month))
    done = made.accepted(around)
    assert (done.mediation_policy, done.due_at) == (version, ends)


def test_refused_by_the_list(around: Place) -> None:
    row = made.filed(around)
    with pytest.raises(Refused):
        official.refuse(dispute_id=row.pk, by=around.clerk, expect=take_any, ground=RefusalGround.OTHER_LAW)
    done = official.refuse(
        dispute_id=row.pk, by=around.clerk, expect=take_any, ground=RefusalGround.THREE_YEARS
    )
    assert (done.state, done.outcome, done.refusal_ground) == ("refused", "REFUSED", "THREE_YEARS")
    sms = OutboxMessage.objects.get(template="stations.to_consumer_refused")
    assert sms.params["ground"] == RefusalGround.THREE_YEARS.label
    again = official.refuse(
        dispute_id=row.pk, by=around.again(around.clerk), expect=stale, ground=RefusalGround.THREE_YEARS
    )
    assert again.version == done.version


def test_a_late_decision_stays_owed_and_is_told(around: Place) -> None:
    row = made.filed(around)
    pass_time(timedelta(days=11))
    row.refresh_from_db()
    assert row.state == State.FILED
    people = told(row, "stations.accept_late")
    assert {around.section.pk, around.community_head.pk} <= people
    done = official.accept(dispute_id=row.pk, by=around.clerk, expect=take_any, conditions=ALL)
    assert done.state == State.ACCEPTED
    late = Deadline.objects.get(subject_kind="dispute", subject_id=row.pk, kind="accept")
    assert late.state == "breached", "what was late stays late"


def test_official_mediation_ends_with_its_limit(around: Place) -> None:
    from tests.factories.leads import stand_at

    stand_at(made.moment(20, month=5))
    row = made.accepted(around)
    assert row.due_at == made.moment(20, 0, month=7)
    pass_time(timedelta(days=61))
    row.refresh_from_db()
    assert (row.state, row.fail_reason, row.tier) == (State.NOT_REACHED, "TIME_OUT", "OFFICIAL")


# --- testing ---------------------------------------------------------------------------------------


def test_testing_does_not_count(around: Place) -> None:
    from tests.factories.leads import stand_at

    stand_at(made.moment(20, month=5))
    row = made.accepted(around)
    due_at = row.due_at
    assert due_at is not None
    testing.begin_testing(
        dispute_id=row.pk,
        by=around.again(around.clerk),
        expect=take_any,
        kind=TestingKind.APPRAISAL,
        institution="市纤维检验所",
    )
    row.refresh_from_db()
    assert row.due_at is None
    assert live(row)["mediation"].state == "paused"
    with pytest.raises(Conflict):
        testing.begin_testing(
            dispute_id=row.pk,
            by=around.again(around.clerk),
            expect=take_any,
            kind=TestingKind.APPRAISAL,
            institution="另一家",
        )
    pass_time(timedelta(days=90))
    row.refresh_from_db()
    assert row.state == State.ACCEPTED, "however long it takes"
    testing.end_testing(
        dispute_id=row.pk, by=around.again(around.clerk), expect=take_any, result="面料缩水率超标"
    )
    row.refresh_from_db()
    assert row.due_at == due_at + timedelta(days=90) == live(row)["mediation"].due_at
    assert live(row)["mediation"].state == "running"
    assert Testing.objects.get(dispute=row).until is not None


def test_only_an_accepted_one_is_tested(around: Place) -> None:
    row = made.filed(around)
    with pytest.raises(Conflict):
        testing.begin_testing(
            dispute_id=row.pk,
            by=around.clerk,
            expect=take_any,
            kind=TestingKind.INSPECTION,
            institution="检验所",
        )


# --- the consumer may still go to the office ------------------------------------------------------


def test_after_a_failure_the_consumer_may_still_say_so(around: Place) -> None:
    row = made.not_reached(around)
    done = official.to_official(
        dispute_id=row.pk, by=around.again(around.mediator), expect=take_any, way=WordWay.IN_PERSON
    )
    assert (done.state, done.outcome, done.ended_at, done.fail_reason) == ("filed", "", None, "")
    assert TierStay.objects.filter(dispute=row, until__isnull=True).count() == 1
    assert Decimal(row.amount or 0) == Decimal("399.00")
