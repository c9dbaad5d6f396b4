"""新线索: the desk takes a call or a walk-in (DESIGN.md §3: any intake), by the same service as a phone."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from grids.models import Grid
from grids.own_pages import say_refused
from grids.sketch import sketch
from kernel.accounts.models import User
from kernel.errors import DomainError
from kernel.evidence import uploads
from kernel.evidence.uploads import put
from leads import intake, matters
from leads.catalogue import GROUPS
from leads.forms import REQUEST, IntakeForm
from leads.intake import Report, Told
from leads.matters import Given, Part
from leads.models import Category, MatterKind

if TYPE_CHECKING:
    from leads.admin.leads import LeadAdmin

FIELD_OF = {
    "evidence": "photos",
    "location": None,
    "request.description": "description",
    "tip_off.description": "description",
}
USED = "这张表单已经提交过一次，内容与现在的不同。如果确实是另一条线索，请再次提交。"


def show(admin: LeadAdmin, request: HttpRequest) -> HttpResponse:
    """The page. The number `client_uid` is made with it: sent twice, it is one lead."""
    by = admin.me(request)
    if request.method == "POST":
        return _post(admin, request, by)
    form = IntakeForm(initial={"client_uid": uuid.uuid4()}, by=by, desk=matters.may_take(by))
    return _ask(admin, request, form)


def _post(admin: LeadAdmin, request: HttpRequest, by: User) -> HttpResponse:
    form = IntakeForm(request.POST, request.FILES, by=by, desk=matters.may_take(by))
    kept: list[int] = []
    valid = form.is_valid()
    try:
        kept = uploads.of_form(form, by=by)
        if valid and (form.cleaned_data.get("matter") or REQUEST) != REQUEST:
            return _take_matter(request, form.cleaned_data, kept, by)
        if valid:
            made = intake.report(report=_report(form.cleaned_data, kept), by=by)
            told = "已登记" if made.created else "此前已登记过，没有重复登记"
            messages.success(request, f"{made.lead.number} {told}。{made.lead.routing_reason}")
            return HttpResponseRedirect(admin.row_address(made.lead))
    except DomainError as refused:
        say_refused(form, refused, fields=FIELD_OF, used=USED)
        return _ask(admin, request, form, kept=kept, status=refused.status)
    return _ask(admin, request, form, kept=kept, status=400)


def _take_matter(request: HttpRequest, given: dict[str, Any], evidence: list[int], by: User) -> HttpResponse:
    """举报, 投诉, or two at once: every record is shown, the matter's page follows."""
    taken = matters.take(_given(given, evidence), by=by)
    matter, made = taken.matter, []
    for kind, lead in ((MatterKind.REQUEST, matter.lead), (MatterKind.TIP_OFF, matter.tip_off)):
        if lead is not None:
            made.append(f"{kind.label} {lead.number}")
    if taken.complaint is not None:
        made.append(f"{MatterKind.COMPLAINT.label} {taken.complaint.number}")
    told = "已登记" if taken.created else "此前已登记过，没有重复登记"
    messages.success(request, f"{'、'.join(made)} {told}。")
    return HttpResponseRedirect(reverse("admin:leads_matter_changelist"))


def _given(given: dict[str, Any], evidence: list[int]) -> Given:
    first, *more = given["matter"].split("+")
    business = given["entity"].name if given["entity"] else ""
    category = {"category": given["category"].pk} if given["category"] else {}
    if first == MatterKind.COMPLAINT:
        parts = [Part(MatterKind.COMPLAINT, given["description"], entity_name=business)]
    else:
        severity = given["severity"] or None if first == MatterKind.REQUEST else None
        parts = [
            Part(
                MatterKind(first),
                given["description"],
                severity=severity,
                evidence=tuple(evidence),
                **category,
            )
        ]
    if more:
        parts.append(Part(MatterKind.COMPLAINT, given["complaint"], entity_name=business))
    return Given(
        parts=tuple(parts),
        client_uid=given["client_uid"],
        told=_told(given),
        lon=given["lon"],
        lat=given["lat"],
        crs_in="wgs84" if given["lon"] is not None else "",
        entity_id=given["entity"].pk if given["entity"] else None,
    )


def _told(given: dict[str, Any]) -> Told | None:
    return Told(given["reporter_name"], given["reporter_phone"]) if given["reporter_name"] else None


def _report(given: dict[str, Any], evidence: list[int]) -> Report:
    return Report(
        client_uid=given["client_uid"],
        category=given["category"].pk,
        description=given["description"],
        lon=given["lon"],
        lat=given["lat"],
        crs_in="wgs84" if given["lon"] is not None else "",
        entity_id=given["entity"].pk if given["entity"] else None,
        severity=given["severity"] or None,
        evidence=tuple(evidence),
        told=_told(given),
    )


def _ask(
    admin: LeadAdmin,
    request: HttpRequest,
    form: IntakeForm,
    *,
    kept: list[int] | None = None,
    status: int = 200,
) -> HttpResponse:
    if form.is_bound:
        put(form, kept=",".join(str(number) for number in kept or []))
    grids = list(Grid.objects.filter(is_active=True).order_by("code"))
    chosen = form["category"].value()
    shown = {
        "form": form,
        "kept": kept or [],
        "categories": _categories(str(chosen or "")),
        "grids": grids,
        "sketch": sketch(grids),
        "entity_name": _entity_name(form),
        "back": admin.list_address(),
    }
    return admin.render(request, "leads/intake.html", shown, title="新线索", status=status)


def _entity_name(form: IntakeForm) -> str:
    """The name of the business chosen before, where the form comes back."""
    found: Any = getattr(form, "cleaned_data", {}).get("entity") if form.is_bound else None
    return found.name if found else ""


def _categories(chosen: str) -> list[dict[str, Any]]:
    """The catalogue by its groups, with the words people say for the search box. One statement."""
    groups: dict[str, list[dict[str, Any]]] = {}
    order = list(GROUPS)
    rows = sorted(Category.objects.filter(is_active=True), key=lambda c: (order.index(c.group), c.code))
    for category in rows:
        row = {
            "code": category.code,
            "name": category.name,
            "severity": category.get_severity_display(),
            "food": category.food,
            "words": " ".join([category.code, category.name, *category.words]),
            "chosen": category.code == chosen,
        }
        groups.setdefault(category.group_name, []).append(row)
    return [{"name": name, "rows": rows} for name, rows in groups.items()]
