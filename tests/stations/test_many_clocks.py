"""After a downtime: many clocks at once, in a number of statements that does not grow with them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel import clock
from kernel.deadlines.models import PoisonRow
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from stations.models import Dispute, DisputeSurvey, TierStay
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


def ended(around: Place, many: int) -> tuple[int, int]:
    """Statements of the sweeps in which `many` disputes at COMMUNITY and at the office end by time, each with
    a consumer of his own; as many more go to the office by the consumer's word meanwhile."""
    phones = [f"1390000{100 * many + place:04}" for place in range(many)]
    rows = [made.in_community(around, name="吴春梅", phone=phone) for phone in phones]
    willing = [made.in_community(around, wants_official=True) for _ in range(many)]
    clock.travel(timedelta(days=9))
    with CaptureQueriesContext(connection) as in_community:
        assert let_clocks_fire() >= 2 * many
    assert outcomes(rows) == [("not_reached", "COMMUNITY", "NOT_REACHED", "TIME_OUT", None)] * many
    assert {state for state, *_ in outcomes(willing)} == {"filed"}
    asked = DisputeSurvey.objects.filter(dispute__in=rows, token_hash__isnull=False, round=1)
    assert asked.count() == many
    sent = OutboxMessage.objects.filter(template="stations.to_consumer_not_reached_survey")
    assert sent.filter(subject_id__in=[one.pk for one in rows]).count() == many
    told = OutboxMessage.objects.filter(subject_id__in=[one.pk for one in [*rows, *willing]])
    assert told.filter(template="stations.ended_by_time").count() == many
    assert told.filter(template="stations.filed").values("subject_id").distinct().count() == many
    last = ["clock.community", "dispute.not_reached", "survey.asked"]
    for one in rows:
        kinds = Entry.objects.filter(stream=one.stream).order_by("-seq").values_list("kind", flat=True)
        assert [*kinds[:3]] == last[::-1]
    official = [made.accepted(around) for _ in range(many)]
    clock.travel(timedelta(days=90))
    with CaptureQueriesContext(connection) as at_office:
        assert let_clocks_fire() >= many
    assert outcomes(official) == [("not_reached", "OFFICIAL", "NOT_REACHED", "TIME_OUT", None)] * many
    assert not TierStay.objects.filter(dispute__in=[*rows, *official], until__isnull=True).exists()
    assert not PoisonRow.objects.exists()
    return len(in_community), len(at_office)


def outcomes(rows: list[Dispute]) -> list[tuple[Any, ...]]:
    found = Dispute.objects.filter(pk__in=[one.pk for one in rows])
    return list(found.values_list("state", "tier", "outcome", "fail_reason", "due_at"))


def test_many_that_end_by_time_cost_no_more_statements_than_few(around: Place, settings: Any) -> None:
    settings.SUOSHE_PUBLIC_URL = "https://suoshe.example.gov.cn"
    assert ended(around, 3) == ended(around, 11)
