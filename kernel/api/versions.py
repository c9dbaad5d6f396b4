"""`ETag` and `If-Match`: nobody signs a stale page (API.md, Manner)."""

from __future__ import annotations

import re

from rest_framework.request import Request

from kernel.errors import StaleVersion, VersionRequired

__all__ = ["etag", "requested_version", "require_version"]


def etag(version: int) -> str:
    return f'"v{version}"'


def require_version(request: Request, current: int) -> None:
    """Check `If-Match` against the current version.

    Raises:
        VersionRequired: the header is missing or `*` (428).
        StaleVersion: it names another version (412).
    """
    if requested_version(request) != current:
        raise StaleVersion("内容已被更新，请刷新后再操作。", code="stale_version")


def requested_version(request: Request) -> int:
    """The number in `If-Match: "v3"` (a `W/` prefix is accepted: compressed answers carry one)."""
    raw = request.headers.get("If-Match", "").strip()
    if raw in ("", "*"):
        raise VersionRequired("缺少版本号（If-Match），请刷新后再操作。", code="if_match_required")
    match = re.fullmatch(r'(?:W/)?"v([0-9]{1,9})"', raw)
    if not match:
        raise StaleVersion("版本号（If-Match）无法识别，请刷新后再操作。", code="stale_version")
    return int(match[1])
