"""登记纠纷 on one page within a minute, by the same service as the API (DESIGN.md §9)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from grids.access import scope_of
from grids.own_pages import say_refused
from kernel.accounts.models import User
from kernel.errors import DomainError
from kernel.evidence import uploads
from kernel.evidence.uploads import put
from stations import intake
from stations.admin import seats
from stations.forms import IntakeForm
from stations.intake import Given
from stations.models import Source, Station

if TYPE_CHECKING:
    from stations.admin.disputes import DisputeAdmin

USED = "这张表单已经提交过一次，内容与现在的不同。如果确实是另一件纠纷，请再次提交。"
AT_ONCE = "at_once"
"""The name of the button 登记并当场和解."""
FIELD_OF = {"evidence": "photos", "entity": "entity_name"}


def show(admin: DisputeAdmin, request: HttpRequest) -> HttpResponse:
    """The page. The number `client_uid` is made with it: sent twice, it is one dispute."""
    by = admin.me(request)
    stations = seats.own_first(scope_of(by))
    if request.method == "POST":
        return _post(admin, request, by, stations)
    asked = request.GET.get("station", "")
    station = asked if any(one.code == asked for one in stations) else (stations[0].code if stations else "")
    first = {"client_uid": uuid.uuid4(), "station": station}
    return _ask(admin, request, IntakeForm(initial=first, by=by, stations=stations))


def _post(admin: DisputeAdmin, request: HttpRequest, by: User, stations: list[Station]) -> HttpResponse:
    form = IntakeForm(request.POST, request.FILES, by=by, stations=stations)
    kept: list[int] = []
    valid = form.is_valid()
    at_once = AT_ONCE in request.POST
    try:
        kept = uploads.of_form(form, by=by)
        if valid:
            source = Source(form.cleaned_data["source"])
            taken = intake.take(_given(form.cleaned_data, kept, at_once), by=by, source=source)
            done = "已登记，并当场和解" if at_once else "已登记"
            told = done if taken.created else "此前已登记过，没有重复登记"
            messages.success(request, f"{taken.dispute.number} {told}。")
            return HttpResponseRedirect(admin.row_address(taken.dispute))
    except DomainError as refused:
        say_refused(form, refused, fields=FIELD_OF, used=USED)
        return _ask(admin, request, form, kept=kept, status=refused.status)
    return _ask(admin, request, form, kept=kept, status=400)


def _given(said: dict[str, Any], evidence: list[int], at_once: bool) -> Given:
    same = ("goods", "goods_kind", "amount", "bought_on", "description", "name", "phone", "wants_official")
    entity = said["entity"]
    return Given(
        **{name: said[name] for name in same},
        client_uid=said["client_uid"],
        station_code=said["station"],
        claims=tuple(said["claims"]),
        entity_id=entity.pk if entity else None,
        entity_name="" if entity else said["entity_name"],
        evidence=tuple(evidence),
        settled_at_once=at_once,
    )


def _ask(
    admin: DisputeAdmin,
    request: HttpRequest,
    form: IntakeForm,
    *,
    kept: list[int] | None = None,
    status: int = 200,
) -> HttpResponse:
    if form.is_bound:
        put(form, kept=",".join(str(number) for number in kept or []))
    found: Any = getattr(form, "cleaned_data", {}).get("entity") if form.is_bound else None
    shown = {
        "form": form,
        "kept": kept or [],
        "chosen": found.name if found else "",
        "back": admin.list_address(),
    }
    return admin.render(request, "stations/intake.html", shown, title="登记纠纷", status=status)
