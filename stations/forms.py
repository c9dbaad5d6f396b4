"""Forms of the acts on a dispute and of the one-page intake. They ask; services decide."""

from __future__ import annotations

import base64
import binascii
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from grids.models import BusinessEntity
from kernel import clock
from kernel.accounts.models import User
from kernel.clock import SHANGHAI
from kernel.evidence.uploads import KeepsPhotos
from leads.forms import STALE_PAGE, Versioned, text
from leads.models import Category, Rating
from stations import drawn, official
from stations.agreements import MOST_TERMS
from stations.intake import BY_HAND
from stations.intake_values import LONGEST_DESCRIPTION, LONGEST_GOODS, LONGEST_NAME, LONGEST_SHOP
from stations.models import (
    Claim,
    Dispute,
    GoodsKind,
    RefusalGround,
    Session,
    Station,
    TestingKind,
    WithdrawalReason,
    WordWay,
)
from stations.models.choices import CHOSEN_FAIL_REASONS
from stations.states import Tier

MOMENT = "%Y-%m-%dT%H:%M"
PREFIX = "data:image/png;base64,"
LONGEST_URL = len(PREFIX) + -(-drawn.MOST_BYTES // 3) * 4
SAID = [(one.value, one.label) for one in WordWay if one not in (WordWay.DOOR, WordWay.PLATFORM)]


def line(label: str, *, longest: int, required: bool = True, help_text: str = "", **attrs: str) -> Any:
    """One line of text."""
    return forms.CharField(
        label=label,
        required=required,
        max_length=longest,
        help_text=help_text,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", **attrs}),
        error_messages={"required": f"请填写{label}。", "max_length": f"{label}请控制在{longest}字以内。"},
    )


def money(label: str, *, help_text: str = "") -> Any:
    """Yuan, perhaps none."""
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=Decimal(0),
        max_digits=12,
        decimal_places=2,
        help_text=help_text,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"invalid": "请填写正确的金额，例如 399.00。", "min_value": "金额不能为负数。"},
    )


def day(label: str, *, required: bool = True, help_text: str = "") -> Any:
    return forms.DateField(
        label=label,
        required=required,
        help_text=help_text,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        error_messages={"required": f"请填写{label}。", "invalid": f"请填写正确的{label}。"},
    )


def moment(label: str, *, required: bool = True, help_text: str = "") -> Any:
    """A moment of Shanghai, as a browser's own picker gives it."""
    return forms.DateTimeField(
        label=label,
        required=required,
        help_text=help_text,
        input_formats=[MOMENT, "%Y-%m-%dT%H:%M:%S"],
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        error_messages={"required": f"请填写{label}。", "invalid": f"请填写正确的{label}。"},
    )


def one_of(label: str, choices: Any, *, radio: bool = True, help_text: str = "", **more: Any) -> Any:
    return forms.ChoiceField(
        label=label,
        choices=choices,
        help_text=help_text,
        widget=UnfoldAdminRadioSelectWidget if radio else UnfoldAdminSelectWidget,
        error_messages={"required": f"请选择{label}。", "invalid_choice": f"请选择{label}。"},
        **more,
    )


def claims_of_consumer() -> Any:
    """What the consumer wants, one or more."""
    return forms.MultipleChoiceField(
        label="诉求",
        choices=Claim.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "请至少选择一项诉求。", "invalid_choice": "诉求不在可选范围内。"},
    )


class ActForm(Versioned):
    """An act on one dispute."""

    def __init__(
        self, *args: Any, by: User | None = None, dispute: Dispute | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)


class WithUid(ActForm):
    """`client_uid` is made with the page: sent twice, it is one."""

    client_uid = forms.UUIDField(widget=forms.HiddenInput, error_messages={"required": STALE_PAGE})


class SettleForm(ActForm):
    note = text("和解情况", required=False, rows=3, longest=1000, help_text="可不填，例如：商家退款399元。")


class EscalateForm(ActForm):
    note = text("哪一方请求、为什么", rows=3, help_text="例如：消费者请求商圈调解，店长表示无权决定退款。")


class FailForm(ActForm):
    reason = one_of("未达成的原因", [(one.value, one.label) for one in CHOSEN_FAIL_REASONS])
    note = text("说明", required=False, rows=3, longest=1000)


class WithdrawForm(ActForm):
    reason = one_of("撤回原因", WithdrawalReason.choices)
    note = text("说明", required=False, rows=3, longest=1000)


class ToOfficialForm(ActForm):
    way = one_of("消费者怎样表示的", SAID)
    said_at = moment("表示时间", required=False, help_text="不填即为现在。")
    note = text("说明", required=False, rows=3)


