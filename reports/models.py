"""Daily figures that are rebuilt, and reports that are kept (DESIGN.md §10).

`DailyGridStat` is a cache of the source rows as of a moment. Everything else here is written once:
a trigger refuses every change, so what happens after midnight never alters a kept report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F, Q

from grids.access import scope_of, within
from grids.models import Community, Grid, Office
from kernel.journal.models import Seal
from leads.models import Lead, SupervisionOrder
from reports import kpi

if TYPE_CHECKING:
    from grids.access import Scope
    from kernel.accounts.models import User


def may_read(scope: Scope) -> bool:
    """Whoever works in grids, offices, communities, streets or the bureau; nobody else."""
    places = scope.grid_ids or scope.office_ids or scope.community_ids or scope.subdistrict_ids
    return bool(scope.sees_all or scope.sections or places)


def _parts_of_whole() -> Q:
    found = Q()
    for part, whole in kpi.PARTS:
        found &= Q(**{f"{part}__lte": F(whole)})
    return found


class Counts(models.Model):
    """The counts of `kpi.COUNTS`, column by column."""

    reported = models.PositiveIntegerField("上报")
    desk = models.PositiveIntegerField("转人工派单")
    desk_late = models.PositiveIntegerField("派单超时")
    respond_counted = models.PositiveIntegerField("应接单")
    responded_on_time = models.PositiveIntegerField("按时接单")
    feedback_counted = models.PositiveIntegerField("应反馈")
    fed_back_on_time = models.PositiveIntegerField("按时反馈")
    interim_on_time = models.PositiveIntegerField("其中按时阶段反馈", default=0, db_default=0)
    strict_counted = models.PositiveIntegerField("应反馈（不计延期暂缓）", default=0, db_default=0)
    strict_on_time = models.PositiveIntegerField("按时反馈（不计延期暂缓）", default=0, db_default=0)
    closure_counted = models.PositiveIntegerField("应办结", default=0, db_default=0)
    closed = models.PositiveIntegerField("已办结")
    mature = models.PositiveIntegerField("办结时限已到")
    mature_closed = models.PositiveIntegerField("时限已到且办结")
    closing_counted = models.PositiveIntegerField("已办结或已到期")
    closed_on_time = models.PositiveIntegerField("按时办结")
    fed_back = models.PositiveIntegerField("已反馈")
    reworked = models.PositiveIntegerField("返工线索")
    reworks = models.PositiveIntegerField("退回重办次数")
    food = models.PositiveIntegerField("食品安全线索")
    food_same_day = models.PositiveIntegerField("当日处置")
    food_evening = models.PositiveIntegerField("20时后发现")
    food_evening_same_day = models.PositiveIntegerField("20时后发现当日处置")
    food_left = models.PositiveIntegerField("改出食品类", default=0, db_default=0)
    fixed_on_spot = models.PositiveIntegerField("现场已改正")
    settled = models.PositiveIntegerField("即知即改", default=0, db_default=0)
    rejected = models.PositiveIntegerField("退单", default=0, db_default=0)
    merged = models.PositiveIntegerField("并单", default=0, db_default=0)
    extended = models.PositiveIntegerField("延期", default=0, db_default=0)
    suspended = models.PositiveIntegerField("暂缓", default=0, db_default=0)
    reclassified = models.PositiveIntegerField("改类", default=0, db_default=0)
    handed_over = models.PositiveIntegerField("已移交", default=0, db_default=0)
    verified_in_stead = models.PositiveIntegerField("代核验")
    orders_raised = models.PositiveIntegerField("督办单")
    orders_escalated = models.PositiveIntegerField("升级局级督办")
    orders_lifted = models.PositiveIntegerField("督办已解除")
    orders_charged = models.PositiveIntegerField("其中因审批逾期", default=0, db_default=0)
    rectify_due = models.PositiveIntegerField("整改到期", default=0, db_default=0)
    cleared = models.PositiveIntegerField("已销号", default=0, db_default=0)
    look_backs = models.PositiveIntegerField("回头看", default=0, db_default=0)
    relapsed = models.PositiveIntegerField("反弹", default=0, db_default=0)
    answers_owed = models.PositiveIntegerField("应回复反映人", default=0, db_default=0)
    answered = models.PositiveIntegerField("已回复反映人", default=0, db_default=0)
    answered_on_time = models.PositiveIntegerField("按时回复反映人", default=0, db_default=0)
    surveys = models.PositiveIntegerField("满意度回访", default=0, db_default=0)
    rated = models.PositiveIntegerField("有效评价", default=0, db_default=0)
    satisfied = models.PositiveIntegerField("满意评价", default=0, db_default=0)
    not_asked = models.PositiveIntegerField("无回访对象", default=0, db_default=0)

    class Meta:
        abstract = True

    def counts(self) -> dict[str, int]:
        """The counts by name."""
        return {name: getattr(self, name) for name in kpi.COUNTS}


class GridRows(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """Rows of grids in the scope; those without a grid only for who sees all."""
        return self.filter(within(scope_of(user)))


class DailyGridStat(Counts):
    """One row per grid and Shanghai day, and one per day for leads without a grid.

    Rebuilt whole from the source rows (`reports.rollup`), never counted up, so a range is a sum.
    `as_of` is the moment as of which the row was computed.
    """

    day = models.DateField("日期")
    grid = models.ForeignKey(Grid, models.PROTECT, verbose_name="网格", related_name="+", null=True)
    as_of = models.DateTimeField("统计截止")

    objects = GridRows.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "网格日统计"
        ordering = ["-day", "grid__code"]
        constraints = [
            models.UniqueConstraint(
                fields=["day", "grid"], nulls_distinct=False, name="reports_dailygridstat_one_a_day"
            ),
            models.CheckConstraint(
                condition=_parts_of_whole(), name="reports_dailygridstat_parts_within_whole"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.grid_id or '未匹配网格'}"


class BureauRows(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """All for the bureau, its leaders and the auditor; else none."""
        return self if scope_of(user).sees_all else self.none()


class ReportRun(models.Model):
    """That a report was made, or told, for a date: the key of exactly once. Written once."""

    class Kind(models.TextChoices):
        SLA = "sla", "日报生成"
        SLA_TOLD = "sla_told", "日报推送"

    kind = models.CharField("事项", max_length=20, choices=Kind.choices)
    date = models.DateField("日期")
    finished_at = models.DateTimeField("完成时间")

    objects = BureauRows.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "日报运行记录"
        ordering = ["-date", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "date"], name="reports_reportrun_once_a_date"),
            models.CheckConstraint(
                condition=Q(kind__in=["sla", "sla_told"]), name="reports_reportrun_known_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.get_kind_display()}"


class SlaReportQuerySet(models.QuerySet["SlaReport"]):
    def visible_to(self, user: User) -> Self:
        """That a report exists, for whoever has a line in it; its lines have rights of their own."""
        return self if may_read(scope_of(user)) else self.none()


class SlaReport(models.Model):
    """The nightly report (日报) of one Shanghai day, as of its 24:00. Written once."""

    run = models.OneToOneField(
        ReportRun, models.PROTECT, verbose_name="运行记录", related_name="report", editable=False
    )
    date = models.DateField("日期", unique=True)
    as_of = models.DateTimeField("统计截止")
    made_at = models.DateTimeField("生成时间")
    seal = models.ForeignKey(Seal, models.PROTECT, verbose_name="留痕封存", related_name="+", null=True)

    objects = SlaReportQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "运行日报"
        ordering = ["-date"]

    def __str__(self) -> str:
        return f"{self.date} 运行日报"


class Span(models.TextChoices):
    """Which days' leads a line counts."""

    DAY = "day", "当日"
    RECENT = "recent", "近7日"


