"""System checks of the project, with stable ids (docs/operations.md lists them)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.models import Model

LAYERS: tuple[tuple[str, ...], ...] = (
    ("clock",),
    ("journal",),
    ("accounts",),
    ("notices",),
    ("deadlines",),
    ("evidence", "approvals", "offline"),
    ("grids",),
    ("credit",),
    ("leads",),
    ("patrols", "stations", "campaigns", "outreach"),
    ("reports",),
    ("suoshe",),
)
"""From the bottom up (DESIGN.md §2), by app label. Apps of one layer know nothing of each other."""

HEIGHT = {label: height for height, layer in enumerate(LAYERS) for label in layer}


@register(Tags.security)
def test_clock_is_off(**_: Any) -> list[CheckMessage]:
    """suoshe.E001: the house's clock can be moved where people's deadlines are real."""
    if settings.SUOSHE_TEST_CLOCK and not settings.DEBUG and not settings.SUOSHE_SUITE:
        return [
            Error(
                "SUOSHE_TEST_CLOCK is on while DEBUG is off: real deadlines could be moved.",
                hint="Unset SUOSHE_TEST_CLOCK.",
                id="suoshe.E001",
            )
        ]
    return []


@register(Tags.database)
def database_is_postgresql_with_utf8(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """suoshe.E002 and E003: no other database; and LC_CTYPE must know Chinese letters (STACK)."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if connection.vendor != "postgresql":
            found.append(Error(f"Database '{alias}' is not PostgreSQL.", id="suoshe.E002"))
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_encoding_to_char(encoding), CASE datlocprovider WHEN 'c' THEN datctype"
                " ELSE 'UTF-8' END FROM pg_database WHERE datname = current_database()"
            )
            encoding, ctype = cursor.fetchone()
        if encoding != "UTF8" or "utf" not in ctype.lower():
            found.append(
                Error(
                    f"Database '{alias}' has encoding {encoding} and LC_CTYPE {ctype}: searches for Chinese"
                    " words would read whole tables.",
                    hint="Create the cluster with: initdb --encoding=UTF8 --locale=C --lc-ctype=C.UTF-8",
                    id="suoshe.E003",
                )
            )
    return found


@register(Tags.models)
def relations_point_down(app_configs: Iterable[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """suoshe.E004: a relation (a string foreign key is invisible to the import linter) points upward."""
    return [
        Error(
            f"{model._meta.label}.{field.name} points up or sideways to {target._meta.label} (DESIGN §2).",
            obj=model,
            id="suoshe.E004",
        )
        for model in apps.get_models()
        if model._meta.app_label in HEIGHT
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and (target := _target(field)) is not None
        if not _may_know(model._meta.app_label, target._meta.app_label)
    ]


def _target(field: Any) -> type[Model] | None:
    target = field.related_model
    return target if isinstance(target, type) and issubclass(target, Model) else None


def _may_know(label: str, other: str) -> bool:
    return label == other or other not in HEIGHT or HEIGHT[label] > HEIGHT[other]


@register(Tags.models)
def every_app_has_a_layer(**_: Any) -> list[CheckMessage]:
    """suoshe.E005: an app of ours that no layer names."""
    return [
        Error(f"App '{config.label}' has no layer in suoshe.checks.LAYERS.", id="suoshe.E005")
        for config in apps.get_app_configs()
        if str(config.path).startswith(str(settings.BASE_DIR / ""))
        and ".venv" not in config.path
        and config.label not in HEIGHT
    ]


@register()
def times_of_day_are_readable(**_: Any) -> list[CheckMessage]:
    """suoshe.E006: a setting that names times of day cannot be read: notices would stand still."""
    from kernel.notices.policy import QuietHours
    from leads import order_digests

    readers = {"SUOSHE_QUIET_HOURS": QuietHours.parse, "SUOSHE_ORDER_DIGEST_AT": order_digests.times}
    found: list[CheckMessage] = []
    for name, read in readers.items():
        try:
            read(getattr(settings, name))
        except ValueError as failure:
            hint = "Times of day in Shanghai: 22:00-07:00, or 08:30,14:00."
            found.append(Error(f"{name} is not understood: {failure}.", hint=hint, id="suoshe.E006"))
    return found
