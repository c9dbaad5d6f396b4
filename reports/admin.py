"""Reports in the admin, read only: a page with tables and a chart, the workbook, making up missing ones."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import IntegerField, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from unfold.decorators import action, display

from grids.admin_access import BUREAU_PEOPLE, GRID_PEOPLE, OFFICE_PEOPLE, ScopedAdmin
from grids.roles import Role
from kernel import clock
from kernel.accounts.models import User
from reports import charts, departments, kpi, nightly, selectors, sheet, wording
from reports.api.views import workbook
from reports.models import DailyGridStat, Level, ReportRun, SlaLine, SlaReport, Span

READERS = BUREAU_PEOPLE | OFFICE_PEOPLE | GRID_PEOPLE | {Role.GRID_WORKER, Role.BUREAU_SECTION}
SHOWN_COUNTS = (
    "reported",
    "closed",
    "respond_counted",
    "feedback_counted",
    "food",
    "desk",
    "desk_late",
    "orders_raised",
)
SHOWN_RATES = (
    "response_on_time_rate", "feedback_on_time_rate", "closure_rate", "closed_on_time_rate", "rework_rate",
    "same_day_rate",
)  # fmt: skip
HEADS = [*(kpi.COUNTS[name] for name in SHOWN_COUNTS), *(kpi.RATES[name][0] for name in SHOWN_RATES)]


class ReadOnly(ScopedAdmin):
    """Rows that nobody adds, edits or deletes by hand."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(SlaReport)
class SlaReportAdmin(ReadOnly):
    """运行日报: the list shows the figures of what the person may see; the page shows all of it."""

    view_roles = READERS
    list_display = ["day", "reported", "closed", "overdue", "made_at", "seal_hash"]
    list_select_related = ["seal"]
    date_hierarchy = "date"
    ordering = ["-date"]
    actions_list = ["make_up"]
    actions_detail = ["download"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        scope = self.scope(request)
        level = Level.BUREAU if scope.sees_all or scope.sections else Level.GRID
        mine = SlaLine.objects.visible_to(request.user).filter(  # type: ignore[arg-type]
            report=OuterRef("pk"), span=Span.DAY, level=level
        )

        def added(name: str) -> Subquery:
            rows = mine.order_by().values("report").annotate(found=Sum(name)).values("found")
            return Subquery(rows, output_field=IntegerField())

        return (
            super()
            .get_queryset(request)
            .annotate(
                line_reported=added("reported"), line_closed=added("closed"), line_overdue=added("overdue")
            )
        )

    @display(description="日期", ordering="date")
    def day(self, report: SlaReport) -> str:
        return wording.date_zh(report.date)

    @display(description="当日上报")
    def reported(self, report: Any) -> int:
        return report.line_reported or 0

    @display(description="当日上报已办结")
    def closed(self, report: Any) -> int:
        return report.line_closed or 0

    @display(description="24时超时未办")
    def overdue(self, report: Any) -> int:
        return report.line_overdue or 0

    @display(description="留痕封存值")
    def seal_hash(self, report: SlaReport) -> str:
        return report.seal.hash[:16] if report.seal else "—"

    def has_make_up_permission(self, request: HttpRequest) -> bool:
        return self._holds(request, {Role.BUREAU}) and not self.scope(request).is_auditor

    @action(description="补做日报", icon="playlist_add_check", url_path="make-up", permissions=["make_up"])
    def make_up(self, request: HttpRequest) -> HttpResponse:
        missing = nightly.due_days(clock.now(), most=nightly.AT_ONCE)
        days = "、".join(map(str, missing)) or "没有缺漏的日报"

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            made = nightly.make_up(by=by)
            return f"已补做{len(made)}日的日报。" if made else "没有缺漏的日报，无需补做。"

        effect = f"缺漏的日报：{days}。系统每10分钟自动检查并补做，一般无需手工操作。"
        return self.ask(request, title="补做日报", submit="立即补做", act=act, effect=effect)

    @action(description="下载表格", icon="download", url_path="workbook")
    def download(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        return workbook(self._reading(request, object_id))

    def _reading(self, request: HttpRequest, object_id: Any) -> selectors.Reading:
        report = self.get_object(request, str(object_id))
        if report is None or not self.has_view_permission(request):
            raise PermissionDenied
        return selectors.read(report=report, by=self.me(request))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        reading = self._reading(request, object_id)
        places = [(level.label, reading.at(level)) for level in (Level.OFFICE, Level.COMMUNITY, Level.GRID)]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{wording.date_zh(reading.report.date)}运行日报（{reading.name}）",
            "reading": reading,
            "figures": _figures(reading),
            "heads": HEADS,
            "places": [(label, [_row(line) for line in lines]) for label, lines in places if lines],
            "chart": charts.reported_and_closed(reading.at(Level.GRID)),
            "note": sheet.LINES_OVERLAP,
            "department_heads": list(departments.COLUMNS.values()),
            "departments": [_department(one) for one in reading.departments],
            "department_note": departments.NOTE,
            "back": self.list_address(),
        }
        return TemplateResponse(request, "reports/sla_report.html", context)


def _figures(reading: selectors.Reading) -> list[tuple[str, str, str]]:
    """Every figure: its name, the day's, the seven days'."""
    found = []
    for name, label in sheet.FIGURES.items():
        recent = "—" if name in sheet.STANDING else _shown(name, reading.recent[name])
        found.append((label, _shown(name, reading.figures[name]), recent))
    return found


def _row(line: SlaLine) -> list[str]:
    return [
        line.name,
        line.code or "—",
        *(_shown(name, getattr(line, name)) for name in (*SHOWN_COUNTS, *SHOWN_RATES)),
    ]


def _department(one: departments.DepartmentLine) -> list[str]:
    told = [Span(one.span).label, one.name]
    for name in departments.COLUMNS:
        value = getattr(one, name)
        told.append(kpi.percent(value) if name.endswith("_rate") else "—" if value is None else str(value))
    return told


def _shown(name: str, value: Any) -> str:
    return kpi.percent(value) if name in kpi.RATES else str(value)


@admin.register(ReportRun)
class ReportRunAdmin(ReadOnly):
    """日报运行记录: when each report was made and told."""

    view_roles = BUREAU_PEOPLE
    list_display = ["date", "kind", "finished_at"]
    list_filter = ["kind"]
    ordering = ["-date", "kind"]
    fields = ["date", "kind", "finished_at"]
    readonly_fields = fields


@admin.register(DailyGridStat)
class DailyGridStatAdmin(ReadOnly):
    """网格日统计: rebuilt every night as long as anything of the day is open."""

    view_roles = READERS
    list_display = [
        "day",
        "place",
        "reported",
        "closed",
        "responded_on_time",
        "fed_back_on_time",
        "food",
        "as_of",
    ]
    list_filter = ["day", "grid__office", "grid"]
    list_select_related = ["grid"]
    ordering = ["-day", "grid__code"]
    fields = ["day", "grid", "as_of", *kpi.COUNTS]
    readonly_fields = fields

    @display(description="网格")
    def place(self, row: DailyGridStat) -> str:
        return str(row.grid) if row.grid else nightly.NO_GRID
