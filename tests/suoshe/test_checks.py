"""The system checks find what they are there to find."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import run_checks
from pytest_django import Settings

from suoshe import checks


def _ids(found: list[Any]) -> list[str]:
    return [message.id for message in found]


def test_the_project_is_clean() -> None:
    assert [message for message in run_checks() if str(message.id).startswith("suoshe.")] == []


def test_a_movable_clock_is_refused_outside_the_suite(settings: Settings) -> None:
    settings.SUOSHE_SUITE = False
    settings.SUOSHE_TEST_CLOCK, settings.DEBUG = True, False
    assert _ids(checks.test_clock_is_off()) == ["suoshe.E001"]
    settings.DEBUG = True
    assert checks.test_clock_is_off() == []
    settings.SUOSHE_TEST_CLOCK, settings.DEBUG = False, False
    assert checks.test_clock_is_off() == []


def test_times_of_day_that_nobody_can_read_are_refused(settings: Settings) -> None:
    settings.SUOSHE_QUIET_HOURS, settings.SUOSHE_ORDER_DIGEST_AT = "22-7h", "08:30;14:00"
    assert _ids(checks.times_of_day_are_readable()) == ["suoshe.E006"] * 2
    settings.SUOSHE_QUIET_HOURS, settings.SUOSHE_ORDER_DIGEST_AT = "", ""
    assert checks.times_of_day_are_readable() == []


@pytest.mark.django_db
def test_the_suite_s_database_passes() -> None:
    assert checks.database_is_postgresql_with_utf8(databases=["default"]) == []


class _Cursor:
    def __init__(self, row: tuple[str, str]) -> None:
        self._row = row

    def __enter__(self) -> _Cursor:
        return self

    def __exit__(self, *_: object) -> None: ...

    def execute(self, _: str) -> None: ...

    def fetchone(self) -> tuple[str, str]:
        return self._row


@pytest.mark.parametrize(
    ("vendor", "row", "found"),
    [
        ("sqlite", ("", ""), ["suoshe.E002"]),
        ("postgresql", ("UTF8", "C"), ["suoshe.E003"]),
        ("postgresql", ("SQL_ASCII", "C.UTF-8"), ["suoshe.E003"]),
        ("postgresql", ("UTF8", "zh_CN.utf8"), []),
    ],
)
def test_other_databases_are_refused(
    monkeypatch: pytest.MonkeyPatch, vendor: str, row: tuple[str, str], found: list[str]
) -> None:
    fake = SimpleNamespace(vendor=vendor, cursor=lambda: _Cursor(row))
    monkeypatch.setattr(checks, "connections", {"default": fake})
    assert _ids(checks.database_is_postgresql_with_utf8(databases=["default"])) == found


def test_a_relation_that_points_up_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    upside_down = {**checks.HEIGHT, "accounts": 99}
    monkeypatch.setattr(checks, "HEIGHT", upside_down)
    assert "suoshe.E004" in _ids(checks.relations_point_down())


def test_an_app_without_a_layer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        checks, "HEIGHT", {key: value for key, value in checks.HEIGHT.items() if key != "grids"}
    )
    assert _ids(checks.every_app_has_a_layer()) == ["suoshe.E005"]
    assert apps.is_installed("grids")