class Level(models.TextChoices):
    BUREAU = "bureau", "全局"
    OFFICE = "office", "监管所"
    COMMUNITY = "community", "社区"
    GRID = "grid", "网格"


class SlaLineQuerySet(models.QuerySet["SlaLine"]):
    def visible_to(self, user: User) -> Self:
        """All for who sees all; the bureau's totals for its sections; else own places and their grids."""
        scope = scope_of(user)
        if scope.sees_all:
            return self
        grids = Grid.objects.filter(within(scope, "")).values("id")
        found = Q(level=Level.GRID, grid__in=grids) | Q(level=Level.OFFICE, office__in=scope.office_ids)
        heads = Q(community__in=scope.community_ids)
        if scope.subdistrict_ids:
            heads |= Q(community__subdistrict__in=scope.subdistrict_ids)
        found |= Q(level=Level.COMMUNITY) & heads
        if scope.sections:
            found |= Q(level=Level.BUREAU)
        return self.filter(found)


class SlaLine(Counts):
    """Counts and rates of one place in one report. Written once, rates included: a formula that
    changes later does not change what was reported.

    A community's line counts the grids that hold it, which is what its head sees; a grid that spans
    two communities counts in both, so communities need not add up to the bureau. Grids and offices do.
    `pending` and `overdue` are leads at 24:00, whatever day they were reported.
    """

    report = models.ForeignKey(SlaReport, models.PROTECT, verbose_name="日报", related_name="lines")
    span = models.CharField("统计期", max_length=6, choices=Span.choices)
    level = models.CharField("层级", max_length=9, choices=Level.choices)
    grid = models.ForeignKey(Grid, models.PROTECT, verbose_name="网格", related_name="+", null=True)
    office = models.ForeignKey(Office, models.PROTECT, verbose_name="监管所", related_name="+", null=True)
    community = models.ForeignKey(Community, models.PROTECT, verbose_name="社区", related_name="+", null=True)
    code = models.CharField("编码", max_length=20, blank=True)
    name = models.CharField("名称", max_length=60)
    pending = models.PositiveIntegerField("24时在办")
    overdue = models.PositiveIntegerField("24时超时未办")
    response_on_time_rate = models.DecimalField("响应及时率", max_digits=5, decimal_places=4, null=True)
    feedback_on_time_rate = models.DecimalField("反馈及时率", max_digits=5, decimal_places=4, null=True)
    strict_feedback_rate = models.DecimalField(
        "反馈及时率（不计延期暂缓）", max_digits=5, decimal_places=4, null=True
    )
    closure_rate = models.DecimalField("办结率", max_digits=5, decimal_places=4, null=True)
    mature_closure_rate = models.DecimalField("到期办结率", max_digits=5, decimal_places=4, null=True)
    closed_on_time_rate = models.DecimalField("按时办结率", max_digits=5, decimal_places=4, null=True)
    rework_rate = models.DecimalField("返工率", max_digits=5, decimal_places=4, null=True)
    same_day_rate = models.DecimalField("当日处置率", max_digits=5, decimal_places=4, null=True)
    evening_same_day_rate = models.DecimalField(
        "20时后发现当日处置率", max_digits=5, decimal_places=4, null=True
    )
    cleared_rate = models.DecimalField("销号率", max_digits=5, decimal_places=4, null=True)
    relapse_rate = models.DecimalField("回头看反弹率", max_digits=5, decimal_places=4, null=True)
    satisfaction_rate = models.DecimalField("满意率", max_digits=5, decimal_places=4, null=True)
    survey_response_rate = models.DecimalField("评价率", max_digits=5, decimal_places=4, null=True)
    answered_rate = models.DecimalField("回复率", max_digits=5, decimal_places=4, null=True)

    objects = SlaLineQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "日报统计行"
        ordering = ["report", "span", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["report", "span", "level", "grid", "office", "community"],
                nulls_distinct=False,
                name="reports_slaline_one_a_place",
            ),
            models.CheckConstraint(condition=_parts_of_whole(), name="reports_slaline_parts_within_whole"),
            models.CheckConstraint(
                condition=Q(overdue__lte=F("pending")), name="reports_slaline_overdue_pending"
            ),
            models.CheckConstraint(
                condition=Q(level="grid", office=None, community=None)
                | Q(level="office", office__isnull=False, grid=None, community=None)
                | Q(level="community", community__isnull=False, grid=None, office=None)
                | Q(level="bureau", grid=None, office=None, community=None),
                name="reports_slaline_place_fits_level",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.get_span_display()}"


