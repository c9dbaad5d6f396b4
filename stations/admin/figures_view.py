"""统计: figures of the disputes that a person may see, for a period and a station; with a workbook."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from grids.access import scope_of
from kernel import clock
from kernel.api.downloads import xlsx
from stations import figures
from stations.admin import seats
from stations.figures import ByTier, Figures
from stations.models import Dispute
from stations.models.dispute import DisputeQuerySet
from stations.states import Tier

if TYPE_CHECKING:
    from stations.admin.disputes import DisputeAdmin

EARLIEST, LATEST = date(2020, 1, 1), date(2099, 12, 31)
WIDTH, LEFT, RIGHT, ROW, BAR = 640, 110, 90, 34, 20
SETTLED_COLOUR, OTHER_COLOUR = "#15803d", "#94a3b8"
EXPORT = "_export"


@dataclass(frozen=True, slots=True)
class Period:
    """What is asked for: Shanghai days, both included."""

    since: date
    until: date
    station: str = ""


def show(admin: DisputeAdmin, request: HttpRequest) -> HttpResponse:
    """The page; with `?_export=xlsx` the workbook."""
    user: Any = request.user
    stations = list(seats.stations(scope_of(user)))
    asked = _asked(request, {one.code for one in stations})
    rows: DisputeQuerySet = Dispute.objects.visible_to(user)
    if asked.station:
        rows = rows.filter(Q(station__code=asked.station) | Q(taken_station__code=asked.station))
    found = figures.figures(rows, asked.since, asked.until)
    hot = figures.hot_shops(rows, clock.now())
    if request.GET.get(EXPORT) == "xlsx":
        return xlsx(_sheet(found, hot), f"disputes-{asked.since}-{asked.until}.xlsx")
    query = request.GET.copy()
    query[EXPORT] = "xlsx"
    shown = {
        "asked": asked,
        "stations": stations,
        "found": found,
        "lines": told(found),
        "tiers": drawn(found.by_tier),
        "goods": found.goods,
        "most": max((one.disputes for one in found.goods), default=1),
        "hot": hot,
        "sheet": f"?{query.urlencode()}",
    }
    return admin.render(request, "stations/figures.html", shown, title="纠纷统计")


def _asked(request: HttpRequest, codes: set[str]) -> Period:
    today = clock.today()
    until = _day(request, "until", today)
    since = _day(request, "since", until - timedelta(days=29))
    if since > until:
        since, until = until, since
    station = request.GET.get("station", "")
    return Period(since, until, station if station in codes else "")


def _day(request: HttpRequest, name: str, otherwise: date) -> date:
    try:
        found = date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return otherwise
    return found if EARLIEST <= found <= LATEST else otherwise


def percent(rate: float | None) -> str:
    return "—" if rate is None else f"{rate * 100:.1f}%"


def told(found: Figures) -> list[tuple[str, str, str]]:
    """Label, figure and what stands behind it. A rate of nothing is told as such, never as 100 %."""
    at_stations = found.settled
    concluded = found.settled + found.settled_official + found.not_reached
    days = "—" if found.median_days is None else f"{found.median_days:.2f} 天"
    return [
        ("登记", f"{found.registered} 件", f"目前未办结 {found.open} 件"),
        ("办结", f"{found.ended} 件", f"撤回 {found.withdrawn} 件，不予受理 {found.refused} 件"),
        ("当场和解", f"{found.on_the_spot} 件", "登记当日在店内和解"),
        ("服务站和解", f"{at_stations} 件", f"市场监管所调解成功 {found.settled_official} 件"),
        (
            "调解成功率",
            percent(found.mediation_success_rate),
            f"n={concluded}，未达成 {found.not_reached} 件",
        ),
        ("办理时长中位数", days, "自登记至办结，不含撤回和不予受理"),
        ("挽回金额", f"{found.amount_settled:,.2f} 元", "和解及协议履行的争议金额"),
        ("协议履行", f"{found.performed} 件", f"未履行 {found.broken} 件"),
        ("满意率", percent(found.satisfaction_rate), f"n={found.rated}，满意 {found.satisfied} 件"),
        ("回访应答率", percent(found.response_rate), f"发出回访 {found.asked} 件"),
    ]


def drawn(rows: Sequence[ByTier]) -> SafeString:
    """Where disputes ended: a bar a tier, the settled part of it green."""
    most = max((row.ended for row in rows), default=0)
    if not most:
        return SafeString("")
    wide = WIDTH - LEFT - RIGHT
    bars = [_bar(place, row, wide / most) for place, row in enumerate(rows)]
    return format_html(
        '<svg viewBox="0 0 {} {}" class="page-drawing" role="img" aria-label="各层级办结与和解件数">{}</svg>',
        WIDTH,
        len(rows) * ROW + 4,
        SafeString("".join(bars)),
    )


def _bar(place: int, row: ByTier, each: float) -> SafeString:
    top = place * ROW + 6
    settled, rest = row.settled * each, (row.ended - row.settled) * each
    shape = (
        '<text x="0" y="{}" font-size="13">{}</text>'
        '<rect x="{}" y="{}" width="{}" height="{}" fill="{}"><title>和解 {} 件</title></rect>'
        '<rect x="{}" y="{}" width="{}" height="{}" fill="{}"><title>其他 {} 件</title></rect>'
        '<text x="{}" y="{}" font-size="12">{} / {}</text>'
    )
    middle = top + BAR - 5
    return format_html(
        shape, middle, Tier(row.tier).label,
        LEFT, top, f"{settled:.1f}", BAR, SETTLED_COLOUR, row.settled,
        f"{LEFT + settled:.1f}", top, f"{rest:.1f}", BAR, OTHER_COLOUR, row.ended - row.settled,
        f"{LEFT + settled + rest + 8:.1f}", middle, row.settled, row.ended,
    )  # fmt: skip


def _sheet(found: Figures, hot: Sequence[figures.Counted]) -> bytes:
    import xlsxwriter  # only where a workbook is written: not in every process

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold = book.add_format({"bold": True})
        parts: list[tuple[str, list[str], list[list[Any]]]] = [
            ("主要指标", ["指标", "数值", "说明"], [list(line) for line in told(found)]),
            (
                "各层级",
                ["层级", "办结", "和解"],
                [[str(Tier(one.tier).label), one.ended, one.settled] for one in found.by_tier],
            ),
            ("商品或服务", ["类别", "件数", "金额（元）"], _counted(found.goods)),
            ("纠纷集中店铺", ["店铺", "30日内件数", "金额（元）"], _counted(hot)),
        ]
        for title, heads, rows in parts:
            sheet = book.add_worksheet(title)
            sheet.set_column(0, len(heads) - 1, 22)
            sheet.write_row(0, 0, heads, bold)
            for number, row in enumerate(rows, start=1):
                sheet.write_row(number, 0, row)
    return out.getvalue()


def _counted(rows: Sequence[figures.Counted]) -> list[list[Any]]:
    return [[one.name, one.disputes, float(one.amount)] for one in rows]
