"""线索: a hint of wrongdoing goes to the commissioner, the consumer stays behind."""

from __future__ import annotations

import uuid

import pytest

from kernel.errors import Conflict, NotAllowed, NotVisible, Refused
from leads.models import Lead, LeadReporter
from stations import lead_made
from stations.lead_made import Hint
from tests.factories import stations as made
from tests.factories.stations import Place

pytestmark = pytest.mark.django_db


def test_one_click_and_without_the_consumer(around: Place) -> None:
    row = made.taken(around, description=f"我是{made.NAME}，电话{made.PHONE}，店里卖过期面膜")
    lead, new = lead_made.make_lead(
        dispute_id=row.pk, by=around.again(around.mediator), given=Hint(uuid.uuid4(), "D02")
    )
    assert new
    assert (lead.state, lead.entity, lead.grid) == ("dispatched", around.shop, around.shop.grid)
    assert made.NAME not in lead.description
    assert made.PHONE not in lead.description
    assert "过期面膜" in lead.description
    assert not LeadReporter.objects.filter(lead=lead).exists()
    assert not lead.told_by_citizen
    assert row.leads.get().lead == lead
    seen = Lead.objects.visible_to(around.again(around.mediator))
    assert seen.filter(pk=lead.pk).exists(), "who made it sees what becomes of it"


def test_sent_again_it_is_one(around: Place) -> None:
    row, uid = made.taken(around), uuid.uuid4()
    by = around.again(around.mediator)
    first, _ = lead_made.make_lead(dispute_id=row.pk, by=by, given=Hint(uid, "D02"))
    second, new = lead_made.make_lead(dispute_id=row.pk, by=around.again(by), given=Hint(uid, "D02"))
    assert (second.pk, new) == (first.pk, False)
    with pytest.raises(Conflict):
        lead_made.make_lead(dispute_id=row.pk, by=around.again(by), given=Hint(uid, "L01"))


def test_who_handles_it_and_nobody_else(around: Place) -> None:
    row = made.in_circle(around)
    with pytest.raises(NotAllowed):
        lead_made.make_lead(
            dispute_id=row.pk, by=around.again(around.mediator), given=Hint(uuid.uuid4(), "D02")
        )
    with pytest.raises(NotVisible):
        lead_made.make_lead(dispute_id=row.pk, by=around.world.worker(1), given=Hint(uuid.uuid4(), "D02"))
    lead, _ = lead_made.make_lead(dispute_id=row.pk, by=around.clerk, given=Hint(uuid.uuid4(), "D02"))
    assert lead.reported_by == around.clerk


def test_a_category_that_is_none(around: Place) -> None:
    with pytest.raises(Refused):
        lead_made.make_lead(
            dispute_id=made.taken(around).pk,
            by=around.again(around.mediator),
            given=Hint(uuid.uuid4(), "Z99"),
        )
