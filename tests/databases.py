"""Databases of the suite: one migrated template, and copies of it."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import itertools
import os
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.migrations.state import ProjectState

ROOT = Path(__file__).resolve().parent.parent
KEPT_TEMPLATES = 3
_numbers = itertools.count(1)


@contextlib.contextmanager
def server() -> Iterator[Any]:
    """A cursor on the server's own database, outside any transaction."""
    given = settings.DATABASES["default"]
    connection = psycopg2.connect(
        host=given["HOST"],
        port=given["PORT"] or None,
        user=given["USER"],
        password=given["PASSWORD"] or None,
        dbname="postgres",
    )
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


@contextlib.contextmanager
def pointed_at(name: str) -> Iterator[None]:
    """Have `connections["default"]`, in this and in new threads, mean the database `name`."""
    connection = connections["default"]
    if connection.in_atomic_block:
        raise RuntimeError("a test takes either `db` or `committed_db`, not both")
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict["NAME"] = before


def _read_by_migrations(source: str) -> Iterator[Path]:
    """Modules of the project that a migration imports: their content is part of the schema too."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.split(".")[0] in {"kernel", "grids", "leads", "reports", "credit", "stations", "suoshe"}:
                with contextlib.suppress(ImportError):
                    spec = find_spec(name)
                    if spec and spec.origin:
                        yield Path(spec.origin)


def _digest() -> str:
    digest = hashlib.sha256()
    for config in apps.get_app_configs():
        for path in sorted(Path(config.path, "migrations").glob("*.py")):
            source = path.read_text()
            digest.update(f"{config.label}/{path.name}\n{source}".encode())
            if path.is_relative_to(ROOT) and ".venv" not in path.parts:
                for read in sorted(set(_read_by_migrations(source))):
                    digest.update(read.read_bytes())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def _rendering_little() -> Iterator[None]:
    """Migrate in a quarter of the time: one model is rendered anew for one step, not all its neighbours.

    Django renders the neighbours with it, and theirs, which through the accounts are all models there
    are: 60 models a new column. The columns of a step are told without them. What names neighbours (a
    column that changes its type or its name) renders them as always, and a step of Python renders all.
    tests/suoshe/test_migrations.py holds the schema against the one of a plain `migrate`.
    """
    whole = ProjectState._find_reload_model
    naming = {name: getattr(ProjectState, name) for name in ("alter_field", "rename_field", "rename_model")}

    def alone(
        state: ProjectState, app_label: str, model_name: str, delay: bool = False
    ) -> set[tuple[str, str]]:
        state.is_delayed = True  # the next step of Python renders all anew
        return {(app_label, model_name)}

    def wholly(step: Callable[..., None]) -> Callable[..., None]:
        def stepped(*args: Any, **kwargs: Any) -> None:
            ProjectState._find_reload_model = whole
            try:
                step(*args, **kwargs)
            finally:
                ProjectState._find_reload_model = alone

        return stepped

    ProjectState._find_reload_model = alone
    for name, step in naming.items():
        setattr(ProjectState, name, wholly(step))
    try:
        yield
    finally:
        ProjectState._find_reload_model = whole
        for name, step in naming.items():
            setattr(ProjectState, name, step)


@cache
def template() -> str:
    """The name of the migrated template; built here where it does not exist yet."""
    name = f"tpl_{_digest()}"
    with server() as cursor:
        cursor.execute("SELECT pg_advisory_lock(5432001)")
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone():
            return name
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}_making" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}_making"')
        with pointed_at(f"{name}_making"), _rendering_little():
            call_command("migrate", verbosity=0, interactive=False)
        cursor.execute(f'ALTER DATABASE "{name}_making" RENAME TO "{name}"')
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'tpl\\_%' ORDER BY oid DESC")
        for (old,) in cursor.fetchall()[KEPT_TEMPLATES:]:
            with contextlib.suppress(psycopg2.errors.ObjectInUse):
                cursor.execute(f'DROP DATABASE "{old}"')
    return name


@contextlib.contextmanager
def fresh(source: str | None = None) -> Iterator[str]:
    """A new copy of the migrated database, or of `source`, dropped at the end whoever is still connected."""
    name = f"test_{os.environ['SUOSHE_TEST_RUN']}_{os.getpid()}_{next(_numbers)}"
    source = source or template()
    with server() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
    try:
        yield name
    finally:
        with server() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def drop_left_over() -> None:
    """Drop the databases of runs that were killed."""
    with server() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'")
        for (name,) in cursor.fetchall():
            run = name.split("_")[1]
            if run.isdigit() and not Path("/proc", run).exists():
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
