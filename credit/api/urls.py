"""Paths of credit, with and without the final slash."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from credit.api import asked, imports, partners, schemes, standing

urlpatterns: list[URLPattern | URLResolver] = [
    *standing.urlpatterns,
    *asked.urlpatterns,
    *partners.urlpatterns,
    *schemes.urlpatterns,
    *imports.urlpatterns,
]
