"""Forms of the acts on a lead and an order, and of the desk's intake. They ask; services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from grids.models import BusinessEntity, Department
from kernel.accounts.models import User
from kernel.evidence.uploads import KeepsPhotos
from leads.catalogue import UNSORTED
from leads.models import Category, DisposalKind, Instruction, Method, Plan, Severity

STALE_PAGE = "页面已过期，请刷新后再操作。"
PHONE = r"^\+?[0-9-]{5,20}$"


class Versioned(forms.Form):
    """The version that the person saw goes along, so that nobody acts on a stale page."""

    version = forms.IntegerField(
        widget=forms.HiddenInput, min_value=1, error_messages={"required": STALE_PAGE, "invalid": STALE_PAGE}
    )


class ActForm(Versioned):
    """An act on one lead."""

    def __init__(self, *args: Any, by: User | None = None, lead: Any = None, **options: Any) -> None:
        super().__init__(*args, **options)


def text(label: str, *, required: bool = True, rows: int = 4, help_text: str = "", longest: int = 500) -> Any:
    """A few lines of free text."""
    return forms.CharField(
        label=label,
        required=required,
        max_length=longest,
        help_text=help_text,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": rows}),
    )


class RespondForm(ActForm):
    """接单."""

    plan = forms.ChoiceField(
        label="处理方式", choices=Plan.choices, initial=Plan.ON_MY_WAY, widget=UnfoldAdminRadioSelectWidget
    )
    note = text("说明", required=False, rows=2, help_text="可不填，例如预约的时间。")


class ConfirmForm(ActForm):
    """确认知悉: nothing to say, only to sign."""


class ControlForm(KeepsPhotos, ActForm):
    """登记现场处置."""

    note = text("处置说明", help_text="写明采取了什么措施，隐患是否已消除或已控制。")
    field_order = ["version", "note", "photos", "kept"]


class FeedbackForm(KeepsPhotos, ActForm):
    """反馈."""

    kind = forms.ChoiceField(
        label="处置方式",
        choices=[(k.value, k.label) for k in DisposalKind if k != DisposalKind.LENIENCY],
        widget=UnfoldAdminRadioSelectWidget,
    )
    note = text("处置说明", longest=2000, help_text="写明到场查看和处理的情况。")
    rectify_due_on = forms.DateField(
        label="整改期限",
        required=False,
        help_text="仅“责令改正”填写，到当日 24 时为止。",
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
    )
    department = forms.ChoiceField(
        label="移交部门",
        required=False,
        help_text="仅“移交其他部门”填写。",
        widget=UnfoldAdminSelectWidget,
    )
    document_number = forms.CharField(
        label="移交函文号", required=False, max_length=60, widget=UnfoldAdminTextInputWidget()
    )
    case_number = forms.CharField(
        label="案件编号",
        required=False,
        max_length=60,
        help_text="仅“立案查处”填写，用执法办案系统中的编号；还没有编号的可以不填。",
        widget=UnfoldAdminTextInputWidget(),
    )
    field_order = [
        "version", "kind", "rectify_due_on", "case_number", "department", "document_number", "note", "photos",
        "kept",
    ]  # fmt: skip

    def __init__(self, *args: Any, by: User | None = None, lead: Any = None, **options: Any) -> None:
        super().__init__(*args, by=by, lead=lead, **options)
        chooser: Any = self.fields["department"]
        chooser.choices = [("", "不移交"), *Department.objects.values_list("code", "name")]


class VerifyForm(ActForm):
    """核验."""

    method = forms.ChoiceField(
        label="核验方式",
        choices=Method.choices,
        initial=Method.ON_SITE,
        widget=UnfoldAdminRadioSelectWidget,
        help_text="食品安全和严重以上的线索须到现场核验。",
    )
    note = text("说明", required=False, rows=3, help_text="代网格员核验的，须写明原因。")


class ReworkForm(ActForm):
    """退回重办."""

    reason = text("退回原因", help_text="写明哪里没有处理好，承办人将据此重新办理。")


class DispatchForm(ActForm):
    """派单. Candidates are named with their grid only: no counts, no ranking (DOMAIN.md §7)."""

    grid = forms.TypedChoiceField(
        label="网格", required=False, coerce=int, empty_value=None, widget=UnfoldAdminSelectWidget
    )
    assignee = forms.TypedChoiceField(label="承办人", coerce=int, widget=UnfoldAdminSelectWidget)
    reason = text("派单理由", rows=2, longest=200)

    def __init__(self, *args: Any, by: Any = None, lead: Any = None, **options: Any) -> None:
        super().__init__(*args, by=by, lead=lead, **options)
        from leads.admin import candidates

        found = candidates.choices(lead, by)
        placed = lead.grid_id is not None
        first = f"不变（{lead.grid.name}）" if placed else "请选择网格"
        chooser: Any = self.fields["grid"]
        chooser.choices = [("", first), *found.grids]
        chooser.required = not placed
        people: Any = self.fields["assignee"]
        people.choices = [("", "请选择承办人"), *found.people]


class AcknowledgeForm(ActForm):
    """签收督办单."""

    instruction = forms.ChoiceField(
        label="督办意见", choices=Instruction.choices, widget=UnfoldAdminRadioSelectWidget
    )
    note = text("说明", required=False, rows=2, help_text="选择“其他”时必填。")
    assignee = forms.TypedChoiceField(
        label="新的承办人",
        required=False,
        coerce=int,
        empty_value=None,
        widget=UnfoldAdminSelectWidget,
        help_text="仅所方选择“改派他人”时填写；社方选择“改派他人”即请所长改派。",
    )

    def __init__(self, *args: Any, by: Any = None, lead: Any = None, **options: Any) -> None:
        super().__init__(*args, by=by, lead=lead, **options)
        from leads.admin import candidates

        people: Any = self.fields["assignee"]
        found = [] if lead is None or by is None else candidates.choices(lead, by).people
        people.choices = [("", "不改派"), *found]


class RowForm(forms.Form):
    """One order of many (`AcknowledgeManyForm` in the page): its own version, instruction and note."""

    order = forms.IntegerField(widget=forms.HiddenInput)
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    refusals: list[str] = []
    instruction = forms.ChoiceField(
        label="督办意见",
        choices=[("", "请选择"), *((i.value, i.label) for i in Instruction if i != Instruction.REASSIGN)],
        widget=UnfoldAdminSelectWidget,
        error_messages={
            "required": "请选择督办意见。",
            "invalid_choice": "改派请逐张签收：要选择新的承办人。",
        },
    )
    note = forms.CharField(
        label="说明",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "说明"}),
    )


class CategoryForm(forms.ModelForm):
    """What the bureau may change of the catalogue: words for people, never the rule behind them."""

    spoken = forms.CharField(
        label="口语词",
        required=False,
        max_length=400,
        help_text="网格员口头怎么说，用逗号或空格分开，例如：老鼠，蟑螂。",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )

    class Meta:
        model = Category
        fields = ["name", "is_active"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["spoken"].initial = "，".join(self.instance.words or [])

    def clean_is_active(self) -> bool:
        active: bool = self.cleaned_data["is_active"]
        if self.instance.pk == UNSORTED and not active:
            raise forms.ValidationError("“说不清”不能停用：说不清分类的线索要有去处。")
        return active

    def clean_spoken(self) -> list[str]:
        raw = self.cleaned_data["spoken"]
        for sign in "，、;；\n":
            raw = raw.replace(sign, ",")
        words = list(dict.fromkeys(w for part in raw.split(",") for w in part.split()))
        if any(len(word) > 20 for word in words):
            raise forms.ValidationError("每个口语词不超过 20 个字。")
        return words


REQUEST = "request"
KINDS_AT_DESK = [
    (REQUEST, "诉求"),
    ("tip_off", "举报"),
    ("complaint", "投诉"),
    ("request+complaint", "诉求，另有投诉"),
    ("tip_off+complaint", "举报，另有投诉"),
]


class IntakeForm(KeepsPhotos):
    """新线索: a call or a walk-in at the desk.

    `client_uid` is made with the page, so that a double click is one lead. `lon`, `lat` come from a
    click on the map, in WGS-84.
    """

    client_uid = forms.UUIDField(widget=forms.HiddenInput, error_messages={"required": STALE_PAGE})
    matter = forms.ChoiceField(
        label="事项类别",
        choices=KINDS_AT_DESK,
        initial=REQUEST,
        required=False,
        widget=UnfoldAdminRadioSelectWidget,
        help_text="举报限制知悉，只有监管所和业务科室可以看到；既有举报又有投诉的，分开填写。",
    )
    complaint = text(
        "投诉内容", required=False, rows=3, longest=2000, help_text="仅另有投诉时填写，与上面的描述分开。"
    )
    category = forms.ModelChoiceField(Category.objects.none(), label="分类", required=False)
    severity = forms.ChoiceField(
        label="严重程度",
        required=False,
        choices=[("", "按分类默认"), *Severity.choices],
        widget=UnfoldAdminSelectWidget,
    )
    description = text("问题描述", longest=2000, help_text="时间、地点、看到的情况，不写反映人。")
    lon = forms.DecimalField(
        required=False,
        max_digits=9,
        decimal_places=6,
        min_value=-180,
        max_value=180,
        widget=forms.HiddenInput,
    )
    lat = forms.DecimalField(
        required=False, max_digits=8, decimal_places=6, min_value=-90, max_value=90, widget=forms.HiddenInput
    )
    entity = forms.ModelChoiceField(
        BusinessEntity.objects.none(), required=False, widget=forms.HiddenInput, label="经营主体"
    )
    place_unknown = forms.BooleanField(
        label="位置不清楚，转人工派单", required=False, widget=UnfoldBooleanSwitchWidget
    )
    reporter_name = forms.CharField(
        label="反映人姓名",
        required=False,
        max_length=40,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    reporter_phone = forms.RegexField(
        PHONE,
        label="反映人电话",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "inputmode": "tel"}),
        error_messages={"invalid": "请填写正确的电话号码。"},
    )

    def __init__(self, *args: Any, by: User, desk: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        if not desk:
            kinds: Any = self.fields["matter"]
            kinds.choices = [one for one in KINDS_AT_DESK if one[0] == REQUEST]
            del self.fields["complaint"]
        categories: Any = self.fields["category"]
        categories.queryset = Category.objects.filter(is_active=True)
        entities: Any = self.fields["entity"]
        entities.queryset = BusinessEntity.objects.visible_to(by)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        self._clean_kinds(given)
        name, phone = given.get("reporter_name"), given.get("reporter_phone")
        if bool(name) != bool(phone) and "reporter_phone" not in self.errors:
            self.add_error("reporter_phone" if name else "reporter_name", "姓名和电话请一并填写，或都不填。")
        if (given.get("lon") is None) != (given.get("lat") is None):
            given["lon"] = given["lat"] = None
        nowhere = given.get("lon") is None and given.get("entity") is None
        if nowhere and not given.get("place_unknown"):
            self.add_error(None, "请在地图上点选位置或选择经营主体；都不清楚时请勾选“位置不清楚”。")
        return given

    def _clean_kinds(self, given: dict[str, Any]) -> None:
        """Each kind with words of its own; a complaint has neither category nor photos."""
        kinds = (given.get("matter") or REQUEST).split("+")
        if kinds != ["complaint"] and given.get("category") is None and "category" not in self.errors:
            self.add_error("category", "请选择线索分类。")
        if "complaint" in kinds[1:] and not given.get("complaint") and "complaint" not in self.errors:
            self.add_error("complaint", "请填写投诉内容。")
        if kinds == ["complaint"] and (given.get("photos") or given.get("kept")):
            self.add_error("photos", "投诉暂不能附照片，请先登记，由服务站联系消费者提供。")
