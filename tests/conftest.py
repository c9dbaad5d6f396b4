"""The suite's own PostgreSQL and Redis, and the databases of its tests.

The controller of a run starts the embedded servers under `SUOSHE_HOME` (unless `DATABASE_URL` names
another PostgreSQL) and stops them at the end. The migrated schema is built once, kept as a template
named after a hash of all migrations, and every database of a test is a copy of it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import transaction
from pytest_django import DjangoDbBlocker
from whitenoise.middleware import WhiteNoiseMiddleware

from suoshe import embedded
from tests import databases
from tests.browser import chromium
from tests.put_back import Copies
from tests.stack import of_a_group

if TYPE_CHECKING:
    from tests.factories.house import House

# The suite starts dozens of processes: where none may keep its bytecode, each compiles all of it anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_held = contextlib.ExitStack()
NO_BROWSER = "no chromium on this machine"


def _list_static_files_once() -> None:
    """Every new `Client()` builds its middleware anew: for whitenoise that is 20 ms of listing the same
    219 files, in thousands of tests. Under the same settings the list of the first one serves them all."""
    list_them = WhiteNoiseMiddleware.add_files_from_finders
    listed: dict[str, dict[str, Any]] = {}

    def add_files_from_finders(self: WhiteNoiseMiddleware) -> None:
        own = (self.static_prefix, self.max_age, self.charset, self.allow_all_origins, sorted(self.files))
        how = (self.media_types.types_map, self.add_headers_function, self.index_file)
        key = repr((own, how, settings.STATICFILES_DIRS, settings.STATICFILES_FINDERS, settings.STORAGES))
        if key not in listed:
            list_them(self)
            listed[key] = dict(self.files)
        self.files.update(listed[key])

    WhiteNoiseMiddleware.add_files_from_finders = add_files_from_finders


_list_static_files_once()


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    import_module("suoshe.urls")  # and all admin classes with it: whoever asks the site finds them registered
    config.option.loadscopereorder = False  # else a piece of few tests would begin last, however long it is
    if _is_worker(config) or config.option.collectonly:
        return
    own_postgres = not os.environ.get("DATABASE_URL")
    own_redis = not os.environ.get("REDIS_URL")
    try:
        _held.enter_context(
            embedded.using(
                embedded.home(), postgres=own_postgres, redis=own_redis, tuning=embedded.TEST_TUNING
            )
        )
    except embedded.EmbeddedError as refused:
        raise pytest.UsageError(str(refused)) from refused
    databases.drop_left_over()


LONG = ("tests/journeys/", "tests/faults/", "tests/suoshe/", "tests/fuzz/", "tests/test_")
"""Tests that share real processes or one standing house, or read all there is, run in long pieces: they
begin first, so that no worker of the run ends alone with one."""
OWN_GROUPS = ("tests/journeys/", "tests/faults/")
"""Grouped by their own conftest."""


def _starts_late(item: pytest.Item) -> bool:
    return not item.nodeid.startswith(LONG)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("SUOSHE_LONG") != "1":
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    for item in items:
        if not item.nodeid.startswith(OWN_GROUPS) and _group_of(item) is None:
            # A module's fixtures are built in one worker, not in both.
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(item.config.rootpath).as_posix()))
    items.sort(key=_starts_late)
    if chromium() is not None:
        return
    for item in items:
        if item.get_closest_marker("browser"):
            if os.environ.get("SUOSHE_REQUIRE_BROWSER") == "1":
                raise pytest.UsageError("chromium is required here, and was not found")
            item.add_marker(pytest.mark.skip(reason=NO_BROWSER))


def _group_of(item: pytest.Item | None) -> str | None:
    marker = item.get_closest_marker("xdist_group") if item is not None else None
    return str(marker.args[0]) if marker else None


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """After the fixtures. Only a worker of xdist gets the tests of a group in one piece."""
    group = _group_of(item)
    if group in of_a_group and _is_worker(item.config) and _group_of(nextitem) != group:
        of_a_group.pop(group).end()


def pytest_collection_finish() -> None:
    """What was imported stays: the garbage collector need not walk over it in every test."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = [
        report for report in terminalreporter.stats.get("skipped", []) if NO_BROWSER in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.section("NO BROWSER", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{len(skipped)} browser tests did NOT run: install chromium", red=True, bold=True
        )


def pytest_unconfigure(config: pytest.Config) -> None:
    _held.close()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Have Django copy the test database from the migrated template."""
    from django.db import connections

    with django_db_blocker.unblock():
        connections["default"].settings_dict["TEST"]["TEMPLATE"] = databases.template()


@pytest.fixture(scope="session")
def copies(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Copies]:
    copies = Copies()
    yield copies
    with django_db_blocker.unblock():
        copies.drop()


@pytest.fixture
def committed_db(copies: Copies, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """A copy of the migrated database, for tests that commit or use several connections.

    `connections["default"]` and those of new threads point at it until the test ends; then it is put
    back to what it was (`tests/put_back.py`). Gives the copy's name.
    """
    with django_db_blocker.unblock(), copies.one() as name, databases.pointed_at(name):
        yield name


@pytest.fixture(scope="session")
def built_house(
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, House, Path]]:
    """One of everything, committed: its database, its objects, its media. Nobody may change it."""
    from tests.factories import house

    media = tmp_path_factory.mktemp("media")
    with house.built(django_db_blocker, media) as (name, made):
        yield name, made, media


@pytest.fixture(scope="module")
def standing_house(
    built_house: tuple[str, House, Path], django_db_blocker: DjangoDbBlocker
) -> Iterator[House]:
    """That house for a module, whose tests take neither `db` nor a mark; its changes are rolled back."""
    from tests.factories import house

    with house.lived_in(django_db_blocker, *built_house) as made, transaction.atomic():
        yield made
        transaction.set_rollback(True)
