"""来件、待转投诉 and 外部平台 in the admin. Everybody sees of a matter the records he may see, and no trace
of the others: a tip-off (举报) shows to its office and its section alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from grids.access import scope_of
from grids.admin_access import BUREAU_PEOPLE, OFFICE_PEOPLE, ScopedAdmin
from grids.roles import Role
from kernel import clock
from leads import platforms
from leads.admin import words
from leads.forms_matters import PlatformForm
from leads.models import KeptComplaint, Lead, Matter, Platform
from leads.models.platform import MatterKind

__all__ = ["KeptComplaintAdmin", "MatterAdmin", "PlatformAdmin"]

READERS = OFFICE_PEOPLE | BUREAU_PEOPLE | {Role.COMMISSIONER, Role.BUREAU_SECTION}


class ReadOnly(ScopedAdmin):
    """Nobody adds or changes by form."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Matter)
class MatterAdmin(ReadOnly):
    """What was handed in, with the records it became."""

    view_roles = READERS
    list_display = ["name", "come_from", "records", "their_due_at", "received_at"]
    list_display_links = ["name"]
    list_filter = ["platform", ("received_at", admin.DateFieldListFilter)]
    list_select_related = ["platform", "lead", "tip_off", "complaint"]
    search_fields = ["external_number"]
    search_help_text = "按平台编号查找"
    ordering = ["-id"]
    fields = ["name", "come_from", "records", "their_due_at", "received_at"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        seen = Lead.objects.visible_to(self.me(request))
        complaints = KeptComplaint.objects.visible_to(self.me(request))
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related).annotate(
            sees_lead=Exists(seen.filter(pk=OuterRef("lead_id"))),
            sees_tip_off=Exists(seen.filter(pk=OuterRef("tip_off_id"))),
            sees_complaint=Exists(complaints.filter(matter_id=OuterRef("pk"))),
        )

    @display(description="编号")
    def name(self, row: Matter) -> str:
        return str(row)

    @display(description="来源")
    def come_from(self, row: Matter) -> str:
        return row.platform.name if row.platform else "窗口登记"

    @display(description="转为")
    def records(self, row: Any) -> SafeString:
        found: list[tuple[str, str, str]] = []
        for seen, kind, record, page in (
            (row.sees_lead, MatterKind.REQUEST, row.lead, "lead"),
            (row.sees_tip_off, MatterKind.TIP_OFF, row.tip_off, "lead"),
            (row.sees_complaint, MatterKind.COMPLAINT, getattr(row, "complaint", None), "keptcomplaint"),
        ):
            if seen and record is not None:
                address = reverse(f"admin:leads_{page}_change", args=[record.pk])
                found.append((str(kind.label), address, record.number))
        return format_html_join(SafeString("<br>"), '{} <a href="{}">{}</a>', found)


@admin.register(KeptComplaint)
class KeptComplaintAdmin(ReadOnly):
    """投诉 kept for the stations. Who complains rests sealed and is shown nowhere."""

    view_roles = OFFICE_PEOPLE | BUREAU_PEOPLE | {Role.BUREAU_SECTION}
    list_display = ["number_label", "where", "whom", "amount", "state_label", "received_at"]
    list_display_links = ["number_label"]
    list_filter = ["state", ("received_at", admin.DateFieldListFilter)]
    list_select_related = ["grid"]
    search_fields = ["entity_name", "matter__external_number"]
    free_text = ("entity_name",)
    search_help_text = "按被投诉人或平台编号查找"
    ordering = ["-id"]
    fields = [
        "number_label",
        "where",
        "whom",
        "said",
        "amount",
        "consumer",
        "state_label",
        "received_at",
    ]
    readonly_fields = fields

    @display(description="编号")
    def number_label(self, row: KeptComplaint) -> str:
        return row.number

    @display(description="网格", empty_value="未匹配")
    def where(self, row: KeptComplaint) -> str | None:
        return row.grid.name if row.grid else None

    @display(description="被投诉人", empty_value="未填写")
    def whom(self, row: KeptComplaint) -> str | None:
        return words.masked(row.entity_name) or None

    @display(description="投诉内容")
    def said(self, row: KeptComplaint) -> str:
        return words.masked(row.description)

    @display(description="消费者")
    def consumer(self, row: KeptComplaint) -> str:
        if row.state == KeptComplaint.State.TAKEN:
            return "随纠纷加密保存"
        return "已加密保存" if row.sealed_consumer else "未登记"

    @display(description="状态", label={"待转服务站": "info"})
    def state_label(self, row: KeptComplaint) -> str:
        return row.get_state_display()


