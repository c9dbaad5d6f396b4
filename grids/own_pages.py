"""Admins whose pages are drawn by templates of our own: nobody may keep them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.forms import Media
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from grids.admin_access import ScopedAdmin
from kernel.errors import StaleVersion

PAGE_MEDIA = Media(css={"all": ["leads/leads.css", "suoshe/pages.css"]})
"""What they load; Django's form scripts would want its catalogue of words beside them."""


class OwnPages(ScopedAdmin):
    """An admin that shows and changes its rows on pages of its own."""

    own_media = PAGE_MEDIA

    def render(
        self, request: HttpRequest, template: str, shown: dict[str, Any], *, title: str, status: int = 200
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.own_media,
            "title": title,
            "server_now": self.scope(request).at,
            "list_address": self.list_address(),
            "has_add_permission": False,
            **shown,
        }
        answer = TemplateResponse(request, template, context, status=status)
        answer["Cache-Control"] = "no-store"
        return answer


def seen(version: int) -> Callable[[int], None]:
    """An `expect` that takes only the version that the person had on his page."""

    def expect(current: int) -> None:
        if current != version:
            raise StaleVersion("内容在您填写期间有了变化，请返回核对后再提交。", code="stale_version")

    return expect
