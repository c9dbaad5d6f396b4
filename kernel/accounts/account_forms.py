"""Forms with which an administrator makes and changes accounts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from kernel.accounts.models import User
from kernel.accounts.passwords import RULE

__all__ = ["NewUserForm", "PasswordForm", "UserForm"]


class NewUserForm(forms.ModelForm):
    """A new account and its first password, which its owner must change."""

    password = forms.CharField(
        label="初始密码",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        max_length=256,
        strip=False,
        help_text=RULE,
    )

    class Meta:
        model = User
        fields = ["username", "name", "phone", "is_staff"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if password := cleaned.get("password"):
            user = User(username=cleaned.get("username", ""), phone=cleaned.get("phone", ""))
            try:
                password_validation.validate_password(password, user)
            except forms.ValidationError as refused:
                self.add_error("password", refused)
        return cleaned


class UserForm(forms.ModelForm):
    """Name, telephone, admin; the telephone is shown masked and only ever replaced."""

    new_phone = forms.CharField(
        label="更换手机号",
        required=False,
        max_length=20,
        widget=UnfoldAdminTextInputWidget(),
        help_text="留空则不更改。完整号码须用“查看手机号”并说明事由。",
    )

    class Meta:
        model = User
        fields = ["name", "is_staff", "must_change_password"]

    def clean_new_phone(self) -> str:
        phone: str = self.cleaned_data["new_phone"].strip()
        if phone:
            User._meta.get_field("phone").run_validators(phone)
        return phone


class PasswordForm(forms.Form):
    """A new password for somebody else."""

    password = forms.CharField(
        label="新密码",
        max_length=256,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="本人下次登录时须再次修改；其全部设备将退出登录。",
    )
