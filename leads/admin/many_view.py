"""Acknowledging many supervision orders at once: each its own row, its own instruction, its own answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import formset_factory
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from grids.access import scope_of
from kernel.accounts.models import User
from kernel.errors import DomainError, StaleVersion
from leads import supervision
from leads.admin.act_view import seen
from leads.admin.orders_shown import OrderShown, order_rows
from leads.forms import RowForm
from leads.models import Instruction

if TYPE_CHECKING:
    from leads.admin.orders import SupervisionOrderAdmin

MOST_AT_ONCE = 50
Rows = formset_factory(RowForm, extra=0, max_num=MOST_AT_ONCE, absolute_max=MOST_AT_ONCE)


def show(admin: SupervisionOrderAdmin, request: HttpRequest) -> HttpResponse:
    """GET shows the chosen orders that wait for this person; POST acknowledges row by row."""
    if not admin.has_act_permission(request):
        raise PermissionDenied
    by = admin.me(request)
    if request.method == "POST":
        return _sent(admin, request, by)
    asked = request.GET.get("ids", "").split(",")
    ids = [int(one) for one in asked if one.isascii() and one.isdigit() and len(one) < 18][:MOST_AT_ONCE]
    rows = [row for row in _shown(admin, request, by, ids) if row.mine]
    if not rows:
        messages.warning(request, "所选督办单中没有等待您签收的。")
        return HttpResponseRedirect(admin.list_address())
    forms = Rows(initial=[{"order": row.order.pk, "version": row.order.version} for row in rows])
    return _page(admin, request, [*zip(rows, forms, strict=True)], forms)


def _shown(admin: SupervisionOrderAdmin, request: HttpRequest, by: User, ids: Any) -> list[OrderShown]:
    return order_rows(admin.get_queryset(request).filter(pk__in=ids), by, scope_of(by).at)


def _sent(admin: SupervisionOrderAdmin, request: HttpRequest, by: User) -> HttpResponse:
    left, done = [], 0
    for form in Rows(request.POST):
        if form.is_valid() and _acknowledge(form, by):
            done += 1
        else:
            left.append(form)
    if done:
        messages.success(request, f"已签收 {done} 张督办单。")
    if not left:
        return HttpResponseRedirect(admin.list_address())
    messages.error(request, f"还有 {len(left)} 张没有签收，请看每行的说明。")
    return _left(admin, request, by, left)


def _acknowledge(form: Any, by: User) -> bool:
    """One row by the service; a refusal stands on its form."""
    given = form.cleaned_data
    try:
        supervision.acknowledge(
            order_id=given["order"],
            by=by,
            expect=seen(given["version"]),
            instruction=Instruction(given["instruction"]),
            note=given["note"],
        )
    except StaleVersion:
        form.add_error(None, "督办单有了变化，请核对后再提交。")
    except DomainError as refused:
        form.add_error(refused.attr if refused.attr in form.fields else None, refused.detail)
    else:
        return True
    return False


def _left(admin: SupervisionOrderAdmin, request: HttpRequest, by: User, left: list[Any]) -> HttpResponse:
    """The rows that were refused, as typed, with the version of now."""
    numbers = {form.cleaned_data.get("order") for form in left} - {None}
    rows = {row.order.pk: row for row in _shown(admin, request, by, numbers)}
    kept = [form for form in left if form.cleaned_data.get("order") in rows]
    if not kept:
        return HttpResponseRedirect(admin.list_address())
    typed = [
        {
            "order": form.cleaned_data["order"],
            "version": rows[form.cleaned_data["order"]].order.version,
            "instruction": form["instruction"].value(),
            "note": form["note"].value(),
        }
        for form in kept
    ]
    again = Rows(initial=typed)
    pairs = []
    for form, old in zip(again, kept, strict=True):
        form.refusals = [str(error) for errors in old.errors.values() for error in errors]
        pairs.append((rows[old.cleaned_data["order"]], form))
    return _page(admin, request, pairs, again, status=409)


def _page(
    admin: SupervisionOrderAdmin, request: HttpRequest, pairs: list[Any], forms: Any, status: int = 200
) -> HttpResponse:
    one_by_one = [(i.value, i.label) for i in Instruction if i != Instruction.REASSIGN]
    context = {"pairs": pairs, "forms": forms, "instructions": one_by_one}
    return admin.render(request, "leads/acknowledge_many.html", context, title="签收督办单", status=status)
