"""The phones: they report, and ask again with the same `client_uid` until somebody acknowledges it."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import requests

from tests.journeys.phone import Answer, Phone

ROAD = ("respond", "feedback", "verify")
BODIES: dict[str, dict[str, Any]] = {
    "respond": {"plan": "on_my_way"},
    "feedback": {"disposal": {"kind": "guided", "note": "已当场提醒并改正"}},
    "verify": {"method": "on_site"},
}
CATEGORIES = ("L02", "Q02", "F03", "C01")
ASK_AGAIN_AFTER_S = (0.05, 0.3)
THINKS_FOR_S = (0.5, 4.0)
BUSY = (429, 502, 503, 504)
KEPT = (200, 201)


@dataclass
class Acknowledged:
    """A lead that a phone was told is kept, and how far along the road it was told that it has come."""

    client_uid: str
    lead_id: int
    number: str
    grid: int
    owner: str
    goes: int
    done: list[str] = field(default_factory=list)


@dataclass
class Ledger:
    """What the phones were told. `faults` are answers that no kill excuses."""

    leads: list[Acknowledged] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    asked_again: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, what: str) -> None:
        with self.lock:
            self.faults.append(what)


class Town:
    """Whom a phone belongs to, and where it stands."""

    def __init__(
        self, tokens: dict[str, str], points: dict[int, tuple[float, float]], urls: list[str]
    ) -> None:
        self.tokens, self.points, self.urls = tokens, points, urls

    def report(self, grid: int, dice: random.Random) -> dict[str, Any]:
        """What a grid worker of this grid may report."""
        lon, lat = self.points[grid]
        return {
            "client_uid": str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            "category": dice.choice(CATEGORIES),
            "description": "营业执照没有挂在墙上",
            "location": {"lon": lon, "lat": lat, "crs": "wgs84", "accuracy_m": 12},
        }


class Phones(threading.Thread):
    """One thread of phones, seeded: reports steadily until `enough`, then ends what it has begun.

    `given_up` ends it at once, whatever is still open; that is a fault of the run.
    """

    _numbers = count()

    def __init__(
        self,
        town: Town,
        ledger: Ledger,
        *,
        seed: int,
        pause_s: float,
        enough: threading.Event,
        given_up: threading.Event,
    ) -> None:
        super().__init__(daemon=True, name=f"phones-{next(self._numbers)}")
        self._town, self._ledger, self._pause_s = town, ledger, pause_s
        self._enough, self._given_up = enough, given_up
        self._dice = random.Random(seed)
        self._later: deque[tuple[float, Acknowledged]] = deque()
        self._phones: dict[tuple[str, str], Phone] = {}

    def run(self) -> None:
        try:
            while not self._enough.is_set():
                self._report()
                self._act_due()
                self._enough.wait(self._pause_s * self._dice.uniform(0.5, 1.5))
            while self._later and not self._given_up.is_set():
                self._act_due()
                self._given_up.wait(0.05)
        except GivenUp:
            self._ledger.fault("a phone waited in vain for an answer")
        except Exception as error:
            self._ledger.fault(f"a phone broke: {error!r}")
            raise
        finally:
            for phone in self._phones.values():
                phone.close()

    # -- reporting

    def _report(self) -> None:
        grid = self._dice.choice(list(self._town.points))
        body = self._town.report(grid, self._dice)
        told = self._until_answered(f"worker-{grid:02d}-1", "leads/", body, None)
        if told.status not in KEPT:
            self._refused("report", told)
            return
        kept = told.body
        goes = self._dice.choice((0, 0, 0, 1, 1, 2, 3))
        lead = Acknowledged(
            body["client_uid"], kept["id"], kept["number"], grid, kept["assignee"]["username"], goes
        )
        with self._ledger.lock:
            self._ledger.leads.append(lead)
        self._go_on(lead)

    # -- the road after it

    def _go_on(self, lead: Acknowledged) -> None:
        if len(lead.done) < lead.goes:
            self._later.append((time.monotonic() + self._dice.uniform(*THINKS_FOR_S), lead))

    def _act_due(self) -> None:
        for _ in range(len(self._later)):
            due, lead = self._later.popleft()
            if due > time.monotonic() and not self._enough.is_set():
                self._later.append((due, lead))
                continue
            self._act(lead, ROAD[len(lead.done)])

    def _act(self, lead: Acknowledged, act: str) -> None:
        who = f"worker-{lead.grid:02d}-2" if act == "verify" else lead.owner
        for _ in range(5):
            seen = self._until_answered(who, f"leads/{lead.lead_id}/", None, None)
            if seen.status != 200:
                self._refused(f"read {lead.number}", seen)
                return
            told = self._until_answered(who, f"leads/{lead.lead_id}/{act}/", BODIES[act], seen.etag)
            if told.status != 412:
                break
        if told.status != 200:
            self._refused(f"{act} {lead.number}", told)
            return
        lead.done.append(act)
        self._go_on(lead)

    # -- asking

    def _until_answered(self, who: str, path: str, body: Any, if_match: str | None) -> Answer:
        """The same request, to one web after the other, until one of them answers for good."""
        url = self._dice.choice(self._town.urls)
        while not self._given_up.is_set():
            phone = self._phone(url, who)
            try:
                told = phone.get(path) if body is None else phone.post(path, body, if_match=if_match)
                phone.answers.clear()
            except requests.RequestException:
                self._phones.pop((url, who)).close()
            else:
                if told.status not in BUSY and told.status != 500:
                    return told
                if told.status == 500:
                    self._refused(path, told)
            with self._ledger.lock:
                self._ledger.asked_again += 1
            url = self._dice.choice(self._town.urls)
            self._given_up.wait(self._dice.uniform(*ASK_AGAIN_AFTER_S))
        raise GivenUp

    def _phone(self, url: str, who: str) -> Phone:
        if (url, who) not in self._phones:
            self._phones[url, who] = Phone(url, who, self._town.tokens[who])
        return self._phones[url, who]

    def _refused(self, what: str, told: Answer) -> None:
        self._ledger.fault(f"{what}: {told.status} {told.content.decode(errors='replace')[:400]}")


class GivenUp(Exception):
    """The run is over, and this phone still has no answer."""
