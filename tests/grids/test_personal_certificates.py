"""作业人员证: its number is often the identity number of a person, told whole to who keeps the shop alone."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from python_calamine import load_workbook

from credit import grading
from credit.explaining import explain
from grids import register_licences
from grids.demo import World
from grids.models import BusinessEntity
from grids.register import LicenceGiven
from kernel import clock
from kernel.journal.models import Entry
from tests.factories.grids import make_entity
from tests.grids.test_admin_register_acts import page
from tests.leads.calls import Api

pytestmark = pytest.mark.django_db
WHOLE, MASKED = "370983199001011234", "370983********1234"


@pytest.fixture(autouse=True)
def _without_second_factor(settings: object) -> None:
    settings.SUOSHE_REQUIRE_SECOND_FACTOR = False  # type: ignore[attr-defined]


@pytest.fixture
def shop(world: World) -> BusinessEntity:
    found = make_entity(world, 1)
    register_licences.keep_licences(
        entity_id=found.pk, by=world.worker(1), expect=lambda version: None,
        licences=[
            LicenceGiven("OPERATOR", WHOLE, expires_on=clock.today() - timedelta(days=1)),
            LicenceGiven("FOOD_OPERATION", "JY13709830012345"),
        ],
    )  # fmt: skip
    grading.regrade_dirty()
    return found


def test_the_journal_never_holds_it(shop: BusinessEntity) -> None:
    told = json.dumps(list(Entry.objects.values_list("data", flat=True)), ensure_ascii=False)
    assert f"作业人员证 {MASKED}" in told
    assert WHOLE not in told


def test_it_is_told_whole_to_who_keeps_the_shop(world: World, shop: BusinessEntity) -> None:
    api, path = Api(Client()), f"entities/{shop.pk}/"
    for who, number in (("worker-01-1", WHOLE), ("auditor", MASKED), ("community-01", MASKED)):
        found = {one["type"]: one["number"] for one in api.get(world.user(who), path).json()["licences"]}
        assert found == {"OPERATOR": number, "FOOD_OPERATION": "JY13709830012345"}, who
    for part in ("history/", "credit/"):
        assert WHOLE not in api.get(world.worker(1), f"{path}{part}").content.decode(), part
    assert WHOLE not in api.get(world.worker(1), "credit/facts/").content.decode()
    assert f"作业人员证（{MASKED}）已于" in explain(shop, clock.today()).text


def test_lists_and_workbooks_mask_it_and_no_search_reads_it(world: World, shop: BusinessEntity) -> None:
    listed, client = reverse("admin:grids_licence_changelist"), page(world, "clerk-01")
    assert MASKED in client.get(listed).content.decode()
    assert MASKED not in client.get(listed, {"q": "1990"}).content.decode()
    assert "JY13709830012345" in client.get(listed, {"q": "JY137"}).content.decode()
    sheet = client.get(listed, {"_export": "xlsx"}).content
    assert MASKED in str(load_workbook(io.BytesIO(sheet)).get_sheet_by_index(0).to_python())
    row = shop.licences.get(type="OPERATOR")
    for path in (
        reverse("admin:grids_licence_change", args=[row.pk]),
        reverse("admin:grids_businessentity_change", args=[shop.pk]),
    ):
        text = page(world, "auditor").get(path).content.decode()
        assert MASKED in text, path
        assert WHOLE not in text, path
