"""Middleware of the whole project: the request's id and log line, and the admin's content policy."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponseBase

log = structlog.get_logger("suoshe.request")
Handler = Callable[[HttpRequest], HttpResponseBase]
ACCEPTED_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
QUIET = ("/healthz", "/metrics", "/static/")


def request_log(get_response: Handler) -> Handler:
    """Give every request an id (the proxy's `X-Request-ID` where it is sane) and log one line for it.

    The line names the route, never the path: paths carry single-use tokens and identifiers.
    """

    def handle(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if ACCEPTED_ID.fullmatch(given) else uuid.uuid4().hex
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = get_response(request)
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

    return handle


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
