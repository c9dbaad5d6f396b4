"""What an administrative inspection (涉企行政检查) must show (DOMAIN.md §3, 国办发〔2024〕54号)."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from grids.access import Anyone, scope_of
from grids.models import Grid, Posting
from grids.roles import Role
from patrols.models.visit import PatrolVisit


class EnforcementCardQuerySet(models.QuerySet["EnforcementCard"]):
    def visible_to(self, user: Anyone) -> Self:
        """Those of the office's people for who serves it (a check needs two officers), all for the bureau."""
        scope = scope_of(user)
        if scope.sees_all:
            return self
        offices = Q(office_id__in=scope.office_ids) | Q(grid__office_id__in=scope.office_ids)
        mine = {seat.grid_id for seat in scope.seats if seat.role == Role.COMMISSIONER}
        beside = Grid.objects.filter(pk__in=mine).values("office_id")
        offices |= Q(office_id__in=beside) | Q(grid__office_id__in=beside)
        return self.filter(officer_id__in=Posting.objects.active(scope.at).filter(offices).values("user_id"))


class EnforcementCard(models.Model):
    """执法证: the card number of an officer, good until a date. A grid worker never holds one (trigger)."""

    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="执法人员", related_name="enforcement_cards"
    )
    number = models.CharField("执法证号", max_length=40, unique=True)
    expires_on = models.DateField("有效期至")

    objects = EnforcementCardQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "执法证"
        ordering = ["number"]

    def __str__(self) -> str:
        return self.number


class InspectionPaper(models.Model):
    """The papers of one 每周查: two officers with their cards, basis, approval, notice, platform number.

    Written with the visit; append-only (trigger). `entered` False: at the yearly cap, checked from outside
    or from records. Names and card numbers are frozen as they were that day.
    """

    visit = models.OneToOneField(PatrolVisit, models.PROTECT, verbose_name="走访", related_name="paper")
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="检查人员一", related_name="+"
    )
    officer_card = models.CharField("执法证号一", max_length=40)
    second_officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="检查人员二", related_name="+"
    )
    second_officer_card = models.CharField("执法证号二", max_length=40)
    basis = models.CharField("检查依据", max_length=200)
    approval_no = models.CharField("审批编号", max_length=60)
    notice_no = models.CharField("检查通知书编号", max_length=60)
    platform_no = models.CharField("省行政检查平台编号", max_length=60)
    entered = models.BooleanField("是否入店", default=True)
    year = models.PositiveSmallIntegerField("年度")

    class Meta:
        verbose_name = verbose_name_plural = "检查文书"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(officer=F("second_officer")),
                name="patrols_inspection_two_officers",
                violation_error_message="行政检查须由两名执法人员实施。",
            ),
            models.CheckConstraint(
                condition=~Q(officer_card="")
                & ~Q(second_officer_card="")
                & ~Q(officer_card=F("second_officer_card"))
                & ~Q(basis="")
                & ~Q(approval_no="")
                & ~Q(notice_no="")
                & ~Q(platform_no=""),
                name="patrols_inspection_papers_whole",
                violation_error_message="检查依据、审批、通知书、平台编号和两人执法证号均应填写。",
            ),
        ]

    def __str__(self) -> str:
        return self.platform_no
