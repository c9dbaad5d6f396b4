"""The ledger of facts, to look at. What was entered and is untrue is withdrawn here, never edited."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Concat
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from credit import importing, withdrawing
from credit.admin.lists import OfEntity
from credit.facts import LEVEL_LABELS
from credit.ledger import WITHDRAWN
from credit.models import CreditFact
from credit.wording import number_in
from grids.admin.of_entity import SHOP, GridFilter
from kernel.accounts.models import User
from kernel.clock import SHANGHAI

COUNTS, GONE = "计分", "已撤销"


class WithdrawForm(forms.Form):
    """撤销: why it is not true."""

    why = forms.CharField(
        label="撤销理由", max_length=withdrawing.LONGEST_WHY,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="写明错在哪里、依据什么，例如“导入时错录主体，处罚决定书当事人为另一家”。不写姓名、电话。",
    )  # fmt: skip


@admin.register(CreditFact)
class CreditFactAdmin(OfEntity):
    """信用事实."""

    list_display = (
        "happened_on", "shop", "grid", "kind", "level_in_words", "ref", "until", "standing", "recorded_at",
    )  # fmt: skip
    list_filter = ("kind", ("happened_on", admin.DateFieldListFilter), GridFilter)
    search_fields = (*OfEntity.search_fields, "ref")
    search_help_text = "按主体名称、代码或事项编号查找"
    ordering = ("-id",)
    list_before_template = "credit/facts_before.html"
    when_empty = "还没有信用事实。线索、巡查自动记入；行政处罚、抽检、年报等从文件导入。"
    actions_detail: Any = ("withdraw",)
    fields = (
        "entity", "kind", "level_in_words", "ref", "at", "happened_on", "until", "source", "told", "by",
        "recorded_at", "withdrawal",
    )  # fmt: skip
    export_name = "credit-facts"
    export_columns = (
        ("发生日期", lambda row: row.happened_on),
        *SHOP,
        ("事实", lambda row: row.get_kind_display()),
        ("程度", lambda row: LEVEL_LABELS.get(row.level, "")),
        ("事项", lambda row: row.ref),
        ("有效至", lambda row: row.until or ""),
        ("是否计分", lambda row: GONE if row.gone else COUNTS),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        marks = CreditFact.objects.filter(source=Concat(Value(WITHDRAWN), OuterRef("source")))
        return super().get_queryset(request).annotate(gone=Exists(marks))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        may = bool(request.user.is_staff) and importing.may_import(self.scope(request))
        return super().changelist_view(request, {"may_import": may, **(extra_context or {})})

    def has_withdraw_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.has_act_permission(request) and withdrawing.may_withdraw(self.scope(request))

    @action(description="撤销", icon="undo", url_path="withdraw", permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, object_id: int) -> HttpResponse:
        fact: CreditFact = self.wanted(request, object_id)
        back = self.row_address(fact)
        if refused := withdrawing.refusal(fact):
            messages.warning(request, refused.detail)
            return HttpResponseRedirect(back)

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            withdrawing.withdraw(fact_id=fact.pk, by=by, why=values["why"])
            return "已撤销，不再计分；该主体已重新评定。"

        effect = (
            "撤销后这条事实留存备查、不再计分，该主体即时重新评定；仅因它造成的下降一并恢复。"
            "撤销人和理由记入主体的变更历史。编号可以重新导入。"
        )
        title = f"撤销信用事实　{fact.entity.name}　{withdrawing.told(fact)}"
        form = WithdrawForm(request.POST or None)
        return self.ask(request, title=title, submit="撤销", act=act, form=form, effect=effect, back=back)

    @display(description="程度", ordering="level")
    def level_in_words(self, row: CreditFact) -> str:
        return LEVEL_LABELS.get(row.level, "")

    @display(description="是否计分", label={COUNTS: "success", GONE: "default"})
    def standing(self, row: Any) -> str:
        return GONE if row.gone else COUNTS

    @display(description="撤销情况")
    def withdrawal(self, row: CreditFact) -> str:
        mark = CreditFact.objects.filter(source=WITHDRAWN + row.source).select_related("by").first()
        if mark is None:
            return "未撤销"
        who = mark.by.name if mark.by else "系统"
        return f"{mark.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}　{who}　{mark.data.get('why', '')}"

    @display(description="详情")
    def told(self, row: CreditFact) -> str:
        """What of the details may be told: what it is about, and the number of a paper."""
        return "　".join(one for one in (str(row.data.get("what", "")), number_in(row.data)) if one) or "无"