class Clock(models.TextChoices):
    """A limit that had passed unmet at 24:00."""

    DESK = "desk", "派单"
    RESPOND = "respond", "接单"
    FEEDBACK = "feedback", "反馈"
    FINAL = "final", "完整反馈"
    SAME_DAY = "same_day", "食品隐患当日处置"
    VERIFY = "verify", "核验"
    CLOSING = "closing", "办结"


class SlaOverdue(models.Model):
    """One limit of one lead that had passed unmet at 24:00 (超时清单). Written once.

    `owner_name` is who held it then, by the journal; empty on the desk. `grid_name` and the rest are
    what they were called then.
    """

    report = models.ForeignKey(SlaReport, models.PROTECT, verbose_name="日报", related_name="overdue")
    lead = models.ForeignKey(Lead, models.PROTECT, verbose_name="线索", related_name="+")
    number = models.CharField("编号", max_length=24)
    category = models.CharField("分类", max_length=40)
    grid = models.ForeignKey(Grid, models.PROTECT, verbose_name="网格", related_name="+", null=True)
    grid_code = models.CharField("网格编码", max_length=20, blank=True)
    grid_name = models.CharField("网格名称", max_length=60, blank=True)
    office_name = models.CharField("监管所", max_length=40, blank=True)
    owner_name = models.CharField("承办人", max_length=60, blank=True)
    clock = models.CharField("超时事项", max_length=10, choices=Clock.choices)
    cycle = models.PositiveSmallIntegerField("轮次")
    due_at = models.DateTimeField("时限")
    hours_late = models.DecimalField("超时（小时）", max_digits=9, decimal_places=1)

    objects = GridRows.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "日报超时事项"
        ordering = ["report", "due_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["report", "lead", "clock", "cycle"], name="reports_slaoverdue_one_a_clock"
            ),
            models.CheckConstraint(condition=Q(hours_late__gte=0), name="reports_slaoverdue_late"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.get_clock_display()}"