class AcceptForm(ActForm):
    conditions = forms.MultipleChoiceField(
        label="逐项核对法定受理条件",
        choices=list(official.CONDITIONS.items()),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={"invalid_choice": "无法识别的条件，请刷新页面。"},
    )
    note = text("说明", required=False, rows=3)


class RefuseForm(ActForm):
    ground = one_of("不予受理的法定情形", RefusalGround.choices)
    note = text(
        "说明", required=False, rows=3, longest=1000, help_text="选择“其他情形”的，须写明依据的条款。"
    )


class BeginTestingForm(ActForm):
    kind = one_of("类型", TestingKind.choices)
    institution = line("机构", longest=80)


class EndTestingForm(ActForm):
    result = text("结论", rows=3)
    ended_at = moment("结束时间", required=False, help_text="补登时填写，不填即为现在。")


class PerformedForm(ActForm):
    note = text("核实情况", required=False, rows=3, help_text="例如：消费者确认已收到退款。")


class BrokenForm(ActForm):
    """协议未履行; at COMMUNITY the consumer may say that it shall go to 12315."""

    note = text("未履行的情况", rows=3)
    way = one_of(
        "消费者要求转12315",
        [("", "没有要求"), *SAID],
        required=False,
        help_text="消费者本人要求的才选择，写明是怎样表示的。",
    )

    def __init__(self, *args: Any, by: Any = None, dispute: Dispute | None = None, **options: Any) -> None:
        super().__init__(*args, by=by, dispute=dispute, **options)
        if dispute is not None and (dispute.tier != Tier.COMMUNITY or dispute.word_at is not None):
            del self.fields["way"]


class BookForm(WithUid):
    """预约调解会. Whoever mediates is one of the station's (office's) people."""

    mediator = forms.TypedChoiceField(label="调解员", coerce=int, widget=UnfoldAdminSelectWidget)
    place = one_of("地点", Session.Place.choices, initial=Session.Place.STATION)
    starts_at = moment("开始时间")
    ends_at = moment("结束时间")
    note = text("备注", required=False, rows=2, help_text="例如：请双方携带购物凭证。")

    def __init__(self, *args: Any, by: Any = None, dispute: Dispute | None = None, **options: Any) -> None:
        super().__init__(*args, by=by, dispute=dispute, **options)
        people: Any = self.fields["mediator"]
        people.choices = [] if dispute is None else _people(dispute, by)


def _people(dispute: Dispute, by: User | None) -> list[tuple[int, str]]:
    """Who may hold a session of this dispute: its handlers now, and who asks."""
    from stations.people import handlers

    found = handlers([dispute], clock.now())[dispute.pk] | ({by.pk} if by is not None else set())
    rows = User.objects.filter(pk__in=found).order_by("name")
    return [(one.pk, one.name) for one in rows]


class HoldForm(ActForm):
    consumer_came = forms.BooleanField(label="消费者到场", required=False, widget=UnfoldBooleanSwitchWidget)
    shop_came = forms.BooleanField(label="经营者到场", required=False, widget=UnfoldBooleanSwitchWidget)
    minutes = text("调解记录", rows=8, longest=4000, help_text="双方主张、调解意见和结果。登记后不能修改。")


class CancelForm(ActForm):
    why = text("取消原因", rows=2, longest=200)


class RevealForm(ActForm):
    reason = line(
        "查看事由", longest=200, help_text="4 至 200 字，例如：电话通知消费者调解时间。查看会留痕。"
    )


class SurveyForm(ActForm):
    rating = one_of("消费者评价", Rating.choices)
    comment = text("意见", required=False, rows=3)


class LeadForm(WithUid):
    """A hint of wrongdoing; nothing of the consumer goes along."""

    category = forms.ModelChoiceField(
        Category.objects.none(),
        label="问题分类",
        empty_label="请选择分类",
        widget=UnfoldAdminSelectWidget,
        error_messages={"required": "请选择分类。"},
    )
    description = text(
        "问题描述",
        required=False,
        longest=2000,
        help_text="写明涉嫌的违法问题，不写消费者。不填即用纠纷的内容（已隐去消费者）。",
    )

    def __init__(self, *args: Any, by: Any = None, dispute: Dispute | None = None, **options: Any) -> None:
        super().__init__(*args, by=by, dispute=dispute, **options)
        found: Any = self.fields["category"]
        found.queryset = Category.objects.filter(is_active=True).order_by("code")


