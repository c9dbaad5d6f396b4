"""Paths of stations and disputes, with and without the final slash."""

from __future__ import annotations

from stations.api import acts, disputes, papers, sessions, stations

urlpatterns = [
    *stations.urlpatterns,
    *disputes.urlpatterns,
    *acts.urlpatterns,
    *sessions.urlpatterns,
    *papers.urlpatterns,
]
