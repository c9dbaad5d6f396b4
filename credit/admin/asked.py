"""Appeals and repairs: looked at here, decided with the other approvals."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from credit.admin.lists import OfEntity
from credit.models import Appeal, Repair
from grids.admin.of_entity import SHOP, GridFilter
from grids.admin_access import as_listed


class AskedAdmin(OfEntity):
    list_display: Any = (
        "asked_at", "shop", "grid", "state", as_listed("reason", "理由"), "asked_by", "decided_by",
        "decided_at",
    )  # fmt: skip
    written = ("reason", "note")
    list_select_related = ("entity__grid", "asked_by", "decided_by")
    list_filter: Any = ("state", GridFilter)
    ordering = ("-id",)
    export_columns = (
        ("提出时间", lambda row: row.asked_at),
        *SHOP,
        ("理由", as_listed("reason", "理由")),
        ("状态", lambda row: row.get_state_display()),
        ("审核意见", as_listed("note", "审核意见")),
        ("审核时间", lambda row: row.decided_at),
    )


@admin.register(Appeal)
class AppealAdmin(AskedAdmin):
    """等级申诉."""

    fields = (
        "entity", "assessment", "disputed", "reason", "evidence", "state", "asked_by", "asked_at",
        "decided_by", "decided_at", "note",
    )  # fmt: skip
    export_name = "credit-appeals"


@admin.register(Repair)
class RepairAdmin(AskedAdmin):
    """信用修复."""

    fields = (
        "entity", "fact", "reason", "evidence", "state", "asked_by", "asked_at", "decided_by", "decided_at",
        "note",
    )  # fmt: skip
    export_name = "credit-repairs"
