"""The forms in which other platforms hand in (12345, 12315, 桃都善治), mapped to ours.

Each names its fields as that platform does; unknown ones are refused. Its own status and title are taken
and read by nobody. A kind without words of its own is refused: nothing a tipster wrote is copied elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from typing import Any

from rest_framework import serializers

from grids.coordinates import PlaceField
from kernel.accounts.masking import plain_digits
from kernel.api import StrictSerializer
from kernel.coordinates import CRS_NAMES
from leads.api.matter_shapes import Fields, HandedIn, entity_id, placed
from leads.catalogue import UNSORTED
from leads.identity import Identity
from leads.intake import Told
from leads.matters import Given, Part
from leads.models import MatterKind, Platform

KINDS = {"诉求": MatterKind.REQUEST, "投诉": MatterKind.COMPLAINT, "举报": MatterKind.TIP_OFF}
KIND_WORDS = tuple(KINDS)
SHORTEST_NUMBER, LONGEST_NUMBER = 5, 15
"""Digits of a telephone number: fewer are an extension, more are two numbers in a row."""


def text(longest: int, *, required: bool = False) -> Any:
    if required:
        return serializers.CharField(max_length=longest)
    return serializers.CharField(max_length=longest, required=False, allow_blank=True, default="")


def moment() -> Any:
    """Without an offset it is Shanghai time, as these platforms write it."""
    return serializers.DateTimeField(required=False, allow_null=True, default=None)


def degrees() -> Any:
    return serializers.FloatField(required=False, allow_null=True, default=None)


def money() -> Any:
    return serializers.DecimalField(
        max_digits=12, decimal_places=2, min_value=Decimal(0), required=False, allow_null=True, default=None
    )


def category() -> Any:
    return serializers.CharField(max_length=3, required=False, default=UNSORTED)


def numbers_in(phone: str) -> list[str]:
    """The numbers in what a platform wrote that anyone could call, in its order: often two in one field."""
    found = []
    for piece in re.split(r"[/、，,；;转或]", plain_digits(phone)):
        number = re.sub(r"[^0-9+() -]", "", piece).strip()
        digits = re.sub(r"[^0-9]", "", number)
        if len(digits) > LONGEST_NUMBER:
            found += re.findall(r"1[3-9][0-9]{9}", digits)
        elif len(digits) >= SHORTEST_NUMBER:
            found.append(number)
    return found


class Form(StrictSerializer):
    """What the three have in common: how a place and a person are read."""

    def place_of(self, lon: float | None, lat: float | None, crs: str) -> Fields:
        if lon is None or lat is None:
            return {}
        return placed(PlaceField().run_validation({"lon": lon, "lat": lat, "crs": crs}))

    def told_of(self, name: str, phone: str) -> Told | None:
        """Who told it, as far as the platform says: many hide the number, or write two, or an extension.
        A matter is never refused for it; a name alone is sealed as well."""
        number = next(iter(numbers_in(phone)), "")
        return Told(name or "未留姓名", number) if name or number else None

    def quiet(self, parts: Iterable[Part], phone: str) -> tuple[Part, ...]:
        """The parts with every further number of the same person masked in their words. His name and the
        first number are hidden where the record is made, as in every other report."""
        others = [Identity("", number) for number in numbers_in(phone)[1:]]
        return tuple(
            replace(part, description=reduce(lambda said, one: one.hidden_in(said), others, part.description))
            for part in parts
        )


class Form12345(Form):
    """工单 of the 12345 hotline. `appeal_type` names the kinds; each has its own content."""

    order_no = text(60, required=True)
    order_status = text(60)
    title = text(200)
    appeal_type = serializers.ListField(
        child=serializers.ChoiceField(choices=KIND_WORDS), min_length=1, max_length=3
    )
    content = text(2000)
    complaint_content = text(2000)
    report_content = text(2000)
    category_code = category()
    caller_name = text(40)
    caller_phone = text(60)
    company = text(120)
    credit_code = text(18)
    amount = money()
    address = text(200)
    lng = degrees()
    lat = degrees()
    coord = serializers.ChoiceField(choices=CRS_NAMES, required=False, default="gcj02")
    call_time = moment()
    deadline = moment()

    def given(self) -> Given:
        data = self.validated_data
        words = {"诉求": "content", "投诉": "complaint_content", "举报": "report_content"}
        parts = [
            _part(
                KINDS[kind],
                _needed(data, words[kind]),
                data["category_code"],
                data["company"],
                data["amount"],
            )
            for kind in dict.fromkeys(data["appeal_type"])
        ]
        return Given(
            parts=self.quiet((_at(part, data["address"]) for part in parts), data["caller_phone"]),
            external_number=data["order_no"],
            their_due_at=data["deadline"],
            told=self.told_of(data["caller_name"], data["caller_phone"]),
            entity_id=entity_id(data["credit_code"]),
            captured_at=data["call_time"],
            **self.place_of(data["lng"], data["lat"], data["coord"]),
        )


class Form12315(Form):
    """登记单 of the national 12315 platform: 投诉, 举报 or both, each with its own content."""

    registration_no = text(60, required=True)
    status = text(60)
    business_type = serializers.ChoiceField(choices=["投诉", "举报", "投诉举报"])
    complaint_content = text(2000)
    report_content = text(2000)
    category_code = category()
    consumer_name = text(40)
    consumer_phone = text(60)
    respondent_name = text(120)
    respondent_uscc = text(18)
    involved_amount = money()
    address = text(200)
    lng = degrees()
    lat = degrees()
    registered_time = moment()
    limit_time = moment()

    def given(self) -> Given:
        data = self.validated_data
        words = {"投诉": "complaint_content", "举报": "report_content"}
        parts = [
            _part(
                KINDS[kind],
                _needed(data, words[kind]),
                data["category_code"],
                data["respondent_name"],
                data["involved_amount"],
            )
            for kind in ("投诉", "举报")
            if kind in data["business_type"]
        ]
        return Given(
            parts=self.quiet((_at(part, data["address"]) for part in parts), data["consumer_phone"]),
            external_number=data["registration_no"],
            their_due_at=data["limit_time"],
            told=self.told_of(data["consumer_name"], data["consumer_phone"]),
            entity_id=entity_id(data["respondent_uscc"]),
            captured_at=data["registered_time"],
            **self.place_of(data["lng"], data["lat"], "gcj02"),
        )


class FormCity(Form):
    """事件 of the city's platform (桃都善治): one event, one kind."""

    event_code = text(60, required=True)
    event_state = text(60)
    event_type = serializers.ChoiceField(choices=KIND_WORDS, required=False, default="诉求")
    event_desc = text(2000, required=True)
    category_code = category()
    reporter = text(40)
    reporter_tel = text(60)
    place_name = text(200)
    longitude = degrees()
    latitude = degrees()
    coord_type = serializers.ChoiceField(choices=CRS_NAMES, required=False, default="wgs84")
    event_time = moment()
    handle_deadline = moment()

    def given(self) -> Given:
        data = self.validated_data
        part = _part(KINDS[data["event_type"]], data["event_desc"], data["category_code"], "", None)
        return Given(
            parts=self.quiet([_at(part, data["place_name"])], data["reporter_tel"]),
            external_number=data["event_code"],
            their_due_at=data["handle_deadline"],
            told=self.told_of(data["reporter"], data["reporter_tel"]),
            captured_at=data["event_time"],
            **self.place_of(data["longitude"], data["latitude"], data["coord_type"]),
        )


