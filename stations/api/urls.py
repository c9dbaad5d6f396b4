"""Paths of the stations, with and without the final slash."""

from __future__ import annotations

from kernel.api import both_slashes
from stations.api import views

urlpatterns = [*both_slashes("stations", views.StationList.as_view(), "stations")]
