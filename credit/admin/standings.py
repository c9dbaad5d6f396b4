"""Where businesses stand, how they came there, and the periodic reviews."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.decorators import display

from credit.admin import acts, repairing
from credit.admin.drawings import Divided, stacked
from credit.admin.lists import OfEntity
from credit.models import CreditAssessment, CreditReview, CreditStanding
from credit.wording import CAPS, VETOES
from grids.admin.of_entity import SHOP, GridFilter
from grids.admin.register import GRADE_TONES
from grids.admin_access import as_listed
from grids.models import BusinessEntity
from grids.own_pages import OwnPages

SCORED = (
    "total", "computed_grade", "effective_grade", "why",
    "i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8",
)  # fmt: skip
EXCEPTION = as_listed("exception", "例外说明")
POINTS = tuple(
    (title, lambda row, column=column: float(getattr(row, column)))
    for column, title in (
        ("i1", "主体资质"), ("i2", "年报公示"), ("i3", "日常巡查"), ("i4", "整改落实"), ("i5", "投诉举报"),
        ("i6", "行政处罚"), ("i7", "安全专项"), ("i8", "共治参与"), ("total", "总分"),
    )
)  # fmt: skip


class CauseFilter(admin.SimpleListFilter):
    title = "定级原因"
    parameter_name = "cause"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("SCORE", "按得分"), ("CAP", "等级封顶"), ("VETO", "一票否决")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(cause=self.value()) if self.value() else queryset


class ScoredAdmin(OfEntity):
    """Rows that one grading left."""

    @display(description="定级原因", ordering="cause")
    def why(self, row: Any) -> str:
        named = [*(VETOES[code] for code in row.vetoes), *(CAPS[code] for code in row.caps)]
        return "、".join(named) or "按得分"


@admin.register(CreditStanding)
class CreditStandingAdmin(ScoredAdmin, OwnPages):
    """信用等级 of each business now. Internal supervision: never for a public page."""

    class Media:
        css = {"all": ["leads/leads.css", "suoshe/pages.css"]}

    list_before_template = "credit/standings_before.html"
    when_empty = "还没有评定信用等级。登记册有主体后，系统每晚评定。"
    list_display = ("shop", "grid", "grade", "computed_grade", "total", "why", "effective_since")
    list_filter = ("effective_grade", "computed_grade", CauseFilter, GridFilter)
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

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/appeal/", view(self._act(acts.appeal)), name="credit_creditstanding_appeal"),
            path("<int:pk>/repair/", view(self._act(repairing.repair)), name="credit_creditstanding_repair"),
            path("<int:pk>/nominate/", view(self._act(acts.nominate)), name="credit_creditstanding_nominate"),
            *super().get_urls(),
        ]

    def _act(self, act: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        def shown(request: HttpRequest, pk: int) -> HttpResponse:
            return act(self, request, self.wanted(request, pk))

        return shown

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Above the list: how the grades of each grid are made up. One statement more."""
        counted = CreditStanding.objects.visible_to(request.user).filter(entity__grid__isnull=False)
        grids: dict[str, Counter[str]] = {}
        rows = counted.order_by().values_list("entity__grid__code", "entity__grid__name", "effective_grade")
        for code, name, grade, many in rows.annotate(many=Count("pk")):
            grids.setdefault(f"{code[-3:]} {name}", Counter())[grade] = many
        picture = stacked([Divided(name, dict(counts)) for name, counts in sorted(grids.items())])
        return super().changelist_view(request, {"picture": picture, **(extra_context or {})})

    @display(description="执行等级", ordering="effective_grade", label=GRADE_TONES)
    def grade(self, row: CreditStanding) -> str:
        return row.effective_grade


@admin.register(CreditAssessment)
class CreditAssessmentAdmin(ScoredAdmin):
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

    list_display = ("period", "kind", "shop", "grid", "before", "grade", "total", "confirmed_at", EXCEPTION)
    written = ("exception",)
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
        ("例外说明", EXCEPTION),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Who sees the business sees its reviews."""
        user: Any = request.user
        if self.scope(request).business_nothing:
            return CreditReview.objects.none()
        seen = BusinessEntity.objects.visible_to(user).values("id")
        return CreditReview.objects.filter(entity__in=seen).order_by(*self.ordering)
