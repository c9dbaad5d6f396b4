"""Pages of a search: the best rows first, in the order in which `grids.search` ranks them."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from kernel.api import CursorPages
from kernel.api.pages import BAD_CURSOR


class BestFirst(CursorPages):
    """As every list by cursor; where the rows were searched for, a page is a stretch of what was found.

    At most 200 rows are found; their place in the ranking is the cursor.
    """

    ranked: list[int] | None = None
    start = size = 0

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.ranked = getattr(queryset, "ranked", None)
        if self.ranked is None:
            return super().paginate_queryset(queryset, request, view)
        if request.query_params.get("count") not in (None, "", "exact"):
            raise exceptions.ValidationError({"count": "只支持 count=exact。"})
        self.total = len(self.ranked) if request.query_params.get("count") == "exact" else None
        self.base_url = request.build_absolute_uri()
        self.size = self.get_page_size(request)
        self.start = self._start(request)
        wanted = self.ranked[self.start : self.start + self.size]
        found = {row.pk: row for row in queryset.filter(pk__in=wanted)}
        return [found[pk] for pk in wanted if pk in found]

    def _start(self, request: Request) -> int:
        raw = request.query_params.get(self.cursor_query_param, "0")
        if not (raw.isascii() and raw.isdigit() and len(raw) < 5):
            raise exceptions.ValidationError(
                {"cursor": [exceptions.ErrorDetail(BAD_CURSOR, code="bad_cursor")]}
            )
        return int(raw)

    def get_next_link(self) -> str | None:
        if self.ranked is None:
            return super().get_next_link()
        return self._at(self.start + self.size) if self.start + self.size < len(self.ranked) else None

    def get_previous_link(self) -> str | None:
        if self.ranked is None:
            return super().get_previous_link()
        return self._at(max(0, self.start - self.size)) if self.start else None

    def _at(self, place: int) -> str:
        return replace_query_param(self.base_url or "", self.cursor_query_param, place)
