"""Lists by cursor (API.md, Manner)."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, models
from django.db.models import Q
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

__all__ = ["CursorPages"]

BAD_CURSOR = "翻页位置无效，请从第一页重新开始。"


def _bad_cursor() -> exceptions.ValidationError:
    return exceptions.ValidationError({"cursor": [exceptions.ErrorDetail(BAD_CURSOR, code="bad_cursor")]})


class _Cursor(NamedTuple):
    """A place between two rows: what the ordering's fields held in the row next to it."""

    back: bool
    values: list[Any]


def _total(ordering: Sequence[str], model: type[models.Model]) -> tuple[str, ...]:
    """The ordering, made total: what ends in no unique field is decided by the newest row."""
    last = model._meta.get_field(ordering[-1].lstrip("-"))
    return tuple(ordering) if getattr(last, "unique", False) else (*ordering, "-id")


def _turned(ordering: Sequence[str]) -> list[str]:
    return [name[1:] if name.startswith("-") else f"-{name}" for name in ordering]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, int | str) else str(value)


def _read(token: str | None, ordering: Sequence[str], model: type[models.Model]) -> _Cursor | None:
    """The cursor that a link carries. Raises ValidationError `bad_cursor`."""
    if token is None:
        return None
    try:
        back, *said = json.loads(urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4)))
        if back not in (0, 1) or not all(isinstance(one, int | str) for one in said):
            raise ValueError("no cursor of ours")
        fields = [model._meta.get_field(name.lstrip("-")) for name in ordering]
        return _Cursor(bool(back), [f.to_python(one) for f, one in zip(fields, said, strict=True)])  # type: ignore[union-attr]
    except (ValueError, TypeError, RecursionError, DjangoValidationError):
        raise _bad_cursor() from None


def _beyond(cursor: _Cursor, ordering: Sequence[str]) -> Q:
    """Rows after the cursor's place (before it, where it leads back), in the order of the list."""
    found, same = Q(), Q()
    for name, value in zip(ordering, cursor.values, strict=True):
        column = name.lstrip("-")
        falling = name.startswith("-") != cursor.back
        found |= same & Q(**{f"{column}__{'lt' if falling else 'gt'}": value})
        same &= Q(**{column: value})
        if column == ordering[0].lstrip("-"):
            bound = Q(**{f"{column}__{'lte' if falling else 'gte'}": value})
    return bound & found


class CursorPages(CursorPagination):
    """`{"next", "previous", "results"}`; `?count=exact` adds `count`.

    A cursor names the row next to it by all fields of the ordering, which is total: rows that come or
    go, and rows that share a moment, are neither shown twice nor left out, forwards or back.

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

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        wants = request.query_params.get("count")
        if wants not in (None, "", "exact"):
            raise exceptions.ValidationError({"count": "只支持 count=exact。"})
        self.total = queryset.count() if wants == "exact" else None
        self.base_url = request.build_absolute_uri()
        size = self.get_page_size(request)
        self.order = _total(self.get_ordering(request, queryset, view), queryset.model)
        cursor = _read(request.query_params.get(self.cursor_query_param), self.order, queryset.model)
        back = cursor is not None and cursor.back
        rows = queryset.order_by(*(_turned(self.order) if back else self.order))
        if cursor is not None:
            rows = rows.filter(_beyond(cursor, self.order))
        try:
            found = list(rows[: size + 1])
        except (ValueError, TypeError, OverflowError, DataError):
            if cursor is None:
                raise
            # A well-formed cursor whose position the database cannot compare with.
            raise _bad_cursor() from None
        more = len(found) > size
        self.rows = found[:size][::-1] if back else found[:size]
        self.has_next, self.has_previous = (True, more) if back else (more, cursor is not None)
        return self.rows

    def get_next_link(self) -> str | None:
        return self._link(self.rows[-1], back=False) if self.has_next and self.rows else None

    def get_previous_link(self) -> str | None:
        return self._link(self.rows[0], back=True) if self.has_previous and self.rows else None

    def _link(self, row: Any, *, back: bool) -> str:
        position = [_plain(getattr(row, name.lstrip("-"))) for name in self.order]
        text = json.dumps([int(back), *position], ensure_ascii=False, separators=(",", ":"))
        token = urlsafe_b64encode(text.encode()).decode().rstrip("=")
        return replace_query_param(self.base_url or "", self.cursor_query_param, token)

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
