"""Paths of stations and disputes, with and without the final slash."""

from __future__ import annotations

from stations.api import acts, after, disputes, figures, papers, sessions, stations

urlpatterns = [
    *stations.urlpatterns,
    *figures.urlpatterns,
    *disputes.urlpatterns,
    *acts.urlpatterns,
    *after.urlpatterns,
    *sessions.urlpatterns,
    *papers.urlpatterns,
]
