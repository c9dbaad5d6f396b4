"""Every app's migrations can be taken back and made again."""

from __future__ import annotations

import subprocess

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import DjangoDbBlocker

from kernel.deadlines.models import LimitPolicy
from leads.models import Category
from suoshe import embedded
from tests import databases

TOP_DOWN = (
    "reports",
    "patrols",
    "leads",
    "credit",
    "stations",
    "grids",
    "evidence",
    "notices",
    "deadlines",
    "journal",
)


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


def schema_of(name: str) -> str:
    given = connection.settings_dict
    server = [f"--{key}={given[column]}" for key, column in
              (("host", "HOST"), ("port", "PORT"), ("username", "USER")) if given[column]]  # fmt: skip
    return subprocess.run(
        [embedded.postgres_binary("pg_dump"), *server, "--schema-only", "--restrict-key=suoshe", name],
        capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip


@pytest.mark.long
def test_the_suites_quick_template_is_what_migrate_makes(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock(), databases.fresh("template0") as name, databases.pointed_at(name):
        call_command("migrate", verbosity=0, interactive=False)
        connection.close()
        assert schema_of(name) == schema_of(databases.template())
