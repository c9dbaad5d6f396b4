"""Forms of the admin's actions: each calls one service."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from grids.access import scope_of
from grids.models import Community, Department, Grid, Office, Subdistrict
from grids.roles import DutyRole, Role, Section
from kernel.accounts.models import User


class PersonChoice(forms.ModelChoiceField):
    """A person with an active account, shown as 姓名(用户名)."""

    def __init__(self, **options: Any) -> None:
        people = User.objects.filter(is_active=True).order_by("username")
        super().__init__(people, widget=UnfoldAdminSelectWidget, **options)

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name}({obj.username})"


def place(model: Any, label: str) -> forms.ModelChoiceField:
    """A place to choose, or none."""
    return forms.ModelChoiceField(
        model.objects.order_by("code"), label=label, required=False, widget=UnfoldAdminSelectWidget
    )


class AppointForm(forms.Form):
    """任职: only the fields that the role needs are filled."""

    user = PersonChoice(label="人员")
    role = forms.ChoiceField(label="岗位", choices=Role.choices, widget=UnfoldAdminSelectWidget)
    grid = place(Grid, "网格")
    seat = forms.TypedChoiceField(
        label="席位", required=False, coerce=int, empty_value=None, widget=UnfoldAdminSelectWidget,
        choices=[("", "由系统安排"), (1, "1"), (2, "2"), (3, "3")], help_text="仅社区网格员。",
    )  # fmt: skip
    office = place(Office, "市场监管所")
    community = place(Community, "社区")
    department = place(Department, "部门")
    subdistrict = place(Subdistrict, "街道")
    station_code = forms.CharField(
        label="服务站编码", required=False, max_length=20, widget=UnfoldAdminTextInputWidget
    )
    section = forms.ChoiceField(
        label="科室", required=False, choices=[("", "——"), *Section.choices], widget=UnfoldAdminSelectWidget
    )
    backup = PersonChoice(label="B角", required=False, help_text="本人不在岗时可代为办理的人，应尽量填写。")
    starts_at = forms.SplitDateTimeField(
        label="任职时间", required=False, widget=UnfoldAdminSplitDateTimeWidget, help_text="留空为即时。"
    )
    ends_at = forms.SplitDateTimeField(
        label="离任时间", required=False, widget=UnfoldAdminSplitDateTimeWidget, help_text="未定则留空。"
    )


class BackupForm(forms.Form):
    backup = PersonChoice(label="B角", required=False, help_text="留空为不设B角。")


class AbsenceForm(forms.Form):
    user = PersonChoice(label="请假人")
    stand_in = PersonChoice(label="代岗人", required=False, help_text="留空则由各岗位的B角代为办理。")
    starts_at = forms.SplitDateTimeField(label="开始时间", widget=UnfoldAdminSplitDateTimeWidget)
    ends_at = forms.SplitDateTimeField(label="结束时间", widget=UnfoldAdminSplitDateTimeWidget)
    reason = forms.CharField(label="事由", required=False, max_length=200, widget=UnfoldAdminTextInputWidget)


class ShiftForm(forms.Form):
    office = forms.ModelChoiceField(Office.objects.none(), label="市场监管所", widget=UnfoldAdminSelectWidget)
    day = forms.DateField(label="日期", widget=UnfoldAdminSingleDateWidget)
    role = forms.ChoiceField(label="班次岗位", choices=DutyRole.choices, widget=UnfoldAdminSelectWidget)
    user = PersonChoice(label="值班人")

    def __init__(self, *args: Any, by: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        scope = scope_of(by)
        offices = Office.objects.visible_to(by).order_by("code")
        wide = scope.sees_all or scope.has(Role.SYSTEM_ADMIN)
        self.fields["office"].queryset = offices if wide else offices.filter(pk__in=scope.office_ids)  # type: ignore[attr-defined]


class RotaUploadForm(forms.Form):
    file = forms.FileField(
        label="值班表文件", widget=UnfoldAdminFileFieldWidget, help_text=".xlsx 格式，请先下载模板。"
    )
    dry_run = forms.BooleanField(
        label="只检查不写入", required=False, initial=True, widget=UnfoldBooleanSwitchWidget,
        help_text="先检查一遍；没有错误再取消勾选并重新上传。有任何一行出错，整个文件都不写入。",
    )  # fmt: skip
