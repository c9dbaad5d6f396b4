"""Admins whose pages are drawn by templates of our own: nobody may keep them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.forms import BaseForm, Media
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from grids.acting import BIGGEST
from grids.admin_access import ScopedAdmin
from kernel.errors import DomainError, StaleVersion
from kernel.evidence.uploads import put

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


CHANGED = "内容在您填写期间有了变化，请返回核对后再提交。"
LONGEST_NUMBER = 19
"""As many digits as the greatest number of a row has."""


def seen(version: int, changed: str = CHANGED) -> Callable[[int], None]:
    """An `expect` that takes only the version that the person had on his page."""

    def expect(current: int) -> None:
        if current != version:
            raise StaleVersion(changed, code="stale_version")

    return expect


def number_of(text: Any) -> int | None:
    """The number of a row in an address; None where there is none."""
    said = str(text)
    if not (said.isascii() and said.isdigit() and len(said) <= LONGEST_NUMBER):
        return None
    return min(int(said), BIGGEST)


def say_refused(
    form: BaseForm, refused: DomainError, *, fields: Mapping[str, str | None] | None = None, used: str = ""
) -> None:
    """Put a refusal on the form that is shown again, at the field it names (`fields`: the service's names →
    the form's). A `client_uid` used for something else is told as `used`, and the form gets a new one."""
    if refused.code == "client_uid_conflict" and used:
        put(form, client_uid=str(uuid.uuid4()))
        form.add_error(None, used)
        return
    named = refused.attr or ""
    field = (fields or {}).get(named, named)
    form.add_error(field if field in form.fields else None, refused.detail)
