"""Forms of whistles, contacts and joint notices. They ask; services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from grids.models import Department, Grid, Posting
from grids.roles import Role
from kernel import clock
from kernel.accounts.models import User
from kernel.evidence.uploads import KeepsPhotos
from leads.forms import STALE_PAGE, text
from leads.models import DepartmentContact, DepartmentPolicy
from leads.whistles import MOST_DEPARTMENTS

TELEPHONE = r"^[0-9+\-() ]{5,20}$"


def line(label: str, *, longest: int, required: bool = True, help_text: str = "", **options: Any) -> Any:
    """One line of text."""
    return forms.CharField(
        label=label,
        required=required,
        max_length=longest,
        help_text=help_text,
        widget=UnfoldAdminTextInputWidget,
        **options,
    )


class WhistleForm(forms.Form):
    """吹哨: whom to call, to what place, and why. `client_uid` is made with the page: sent twice, one."""

    client_uid = forms.UUIDField(widget=forms.HiddenInput)
    lead = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    grid = forms.ChoiceField(label="网格", widget=UnfoldAdminSelectWidget)
    departments = forms.MultipleChoiceField(
        label="叫哪些部门",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={"required": "请至少选择一个部门。"},
    )
    place = line("地点", longest=200, required=False, help_text="写明具体位置，部门凭此找到现场。")
    reason = text("吹哨事由", rows=3, help_text="不要写反映人的姓名、电话。短信中不出现事由。")
    telephone = forms.RegexField(
        TELEPHONE,
        label="回拨电话",
        required=False,
        help_text="办公电话，显示在部门的短信页面上。",
        widget=UnfoldAdminTextInputWidget,
        error_messages={"invalid": "联系电话格式不正确。"},
    )

    def __init__(self, *args: Any, grids: list[Grid], **options: Any) -> None:
        super().__init__(*args, **options)
        chooser: Any = self.fields["grid"]
        chooser.choices = [("", "请选择网格"), *((one.code, str(one)) for one in grids)]
        departments: Any = self.fields["departments"]
        departments.choices = list(Department.objects.order_by("id").values_list("code", "name"))

    def clean_departments(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["departments"]
        if len(chosen) > MOST_DEPARTMENTS:
            raise forms.ValidationError(f"一次最多叫 {MOST_DEPARTMENTS} 个部门。")
        return chosen


class StepForm(KeepsPhotos, forms.Form):
    """What a department says or does; `said_by` where the caller's side enters it from the telephone."""

    version = forms.IntegerField(
        widget=forms.HiddenInput, min_value=1, error_messages={"required": STALE_PAGE, "invalid": STALE_PAGE}
    )
    said_by = line("部门答复人", longest=40, required=False, help_text="代录电话答复时填写。")
    note = text("说明", required=False, rows=2, longest=2000)
    field_order = ["version", "said_by", "note", "photos", "kept"]


class CloseForm(forms.Form):
    """结束吹哨."""

    version = StepForm.base_fields["version"]
    note = text("结束说明", required=False, rows=2, help_text="还有部门没有报告的，须说明原因。")


class CallMoreForm(forms.Form):
    """再叫其他部门."""

    version = StepForm.base_fields["version"]
    departments = forms.MultipleChoiceField(label="再叫部门", widget=UnfoldAdminCheckboxSelectMultipleWidget)

    def __init__(self, *args: Any, called: set[str], **options: Any) -> None:
        super().__init__(*args, **options)
        others = Department.objects.exclude(code__in=called).order_by("id")
        chooser: Any = self.fields["departments"]
        chooser.choices = list(others.values_list("code", "name"))


class ContactForm(forms.ModelForm):
    """A department's contact; saved by the service."""

    class Meta:
        model = DepartmentContact
        fields = ("department", "name", "phone", "is_head", "is_active", "account")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "account" in self.fields:
            people: Any = self.fields["account"]
            liaisons = Posting.objects.filter(role=Role.DEPARTMENT_LIAISON)
            known = Q(pk__in=liaisons.values("user_id")) | Q(pk__in=liaisons.values("backup_id"))
            people.queryset = User.objects.filter(known, is_active=True).order_by("username")
            people.label_from_instance = lambda user: user.name


class PolicyForm(forms.ModelForm):
    """A new version of a department's limits; saved by the service."""

    in_force_from = forms.SplitDateTimeField(
        label="生效时间", required=False, help_text="不填为立即生效。", widget=UnfoldAdminSplitDateTimeWidget
    )

    class Meta:
        model = DepartmentPolicy
        fields = ("department", "document_number", "answer_minutes", "on_site_minutes", "in_force_from")
        help_texts = {
            "answer_minutes": "自吹哨起算，全天连续计时；不填则不计时。",
            "on_site_minutes": "自吹哨起算，全天连续计时；两项都不填表示停止计时。",
        }

    def clean_in_force_from(self) -> Any:
        moment = self.cleaned_data["in_force_from"]
        if moment is not None and moment < clock.now():
            raise forms.ValidationError("生效时间不能早于现在，立即生效的不用填写。")
        return moment
