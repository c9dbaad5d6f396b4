"""Paths of the reports, with and without the final slash."""

from __future__ import annotations

from kernel.api import both_slashes
from reports.api import views

urlpatterns = [
    *both_slashes("reports/sla", views.Sla.as_view(), "report-sla"),
    *both_slashes("reports/sla.xlsx", views.SlaSheet.as_view(), "report-sla-xlsx"),
]
