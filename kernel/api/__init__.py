"""What every endpoint shares: errors, versions, pages, strict bodies, paths (API.md, Manner)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path

from kernel.api.bodies import JsonBody, StrictModelSerializer, StrictSerializer
from kernel.api.pages import CursorPages
from kernel.api.refusals import error_body, exception_handler
from kernel.api.versions import etag, requested_version, require_version

__all__ = [
    "CursorPages",
    "JsonBody",
    "StrictModelSerializer",
    "StrictSerializer",
    "both_slashes",
    "error_body",
    "etag",
    "exception_handler",
    "requested_version",
    "require_version",
]


def both_slashes(route: str, view: Callable[..., Any], name: str) -> list[URLPattern]:
    """Serve a path with and without its final slash, without redirects."""
    bare = route.rstrip("/")
    return [path(f"{bare}/", view, name=name), path(bare, view)]
