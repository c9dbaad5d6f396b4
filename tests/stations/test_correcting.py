"""更正: a shop found in the register, goods named, an amount put right."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kernel.errors import Conflict, DomainError, NotAllowed, StaleVersion
from kernel.journal.models import Entry
from stations import correcting, settling
from stations.models import Dispute
from tests.factories import stations as made
from tests.factories.leads import TUESDAY, take_any
from tests.factories.stations import Place

pytestmark = pytest.mark.django_db


def correct(around: Place, row: Dispute, **changes: Any) -> Dispute:
    return correcting.correct(
        dispute_id=row.pk, by=around.again(around.mediator), expect=take_any, changes=changes
    )


def typed(around: Place) -> Dispute:
    """A dispute with a shop that somebody typed."""
    return made.taken(around, entity_name="大衣店", entity_id=None)


def test_a_typed_shop_is_linked_to_the_register(around: Place) -> None:
    row = typed(around)
    assert (row.entity, row.circle) == (None, None)
    done = correct(around, row, entity=around.shop.pk)
    assert (done.entity, done.entity_name, done.circle) == (around.shop, around.shop.name, around.circle)
    assert around.shop.grid is not None
    assert done.office_id == around.shop.grid.office_id
    said = Entry.objects.filter(stream=row.stream, kind="dispute.corrected").get()
    assert said.data["after"] == {"entity": around.shop.code}
    assert correct(around, row, entity=around.shop.pk).version == done.version, "so already: nothing changes"


def test_it_counts_for_the_hot_shop_then(around: Place) -> None:
    rows = [made.taken(around), made.taken(around), typed(around)]
    assert not around.shop.hot_since.exists()
    correct(around, rows[2], entity=around.shop.pk)
    assert around.shop.hot_since.get().disputes == 3


def test_goods_and_amount(around: Place) -> None:
    row = made.taken(around)
    done = correct(
        around, row, goods="羽绒服", goods_kind="CLOTHING", amount=Decimal("500"), claims=["EXCHANGE"]
    )
    assert (done.goods, done.amount, done.claims) == ("羽绒服", Decimal("500"), ["EXCHANGE"])
    assert correct(around, row, amount=None).amount is None


@pytest.mark.parametrize(
    "changes",
    [
        {"entity": 2**62},
        {"entity": None},
        {"goods": " "},
        {"goods_kind": "MOON"},
        {"claims": []},
        {"claims": ["MOON"]},
        {"amount": Decimal("-1")},
        {"amount": Decimal(10) ** 11},
        {"bought_on": TUESDAY.date() + timedelta(days=1)},
    ],
)
def test_what_is_wrong_is_said(around: Place, changes: dict[str, Any]) -> None:
    with pytest.raises(DomainError) as refused:
        correct(around, made.taken(around), **changes)
    assert refused.value.attr == next(iter(changes))


def test_what_is_over_or_signed_stays(around: Place) -> None:
    for row in (made.settled(around), made.agreed(around)):
        with pytest.raises(Conflict):
            correct(around, row, goods="别的")


def test_by_whoever_handles_it_on_a_fresh_page(around: Place) -> None:
    row = made.in_circle(around)
    with pytest.raises(NotAllowed):
        correct(around, row, goods="别的")

    def stale(version: int) -> None:
        raise StaleVersion("内容已有变化。")

    with pytest.raises(StaleVersion):
        correcting.correct(
            dispute_id=row.pk,
            by=around.again(around.circle_mediator or around.mediator),
            expect=stale,
            changes={"goods": "别的"},
        )
    settling.settle(
        dispute_id=row.pk, by=around.again(around.circle_mediator or around.mediator), expect=take_any
    )
