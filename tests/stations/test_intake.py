"""登记纠纷 at a counter and by telephone: one page, one clock, one notice, once."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from grids import access
from grids.models import Posting
from kernel import clock
from kernel.accounts.models import User
from kernel.deadlines import audit
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, DomainError, NotAllowed
from kernel.evidence.access import may_upload
from kernel.evidence.models import Evidence
from kernel.journal.models import Entry
from kernel.notices import templates
from kernel.notices.models import OutboxMessage
from stations import files, intake
from stations.models import ConsumerWord, Dispute, Outcome, Source, TierStay, WordWay
from stations.states import State, Tier
from tests.factories import stations as made
from tests.factories.house import keep_photo
from tests.factories.leads import pass_time
from tests.factories.stations import Place

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def take(around: Place, by: User | None = None, **fields: Any) -> intake.Taken:
    given = made.given(around, **fields)
    return intake.take(given, by=around.again(by or around.mediator), source=Source.COUNTER)


def refused(around: Place, **fields: Any) -> DomainError:
    with pytest.raises(DomainError) as caught:
        take(around, station_code=around.station.code, **fields)
    return caught.value


# --- what is written -------------------------------------------------------------------------------


def test_one_page_makes_row_stay_clock_and_journal(around: Place) -> None:
    row = made.taken(around, claims=("REFUND", "COMPENSATION", "REFUND"))
    assert (row.state, row.tier, row.cycle, row.version) == (State.NEGOTIATING, Tier.SHOP, 1, 1)
    assert row.number == f"JF20260310-{row.pk:06d}"
    assert (row.station, row.taken_station, row.circle) == (around.station, around.station, around.circle)
    assert row.office == around.world.office_of(1)
    assert (row.entity_name, row.claims) == (around.shop.name, ["REFUND", "COMPENSATION"])
    assert row.due_at == row.registered_at + 24 * HOUR
    clocks = Deadline.objects.filter(subject_kind="dispute", subject_id=row.pk).order_by("kind")
    assert [(one.kind, one.due_at - row.registered_at) for one in clocks] == [
        ("shop", 24 * HOUR),
        ("shop_80", timedelta(minutes=1152)),
    ]
    stay = TierStay.objects.get(dispute=row)
    assert (stay.tier, stay.why, stay.by, stay.until) == (Tier.SHOP, "TAKEN", around.mediator, None)
    entry = Entry.objects.get(stream=row.stream)
    assert (entry.kind, entry.data["station"]) == ("dispute.taken", around.station.code)
    assert not ConsumerWord.objects.filter(dispute=row).exists()


def test_at_the_counter_nobody_is_told_and_the_station_is_the_takers_own(around: Place) -> None:
    row = take(around).dispute
    assert row.taken_station == around.station
    assert not OutboxMessage.objects.filter(subject_kind="dispute", subject_id=row.pk).exists()


def test_the_word_said_at_intake_waits(around: Place) -> None:
    row = made.taken(around, wants_official=True, source=Source.TELEPHONE)
    assert (row.state, row.word_at, row.filed_at) == (State.NEGOTIATING, row.registered_at, None)
    word = ConsumerWord.objects.get(dispute=row)
    assert (word.way, word.entered_by) == (WordWay.TELEPHONE, around.mediator)


def test_settled_at_once_is_one_tap(around: Place) -> None:
    row = made.settled(around)
    assert (row.state, row.outcome, row.due_at) == (State.SETTLED, Outcome.ON_THE_SPOT, None)
    assert row.ended_by == around.mediator
    live = Deadline.objects.filter(subject_kind="dispute", subject_id=row.pk, state="running")
    assert not live.exists()
    assert TierStay.objects.get(dispute=row).until == row.ended_at
    with pytest.raises(NotAllowed) as caught:
        take(around, around.clerk, station_code=around.station.code, settled_at_once=True)
    assert caught.value.code == "not_handler"


def test_the_consumers_gets_number_and_telephone_by_sms(around: Place, settings: Any) -> None:
    settings.SUOSHE_SMS_BASE_URL, settings.SUOSHE_SMS_KEY = "https://sms.example", "k"
    settings.SUOSHE_SMS_SECRET = "s"
    row = made.taken(around)
    message = OutboxMessage.objects.get(subject_kind="dispute", subject_id=row.pk)
    assert message.phone_masked == "139****1357"
    said = templates.render_sms(message.template, message.params)
    assert row.number in said
    assert around.station.name in said
    assert made.TELEPHONE in said
    landline = made.taken(around, phone="0538-3217788")
    assert not OutboxMessage.objects.filter(subject_kind="dispute", subject_id=landline.pk).exists()


# --- once ------------------------------------------------------------------------------------------


def test_sent_again_it_is_the_same_dispute_and_other_words_are_refused(around: Place) -> None:
    uid = uuid.uuid4()
    first = take(around, client_uid=uid)
    again = take(around, client_uid=uid)
    assert (first.created, again.created, again.dispute) == (True, False, first.dispute)
    for other in ({"goods": "别的"}, {"phone": "13905380000"}, {"amount": Decimal("1")}):
        with pytest.raises(Conflict) as caught:
            take(around, client_uid=uid, **other)
        assert caught.value.code == "client_uid_conflict"
    assert Dispute.objects.filter(client_uid=uid).count() == 1
    elsewhere = take(around, around.community_head, client_uid=uid, station_code=around.station.code)
    assert elsewhere.created


# --- who may ---------------------------------------------------------------------------------------


def test_who_may_take_at_a_station(around: Place) -> None:
    code = around.station.code
    for who in (around.mediator, around.community_head, around.clerk, around.section):
        assert take(around, who, station_code=code).created, who
    assert around.circle_mediator is not None
    nobody = ["auditor", "admin", "bureau", "worker-01-1", "commissioner-01", "clerk-04", "community-09"]
    for one in (*(around.world.user(name) for name in nobody), around.circle_mediator):
        with pytest.raises(NotAllowed) as caught:
            take(around, one, station_code=code)
        assert caught.value.code == "not_taker"
    assert may_upload(around.again(around.mediator))


def test_without_a_station_it_is_the_takers_own_or_the_shops(around: Place) -> None:
    assert take(around, around.section).dispute.taken_station == around.circle
    assert take(around, around.circle_mediator).dispute.taken_station == around.circle
    with pytest.raises(DomainError) as caught:
        take(around, around.section, entity_name="某某水果摊")
    assert caught.value.code == "station_required"
    Posting.objects.filter(user=around.mediator).update(ends_at=clock.now())
    access.forget(around.mediator)
    with pytest.raises(NotAllowed):
        take(around)


# --- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code", "attr"),
    [
        ({"entity_name": " "}, "shop_required", "entity_name"),
        ({"entity_id": 2**40}, "unknown_entity", "entity"),
        ({"entity_id": 2**70}, "unknown_entity", "entity"),
        ({"goods": " "}, "goods_required", "goods"),
        ({"goods": "衣" * 61}, "too_long", "goods"),
        ({"goods": "衣\x00"}, "nul", "goods"),
        ({"goods_kind": "CAR"}, "invalid_choice", "goods_kind"),
        ({"claims": ()}, "claim_required", "claims"),
        ({"claims": ("MONEY",)}, "invalid_choice", "claims"),
        ({"amount": Decimal("-1")}, "invalid_amount", "amount"),
        ({"amount": Decimal("1.005")}, "invalid_amount", "amount"),
        ({"amount": Decimal("NaN")}, "invalid_amount", "amount"),
        ({"amount": Decimal("1e12")}, "invalid_amount", "amount"),
        ({"bought_on": made.moment(11).date()}, "not_yet", "bought_on"),
        ({"phone": ""}, "phone_required", "phone"),
        ({"phone": "不告诉你"}, "invalid_phone", "phone"),
        ({"phone": "()-- ()--"}, "invalid_phone", "phone"),
        ({"name": "长" * 31}, "too_long", "name"),
        ({"description": "长" * 2001}, "too_long", "description"),
        ({"station_code": "nowhere"}, "unknown_station", "station"),
        ({"evidence": (2**40,)}, "evidence_unavailable", "evidence"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    around: Place, fields: dict[str, Any], code: str, attr: str
) -> None:
    before = Dispute.objects.count()
    with pytest.raises(DomainError) as caught:
        take(around, **fields)
    assert (caught.value.code, caught.value.attr) == (code, attr)
    assert Dispute.objects.count() == before


def test_only_counter_and_telephone_are_entered_by_hand(around: Place) -> None:
    with pytest.raises(DomainError) as caught:
        intake.take(made.given(around), by=around.mediator, source=Source.DOOR)
    assert caught.value.code == "unknown_source"
    around.station.is_active = False
    around.station.save()
    assert refused(around).code == "unknown_station"


# --- files -----------------------------------------------------------------------------------------


def test_files_are_bound_awaited_and_shown_to_who_sees_it(
    around: Place, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    photo, later = keep_photo(around.mediator), "ab" * 32
    row = made.taken(around, evidence=(photo.pk,), awaited=(later,))
    photo.refresh_from_db()
    assert (photo.subject_kind, photo.subject_id) == ("dispute", row.pk)
    assert [bool(one.evidence) for one in row.evidence.order_by("id")] == [True, False]
    seen = Evidence.objects.visible_to
    assert photo in seen(around.again(around.clerk))
    assert photo not in seen(around.world.user("worker-01-1"))
    assert files.captions({row.pk})[row.pk].number == row.number


def test_a_file_that_was_named_before_it_came_is_bound_on_arrival(
    around: Place, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    probe = keep_photo(around.clerk, "#102030")
    row = made.taken(around, awaited=(probe.sha256,))
    mine = keep_photo(around.mediator, "#102030")
    mine.refresh_from_db()
    assert (mine.subject_kind, mine.subject_id) == ("dispute", row.pk)
    assert row.evidence.get().evidence == mine
    assert Entry.objects.filter(stream=row.stream, kind="dispute.evidence_arrived").exists()
    assert files.AWAITING.bind_crossed() == 0


def test_a_file_that_crossed_with_its_naming_is_bound_by_the_sweep(
    around: Place, settings: Any, tmp_path: Any
) -> None:
    """As if both transactions had run at once: the file lies there, the row still waits."""
    settings.MEDIA_ROOT = tmp_path
    row, photo = made.taken(around), keep_photo(around.mediator)
    row.evidence.create(sha256=photo.sha256, added_by=around.mediator, added_at=clock.now())
    assert (files.AWAITING.bind_crossed(), files.AWAITING.bind_crossed()) == (1, 0)
    photo.refresh_from_db()
    assert (photo.subject_kind, photo.subject_id) == ("dispute", row.pk)


# --- the auditor -----------------------------------------------------------------------------------


def test_an_open_dispute_that_lost_its_clock_is_named(around: Place) -> None:
    rows = [made.taken(around), made.in_community(around), made.filed(around), made.accepted(around)]
    made.settled(around)
    pass_time(timedelta(minutes=1))
    assert [one.rule for one in audit.faults()] == []
    Deadline.objects.filter(subject_kind="dispute", subject_id__in=[row.pk for row in rows]).delete()
    found = {one.rule: one.ids for one in audit.faults()}
    assert found == {"dispute_without_clock": [row.pk for row in rows]}
