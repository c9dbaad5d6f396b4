"""纠纷集中店铺: three in thirty days, told once in each stretch."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernel.notices import templates
from kernel.notices.models import OutboxMessage
from stations.models import HotShop, WithdrawalReason
from tests.factories import stations as made
from tests.factories.leads import pass_time, take_any
from tests.factories.stations import Place

DAY = timedelta(days=1)


@pytest.mark.django_db
def test_the_third_in_thirty_days_is_told_to_bureau_and_section_once(around: Place) -> None:
    for _ in range(2):
        made.taken(around)
    assert not HotShop.objects.exists()
    made.settled(around)
    row = HotShop.objects.get()
    assert (row.entity, row.disputes) == (around.shop, 3)
    told = OutboxMessage.objects.filter(template="stations.hot_shop")
    people = {around.world.user("bureau").pk, around.section.pk}
    assert {one.recipient_id for one in told} == people
    text = templates.render("stations.hot_shop", told[0].params)
    assert around.shop.name in text.title
    assert "30日内发生3起" in text.body
    made.taken(around)
    assert HotShop.objects.count() == 1


@pytest.mark.django_db
def test_older_ones_and_mistakes_do_not_count_and_a_new_stretch_is_told_anew(around: Place) -> None:
    from stations import settling

    made.taken(around)
    mistaken = made.taken(around)
    settling.withdraw(
        dispute_id=mistaken.pk,
        by=around.again(around.mediator),
        expect=take_any,
        reason=WithdrawalReason.MISTAKEN,
    )
    made.taken(around)
    assert not HotShop.objects.exists()
    pass_time(30 * DAY, fire=False)
    for _ in range(2):
        made.settled(around)
    assert not HotShop.objects.exists()
    made.settled(around)
    assert HotShop.objects.get().disputes == 3
    pass_time(31 * DAY, fire=False)
    for _ in range(3):
        made.settled(around)
    assert HotShop.objects.count() == 2


@pytest.mark.django_db
def test_a_shop_that_was_only_typed_is_never_hot(around: Place) -> None:
    for _ in range(4):
        made.taken(around, entity_name="流动水果摊")
    assert not HotShop.objects.exists()
