"""After a downtime: many clocks at once, in a number of statements that does not grow with them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel import clock
from kernel.deadlines.models import PoisonRow
from kernel.notices.models import OutboxMessage
from stations.models import Dispute, TierStay
from stations.states import Tier
from tests.factories import stations as made
from tests.factories.leads import let_clocks_fire
from tests.factories.stations import Place

pytestmark = pytest.mark.django_db


def fired(around: Place, many: int) -> list[int]:
    """Statements of the sweeps that take `many` new disputes from the shop up to the community and beyond."""
    rows = [made.taken(around) for _ in range(many)]
    counts = []
    for tier, days in ((Tier.CIRCLE, 2), (Tier.COMMUNITY, 4)):
        clock.travel(timedelta(days=days))
        with CaptureQueriesContext(connection) as statements:
            assert let_clocks_fire() >= many
        counts.append(len(statements))
        found = Dispute.objects.filter(pk__in=[one.pk for one in rows])
        assert set(found.values_list("tier", "cycle", "version")) == {
            (tier, len(counts) + 1, len(counts) + 1)
        }
    stays = TierStay.objects.filter(dispute__in=rows, why="TIME_OUT")
    assert stays.count() == 2 * many
    told = OutboxMessage.objects.filter(template="stations.entered", subject_id__in=[one.pk for one in rows])
    assert told.count() == 2 * many, "one mediator each time"
    clock.travel(timedelta(days=9))
    let_clocks_fire()
    assert set(found.values_list("state", flat=True)) == {"not_reached"}
    assert not PoisonRow.objects.exists()
    return counts


def test_many_that_go_up_cost_no_more_statements_than_few(around: Place) -> None:
    assert fired(around, 3) == fired(around, 11)
