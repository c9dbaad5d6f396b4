"""登记纠纷 at a counter and by telephone: one page, one clock, one notice, once."""

from __future__ import annotations

import pytest

from grids.demo import World
from tests.factories import stations as made
from tests.factories.stations import Place

pytestmark = pytest.mark.django_db


def test_states(around: Place) -> None:
    for make in (
        made.taken,
        made.in_circle,
        made.in_community,
        made.settled,
        made.filed,
        made.accepted,
        made.refused,
        made.not_reached,
        made.withdrawn,
    ):
        row = make(around)
        print(row.number, row.state, row.tier, row.due_at)
