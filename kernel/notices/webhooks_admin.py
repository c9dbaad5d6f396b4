"""Webhooks in the admin: addresses with their secrets, and the log of what was told, to be replayed.

For system administrators. The secret is shown once, where it is made. Of a tip-off (举报) the log shows
that something was told, and neither its subject nor its words.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from kernel import clock, journal
from kernel.errors import DomainError
from kernel.notices import webhooks
from kernel.notices.admin_pages import Asking
from kernel.notices.forms import ReasonForm
from kernel.notices.models import WebhookDelivery, WebhookEndpoint

__all__ = ["WebhookDeliveryAdmin", "WebhookEndpointAdmin"]

WITHHELD = "（限制知悉）"
OF_A_PLATFORM = "由“外部平台”页面维护。"


class EndpointForm(forms.ModelForm):
    """Where to tell, and what; in our own form: those of platforms are for their own matters."""

    events = forms.MultipleChoiceField(
        label="推送环节",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="不选即推送全部环节。举报线索不向任何推送地址推送。",
    )

    class Meta:
        model = WebhookEndpoint
        fields: ClassVar[list[str]] = ["name", "url", "events", "is_active"]
        widgets: ClassVar[dict[str, Any]] = {"url": UnfoldAdminTextInputWidget}
        help_texts: ClassVar[dict[str, str]] = {
            "url": "完整地址；主机须由运维人员先登记在服务器设置（SUOSHE_WEBHOOK_HOSTS）中。"
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        steps: Any = self.fields["events"]
        steps.choices = webhooks.events()

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        try:
            webhooks.refuse_address(url)
        except DomainError as refused:
            raise forms.ValidationError(refused.detail) from None
        return url


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(Asking):
    """Addresses of other systems. Those of platforms are kept on the platform's own page."""

    form = EndpointForm
    list_display = ["name", "url", "format_label", "steps", "whose", "is_active"]
    list_filter = ["is_active", "format"]
    search_fields = ["name", "url"]
    search_help_text = "按名称或地址查找"
    actions = None
    actions_detail = ["change_secret"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        return super().get_queryset(request).defer("secret_sealed")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if isinstance(obj, str):  # unfold asks with the row's number for what stands above its page
            obj = self.get_object(request, obj)
        of_a_platform = bool(getattr(obj, "source", ""))
        return super().has_change_permission(request, obj) and not of_a_platform

    @display(description="报文格式")
    def format_label(self, row: WebhookEndpoint) -> str:
        return dict(webhooks.formats()).get(row.format, row.format)

    @display(description="推送环节")
    def steps(self, row: WebhookEndpoint) -> str:
        names = dict(webhooks.events())
        return "、".join(names.get(one, one) for one in row.events) or "全部"

    @display(description="范围")
    def whose(self, row: WebhookEndpoint) -> str:
        return f"仅 {row.source} 转来的事项，{OF_A_PLATFORM}" if row.source else "全部线索（举报除外）"

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        with transaction.atomic():
            if not change:
                obj.new_secret = webhooks.new_secret()  # type: ignore[attr-defined]
                webhooks.set_secret(obj, obj.new_secret)  # type: ignore[attr-defined]
            super().save_model(request, obj, form, change)
            kind = "webhook.endpoint_changed" if change else "webhook.endpoint_added"
            self._note(request, obj, kind, sorted(form.changed_data))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return self._shown_once(request, obj, obj.new_secret)

    @action(description="更换签名密钥", icon="key", url_path="change-secret", permissions=["change"])
    def change_secret(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A new secret at once; the old one signs nothing any more."""
        row: WebhookEndpoint = self.wanted(request, object_id)
        if request.method == "POST":
            secret = webhooks.new_secret()
            with transaction.atomic():
                webhooks.set_secret(row, secret)
                row.save(update_fields=["secret_sealed"])
                self._note(request, row, "webhook.secret_changed", [])
            return self._shown_once(request, row, secret)
        return self.ask(
            request,
            None,
            lambda form: (True, ""),
            title=f"更换签名密钥：{row.name}",
            submit="更换",
            effect="更换后立即用新密钥签名，请与对方约好时间。",
            back=reverse("admin:notices_webhookendpoint_change", args=[row.pk]),
        )

    def _note(self, request: HttpRequest, row: WebhookEndpoint, kind: str, fields: list[str]) -> None:
        journal.append(
            stream=f"endpoint:{row.pk}",
            kind=kind,
            by=self.me(request),
            at=clock.now(),
            data={"fields": fields},
        )

    def _shown_once(self, request: HttpRequest, row: WebhookEndpoint, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"签名密钥：{row.name}",
            "note": "对方用它核对 X-Signature：HMAC-SHA256（X-Timestamp 与请求正文相连）。",
            "secret": secret,
            "back": reverse("admin:notices_webhookendpoint_changelist"),
        }
        page = TemplateResponse(request, "notices/secret.html", context)
        page["Cache-Control"] = "no-store"
        return page


class ByEvent(admin.SimpleListFilter):
    """By step. What is told of a tip-off is found by none: the list does not say which step it was."""

    title = "环节"
    parameter_name = "event"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return webhooks.events()

    def queryset(self, request: Any, queryset: QuerySet[WebhookDelivery]) -> QuerySet[WebhookDelivery]:
        return queryset.filter(event=self.value(), restricted=False) if self.value() else queryset


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(Asking):
    """The log: what was told, what waits, what was given up; single ones or many are sent again."""

    list_display = [
        "id",
        "endpoint",
        "event_label",
        "subject",
        "state_label",
        "attempts",
        "response_status",
        "created_at",
        "delivered_at",
        "last_error",
    ]
    list_select_related = ["endpoint"]
    list_filter = ["state", "endpoint", ByEvent, ("created_at", admin.DateFieldListFilter)]
    search_fields = ["last_error", "endpoint__name"]
    search_help_text = "按推送地址名称或失败原因查找"
    ordering = ["-id"]
    show_full_result_count = False
    actions = ["send_again"]
    actions_detail = ["send_one_again"]
    fields = [
        "endpoint",
        "event_label",
        "subject",
        "content",
        "state_label",
        "attempts",
        "response_status",
        "last_error",
        "created_at",
        "available_at",
        "delivered_at",
        "failed_at",
    ]
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @display(description="环节")
    def event_label(self, row: WebhookDelivery) -> str:
        return WITHHELD if row.restricted else dict(webhooks.events()).get(row.event, row.event)

    @display(description="关联对象")
    def subject(self, row: WebhookDelivery) -> str:
        return WITHHELD if row.restricted else f"{row.subject_kind}:{row.subject_id}"

    @display(description="内容")
    def content(self, row: WebhookDelivery) -> SafeString | str:
        if row.restricted:
            return WITHHELD
        try:
            shown = json.dumps(webhooks.render(row), ensure_ascii=False, indent=2)
        except webhooks.Unwritable:
            return "内容不齐，无法按该报文格式生成。"
        return format_html("<pre><code>{}</code></pre>", shown)

    @display(
        description="状态",
        ordering="state",
        label={"待推送": "info", "已送达": "success", "推送失败": "danger"},
    )
    def state_label(self, row: WebhookDelivery) -> str:
        return WebhookDelivery.State(row.state).label

    @admin.action(description="重新推送所选记录", permissions=["change"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> HttpResponse:
        kept = [("action", "send_again"), ("asked", "1")]
        kept += [(ACTION_CHECKBOX_NAME, one) for one in request.POST.getlist(ACTION_CHECKBOX_NAME)]
        if request.POST.get("select_across") == "1":
            kept.append(("select_across", "1"))
        ids = list(queryset.values_list("pk", flat=True)[: webhooks.AT_ONCE])
        return self._sure(request, ids, posted="asked" in request.POST, kept=kept)

    @action(description="重新推送", icon="send", url_path="send-again", permissions=["change"])
    def send_one_again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row = self.wanted(request, object_id)
        return self._sure(request, [row.pk], posted=request.method == "POST", kept=[])

    def _sure(
        self, request: HttpRequest, ids: list[int], *, posted: bool, kept: list[tuple[str, str]]
    ) -> HttpResponse:
        def work(form: ReasonForm) -> tuple[bool, str]:
            reason = form.cleaned_data["reason"]
            done = webhooks.replay(ids=ids, by=self.me(request), reason=reason, at=clock.now())
            return (
                (True, f"已将 {done} 条重新放入待推送队列。") if done else (False, "所选记录仍在等待推送。")
            )

        return self.ask(
            request,
            ReasonForm(request.POST if posted else None),
            work,
            title="重新推送",
            submit="重新推送",
            effect=f"共 {len(ids)} 条。对方可凭 X-Delivery-ID 识别重复的推送。",
            back=reverse("admin:notices_webhookdelivery_changelist"),
            kept=kept,
            posted=posted,
        )
