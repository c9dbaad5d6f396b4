"""What stands on the watermarked copies of a lead's files."""

from __future__ import annotations

from kernel.evidence.captions import Caption
from leads.models import Lead


def of_leads(ids: set[int]) -> dict[int, Caption]:
    """Number, grid and business of these leads. One statement."""
    rows = Lead.objects.filter(pk__in=ids).values_list(
        "pk", "number", "grid__name", "grid__code", "entity__name"
    )
    return {
        pk: Caption(number, f"{grid}（{code}）" if grid else "", entity or "")
        for pk, number, grid, code, entity in rows
    }
