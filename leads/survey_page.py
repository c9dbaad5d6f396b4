"""The page behind the link of an SMS: rate once, without signing in. Opening it answers nothing.

No session, no cookie: the token in the address is the right, so there is nothing that another page could
ride on, and `csrf_exempt` takes nothing away.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from kernel.errors import DomainError
from leads import by_link, links
from leads.models import Rating


class RatingForm(forms.Form):
    rating = forms.ChoiceField(
        choices=Rating.choices,
        error_messages={"required": "请选择一项评价。", "invalid_choice": "请选择一项评价。"},
    )
    comment = forms.CharField(
        required=False, max_length=500, error_messages={"max_length": "意见请控制在500字以内。"}
    )


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def survey_page(request: HttpRequest, token: str) -> HttpResponse:
    """Ask (GET) and take one answer (POST). Whatever is over says so in a friendly sentence."""
    throttle = links.SurveyThrottle()
    if not throttle.allow_request(request, None):  # type: ignore[arg-type]
        return links.private(_page(request, {"sentence": links.TOO_OFTEN}, 429), throttle=throttle)
    try:
        if request.method == "POST":
            return _take(request, token)
        return _ask(request, token, None)
    except DomainError as over:
        return _page(request, {"sentence": over.detail}, over.status)


def _take(request: HttpRequest, token: str) -> HttpResponse:
    form = RatingForm(request.POST)
    if not form.is_valid():
        return _ask(request, token, form, 400)
    given = form.cleaned_data
    said = by_link.answer(token, Rating(given["rating"]), given["comment"])
    return _page(request, {"thanks": True, "rating": said.rating.label}, 200)


def _ask(request: HttpRequest, token: str, form: RatingForm | None, status: int = 200) -> HttpResponse:
    found = by_link.look(token)
    shown = {
        "number": found.number,
        "done": found.done,
        "asked": found.whom,
        "expires_at": found.expires_at,
        "ratings": Rating.choices,
        "form": form,
    }
    return _page(request, shown, status)


def _page(request: HttpRequest, shown: dict[str, Any], status: int) -> HttpResponse:
    return links.private(render(request, "leads/survey.html", shown, status=status))
