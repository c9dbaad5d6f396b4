"""Sessions of the admin: an idle one ends, and a password that must change is changed first."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse

from kernel import clock
from kernel.accounts.models import User
from kernel.accounts.sign_in import note_session_end

__all__ = ["SEEN_AT", "SessionRules"]

SEEN_AT = "seen_at"
WRITE_EVERY_S = 60
OPEN_PAGES = {"login", "logout", "password_change", "jsi18n", "second_factor", "second_factor_enrol"}


class SessionRules:
    """Ends a session after `SUOSHE_IDLE_MINUTES` without a request by a person.

    Reading from the API does not count as presence, nor does a request that a page makes by itself
    (`X-Self-Refresh`): they would keep a deserted screen signed in for ever. Requests with a device
    token carry no session cookie and cost nothing here. Idleness is the person's, so it is measured
    by the machine's clock and does not travel with `kernel_now()`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and isinstance(request.user, User):
            structlog.contextvars.bind_contextvars(user_id=request.user.pk)
            answer = self._idle(request) or self._change_first(request)
            if answer is not None:
                return answer
        return self.get_response(request)

    def _idle(self, request: HttpRequest) -> HttpResponse | None:
        now = time.time()
        seen = request.session.get(SEEN_AT)
        if seen is not None and now - seen > settings.SUOSHE_IDLE_MINUTES * 60:
            note_session_end(user=request.user, reason="idle", at=clock.now())  # type: ignore[arg-type]
            logout(request)
            if self._is_admin(request):
                messages.warning(
                    request, f"您已超过 {settings.SUOSHE_IDLE_MINUTES} 分钟没有操作，请重新登录。"
                )
        elif self._counts(request) and (seen is None or abs(now - seen) > WRITE_EVERY_S):
            request.session[SEEN_AT] = now
        return None

    def _change_first(self, request: HttpRequest) -> HttpResponse | None:
        if not (
            isinstance(request.user, User) and request.user.must_change_password and self._is_admin(request)
        ):
            return None
        if request.path in {reverse(f"admin:{name}") for name in OPEN_PAGES}:
            return None
        messages.info(request, "首次登录或密码被重置后，请先修改密码。")
        return HttpResponseRedirect(reverse("admin:password_change"))

    @staticmethod
    def _counts(request: HttpRequest) -> bool:
        reads = request.method in ("GET", "HEAD", "OPTIONS")
        return not (reads and (request.path.startswith("/api/") or "X-Self-Refresh" in request.headers))

    @staticmethod
    def _is_admin(request: HttpRequest) -> bool:
        try:
            return request.path.startswith(reverse("admin:index"))
        except NoReverseMatch:
            return False
