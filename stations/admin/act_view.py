"""One act on one dispute: a form, the service, and, where it refuses, the form again with all words."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse

from grids.access import scope_of
from grids.own_pages import say_refused, seen
from kernel.accounts.models import User
from kernel.errors import DomainError, NotVisible, StaleVersion
from kernel.evidence.uploads import put
from stations import documents
from stations.admin import moves, page
from stations.admin.moves import Call, Offer
from stations.forms import ActForm, TermsForm, local
from stations.models import Dispute, Session

if TYPE_CHECKING:
    from stations.admin.disputes import DisputeAdmin

FIELD_OF = {
    "signatures": None,
    "signatures.consumer": "consumer",
    "signatures.shop": "shop",
    "signatures.mediator": "mediator",
    "entity": "register_code",
}
"""Names that services give to what is at fault → fields of our forms."""
USED = "这张表单已经提交过一次，内容与现在的不同。确需再次提交的，请核对后重新提交。"


def show(
    admin: DisputeAdmin, request: HttpRequest, object_id: int, key: str, session_id: int = 0
) -> HttpResponse:
    """The page of one act. GET asks, POST does."""
    offer = moves.OFFERS.get(key)
    dispute = admin.find(request, object_id)
    if dispute is None or offer is None or (key in moves.ON_A_SESSION) != bool(session_id):
        return admin.unknown(request)
    session = _session(dispute, session_id)
    if session_id and session is None:
        return admin.unknown(request)
    by = admin.me(request)
    if request.method == "POST":
        return _post(admin, request, dispute, offer, by, session)
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    if not _offered(dispute, offer, by, session):
        messages.warning(request, f"您目前不能对这件纠纷{offer.label}。")
        return HttpResponseRedirect(admin.row_address(dispute))
    form = offer.form(initial=_first_words(dispute, offer, by), by=by, dispute=dispute)
    return ask(admin, request, dispute, offer, by, form, session=session)


def _session(dispute: Dispute, session_id: int) -> Session | None:
    return next((one for one in dispute.sessions.all() if one.pk == session_id), None)


def _offered(dispute: Dispute, offer: Offer, by: User, session: Session | None) -> bool:
    scope = scope_of(by)
    if session is not None:
        return session.state == Session.State.PLANNED and moves.may_act_on_sessions(dispute, scope)
    return offer in moves.offered(dispute, by, scope)


def _first_words(dispute: Dispute, offer: Offer, by: User) -> dict[str, Any]:
    first: dict[str, Any] = {"version": dispute.version, "client_uid": uuid.uuid4()}
    if offer.key == "book":
        starts = scope_of(by).at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=24)
        first |= {
            "mediator": by.pk,
            "starts_at": local(starts),
            "ends_at": local(starts + timedelta(hours=1)),
        }
    if offer.key == "agree" and dispute.amount is not None:
        first["amount"] = dispute.amount
    return first


def _post(
    admin: DisputeAdmin,
    request: HttpRequest,
    dispute: Dispute,
    offer: Offer,
    by: User,
    session: Session | None,
) -> HttpResponse:
    if scope_of(by).is_auditor:
        messages.error(request, "审计员只能查看，不能办理。")
        return HttpResponseRedirect(admin.row_address(dispute))
    form = offer.form(request.POST, by=by, dispute=dispute)
    if not form.is_valid():
        return ask(admin, request, dispute, offer, by, form, session=session, status=400)
    given = form.cleaned_data
    try:
        offer.call(Call(dispute.pk, by, seen(given["version"]), given, session.pk if session else 0))
    except NotVisible as refused:
        messages.error(request, refused.detail)
        return HttpResponseRedirect(admin.list_address())
    except DomainError as refused:
        return _refused(admin, request, dispute, offer, by, form, session, refused)
    messages.success(request, f"{dispute.number}：{offer.done}")
    return HttpResponseRedirect(_after(admin, request, dispute))


def _after(admin: DisputeAdmin, request: HttpRequest, dispute: Dispute) -> str:
    """The dispute's page; the list for whom the act has taken it out of sight."""
    gone = admin.find(request, dispute.pk) is None
    return admin.list_address() if gone else admin.row_address(dispute)


