"""One act on one lead: a form, the service, and – where it refuses – the form again with every word kept."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect

from grids import own_pages
from grids.access import scope_of
from kernel.accounts.models import User
from kernel.errors import DomainError, NotVisible, StaleVersion
from kernel.evidence import uploads
from kernel.evidence.uploads import KeepsPhotos, put
from leads.acts import Expect
from leads.admin import clock_face, moves, page, words
from leads.forms import ActForm
from leads.models import Lead, Signature
from leads.selectors import deadlines_of

if TYPE_CHECKING:
    from leads.admin.leads import LeadAdmin

FIELD_OF = {
    "disposal.kind": "kind",
    "disposal.note": "note",
    "disposal.rectify_due_at": "rectify_due_on",
    "disposal.case_number": "case_number",
    "disposal.department": "department",
    "final_due_at": "final_due_on",
    "evidence": "photos",
    "until": "until_on",
}
"""Names that services give to what is at fault → fields of our forms."""


def seen(version: int) -> Expect:
    """An `expect` that takes only the version that the person had on his page."""
    return own_pages.seen(version, "这条线索在您填写期间有了变化。")


def show(admin: LeadAdmin, request: HttpRequest, object_id: int, key: str) -> HttpResponse:
    """The page of one act. GET asks, POST does."""
    offer = moves.OFFERS.get(key)
    lead = admin.find(request, object_id)
    if lead is None or offer is None:
        return admin.unknown(request)
    by = admin.me(request)
    if request.method == "POST":
        return _post(admin, request, lead, offer, by)
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    if offer not in _offered(lead, by):
        messages.warning(request, f"您目前不能对这条线索{offer.label}。")
        return HttpResponseRedirect(admin.row_address(lead))
    form = offer.form(initial={"version": lead.version}, by=by, lead=lead)
    return _ask(admin, request, lead, offer, by, form)


def _offered(lead: Lead, by: User) -> list[moves.Offer]:
    signatures = list(Signature.objects.filter(lead=lead))
    clocks = deadlines_of([lead.pk])[lead.pk]
    return moves.offered(lead, by, clocks=clocks, signatures=signatures, at=scope_of(by).at)


def _post(admin: LeadAdmin, request: HttpRequest, lead: Lead, offer: moves.Offer, by: User) -> HttpResponse:
    if scope_of(by).is_auditor:
        messages.error(request, "审计员只能查看，不能办理。")
        return HttpResponseRedirect(admin.row_address(lead))
    form = offer.form(request.POST, request.FILES, by=by, lead=lead)
    valid = form.is_valid()
    kept: list[int] = []
    try:
        kept = _photos(form, by, lead)
        if valid:
            given = form.cleaned_data
            offer.call(moves.Call(lead.pk, by, seen(given["version"]), given, tuple(kept)))
            messages.success(request, f"{lead.number}：{offer.done}")
            return HttpResponseRedirect(admin.row_address(lead))
    except NotVisible as refused:
        messages.error(request, refused.detail)
        return HttpResponseRedirect(admin.list_address())
    except DomainError as refused:
        return _refused(admin, request, lead, offer, by, form, kept, refused)
    return _ask(admin, request, lead, offer, by, form, kept=kept, status=400)


def _photos(form: ActForm, by: User, lead: Lead) -> list[int]:
    """Numbers of this form's photos: those of an earlier try, and those just sent, stored now."""
    if not isinstance(form, KeepsPhotos):
        return []
    earlier = uploads.loose(form.kept_ids(), by=by)
    sent = form.cleaned_data.get("photos") or []
    seed = uuid.uuid5(uuid.NAMESPACE_OID, f"{lead.stream}:{lead.round}:{by.pk}")
    return list(dict.fromkeys([*earlier, *uploads.keep(sent, by=by, seed=seed)]))


def _refused(
    admin: LeadAdmin,
    request: HttpRequest,
    lead: Lead,
    offer: moves.Offer,
    by: User,
    form: ActForm,
    kept: list[int],
    refused: DomainError,
) -> HttpResponse:
    """The form again, as typed, with the sentence of the refusal and the lead as it is now."""
    fresh = admin.find(request, lead.pk)
    if fresh is None:
        return admin.unknown(request)
    if isinstance(refused, StaleVersion):
        form.add_error(
            None,
            f"{refused.detail}现在的状态是“{fresh.get_state_display()}”。"
            "您填写的内容都已保留，请核对下方最新情况后再提交。",
        )
    else:
        own_pages.say_refused(form, refused, fields=FIELD_OF)
    return _ask(admin, request, fresh, offer, by, form, kept=kept, status=refused.status)


def _ask(
    admin: LeadAdmin,
    request: HttpRequest,
    lead: Lead,
    offer: moves.Offer,
    by: User,
    form: ActForm,
    *,
    kept: list[int] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the form; the version it carries is the one of the lead shown beside it."""
    if form.is_bound:
        put(form, version=str(lead.version), kept=",".join(str(number) for number in kept or []))
    scope = scope_of(by)
    say: page.Say = words.masked if scope.is_auditor else str
    shown: dict[str, Any] = {
        "lead": lead,
        "offer": offer,
        "label": offer.label_on(lead),
        "original": lead,
        "form": form,
        "kept": kept or [],
        "back": admin.row_address(lead),
        "rounds": page.rounds(lead, say),
        "description": say(lead.description),
        "face": clock_face.nearest(lead, deadlines_of([lead.pk])[lead.pk], scope.at),
        "severity_tone": words.SEVERITY_COLOURS[lead.get_severity_display()],
        "state_tone": words.STATE_COLOURS[lead.get_state_display()],
    }
    return admin.render(
        request, "leads/act.html", shown, title=f"{offer.label_on(lead)} {lead.number}", status=status
    )
