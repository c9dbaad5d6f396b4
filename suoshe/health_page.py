"""系统运行状况: the vitals and the last audits on one page of the admin, for who keeps the machinery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.timezone import localtime

from kernel.deadlines import audit_runs
from kernel.deadlines.models import Heartbeat
from suoshe import vitals
from suoshe.vitals import Vitals

RUNS = 10
PROBLEMS = {
    "clocks_not_driven": "没有进程在驱动时限，或时限已明显滞后",
    "redis_away": "Redis 没有应答，通知暂缓发送（时限不受影响）",
    "clock_jumped": "24小时内数据库时钟发生过跳变",
    "audit_stale": "巡检超过9小时没有运行",
    "notices_dead": "有发送失败的通知待人工处理",
}


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: str
    alarming: bool = False


def may_look(request: HttpRequest) -> bool:
    """Who may see the drivers' heartbeats."""
    return admin.site._registry[Heartbeat].has_view_permission(request)


def page(request: HttpRequest) -> HttpResponse:
    """Shown to system administrator, bureau and auditor."""
    if not may_look(request):
        raise PermissionDenied
    found = vitals.read()
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "系统运行状况",
        "problems": [PROBLEMS[code] for code in found.problems if code in PROBLEMS],
        "figures": figures(found),
        "drivers": sorted(
            (name, _ago(age), age >= vitals.BEAT_WITHIN_S) for name, age in found.clocks.beats.items()
        ),
        "faults": [fault.sentence for fault in found.audit.faults] if found.audit else [],
        "runs": [
            (_moment(run.at), "夜间全面巡检" if run.nightly else "例行巡检", len(run.faults))
            for run in audit_runs.recent(RUNS)
        ],
    }
    return TemplateResponse(request, "suoshe/health.html", context)


def figures(found: Vitals) -> list[Figure]:
    """The plain figures in words."""
    clocks, notices = found.clocks, found.notices
    return [
        Figure("最早一个逾期未处理的时限", _seconds(clocks.lag_s), clocks.lag_s >= vitals.LAG_BELOW_S),
        Figure("近15分钟触发的时限", f"{clocks.lags.fired} 个"),
        Figure("触发滞后（99%以内）", _seconds(clocks.lags.p99_s)),
        Figure("触发滞后（最大）", _seconds(clocks.lags.max_s)),
        Figure("24小时内数据库时钟跳变", f"{clocks.jumps.count} 次", bool(clocks.jumps.count)),
        Figure("待发送通知", f"{notices.pending} 条，最久等待 {_seconds(notices.oldest_due_s)}"),
        Figure("发送失败待处理的通知", f"{notices.dead} 条", bool(notices.dead)),
        Figure(
            "后台任务队列", "无法读取" if found.queued is None else f"{found.queued} 个", found.queued is None
        ),
    ]


def _seconds(value: float) -> str:
    if value >= 3600:
        return f"{value / 3600:.1f} 小时"
    return f"{value / 60:.1f} 分钟" if value >= 60 else f"{value:.2f} 秒"


def _ago(age: float) -> str:
    return f"{_seconds(age)}前"


def _moment(at: datetime) -> str:
    return localtime(at).strftime("%Y-%m-%d %H:%M")
