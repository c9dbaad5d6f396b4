"""The admin's way in: password, then the second factor where it is needed, then the session.

Between the two steps nobody is signed in: the session holds only who passed the first step, for
ten minutes, and gives no right at all.
"""

from __future__ import annotations

import time
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import get_user_model, login, logout
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django_otp import login as otp_login
from django_otp.models import Device as OtpDevice

from kernel import clock
from kernel.accounts import second_factor
from kernel.accounts.addresses import client_ip
from kernel.accounts.forms import CodeForm, OwnPasswordForm, SignInForm
from kernel.accounts.middleware import SEEN_AT
from kernel.accounts.models import User
from kernel.accounts.sign_in import note_session_end, note_session_start
from kernel.errors import Refused

__all__ = ["SignInMixin"]

WAITING = "second_factor_of"
WAITING_S = 600
BACKEND = "django.contrib.auth.backends.ModelBackend"

guarded = method_decorator([never_cache, csrf_protect, sensitive_post_parameters()])


def enter(request: HttpRequest, user: User, device: OtpDevice | None) -> None:
    """Start the session; every check has been passed."""
    request.session.pop(WAITING, None)
    login(request, user, backend=BACKEND)
    if device is not None:
        otp_login(request, device)
    request.session[SEEN_AT] = time.time()
    note_session_start(user=user, ip=client_ip(request), second_factor=device is not None, at=clock.now())


def wait_for_code(request: HttpRequest, user: User, next_url: str) -> HttpResponse:
    """Remember who passed the first step, under a new session key, and go to the second."""
    request.session.cycle_key()
    request.session[WAITING] = {"user": user.pk, "since": time.time(), "next": next_url}
    page = "second_factor" if second_factor.has_device(user) else "second_factor_enrol"
    return HttpResponseRedirect(reverse(f"admin:{page}"))


def waiting_user(request: HttpRequest) -> User | None:
    """Who has passed the first step, unless that was too long ago or the account is closed now."""
    found = request.session.get(WAITING)
    if not found or not 0 <= time.time() - found["since"] <= WAITING_S:
        return None
    user: User | None = User.objects.filter(pk=found["user"], is_active=True, is_staff=True).first()
    return user


def satisfied(request: HttpRequest) -> bool:
    """Whether this signed-in session has shown all that its user must show; asked once a request."""
    known = getattr(request, "_second_factor_satisfied", None)
    if known is None:
        user: Any = request.user
        known = getattr(user, "otp_device", None) is not None or not second_factor.needed(user)
        request._second_factor_satisfied = known  # type: ignore[attr-defined]
    return bool(known)


class PasswordStep(LoginView):
    """The first step. A person who needs no second factor is in; the others go on to it."""

    authentication_form = SignInForm
    redirect_authenticated_user = False

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if second_factor.needed(user):
            return wait_for_code(self.request, user, self.get_success_url())
        enter(self.request, user, None)
        return HttpResponseRedirect(self.get_success_url())


class SignInMixin(AdminSite):
    """For an AdminSite: sign-in with lock and second factor, enrolment, own password."""

    login_form = SignInForm

    def has_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.is_active and user.is_staff and satisfied(request))

    def sign_in_urls(self) -> list[URLPattern]:
        return [
            path("second-factor/", self.second_factor, name="second_factor"),
            path("second-factor/enrol/", self.second_factor_enrol, name="second_factor_enrol"),
        ]

    def get_urls(self) -> list[Any]:
        return [*self.sign_in_urls(), *super().get_urls()]

    @guarded
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        index = reverse("admin:index", current_app=self.name)
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(index)
        user: Any = request.user
        if user.is_authenticated and user.is_staff and not satisfied(request):
            person = User.objects.get(pk=user.pk)
            logout(request)
            return wait_for_code(request, person, index)
        context = {
            **self.each_context(request),
            "title": "登录",
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": user.get_username(),
            **(extra_context or {}),
        }
        request.current_app = self.name
        view = PasswordStep.as_view(
            template_name=self.login_template or "admin/login.html", extra_context=context, next_page=index
        )
        return view(request)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if request.method == "POST" and isinstance(request.user, User):
            note_session_end(user=request.user, reason="asked", at=clock.now())
        request.session.pop(WAITING, None)
        return super().logout(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)

    @guarded
    def second_factor(self, request: HttpRequest) -> HttpResponse:
        """The second step: a code of the app, or a recovery code."""
        user = waiting_user(request)
        if user is None:
            return HttpResponseRedirect(reverse("admin:login"))
        if not second_factor.has_device(user):
            return HttpResponseRedirect(reverse("admin:second_factor_enrol"))
        form = CodeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            device = _tried(form, user, second_factor.verify)
            if device is not None:
                next_url = request.session[WAITING]["next"]
                enter(request, user, device)
                return HttpResponseRedirect(next_url)
        return self._page(request, "accounts/second_factor.html", "二次验证", form=form, person=user)

    @guarded
    def second_factor_enrol(self, request: HttpRequest) -> HttpResponse:
        """Bind an authenticator: forced in the middle of a sign-in, or of one's own will afterwards."""
        waiting = waiting_user(request)
        if waiting is not None and second_factor.has_device(waiting):
            return HttpResponseRedirect(reverse("admin:second_factor"))
        user = waiting or (request.user if self.has_permission(request) else None)
        if user is None:
            return HttpResponseRedirect(reverse("admin:login"))
        person = get_user_model().objects.get(pk=user.pk)
        form = CodeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            enrolled = _tried(form, person, second_factor.confirm_enrolment)
            if enrolled is not None:
                if waiting is not None:
                    enter(request, person, enrolled.device)
                else:
                    otp_login(request, enrolled.device)
                return self._page(
                    request, "accounts/second_factor_codes.html", "恢复码", codes=enrolled.recovery_codes
                )
        return self._page(
            request,
            "accounts/second_factor_enrol.html",
            "绑定二次验证",
            form=form,
            person=person,
            forced=waiting is not None,
            bound=second_factor.has_device(person),
            **_secret(person),
        )

    def _page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        request.current_app = self.name
        page = {**self.each_context(request), "title": title, **context}
        return TemplateResponse(request, template, page, headers={"Cache-Control": "no-store"})


def _secret(person: User) -> dict[str, Any]:
    device = second_factor.begin_enrolment(person)
    return {"qr": second_factor.qr_svg(device), "secret": second_factor.spelled(device)}


def _tried(form: CodeForm, user: User, service: Any) -> Any:
    """What a service made of the code; a refusal becomes the form's error."""
    try:
        found = service(user=user, code=form.cleaned_data["code"], at=clock.now())
    except Refused as refused:
        form.add_error("code", refused.detail)
        return None
    if found is None:
        form.add_error("code", "验证码不正确或已过期，请核对手机时间后重试。")
    return found
