"""The dispute itself, and who may see it (DESIGN.md §7, §9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from grids.access import scope_of
from grids.models import BusinessEntity, Office
from grids.roles import Role, Section
from leads.models import KeptComplaint
from stations.models.choices import (
    Claim,
    FailReason,
    GoodsKind,
    Outcome,
    RefusalGround,
    Source,
    WithdrawalReason,
)
from stations.models.station import Station
from stations.states import OPEN, OVER, State, Tier

if TYPE_CHECKING:
    from kernel.accounts.models import User


class DisputeQuerySet(models.QuerySet["Dispute"]):
    def visible_to(self, user: User) -> DisputeQuerySet:
        """The only door to disputes (DESIGN.md §7). Default is nothing.

        A mediator sees what was taken at, lies or lay with, the own station, the community's head and the
        subdistrict so of every station of theirs; the office its own; the bureau, its leaders and the
        consumers' section all. A
        commissioner sees what the office handles of businesses in his grids. Grid workers see none: consumers
        are neighbours (人熟).
        """
        scope = scope_of(user)
        if scope.business_nothing:
            return self.none()
        if scope.sees_all or Section.CONSUMER in scope.sections:
            return self
        codes = {seat.station_code for seat in scope.seats if seat.role == Role.STATION_MEDIATOR}
        grids = {seat.grid_id for seat in scope.seats if seat.role == Role.COMMISSIONER}
        seen = Q(pk__in=[])
        here = (
            Q(code__in=codes)
            | Q(community_id__in=scope.community_ids)
            | Q(community__subdistrict_id__in=scope.subdistrict_ids)
        )
        if codes or scope.community_ids or scope.subdistrict_ids:
            own = Station.objects.filter(here).values("id")
            seen |= Q(station__in=own) | Q(taken_station__in=own) | _lay_with(own)
        if scope.office_ids:
            seen |= Q(office_id__in=scope.office_ids)
        if grids:
            seen |= Q(tier=Tier.OFFICIAL, entity__grid_id__in=grids)
        return self.filter(seen)

    def open(self) -> DisputeQuerySet:
        return self.filter(state__in=OPEN)


def _lay_with(stations: models.QuerySet[Station, Any]) -> Q:
    """Who mediated it goes on seeing it, and may send again what sent it on."""
    from stations.models.parts import TierStay  # it lies above this module

    stays = TierStay.objects.filter(dispute=models.OuterRef("pk"), station__in=stations)
    return Q(models.Exists(stays))


class Dispute(models.Model):
    """消费纠纷. Who complains stands apart and sealed (`DisputeConsumer`); no text here names him.

    `station` handles it now, `taken_station` took it; `circle` is the circle that the shop belonged to then
    (none: SHOP is followed by COMMUNITY). `cycle` counts stays on tiers, clocks carry it; `round` counts
    reopenings. `due_at` is when the running clock of the present stay ends (the truth is the clock).
    `due_is_guessed`: counted over a year whose holidays nobody has announced. `mediation_policy` is the
    version of the limit that was in force at acceptance. `version` moves with every act.
    Money in yuan.
    """

    number = models.CharField("编号", max_length=24, unique=True)
    client_uid = models.UUIDField("客户端编号")
    content_digest = models.CharField("登记内容校验值", max_length=64)
    source = models.CharField("来源", max_length=10, choices=Source)
    complaint = models.OneToOneField(
        KeptComplaint,
        verbose_name="平台投诉",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="dispute",
    )
    their_due_at = models.DateTimeField("平台时限", null=True)
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="登记人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    taken_station = models.ForeignKey(
        Station, verbose_name="登记服务站", on_delete=models.PROTECT, related_name="taken_disputes"
    )
    station = models.ForeignKey(
        Station, verbose_name="承办服务站", on_delete=models.PROTECT, related_name="disputes"
    )
    circle = models.ForeignKey(
        Station, verbose_name="所属商圈", null=True, on_delete=models.PROTECT, related_name="+"
    )
    office = models.ForeignKey(
        Office, verbose_name="市场监管所", null=True, on_delete=models.PROTECT, related_name="+"
    )
    entity = models.ForeignKey(
        BusinessEntity,
        verbose_name="经营主体",
        null=True,
        on_delete=models.PROTECT,
        related_name="disputes",
        db_index=False,
    )
    entity_name = models.CharField("被投诉店铺", max_length=120)
    goods = models.CharField("商品或服务", max_length=60)
    goods_kind = models.CharField("类别", max_length=10, choices=GoodsKind)
    amount = models.DecimalField("争议金额（元）", max_digits=12, decimal_places=2, null=True)
    claims = ArrayField(models.CharField(max_length=12, choices=Claim), verbose_name="诉求")
    description = models.TextField("纠纷情况", max_length=2000, blank=True, default="")
    bought_on = models.DateField("消费日期", null=True)

    tier = models.CharField("层级", max_length=10, choices=Tier)
    state = models.CharField("状态", max_length=12, choices=State)
    version = models.PositiveIntegerField("版本", default=1)
    cycle = models.PositiveSmallIntegerField("层级轮次", default=1)
    round = models.PositiveSmallIntegerField("轮次", default=1)
    registered_at = models.DateTimeField("登记时间")
    tier_since = models.DateTimeField("本层级开始时间")
    due_at = models.DateTimeField("本层级时限", null=True)
    due_is_guessed = models.BooleanField("时限按推算日历计算", default=False, db_default=False)

    word_at = models.DateTimeField("消费者同意转12315时间", null=True)
    filed_at = models.DateTimeField("转12315时间", null=True)
    decided_at = models.DateTimeField("受理决定时间", null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="决定人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    refusal_ground = models.CharField(
        "不予受理依据", max_length=14, choices=RefusalGround, blank=True, default=""
    )
    mediation_policy = models.PositiveIntegerField("调解时限规则版本", null=True)
    agreed_at = models.DateTimeField("达成协议时间", null=True)
    ended_at = models.DateTimeField("办结时间", null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="办结人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    outcome = models.CharField("结果", max_length=12, choices=Outcome, blank=True, default="")
    fail_reason = models.CharField("未达成原因", max_length=20, choices=FailReason, blank=True, default="")
    withdrawal_reason = models.CharField(
        "撤回原因", max_length=12, choices=WithdrawalReason, blank=True, default=""
    )
    end_note = models.CharField("结果说明", max_length=1000, blank=True, default="")

    objects = DisputeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "消费纠纷"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["taken_by", "client_uid"],
                condition=Q(taken_by__isnull=False),
                name="stations_dispute_one_client_uid",
            ),
            models.UniqueConstraint(
                fields=["client_uid"],
                condition=Q(taken_by__isnull=True),
                name="stations_dispute_one_public_uid",
            ),
            models.CheckConstraint(
                condition=Q(state__in=State.values, tier__in=Tier.values, source__in=Source.values),
                name="stations_dispute_known_words",
            ),
            models.CheckConstraint(
                condition=Q(state=State.NEGOTIATING, tier=Tier.SHOP)
                | Q(state=State.MEDIATING, tier__in=[Tier.CIRCLE, Tier.COMMUNITY])
                | Q(state__in=[State.FILED, State.ACCEPTED, State.REFUSED], tier=Tier.OFFICIAL)
                | Q(state__in=[State.AGREED, *(s for s in OVER if s != State.REFUSED)]),
                name="stations_dispute_state_fits_tier",
            ),
            models.CheckConstraint(
                condition=~Q(tier=Tier.CIRCLE) | Q(circle__isnull=False),
                name="stations_dispute_circle_has_one",
            ),
            models.CheckConstraint(
                condition=~Q(tier=Tier.OFFICIAL)
                | Q(word_at__isnull=False, filed_at__isnull=False, office__isnull=False),
                name="stations_dispute_official_by_the_consumers_word",
                violation_error_message="只有消费者本人同意，才能转12315。",
            ),
            models.CheckConstraint(
                condition=Q(state=State.REFUSED, decided_at__isnull=False, decided_by__isnull=False)
                & ~Q(refusal_ground="")
                | (~Q(state=State.REFUSED) & Q(refusal_ground="")),
                name="stations_dispute_refused_by_the_list",
                violation_error_message="不予受理必须选择法定情形。",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.ACCEPTED)
                | Q(decided_at__isnull=False, decided_by__isnull=False, mediation_policy__isnull=False),
                name="stations_dispute_accepted_when_said",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OVER, ended_at__isnull=False) & ~Q(outcome="")
                | Q(state__in=OPEN, ended_at__isnull=True, ended_by__isnull=True, outcome=""),
                name="stations_dispute_ended_when_over",
            ),
            models.CheckConstraint(
                condition=Q(state=State.SETTLED, outcome__in=[Outcome.ON_THE_SPOT, Outcome.SETTLED])
                | Q(state=State.PERFORMED, outcome=Outcome.PERFORMED)
                | Q(state=State.NOT_REACHED, outcome=Outcome.NOT_REACHED)
                | Q(state=State.WITHDRAWN, outcome=Outcome.WITHDRAWN)
                | Q(state=State.REFUSED, outcome=Outcome.REFUSED)
                | Q(state__in=OPEN, outcome=""),
                name="stations_dispute_outcome_fits_state",
            ),
            models.CheckConstraint(
                condition=(Q(state=State.NOT_REACHED) & ~Q(fail_reason=""))
                | (~Q(state=State.NOT_REACHED) & Q(fail_reason="")),
                name="stations_dispute_failed_for_a_reason",
            ),
            models.CheckConstraint(
                condition=(Q(state=State.WITHDRAWN) & ~Q(withdrawal_reason=""))
                | (~Q(state=State.WITHDRAWN) & Q(withdrawal_reason="")),
                name="stations_dispute_withdrawn_for_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[State.AGREED, State.PERFORMED]) | Q(agreed_at__isnull=False),
                name="stations_dispute_agreed_when_said",
            ),
            models.CheckConstraint(
                condition=~Q(outcome=Outcome.ON_THE_SPOT) | Q(tier=Tier.SHOP),
                name="stations_dispute_on_the_spot_in_the_shop",
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__gte=0),
                name="stations_dispute_amount",
                violation_error_message="争议金额不能为负数。",
            ),
            models.CheckConstraint(
                condition=~Q(entity_name="") & ~Q(goods=""),
                name="stations_dispute_says_what",
                violation_error_message="请填写店铺和商品或服务。",
            ),
            models.CheckConstraint(condition=~Q(claims=[]), name="stations_dispute_claims_something"),
            models.CheckConstraint(
                condition=(Q(source=Source.PLATFORM) & Q(complaint__isnull=False))
                | (~Q(source=Source.PLATFORM) & Q(complaint__isnull=True)),
                name="stations_dispute_of_a_platform",
            ),
        ]
        indexes = [
            models.Index(
                fields=["station", "due_at"], condition=Q(state__in=OPEN), name="stations_open_by_station"
            ),
            models.Index(fields=["station", "-id"], name="stations_by_station"),
            models.Index(fields=["taken_station", "-id"], name="stations_by_taking_station"),
            models.Index(fields=["office", "-id"], name="stations_by_office"),
            models.Index(fields=["entity", "-registered_at"], name="stations_by_entity"),
            models.Index(fields=["registered_at"], name="stations_by_registration"),
            models.Index(fields=["ended_at"], condition=Q(state__in=OVER), name="stations_by_end"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def stream(self) -> str:
        return f"dispute:{self.pk}"
