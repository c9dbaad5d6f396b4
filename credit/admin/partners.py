"""红色合伙人: who bears the title, and what became of every nomination."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action

from credit import partners
from credit.admin.acts import ReasonForm
from credit.admin.lists import OfEntity
from credit.models import RedPartner
from grids.admin.of_entity import SHOP, GridFilter
from grids.own_pages import seen
from kernel.accounts.models import User


@admin.register(RedPartner)
class RedPartnerAdmin(OfEntity):
    """红色合伙人."""

    list_display = (
        "shop",
        "grid",
        "community",
        "state",
        "nominated_at",
        "decided_at",
        "suspended_at",
        "revoked_at",
    )
    list_select_related = ("entity__grid", "community")
    list_filter = ("state", "community", GridFilter)
    ordering = ("-id",)
    fields = (
        "entity", "community", "state", "reason", "nominated_by", "nominated_at", "decided_by", "decided_at",
        "suspended_at", "revoked_by", "revoked_at", "note",
    )  # fmt: skip
    written = ("reason", "note")
    actions_detail: Any = ("revoke", "take_back")
    when_empty = "还没有红色合伙人。社区书记在经营主体页面提名，所长批准。"
    export_name = "red-partners"
    export_columns = (
        *SHOP,
        ("提名社区", lambda row: row.community.name),
        ("状态", lambda row: row.get_state_display()),
        ("批准时间", lambda row: row.decided_at),
    )

    @action(description="取消称号", icon="block", url_path="revoke", permissions=["act"])
    def revoke(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row: RedPartner = self.wanted(request, object_id)

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            partners.revoke(partner_id=row.pk, by=by, expect=seen(values["version"]), reason=values["reason"])
            return "已取消红色合伙人称号。"

        form = ReasonForm(request.POST or None, initial={"version": row.version})
        effect = "由所长或市场监管局取消，取消后公众页面不再显示。"
        back = self.row_address(row)
        title = f"取消称号　{row.entity.name}"
        return self.ask(request, title=title, submit="取消称号", act=act, form=form, effect=effect, back=back)

    def has_own_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whoever nominated, while it waits: others do not see what they cannot do."""
        if object_id is None or not self.has_act_permission(request):
            return False
        mine = RedPartner.objects.filter(pk=object_id, nominated_by=request.user.pk)
        return bool(mine.filter(state=RedPartner.State.NOMINATED).exists())

    @action(description="撤回提名", icon="undo", url_path="withdraw", permissions=["own"])
    def take_back(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row: RedPartner = self.wanted(request, object_id)

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            expect = seen(values["version"])
            partners.take_back(partner_id=row.pk, by=by, expect=expect, reason=values["reason"])
            return "已撤回提名。"

        form = ReasonForm(request.POST or None, initial={"version": row.version})
        effect = "撤回后所长不再审批；需要时可以重新提名。"
        back = self.row_address(row)
        title = f"撤回提名　{row.entity.name}"
        return self.ask(request, title=title, submit="撤回提名", act=act, form=form, effect=effect, back=back)
