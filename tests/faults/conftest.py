"""One house for the short runs, on servers of its own: they are killed too."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker

from suoshe import embedded
from tests import databases
from tests.faults import house as houses
from tests.faults.house import House
from tests.stack import Stack


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith("tests/faults/") and "house" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("faults"))


@pytest.fixture(scope="module")
def house(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    """The running house with one process of each kind."""
    with (
        django_db_blocker.unblock(),
        tempfile.TemporaryDirectory(prefix="suoshe-faults-") as folder,
        houses.running(Path(folder), migrate=_copy_of_the_template, tuning=embedded.TEST_TUNING) as running,
    ):
        yield running


def _copy_of_the_template(stack: Stack) -> None:
    """The suite's migrated template, carried over to the house's own server: quicker than migrating."""
    given = settings.DATABASES["default"]
    source = [f"--{key}={given[name]}" for key, name in
              (("host", "HOST"), ("port", "PORT"), ("username", "USER")) if given[name]]  # fmt: skip
    dump = subprocess.run(
        [embedded.postgres_binary("pg_dump"), *source, "--no-owner", databases.template()],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    subprocess.run(
        [embedded.postgres_binary("psql"), "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction",
         "-d", stack.database_url],
        input=dump, capture_output=True, check=True,
    )  # fmt: skip
