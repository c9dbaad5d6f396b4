"""One act on a whistle's page: which form was sent, which service answers, and what a refusal looks like."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from kernel.accounts.models import User
from kernel.errors import DomainError, NotVisible, StaleVersion
from kernel.evidence import uploads
from kernel.evidence.uploads import put
from leads import whistle_calls, whistles
from leads.admin.act_view import seen
from leads.forms_whistles import CallMoreForm, CloseForm, StepForm
from leads.models import Whistle
from leads.whistle_calls import Word
from leads.whistle_states import Answer, CallMove

if TYPE_CHECKING:
    from leads.admin.whistles import WhistleAdmin

STALE = "情况在您填写期间有了变化，您填写的内容已保留，请核对后再提交。"
ANSWERS = {
    CallMove.RECEIVE.value: Answer.RECEIVED,
    CallMove.DISPATCH.value: Answer.DISPATCHED,
    CallMove.DECLINE.value: Answer.NOT_OURS,
}
DONE = {
    CallMove.CHECK_IN.value: "已登记到场。",
    CallMove.REPORT.value: "已登记处置情况。",
    "close": "已结束吹哨。",
    "more": "已通知所选部门。",
}


def take(admin: WhistleAdmin, request: HttpRequest, whistle: Whistle) -> HttpResponse:
    """Do what was asked. `step` names the act, `department` whose call it is about."""
    step, by = str(request.POST.get("step", "")), admin.me(request)
    if step == "phones":
        return _phones(admin, request, whistle, by)
    prefix, form = _form(request, whistle, step)
    if form is None:
        messages.error(request, "没有这项操作，请刷新页面后再试。")
        return HttpResponseRedirect(admin.row_address(whistle))
    kept: list[int] = []
    status = 400
    try:
        kept = _photos(form, whistle, by, step)
        if form.is_valid():
            _do(whistle, by, step, prefix, form, kept)
            messages.success(request, DONE.get(step, "已登记部门回应。"))
            return HttpResponseRedirect(admin.row_address(whistle))
    except NotVisible as refused:
        messages.error(request, refused.detail)
        return HttpResponseRedirect(admin.list_address())
    except DomainError as refused:
        status = refused.status
        field = refused.attr if refused.attr in form.fields else None
        form.add_error(field, STALE if isinstance(refused, StaleVersion) else refused.detail)
    fresh = admin.find(request, whistle.pk) or whistle
    put(
        form,
        **{f"{prefix}-version": str(fresh.version), f"{prefix}-kept": ",".join(str(one) for one in kept)},
    )
    return admin.page(request, fresh, bound={prefix: form}, kept=kept, status=status)


def _form(request: HttpRequest, whistle: Whistle, step: str) -> tuple[str, Any]:
    called = {call.department.code for call in whistle.calls.all()}
    department = str(request.POST.get("department", ""))
    if step == "close":
        return "close", CloseForm(request.POST, prefix="close")
    if step == "more":
        return "more", CallMoreForm(request.POST, prefix="more", called=called)
    if step in {move.value for move in CallMove} - {CallMove.END.value} and department in called:
        form = StepForm(request.POST, request.FILES, prefix=department)
        if step == CallMove.REPORT:
            form.fields["note"].required = True
            form.fields["note"].error_messages["required"] = "请写明处置情况。"
        return department, form
    return "", None


def _photos(form: Any, whistle: Whistle, by: User, step: str) -> list[int]:
    """Numbers of the form's files: those of an earlier try, and those just sent, stored now."""
    if not isinstance(form, StepForm) or step != CallMove.REPORT.value:
        return []
    form.is_valid()
    raw = str(form.data.get(f"{form.prefix}-kept", "")).split(",")
    ids = [int(one) for one in raw if one.isascii() and one.isdigit() and len(one) < 18][:20]
    earlier = uploads.loose(ids, by=by)
    sent = form.cleaned_data.get("photos") or []
    seed = uuid.uuid5(uuid.NAMESPACE_OID, f"{whistle.stream}:{form.prefix}:{by.pk}")
    return list(dict.fromkeys([*earlier, *uploads.keep(sent, by=by, seed=seed)]))


def _do(whistle: Whistle, by: User, step: str, prefix: str, form: Any, kept: list[int]) -> None:
    given = form.cleaned_data
    common: dict[str, Any] = {"whistle_id": whistle.pk, "by": by, "expect": seen(given["version"])}
    if step == "close":
        whistles.close(**common, note=given["note"])
        return
    if step == "more":
        whistles.call_more(**common, departments=given["departments"])
        return
    word = Word(prefix, given["said_by"])
    if step in ANSWERS:
        whistle_calls.answer(**common, answer=ANSWERS[step], word=word, note=given["note"][:500])
    elif step == CallMove.CHECK_IN:
        whistle_calls.check_in(**common, word=word, note=given["note"][:500])
    else:
        whistle_calls.report(**common, word=word, note=given["note"], evidence=kept)


def _phones(admin: WhistleAdmin, request: HttpRequest, whistle: Whistle, by: User) -> HttpResponse:
    """Show a department's telephones to the caller's side: once, on this page, with a journal entry."""
    try:
        found = whistle_calls.reveal_contacts(
            whistle_id=whistle.pk, by=by, department=str(request.POST.get("department", ""))
        )
    except DomainError as refused:
        messages.error(request, refused.detail)
        return HttpResponseRedirect(admin.row_address(whistle))
    phones = {"department": request.POST.get("department"), "rows": found}
    return admin.page(request, whistle, phones=phones)
