"""Disputes over HTTP: the stations around a grid, who sits there, and each act with the version just seen."""

from __future__ import annotations

import base64
import re
import uuid
from datetime import date, datetime, timedelta
from typing import Any

import requests

from grids.models import BusinessEntity
from stations.models import Station, StationKind
from tests.factories.grids import make_entity
from tests.factories.stations import signature
from tests.journeys.phone import Answer, Phone
from tests.journeys.town import Town
from tests.stack import wait_until

Dispute = dict[str, Any]
NAME = "东方既白"
TOLD_WITHIN_S = 40
CONDITIONS = ["identified", "shop_clear", "claim_and_facts", "competent", "not_handled", "in_time"]


def drawn(seed: str) -> str:
    """A signature as the screen sends it."""
    return "data:image/png;base64," + base64.b64encode(signature(seed)).decode()


class Counter:
    """The community's station of a grid, the circle that its shop belongs to, and their people.

    `mobile` is the consumer's: each journey has a consumer of its own.
    """

    def __init__(self, town: Town, number: int, *, mobile: str, circle: bool = True) -> None:
        self.town, self.number, self.mobile = town, number, mobile
        community = town.world.grid(number).lead_community
        self.station = Station.objects.get(kind=StationKind.COMMUNITY, community=community)
        self.circle = Station.objects.filter(kind=StationKind.COMPLEX).order_by("code")[number % 8]
        self.shop: BusinessEntity = make_entity(town.world, number, name=f"顺和服装店{mobile[-4:]}")
        if circle:
            joined = {"entity": self.shop.pk}
            self.in_circle.post(f"stations/{self.circle.code}/shops/", joined).must_be(201)

    # -- who sits where

    @property
    def mediator(self) -> Phone:
        """调解员 of the community's station."""
        return self.town.phone(self.station.code.lower().replace("st-", "station-"))

    @property
    def in_circle(self) -> Phone:
        """调解员 of the circle's station."""
        return self.town.phone(self.circle.code.lower().replace("st-", "station-"))

    @property
    def clerk(self) -> Phone:
        return self.town.clerk(self.number)

    @property
    def head(self) -> Phone:
        return self.town.office_head(self.number)

    # -- taking and reading

    def take(self, **fields: Any) -> Dispute:
        """A dispute taken at the community's counter by its mediator."""
        body = {
            "client_uid": str(uuid.uuid4()),
            "entity": self.shop.pk,
            "goods": "羊绒大衣",
            "goods_kind": "CLOTHING",
            "amount": "399.00",
            "claims": ["REFUND"],
            "description": f"{NAME}说洗了一次就缩水，店家不给退",
            "consumer": {"name": NAME, "phone": self.mobile},
            **fields,
        }
        told: Dispute = self.mediator.post(f"stations/{self.station.code}/disputes/", body).must_be(201).body
        return told

    def see(self, dispute: Dispute, *, by: Phone | None = None) -> Dispute:
        """The dispute as it is now."""
        found: Dispute = (by or self.town.bureau).get(f"disputes/{dispute['id']}/").must_be(200).body
        return found

    def try_act(self, by: Phone, dispute: Dispute, name: str, body: Any = None) -> Answer:
        seen = by.get(f"disputes/{dispute['id']}/").must_be(200)
        return by.post(f"disputes/{dispute['id']}/{name}/", body, if_match=seen.etag)

    def act(self, by: Phone, dispute: Dispute, name: str, body: Any = None) -> Dispute:
        """One act that must succeed and must have been offered; the dispute after it."""
        assert name in self.see(dispute, by=by)["allowed"], name
        done: Dispute = self.try_act(by, dispute, name, body).must_be(200).body
        return done

    # -- what takes more than one request

    def sign(self, by: Phone, dispute: Dispute, perform_by: date) -> Dispute:
        """Read the draft, then sign: both parties on the screen, the mediator by account."""
        terms = {
            "terms": f"店家于约定日期前退还{NAME}货款399元，消费者退回大衣。",
            "amount": "399.00",
            "perform_by": perform_by.isoformat(),
        }
        draft = by.post(f"disputes/{dispute['id']}/agreement/preview/", terms).must_be(200)
        assert draft.content.startswith(b"%PDF")
        by.answers.remove(draft.content)
        signatures = {"consumer": drawn("consumer"), "shop": drawn("shop")}
        body = terms | {"client_uid": str(uuid.uuid4()), "signatures": signatures}
        return self.act(by, dispute, "agree", body)

    def meet(self, by: Phone, dispute: Dispute, *, place: str = "STATION") -> dict[str, Any]:
        """An appointment in an hour, and its minutes half an hour after it began."""
        starts_at = self.town.now() + timedelta(hours=1)
        asked = {
            "client_uid": str(uuid.uuid4()),
            "place": place,
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(hours=1)).isoformat(),
        }
        booked = self.try_act(by, dispute, "sessions", asked).must_be(201).body
        self.town.travel_to(starts_at + timedelta(minutes=30))
        seen = by.get(f"disputes/{dispute['id']}/").must_be(200)
        said = {"consumer_came": True, "shop_came": True, "minutes": f"{NAME}与店家当面说明，双方同意退款"}
        path = f"mediation-sessions/{booked['id']}/hold/"
        held: dict[str, Any] = by.post(path, said, if_match=seen.etag).must_be(200).body
        return held

    def file(self, by: Phone, dispute: Dispute, way: str = "TELEPHONE") -> Dispute:
        """The consumer's word: to 12315."""
        return self.act(by, dispute, "to-official", {"way": way, "note": "消费者来电要求转12315"})

    # -- what the consumer hears

    def text(self, dispute: Dispute, *words: str) -> str:
        """The last SMS to the consumer about a dispute that says all this, once it is there."""

        def found() -> list[str]:
            told = self.town.provider.texts_to(self.mobile)
            return [one for one in told if all(word in one for word in (dispute["number"], *words))]

        wait_until(found, within_s=TOLD_WITHIN_S, what=f"an SMS to {self.mobile} with {words}")
        return found()[-1]

    def rate(self, text: str, rating: str, comment: str = "") -> int:
        """Answer by the link of an SMS; the status."""
        found = re.search(r"/s/[\w.-]+/", text)
        assert found is not None, text
        page = f"{self.town.stack.url}{found[0]}"
        with requests.Session() as browser:
            browser.trust_env = False
            said = {"rating": rating, "comment": comment}
            return browser.post(page, data=said, timeout=30).status_code


def clock_of(dispute: Dispute, kind: str) -> dict[str, Any]:
    """The last clock of this kind."""
    return [one for one in dispute["deadlines"] if one["kind"] == kind][-1]


def due(dispute: Dispute, kind: str) -> datetime:
    return datetime.fromisoformat(clock_of(dispute, kind)["due_at"])


def tiers(dispute: Dispute) -> list[tuple[str, str]]:
    """Where it lay, and why it came there."""
    return [(one["tier"], one["why"]) for one in dispute["stays"]]
