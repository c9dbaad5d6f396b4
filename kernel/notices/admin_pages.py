"""What the admin pages of notices share: asking before acting, and replaying with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from kernel.accounts.admin import ForAdministrators
from kernel.accounts.models import User
from kernel.errors import DomainError


class Asking(ForAdministrators):
    """Pages that ask first; only their POST acts, through a service."""

    def me(self, request: HttpRequest) -> User:
        """Who is signed in."""
        return User.objects.get(pk=request.user.pk)

    def wanted(self, request: HttpRequest, object_id: int) -> Any:
        """The row of a page, where this person may act on it."""
        row = self.get_object(request, str(object_id))
        if row is None or not self.has_change_permission(request, row):
            raise PermissionDenied
        return row

    def ask(
        self,
        request: HttpRequest,
        form: Any,
        work: Callable[[Any], tuple[bool, str]],
        *,
        title: str,
        submit: str,
        effect: str,
        back: str,
        kept: Iterable[tuple[str, str]] = (),
        posted: bool | None = None,
    ) -> HttpResponse:
        """Show the form; once it is sent and sound, do `work` and say how it went (well or not, words)."""
        sent = request.method == "POST" if posted is None else posted
        if sent and (form is None or form.is_valid()):
            try:
                well, words = work(form)
            except DomainError as refused:
                if form is None or refused.attr not in form.fields:
                    messages.error(request, refused.detail)
                    return HttpResponseRedirect(back)
                form.add_error(refused.attr, refused.detail)
            else:
                (messages.success if well else messages.error)(request, words)
                return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "form": form,
            "submit": submit,
            "effect": effect,
            "back": back,
            "kept": list(kept),
        }
        page = TemplateResponse(request, "notices/ask.html", context)
        page["Cache-Control"] = "no-store"
        return page
