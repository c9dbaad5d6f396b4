"""What a business is licensed for and which equipment it runs (DOMAIN.md §2). Credit reads both."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from grids.models.register import BusinessEntity
from kernel.accounts.masking import mask_id_number, mask_phone

ID_LENGTH = 15


class LicenceType(models.TextChoices):
    BUSINESS = "BUSINESS", "营业执照"
    FOOD_OPERATION = "FOOD_OPERATION", "食品经营许可证"
    PREPACKAGED_FOOD = "PREPACKAGED_FOOD", "预包装食品备案"
    FOOD_PRODUCTION = "FOOD_PRODUCTION", "食品生产许可证"
    FOOD_WORKSHOP = "FOOD_WORKSHOP", "小作坊登记"
    FOOD_VENDOR = "FOOD_VENDOR", "食品摊贩备案"
    DRUG = "DRUG", "药品经营许可证"
    MEDICAL_DEVICE = "MEDICAL_DEVICE", "医疗器械备案/许可"
    SPECIAL_EQUIPMENT = "SPECIAL_EQUIPMENT", "特种设备使用登记证"
    OPERATOR = "OPERATOR", "作业人员证"
    METROLOGY = "METROLOGY", "计量检定证书"
    FUEL_RETAIL = "FUEL_RETAIL", "成品油零售"
    PUBLIC_PLACE_HEALTH = "PUBLIC_PLACE_HEALTH", "公共场所卫生许可"


PERSONAL = frozenset({LicenceType.OPERATOR})
"""Certificates of persons: their numbers are personal data, often the identity number itself."""


def told_number(type: str, number: str) -> str:
    """The number of a licence as the journal, lists, workbooks and explanations tell it."""
    if type not in PERSONAL:
        return number
    return mask_id_number(number) if len(number) >= ID_LENGTH else mask_phone(number)


class Licence(models.Model):
    """One licence of a business. Renewed: the row gets its new date. `ended_on`: given back or replaced.

    `expires_on` NULL is without limit (长期).
    """

    entity = models.ForeignKey(
        BusinessEntity, models.PROTECT, verbose_name="经营主体", related_name="licences", db_index=False
    )
    type = models.CharField("证照类型", max_length=20, choices=LicenceType.choices)
    number = models.CharField("证照编号", max_length=60)
    issued_on = models.DateField("发证日期", null=True, blank=True)
    expires_on = models.DateField("有效期至", null=True, blank=True, help_text="长期有效的不填。")
    ended_on = models.DateField("注销日期", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "证照"
        ordering = ["type", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["entity", "type", "number"],
                name="grids_licence_one_per_number",
                violation_error_message="该证照已登记。",
            ),
            models.CheckConstraint(
                condition=Q(type__in=LicenceType.values),
                name="grids_licence_type_known",
                violation_error_message="证照类型不在目录内。",
            ),
            models.CheckConstraint(condition=~Q(number=""), name="grids_licence_has_number"),
            models.CheckConstraint(
                condition=Q(issued_on__isnull=True)
                | Q(expires_on__isnull=True)
                | Q(expires_on__gte=F("issued_on")),
                name="grids_licence_expires_after_issue",
                violation_error_message="有效期不能早于发证日期。",
            ),
        ]
        indexes = [models.Index(fields=["expires_on"], name="grids_licence_by_expiry")]

    def __str__(self) -> str:
        return f"{self.get_type_display()} {self.told_number}"

    @property
    def told_number(self) -> str:
        return told_number(self.type, self.number)


class EquipmentKind(models.TextChoices):
    ELEVATOR = "ELEVATOR", "电梯"
    BOILER = "BOILER", "锅炉"
    PRESSURE_VESSEL = "PRESSURE_VESSEL", "压力容器"
    GAS_CYLINDER = "GAS_CYLINDER", "气瓶"
    FORKLIFT = "FORKLIFT", "叉车"
    CRANE = "CRANE", "起重机械"
    AMUSEMENT = "AMUSEMENT", "大型游乐设施"
    SCALE = "SCALE", "计量器具"
    FUEL_DISPENSER = "FUEL_DISPENSER", "加油机"
    OTHER = "OTHER", "其他"


class Equipment(models.Model):
    """特种设备 or a measuring instrument of a business, with the date of its next inspection or test."""

    entity = models.ForeignKey(
        BusinessEntity, models.PROTECT, verbose_name="经营主体", related_name="equipment"
    )
    kind = models.CharField("设备种类", max_length=20, choices=EquipmentKind.choices)
    number = models.CharField("设备编号", max_length=60)
    place = models.CharField("所在位置", max_length=100, blank=True, default="", db_default="")
    next_test_on = models.DateField("下次检验日期", null=True, blank=True)
    ended_on = models.DateField("停用日期", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "特种设备"
        ordering = ["kind", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["entity", "kind", "number"],
                name="grids_equipment_one_per_number",
                violation_error_message="该设备已登记。",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=EquipmentKind.values),
                name="grids_equipment_kind_known",
                violation_error_message="设备种类不在目录内。",
            ),
            models.CheckConstraint(condition=~Q(number=""), name="grids_equipment_has_number"),
        ]
        indexes = [models.Index(fields=["next_test_on"], name="grids_equipment_by_test")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"
