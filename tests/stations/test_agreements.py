"""调解协议: three signatures frozen in one digest; performed, or not and what follows."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from credit.models import CreditFact
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, DomainError, NotAllowed
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from stations import agreements, drawn
from stations.agreements import Terms, Word
from stations.models import Agreement, AgreementSignature, Dispute, Party, WordWay
from stations.states import State, Tier
from tests.factories import stations as made
from tests.factories.leads import TUESDAY, pass_time, take_any
from tests.factories.stations import Place

pytestmark = pytest.mark.django_db
TODAY = TUESDAY.date()
BOTH = {party: made.signature(party) for party in (Party.CONSUMER, Party.SHOP)}


def agree(around: Place, row: Dispute, **fields: Any) -> Agreement:
    fields.setdefault("by", around.again(around.mediator))
    fields.setdefault("client_uid", uuid.uuid4())
    fields.setdefault(
        "given", Terms("店家退还货款，消费者退回大衣。", TODAY + timedelta(days=3), Decimal("399"))
    )
    fields.setdefault("signatures", BOTH)
    return agreements.agree(dispute_id=row.pk, expect=take_any, **fields)


def break_it(around: Place, row: Dispute, **fields: Any) -> Dispute:
    fields.setdefault("by", around.again(around.mediator))
    return agreements.perform(
        dispute_id=row.pk, expect=take_any, performed=False, note="到期未退款", **fields
    )


def test_signed_by_all_three_and_frozen(around: Place) -> None:
    row = made.in_community(around)
    signed = agree(around, row)
    row.refresh_from_db()
    assert (row.state, row.agreed_at) == (State.AGREED, TUESDAY)
    assert signed.number == f"{row.number}-{row.cycle}"
    assert agreements.verified(signed)
    said = agreements.opened(signed)
    assert said["consumer"] == {"name": made.NAME, "phone": made.PHONE}
    assert said["shop"]["name"] == around.shop.name
    assert (said["amount"], said["perform_by"]) == ("399.00", "2026-03-13")
    assert said["signatures"] == {party.value: drawn.sha256(image) for party, image in BOTH.items()}
    rows = {one.party: one for one in signed.signatures.all()}
    assert set(rows) == set(Party)
    assert rows[Party.MEDIATOR].signer == around.mediator, "the mediator signs by account"
    assert agreements.images_of(signed) == BOTH
    clocks = {
        one.kind: one.state
        for one in Deadline.objects.filter(subject_kind="dispute", subject_id=row.pk, parent_kind="")
    }
    assert clocks["community"] == "met"
    assert clocks["perform"] == "running"
    assert row.due_at == made.moment(14, 0), "24:00 of the promised day"


def test_the_consumer_stands_nowhere_in_the_clear(around: Place) -> None:
    signed = agree(around, made.in_community(around), given=Terms(f"{made.NAME}退回大衣。", TODAY, None))
    assert made.NAME not in signed.terms
    assert made.NAME.encode() not in bytes(signed.sealed_content)
    data = "".join(str(one.data) for one in Entry.objects.filter(stream=signed.dispute.stream))
    assert made.NAME not in data


def test_it_can_be_sent_again(around: Place) -> None:
    row, uid = made.in_community(around), uuid.uuid4()
    first = agree(around, row, client_uid=uid)
    assert agree(around, row, client_uid=uid) == first
    with pytest.raises(Conflict) as refused:
        agree(around, row, client_uid=uid, given=Terms("别的内容", TODAY, None))
    assert refused.value.code == "client_uid_conflict"
    assert Agreement.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"signatures": {Party.CONSUMER: BOTH[Party.CONSUMER]}}, "signature_required"),
        ({"given": Terms("  ", TODAY)}, "terms_required"),
        ({"given": Terms("退款", TODAY - timedelta(days=1))}, "bad_day"),
        ({"given": Terms("退款", TODAY + timedelta(days=366))}, "bad_day"),
        ({"signatures": {**BOTH, Party.SHOP: b"GIF89a"}}, "not_png"),
        ({"signatures": {**BOTH, Party.SHOP: BOTH[Party.SHOP][:300]}}, "not_png"),
        ({"signatures": {**BOTH, Party.SHOP: b"x" * 200_001}}, "too_large"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(around: Place, fields: dict[str, Any], code: str) -> None:
    row = made.in_community(around)
    with pytest.raises(DomainError) as refused:
        agree(around, row, **fields)
    assert refused.value.code == code
    row.refresh_from_db()
    assert row.state == State.MEDIATING
    assert not Agreement.objects.exists()


def test_a_tap_is_no_signature(around: Place) -> None:
    import io

    from PIL import Image

    blank = io.BytesIO()
    Image.new("RGBA", (480, 180), (0, 0, 0, 0)).save(blank, "PNG")
    with pytest.raises(DomainError) as refused:
        agree(around, made.in_community(around), signatures={**BOTH, Party.SHOP: blank.getvalue()})
    assert refused.value.code == "blank_signature"


def test_without_the_consumers_name_there_is_no_agreement(around: Place) -> None:
    row = made.in_community(around, name="")
    with pytest.raises(Conflict) as refused:
        agree(around, row)
    assert refused.value.code == "no_consumer"


def test_what_was_signed_is_never_changed(around: Place) -> None:
    signed = agree(around, made.in_community(around))
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        Agreement.objects.filter(pk=signed.pk).update(terms="改了")
    with pytest.raises(Exception, match=r"append-only|journal"), transaction.atomic():
        AgreementSignature.objects.filter(agreement=signed).update(image_sha256="")
    row = made.in_circle(around)
    with pytest.raises(IntegrityError, match="needs_three"), transaction.atomic():
        Dispute.objects.filter(pk=row.pk).update(state="agreed", agreed_at=TUESDAY)


def test_performed(around: Place) -> None:
    row = made.agreed(around)
    done = agreements.perform(
        dispute_id=row.pk, by=around.again(around.mediator), expect=take_any, performed=True, note="已退款"
    )
    assert (done.state, done.outcome) == (State.PERFORMED, "PERFORMED")
    assert done.agreements.get().state == "performed"
    again = agreements.perform(
        dispute_id=row.pk, by=around.again(around.mediator), expect=take_any, performed=True, note="已退款"
    )
    assert again.version == done.version
    assert not CreditFact.objects.filter(kind="COMPLAINT").exists()


def test_on_the_promised_day_the_mediator_is_asked_to_look(around: Place) -> None:
    row = made.agreed(around, perform_by=TODAY + timedelta(days=2))
    pass_time(timedelta(days=3))
    row.refresh_from_db()
    assert row.state == State.AGREED, "a clock breaks no agreement"
    check = Deadline.objects.get(subject_kind="dispute", subject_id=row.pk, kind="check")
    assert check.due_at == row.due_at
    asked = OutboxMessage.objects.get(template="stations.check")
    assert asked.recipient == around.mediator
    pass_time(timedelta(days=4))
    assert OutboxMessage.objects.filter(template="stations.check_late", recipient=around.section).exists()


def test_nobody_has_broken_it_before_its_day_is_over(around: Place) -> None:
    row = made.agreed(around, perform_by=TODAY)
    with pytest.raises(Conflict) as refused:
        break_it(around, row)
    assert refused.value.code == "not_due"


def test_broken_in_the_shop_goes_up_and_costs_credit_once(around: Place) -> None:
    row = made.agreed(around, perform_by=TODAY)
    pass_time(timedelta(days=1))
    done = break_it(around, row)
    assert (done.state, done.tier) == (State.MEDIATING, Tier.CIRCLE)
    fact = CreditFact.objects.get(kind="COMPLAINT", entity=around.shop)
    assert (fact.level, fact.ref) == ("NOT_PERFORMED", f"dispute:{row.pk}")
    assert fact.happened_on == date(2026, 3, 11)
    assert break_it(around, row).version == done.version
    assert CreditFact.objects.filter(kind="COMPLAINT").count() == 1


def test_broken_in_the_community_ends_without_the_word(around: Place) -> None:
    row = made.in_community(around)
    agree(around, row, given=Terms("退款", TODAY))
    pass_time(timedelta(days=1))
    done = break_it(around, row)
    assert (done.state, done.fail_reason) == (State.NOT_REACHED, "NOT_PERFORMED")


def test_broken_in_the_community_goes_to_the_office_with_the_word(around: Place) -> None:
    row = made.in_community(around)
    agree(around, row, given=Terms("退款", TODAY))
    pass_time(timedelta(days=1))
    done = break_it(around, row, to_official=Word(WordWay.TELEPHONE, "消费者来电要求"))
    assert (done.state, done.tier) == (State.FILED, Tier.OFFICIAL)
    assert done.word.way == WordWay.TELEPHONE


def test_at_the_office_an_agreement_ends_either_way(around: Place) -> None:
    row = made.accepted(around)
    clerk = around.again(around.clerk)
    agree(around, row, by=clerk, given=Terms("退款", TODAY))
    pass_time(timedelta(days=1))
    done = break_it(around, row, by=around.again(around.clerk))
    assert (done.state, done.tier, done.fail_reason) == (State.NOT_REACHED, "OFFICIAL", "NOT_PERFORMED")


def test_who_does_not_handle_it_makes_none(around: Place) -> None:
    with pytest.raises(NotAllowed):
        agree(around, made.in_circle(around))
