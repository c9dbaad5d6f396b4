"""All endpoints of `/api/v1/`. Each app brings its own `api/urls.py`."""

from __future__ import annotations

from importlib import import_module

from django.urls import URLPattern, URLResolver

APPS_WITH_ENDPOINTS: list[str] = ["kernel.accounts", "kernel.notices", "kernel.evidence", "grids", "stations", "leads"]

urlpatterns: list[URLPattern | URLResolver] = []
for _app in APPS_WITH_ENDPOINTS:
    urlpatterns += import_module(f"{_app}.api.urls").urlpatterns
