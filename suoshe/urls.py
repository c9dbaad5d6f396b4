"""The URL root. Every API path is served with and without its final slash (API.md)."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from suoshe import health, refusals

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("suoshe.api_urls")),
    path("healthz", health.healthz, name="healthz"),
    path("healthz/live", health.live, name="live"),
    path("metrics", health.metrics, name="metrics"),
    re_path(r"^api(?:/|$)", refusals.unknown_path, name="api-unknown"),
]

handler400 = "suoshe.refusals.bad_request"
handler403 = "suoshe.refusals.permission_denied"
handler404 = "suoshe.refusals.page_not_found"
handler500 = "suoshe.refusals.server_error"
