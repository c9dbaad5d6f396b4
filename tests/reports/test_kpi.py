"""The formulas of DOMAIN.md §5 on counts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reports import kpi
from reports.models import Counts


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (0, 0, None),
        (0, 5, Decimal("0.0000")),
        (5, 5, Decimal("1.0000")),
        (2, 3, Decimal("0.6667")),
        (1, 3, Decimal("0.3333")),
        (1, 32, Decimal("0.0313")),  # 0.03125: half up, not to even
        (1, 20_000, Decimal("0.0001")),  # 0.00005: half up
    ],
)
def test_a_rate_has_four_places_half_up_and_nothing_to_divide_by_is_no_rate(
    part: int, whole: int, expected: Decimal | None
) -> None:
    assert kpi.rate(part, whole) == expected


def test_rates_of_added_counts_are_not_added_rates() -> None:
    nothing = dict.fromkeys(kpi.COUNTS, 0)
    one = nothing | {"closure_counted": 1, "closed": 1}
    three = nothing | {"closure_counted": 3, "closed": 0}
    found = kpi.rates(kpi.total([one, three]))
    assert found["closure_rate"] == Decimal("0.2500")
    assert found["same_day_rate"] is None


def test_nothing_adds_up_to_zeros() -> None:
    assert kpi.total([]) == dict.fromkeys(kpi.COUNTS, 0)


def test_every_count_is_a_column_of_the_same_name_and_label() -> None:
    columns = {field.name: field.verbose_name for field in Counts._meta.get_fields()}
    assert columns == kpi.COUNTS


def test_percent_for_people() -> None:
    assert kpi.percent(Decimal("0.9167")) == "91.67%"
    assert kpi.percent(None) == "—"
