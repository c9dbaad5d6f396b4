"""Forms of the outbox and of the carriers in the admin."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from kernel import sealed
from kernel.notices import replay, senders
from kernel.notices.models import Channel, Robot

__all__ = ["PhoneForm", "ReasonForm", "RobotForm"]


class ReasonForm(forms.Form):
    """Why dead letters are sent again, or given up."""

    reason = forms.CharField(
        label="原因",
        min_length=replay.MIN_REASON,
        max_length=replay.MAX_REASON,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "如：已更换机器人地址"}),
        help_text="原因会记入日志。",
    )


class PhoneForm(forms.Form):
    """Whose telephone gets the test SMS."""

    phone = forms.CharField(
        label="手机号码",
        max_length=20,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "tel", "autocomplete": "off"}),
        help_text="请填写您自己的手机号码，号码不会保存。",
    )


class RobotForm(forms.ModelForm):
    """Address and secret hold keys: they are never shown again, only replaced."""

    new_url = forms.CharField(
        label="更换 Webhook 地址",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="从群机器人处复制。留空则不更改。",
    )
    new_secret = forms.CharField(
        label="更换加签密钥",
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="钉钉“加签”或飞书“签名校验”的密钥，加密保存，不再显示。留空则不更改。",
    )
    clear_secret = forms.BooleanField(
        label="清除现有密钥",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="机器人不再使用签名时勾选。",
    )

    class Meta:
        model = Robot
        fields = ["name", "kind", "rate_per_minute", "quiet_from", "quiet_until", "is_active"]
        help_texts = {
            "kind": " ".join(f"{label}：{senders.BY_KIND[kind].where}" for kind, label in Channel.choices),
            "rate_per_minute": "不得超过平台上限：企业微信、钉钉 20 条，飞书 100 条。"
            "短时间内的多条通知合并为一条发送。",
            "quiet_from": "免打扰时段内只发送紧急和计时中的通知，其余到时段结束再发。留空则按全局时段。",
            "quiet_until": "与开始时间相同表示不设免打扰。",
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind = cleaned.get("kind", "")
        sender = senders.BY_KIND.get(kind)
        if sender is None:
            return cleaned
        self._clean_address(kind, cleaned.get("new_url", "").strip())
        if cleaned.get("rate_per_minute", 0) > sender.rate_per_minute:
            self.add_error("rate_per_minute", f"该类型机器人每分钟最多 {sender.rate_per_minute} 条。")
        if cleaned.get("new_secret") and not sender.has_secret:
            self.add_error("new_secret", "企业微信机器人不使用加签密钥，请留空。")
        return cleaned

    def _clean_address(self, kind: str, url: str) -> None:
        if not url:
            if not self.instance.url:
                self.add_error("new_url", "请填写 Webhook 地址。")
            elif "kind" in self.changed_data:
                self.add_error("new_url", "更换机器人类型时须同时更换 Webhook 地址。")
            return
        given = urlsplit(url)
        query = parse_qs(given.query)
        whole = {
            Channel.WECOM.value: bool(given.path.strip("/") and query.get("key")),
            Channel.DINGTALK.value: bool(given.path.strip("/") and query.get("access_token")),
            Channel.FEISHU.value: "/bot/" in given.path and not given.path.endswith("/hook/"),
        }[kind]
        if not whole:
            self.add_error(
                "new_url", "地址不完整，请从机器人处完整复制（含 key、access_token 或 hook 之后的部分）。"
            )

    def put_into(self, robot: Robot) -> list[str]:
        """Write address and secret into the row; answers which of the two changed."""
        changed = []
        if url := self.cleaned_data.get("new_url", "").strip():
            robot.url = url
            changed.append("url")
        secret = self.cleaned_data.get("new_secret", "").strip()
        if secret or self.cleaned_data.get("clear_secret"):
            robot.secret_sealed = sealed.seal_json(secret) if secret else ""
            changed.append("secret")
        return changed
