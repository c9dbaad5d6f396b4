"""The URL root. Every API path is served with and without its final slash (API.md)."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("suoshe.api_urls")),
]
