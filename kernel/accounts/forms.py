"""Forms of the admin's sign-in and of one's own password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES, UnfoldAdminTextInputWidget

from kernel import clock
from kernel.accounts.administration import change_own_password
from kernel.accounts.locks import locked_sentence
from kernel.accounts.models import User
from kernel.accounts.sign_in import check_password
from kernel.errors import Refused

__all__ = ["CodeForm", "OwnPasswordForm", "RevealForm", "SignInForm"]


class SignInForm(AuthenticationForm):
    """Name and password; a lock or failure is said in one Chinese sentence above the fields."""

    def __init__(self, request: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].max_length = 60
        self.fields["password"].max_length = 256
        for name in ("username", "password"):
            field = self.fields[name]
            field.widget.attrs["maxlength"] = field.max_length
            field.validators.append(_at_most(field.max_length))
            field.widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not name or not password:
            return self.cleaned_data
        outcome = check_password(
            request=self.request, username=name, password=password, via="admin", at=clock.now()
        )
        if outcome.locked_for:
            raise ValidationError(locked_sentence(outcome.locked_for), code="sign_in_locked")
        if outcome.user is None:
            raise ValidationError("用户名或密码不正确，或者账号已停用。", code="sign_in_failed")
        self.confirm_login_allowed(outcome.user)
        self.user_cache = outcome.user
        return self.cleaned_data

    def confirm_login_allowed(self, user: Any) -> None:
        if not user.is_staff:
            raise ValidationError("该账号没有管理后台权限，请使用手机端。", code="not_staff")


def _at_most(length: int) -> Any:
    def validate(value: str) -> None:
        if len(value) > length:
            raise ValidationError(f"不能超过 {length} 个字符。", code="max_length")

    return validate


class CodeForm(forms.Form):
    """A code of the second factor."""

    code = forms.CharField(
        label="验证码",
        max_length=20,
        widget=UnfoldAdminTextInputWidget(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "text",
                "autofocus": "",
                "placeholder": "6 位数字",
            }
        ),
    )


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """One's own password through the service: devices are signed out, the journal knows."""

    user: User

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        password = cleaned.get("new_password1")
        if password and self.user.check_password(password):
            self.add_error("new_password1", "新密码不能与原密码相同。")
        return cleaned

    def save(self, commit: bool = True) -> User:
        try:
            self.user = change_own_password(
                user=self.user, password=self.cleaned_data["new_password1"], keep=None, at=clock.now()
            )
        except Refused as refused:  # changed by another request in between
            raise ValidationError(refused.detail) from refused
        return self.user


class RevealForm(forms.Form):
    """Why somebody must see a whole telephone number."""

    reason = forms.CharField(
        label="查看事由",
        min_length=4,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "如：核实值班人员联系方式"}),
        help_text="查看行为会记入日志，不可删除。",
    )
