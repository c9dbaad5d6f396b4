"""The page behind a department's SMS (`/w/<token>/`): no sign-in, phone-sized, one answer (whistle_links).

It tells the grid, the place, the kind of problem and the caller's telephone, and nothing else of a lead.
GET never answers: gateways open every link they carry. Asking too often gives 429.

No session, no cookie: the token in the address is the right, so `csrf_exempt` takes nothing away. With
`Referrer-Policy: no-referrer`, which keeps the token from any other site, a browser sends `Origin: null`,
and a check against forgery would refuse every answer.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from kernel import clock
from kernel.errors import DomainError
from leads import links, whistle_calls, whistle_links, whistle_notices
from leads.models import WhistleLink
from leads.whistle_states import Answer, CallState, WhistleState

CHOOSE = "请选择一项回应。"


class AnswerForm(forms.Form):
    answer = forms.ChoiceField(
        choices=Answer.choices, error_messages={"required": CHOOSE, "invalid_choice": CHOOSE}
    )
    note = forms.CharField(max_length=200, required=False)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def whistle_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show the call, or take the answer."""
    throttle = links.LinkThrottle()
    if not throttle.allow_request(request, None):  # type: ignore[arg-type]
        return links.private(_page(request, 429, refused=links.TOO_OFTEN), throttle=throttle)
    try:
        link = whistle_links.find(token, clock.now())
        if request.method != "POST":
            return _page(request, 200, link=link)
        return _post(request, token, link)
    except DomainError as refused:
        return _page(request, refused.status, refused=refused.detail)


def _post(request: HttpRequest, token: str, link: WhistleLink) -> HttpResponse:
    form = AnswerForm(request.POST)
    if not form.is_valid():
        wrong = "；".join(str(one) for errors in form.errors.values() for one in errors)
        return _page(request, 400, link=link, wrong=wrong)
    whistle_calls.answer_by_link(
        token=token,
        answer=Answer(form.cleaned_data["answer"]),
        note=form.cleaned_data["note"],
        at=clock.now(),
    )
    return _page(request, 200, link=whistle_links.find(token, clock.now()), done=True)


def _page(request: HttpRequest, status: int, *, link: WhistleLink | None = None, **told: Any) -> HttpResponse:
    shown: dict[str, Any] = {"title": "部门报到", **told}
    if link is not None:
        call = link.call
        whistle = call.whistle
        shown |= {
            "words": whistle_notices.words(whistle),
            "call": call,
            "caller": whistle_notices.caller_name(whistle),
            "telephone": whistle.telephone,
            "open": call.state == CallState.CALLED and whistle.state == WhistleState.OPEN,
            "answers": [{"value": one.value, "label": one.label} for one in Answer],
        }
    return links.private(TemplateResponse(request, "leads/whistle_link.html", shown, status=status))