class SlaOrder(models.Model):
    """A supervision order raised that day or still open at its 24:00 (督办单). Written once."""

    report = models.ForeignKey(SlaReport, models.PROTECT, verbose_name="日报", related_name="orders")
    order = models.ForeignKey(SupervisionOrder, models.PROTECT, verbose_name="督办单", related_name="+")
    lead = models.ForeignKey(Lead, models.PROTECT, verbose_name="线索", related_name="+")
    number = models.CharField("编号", max_length=24)
    category = models.CharField("分类", max_length=40)
    grid = models.ForeignKey(Grid, models.PROTECT, verbose_name="网格", related_name="+", null=True)
    grid_code = models.CharField("网格编码", max_length=20, blank=True)
    grid_name = models.CharField("网格名称", max_length=60, blank=True)
    office_name = models.CharField("监管所", max_length=40, blank=True)
    cause = models.CharField("原因", max_length=14, choices=SupervisionOrder.Cause.choices)
    level = models.CharField("层级", max_length=8, choices=SupervisionOrder.Level.choices)
    state = models.CharField("状态", max_length=8, choices=SupervisionOrder.State.choices)
    raised_at = models.DateTimeField("督办时间")
    office_acknowledged_at = models.DateTimeField("所方签收时间", null=True)
    community_acknowledged_at = models.DateTimeField("社方签收时间", null=True)

    objects = GridRows.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "日报督办单"
        ordering = ["report", "raised_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["report", "order"], name="reports_slaorder_once"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.get_cause_display()}"

    @property
    def silent(self) -> list[str]:
        """The sides that had not acknowledged at 24:00: `office`, `community`."""
        sides = {"office": self.office_acknowledged_at, "community": self.community_acknowledged_at}
        return [side for side, acknowledged_at in sides.items() if acknowledged_at is None]

    @property
    def silent_names(self) -> str:
        """The same for people."""
        names = {"office": "所方", "community": "社方"}
        return "、".join(names[side] for side in self.silent)
