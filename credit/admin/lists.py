"""What the lists of credit share: who looks, and the grid of a business."""

from __future__ import annotations

from typing import Any

from unfold.decorators import display

from grids.admin import of_entity
from grids.admin_access import BUREAU_PEOPLE, GRID_PEOPLE, OFFICE_PEOPLE
from grids.roles import Role

LOOKS = OFFICE_PEOPLE | BUREAU_PEOPLE | GRID_PEOPLE | {Role.BUREAU_SECTION}


class OfEntity(of_entity.OfEntity):
    view_roles = LOOKS
    list_select_related: Any = ("entity__grid",)

    @display(description="网格", ordering="entity__grid__code")
    def grid(self, row: Any) -> str:
        return "未落格" if row.entity.grid is None else str(row.entity.grid)
