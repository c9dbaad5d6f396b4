"""Nobody finds a telephone number, digit by digit, in lists that show it masked (DOMAIN.md §7)."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db import models

from grids.demo import World
from tests.factories import leads as made
from tests.leads.calls import Api
from tests.leads_admin.conftest import SignedIn

pytestmark = pytest.mark.django_db
PHONE = "13812345678"
EXEMPT = {
    "notices.WebhookEndpoint.url": "an address of another system, shown as it is",
    "notices.WebhookDelivery.last_error": "our own words",
    "notices.OutboxMessage.last_error": "masked when it is written",
    "notices.OutboxMessage.dedupe_key": "names rows by number",
    "notices.DeadLetter.last_error": "masked when it is written",
    "notices.DeadLetter.dedupe_key": "names rows by number",
    "grids.BusinessEntity.address": "public register, shown as it is",
    "grids.ResponsibilityItem.duty": "rules, shown as they are",
    "grids.ResponsibilityItem.standard": "rules, shown as they are",
    "grids.ResponsibilityItem.basis": "rules, shown as they are",
    "leads.Whistle.place": "masked when it is written",
    "deadlines.LimitPolicy.basis": "articles of law",
    "credit.CreditScheme.basis": "articles of law",
    "grids.ImportFile.name": "names of files, shown as they are",
    "offline.Operation.path": "paths and numbers of rows",
}
"""Long texts that are searched as they are, by why."""


def test_no_search_reads_the_masked_digits(world: World, signed_in: SignedIn) -> None:
    lead = made.reported(world, description=f"后厨有老鼠，请打{PHONE}")
    for who in ("auditor", "bureau", "office-01"):
        client = signed_in(who)
        assert lead.number in client.get("/admin/leads/lead/", {"q": "老鼠"}).content.decode()
        for part in (PHONE, PHONE[:4], PHONE[3:7], PHONE[-4:]):
            page = client.get("/admin/leads/lead/", {"q": part})
            assert page.status_code == 200
            assert lead.number not in page.content.decode(), (who, part)


def test_nor_does_the_api(world: World, client: object) -> None:
    lead = made.reported(world, description=f"后厨有老鼠，请打{PHONE}")
    api = Api(client)  # type: ignore[arg-type]

    def found(words: str) -> list[str]:
        return [row["number"] for row in api.get(world.user("auditor"), "leads/", q=words).json()["results"]]

    assert found("老鼠") == found(lead.number) == [lead.number]
    assert [found(part) for part in (PHONE, PHONE[:4], PHONE[3:7], PHONE[-4:])] == [[]] * 4


def test_every_text_that_is_shown_masked_is_searched_without_numbers() -> None:
    """`free_text` names columns that are searched; a long text beside them has a reason."""
    loose = []
    for model, shown in admin.site._registry.items():
        declared = set(getattr(shown, "free_text", ()))
        assert declared <= set(shown.search_fields), model
        for name in set(shown.search_fields) - declared:
            column = _column(model, str(name))
            if isinstance(column, models.TextField) or (getattr(column, "max_length", None) or 0) > 120:
                loose.append(f"{model._meta.label}.{name}")
    assert set(loose) == set(EXEMPT)


def _column(model: type[models.Model], name: str) -> object:
    column: object = None
    for part in name.split("__"):
        column = model._meta.get_field(part)
        if getattr(column, "related_model", None):
            model = column.related_model  # type: ignore[attr-defined]
    return column
