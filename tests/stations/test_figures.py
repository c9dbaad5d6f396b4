"""Figures: from rows, by Shanghai days, a rate of nothing is None."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from leads.models import Rating
from stations import agreements, figures, surveys
from stations.models import Dispute, DisputeSurvey
from tests.factories import stations as made
from tests.factories.leads import TUESDAY, pass_time, take_any
from tests.factories.stations import Place

pytestmark = pytest.mark.django_db
MARCH = (date(2026, 3, 1), date(2026, 3, 31))


def test_nothing_is_no_hundred_per_cent(around: Place) -> None:
    found = figures.figures(Dispute.objects.visible_to(around.mediator), *MARCH)
    assert (found.registered, found.ended, found.open) == (0, 0, 0)
    assert found.mediation_success_rate is None
    assert found.satisfaction_rate is None
    assert found.response_rate is None
    assert found.median_days is None
    assert [one.tier for one in found.by_tier] == ["SHOP", "CIRCLE", "COMMUNITY", "OFFICIAL"]


def test_each_is_counted_where_it_belongs(
    around: Place, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    spot = made.settled(around, amount=Decimal("100"))
    made.withdrawn(around)
    made.refused(around)
    made.not_reached(around)
    made.taken(around, goods_kind="FOOD")
    kept = made.agreed(around, perform_by=TUESDAY.date() + timedelta(days=1))
    broken = made.agreed(around, perform_by=TUESDAY.date())
    pass_time(timedelta(days=2))
    for row, well in ((kept, True), (broken, False)):
        agreements.perform(
            dispute_id=row.pk,
            by=around.again(around.mediator),
            expect=take_any,
            performed=well,
            note="已核实",
        )
    surveys.record_by_telephone(dispute_id=spot.pk, by=around.clerk, rating=Rating.VERY_SATISFIED)
    mine = Dispute.objects.visible_to(around.again(around.mediator))
    with django_assert_num_queries(6):
        found = figures.figures(mine, *MARCH)
    assert (found.registered, found.ended) == (7, 5)
    assert found.open == 2, "one new, one broken and gone up"
    assert (found.on_the_spot, found.settled, found.settled_official) == (1, 2, 0)
    assert (found.not_reached, found.withdrawn, found.refused) == (1, 1, 1)
    assert (found.performed, found.broken) == (1, 1)
    assert found.amount_settled == Decimal("499.00")
    assert found.mediation_success_rate == 0.6667
    assert found.median_days == 0.0
    asked = DisputeSurvey.objects.count()
    assert (found.asked, found.rated, found.satisfied, found.satisfaction_rate) == (asked, 1, 1, 1.0)
    assert found.response_rate == figures.rate(1, asked)
    tiers = {one.tier: (one.ended, one.settled) for one in found.by_tier}
    assert tiers == {"SHOP": (4, 2), "CIRCLE": (0, 0), "COMMUNITY": (0, 0), "OFFICIAL": (1, 0)}
    assert [(one.key, one.disputes) for one in found.goods] == [("CLOTHING", 6), ("FOOD", 1)]


def test_the_last_day_counts_whole_and_the_next_not(around: Place) -> None:
    made.settled(around)
    mine = Dispute.objects.visible_to(around.again(around.mediator))
    assert figures.figures(mine, TUESDAY.date(), TUESDAY.date()).ended == 1
    after = TUESDAY.date() + timedelta(days=1)
    assert figures.figures(mine, after, after).ended == 0


def test_hot_shops_are_those_with_three_in_thirty_days(around: Place) -> None:
    mine = Dispute.objects.visible_to(around.section)
    made.taken(around)
    made.taken(around)
    assert figures.hot_shops(mine, TUESDAY) == []
    made.taken(around, amount=Decimal("1"))
    found = figures.hot_shops(mine, TUESDAY)
    assert [(one.name, one.disputes) for one in found] == [(around.shop.name, 3)]
    assert figures.hot_shops(mine, TUESDAY + timedelta(days=30, seconds=1)) == []


def test_a_rate_is_rounded_half_up() -> None:
    assert figures.rate(1, 8) == 0.125
    assert figures.rate(1, 32000) == 0.0
    assert figures.rate(1, 3) == 0.3333
    assert figures.rate(2, 3) == 0.6667
    assert figures.rate(5, 100000) == 0.0001
