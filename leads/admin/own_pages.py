"""Admins whose pages are drawn by templates of our own: the clocks tick on them, nobody may keep them."""

from __future__ import annotations

from typing import Any

from django.forms import Media
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from grids.admin_access import ScopedAdmin

OWN_MEDIA = Media(css={"all": ["leads/leads.css"]}, js=["leads/clocks.js"])
"""What they load; Django's form scripts would want its catalogue of words beside them."""


class OwnPages(ScopedAdmin):
    """An admin that shows and changes its rows on pages of its own."""

    def render(
        self, request: HttpRequest, template: str, shown: dict[str, Any], *, title: str, status: int = 200
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": OWN_MEDIA,
            "title": title,
            "server_now": self.scope(request).at,
            "list_address": self.list_address(),
            "has_add_permission": False,
            **shown,
        }
        answer = TemplateResponse(request, template, context, status=status)
        answer["Cache-Control"] = "no-store"
        return answer
