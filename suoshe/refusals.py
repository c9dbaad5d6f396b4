"""Refusals before any endpoint is reached: JSON below `/api/`, Django's own pages elsewhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from kernel.api.refusals import SENTENCES, error_body

__all__ = ["bad_request", "page_not_found", "permission_denied", "server_error", "unknown_path"]

UNKNOWN_PATH = "没有这个接口地址，请核对接口文档。"


def _answer(status: int, code: str, detail: str = "", kind: str = "client_error") -> JsonResponse:
    body = error_body(kind, code, detail or SENTENCES[status])
    return JsonResponse(body, status=status, json_dumps_params={"ensure_ascii": False})


def _of_the_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


@csrf_exempt
def unknown_path(request: HttpRequest) -> HttpResponse:
    """Below `/api/`, and no endpoint."""
    return _answer(404, "unknown_path", UNKNOWN_PATH)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _of_the_api(request):
        return _answer(400, "parse_error")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _of_the_api(request):
        return _answer(403, "permission_denied")
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _of_the_api(request):
        return _answer(404, "unknown_path", UNKNOWN_PATH)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if _of_the_api(request):
        return _answer(500, "error", kind="server_error")
    return defaults.server_error(request)
