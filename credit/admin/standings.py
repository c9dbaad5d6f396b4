"""Where businesses stand, how they came there, and the periodic reviews."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from credit.admin.lists import GridFilter, OfEntity
from credit.models import CreditAssessment, CreditReview, CreditStanding

SCORED = (
    "total", "computed_grade", "effective_grade", "cause", "caps", "vetoes", "held_by",
    "i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8",
)  # fmt: skip
POINTS = tuple(
    (title, lambda row, column=column: float(getattr(row, column)))
    for column, title in (
        ("i1", "主体资质"), ("i2", "年报公示"), ("i3", "日常巡查"), ("i4", "整改落实"), ("i5", "投诉举报"),
        ("i6", "行政处罚"), ("i7", "安全专项"), ("i8", "共治参与"), ("total", "总分"),
    )
)  # fmt: skip
SHOP = (
    ("经营主体", lambda row: row.entity.name),
    ("统一社会信用代码", lambda row: row.entity.uscc),
    ("网格", lambda row: row.entity.grid.code if row.entity.grid else ""),
)


@admin.register(CreditStanding)
class CreditStandingAdmin(OfEntity):
    """信用等级 of each business now. Internal supervision: never for a public page."""

    list_display = ("shop", "grid", "effective_grade", "computed_grade", "total", "cause", "effective_since")
    list_filter = ("effective_grade", "computed_grade", "cause", GridFilter)
    ordering = ("-effective_grade", "total", "entity_id")
    fields = ("entity", *SCORED, "scheme", "effective_since", "assessed_at")
    export_name = "credit-standings"
    export_columns = (
        *SHOP,
        ("执行等级", lambda row: row.effective_grade),
        ("测算等级", lambda row: row.computed_grade),
        *POINTS,
        ("执行等级起始日", lambda row: row.effective_since),
    )


@admin.register(CreditAssessment)
class CreditAssessmentAdmin(OfEntity):
    """Every grading that changed something."""

    list_display = ("on", "shop", "grid", "trigger", "previous_grade", "effective_grade", "total")
    list_filter = (
        "trigger",
        "effective_grade",
        "previous_grade",
        ("on", admin.DateFieldListFilter),
        GridFilter,
    )
    ordering = ("-id",)
    fields = ("entity", "on", "at", "trigger", "previous_grade", *SCORED, "scheme")
    export_name = "credit-assessments"
    export_columns = (
        ("评定日期", lambda row: row.on),
        *SHOP,
        ("起因", lambda row: row.get_trigger_display()),
        ("原等级", lambda row: row.previous_grade),
        ("执行等级", lambda row: row.effective_grade),
        *POINTS,
    )


@admin.register(CreditReview)
class CreditReviewAdmin(OfEntity):
    """定期评定: monthly and quarterly; the quarterly ones are confirmed by list."""

    list_display = ("period", "kind", "shop", "grid", "before", "grade", "total", "confirmed_at", "exception")
    list_filter = ("kind", "period", "grade", ("confirmed_at", admin.EmptyFieldListFilter), GridFilter)
    ordering = ("-period", "-id")
    fields: Any = (
        "entity", "kind", "period", "before", "grade", "total", "at", "confirmed_by", "confirmed_at",
        "exception",
    )  # fmt: skip
    export_name = "credit-reviews"
    export_columns = (
        ("评定期", lambda row: row.period),
        ("类型", lambda row: row.get_kind_display()),
        *SHOP,
        ("评定前等级", lambda row: row.before),
        ("评定后等级", lambda row: row.grade),
        ("总分", lambda row: float(row.total)),
        ("例外说明", lambda row: row.exception),
    )
