"""The admin site 所社联动.

Apps register with `django.contrib.admin.site`, which is this site (`suoshe.admin_apps`); importing
it from here would point up.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import path
from unfold.sites import UnfoldAdminSite

from kernel.accounts.admin_sign_in import SignInMixin
from kernel.accounts.forms import SignInForm
from suoshe import navigation

__all__ = ["SuosheAdminSite"]


class SuosheAdminSite(SignInMixin, UnfoldAdminSite):
    """Unfold's look, our sign-in, and a sidebar of what this person may open."""

    site_title = "所社联动"
    site_header = "所社联动"
    index_title = "工作台"
    login_form = SignInForm
    enable_nav_sidebar = True

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Asked once a request: each model's permission may cost a statement."""
        kept: dict[str | None, list[Any]] = request.__dict__.setdefault("_app_lists", {})
        if app_label not in kept:
            kept[app_label] = super().get_app_list(request, app_label)
        return kept[app_label]

    def get_urls(self) -> list[Any]:
        """Beside the models: how the machinery runs."""
        from suoshe import health_page  # registers nothing, but reads this very site

        return [path("health/", self.admin_view(health_page.page), name="health"), *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        groups = navigation.groups(request)[1:]
        shown = {"navigation_groups": groups, "front": self._front(request), "desk": self._desk(request)}
        return super().index(request, {**shown, **(extra_context or {})})

    def _front(self, request: HttpRequest) -> Any:
        """The workbench of who may see leads; None for everybody else."""
        from leads.admin import front  # registers with this very site: not while it is being made
        from leads.models import Lead

        return front.of(request.user) if self._registry[Lead].has_view_permission(request) else None

    def _desk(self, request: HttpRequest) -> Any:
        """The station's desk, first thing of a mediator's day; None for everybody else."""
        from kernel.accounts.models import User
        from stations.admin import desk

        user = request.user
        return desk.of(user) if isinstance(user, User) and desk.is_mediator(user) else None