FORMS: dict[str, type[Form]] = {
    Platform.Kind.P12345.value: Form12345,
    Platform.Kind.P12315.value: Form12315,
    Platform.Kind.CITY.value: FormCity,
}


def read(platform: Platform, body: Any) -> Given:
    """The matter in a body: in our own form where it has a `number`, else in the platform's.

    Raises:
        ValidationError: a field is missing, wrong or unknown.
    """
    own = isinstance(body, dict) and "number" in body
    form: Any = HandedIn if own else FORMS[platform.kind]
    found = form(data=body)
    found.is_valid(raise_exception=True)
    given: Given = found.given()
    return given


def _needed(data: Fields, name: str) -> str:
    words = str(data[name])
    if not words.strip():
        raise serializers.ValidationError({name: ["请填写这一类事项自己的内容。"]})
    return words


def _part(kind: MatterKind, words: str, code: str, company: str, amount: Decimal | None) -> Part:
    if kind == MatterKind.COMPLAINT:
        return Part(kind, words, entity_name=company, amount=amount)
    return Part(kind, words, category=code)


def _at(part: Part, address: str) -> Part:
    """The address in words goes along: a map point is often missing."""
    if not address:
        return part
    words = f"{part.description}（地址：{address}）"[:2000]
    return Part(part.kind, words, category=part.category, entity_name=part.entity_name, amount=part.amount)
