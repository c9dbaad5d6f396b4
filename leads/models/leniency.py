"""柔性指导与容错纠错: guidance in one tap, and the decision not to punish (DOMAIN.md §3)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from grids.access import scope_of, within
from grids.models import BusinessEntity
from kernel.accounts.models import User
from leads.models.lead import Category, Lead


class GuidanceKind(models.TextChoices):
    REMIND = "remind", "提醒"
    GUIDE = "guide", "指导"
    INTERVIEW = "interview", "约谈"


class GuidanceQuerySet(models.QuerySet["Guidance"]):
    def visible_to(self, user: User) -> GuidanceQuerySet:
        """Guidance to shops of one's grids, and what one gave oneself; sections see all shops' guidance. Of
        what a tip-off (举报) came to, only who sees that lead."""
        scope = scope_of(user)
        if scope.business_nothing:
            return self.none()
        secret = Lead.objects.visible_to(user).filter(pk=OuterRef("lead_id"), restricted=True)
        told = self.filter(Q(lead__isnull=True) | Q(lead__restricted=False) | Exists(secret))
        if scope.sees_all or scope.sections:
            return told
        return told.filter(within(scope, "entity__grid") | Q(by_id=scope.user_id) | Q(lead__restricted=True))


class Guidance(models.Model):
    """提醒、指导、约谈: one tap, no approval, never a punishment. Append-only.

    `client_uid` makes a repeated tap the same row. Beside a lead it is what `guided` feedback gave.
    """

    client_uid = models.UUIDField("客户端编号")
    entity = models.ForeignKey(
        BusinessEntity, verbose_name="经营主体", on_delete=models.PROTECT, related_name="+"
    )
    lead = models.ForeignKey(
        Lead, verbose_name="线索", null=True, on_delete=models.PROTECT, related_name="guidance"
    )
    kind = models.CharField("方式", max_length=10, choices=GuidanceKind)
    note = models.CharField("内容", max_length=1000, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="指导人", on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField("指导时间")

    objects = GuidanceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "柔性指导"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["by", "client_uid"], name="leads_guidance_one_client_uid"),
            models.CheckConstraint(
                condition=Q(kind__in=GuidanceKind.values), name="leads_guidance_known_kind"
            ),
        ]
        indexes = [
            models.Index(fields=["entity", "-at"], name="leads_guidance_of_entity"),
            models.Index(fields=["at"], name="leads_guidance_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.entity_id}"


class Route(models.TextChoices):
    """行政处罚法 Art. 33: the three ways in which a violation is not punished."""

    MINOR_NO_HARM = "MINOR_NO_HARM", "违法行为轻微并及时改正，没有造成危害后果，不予处罚"
    FIRST_MINOR = "FIRST_MINOR", "初次违法且危害后果轻微并及时改正，可以不予处罚"
    NO_FAULT = "NO_FAULT", "有证据足以证明没有主观过错，不予处罚"


class Harm(models.TextChoices):
    NONE = "none", "没有造成危害后果"
    MINOR = "minor", "危害后果轻微"


class LeniencyResult(models.TextChoices):
    NO_CASE = "no_case", "不予立案"
    NO_PENALTY = "no_penalty", "不予处罚"


class LeniencyQuerySet(models.QuerySet["LeniencyDecision"]):
    def visible_to(self, user: User) -> LeniencyQuerySet:
        """Those on leads that the person sees, and for the legal section every one: it reviews them."""
        from grids.roles import Section

        found = Q(lead__in=Lead.objects.visible_to(user))
        if Section.LEGAL in scope_of(user).sections:
            found |= Q(lead__restricted=False)
        return self.filter(found)


class LeniencyDecision(models.Model):
    """容错纠错、首违不罚: proposed with the result of a round, agreed, reviewed, decided, signed by two.

    Every test of the route chosen must hold (constraints); `is_first` was looked up by the system, over
    the window in force, and nobody ticks it. The chain is kept in `kernel.approvals`.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", "待所长同意"
        AGREED = "agreed", "待法规科审核"
        REVIEWED = "reviewed", "待局领导决定"
        DECIDED = "decided", "待两名执法人员签字"
        COMPLETED = "completed", "已作出决定"
        REFUSED = "refused", "未同意"

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="leniencies")
    round = models.PositiveSmallIntegerField("轮次")
    entity = models.ForeignKey(
        BusinessEntity, verbose_name="经营主体", on_delete=models.PROTECT, related_name="+"
    )
    category = models.ForeignKey(
        Category, verbose_name="违法类型", on_delete=models.PROTECT, related_name="+"
    )
    route = models.CharField("适用情形", max_length=14, choices=Route)
    result = models.CharField("决定", max_length=10, choices=LeniencyResult)
    harm = models.CharField("危害后果", max_length=6, choices=Harm)
    corrected_at = models.DateTimeField("改正时间", null=True)
    is_first = models.BooleanField("初次违法（系统查询）")
    first_since = models.DateTimeField("查询起始时间")
    proof = models.TextField("无主观过错的证明", max_length=2000, blank=True)
    guidance = models.ForeignKey(
        Guidance, verbose_name="柔性指导", on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField("状态", max_length=10, choices=State)
    form_number = models.CharField("审批表编号", max_length=60, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="提出人", on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField("提出时间")
    decided_at = models.DateTimeField("决定时间", null=True)
    completed_at = models.DateTimeField("签字完成时间", null=True)

    objects = LeniencyQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "容错纠错"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["lead", "round"], name="leads_leniencydecision_one_a_round"),
            models.CheckConstraint(
                condition=Q(route="MINOR_NO_HARM", harm="none", corrected_at__isnull=False)
                | Q(route="FIRST_MINOR", harm="minor", corrected_at__isnull=False, is_first=True)
                | (Q(route="NO_FAULT") & ~Q(proof="")),
                name="leads_leniencydecision_tests_hold",
                violation_error_message="所选情形的条件没有全部满足。",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["decided", "completed"], decided_at__isnull=False)
                | Q(state__in=["proposed", "agreed", "reviewed", "refused"], decided_at__isnull=True),
                name="leads_leniencydecision_decided_when_said",
            ),
            models.CheckConstraint(
                condition=Q(state="completed", completed_at__isnull=False) & ~Q(form_number="")
                | (~Q(state="completed") & Q(completed_at__isnull=True)),
                name="leads_leniencydecision_completed_with_form",
            ),
            models.CheckConstraint(
                condition=Q(corrected_at__isnull=True) | Q(corrected_at__lte=F("at")),
                name="leads_leniencydecision_corrected_before",
            ),
        ]
        indexes = [
            models.Index(fields=["entity", "category", "-at"], name="leads_leniency_of_entity"),
            models.Index(fields=["completed_at"], name="leads_leniency_completed"),
        ]

    def __str__(self) -> str:
        return f"容错纠错 {self.lead_id} 第 {self.round} 轮"


class OfficerSignature(models.Model):
    """One of the two officers who sign a leniency decision, with the number of the enforcement card."""

    decision = models.ForeignKey(
        LeniencyDecision, verbose_name="容错纠错", on_delete=models.PROTECT, related_name="officers"
    )
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="执法人员", on_delete=models.PROTECT, related_name="+"
    )
    card_number = models.CharField("执法证号", max_length=40)
    snapshot = models.JSONField("所签内容")
    digest = models.CharField("内容校验值", max_length=64)
    at = models.DateTimeField("签字时间")

    class Meta:
        verbose_name = verbose_name_plural = "容错纠错签字"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["decision", "officer"], name="leads_officersignature_once"),
            models.UniqueConstraint(
                fields=["decision", "card_number"], name="leads_officersignature_one_card"
            ),
            models.CheckConstraint(condition=~Q(card_number=""), name="leads_officersignature_card"),
            models.CheckConstraint(
                condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="leads_officersignature_digest"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.decision_id} {self.officer_id}"