class SignatureField(forms.CharField):
    """A drawn signature: a data URL in a hidden field → the bytes of its PNG; empty of nothing drawn."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_URL, required=False, widget=forms.HiddenInput, **options)
        self.error_messages["max_length"] = "签名图过大，请清除后重新签名。"

    def clean(self, value: Any) -> bytes:
        said: str = super().clean(value)
        if not said:
            return b""
        if not said.startswith(PREFIX):
            raise forms.ValidationError("签名图无法识别，请清除后重新签名。")
        try:
            return base64.b64decode(said.removeprefix(PREFIX).encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise forms.ValidationError("签名图无法识别，请清除后重新签名。") from None


class TermsForm(WithUid):
    """What the parties agreed: enough for the draft that they read."""

    terms = text("协议内容", rows=7, longest=MOST_TERMS, help_text="谁在什么时候做什么，逐项写清。")
    amount = money("给付金额（元）", help_text="没有金钱给付的不填。")
    perform_by = day("履行期限", help_text="到当日24时为止，最长一年。")


class AgreeForm(TermsForm):
    """签订调解协议: the two parties draw, the mediator signs by account and may draw too."""

    consumer = SignatureField(label="消费者签名")
    shop = SignatureField(label="经营者签名")
    mediator = SignatureField(label="调解员签名")


class CorrectForm(ActForm):
    """更正登记: the shop found in the register, goods, amount, claims; as they stand to begin with."""

    register_code = line(
        "登记册中的店铺",
        longest=20,
        required=False,
        help_text="填写店门上的一店一码或者统一社会信用代码；店铺不改则留空。",
    )
    goods = line("商品或服务", longest=LONGEST_GOODS)
    goods_kind = one_of("类别", GoodsKind.choices, radio=False)
    amount = money("争议金额（元）")
    bought_on = day("消费日期", required=False)
    claims = claims_of_consumer()

    def __init__(self, *args: Any, by: Any = None, dispute: Dispute | None = None, **options: Any) -> None:
        super().__init__(*args, by=by, dispute=dispute, **options)
        for name in ("goods", "goods_kind", "amount", "bought_on", "claims"):
            self.fields[name].initial = getattr(dispute, name, None)

    def clean_register_code(self) -> BusinessEntity | None:
        code = str(self.cleaned_data["register_code"]).upper().replace(" ", "")
        if not code:
            return None
        found = BusinessEntity.objects.filter(Q(code=code) | Q(uscc=code)).order_by("id").first()
        if found is None:
            raise forms.ValidationError("登记册中没有这个编码，请核对店门上的二维码编号或者营业执照。")
        return found


class IntakeForm(KeepsPhotos):
    """登记纠纷, on one page."""

    client_uid = forms.UUIDField(widget=forms.HiddenInput, error_messages={"required": STALE_PAGE})
    station = one_of("登记服务站", [], radio=False)
    source = one_of("来源", [(one.value, one.label) for one in BY_HAND], initial=BY_HAND[0].value)
    entity = forms.ModelChoiceField(
        BusinessEntity.objects.none(), required=False, widget=forms.HiddenInput, label="店铺"
    )
    entity_name = forms.CharField(label="店铺", required=False, max_length=LONGEST_SHOP)
    goods = line("商品或服务", longest=LONGEST_GOODS, placeholder="例如：羊绒大衣")
    goods_kind = one_of("类别", [("", "请选择"), *GoodsKind.choices], radio=False)
    amount = money("争议金额（元）")
    bought_on = day("消费日期", required=False)
    claims = claims_of_consumer()
    phone = line("联系电话", longest=20, inputmode="tel")
    name = line("姓名", longest=LONGEST_NAME, required=False)
    description = text("纠纷情况", required=False, rows=4, longest=LONGEST_DESCRIPTION)
    wants_official = forms.BooleanField(required=False, label="调解不成，同意转12315（由市场监管所处理）")

    def __init__(self, *args: Any, by: User, stations: list[Station], **options: Any) -> None:
        super().__init__(*args, **options)
        chooser: Any = self.fields["station"]
        chooser.choices = [(one.code, one.name) for one in stations]
        shops: Any = self.fields["entity"]
        shops.queryset = BusinessEntity.objects.all()
        self.fields["photos"].label = "照片、视频或语音"

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if not (said.get("entity") or said.get("entity_name")) and "entity_name" not in self.errors:
            self.add_error("entity_name", "请选择或填写店铺名称。")
        return said


class ToStationForm(forms.Form):
    """转服务站 of a kept complaint."""

    station = forms.ChoiceField(label="服务站", required=False, widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, stations: list[Station], **options: Any) -> None:
        super().__init__(*args, **options)
        chooser: Any = self.fields["station"]
        chooser.choices = [("", "按店铺所在地自动确定"), *((one.code, one.name) for one in stations)]


def local(at: Any) -> str:
    """A moment as the browser's picker wants it."""
    return str(at.astimezone(SHANGHAI).strftime(MOMENT))
