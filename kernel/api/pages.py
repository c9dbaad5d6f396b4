"""Lists by cursor (API.md, Manner)."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

__all__ = ["CursorPages"]

BAD_CURSOR = "翻页位置无效，请从第一页重新开始。"


def _bad_cursor() -> exceptions.ValidationError:
    return exceptions.ValidationError({"cursor": [exceptions.ErrorDetail(BAD_CURSOR, code="bad_cursor")]})


class CursorPages(CursorPagination):
    """`{"next", "previous", "results"}`; `?count=exact` adds `count`.

    `?page_size=` from 1; more than 200 gives 200. `?ordering=` takes the fields that the view names
    in `ordering_fields`, each also with a minus; the view's own `ordering` decides among equals.
    Unknown query parameters are ignored. A cursor that is none answers 400 `bad_cursor`.
    """

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = "-id"

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> Any:
        asked = request.query_params.get("ordering", "")
        default = self._default(view)
        if not asked:
            return default
        if asked not in self._orderings(view):
            raise exceptions.ValidationError({"ordering": "不支持按此字段排序。"})
        return (asked, *(name for name in default if name.lstrip("-") != asked.lstrip("-")))

    def _default(self, view: Any) -> tuple[str, ...]:
        default = getattr(view, "ordering", None) or self.ordering
        return (default,) if isinstance(default, str) else tuple(default)

    @staticmethod
    def _orderings(view: Any) -> list[str]:
        return [f"{sign}{name}" for name in getattr(view, "ordering_fields", ()) for sign in ("", "-")]

    def get_page_size(self, request: Request) -> int:
        raw = request.query_params.get("page_size")
        if raw is None:
            return self.page_size
        if not re.fullmatch(r"[0-9]{1,9}", raw) or int(raw) == 0:
            raise exceptions.ValidationError({"page_size": "每页条数应为 1 至 200 的整数。"})
        return min(int(raw), self.max_page_size)

    def decode_cursor(self, request: Request) -> Any:
        try:
            return super().decode_cursor(request)
        except exceptions.NotFound:
            raise _bad_cursor() from None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        wants = request.query_params.get("count")
        if wants not in (None, "", "exact"):
            raise exceptions.ValidationError({"count": "只支持 count=exact。"})
        self.total = queryset.count() if wants == "exact" else None
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, TypeError, DjangoValidationError, DataError):
            if not request.query_params.get("cursor"):
                raise
            # A well-formed cursor whose position is no value of the field that orders the list.
            raise _bad_cursor() from None

    def get_paginated_response(self, data: Any) -> Response:
        body = {"next": self.get_next_link(), "previous": self.get_previous_link(), "results": data}
        if self.total is not None:
            body["count"] = self.total
        return Response(body)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": link,
                "previous": link,
                "results": schema,
                "count": {"type": "integer", "description": "only with `?count=exact`"},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = [
            {"name": "cursor", "schema": {"type": "string"}, "description": "from `next` or `previous`"},
            {"name": "page_size", "schema": {"type": "integer", "minimum": 1, "maximum": self.max_page_size}},
            {"name": "count", "schema": {"type": "string", "enum": ["exact"]}},
        ]
        if orderings := self._orderings(view):
            parameters.append({"name": "ordering", "schema": {"type": "string", "enum": orderings}})
        return [{"in": "query", "required": False, **one} for one in parameters]
