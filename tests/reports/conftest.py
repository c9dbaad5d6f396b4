"""The day computed by hand, played and reported once a module; each test's own changes are rolled back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from reports.models import SlaReport
from tests.factories.reports import made
from tests.reports.day import Day, played


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Day, SlaReport]]:
    """The module's tests run in savepoints inside this transaction; none may build a world of its own."""
    with django_db_blocker.unblock(), transaction.atomic():
        day = played()
        yield day, made()
        transaction.set_rollback(True)


@pytest.fixture
def day(kept: tuple[Day, SlaReport]) -> Day:
    return kept[0]


@pytest.fixture
def report(kept: tuple[Day, SlaReport]) -> SlaReport:
    return kept[1]
