"""The scheme of grading as a versioned rule set (DOMAIN.md §4): drafted, tried, put in force."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from grids.access import Anyone, scope_of
from grids.roles import Role, Section

READS_DRAFTS = frozenset({Role.BUREAU, Role.BUREAU_LEADER, Role.AUDITOR})
KNOWS_CREDIT = frozenset(
    {Role.GRID_WORKER, Role.COMMISSIONER, Role.COMMUNITY_HEAD, Role.BUREAU_SECTION, Role.SUBDISTRICT}
)


def sees_drafts(user: Anyone) -> bool:
    """Does he see drafts, and with them what a trial found of every business?"""
    scope = scope_of(user)
    return scope.has(*READS_DRAFTS) or Section.CREDIT in scope.sections


class CreditSchemeQuerySet(models.QuerySet["CreditScheme"]):
    def visible_to(self, user: Anyone) -> Self:
        """Every version for the bureau, the auditor and section CREDIT; what is or was in force for whoever
        has to do with shops; nothing for liaisons, mediators and administrators."""
        scope = scope_of(user)
        if sees_drafts(user):
            return self
        if scope.has(*KNOWS_CREDIT) or scope.office_ids:
            return self.filter(state__in=["IN_FORCE", "RETIRED"])
        return self.none()


class CreditScheme(models.Model):
    """One version of the rule set. One draft at a time; the one in force is the newest `IN_FORCE`.

    `rules` is checked by `credit.scheme.parse` before anything is kept. Once in force it never changes
    (trigger): a new version does. `trial` keeps the last trial run, which must be of these very rules
    (`trial_digest`) before the draft may take effect; one is asked for while `trial_asked_at` is set.

    `version` is the number of the scheme, `revision` moves with every edit (the API's `version` and ETag).
    `authors` are all who wrote at it: none of them puts it in force.
    """

    class State(models.TextChoices):
        DRAFT = "DRAFT", "草案"
        IN_FORCE = "IN_FORCE", "施行"
        RETIRED = "RETIRED", "已停用"
        DROPPED = "DROPPED", "已放弃"

    version = models.PositiveIntegerField("版本", unique=True)
    title = models.CharField("名称", max_length=60)
    basis = models.CharField("依据", max_length=200, blank=True, default="", db_default="")
    rules = models.JSONField("规则")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.DRAFT)
    in_force_at = models.DateTimeField("施行时间", null=True)
    retired_at = models.DateTimeField("停用时间", null=True)
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="起草人", related_name="+", null=True
    )
    drafted_at = models.DateTimeField("起草时间")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="批准施行人", related_name="+", null=True
    )
    trial = models.JSONField("试算结果", null=True)
    trial_digest = models.CharField("试算规则校验值", max_length=64, blank=True, default="", db_default="")
    trial_at = models.DateTimeField("试算时间", null=True)
    trial_done = models.PositiveIntegerField("试算进度", default=0, db_default=0)
    trial_asked_at = models.DateTimeField("申请试算时间", null=True)
    trial_error = models.CharField("试算未完成原因", max_length=200, blank=True, default="", db_default="")
    revision = models.PositiveIntegerField("修订", default=1, db_default=1)
    authors = ArrayField(
        models.BigIntegerField(), verbose_name="起草和修改人", default=list, db_default=[], blank=True
    )

    objects = CreditSchemeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "信用评分方案"
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="IN_FORCE"), name="credit_scheme_one_in_force"
            ),
            models.UniqueConstraint(
                fields=["state"],
                condition=Q(state="DRAFT"),
                name="credit_scheme_one_draft",
                violation_error_message="已有一份草案，请先施行或放弃。",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["DRAFT", "DROPPED"], in_force_at__isnull=True)
                | Q(state__in=["IN_FORCE", "RETIRED"], in_force_at__isnull=False),
                name="credit_scheme_in_force_when_said",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True)
                | Q(drafted_by__isnull=True)
                | ~Q(decided_by=F("drafted_by")),
                name="credit_scheme_not_own",
                violation_error_message="不能批准施行自己起草的方案。",
            ),
        ]

    def __str__(self) -> str:
        return f"第{self.version}版 {self.title}"
