"""What every endpoint shares: errors, versions, pages, strict bodies (API.md, Manner)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError, OperationalError
from django.http import Http404
from django.urls import URLPattern, path
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler as StandardHandler
from rest_framework import exceptions, serializers
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from kernel.errors import Busy, DomainError, Malformed, StaleVersion, VersionRequired

log = structlog.get_logger(__name__)

RETRY_STATES = {"40P01", "55P03", "40001", "57014"}  # deadlock, lock timeout, serialization, cancelled


# --- errors ------------------------------------------------------------------------------------


def error_body(kind: str, code: str, detail: str, attr: str | None = None) -> dict[str, Any]:
    """The one shape of every refusal."""
    return {"type": kind, "errors": [{"code": code, "detail": detail, "attr": attr}]}


class Formatter(ExceptionFormatter):
    """Adds `auth_error` to the types of the standard formatter."""

    def format_error_response(self, error_response: Any) -> Any:
        body = super().format_error_response(error_response)
        if isinstance(self.exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
            body["type"] = "auth_error"
        return body


class Handler(StandardHandler):
    """Unknown exceptions go on to Django (500 with a log); nothing a client sends should get there."""

    def report_exception(self, exc: exceptions.APIException, response: Response) -> None:
        return None


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Turn every refusal into the one error shape; database contention into 503, never 500."""
    exc = _translate(exc)
    if isinstance(exc, DomainError):
        set_rollback()
        headers = {"Retry-After": "1"} if isinstance(exc, Busy) else None
        body = error_body("domain_error", exc.code, exc.detail, exc.attr)
        return Response(body, status=exc.status, headers=headers)
    handler = Handler(exc, context)
    handler.exception_formatter_class = Formatter  # type: ignore[attr-defined]
    response = handler.run()
    if response is not None and not isinstance(exc, exceptions.ValidationError):
        response.data = (
            Formatter(exc, context, exc).run() if isinstance(exc, exceptions.APIException) else response.data
        )
    return response


def _translate(exc: Exception) -> Exception:
    if isinstance(exc, Http404):
        return exceptions.NotFound("没有找到,或者您无权查看。")
    if isinstance(exc, PermissionDenied):
        return exceptions.PermissionDenied("您没有权限执行此操作。")
    if isinstance(exc, DjangoValidationError):
        return exceptions.ValidationError(serializers.as_serializer_error(exc))
    if isinstance(exc, OperationalError):
        return _translate_operational(exc)
    if isinstance(exc, DataError) or (isinstance(exc, ValueError) and "NUL" in str(exc)):
        return Malformed("提交的内容中有系统无法保存的字符或数值。", code="invalid")
    if isinstance(exc, IntegrityError):
        log.warning("integrity_error", error=str(exc))
        return DomainError("与已有记录冲突,请刷新后再试。", code="conflict")
    return exc


def _translate_operational(exc: OperationalError) -> Exception:
    state = getattr(exc.__cause__, "pgcode", None)
    if state in RETRY_STATES or state is None:
        return Busy("系统正忙,请稍后再试,已填内容不会丢失。", code="busy")
    return exc


# --- versions ----------------------------------------------------------------------------------


def etag(version: int) -> str:
    return f'"v{version}"'


def require_version(request: Request, current: int) -> None:
    """Check `If-Match` against the current version (API.md, Manner).

    Raises:
        VersionRequired: the header is missing or `*` (428).
        StaleVersion: it names another version (412).
    """
    if requested_version(request) != current:
        raise StaleVersion("内容已被更新,请刷新后再操作。", code="stale_version")


def requested_version(request: Request) -> int:
    """The number in `If-Match: "v3"` (a `W/` prefix is accepted)."""
    raw = request.headers.get("If-Match", "").strip()
    if raw in ("", "*"):
        raise VersionRequired("缺少版本号(If-Match),请刷新后再操作。", code="if_match_required")
    match = re.fullmatch(r'(?:W/)?"v(\d{1,9})"', raw)
    if not match:
        raise StaleVersion("版本号(If-Match)无法识别,请刷新后再操作。", code="stale_version")
    return int(match[1])


# --- lists -------------------------------------------------------------------------------------


class CursorPages(CursorPagination):
    """`{"next", "previous", "results"}`; `?count=exact` adds `count`; `?page_size=` ≤ 200."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = "-id"
    invalid_cursor_message = "翻页位置无效,请从第一页重新开始。"

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> Any:
        allowed = getattr(view, "ordering_fields", ())
        asked = request.query_params.get("ordering", "")
        default = getattr(view, "ordering", None) or self.ordering
        default = (default,) if isinstance(default, str) else tuple(default)
        if not asked:
            return default
        if asked.lstrip("-") not in allowed or asked.startswith("--"):
            raise exceptions.ValidationError({"ordering": "不支持按此字段排序。"})
        return (asked, *(name for name in default if name.lstrip("-") != asked.lstrip("-")))

    def get_page_size(self, request: Request) -> int:
        raw = request.query_params.get("page_size")
        if raw is None:
            return self.page_size
        if not re.fullmatch(r"\d{1,4}", raw) or int(raw) == 0:
            raise exceptions.ValidationError({"page_size": "每页条数应为 1 至 200 的整数。"})
        return min(int(raw), self.max_page_size)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        wants = request.query_params.get("count")
        if wants not in (None, "", "exact"):
            raise exceptions.ValidationError({"count": "只支持 count=exact。"})
        self.total = queryset.count() if wants == "exact" else None
        return super().paginate_queryset(queryset, request, view)

    def get_paginated_response(self, data: Any) -> Response:
        body = {"next": self.get_next_link(), "previous": self.get_previous_link(), "results": data}
        if self.total is not None:
            body["count"] = self.total
        return Response(body)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        found = super().get_paginated_response_schema(schema)
        found["properties"]["count"] = {"type": "integer", "description": "only with ?count=exact"}
        return found


# --- bodies ------------------------------------------------------------------------------------


class StrictMixin:
    """Unknown fields in a body are refused, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}  # type: ignore[attr-defined]
            unknown = [str(name).encode("utf-8", "replace").decode() for name in data if name not in known]
            if unknown:
                raise serializers.ValidationError(
                    {
                        name[:80]: [exceptions.ErrorDetail("没有这个字段。", code="unknown_field")]
                        for name in unknown
                    }
                )
        return super().to_internal_value(data)  # type: ignore[misc]


class StrictSerializer(StrictMixin, serializers.Serializer[Any]):
    """A plain serializer that refuses unknown fields."""


class StrictModelSerializer(StrictMixin, serializers.ModelSerializer[Any]):
    """A model serializer that refuses unknown fields."""


# --- paths -------------------------------------------------------------------------------------


def both_slashes(route: str, view: Callable[..., Any], name: str) -> list[URLPattern]:
    """Serve a path with and without its final slash, without redirects."""
    bare = route.rstrip("/")
    return [path(f"{bare}/", view, name=name), path(bare, view)]
