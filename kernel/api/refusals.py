"""Every refusal in one shape and in Chinese (API.md, Manner).

`{"type", "errors": [{"code", "detail", "attr"}]}`. Types: `validation_error` (the body or the query),
`domain_error` (a rule of the house), `auth_error` (who are you?), `client_error` (anything else in the
request), `server_error`.
"""

from __future__ import annotations

import re
from typing import Any

import structlog
from django.core import signals
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError, connections
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.settings import api_settings

from kernel.errors import Busy, DomainError, Malformed, TooLarge, is_outage

__all__ = ["error_body", "exception_handler"]

log = structlog.get_logger(__name__)

SENTENCES = {
    400: "提交的内容格式不正确。",
    401: "请先登录。",
    403: "您没有权限执行此操作。",
    404: "没有找到，或者您无权查看。",
    405: "不支持这种操作方式。",
    406: "无法按要求的格式返回，请使用 JSON。",
    413: "提交的内容过大，请分几次提交。",
    415: "不支持这种提交格式，请使用接口文档中注明的格式。",
    429: "操作过于频繁，请稍后再试。",
    500: "系统出现故障，已记录，请稍后再试或联系系统管理员。",
}
UNREADABLE = "提交的内容中有系统无法保存的字符或数值。"
NO_SUCH_CHOICE = "不在可选范围内，请重新选择。"
"""The framework's own sentence repeats what was sent, and that may be somebody's name."""
NOT_AS_ASKED = "填写的内容不符合要求。"
BUSY = "系统正忙，请稍后再试，已填内容不会丢失。"
SIGNED_OUT = "登录校验未通过（CSRF），请刷新页面后再试。"
CHINESE = re.compile(r"[㐀-鿿]")


def error_body(kind: str, code: str, detail: str, attr: str | None = None) -> dict[str, Any]:
    """The one shape of a refusal with one error."""
    return {"type": kind, "errors": [_error(code, detail, attr)]}


def _error(code: str, detail: str, attr: str | None) -> dict[str, Any]:
    """Echoes of what was sent may hold halves of characters that cannot be written."""
    return {"code": code, "detail": _writable(detail), "attr": None if attr is None else _writable(attr)}


def _writable(text: str) -> str:
    """What an answer, and the database that keeps a receipt of it, can write."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "?")


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """Turn every exception of an endpoint into the one shape.

    What nobody foresaw is a 500 without details, logged with its traceback, and told to whoever
    listens to `got_request_exception` (Django's test client raises it again).
    """
    exc = _translate(exc)
    _roll_back()
    if isinstance(exc, DomainError):
        headers = {"Retry-After": "1"} if isinstance(exc, Busy) else {}
        return Response(_domain_body(exc), status=exc.status, headers=headers)
    if isinstance(exc, exceptions.ValidationError):
        return Response({"type": "validation_error", "errors": flatten(exc.detail)}, status=400)
    if isinstance(exc, exceptions.APIException):
        return Response(_client_body(exc), status=exc.status_code, headers=_headers(exc))
    request = getattr(context.get("request"), "_request", None)
    log.error("unforeseen_exception", exc_info=exc)
    signals.got_request_exception.send(sender=None, request=request)
    return Response(error_body("server_error", "error", SENTENCES[500]), status=500)


def _domain_body(exc: DomainError) -> dict[str, Any]:
    return error_body("domain_error", exc.code, exc.detail, exc.attr)


def _client_body(exc: exceptions.APIException) -> dict[str, Any]:
    """Our own sentences stand; those of the framework are replaced."""
    code, detail = str(exc.get_codes()), str(exc.detail)
    kind = "server_error" if exc.status_code >= 500 else "client_error"
    if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        kind = "auth_error"
    if detail.startswith("CSRF Failed"):
        kind, code, detail = "auth_error", "csrf_failed", SIGNED_OUT
    elif _is_the_frameworks(exc, detail):
        detail = SENTENCES.get(exc.status_code, SENTENCES[400])
    return error_body(kind, code, detail)


def _is_the_frameworks(exc: exceptions.APIException, detail: str) -> bool:
    ours = CHINESE.search(detail) and not isinstance(
        exc, exceptions.MethodNotAllowed | exceptions.UnsupportedMediaType | exceptions.Throttled
    )
    return not ours or detail == str(exc.default_detail)


def _headers(exc: exceptions.APIException) -> dict[str, str]:
    headers: dict[str, str] = {}
    if found := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = found
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return headers


def flatten(detail: Any, attr: str | None = None) -> list[dict[str, Any]]:
    """Nested details of a validation error as a flat list; `attr` is a path such as `evidence.2.id`."""
    if isinstance(detail, exceptions.ErrorDetail):
        sentence = str(detail) if CHINESE.search(detail) else NOT_AS_ASKED
        if detail.code == "invalid_choice":
            sentence = NO_SUCH_CHOICE
        return [_error(str(detail.code), sentence, attr)]
    if isinstance(detail, dict):
        return [one for key, value in detail.items() for one in flatten(value, _below(attr, str(key)))]
    found = []
    for place, value in enumerate(detail):
        here = attr if isinstance(value, exceptions.ErrorDetail) else _below(attr, str(place))
        found += flatten(value, here)
    return found


def _below(attr: str | None, key: str) -> str | None:
    if key == api_settings.NON_FIELD_ERRORS_KEY:
        return attr
    return key if attr is None else f"{attr}.{key}"


def _roll_back() -> None:
    """What an endpoint wrote before it refused is not kept, where a request is one transaction."""
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)


def _translate(exc: Exception) -> Exception:
    """What Django and the database raise, as one of ours."""
    if isinstance(exc, Http404):
        return exceptions.NotFound()
    if isinstance(exc, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(exc, DjangoValidationError):
        return exceptions.ValidationError(serializers.as_serializer_error(exc))
    if isinstance(exc, RequestDataTooBig):
        return TooLarge(SENTENCES[413], code="body_too_large")
    if isinstance(exc, SuspiciousOperation | BadRequest | UnreadablePostError):
        return exceptions.ParseError(SENTENCES[400])
    if isinstance(exc, DataError) or _cannot_be_said(exc):
        return Malformed(UNREADABLE, code="invalid")
    if is_outage(exc):
        log.warning("database_unavailable", error=str(exc), state=_sqlstate(exc))
        return Busy(BUSY, code="busy")
    if isinstance(exc, IntegrityError):
        log.warning("integrity_error", error=str(exc), state=_sqlstate(exc))
        return DomainError("与已有记录冲突，请刷新后再试。", code="conflict")
    return exc


def _cannot_be_said(exc: Exception) -> bool:
    """NUL, halves of characters, and charsets that are none: none of them reaches the database."""
    return (
        isinstance(exc, UnicodeError)
        or (isinstance(exc, ValueError) and "NUL" in str(exc))
        or (isinstance(exc, LookupError) and "text encoding" in str(exc))
    )


def _sqlstate(exc: Exception) -> str | None:
    return getattr(exc.__cause__, "pgcode", None)
