"""Forms of other platforms, and of a tip-off's extension. They ask; services decide."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from kernel.errors import DomainError
from leads import platforms
from leads.forms import ActForm, text
from leads.models import Platform
from leads.platforms import Terms


class PlatformForm(forms.ModelForm):
    """A platform's terms. Its secret is made by the service and stands in no form."""

    class Meta:
        model = Platform
        fields: ClassVar[list[str]] = ["code", "kind", "name", "is_active", "hands_back", "callback_path"]
        widgets: ClassVar[dict[str, Any]] = {"callback_path": UnfoldAdminTextInputWidget}
        help_texts: ClassVar[dict[str, str]] = {
            "code": "小写字母、数字和短横线，不超过 12 位；用在接入地址中，登记后不能更改。",
            "hands_back": "勾选后，该平台转来的事项每办理一步都按其格式回传。",
            "callback_path": "完整地址；主机须由运维人员先登记在服务器设置（SUOSHE_WEBHOOK_HOSTS）中。",
        }

    def terms(self) -> Terms:
        given = self.cleaned_data
        return Terms(given["name"], given["is_active"], given["hands_back"], given["callback_path"].strip())

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return given
        try:
            platforms.refuse_terms(self.terms())
            if "code" in given:
                platforms.refuse_code(given["code"])
        except DomainError as refused:
            self.add_error(refused.attr if refused.attr in self.fields else None, refused.detail)
        return given


class ExtendTipOffForm(ActForm):
    """举报核查延期."""

    reason = text("延期原因", rows=2, longest=200)
