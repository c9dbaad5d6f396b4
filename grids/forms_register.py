"""Forms of the register in the admin: they ask, the register's services decide."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from grids.models import (
    BusinessEntity,
    BusinessType,
    Community,
    EntityKind,
    EntityStatus,
    EquipmentKind,
    Grid,
    LicenceType,
)
from grids.register_reveal import REVEALABLE

PERSONAL = tuple(REVEALABLE)
KEPT_AS_IS = "不修改请留空；原有内容不在此显示。"


def line(label: str, longest: int, **options: Any) -> forms.CharField:
    """One line of text."""
    options.setdefault("required", False)
    return forms.CharField(label=label, max_length=longest, widget=UnfoldAdminTextInputWidget, **options)


def day(label: str, **options: Any) -> forms.DateField:
    """A day, or none."""
    return forms.DateField(label=label, required=False, widget=UnfoldAdminSingleDateWidget, **options)


def choice(label: str, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, widget=UnfoldAdminSelectWidget)


def degrees(label: str, limit: float) -> forms.FloatField:
    return forms.FloatField(
        label=label, required=False, min_value=-limit, max_value=limit, widget=UnfoldAdminDecimalFieldWidget
    )


class Versioned(forms.Form):
    """Carries the version that the page was opened with."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class EntityForm(Versioned):
    """All of a business that people keep; what is personal stays as it is where nothing is typed."""

    name = line("名称", 120, required=True)
    uscc = line("统一社会信用代码", 18, help_text="18 位统一社会信用代码；老证可填 15 位注册号；摊点可不填。")
    status = choice("状态", EntityStatus.choices)
    kind = choice("主体类型", EntityKind.choices)
    business_types = forms.MultipleChoiceField(
        label="业态", choices=BusinessType.choices, required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )  # fmt: skip
    is_campus_peripheral = forms.BooleanField(
        label="校园周边", required=False, widget=UnfoldBooleanSwitchWidget
    )
    operator_name = line("经营者", 60, help_text=KEPT_AS_IS)
    contact_name = line("联系人", 60, help_text=KEPT_AS_IS)
    contact_phone = line("联系电话", 20, help_text=KEPT_AS_IS)
    address = line("经营地址", 200)
    community = forms.ModelChoiceField(
        Community.objects.none(), label="社区", required=False, widget=UnfoldAdminSelectWidget
    )
    lon = degrees("经度", 180)
    lat = degrees("纬度", 90)
    grid = forms.ModelChoiceField(
        Grid.objects.none(), label="网格（人工指定）", required=False, widget=UnfoldAdminSelectWidget,
        help_text="一般不填：有位置的按位置落格，没有位置的按社区落格。",
    )  # fmt: skip
    established_on = day("成立日期")
    remark = line("备注", 200)
    reason = line("修改原因", 200, help_text="名称、代码或状态的修改，请写明原因。")

    def __init__(self, *args: Any, by: Any, by_hand: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["community"].queryset = Community.objects.order_by("code")  # type: ignore[attr-defined]
        if by_hand:
            self.fields["grid"].queryset = Grid.objects.visible_to(by).order_by("code")  # type: ignore[attr-defined]
        else:
            del self.fields["grid"]

    @staticmethod
    def initial_of(entity: BusinessEntity) -> dict[str, Any]:
        """What stands in the fields at first; nothing personal."""
        names = (
            "version", "name", "uscc", "status", "kind", "business_types", "is_campus_peripheral", "address",
            "lon", "lat", "established_on", "remark",
        )  # fmt: skip
        return {**{name: getattr(entity, name) for name in names}, "community": entity.community_id}

    def changes(self) -> dict[str, Any]:
        """What the register's `edit` takes."""
        said = dict(self.cleaned_data)
        found = {name: said[name] for name in said if name not in {"version", "reason", "community", "grid"}}
        found = {name: value for name, value in found.items() if name not in PERSONAL or value}
        found["community_id"] = said["community"].pk if said["community"] else None
        if said.get("grid"):
            found["grid_id"] = said["grid"].pk
        return found


class LicenceForm(Versioned):
    """One licence, known by its type and number."""

    type = choice("证照类型", LicenceType.choices)
    number = line("证照编号", 60, required=True)
    issued_on = day("发证日期")
    expires_on = day("有效期至", help_text="长期有效的不填。")
    ended_on = day("注销日期", help_text="证照已注销或被新证替换的，填写日期。")


class EquipmentForm(Versioned):
    """One piece of equipment, known by its kind and number."""

    kind = choice("设备种类", EquipmentKind.choices)
    number = line("设备编号", 60, required=True)
    place = line("所在位置", 100)
    next_test_on = day("下次检验日期")
    ended_on = day("停用日期")


class RevealForm(forms.Form):
    """Which value, and why."""

    field = choice("查看内容", list(REVEALABLE.items()))
    reason = line("查看事由", 200, required=True, help_text="查看人、时间和事由都会留痕。")


def as_given(values: dict[str, Any]) -> dict[str, date | str | None]:
    """A cleaned form without its version."""
    return {name: value for name, value in values.items() if name != "version"}
