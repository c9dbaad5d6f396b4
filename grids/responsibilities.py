"""Who answers for what (责任清单与流程规范), to be shown beside a lead and to a grid's people."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from grids.models import ResponsibilityItem


def rows_of(category: str) -> QuerySet[ResponsibilityItem]:
    """What applies to a category such as `F03`, in the list's order."""
    rows: QuerySet[ResponsibilityItem] = ResponsibilityItem.objects.of_category(category).named()
    return rows


def beside(category: str) -> list[dict[str, Any]]:
    """The same as plain rows for a lead's answer and page. One statement."""
    return [shown(row) for row in rows_of(category)]


def shown(row: ResponsibilityItem) -> dict[str, Any]:
    return {
        "who": row.answerable,
        "role": row.role or None,
        "section": row.section or None,
        "department": row.department or None,
        "duty": row.duty,
        "standard": row.standard,
        "basis": row.basis,
    }
