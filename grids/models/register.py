"""The register of businesses (经营主体), DOMAIN.md §2. Licences, equipment and contacts stand beside it."""

from __future__ import annotations

import secrets
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Substr
from stdnum.cn import uscc as social_credit_code

from grids.access import Anyone, Scope, scope_of, within
from grids.models.grams import Grams
from grids.models.places import Community, Grid
from grids.roles import Role
from kernel.clock import KernelNow, KernelToday

DOOR_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH_OLD = 15
SEES_REGISTER = (Role.BUREAU_SECTION,)


class EntityKind(models.TextChoices):
    COMPANY = "COMPANY", "公司"
    SOLE_PROPRIETORSHIP = "SOLE_PROPRIETORSHIP", "个人独资企业"
    PARTNERSHIP = "PARTNERSHIP", "合伙企业"
    INDIVIDUAL = "INDIVIDUAL", "个体工商户"
    COOPERATIVE = "COOPERATIVE", "农民专业合作社"
    BRANCH = "BRANCH", "分支机构"
    STALL = "STALL", "摊点"
    OTHER = "OTHER", "其他"


class BusinessType(models.TextChoices):
    CATERING = "CATERING", "餐饮"
    FOOD_RETAIL = "FOOD_RETAIL", "食品销售"
    FOOD_WORKSHOP = "FOOD_WORKSHOP", "小作坊"
    FOOD_VENDOR = "FOOD_VENDOR", "食品摊贩"
    CANTEEN = "CANTEEN", "集体食堂"
    PHARMACY = "PHARMACY", "药店"
    MEDICAL_DEVICE = "MEDICAL_DEVICE", "医疗器械"
    BEAUTY = "BEAUTY", "美容美发"
    FARM_MARKET = "FARM_MARKET", "农贸市场"
    SUPERMARKET = "SUPERMARKET", "商超"
    COMPLEX = "COMPLEX", "商业综合体"
    EBIKE = "EBIKE", "电动自行车"
    GAS = "GAS", "燃气具气瓶"
    FUEL = "FUEL", "加油站"
    SPECIAL_EQUIPMENT = "SPECIAL_EQUIPMENT", "特种设备使用"
    TUTORING = "TUTORING", "校外培训"
    ELDERLY_CARE = "ELDERLY_CARE", "养老"
    AUTO_REPAIR = "AUTO_REPAIR", "汽修"
    HOTEL = "HOTEL", "宾馆"
    ONLINE = "ONLINE", "网店"
    OTHER = "OTHER", "其他"


class EntityStatus(models.TextChoices):
    ACTIVE = "ACTIVE", "在营"
    SUSPENDED = "SUSPENDED", "歇业"
    CLOSED = "CLOSED", "已停业"
    MOVED = "MOVED", "已搬离"
    REVOKED = "REVOKED", "吊销"
    DEREGISTERED = "DEREGISTERED", "注销"


GONE = frozenset({EntityStatus.CLOSED, EntityStatus.MOVED, EntityStatus.REVOKED, EntityStatus.DEREGISTERED})
"""No longer trading at its place: neither graded anew nor called on."""


class PlacedBy(models.TextChoices):
    """How a business came to its grid."""

    POINT = "POINT", "按位置"
    COMMUNITY = "COMMUNITY", "按社区"
    HAND = "HAND", "人工指定"


class CreditGrade(models.TextChoices):
    """信用分类 A–D (DOMAIN.md §4). Internal supervision: never on a public page."""

    A = "A", "A"
    B = "B", "B"
    C = "C", "C"
    D = "D", "D"


def _mod_11_10(digits: str) -> bool:
    """ISO 7064 MOD 11,10: the check of the old 15-digit registration number."""
    check = 10
    for digit in digits[:-1]:
        check = (check + int(digit)) % 10 or 10
        check = check * 2 % 11
    return (check + int(digits[-1])) % 10 == 1


def check_code(value: str) -> None:
    """A valid 统一社会信用代码 (GB 32100-2015), or a valid old 15-digit registration number.

    Raises:
        ValidationError: neither.
    """
    if len(value) == LENGTH_OLD and value.isascii() and value.isdigit():
        if not _mod_11_10(value):
            raise ValidationError("15 位注册号校验位不正确。", code="bad_registration_number")
        return
    if not social_credit_code.is_valid(value) or value != social_credit_code.compact(value):
        raise ValidationError("统一社会信用代码不正确，应为 18 位。", code="bad_uscc")


def new_door_code() -> str:
    """A code for the sticker on the door (一店一码): 10 signs that cannot be misread."""
    return "".join(secrets.choice(DOOR_ALPHABET) for _ in range(10))


def _hashed(column: str, seed: models.expressions.Combinable) -> models.Func:
    return models.Func(
        models.F(column), seed, function="hashtextextended", output_field=models.BigIntegerField()
    )


class BusinessEntityQuerySet(models.QuerySet["BusinessEntity"]):
    """`scoped` is the scope that narrowed these rows, `ranked` the ids that a search found, best first."""

    scoped: Scope | None = None
    ranked: list[int] | None = None

    def visible_to(self, user: Anyone) -> Self:
        """Of the grids in the scope; all for the bureau and its sections; none for administrators.

        A business without a grid is seen by the bureau, and by every office until it is placed.
        """
        scope = scope_of(user)
        if scope.sees_all or scope.has(*SEES_REGISTER):
            return self
        found = within(scope)
        if scope.office_ids:
            found |= Q(grid__isnull=True)
        rows = self.filter(found)
        rows.scoped = scope
        return rows

    def _clone(self) -> Self:
        copy: Self = super()._clone()  # type: ignore[misc]
        copy.scoped, copy.ranked = self.scoped, self.ranked
        return copy


