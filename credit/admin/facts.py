"""The ledger of facts, to look at: what is untrue is withdrawn by an appeal, never edited."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from credit.admin.lists import OfEntity
from credit.admin.standings import SHOP
from credit.facts import LEVEL_LABELS
from credit.models import CreditFact
from grids.admin.of_entity import GridFilter


@admin.register(CreditFact)
class CreditFactAdmin(OfEntity):
    """信用事实."""

    list_display = ("happened_on", "shop", "grid", "kind", "level_in_words", "ref", "until", "recorded_at")
    list_filter = ("kind", ("happened_on", admin.DateFieldListFilter), GridFilter)
    search_fields = (*OfEntity.search_fields, "ref")
    search_help_text = "按主体名称、代码或事项编号查找"
    ordering = ("-id",)
    fields = (
        "entity", "kind", "level_in_words", "ref", "at", "happened_on", "until", "source", "told", "by",
        "recorded_at",
    )  # fmt: skip
    export_name = "credit-facts"
    export_columns = (
        ("发生日期", lambda row: row.happened_on),
        *SHOP,
        ("事实", lambda row: row.get_kind_display()),
        ("程度", lambda row: LEVEL_LABELS.get(row.level, "")),
        ("事项", lambda row: row.ref),
        ("有效至", lambda row: row.until or ""),
    )

    @display(description="程度", ordering="level")
    def level_in_words(self, row: CreditFact) -> str:
        return LEVEL_LABELS.get(row.level, "")

    @display(description="详情")
    def told(self, row: CreditFact) -> str:
        """What of the details may be told: what it is about, and the number of a paper."""
        return "　".join(str(row.data[name]) for name in ("what", "number") if row.data.get(name)) or "无"
