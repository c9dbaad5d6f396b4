"""Middleware of the whole project: the request's id and log line, and the admin's content policy."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponseBase

log = structlog.get_logger("suoshe.request")
Handler = Callable[[HttpRequest], HttpResponseBase]
ACCEPTED_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
QUIET = ("/healthz", "/metrics", "/static/")


class RequestLog:
    """Give every request an id (the proxy's `X-Request-ID` where it is sane) and log one line for it.

    Every line written while it is answered carries the id, the route, and who asks once that is known
    (`kernel.accounts` says so). Lines name the route, never the path: paths carry single-use tokens and
    identifiers.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if ACCEPTED_ID.fullmatch(given) else uuid.uuid4().hex
        started = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id
            if not request.path.startswith(QUIET):
                match = request.resolver_match
                log.info(
                    "request",
                    method=request.method,
                    route=match.route if match else None,
                    status=response.status_code,
                    ms=round((time.perf_counter() - started) * 1000, 1),
                )
            return response
        finally:
            structlog.contextvars.clear_contextvars()

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """The route is known from here on."""
        if request.resolver_match is not None:
            structlog.contextvars.bind_contextvars(route=request.resolver_match.route)


def admin_content_policy(get_response: Handler) -> Handler:
    """Loosen the content policy for the admin alone: Unfold's Alpine evaluates expressions."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.path.startswith("/admin/"):
            response._csp_update = {  # type: ignore[attr-defined]
                "script-src": ["'unsafe-eval'"],
                "style-src": ["'unsafe-inline'"],
            }
        return response

    return handle