class BusinessEntity(models.Model):
    """经营主体. A stall may have no code at all: kept, and flagged (`lacks_code`).

    `credit_grade` is the effective grade and is written by `credit` only. For an INDIVIDUAL the
    operator's name is personal data: masked in lists and exports, as the contact's always are.
    `filed_on` is the day since which it is on file (建档): a credit rule asks for it. `version` moves with
    every change. `client_uid` and `content_digest` make a repeated creation safe; the telephone is kept
    without blanks and hyphens.
    """

    code = models.CharField("一店一码", max_length=20, unique=True, default=new_door_code, editable=False)
    name = models.CharField("名称", max_length=120)
    uscc = models.CharField(
        "统一社会信用代码", max_length=18, blank=True, default="", db_default="", validators=[check_code],
        help_text="18 位统一社会信用代码；老证可填 15 位注册号；摊点可不填。",
    )  # fmt: skip
    kind = models.CharField("主体类型", max_length=20, choices=EntityKind.choices)
    business_types = ArrayField(
        models.CharField(max_length=20, choices=BusinessType.choices), verbose_name="业态", default=list
    )
    is_campus_peripheral = models.BooleanField("校园周边", db_default=False, default=False)
    operator_name = models.CharField("经营者", max_length=60, blank=True, default="", db_default="")
    contact_name = models.CharField("联系人", max_length=60, blank=True, default="", db_default="")
    contact_phone = models.CharField("联系电话", max_length=20, blank=True, default="", db_default="")
    grid = models.ForeignKey(
        Grid, models.PROTECT, verbose_name="网格", related_name="entities", null=True, blank=True,
        db_index=False,
    )  # fmt: skip
    community = models.ForeignKey(
        Community, models.PROTECT, verbose_name="社区", related_name="entities", null=True, blank=True,
        db_index=False,
    )  # fmt: skip
    placed_by = models.CharField(
        "落格方式", max_length=10, choices=PlacedBy.choices, blank=True, default="", db_default=""
    )
    lon = models.FloatField("经度", null=True, blank=True, help_text="WGS-84")
    lat = models.FloatField("纬度", null=True, blank=True, help_text="WGS-84")
    address = models.CharField("经营地址", max_length=200, blank=True, default="", db_default="")
    status = models.CharField(
        "状态", max_length=20, choices=EntityStatus.choices, default=EntityStatus.ACTIVE, db_default="ACTIVE"
    )
    credit_grade = models.CharField(
        "信用等级", max_length=1, choices=CreditGrade.choices, null=True, blank=True, editable=False
    )
    established_on = models.DateField("成立日期", null=True, blank=True)
    filed_on = models.DateField("建档日期", db_default=KernelToday())
    remark = models.CharField("备注", max_length=200, blank=True, default="", db_default="")
    version = models.PositiveIntegerField("版本", default=1, db_default=1, editable=False)
    is_demo = models.BooleanField("演示数据", db_default=False, default=False)
    created_at = models.DateTimeField("录入时间", db_default=KernelNow(), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="录入人", related_name="+", null=True,
        editable=False, db_index=False,
    )  # fmt: skip
    client_uid = models.UUIDField("客户端编号", null=True, editable=False)
    content_digest = models.CharField(
        "内容校验值", max_length=64, blank=True, default="", db_default="", editable=False
    )

    objects = BusinessEntityQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "经营主体"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["grid", "-id"], name="grids_entity_by_grid"),
            models.Index(_hashed("address", _hashed("name", models.Value(0))), name="grids_entity_by_name"),
            models.Index(fields=["community", "-id"], name="grids_entity_by_community"),
            models.Index(
                fields=["contact_phone"], condition=~Q(contact_phone=""), name="grids_entity_by_phone"
            ),
            models.Index(Substr("uscc", 9, 9), condition=~Q(uscc=""), name="grids_entity_by_org_code"),
            models.Index(fields=["lat", "lon"], condition=Q(lat__isnull=False), name="grids_entity_by_place"),
            GinIndex(
                Grams("name", "uscc", "address", "operator_name"),
                name="grids_entity_by_grams",
                gin_pending_list_limit=65_536,
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["uscc"],
                condition=~Q(uscc=""),
                name="grids_entity_one_per_uscc",
                violation_error_message="该统一社会信用代码已登记。",
            ),
            models.UniqueConstraint(
                fields=["created_by", "client_uid"],
                condition=Q(client_uid__isnull=False),
                name="grids_entity_one_client_uid",
            ),
            models.CheckConstraint(
                condition=Q(lon__isnull=True, lat__isnull=True)
                | Q(
                    lon__isnull=False, lat__isnull=False, lon__range=(-180.0, 180.0), lat__range=(-90.0, 90.0)
                ),
                name="grids_entity_place_whole",
                violation_error_message="经纬度应同时填写，且在有效范围内。",
            ),
            models.CheckConstraint(
                condition=Q(business_types__contained_by=list(BusinessType.values)),
                name="grids_entity_types_known",
                violation_error_message="业态不在目录内。",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def lacks_code(self) -> bool:
        """Neither a credit code nor an old number: to be completed."""
        return not self.uscc
