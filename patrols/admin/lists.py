"""What the lists of patrols share."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from unfold.decorators import display

from grids.admin_access import BUREAU_PEOPLE, GRID_PEOPLE, OFFICE_PEOPLE, ExportsSheet, ScopedAdmin

LOOKS = OFFICE_PEOPLE | BUREAU_PEOPLE | GRID_PEOPLE


class OfShop(ExportsSheet, ScopedAdmin):
    """A list of rows of one business each, read only: patrols are done on the phone."""

    view_roles = LOOKS
    search_fields: Any = ("entity__name", "entity__uscc", "entity__code")
    search_help_text = "按主体名称或代码查找"
    actions = None
    list_before_template = "grids/list_before.html"
    when_empty = ""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.get_fields(request, obj))

    @display(description="经营主体", ordering="entity__name")
    def shop(self, row: Any) -> str:
        return str(row.entity.name)
