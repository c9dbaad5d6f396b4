"""All endpoints of `/api/v1/`. Each app brings its own `api/urls.py`."""

from __future__ import annotations

from importlib import import_module

from django.urls import URLPattern, URLResolver

from kernel.api import both_slashes
from suoshe import api_docs
from suoshe.me import Me
from suoshe.sync import Sync

APPS_WITH_ENDPOINTS: list[str] = [
    "kernel.accounts",
    "kernel.notices",
    "kernel.evidence",
    "kernel.approvals",
    "grids",
    "credit",
    "patrols",
    "stations",
    "leads",
    "reports",
]

urlpatterns: list[URLPattern | URLResolver] = [
    *both_slashes("schema", api_docs.Document.as_view(), "schema"),
    *both_slashes("docs", api_docs.Docs.as_view(), "api-docs"),
    *both_slashes("me", Me.as_view(), "me"),
    *both_slashes("sync", Sync.as_view(), "sync"),
]
for _app in APPS_WITH_ENDPOINTS:
    urlpatterns += import_module(f"{_app}.api.urls").urlpatterns
