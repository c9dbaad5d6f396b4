"""Paths of `auth/`, with and without the final slash."""

from __future__ import annotations

from kernel.accounts.api import views
from kernel.api import both_slashes

urlpatterns = [
    *both_slashes("auth/login", views.Login.as_view(), "auth-login"),
    *both_slashes("auth/logout", views.Logout.as_view(), "auth-logout"),
    *both_slashes("auth/devices", views.DeviceList.as_view(), "auth-devices"),
    *both_slashes("auth/devices/<int:pk>", views.DeviceView.as_view(), "auth-device"),
    *both_slashes("auth/password", views.Password.as_view(), "auth-password"),
]
