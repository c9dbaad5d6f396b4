"""Leads, their signatures and the orders of supervision (DESIGN.md §3, DOMAIN.md §1).

What SQL can say of the life of a lead is said here as constraints; who moves it and what happens
beside it stands in the services (`intake`, `dispatch`, `lifecycle`, `signing`, `supervision`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from grids.access import scope_of
from grids.models import BusinessEntity, Grid, Office
from grids.roles import OFFICE_SIDE
from kernel.deadlines.models import Deadline
from kernel.evidence.models import Evidence
from leads.states import OPEN, State

if TYPE_CHECKING:
    from kernel.accounts.models import User


class Severity(models.TextChoices):
    MINOR = "MINOR", "一般"
    MODERATE = "MODERATE", "较重"
    SERIOUS = "SERIOUS", "严重"
    URGENT = "URGENT", "紧急"


class Stage(models.TextChoices):
    DISCOVERY = "discovery", "发现"
    HANDOVER = "handover", "交接"
    RESULT = "result", "结果"


class Side(models.TextChoices):
    OFFICE = "office", "所"
    COMMUNITY = "community", "社"


class DisposalKind(models.TextChoices):
    NO_PROBLEM = "no_problem", "未发现问题"
    GUIDED = "guided", "提醒指导"
    RECTIFY = "rectify", "责令改正"
    LENIENCY = "leniency", "容错纠错"
    PENALTY = "penalty", "立案查处"
    HANDED_OVER = "handed_over", "移交其他部门"


class Plan(models.TextChoices):
    ON_MY_WAY = "on_my_way", "立即前往"
    APPOINTMENT = "appointment", "预约上门"
    BY_PHONE = "by_phone", "电话处理"


class Method(models.TextChoices):
    ON_SITE = "on_site", "现场核验"
    PHOTO = "photo", "照片核验"
    PHONE = "phone", "电话核验"


class Instruction(models.TextChoices):
    FINISH_TODAY = "finish_today", "今日办结"
    REASSIGN = "reassign", "改派他人"
    AGREE_EXTENSION = "agree_extension", "同意延期"
    GO_MYSELF = "go_myself", "我到现场"
    OTHER = "other", "其他"


class Category(models.Model):
    """One row of the lead catalogue (DOMAIN.md §6), found by spoken words."""

    code = models.CharField("代码", max_length=3, primary_key=True)
    name = models.CharField("名称", max_length=40)
    group = models.CharField("大类", max_length=1)
    group_name = models.CharField("大类名称", max_length=20)
    severity = models.CharField("默认严重程度", max_length=8, choices=Severity)
    food = models.BooleanField("食品安全（当日处置）", default=False)
    section = models.CharField("业务科室", max_length=20, blank=True)
    departments = ArrayField(
        models.CharField(max_length=20), verbose_name="可吹哨部门", default=list, blank=True
    )
    words = ArrayField(models.CharField(max_length=20), verbose_name="口语词", default=list, blank=True)
    is_active = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "线索分类"
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class LeadQuerySet(models.QuerySet["Lead"]):
    def visible_to(self, user: User) -> LeadQuerySet:
        """The only door to leads (DESIGN.md §7). Default is nothing.

        Who stands in for an owner sees what he owns, wherever it lies: nothing waits for who is away.
        """
        scope = scope_of(user)
        if scope.sees_all:
            return self
        seen = Q()
        if scope.grid_ids:
            seen |= Q(grid_id__in=scope.grid_ids)
        if scope.office_ids:
            seen |= Q(office_id__in=scope.office_ids)
        if scope.community_ids:
            seen |= Q(grid_id__in=Grid.objects.filter(communities__in=scope.community_ids).values("id"))
        if scope.subdistrict_ids:
            inside = Grid.objects.filter(communities__subdistrict_id__in=scope.subdistrict_ids)
            seen |= Q(grid_id__in=inside.values("id"))
        if scope.sections:
            seen |= Q(category__section__in=scope.sections)
        if not scope.business_nothing:
            owners = {seat.holder_id for seat in scope.seats if seat.role in OFFICE_SIDE}
            seen |= Q(reported_by_id=scope.user_id) | Q(assignee_id__in={scope.user_id, *owners})
        return self.filter(seen) if seen else self.none()

    def open(self) -> LeadQuerySet:
        return self.filter(state__in=OPEN)

    def overdue(self, at: datetime) -> LeadQuerySet:
        """Open leads that ran past their desk, response, feedback (of the present round), same-day or
        closing time unmet."""
        reworked_late = Deadline.objects.filter(
            subject_kind="lead",
            subject_id=OuterRef("pk"),
            kind="feedback",
            cycle=OuterRef("round"),
            due_at__lte=at,
        )
        return self.open().filter(
            Q(dispatched_at__isnull=True, desk_due_at__lte=at)
            | Q(Exists(reworked_late), round__gt=1, fed_back_at__isnull=True)
            | Q(first_responded_at__isnull=True, respond_due_at__lte=at)
            | Q(first_fed_back_at__isnull=True, feedback_due_at__lte=at)
            | Q(controlled_at__isnull=True, same_day_due_at__lte=at)
            | Q(closing_due_at__lte=at)
        )


class Lead(models.Model):
    """A reported problem (问题线索). Never "case": 立案 is another thing.

    `version` moves only with what is signed: facts, evidence list, disposal, state, owner.
    `round` counts rounds of handling (rework begins a new one), `owner_cycle` counts owners.
    `facts` are what DISCOVERY signs, frozen by its first signature, the same for both sides.
    `first_*` and `*_due_at` serve the KPI: what was late stays late whatever happens afterwards.
    """

    number = models.CharField("编号", max_length=24, unique=True)
    client_uid = models.UUIDField("客户端编号")
    content_digest = models.CharField("上报内容校验值", max_length=64)
    state = models.CharField("状态", max_length=10, choices=State)
    version = models.PositiveIntegerField("版本", default=1)
    round = models.PositiveSmallIntegerField("轮次", default=1)
    owner_cycle = models.PositiveSmallIntegerField("经办轮次", default=0)

    category = models.ForeignKey(Category, verbose_name="分类", on_delete=models.PROTECT)
    severity = models.CharField("严重程度", max_length=8, choices=Severity)
    food = models.BooleanField("食品安全")
    description = models.TextField("问题描述", blank=True, max_length=2000)
    lon = models.DecimalField("经度", max_digits=9, decimal_places=6, null=True)
    lat = models.DecimalField("纬度", max_digits=8, decimal_places=6, null=True)
    accuracy_m = models.PositiveIntegerField("定位精度（米）", null=True)
    crs_in = models.CharField("上报坐标系", max_length=6, blank=True)
    grid = models.ForeignKey(Grid, verbose_name="网格", null=True, on_delete=models.PROTECT)
    office = models.ForeignKey(Office, verbose_name="监管所", null=True, on_delete=models.PROTECT)
    entity = models.ForeignKey(BusinessEntity, verbose_name="经营主体", null=True, on_delete=models.PROTECT)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="承办人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="上报人", on_delete=models.PROTECT, related_name="+"
    )
    told_by_citizen = models.BooleanField("群众反映", default=False)
    fixed_on_spot = models.BooleanField("即知即改", default=False)
    routing_reason = models.CharField("派单依据", max_length=300)
    boundary_match = models.CharField(
        "网格匹配",
        max_length=8,
        choices=[
            ("inside", "界内"),
            ("near", "边界附近"),
            ("entity", "按经营主体"),
            ("manual", "人工指定"),
            ("none", "未匹配"),
        ],
    )
    facts = models.JSONField("上报事实")
    flags = ArrayField(models.CharField(max_length=30), verbose_name="提示", default=list, blank=True)

    captured_at = models.DateTimeField("手机记录时间", null=True)
    discovered_at = models.DateTimeField("发现时间")
    reported_at = models.DateTimeField("上报时间")
    dispatched_at = models.DateTimeField("派单时间", null=True)
    responded_at = models.DateTimeField("接单时间", null=True)
    first_responded_at = models.DateTimeField("首次接单时间", null=True)
    respond_plan = models.CharField("处理方式", max_length=12, choices=Plan, blank=True)
    respond_note = models.CharField("接单说明", max_length=500, blank=True)
    controlled_at = models.DateTimeField("现场处置时间", null=True)
    control_note = models.CharField("现场处置说明", max_length=500, blank=True)
    fed_back_at = models.DateTimeField("反馈时间", null=True)
    first_fed_back_at = models.DateTimeField("首次反馈时间", null=True)
    closed_at = models.DateTimeField("办结时间", null=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="核验人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    verify_method = models.CharField("核验方式", max_length=8, choices=Method, blank=True)
    verify_note = models.CharField("核验说明", max_length=500, blank=True)
    verified_in_stead = models.BooleanField("代核验", default=False)
    closing_digest = models.CharField("签字汇总校验值", max_length=64, blank=True)

    desk_due_at = models.DateTimeField("派单时限", null=True)
    respond_due_at = models.DateTimeField("接单时限", null=True)
    feedback_due_at = models.DateTimeField("反馈时限")
    same_day_due_at = models.DateTimeField("当日处置时限", null=True)
    closing_due_at = models.DateTimeField("办结时限")

    objects = LeadQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "问题线索"
        constraints = [
            models.UniqueConstraint(fields=["reported_by", "client_uid"], name="leads_lead_one_client_uid"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="leads_lead_known_state"),
            models.CheckConstraint(
                condition=Q(severity__in=Severity.values), name="leads_lead_known_severity"
            ),
            models.CheckConstraint(
                condition=Q(
                    state=State.REPORTED, assignee__isnull=True, dispatched_at__isnull=True, owner_cycle=0
                )
                | (
                    ~Q(state=State.REPORTED)
                    & Q(
                        assignee__isnull=False,
                        dispatched_at__isnull=False,
                        grid__isnull=False,
                        owner_cycle__gte=1,
                    )
                ),
                name="leads_lead_owner_once_dispatched",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.REPORTED, State.DISPATCHED], responded_at__isnull=True)
                | Q(state__in=[State.RESPONDED, State.FED_BACK, State.CLOSED], responded_at__isnull=False),
                name="leads_lead_responded_when_said",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.FED_BACK, State.CLOSED], fed_back_at__isnull=False)
                | Q(state__in=[State.REPORTED, State.DISPATCHED, State.RESPONDED], fed_back_at__isnull=True),
                name="leads_lead_fed_back_when_said",
            ),
            models.CheckConstraint(
                condition=Q(state=State.CLOSED, closed_at__isnull=False, closed_by__isnull=False)
                & ~Q(closing_digest="")
                & ~Q(verify_method="")
                | (
                    ~Q(state=State.CLOSED)
                    & Q(closed_at__isnull=True, closed_by__isnull=True, closing_digest="")
                ),
                name="leads_lead_closed_with_signatures",
            ),
            models.CheckConstraint(
                condition=Q(food=False)
                | ~Q(state__in=[State.FED_BACK, State.CLOSED])
                | Q(controlled_at__isnull=False),
                name="leads_lead_food_controlled_before_feedback",
            ),
            models.CheckConstraint(
                condition=Q(verified_in_stead=False) | ~Q(verify_note=""),
                name="leads_lead_stead_needs_reason",
            ),
            models.CheckConstraint(
                condition=Q(first_responded_at__isnull=False) | Q(responded_at__isnull=True),
                name="leads_lead_first_response_kept",
            ),
            models.CheckConstraint(
                condition=Q(first_fed_back_at__isnull=False) | Q(fed_back_at__isnull=True),
                name="leads_lead_first_feedback_kept",
            ),
            models.CheckConstraint(
                condition=Q(lon__isnull=True, lat__isnull=True) | Q(lon__isnull=False, lat__isnull=False),
                name="leads_lead_place_whole",
            ),
            models.CheckConstraint(
                condition=Q(
                    discovered_at__lte=F("reported_at")
                    + models.Value("10 minutes", output_field=models.DurationField())
                ),
                name="leads_lead_discovered_before_reported",
            ),
        ]
        indexes = [
            models.Index(fields=["grid", "-id"], name="leads_list_by_grid"),
            models.Index(fields=["office", "-id"], name="leads_list_by_office"),
            models.Index(
                fields=["assignee", "-id"], condition=~Q(state="closed"), name="leads_open_by_assignee"
            ),
            models.Index(fields=["reported_at"], name="leads_report_cohort"),
            models.Index(fields=["discovered_at"], condition=Q(food=True), name="leads_food_cohort"),
            models.Index(
                fields=["entity", "-id"], condition=Q(entity__isnull=False), name="leads_list_by_entity"
            ),
            models.Index(fields=["category", "-id"], name="leads_list_by_category"),
            models.Index(fields=["closing_due_at"], condition=~Q(state="closed"), name="leads_open_by_due"),
            models.Index(fields=["closed_at"], condition=Q(state="closed"), name="leads_closed_by_time"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def stream(self) -> str:
        return f"lead:{self.pk}"

    @property
    def pages_at_night(self) -> bool:
        """URGENT, and food from SERIOUS up, may wake people (DOMAIN.md §3)."""
        return self.severity == Severity.URGENT or (self.food and self.severity == Severity.SERIOUS)

    @property
    def needs_on_site(self) -> bool:
        """Food and SERIOUS+ are verified on site (DESIGN.md §3)."""
        return self.food or self.severity in (Severity.SERIOUS, Severity.URGENT)


class LeadReporter(models.Model):
    """Who told it, where that was somebody else: kept apart and encrypted (DOMAIN.md §7).

    In no list, export, log line or notice. `sealed` is written by `leads.identity`.
    """

    lead = models.OneToOneField(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="reporter")
    sealed = models.BinaryField("密文")

    class Meta:
        verbose_name = verbose_name_plural = "反映人信息"

    def __str__(self) -> str:
        return f"lead:{self.lead_id}"


class LeadEvidence(models.Model):
    """One piece of evidence of a lead, by its hash; the file may still be on its way.

    `stage` and `round` say what it belongs to: DISCOVERY's list is frozen with its first signature,
    later files belong to HANDOVER or RESULT.
    """

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="evidence")
    sha256 = models.CharField("SHA-256", max_length=64)
    evidence = models.ForeignKey(
        Evidence, verbose_name="文件", null=True, on_delete=models.PROTECT, related_name="+"
    )
    stage = models.CharField("环节", max_length=10, choices=Stage)
    round = models.PositiveSmallIntegerField("轮次", default=1)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="提交人", on_delete=models.PROTECT, related_name="+"
    )
    added_at = models.DateTimeField("提交时间")

    class Meta:
        verbose_name = verbose_name_plural = "线索证据"
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "sha256", "stage", "round"], name="leads_leadevidence_once"
            ),
            models.UniqueConstraint(
                fields=["evidence"], condition=Q(evidence__isnull=False), name="leads_leadevidence_one_lead"
            ),
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="leads_leadevidence_sha256"
            ),
        ]
        indexes = [
            models.Index(
                fields=["added_by", "sha256"],
                condition=Q(evidence__isnull=True),
                name="leads_evidence_awaited",
            )
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.sha256[:8]}"


class Disposal(models.Model):
    """What was done, one per round (反馈)."""

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="disposals")
    round = models.PositiveSmallIntegerField("轮次")
    kind = models.CharField("处置方式", max_length=12, choices=DisposalKind)
    note = models.TextField("处置说明", max_length=2000)
    rectify_due_at = models.DateTimeField("整改期限", null=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="反馈人", on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField("反馈时间")

    class Meta:
        verbose_name = verbose_name_plural = "处置结果"
        constraints = [
            models.UniqueConstraint(fields=["lead", "round"], name="leads_disposal_one_a_round"),
            models.CheckConstraint(
                condition=Q(kind="rectify", rectify_due_at__isnull=False)
                | (~Q(kind="rectify") & Q(rectify_due_at__isnull=True)),
                name="leads_disposal_rectify_has_date",
            ),
            models.CheckConstraint(condition=~Q(note=""), name="leads_disposal_says_what"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} 第 {self.round} 轮 {self.get_kind_display()}"


class Rework(models.Model):
    """A result sent back (退回重办): closes a round with its reason and opens the next."""

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="reworks")
    round = models.PositiveSmallIntegerField("被退回的轮次")
    reason = models.CharField("退回原因", max_length=500)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="退回人", on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField("退回时间")

    class Meta:
        verbose_name = verbose_name_plural = "退回重办"
        constraints = [
            models.UniqueConstraint(fields=["lead", "round"], name="leads_rework_one_a_round"),
            models.CheckConstraint(condition=~Q(reason=""), name="leads_rework_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} 第 {self.round} 轮退回"


class Signature(models.Model):
    """One slot of the dual signature (双签字): `(lead, stage, side, cycle)`.

    The row is immutable (trigger) and freezes the snapshot signed and its SHA-256. Nobody signs on
    both sides of one lead: the exclusion constraint holds it, not only code.
    """

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="signatures")
    stage = models.CharField("环节", max_length=10, choices=Stage)
    side = models.CharField("签字方", max_length=10, choices=Side)
    cycle = models.PositiveSmallIntegerField("轮次")
    signer = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="签字人", on_delete=models.PROTECT, related_name="+"
    )
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="代谁签字",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    sentence = models.CharField("签字意见", max_length=60)
    snapshot = models.JSONField("所签内容")
    digest = models.CharField("内容校验值", max_length=64)
    signed_at = models.DateTimeField("签字时间")

    class Meta:
        verbose_name = verbose_name_plural = "签字"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "stage", "side", "cycle"], name="leads_signature_one_a_slot"
            ),
            ExclusionConstraint(
                name="leads_signature_one_side_a_person",
                expressions=[
                    ("lead", RangeOperators.EQUAL),
                    ("signer", RangeOperators.EQUAL),
                    ("side", RangeOperators.NOT_EQUAL),
                ],
            ),
            models.CheckConstraint(
                condition=Q(stage="discovery", cycle=1)
                | Q(stage="handover", side="community", cycle=1)
                | Q(stage="handover", side="office")
                | Q(stage="result"),
                name="leads_signature_known_slot",
            ),
            models.CheckConstraint(
                condition=Q(on_behalf_of__isnull=True) | ~Q(on_behalf_of=F("signer")),
                name="leads_signature_for_another",
            ),
            models.CheckConstraint(
                condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="leads_signature_digest"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.stage}:{self.side}:{self.cycle}"


class SupervisionOrder(models.Model):
    """Handling is late: office and community supervise together (双督办).

    Raised once per lead, cause and cycle; lifted when the lead has moved on and both sides have
    acknowledged. `level` rises to the bureau where a side stays silent.
    """

    class Cause(models.TextChoices):
        RESPOND = "respond", "接单超时"
        FEEDBACK = "feedback", "反馈超时"
        SAME_DAY = "same_day", "食品隐患当日未处置"
        OWNER_RESPOND = "owner_respond", "改派后接单超时"

    class Level(models.TextChoices):
        OFFICE = "office", "所社督办"
        BUREAU = "bureau", "局级督办"

    class State(models.TextChoices):
        OPEN = "open", "督办中"
        LIFTED = "lifted", "已解除"

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="orders")
    cause = models.CharField("原因", max_length=14, choices=Cause)
    cycle = models.PositiveSmallIntegerField("轮次")
    late_side = models.CharField("责任方", max_length=10, choices=Side)
    level = models.CharField("层级", max_length=8, choices=Level, db_default=Level.OFFICE)
    state = models.CharField("状态", max_length=8, choices=State, db_default=State.OPEN)
    version = models.PositiveIntegerField("版本", db_default=1)
    raised_at = models.DateTimeField("督办时间")
    escalated_at = models.DateTimeField("上报局级时间", null=True)
    lifted_at = models.DateTimeField("解除时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "督办单"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "cause", "cycle"], name="leads_supervisionorder_one_a_cause"
            ),
            models.CheckConstraint(
                condition=Q(state="lifted", lifted_at__isnull=False)
                | Q(state="open", lifted_at__isnull=True),
                name="leads_supervisionorder_lifted_when_said",
            ),
            models.CheckConstraint(
                condition=Q(level="bureau", escalated_at__isnull=False)
                | Q(level="office", escalated_at__isnull=True),
                name="leads_supervisionorder_escalated_when_said",
            ),
        ]
        indexes = [
            models.Index(fields=["lead"], condition=Q(state="open"), name="leads_orders_open"),
            models.Index(fields=["raised_at"], name="leads_orders_raised"),
        ]

    def __str__(self) -> str:
        return f"督办单 {self.pk}"


class Acknowledgement(models.Model):
    """One side's answer to a supervision order, with the instruction given."""

    order = models.ForeignKey(
        SupervisionOrder, verbose_name="督办单", on_delete=models.PROTECT, related_name="acknowledgements"
    )
    side = models.CharField("签收方", max_length=10, choices=Side)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="签收人", on_delete=models.PROTECT, related_name="+"
    )
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="代谁签收",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    instruction = models.CharField("督办意见", max_length=16, choices=Instruction)
    note = models.CharField("说明", max_length=500, blank=True)
    at = models.DateTimeField("签收时间")

    class Meta:
        verbose_name = verbose_name_plural = "督办签收"
        constraints = [
            models.UniqueConstraint(fields=["order", "side"], name="leads_acknowledgement_one_a_side"),
            models.UniqueConstraint(fields=["order", "by"], name="leads_acknowledgement_one_side_a_person"),
            models.CheckConstraint(
                condition=~Q(instruction="other") | ~Q(note=""), name="leads_acknowledgement_other_says_what"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.side}"
