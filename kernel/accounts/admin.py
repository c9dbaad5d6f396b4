"""Accounts and devices in the admin: for system administrators only (DESIGN.md §7).

Every action calls a service; nothing is deleted, accounts are closed.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from kernel import clock
from kernel.accounts import administration, second_factor, sign_in
from kernel.accounts.account_forms import NewUserForm, PasswordForm, UserForm
from kernel.accounts.forms import RevealForm
from kernel.accounts.models import Device, User
from kernel.accounts.reveal import reveal
from kernel.accounts.rights import may_administer
from kernel.errors import DomainError

__all__ = ["DeviceAdmin", "UserAdmin"]


class ForAdministrators(ModelAdmin):
    """Only system administrators see it; nobody deletes."""

    list_per_page = 50

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        user: Any = request.user
        kept: bool | None = getattr(request, "_may_administer", None)
        if kept is None:
            kept = isinstance(user, User) and may_administer(user)
            request._may_administer = kept  # type: ignore[attr-defined]
        return kept

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(ForAdministrators):
    """Accounts. Closing one ends its sessions and tokens at once."""

    list_display = [
        "username",
        "name",
        "phone_masked",
        "active_label",
        "is_staff",
        "device_count",
        "signed_in_at",
    ]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["username", "name"]
    search_help_text = "按用户名或姓名查找"
    ordering = ["username"]
    readonly_fields = ["username", "phone_masked", "is_active", "created_at", "signed_in_at"]
    actions_detail = [
        "set_password",
        "show_phone",
        {
            "title": "更多",
            "icon": "more_horiz",
            "items": ["open_or_close", "unlock", "revoke_devices", "reset_second_factor"],
        },
    ]
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users: QuerySet[User] = User.objects.visible_to(request.user)
        return users.annotate(devices_signed_in=Count("devices"))

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return ["username", "name", "phone", "is_staff", "password"]
        return [
            "username",
            "name",
            "phone_masked",
            "new_phone",
            "is_active",
            "is_staff",
            "must_change_password",
            "created_at",
            "signed_in_at",
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return self.readonly_fields if obj else []

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs["form"] = UserForm if obj else NewUserForm
        return super().get_form(request, obj, change=change, **kwargs)

    @display(description="手机号")
    def phone_masked(self, user: User) -> str:
        return user.masked_phone or "未填写"

    @display(description="状态", label={"启用": "success", "停用": "danger"})
    def active_label(self, user: User) -> str:
        return "启用" if user.is_active else "停用"

    @display(description="登录设备")
    def device_count(self, user: Any) -> int:
        count: int = user.devices_signed_in
        return count

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        fields = list(form.changed_data)
        if change:
            if phone := form.cleaned_data.get("new_phone"):
                obj.phone = phone
            obj.save(update_fields=["name", "is_staff", "must_change_password", "phone"])
        else:
            obj.set_password(form.cleaned_data["password"])
            obj.must_change_password = True
            obj.save()
        by: Any = request.user
        administration.note_change(user=obj, fields=fields, created=not change, by=by, at=clock.now())

    @action(description="重置密码", icon="lock_reset", url_path="set-password", permissions=["change"])
    def set_password(self, request: HttpRequest, object_id: int) -> HttpResponse:
        user = self._wanted(request, object_id)
        form = PasswordForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                administration.set_password(
                    user=user, password=form.cleaned_data["password"], by=self._me(request), at=clock.now()
                )
            except DomainError as refused:
                form.add_error("password", refused.detail)
            else:
                messages.success(request, f"已重置“{user.name}”的密码，其设备均已退出登录。")
                return self._back(user)
        return self._ask(request, user, form, "重置密码", "保存新密码")

    @action(description="查看手机号", icon="visibility", url_path="show-phone", permissions=["change"])
    def show_phone(self, request: HttpRequest, object_id: int) -> HttpResponse:
        user = self._wanted(request, object_id)
        form = RevealForm(request.POST or None)
        shown = None
        if request.method == "POST" and form.is_valid():
            try:
                shown = reveal(
                    user=user,
                    field="phone",
                    reason=form.cleaned_data["reason"],
                    by=self._me(request),
                    at=clock.now(),
                )
            except DomainError as refused:
                form.add_error("reason", refused.detail)
        return self._ask(request, user, form, "查看手机号", "查看", shown=shown)

    @action(description="停用或启用", icon="person_off", url_path="open-or-close", permissions=["change"])
    def open_or_close(self, request: HttpRequest, object_id: int) -> HttpResponse:
        user = self._wanted(request, object_id)
        verb = "停用" if user.is_active else "启用"
        effect = "停用后立即不能登录，全部设备退出。" if user.is_active else "启用后可用原密码登录。"
        service = administration.deactivate if user.is_active else administration.activate
        return self._confirm(request, user, service, f"{verb}账号", f"已{verb}“{user.name}”的账号。", effect)

    @action(description="解除登录锁定", icon="lock_open", url_path="unlock", permissions=["change"])
    def unlock(self, request: HttpRequest, object_id: int) -> HttpResponse:
        user = self._wanted(request, object_id)
        effect = "解除因登录失败次数过多造成的锁定。"
        return self._confirm(request, user, administration.unlock, "解除登录锁定", "已解除登录锁定。", effect)

    @action(
        description="注销全部设备", icon="phonelink_erase", url_path="revoke-devices", permissions=["change"]
    )
    def revoke_devices(self, request: HttpRequest, object_id: int) -> HttpResponse:
        user = self._wanted(request, object_id)
        effect = "该人员的手机须重新登录。"
        return self._confirm(
            request, user, administration.revoke_all, "注销全部设备", "已注销全部设备。", effect
        )

    @action(
        description="清除二次验证", icon="key_off", url_path="reset-second-factor", permissions=["change"]
    )
    def reset_second_factor(self, request: HttpRequest, object_id: int) -> HttpResponse:
        user = self._wanted(request, object_id)
        effect = "手机遗失时使用；本人下次登录须重新绑定。"
        return self._confirm(request, user, second_factor.reset, "清除二次验证", "已清除二次验证。", effect)

    def _me(self, request: HttpRequest) -> User:
        return User.objects.get(pk=request.user.pk)

    def _wanted(self, request: HttpRequest, object_id: int) -> User:
        user: User | None = self.get_object(request, str(object_id))
        if user is None or not self.has_change_permission(request, user):
            raise PermissionDenied
        return user

    def _back(self, user: User) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[user.pk]))

    def _confirm(
        self, request: HttpRequest, user: User, service: Any, title: str, done: str, effect: str
    ) -> HttpResponse:
        """Ask first; only the POST changes anything."""
        if request.method != "POST":
            return self._ask(request, user, None, title, "确定", effect=effect)
        try:
            service(user=user, by=self._me(request), at=clock.now())
        except DomainError as refused:
            messages.error(request, refused.detail)
        else:
            messages.success(request, done)
        return self._back(user)

    def _ask(
        self, request: HttpRequest, user: User, form: Any, title: str, submit: str, **more: Any
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "person": user,
            "form": form,
            "submit_label": submit,
            "back": reverse("admin:accounts_user_change", args=[user.pk]),
            **more,
        }
        page = TemplateResponse(request, "accounts/ask.html", context)
        page["Cache-Control"] = "no-store"
        return page


@admin.register(Device)
class DeviceAdmin(ForAdministrators):
    """Devices that are signed in; an administrator may end their tokens."""

    list_display = ["user", "name", "created", "expiry", "last_ip"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__name", "name"]
    search_help_text = "按人员或设备名称查找"
    readonly_fields = ["user", "name", "created", "expiry", "last_ip"]
    fields = readonly_fields
    ordering = ["-created"]
    actions = ["revoke"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="注销所选设备", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Device]) -> None:
        by, at = User.objects.get(pk=request.user.pk), clock.now()
        done = 0
        for device in queryset.select_related("user"):
            try:
                sign_in.revoke_device(user=device.user, device_id=device.pk, by=by, at=at)
                done += 1
            except DomainError as refused:
                messages.error(request, refused.detail)
        messages.success(request, f"已注销 {done} 台设备。")


# Rights come from postings: Django's groups would only mislead.
if admin.site.is_registered(Group):
    admin.site.unregister(Group)
