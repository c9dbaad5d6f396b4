"""A world whose clock is at the end of the morning after a day with leads, and its report."""

from __future__ import annotations

import pytest

from reports.models import SlaReport
from tests.factories.reports import made
from tests.reports.day import Day, played


@pytest.fixture
def day() -> Day:
    return played()


@pytest.fixture
def report(day: Day) -> SlaReport:
    return made()
