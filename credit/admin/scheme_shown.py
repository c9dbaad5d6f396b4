"""What the page of one version of the scheme shows: values, what differs, what a trial found. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from credit import schemes
from credit.admin.drawings import Divided, stacked
from credit.models import CreditScheme
from credit.scheme import GRADES, dump
from credit.scheme_values import SECTIONS, VALUES
from credit.schemes_in_force import NoSchemeInForce, newest
from credit.trial import UNGRADED, Mover
from grids.models import GONE, BusinessEntity

State = CreditScheme.State


def page(
    row: CreditScheme, tried: Mapping[str, Any] | None, movers: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    """Everything on the page. A fixed number of statements."""
    done, of = schemes.regraded(row) if row.state == State.IN_FORCE else (0, 0)
    trying = row.trial_asked_at is not None
    return {
        "row": row,
        "sections": sections(row),
        "trying": trying,
        "trying_of": BusinessEntity.objects.exclude(status__in=GONE).count() if trying else 0,
        "stale": bool(tried) and row.state == State.DRAFT and not trying and not schemes.is_tried(row),
        "regrading": of > done and row.state == State.IN_FORCE,
        "regraded": done,
        "regraded_of": of,
        "trial": trial_of(tried, movers) if tried else None,
    }


def sections(row: CreditScheme) -> list[tuple[str, list[dict[str, Any]]]]:
    """The values by section, those that differ from the scheme in force marked."""
    changed: dict[str, Any] = {}
    if row.state in (State.DRAFT, State.DROPPED):
        try:
            changed = {one.path: one.before for one in schemes.differences(dump(newest()[1]), row.rules)}
        except NoSchemeInForce:
            changed = {}
    found = []
    for section, label in SECTIONS.items():
        values = [
            {
                "label": value.label,
                "shown": value.shown(row.rules[its][name]),
                "before": value.shown(changed[f"{its}.{name}"]) if f"{its}.{name}" in changed else "",
            }
            for (its, name), value in VALUES.items()
            if its == section
        ]
        found.append((label, values))
    return found


def trial_of(tried: Mapping[str, Any], movers: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """A kept trial, in words and pictures."""
    rows = [Mover(*one) for one in movers]
    names = dict(
        BusinessEntity.objects.filter(pk__in=[one.entity_id for one in rows]).values_list("pk", "name")
    )
    grids = [(f"{one['code'][-3:]} {one['name']}", one) for one in tried["grids"]]
    return {
        "on": tried["on"],
        "entities": tried["entities"],
        "falls": tried["falls"],
        "rises": tried["rises"],
        "matrix": matrix(tried["matrix"]),
        "computed": matrix(tried["computed"]),
        "before": stacked([Divided(name, one["before"]) for name, one in grids]),
        "after": stacked([Divided(name, one["after"]) for name, one in grids]),
        "movers": [(names.get(one.entity_id, ""), one) for one in rows],
        "more": tried["falls"] + tried["rises"] > len(rows),
        "effects": [(name, *workload(found)) for name, found in tried["effects"].items()],
        "grades": GRADES,
    }


def matrix(table: Mapping[str, Mapping[str, int]]) -> list[tuple[str, list[tuple[int, bool]]]]:
    """Rows of grades now, columns of grades then; whether a field lies on the diagonal."""
    return [
        (
            "未评定" if before == UNGRADED else f"{before}级",
            [(counts.get(after, 0), after == before) for after in GRADES],
        )
        for before, counts in table.items()
    ]


def workload(found: Any) -> tuple[list[Any], list[Any]]:
    """Who would have how much to do: workers by the day, commissioners by the week."""
    if not isinstance(found, Mapping):
        return [], []
    workers = [
        (one["name"], one["grid"], one["before_per_day"], one["after_per_day"])
        for one in found.get("workers", [])
    ]
    commissioners = [
        (one["name"], one["grid"], one["before_per_week"], one["after_per_week"])
        for one in found.get("commissioners", [])
    ]
    return workers, commissioners
