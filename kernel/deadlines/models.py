"""Running clocks as rows: the row is the timer (DESIGN.md §4)."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from kernel.clock import KernelNow
from kernel.deadlines.policy import Counting, Limit, Unit


class DeadlineQuerySet(models.QuerySet["Deadline"]):
    def with_pauses(self) -> DeadlineQuerySet:
        """Each with whether a pause of a known end lies around now (`shown_state`)."""
        around = Segment.objects.filter(
            deadline=OuterRef("pk"), paused_at__lte=KernelNow(), resumed_at__gt=KernelNow()
        )
        return self.annotate(stands_still=Exists(around))


class Deadline(models.Model):
    """One clock of one subject. `subject_kind` and `subject_id` name a row of a higher app.

    A warning (`respond_80`) is a deadline of its own that names its `parent_kind`: it is suppressed
    when the parent is met, cancelled or already breached.
    """

    class State(models.TextChoices):
        RUNNING = "running", "计时中"
        PAUSED = "paused", "已暂停"
        MET = "met", "按时完成"
        BREACHED = "breached", "已超时"
        CANCELLED = "cancelled", "已撤销"

    subject_kind = models.CharField("对象类别", max_length=20)
    subject_id = models.BigIntegerField("对象编号")
    kind = models.CharField("时限种类", max_length=30)
    cycle = models.PositiveSmallIntegerField("轮次", db_default=1)
    parent_kind = models.CharField("所提醒的时限", max_length=30, db_default="")
    state = models.CharField("状态", max_length=10, choices=State, db_default=State.RUNNING)
    armed_at = models.DateTimeField("起算时间")
    due_at = models.DateTimeField("到期时间")
    remaining = models.DurationField("剩余时长", null=True)
    closed_at = models.DateTimeField("结束时间", null=True)
    policy_version = models.PositiveIntegerField("规则版本", db_default=1)
    row_version = models.PositiveIntegerField("行版本", db_default=1)

    objects = DeadlineQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "时限"
        constraints = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id", "kind", "cycle"], name="deadlines_deadline_one_a_cycle"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["running", "paused"], closed_at__isnull=True)
                | Q(state__in=["met", "breached", "cancelled"], closed_at__isnull=False),
                name="deadlines_deadline_closed_when_over",
            ),
            models.CheckConstraint(
                condition=Q(state="paused", remaining__isnull=False)
                | (~Q(state="paused") & Q(remaining__isnull=True)),
                name="deadlines_deadline_remaining_when_paused",
            ),
            models.CheckConstraint(
                condition=Q(due_at__gte=F("armed_at")), name="deadlines_deadline_due_after_armed"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(state="running"), name="deadlines_due_running"),
        ]

    def __str__(self) -> str:
        return f"{self.subject_kind}:{self.subject_id} {self.kind}/{self.cycle}"

    def is_overdue(self, at: datetime) -> bool:
        return self.state == self.State.RUNNING and self.due_at <= at

    @property
    def shown_state(self) -> str:
        """What people are told: a clock in the midst of a pause is 已暂停, though its row runs on to a due
        time that the pause has moved already (`clocks.stand_still`). Read `with_pauses`."""
        if self.state == self.State.RUNNING and getattr(self, "stands_still", False):
            return self.State.PAUSED
        return self.state


class Segment(models.Model):
    """A pause of one clock, with its reason and who approved it."""

    deadline = models.ForeignKey(
        Deadline, verbose_name="时限", on_delete=models.PROTECT, related_name="segments"
    )
    paused_at = models.DateTimeField("暂停时间")
    resumed_at = models.DateTimeField("恢复时间", null=True)
    reason = models.CharField("原因", max_length=200)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="批准人", null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = verbose_name_plural = "暂停记录"
        constraints = [
            models.CheckConstraint(
                condition=Q(resumed_at__isnull=True) | Q(resumed_at__gte=F("paused_at")),
                name="deadlines_segment_order",
            ),
            models.UniqueConstraint(
                fields=["deadline"], condition=Q(resumed_at__isnull=True), name="deadlines_segment_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deadline_id} {self.paused_at:%F %T}"


class Event(models.Model):
    """A clock ran out. One row a deadline, ever: the primary key makes firing exactly-once.

    Subject, kind and due time are copied, so that handlers join nothing back (DESIGN.md §4, traps).
    """

    deadline = models.OneToOneField(
        Deadline, verbose_name="时限", on_delete=models.PROTECT, related_name="event", primary_key=True
    )
    subject_kind = models.CharField("对象类别", max_length=20)
    subject_id = models.BigIntegerField("对象编号")
    kind = models.CharField("时限种类", max_length=30)
    cycle = models.PositiveSmallIntegerField("轮次")
    due_at = models.DateTimeField("到期时间")
    recorded_at = models.DateTimeField("记录时间")

    class Meta:
        verbose_name = verbose_name_plural = "超时记录"
        indexes = [models.Index(fields=["subject_kind", "subject_id"], name="deadlines_event_subject")]

    def __str__(self) -> str:
        return f"{self.subject_kind}:{self.subject_id} {self.kind}"


class PoisonRow(models.Model):
    """An event whose handler failed: set aside with its error, so that the rest goes on."""

    event = models.OneToOneField(
        Event, verbose_name="超时记录", on_delete=models.PROTECT, related_name="poison"
    )
    error = models.TextField("错误")
    set_aside_at = models.DateTimeField("搁置时间")
    resolved_at = models.DateTimeField("处理时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "搁置的超时记录"

    def __str__(self) -> str:
        return f"event {self.event_id}"


class LimitPolicyQuerySet(models.QuerySet["LimitPolicy"]):
    def in_force(self, at: datetime) -> LimitPolicyQuerySet:
        """The newest version of each kind that is in force at `at`."""
        return (
            self.filter(in_force_from__lte=at).order_by("kind", "-in_force_from", "-version").distinct("kind")
        )


class LimitPolicy(models.Model):
    """One version of one time limit. Never changed once in force: a new version is added."""

    kind = models.CharField("时限种类", max_length=30)
    version = models.PositiveIntegerField("版本")
    name = models.CharField("名称", max_length=60)
    amount = models.PositiveIntegerField("数量", help_text="分钟数、日数或工作日数")
    unit = models.CharField(
        "单位",
        max_length=12,
        choices=[
            (Unit.MINUTES.value, "分钟"),
            (Unit.DAYS.value, "日"),
            (Unit.WORKING_DAYS.value, "工作日"),
        ],
        default=Unit.MINUTES.value,
    )
    counting = models.CharField(
        "计时方式",
        max_length=8,
        default=Counting.NATURAL.value,
        choices=[(Counting.NATURAL.value, "全天连续计时"), (Counting.DUTY.value, "仅工作时间计时")],
    )
    warn_percent = models.PositiveSmallIntegerField("催办比例(%)", null=True, blank=True)
    in_force_from = models.DateTimeField("生效时间")
    basis = models.CharField("依据", max_length=200, blank=True)

    objects = LimitPolicyQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "时限规则"
        ordering = ["kind", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "version"], name="deadlines_limitpolicy_one_version"),
            models.CheckConstraint(
                condition=Q(amount__gt=0),
                name="deadlines_limitpolicy_positive",
                violation_error_message="时限必须大于 0。",
            ),
            models.CheckConstraint(
                condition=Q(warn_percent__isnull=True) | Q(warn_percent__gt=0, warn_percent__lt=100),
                name="deadlines_limitpolicy_warn_range",
                violation_error_message="催办比例应在 1 至 99 之间。",
            ),
            models.CheckConstraint(
                condition=Q(counting="NATURAL") | Q(kind="respond"),
                name="deadlines_limitpolicy_duty_respond_only",
                violation_error_message="只有接单时限可以按工作时间计时。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} 第 {self.version} 版"

    def as_limit(self) -> Limit:
        return Limit(
            self.kind, self.version, self.amount, Unit(self.unit), Counting(self.counting), self.warn_percent
        )


class CalendarDay(models.Model):
    """The bureau's own word on one day: overrides the national calendar (调休、临时放假)."""

    day = models.DateField("日期", primary_key=True)
    is_working = models.BooleanField("工作日")
    note = models.CharField("说明", max_length=60, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "工作日历"
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day} {'上班' if self.is_working else '休息'}"


class Heartbeat(models.Model):
    """When each driver of the sweep last lived, and how far behind it was."""

    driver = models.CharField("驱动", max_length=40, primary_key=True)
    beat_at = models.DateTimeField("最近一次", db_default=KernelNow())
    lag_ms = models.PositiveIntegerField("滞后毫秒", db_default=0)

    class Meta:
        verbose_name = verbose_name_plural = "时钟心跳"

    def __str__(self) -> str:
        return self.driver
