"""Forms of the side roads that need no approval, and of the time after closing. They ask; services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from grids.staffing import routing_facts
from kernel import clock
from kernel.accounts.models import User
from kernel.evidence.uploads import KeepsPhotos
from leads import selectors, settling
from leads.forms import ActForm, text
from leads.models import LookBack


def line(label: str, *, required: bool = True, longest: int = 60, help_text: str = "") -> Any:
    """One line of text."""
    return forms.CharField(
        label=label,
        required=required,
        max_length=longest,
        help_text=help_text,
        widget=UnfoldAdminTextInputWidget(),
    )


def yes_no(label: str, yes: str, no: str) -> Any:
    """A choice of two, both said out."""
    return forms.TypedChoiceField(
        label=label,
        choices=[("yes", yes), ("no", no)],
        coerce=lambda said: said == "yes",
        initial="yes",
        widget=UnfoldAdminRadioSelectWidget,
    )


class SettleForm(KeepsPhotos, ActForm):
    """即知即改."""

    kind = forms.ChoiceField(
        label="处置方式",
        choices=[(kind.value, kind.label) for kind in settling.KINDS],
        initial=settling.KINDS[0].value,
        widget=UnfoldAdminRadioSelectWidget,
    )
    note = text("处置说明", longest=2000, help_text="写明当场怎样改正的。")
    field_order = ["version", "kind", "note", "photos", "kept"]


class InterimForm(ActForm):
    """阶段反馈."""

    done = text("已完成", longest=1000)
    remaining = text("尚需办理", longest=1000)
    final_due_on = forms.DateField(
        label="承诺完整反馈日期",
        help_text="到当日 24 时为止；第一次且 7 天以内的无须审批，其余报所长批准。",
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
    )


class RecuseForm(ActForm):
    """回避."""

    reason = text("回避原因", rows=3, help_text="写明与当事人的关系；登记后不能再办理或签字。")


class MergeForm(ActForm):
    """并单. Only leads that may tell of the same thing are offered."""

    into = forms.TypedChoiceField(
        label="并入",
        coerce=int,
        widget=UnfoldAdminSelectWidget,
        help_text="同一主体或 50 米以内、分类相同、72 小时以内的线索。",
    )
    reason = text("说明", required=False, rows=2)

    def __init__(self, *args: Any, by: User | None = None, lead: Any = None, **options: Any) -> None:
        super().__init__(*args, by=by, lead=lead, **options)
        found = [] if by is None or lead is None else selectors.possible_duplicates(lead, by)
        chooser: Any = self.fields["into"]
        chooser.choices = [("", "请选择线索"), *((one.id, one.number) for one in found)]


class UnmergeForm(ActForm):
    """撤销并单."""

    reason = text("撤销原因", rows=3)


class ReceiptForm(ActForm):
    """移交回执."""

    number = line("回执编号", required=False, help_text="可不填，例如口头确认的。")


class CaseNumberForm(ActForm):
    """补登案件编号."""

    case_number = line("案件编号", help_text="执法办案系统中的编号，登记后不能更改。")


class ReplyForm(ActForm):
    """移交答复."""

    reply = text("答复内容", longest=2000)


class CorrectionForm(KeepsPhotos, ActForm):
    """整改证明."""

    note = text("整改情况", longest=2000, help_text="写明改了什么，最好附照片。")
    field_order = ["version", "note", "photos", "kept"]


class RecheckForm(KeepsPhotos, ActForm):
    """复查."""

    passed = yes_no("复查结果", "整改到位", "未整改到位")
    note = text("复查情况", longest=2000)
    countersigned_by = forms.TypedChoiceField(
        label="请谁会签",
        required=False,
        coerce=int,
        empty_value=None,
        widget=UnfoldAdminSelectWidget,
        help_text="可不选；本网格任一网格员都可以在自己的手机上会签。",
    )
    field_order = ["version", "passed", "note", "countersigned_by", "photos", "kept"]

    def __init__(self, *args: Any, by: User | None = None, lead: Any = None, **options: Any) -> None:
        super().__init__(*args, by=by, lead=lead, **options)
        chooser: Any = self.fields["countersigned_by"]
        chooser.choices = [("", "本网格网格员"), *_workers(lead)]


def _workers(lead: Any) -> list[tuple[int, str]]:
    people = None if lead is None or lead.grid_id is None else routing_facts(lead.grid_id, clock.now())
    if people is None:
        return []
    found = User.objects.filter(pk__in=[*people.worker_ids, *people.worker_stand_in_ids])
    return [(user.pk, user.name) for user in found.order_by("id")]


class CountersignForm(ActForm):
    """复查会签."""

    agree = yes_no("会签意见", "同意，已整改到位", "不同意")
    note = text("说明", required=False, rows=3, help_text="不同意的，或社区书记代会签的，须写明原因。")


class ReopenForm(ActForm):
    """重新办理."""

    reason = text("重新办理的原因", rows=3)


class LookBackForm(KeepsPhotos, ActForm):
    """回头看: of the lead's next one."""

    look_back = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    passed = yes_no("回头看结果", "未反弹", "反弹")
    note = text("检查情况", longest=2000)
    field_order = ["version", "look_back", "passed", "note", "photos", "kept"]

    def __init__(self, *args: Any, by: User | None = None, lead: Any = None, **options: Any) -> None:
        super().__init__(*args, by=by, lead=lead, **options)
        waiting = None if lead is None else LookBack.objects.waiting().filter(lead=lead).first()
        if waiting is not None:
            self.fields["look_back"].initial = waiting.pk
