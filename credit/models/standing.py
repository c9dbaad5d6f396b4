"""Where a business stands now, every grading that changed something, and the periodic reviews."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from credit.models.scheme import CreditScheme
from grids.access import Anyone, scope_of
from grids.models import BusinessEntity, CreditGrade


def _points(label: str) -> models.DecimalField[Any, Any]:
    return models.DecimalField(label, max_digits=5, decimal_places=2)


def _words(label: str) -> ArrayField[list[str], list[str]]:
    return ArrayField(models.CharField(max_length=24), verbose_name=label, default=list, blank=True)


def scheme_of() -> models.ForeignKey[Any, Any]:
    """The scheme by which it was graded. Without a check by the database: grading reads the row in its own
    transaction, and no scheme is ever deleted (trigger), so that a check for each row would find nothing."""
    return models.ForeignKey(
        CreditScheme,
        models.PROTECT,
        verbose_name="方案",
        related_name="+",
        db_index=False,
        db_constraint=False,
    )


class Scored(models.Model):
    """The eight indicators, the total and the computed grade, as one grading left them.

    `caps` and `vetoes` are codes of `credit.scheme` (`ABNORMAL`, `OVERDUE_SERIOUS`, `NO_PATROL`, `NEW`;
    `V1` … `V5`). `cause` says what decides the computed grade: SCORE, CAP or VETO; patrols follow it.
    """

    i1 = _points("主体资质")
    i2 = _points("年报公示")
    i3 = _points("日常巡查")
    i4 = _points("整改落实")
    i5 = _points("投诉举报")
    i6 = _points("行政处罚")
    i7 = _points("安全专项")
    i8 = _points("共治参与")
    total = _points("总分")
    caps = _words("封顶")
    vetoes = _words("一票否决")
    cause = models.CharField("定级原因", max_length=16)
    computed_grade = models.CharField("测算等级", max_length=1, choices=CreditGrade.choices)
    effective_grade = models.CharField("执行等级", max_length=1, choices=CreditGrade.choices)

    class Meta:
        abstract = True


class CreditStandingQuerySet(models.QuerySet["CreditStanding"]):
    def visible_to(self, user: Anyone) -> Self:
        """Who sees the business sees its standing: internal supervision, never public."""
        if scope_of(user).business_nothing:
            return self.none()
        return self.filter(entity__in=BusinessEntity.objects.visible_to(user).values("id"))


class CreditStanding(Scored):
    """One business now. Written by `credit.grading` alone, together with `BusinessEntity.credit_grade`.

    `effective_since` is the date of the last change of the effective grade (minimum stay), `held_by` says in
    codes why the effective grade is not the computed one (`MIN_STAY`, `REVIEW`, `ONE_STEP`, `LOOK_BACKS`,
    `OPEN_LEAD`).
    """

    entity = models.OneToOneField(
        BusinessEntity, models.PROTECT, verbose_name="经营主体", related_name="standing", primary_key=True
    )
    scheme = scheme_of()
    effective_since = models.DateField("执行等级起始日")
    held_by = _words("暂不升级原因")
    assessed_at = models.DateTimeField("评定时间")
    assessed_on = models.DateField("评定日期")

    objects = CreditStandingQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "信用等级"
        ordering = ["entity_id"]
        indexes = [models.Index(fields=["effective_grade", "entity"], name="credit_standing_by_grade")]

    def __str__(self) -> str:
        return f"{self.entity_id} {self.effective_grade}"


class CreditAssessmentQuerySet(models.QuerySet["CreditAssessment"]):
    def visible_to(self, user: Anyone) -> Self:
        if scope_of(user).business_nothing:
            return self.none()
        return self.filter(entity__in=BusinessEntity.objects.visible_to(user).values("id"))


class CreditAssessment(Scored):
    """One grading that changed something: history, append-only (trigger).

    `previous_grade` is the effective grade before, empty at the first. `steps` tells the movement in codes.
    """

    class Trigger(models.TextChoices):
        FACT = "FACT", "新事实"
        NIGHTLY = "NIGHTLY", "每日重算"
        REVIEW = "REVIEW", "定期评定"
        SCHEME = "SCHEME", "方案变更"
        APPEAL = "APPEAL", "申诉成立"

    entity = models.ForeignKey(
        BusinessEntity, models.PROTECT, verbose_name="经营主体", related_name="assessments", db_index=False
    )
    scheme = scheme_of()
    trigger = models.CharField("起因", max_length=10, choices=Trigger.choices)
    previous_grade = models.CharField("原等级", max_length=1, blank=True, default="", db_default="")
    held_by = _words("暂不升级原因")
    at = models.DateTimeField("评定时间")
    on = models.DateField("评定日期")

    objects = CreditAssessmentQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "信用评定记录"
        ordering = ["-id"]
        indexes = [models.Index(fields=["entity", "-id"], name="credit_assessment_by_entity")]

    def __str__(self) -> str:
        return f"{self.entity_id} {self.on} {self.effective_grade}"


class CreditReview(models.Model):
    """The periodic review of one business: monthly (C, D) or quarterly (A, B: 季度评). Append-only but for
    the confirmation, which the commissioner gives by list (`patrols`); unconfirmed holds nobody back.

    `period` is the first day of the month or quarter that the review opened.
    """

    class Kind(models.TextChoices):
        MONTHLY = "MONTHLY", "月度评定"
        QUARTERLY = "QUARTERLY", "季度评"

    entity = models.ForeignKey(
        BusinessEntity, models.PROTECT, verbose_name="经营主体", related_name="reviews", db_index=False
    )
    kind = models.CharField("类型", max_length=10, choices=Kind.choices)
    period = models.DateField("评定期")
    total = _points("总分")
    before = models.CharField("评定前等级", max_length=1)
    grade = models.CharField("评定后等级", max_length=1)
    at = models.DateTimeField("评定时间")
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="确认人", related_name="+", null=True
    )
    confirmed_at = models.DateTimeField("确认时间", null=True)
    exception = models.CharField("例外说明", max_length=200, blank=True, default="", db_default="")

    class Meta:
        verbose_name = verbose_name_plural = "定期评定"
        ordering = ["-period", "entity_id"]
        constraints = [
            models.UniqueConstraint(fields=["entity", "kind", "period"], name="credit_review_one_a_period"),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True, confirmed_by__isnull=True)
                | Q(confirmed_at__isnull=False, confirmed_by__isnull=False),
                name="credit_review_confirmed_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["period", "kind", "entity"], name="credit_review_by_period")]

    def __str__(self) -> str:
        return f"{self.entity_id} {self.period} {self.grade}"
