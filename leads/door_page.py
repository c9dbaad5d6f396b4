"""The form behind 我要反映 on a shop's page (`/d/<code>/tell/`): no sign-in; opening it reports nothing.

No session, no cookie: the form acts for nobody and carries a signed question of its own, so there is nothing
another page could ride on, and `csrf_exempt` takes nothing away.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from grids import door
from grids.door_page import UNKNOWN
from kernel.errors import DomainError
from leads import human_check, links, told_at_the_door
from leads.told_at_the_door import MOST_PHOTOS, Telling

TRAPPED = "提交未通过校验，请返回重新填写。"
PHONE = r"^[0-9+() -]{7,20}$"


class TellThrottle(links.LinkThrottle):
    """`SUOSHE_TELL_RATE` per address; None switches it off. Only what is sent counts."""

    scope = "tell"

    def get_rate(self) -> str | None:
        rate: str | None = settings.SUOSHE_TELL_RATE
        return rate


class OpenThrottle(links.LinkThrottle):
    """`SUOSHE_LINK_RATE` per address, for opening the form."""

    scope = "tell-open"


class TellForm(forms.Form):
    """What may be written. `website` is seen by no person."""

    description = forms.CharField(
        min_length=4,
        max_length=1000,
        error_messages={
            "required": "请填写要反映的问题。",
            "min_length": "请再写详细一些（至少4个字）。",
            "max_length": "请控制在1000字以内。",
        },
    )
    name = forms.CharField(
        required=False, max_length=30, error_messages={"max_length": "姓名请控制在30字以内。"}
    )
    phone = forms.RegexField(PHONE, required=False, error_messages={"invalid": "请填写正确的联系电话。"})
    token = forms.CharField(max_length=400, error_messages={"required": human_check.EXPIRED})
    answer = forms.CharField(
        max_length=10,
        error_messages={"required": "请回答校验题。", "max_length": human_check.WRONG},
    )
    website = forms.CharField(required=False)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def tell_page(request: HttpRequest, code: str) -> HttpResponse:
    """Show the form (GET), or take what was written (POST)."""
    throttle = TellThrottle() if request.method == "POST" else OpenThrottle()
    if not throttle.allow_request(request, None):  # type: ignore[arg-type]
        return links.private(_page(request, {"refused": links.TOO_OFTEN}, 429), throttle=throttle)
    found = door.behind(code)
    if found is None:
        return _page(request, {"refused": UNKNOWN}, 404)
    if request.method == "POST":
        return _take(request, found)
    return _form(request, found)


def _take(request: HttpRequest, found: door.Door) -> HttpResponse:
    form = TellForm(request.POST)
    if not form.is_valid():
        wrong = [str(one) for errors in form.errors.values() for one in errors]
        return _form(request, found, form, wrong, 400)
    said = form.cleaned_data
    if said["website"]:
        return _page(request, {"refused": TRAPPED}, 400)
    try:
        uid = human_check.check(said["token"], said["answer"], found.entity.code)
        photos = [photo for photo in request.FILES.getlist("photos") if photo.name]
        telling = Telling(uid, said["description"], said["name"], said["phone"], photos)
        lead = told_at_the_door.take(found.entity, telling)
    except DomainError as refused:
        return _form(request, found, form, [refused.detail], refused.status)
    return _page(request, {"entity": found.entity, "number": lead.number, "named": said["phone"]}, 200)


def _form(
    request: HttpRequest,
    found: door.Door,
    form: TellForm | None = None,
    wrong: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    code = found.entity.code
    uid = human_check.number_of(request.POST.get("token", ""), code) if form else None
    shown = {
        "entity": found.entity,
        "question": human_check.ask(code, uid),
        "form": form,
        "wrong": wrong or [],
        "most_photos": MOST_PHOTOS,
    }
    return _page(request, shown, status)


def _page(request: HttpRequest, shown: dict[str, Any], status: int) -> HttpResponse:
    return links.private(render(request, "leads/tell.html", shown, status=status))