def _refused(
    admin: DisputeAdmin,
    request: HttpRequest,
    dispute: Dispute,
    offer: Offer,
    by: User,
    form: ActForm,
    session: Session | None,
    refused: DomainError,
) -> HttpResponse:
    """The form again, as typed, with the sentence of the refusal and the dispute as it is now."""
    fresh = admin.find(request, dispute.pk)
    if fresh is None:
        return admin.unknown(request)
    if isinstance(refused, StaleVersion):
        form.add_error(
            None,
            f"这件纠纷在您填写期间有了变化，现在的状态是“{fresh.get_state_display()}”。"
            "您填写的内容都已保留，请核对最新情况后再提交。",
        )
    else:
        say_refused(form, refused, fields=FIELD_OF, used=USED)
    return ask(admin, request, fresh, offer, by, form, session=session, status=refused.status)


def ask(
    admin: DisputeAdmin,
    request: HttpRequest,
    dispute: Dispute,
    offer: Offer,
    by: User,
    form: ActForm,
    *,
    session: Session | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the form; the version it carries is the one of the dispute shown beside it."""
    if form.is_bound:
        put(form, version=str(dispute.version))
    name = "stations_dispute_session" if session else "stations_dispute_act"
    where = [dispute.pk, session.pk, offer.key] if session else [dispute.pk, offer.key]
    shown: dict[str, Any] = {
        **page.head(dispute, by),
        "offer": offer,
        "form": form,
        "session": session,
        "action": reverse(f"admin:{name}", args=where),
        "preview": reverse("admin:stations_dispute_preview", args=[dispute.pk]),
        "signatures": [form[name] for name in ("consumer", "shop", "mediator") if name in form.fields],
        "back": admin.row_address(dispute),
    }
    template = "stations/agree.html" if offer.key == "agree" else "stations/act.html"
    return admin.render(request, template, shown, title=f"{offer.label} {dispute.number}", status=status)


# --- agreements on paper ---------------------------------------------------------------------------


def preview(admin: DisputeAdmin, request: HttpRequest, object_id: int) -> HttpResponse:
    """The draft that the parties read before they sign, as PDF; the form again where a word is missing."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    dispute = admin.find(request, object_id)
    if dispute is None:
        return admin.unknown(request)
    by, offer = admin.me(request), moves.OFFERS["agree"]
    form = TermsForm(request.POST)
    try:
        if form.is_valid():
            paper = documents.draft(dispute_id=dispute.pk, by=by, given=moves.terms_of(form.cleaned_data))
            return saved(documents.pdf(paper), "application/pdf", f"{dispute.number}-draft.pdf", shown=True)
        refusals = {name: [str(one) for one in errors] for name, errors in form.errors.items()}
    except DomainError as refused:
        refusals = {refused.attr or "__all__": [refused.detail]}
    whole = offer.form(request.POST, by=by, dispute=dispute)
    whole.is_valid()
    whole.errors.clear()
    for name, told in refusals.items():
        for one in told:
            whole.add_error(name if name in whole.fields else None, one)
    return ask(admin, request, dispute, offer, by, whole, status=400)


KINDS = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


def paper(
    admin: DisputeAdmin, request: HttpRequest, object_id: int, agreement_id: int, kind: str
) -> HttpResponse:
    """A signed agreement to print or to keep; every paper is noted."""
    dispute = admin.find(request, object_id)
    if dispute is None or kind not in KINDS:
        return admin.unknown(request)
    row = next((one for one in dispute.agreements.all() if one.pk == agreement_id), None)
    if row is None:
        return admin.unknown(request)
    try:
        made = documents.printed(agreement_id=row.pk, by=admin.me(request))
        content = documents.pdf(made) if kind == "pdf" else documents.docx(made)
    except DomainError as refused:
        messages.error(request, refused.detail)
        return HttpResponseRedirect(admin.row_address(dispute))
    return saved(content, KINDS[kind], f"{row.number}.{kind}")


def saved(content: bytes, kind: str, name: str, *, shown: bool = False) -> HttpResponse:
    """A paper that names people: kept by nobody on the way."""
    answer = HttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = f'{"inline" if shown else "attachment"}; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer


# --- who complains ---------------------------------------------------------------------------------


def reveal(admin: DisputeAdmin, request: HttpRequest, object_id: int) -> HttpResponse:
    """Show the handler whom to call, once, on the dispute's page. POST with a reason."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    dispute = admin.find(request, object_id)
    if dispute is None:
        return admin.unknown(request)
    from stations import consumers

    by = admin.me(request)
    reason = request.POST.get("reason", "")
    try:
        found = consumers.reveal(dispute_id=dispute.pk, by=by, reason=reason)
    except DomainError as refused:
        told = {"reveal_refused": refused.detail, "reveal_reason": reason[:200]}
        return admin.dispute_page(request, dispute, by, told, status=refused.status)
    return admin.dispute_page(request, dispute, by, {"revealed": found})
