"""The URL root. Every API path is served with and without its final slash (API.md)."""

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("suoshe.api_urls")),
]
