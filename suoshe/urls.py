"""The URL root. Every API path is served with and without its final slash (API.md)."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from grids.door_page import door_page
from leads.door_page import tell_page
from leads.survey_page import survey_page
from leads.whistle_page import whistle_link
from stations.door_page import dispute_page, station_page
from suoshe import health, refusals

admin.autodiscover()  # here and not when apps are ready: suoshe/admin_apps.py

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("suoshe.api_urls")),
    path("s/<str:token>/", survey_page, name="survey-page"),
    path("s/<str:token>", survey_page, name="survey-page-bare"),
    path("d/<str:code>/", door_page, name="door"),
    path("d/<str:code>", door_page, name="door-bare"),
    path("d/<str:code>/tell/", tell_page, name="door-tell"),
    path("d/<str:code>/tell", tell_page, name="door-tell-bare"),
    path("d/<str:code>/dispute/", dispute_page, name="door-dispute"),
    path("d/<str:code>/dispute", dispute_page, name="door-dispute-bare"),
    path("station/<str:code>/", station_page, name="station-page"),
    path("station/<str:code>", station_page, name="station-page-bare"),
    path("healthz", health.healthz, name="healthz"),
    path("healthz/live", health.live, name="live"),
    path("healthz/ready", health.ready, name="ready"),
    path("metrics", health.metrics, name="metrics"),
    path("w/<str:token>/", whistle_link, name="whistle-link"),
    path("w/<str:token>", whistle_link, name="whistle-link-bare"),
    re_path(r"^api(?:/|$)", refusals.unknown_path, name="api-unknown"),
]

handler400 = "suoshe.refusals.bad_request"
handler403 = "suoshe.refusals.permission_denied"
handler404 = "suoshe.refusals.page_not_found"
handler500 = "suoshe.refusals.server_error"
