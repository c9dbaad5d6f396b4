"""红色合伙人: who bears the title, and what became of every nomination."""

from __future__ import annotations

from django.contrib import admin

from credit.admin.lists import GridFilter, OfEntity
from credit.admin.standings import SHOP
from credit.models import RedPartner


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
    export_name = "red-partners"
    export_columns = (
        *SHOP,
        ("提名社区", lambda row: row.community.name),
        ("状态", lambda row: row.get_state_display()),
        ("批准时间", lambda row: row.decided_at),
    )
