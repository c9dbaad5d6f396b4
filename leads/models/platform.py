"""Matters that other platforms, or citizens at the desk, hand in (DESIGN.md §3, API.md `intake/{source}`)."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from grids.access import scope_of
from grids.models import BusinessEntity, Grid
from grids.roles import Section
from kernel.accounts.models import User
from kernel.clock import SHANGHAI
from leads.models.lead import Lead


class Platform(models.Model):
    """A platform that hands in matters: 12345, 12315, 桃都善治. Its secret rests sealed.

    `user` is the account in whose name its matters are reported: no posting, no password. While a secret is
    changed the one before still opens, until it is forgotten.
    """

    class Kind(models.TextChoices):
        P12345 = "12345", "12345政务服务便民热线"
        P12315 = "12315", "全国12315平台"
        CITY = "city", "城市治理平台（桃都善治）"

    code = models.SlugField("代码", max_length=12, unique=True)
    name = models.CharField("名称", max_length=60)
    kind = models.CharField("平台类型", max_length=8, choices=Kind)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, verbose_name="接入账号", on_delete=models.PROTECT, related_name="+"
    )
    sealed_secret = models.TextField("密钥（密封）")
    sealed_secret_before = models.TextField("原密钥（密封）", blank=True, default="")
    is_active = models.BooleanField("启用", default=True)
    hands_back = models.BooleanField("回传办理进度", default=False)
    callback_path = models.CharField("回传地址", max_length=200, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "外部平台"
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=~Q(sealed_secret=""), name="leads_platform_has_secret"),
            models.CheckConstraint(
                condition=Q(hands_back=False) | ~Q(callback_path=""),
                name="leads_platform_hands_back_somewhere",
                violation_error_message="回传办理进度须填写回传地址。",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class UsedSignature(models.Model):
    """A signed request that was taken: the same once more is a replay. Forgotten after the window."""

    platform = models.ForeignKey(
        Platform, verbose_name="外部平台", on_delete=models.CASCADE, related_name="used"
    )
    signature = models.CharField("签名", max_length=64)
    at = models.DateTimeField("收到时间")

    class Meta:
        verbose_name = verbose_name_plural = "已用签名"
        constraints = [
            models.UniqueConstraint(fields=["platform", "signature"], name="leads_usedsignature_once")
        ]
        indexes = [models.Index(fields=["at"], name="leads_used_signatures_by_time")]

    def __str__(self) -> str:
        return f"{self.platform_id} {self.signature[:8]}"


class MatterKind(models.TextChoices):
    REQUEST = "request", "诉求"
    COMPLAINT = "complaint", "投诉"
    TIP_OFF = "tip_off", "举报"


class MatterQuerySet(models.QuerySet["Matter"]):
    def visible_to(self, user: User) -> MatterQuerySet:
        """Matters of whose records the person may see one; a tip-off opens none of the others."""
        seen = Lead.objects.visible_to(user)
        complaints = KeptComplaint.objects.visible_to(user).values("matter_id")
        return self.filter(Q(lead__in=seen) | Q(tip_off__in=seen) | Q(pk__in=complaints))


class Matter(models.Model):
    """What one citizen, or one platform, handed in: split into its records, which it links.

    诉求 → `lead`; 举报 → `tip_off`, a restricted lead; 投诉 → a `KeptComplaint`. `their_due_at` is the
    platform's own limit, kept beside ours. Without a platform it was taken at our own desk.
    """

    platform = models.ForeignKey(
        Platform, verbose_name="来源平台", null=True, on_delete=models.PROTECT, related_name="matters"
    )
    external_number = models.CharField("平台编号", max_length=60, blank=True, default="")
    client_uid = models.UUIDField("客户端编号")
    content_digest = models.CharField("内容校验值", max_length=64)
    kinds = ArrayField(models.CharField(max_length=10, choices=MatterKind), verbose_name="事项类别")
    their_due_at = models.DateTimeField("平台时限", null=True)
    received_at = models.DateTimeField("接收时间")
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="登记人", on_delete=models.PROTECT, related_name="+"
    )
    lead = models.OneToOneField(
        Lead, verbose_name="诉求线索", null=True, on_delete=models.PROTECT, related_name="matter"
    )
    tip_off = models.OneToOneField(
        Lead, verbose_name="举报线索", null=True, on_delete=models.PROTECT, related_name="tip_off_matter"
    )

    objects = MatterQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "来件"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["platform", "external_number"],
                condition=Q(platform__isnull=False),
                name="leads_matter_one_external_number",
            ),
            models.UniqueConstraint(fields=["taken_by", "client_uid"], name="leads_matter_one_client_uid"),
            models.CheckConstraint(
                condition=Q(platform__isnull=True, external_number="")
                | (Q(platform__isnull=False) & ~Q(external_number="")),
                name="leads_matter_numbered_by_its_platform",
            ),
            models.CheckConstraint(condition=~Q(kinds=[]), name="leads_matter_has_a_kind"),
        ]
        indexes = [models.Index(fields=["received_at"], name="leads_matters_by_time")]

    def __str__(self) -> str:
        return self.external_number or f"来件 {self.pk}"


class ComplaintQuerySet(models.QuerySet["KeptComplaint"]):
    def visible_to(self, user: User) -> ComplaintQuerySet:
        """The office of the place and the consumers' section; the bureau. Nobody else."""
        scope = scope_of(user)
        if scope.sees_all or Section.CONSUMER in scope.sections:
            return self
        if not scope.office_ids:
            return self.none()
        return self.filter(Q(grid__office_id__in=scope.office_ids))


class KeptComplaint(models.Model):
    """A complaint (投诉) kept for the stations, as it was handed in. Who complains rests sealed."""

    class State(models.TextChoices):
        KEPT = "kept", "待转服务站"
        TAKEN = "taken", "已转服务站"

    matter = models.OneToOneField(
        Matter, verbose_name="来件", on_delete=models.PROTECT, related_name="complaint"
    )
    grid = models.ForeignKey(Grid, verbose_name="网格", null=True, on_delete=models.PROTECT, related_name="+")
    entity = models.ForeignKey(
        BusinessEntity, verbose_name="经营主体", null=True, on_delete=models.PROTECT, related_name="+"
    )
    entity_name = models.CharField("被投诉人", max_length=120, blank=True, default="")
    description = models.TextField("投诉内容", max_length=2000)
    amount = models.DecimalField("争议金额（元）", max_digits=12, decimal_places=2, null=True)
    sealed_consumer = models.BinaryField("消费者（密封）", null=True)
    state = models.CharField("状态", max_length=8, choices=State, default=State.KEPT)
    received_at = models.DateTimeField("接收时间")

    objects = ComplaintQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "待转投诉"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__gte=0), name="leads_keptcomplaint_amount"
            ),
            models.CheckConstraint(condition=~Q(description=""), name="leads_keptcomplaint_says_what"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """What people call it by, like a lead's number."""
        return f"TS{self.received_at.astimezone(SHANGHAI):%Y%m%d}-{self.pk:06d}"
