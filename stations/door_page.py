"""消费纠纷登记 without an account: behind the code on a shop's door, and on a station's own poster.

As 我要反映 (`leads.door_page`): no session, no cookie, a signed question of its own, so `csrf_exempt` takes
nothing away. The pages show the shop's name and the station's address, and nothing of any dispute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from grids import door
from grids.door_page import UNKNOWN
from grids.models import BusinessEntity
from kernel import clock
from kernel.accounts.masking import plain_digits
from kernel.errors import DomainError
from leads import human_check, links, told_at_the_door
from leads.door_page import TRAPPED
from leads.told_at_the_door import MOST_PHOTOS
from stations import intake, placing
from stations.intake import Given, Taken
from stations.intake_values import (
    LONGEST_DESCRIPTION,
    LONGEST_GOODS,
    LONGEST_NAME,
    LONGEST_SHOP,
    PHONE,
)
from stations.models import Claim, GoodsKind, Station

UNKNOWN_STATION = "没有找到这个服务站，请核对二维码，或拨打12315。"
NO_STATION = "这家店铺所在的社区还没有服务站，请拨打12315，或联系辖区市场监管所。"


class DisputeThrottle(links.LinkThrottle):
    """`SUOSHE_TELL_RATE` per address; None switches it off. Only what is sent counts."""

    scope = "dispute"

    def get_rate(self) -> str | None:
        rate: str | None = settings.SUOSHE_TELL_RATE
        return rate


class OpenThrottle(links.LinkThrottle):
    """`SUOSHE_LINK_RATE` per address, for opening the form."""

    scope = "dispute-open"


@dataclass(frozen=True, slots=True)
class Behind:
    """What a code leads to: a shop with the station that will call, or a station alone."""

    about: str
    station: Station
    entity: BusinessEntity | None = None
    back: str = ""


def _text(longest: int, label: str, *, required: bool = True) -> Any:
    return forms.CharField(
        required=required,
        max_length=longest,
        error_messages={"required": f"请填写{label}。", "max_length": f"{label}请控制在{longest}字以内。"},
    )


class DisputeForm(forms.Form):
    """What may be written. `website` is seen by no person."""

    entity_name = _text(LONGEST_SHOP, "店铺名称")
    goods = _text(LONGEST_GOODS, "购买的商品或服务")
    goods_kind = forms.ChoiceField(
        choices=GoodsKind.choices,
        error_messages={"required": "请选择类别。", "invalid_choice": "请选择类别。"},
    )
    claims = forms.MultipleChoiceField(
        choices=Claim.choices,
        error_messages={"required": "请至少选择一项诉求。", "invalid_choice": "诉求不在可选范围内。"},
    )
    amount = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=2,
        error_messages={"invalid": "请填写正确的金额。"},
    )
    bought_on = forms.DateField(
        required=False, input_formats=["%Y-%m-%d"], error_messages={"invalid": "请填写正确的消费日期。"}
    )
    description = _text(LONGEST_DESCRIPTION, "纠纷情况", required=False)
    name = _text(LONGEST_NAME, "姓名", required=False)
    phone = forms.RegexField(
        f"^{PHONE.pattern}$",
        error_messages={
            "required": "请填写联系电话，服务站需要与您联系。",
            "invalid": "请填写正确的联系电话。",
        },
    )
    wants_official = forms.BooleanField(required=False)
    token = forms.CharField(max_length=400, error_messages={"required": human_check.EXPIRED})
    answer = forms.CharField(
        max_length=10, error_messages={"required": "请回答校验题。", "max_length": human_check.WRONG}
    )
    website = forms.CharField(required=False)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def dispute_page(request: HttpRequest, code: str) -> HttpResponse:
    """`/d/<code>/dispute/`: show the form (GET), or take what was written (POST)."""
    return _throttled(request) or _answer(request, _behind_door(code))


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def station_page(request: HttpRequest, code: str) -> HttpResponse:
    """`/station/<code>/`: where the station is and when it is open, and the same form for any shop."""
    return _throttled(request) or _answer(request, _behind_poster(code))


def _throttled(request: HttpRequest) -> HttpResponse | None:
    throttle = DisputeThrottle() if request.method == "POST" else OpenThrottle()
    if throttle.allow_request(request, None):  # type: ignore[arg-type]
        return None
    return links.private(_page(request, {"refused": links.TOO_OFTEN}, 429), throttle=throttle)


def _behind_door(code: str) -> Behind | str:
    found = door.behind(code)
    if found is None:
        return UNKNOWN
    station = placing.from_outside(found.entity, on=clock.today())
    if station is None:
        return NO_STATION
    entity = found.entity
    return Behind(f"dispute:{entity.code}", station, entity, reverse("door", args=[entity.code]))


def _behind_poster(code: str) -> Behind | str:
    station = placing.named(code)
    return UNKNOWN_STATION if station is None else Behind(f"station:{station.code}", station)


def _answer(request: HttpRequest, behind: Behind | str) -> HttpResponse:
    if isinstance(behind, str):
        return _page(request, {"refused": behind}, 404)
    return _take(request, behind) if request.method == "POST" else _form(request, behind)


def _take(request: HttpRequest, behind: Behind) -> HttpResponse:
    data = request.POST.copy()
    data["phone"] = plain_digits(data.get("phone", ""))
    if behind.entity is not None:
        data["entity_name"] = behind.entity.name
    form = DisputeForm(data)
    if not form.is_valid():
        wrong = [str(one) for errors in form.errors.values() for one in errors]
        return _form(request, behind, form, wrong, 400)
    if form.cleaned_data["website"]:
        return _page(request, {"refused": TRAPPED}, 400)
    try:
        taken = _register(request, behind, form.cleaned_data)
    except DomainError as refused:
        return _form(request, behind, form, [refused.detail], refused.status)
    shown = {"number": taken.dispute.number, "station": taken.dispute.taken_station, "back": behind.back}
    return _page(request, shown, 200)


def _register(request: HttpRequest, behind: Behind, said: dict[str, Any]) -> Taken:
    uid = human_check.check(said["token"], said["answer"], behind.about)
    photos = [photo for photo in request.FILES.getlist("photos") if photo.name]
    account, evidence = told_at_the_door.keep_photos(photos, uid)
    same = ("goods", "goods_kind", "amount", "bought_on", "description", "name", "phone", "wants_official")
    given = Given(
        **{name: said[name] for name in same},
        client_uid=uid,
        claims=tuple(said["claims"]),
        entity_id=behind.entity.pk if behind.entity else None,
        entity_name="" if behind.entity else said["entity_name"],
        evidence=evidence,
    )
    return intake.take_public(given, station=behind.station, files_by=account)


def _form(
    request: HttpRequest,
    behind: Behind,
    form: DisputeForm | None = None,
    wrong: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    uid = human_check.number_of(request.POST.get("token", ""), behind.about) if form else None
    shown = {
        "behind": behind,
        "question": human_check.ask(behind.about, uid),
        "form": form,
        "claims": Claim.choices,
        "chosen": form.data.getlist("claims") if form else [],  # type: ignore[attr-defined]
        "kinds": GoodsKind.choices,
        "today": clock.today().isoformat(),
        "wrong": wrong or [],
        "most_photos": MOST_PHOTOS,
    }
    return _page(request, shown, status)


def _page(request: HttpRequest, shown: dict[str, Any], status: int) -> HttpResponse:
    return links.private(render(request, "stations/dispute.html", shown, status=status))
