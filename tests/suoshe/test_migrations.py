"""Every app's migrations can be taken back and made again."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from kernel.deadlines.models import LimitPolicy
from leads.models import Category

TOP_DOWN = ("reports", "patrols", "leads", "credit", "stations", "grids", "evidence", "notices", "deadlines", "journal")


@pytest.mark.long
@pytest.mark.usefixtures("committed_db")
def test_back_to_nothing_and_forth_again() -> None:
    before = (Category.objects.count(), LimitPolicy.objects.count())
    for app in TOP_DOWN:
        call_command("migrate", app, "zero", verbosity=0)
    assert not {"leads_lead", "journal_entry"} & set(connection.introspection.table_names())
    call_command("migrate", verbosity=0)
    assert (Category.objects.count(), LimitPolicy.objects.count()) == before

    for app in TOP_DOWN[:4]:
        call_command("migrate", app, "zero", verbosity=0)
    call_command("migrate", verbosity=0)
    assert (Category.objects.count(), LimitPolicy.objects.count()) == before, "the limits had stayed"
