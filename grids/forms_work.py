"""Forms of a grid's tasks and responsibilities in the admin: each calls one service."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from grids.forms import PersonChoice
from grids.models import Department, Grid, ResponsibilityItem, TaskItem
from grids.work_groups import members_of
from kernel import clock
from kernel.accounts.models import User

CATEGORY = re.compile(r"00|[FLPQSDACX]\d\d")


class _TaskFields(forms.Form):
    title = forms.CharField(label="任务", max_length=80, widget=UnfoldAdminTextInputWidget)
    note = forms.CharField(label="说明", required=False, max_length=1000, widget=UnfoldAdminTextareaWidget)
    owner = PersonChoice(label="责任人", help_text="须是该网格的专员、网格员，或所长、所内勤、社区书记。")
    due_at = forms.SplitDateTimeField(label="完成期限", widget=UnfoldAdminSplitDateTimeWidget)


class TaskForm(_TaskFields):
    """A new task; `client_uid` makes a second click harmless."""

    grid = forms.ModelChoiceField(Grid.objects.none(), label="网格", widget=UnfoldAdminSelectWidget)
    client_uid = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    field_order = ["grid", "title", "note", "owner", "due_at"]

    def __init__(self, *args: Any, by: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        grids = Grid.objects.served_by(by).filter(is_active=True).order_by("code")
        self.fields["grid"].queryset = grids  # type: ignore[attr-defined]
        people = {member.user_id for member in members_of([grid.pk for grid in grids], clock.now())}
        self.fields["owner"].queryset = User.objects.filter(pk__in=people).order_by("username")  # type: ignore[attr-defined]


class Versioned(forms.Form):
    """Carries the version that the page was opened with."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class ChangeTaskForm(Versioned, _TaskFields):
    def __init__(self, *args: Any, task: TaskItem, **options: Any) -> None:
        super().__init__(*args, **options)
        people = {member.user_id for member in members_of([task.grid_id], clock.now())} | {task.owner_id}
        self.fields["owner"].queryset = User.objects.filter(pk__in=people).order_by("username")  # type: ignore[attr-defined]


class DoneForm(Versioned):
    note = forms.CharField(label="完成情况", required=False, max_length=500, widget=UnfoldAdminTextareaWidget)


class CancelTaskForm(Versioned):
    reason = forms.CharField(label="取消原因", max_length=200, widget=UnfoldAdminTextInputWidget)


class ResponsibilityForm(forms.ModelForm):
    """One item of the list. The department is chosen by name."""

    department = forms.ChoiceField(label="责任部门", required=False, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = ResponsibilityItem
        fields = [
            "group", "category", "role", "section", "department", "duty", "standard", "basis", "position",
            "is_active",
        ]  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "department" not in self.fields:
            return  # read only
        known = list(Department.objects.order_by("code").values_list("code", "name"))
        kept = self.instance.department
        if kept and kept not in dict(known):
            known.append((kept, kept))
        self.fields["department"].choices = [("", "——"), *known]  # type: ignore[attr-defined]
        self.fields["department"].help_text = "由其他部门负责时选择，此时不选责任岗位。"

    def clean_category(self) -> str:
        code = str(self.cleaned_data["category"]).strip().upper()
        if code and not CATEGORY.fullmatch(code):
            raise forms.ValidationError("线索分类编码应形如 F03。")
        return code
