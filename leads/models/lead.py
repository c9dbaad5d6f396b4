"""The lead itself, its category, and who may see it (DESIGN.md §3, §7)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from grids.access import scope_of
from grids.models import BusinessEntity, Grid, Office
from grids.roles import OFFICE_SIDE, Section
from kernel.deadlines.models import Deadline
from leads import catalogue
from leads.models.choices import Method, Plan, Severity
from leads.states import OPEN, State

if TYPE_CHECKING:
    from kernel.accounts.models import User


ANSWERED = (State.RESPONDED, State.FED_BACK, State.CLOSED, State.SUSPENDED)
"""States in which somebody has taken the lead."""
HELD = (State.DISPATCHED, *ANSWERED)
"""States in which somebody owns it."""


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

    @property
    def same_day(self) -> bool:
        """Does the food clock run? Of every food category, and of `00` until it is sorted (DESIGN.md §3)."""
        return self.food or self.pk == catalogue.UNSORTED


def _whistled_for(department_ids: frozenset[int]) -> Any:
    """Numbers of leads for which one of these departments was called and has not said 不归我管."""
    from leads.models.whistle import WhistleCall

    calls = WhistleCall.objects.filter(department_id__in=department_ids, whistle__lead__isnull=False)
    return calls.exclude(state="declined").order_by().values("whistle__lead_id")


class LeadQuerySet(models.QuerySet["Lead"]):
    def visible_to(self, user: User) -> LeadQuerySet:
        """The only door to leads (DESIGN.md §7). Default is nothing.

        Who stands in for an owner sees what he owns, wherever it lies: nothing waits for who is away.
        A restricted lead (举报) is seen by its office, its owner and second officer, and the one section
        named in it: by nobody else, however high.
        """
        scope = scope_of(user)
        if scope.business_nothing:
            return self.none()
        owners = {seat.holder_id for seat in scope.seats if seat.role in OFFICE_SIDE}
        own = Q(assignee_id__in={scope.user_id, *owners})
        secret = Q(restricted=True) & (own | Q(second_officer_id=scope.user_id))
        if scope.office_ids:
            secret |= Q(restricted=True, office_id__in=scope.office_ids)
        if scope.sections:
            secret |= Q(restricted=True, restricted_section__in=scope.sections)
        if scope.sees_all:
            return self.filter(Q(restricted=False) | secret)
        seen = own | Q(reported_by_id=scope.user_id)
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
        if scope.department_ids:
            seen |= Q(pk__in=_whistled_for(scope.department_ids))
        return self.filter((seen & Q(restricted=False)) | secret)

    def open(self) -> LeadQuerySet:
        return self.filter(state__in=OPEN)

    def overdue(self, at: datetime) -> LeadQuerySet:
        """Open leads that ran past their desk, response, feedback (of the present round, or the whole one
        after an interim), same-day or first closing time unmet. A suspension has moved
        the due times of what it paused: what is past then was late before, and stays late."""
        reworked_late = Deadline.objects.filter(
            subject_kind="lead",
            subject_id=OuterRef("pk"),
            kind="feedback",
            cycle=OuterRef("round"),
            state__in=["running", "breached"],
            due_at__lte=at,
        )
        return self.open().filter(
            Q(dispatched_at__isnull=True, desk_due_at__lte=at)
            | Q(Exists(reworked_late), round__gt=1, fed_back_at__isnull=True)
            | Q(first_responded_at__isnull=True, respond_due_at__lte=at)
            | Q(first_fed_back_at__isnull=True, first_interim_at__isnull=True, feedback_due_at__lte=at)
            | Q(fed_back_at__isnull=True, final_due_at__lte=at)
            | Q(controlled_at__isnull=True, same_day_due_at__lte=at)
            | Q(first_closed_at__isnull=True, closing_due_at__lte=at)
        )


class Lead(models.Model):
    """A reported problem (问题线索). Never "case": 立案 is another thing.

    `version` moves only with what is signed: facts, evidence list, disposal, state, owner.
    `round` counts rounds of handling (rework begins a new one), `owner_cycle` counts owners.
    `facts` are what DISCOVERY signs, frozen by its first signature, the same for both sides.
    `first_*`, `was_food` and `*_due_at` serve the KPI: what was late stays late whatever happens
    afterwards. `feedback_due_at` and `closing_due_at` move with an approved extension or pause,
    `feedback_strict_due_at` never does. `final_due_at` is when the whole feedback is owed after an interim
    one. `handed_over_at` is the other department's receipt.
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

    source = models.CharField("来源平台", max_length=12, blank=True, default="", db_default="")
    restricted = models.BooleanField("限制知悉（举报）", default=False, db_default=False)
    restricted_section = models.CharField(
        "知悉科室", max_length=20, choices=Section, blank=True, default="", db_default=""
    )
    second_officer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="第二执法人员",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    was_food = models.BooleanField("曾列为食品安全", default=False, db_default=False)
    settled_at = models.DateTimeField("即知即改时间", null=True)
    first_interim_at = models.DateTimeField("首次阶段反馈时间", null=True)
    suspended_at = models.DateTimeField("暂缓时间", null=True)
    suspended_until = models.DateTimeField("暂缓至", null=True)
    rejected_at = models.DateTimeField("退单时间", null=True)
    merged_at = models.DateTimeField("并单时间", null=True)
    merged_into = models.ForeignKey(
        "self", verbose_name="并入线索", null=True, on_delete=models.PROTECT, related_name="merged"
    )
    handed_over_at = models.DateTimeField("移交回执时间", null=True)
    first_closed_at = models.DateTimeField("首次办结时间", null=True)
    cleared_at = models.DateTimeField("销号时间", null=True)
    reopened_at = models.DateTimeField("最近重新办理时间", null=True)
    reopen_count = models.PositiveSmallIntegerField("重新办理次数", default=0, db_default=0)

    desk_due_at = models.DateTimeField("派单时限", null=True)
    respond_due_at = models.DateTimeField("接单时限", null=True)
    feedback_due_at = models.DateTimeField("反馈时限")
    feedback_strict_due_at = models.DateTimeField("反馈时限（不含延期暂缓）")
    final_due_at = models.DateTimeField("完整反馈时限", null=True)
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
                    state__in=[State.REPORTED, State.MERGED],
                    assignee__isnull=True,
                    dispatched_at__isnull=True,
                    owner_cycle=0,
                )
                | (
                    ~Q(state=State.REPORTED)
                    & Q(
                        assignee__isnull=False,
                        dispatched_at__isnull=False,
                        grid__isnull=False,
                        owner_cycle__gte=1,
                    )
                )
                | Q(restricted=True, state__in=HELD, assignee__isnull=False, owner_cycle__gte=1),
                name="leads_lead_owner_once_dispatched",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.REPORTED, State.DISPATCHED], responded_at__isnull=True)
                | Q(state__in=ANSWERED, responded_at__isnull=False)
                | Q(state__in=[State.REJECTED, State.MERGED]),
                name="leads_lead_responded_when_said",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.FED_BACK, State.CLOSED], fed_back_at__isnull=False)
                | (~Q(state__in=[State.FED_BACK, State.CLOSED]) & Q(fed_back_at__isnull=True)),
                name="leads_lead_fed_back_when_said",
            ),
            models.CheckConstraint(
                condition=Q(state=State.SUSPENDED, suspended_at__isnull=False, suspended_until__isnull=False)
                | (~Q(state=State.SUSPENDED) & Q(suspended_at__isnull=True, suspended_until__isnull=True)),
                name="leads_lead_suspended_when_said",
            ),
            models.CheckConstraint(
                condition=Q(state=State.REJECTED, rejected_at__isnull=False)
                | (~Q(state=State.REJECTED) & Q(rejected_at__isnull=True)),
                name="leads_lead_rejected_when_said",
            ),
            models.CheckConstraint(
                condition=Q(state=State.MERGED, merged_at__isnull=False, merged_into__isnull=False)
                & ~Q(merged_into=F("id"))
                | (~Q(state=State.MERGED) & Q(merged_at__isnull=True, merged_into__isnull=True)),
                name="leads_lead_merged_when_said",
            ),
            models.CheckConstraint(
                condition=Q(restricted=True) & ~Q(restricted_section="")
                | Q(restricted=False, restricted_section="", second_officer__isnull=True),
                name="leads_lead_restricted_names_section",
            ),
            models.CheckConstraint(
                condition=Q(food=False) | Q(was_food=True), name="leads_lead_food_is_remembered"
            ),
            models.CheckConstraint(
                condition=Q(first_closed_at__isnull=False)
                | Q(closed_at__isnull=True, cleared_at__isnull=True),
                name="leads_lead_first_closing_kept",
            ),
            models.CheckConstraint(
                condition=Q(reopen_count=0, reopened_at__isnull=True)
                | Q(reopen_count__gt=0, reopened_at__isnull=False, first_closed_at__isnull=False),
                name="leads_lead_reopened_after_closing",
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
            models.Index(
                fields=["rejected_at"], condition=Q(state="rejected"), name="leads_rejected_by_time"
            ),
            models.Index(fields=["merged_at"], condition=Q(state="merged"), name="leads_merged_by_time"),
            models.Index(fields=["discovered_at"], condition=Q(was_food=True), name="leads_food_cohort_ever"),
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