@admin.register(Platform)
class PlatformAdmin(ScopedAdmin):
    """Other platforms: added and changed through the services; a secret is shown once, where it is made."""

    view_roles = platforms.KEEPERS
    change_roles = platforms.KEEPERS
    form = PlatformForm
    list_display = ["name", "code", "kind", "is_active", "hands_back", "changing"]
    list_filter = ["kind", "is_active", "hands_back"]
    search_fields = ["code", "name"]
    search_help_text = "按代码或名称查找"
    ordering = ["code"]
    actions = None
    actions_detail = ["change_secret", "forget_before"]
    fields = ["code", "kind", "name", "is_active", "hands_back", "callback_path"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        if not scope_of(request.user).has(*platforms.KEEPERS):
            return Platform.objects.none()
        return Platform.objects.order_by("code")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["code", "kind"] if obj is not None else []

    @display(description="密钥")
    def changing(self, row: Platform) -> str:
        return "更换中，新旧密钥均可用" if row.sealed_secret_before else "正常"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """By the service; the form has asked it already whether the address is allowed."""
        by, at = self.me(request), clock.now()
        if change:
            platforms.change(platform_id=obj.pk, terms=form.terms(), by=by, at=at)
            return
        made, obj.new_secret = platforms.add(
            code=form.cleaned_data["code"], kind=form.cleaned_data["kind"], terms=form.terms(), by=by, at=at
        )
        obj.pk, obj._state.adding, obj._state.db = made.pk, False, made._state.db

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return self._shown_once(request, obj, obj.new_secret)

    @action(description="更换密钥", icon="key", url_path="change-secret", permissions=["act"])
    def change_secret(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row: Platform = self.wanted(request, object_id)
        if request.method == "POST":
            secret = platforms.change_secret(platform_id=row.pk, by=self.me(request), at=clock.now())
            return self._shown_once(request, row, secret)
        return self.ask(
            request,
            title=f"更换密钥：{row.name}",
            submit="更换",
            act=lambda values, by, at: "",
            effect="新密钥只显示一次。对方更换之前，新旧密钥都能使用；对方换好后请点“停用旧密钥”。",
            back=self.row_address(row),
        )

    @action(description="停用旧密钥", icon="key_off", url_path="forget-before", permissions=["act"])
    def forget_before(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row: Platform = self.wanted(request, object_id)

        def act(values: Any, by: Any, at: Any) -> str:
            platforms.forget_secret_before(platform_id=row.pk, by=by, at=at)
            return "旧密钥已停用。"

        return self.ask(
            request,
            title=f"停用旧密钥：{row.name}",
            submit="停用",
            act=act,
            effect="停用后，仍用旧密钥签名的请求一律拒绝。",
            back=self.row_address(row),
        )

    def _shown_once(self, request: HttpRequest, row: Platform, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"接入密钥：{row.name}",
            "note": (
                f"对方向 /api/v1/intake/{row.code}/ 推送事项时用它签名："
                "X-Signature 为 HMAC-SHA256（X-Timestamp 与请求正文相连）。回传也用它签名。"
            ),
            "secret": secret,
            "back": self.list_address(),
        }
        page = TemplateResponse(request, "notices/secret.html", context)
        page["Cache-Control"] = "no-store"
        return page
