"""关键信息变更 taken back in the admin by who asked: from its page and from the page of the shop."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from python_calamine import load_workbook

from grids.demo import World
from grids.models import KeyChange
from tests.factories.grids import make_entity
from tests.grids.test_register import edited

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _without_second_factor(settings: Any) -> None:
    settings.SUOSHE_REQUIRE_SECOND_FACTOR = False


def page(world: World, username: str) -> Client:
    client, user = Client(), world.user(username)
    type(user).objects.filter(pk=user.pk).update(is_staff=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def waiting(world: World) -> KeyChange:
    """Asked by the commissioner of grid 2, who fills in for a grid worker of grid 1."""
    shop = make_entity(world, 1)
    row = edited(world.worker(1), shop, name="新名字").waiting
    assert row is not None
    KeyChange.objects.filter(pk=row.pk).update(asked_by=world.clerk_of(1))
    row.refresh_from_db()
    return row


def test_who_asked_takes_it_back(world: World) -> None:
    row = waiting(world)
    client = page(world, "clerk-01")
    back = reverse("admin:grids_keychange_take_back", args=[row.pk])
    one = reverse("admin:grids_keychange_change", args=[row.pk])
    shop = reverse("admin:grids_businessentity_change", args=[row.entity_id])
    assert back in client.get(one).content.decode()
    assert back in client.get(shop).content.decode()
    assert "登记信息不变" in client.get(back).content.decode()
    assert client.post(back).status_code == 302
    row.refresh_from_db()
    assert row.state == KeyChange.State.WITHDRAWN
    assert back not in client.get(shop).content.decode()
    assert client.post(back).status_code == 403


def test_nobody_else_does(world: World) -> None:
    row = waiting(world)
    back = reverse("admin:grids_keychange_take_back", args=[row.pk])
    for username in ("commissioner-01", "office-01", "bureau", "auditor", "clerk-04"):
        client = page(world, username)
        assert client.post(back).status_code == 403, username
        assert back not in client.get(reverse("admin:grids_keychange_change", args=[row.pk])).content.decode()
    row.refresh_from_db()
    assert row.state == KeyChange.State.WAITING


def test_what_people_wrote_is_masked_in_the_workbook_and_for_auditors(world: World) -> None:
    row = waiting(world)
    KeyChange.objects.filter(pk=row.pk).update(reason="店主13812345678来电", note="已致电13812345678")
    one = reverse("admin:grids_keychange_change", args=[row.pk])
    assert "13812345678" in page(world, "clerk-01").get(one).content.decode()
    assert "13812345678" not in page(world, "auditor").get(one).content.decode()
    sheet = page(world, "clerk-01").get(reverse("admin:grids_keychange_changelist"), {"_export": "xlsx"})
    lines = load_workbook(io.BytesIO(sheet.content)).get_sheet_by_index(0).to_python()
    assert lines[1][-1] == "已致电138****5678"


@pytest.mark.parametrize(
    "path",
    [
        "/admin/grids/businessentity/?business_type=%00",
        "/admin/grids/businessentity/?_stickers=1&id__in=1,abc",
        "/admin/grids/businessentity/?_export=xlsx&id__in=1,abc",
        "/admin/credit/creditstanding/?cause=%00",
        "/admin/leads/lead/?state=%00",
    ],
)
def test_a_filter_that_makes_no_sense_leads_back_to_the_list(world: World, path: str) -> None:
    assert page(world, "clerk-01").get(path).status_code == 302


def test_a_row_that_cannot_be_is_none(world: World) -> None:
    shop = make_entity(world, 1)
    path = reverse("admin:grids_businessentity_licence", args=[shop.pk])
    assert page(world, "clerk-01").get(path, {"row": "9" * 5000}).status_code == 200
