"""The town of the journeys: the demo's people with their phones, real processes, and time to travel in."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time, timedelta
from typing import Any

from celery import Celery
from django.conf import settings

from grids.demo import DEMO_PASSWORD, World
from kernel import clock
from kernel.clock import SHANGHAI
from kernel.deadlines.models import Deadline
from suoshe import embedded
from tests.factories.receiver import Receiver
from tests.journeys.phone import Lead, Phone
from tests.journeys.provider import Provider
from tests.stack import Stack, wait_until

FIRES_AFTER = timedelta(milliseconds=350)
"""The sweep lets a request of the last moment settle for 300 ms (DESIGN.md §4)."""
FIRED_WITHIN_S = 20.0
SIGNED_IN_FOR = timedelta(days=45)


class Town:
    """One stack that all journeys share. Its clock only ever moves forward."""

    def __init__(self, stack: Stack, world: World, provider: Provider, hotline: Receiver) -> None:
        """`hotline` is another platform's own machine: it keeps the steps that it is told."""
        self.stack, self.world, self.provider, self.hotline = stack, world, provider, hotline
        self._phones: dict[str, Phone] = {}
        self._signed_at: dict[str, datetime] = {}
        self._celery = Celery(broker=embedded.broker_url(stack.redis_url), set_as_current=False)
        self._celery.conf.broker_transport_options = {
            **settings.CELERY_BROKER_TRANSPORT_OPTIONS, "global_keyprefix": f"{stack.database}:",
        }  # fmt: skip

    def close(self) -> None:
        for phone in self._phones.values():
            phone.close()
        self._celery.close()

    # -- people

    def phone(self, username: str) -> Phone:
        """This person's phone, signed in once, and again before its token of 90 days runs out."""
        signed_at = self._signed_at.get(username)
        if signed_at is not None and self.now() - signed_at > SIGNED_IN_FOR:
            self._phones.pop(username).close()
        if username not in self._phones:
            self._signed_at[username] = self.now()
            self._phones[username] = Phone.sign_in(self.stack.url, username, DEMO_PASSWORD)
        return self._phones[username]

    def worker(self, number: int, person: int = 1) -> Phone:
        return self.phone(f"worker-{number:02d}-{person}")

    def commissioner(self, number: int) -> Phone:
        return self.phone(f"commissioner-{number:02d}")

    def office_head(self, number: int) -> Phone:
        """所长 of the office that the grid with this number belongs to."""
        return self.phone(self.world.head_of(number).username)

    def clerk(self, number: int) -> Phone:
        return self.phone(self.world.clerk_of(number).username)

    def duty_officer(self, number: int) -> Phone:
        return self.phone(self.world.duty_of(number).username)

    def community_head(self, number: int) -> Phone:
        """社区书记 of the grid's lead community."""
        return self.phone(self.world.community_head_of(number).username)

    @property
    def bureau(self) -> Phone:
        return self.phone("bureau")

    def health(self) -> tuple[int, dict[str, Any]]:
        """`/healthz`, as the proxy and the operators ask it."""
        answer = self.bureau.get("../../healthz")
        return answer.status, answer.body

    # -- time

    def now(self) -> datetime:
        return clock.now()

    def today(self) -> date:
        return clock.today()

    def next_time(self, hour: int, minute: int = 0) -> datetime:
        """The next moment at which the clocks on the wall show this."""
        here = self.now().astimezone(SHANGHAI)
        found = datetime.combine(here.date(), time(hour, minute), SHANGHAI)
        return found if found > here else found + timedelta(days=1)

    def by_day(self) -> datetime:
        """Be between 09:00 and 12:00 in the morning; where it is later, the next day at 09:00."""
        if not 9 <= self.now().astimezone(SHANGHAI).hour < 12:
            self.travel_to(self.next_time(9))
        return self.now()

    def new_day(self) -> date:
        """Be at 09:00 of a day that nothing has happened on yet."""
        self.travel_to(self.next_time(0))
        self.travel_to(self.next_time(9))
        return self.today()

    def pass_time(self, span: timedelta) -> None:
        self.travel_to(self.now() + span)

    def travel_to(self, moment: datetime) -> None:
        """Let time pass until `moment`, stopping at each clock that runs out until it has fired."""
        while (due := _next_due()) is not None and due <= moment:
            if self.now() < due + FIRES_AFTER:
                clock.set_to(due + FIRES_AFTER)
            wait_until(
                lambda upto=due: (_next_due() or upto + FIRES_AFTER) > upto,
                within_s=FIRED_WITHIN_S, what=f"the clocks due at {due} to fire",
            )  # fmt: skip
        if self.now() < moment:
            clock.set_to(moment)

    def sleep_until(self, moment: datetime) -> None:
        """Let time jump, as if everything had been switched off: what ran out meanwhile fires afterwards."""
        clock.set_to(moment)
        wait_until(
            lambda: (_next_due() or moment + FIRES_AFTER) > moment,
            within_s=60, what=f"all clocks due by {moment} to fire",
        )  # fmt: skip

    # -- what beat would send

    def send_task(self, name: str) -> None:
        """Put a task into the real worker's queue, as beat does when its time has come."""
        self._celery.send_task(name)

    # -- leads

    def report_body(self, number: int, **fields: Any) -> dict[str, Any]:
        """A report from a place well inside the grid with this number."""
        lon, lat = self.world.point_in(number)
        return {
            "client_uid": str(uuid.uuid4()),
            "category": "L01",
            "description": "营业执照没有挂在墙上",
            "location": {"lon": lon, "lat": lat, "crs": "wgs84", "accuracy_m": 12},
            **fields,
        }

    def report(self, number: int, *, by: Phone | None = None, **fields: Any) -> Lead:
        """A new lead, from the grid's first worker unless `by` somebody else."""
        phone = by or self.worker(number)
        lead: Lead = phone.post("leads/", self.report_body(number, **fields)).must_be(201).body
        return lead

    def owner(self, lead_id: int) -> Phone:
        """The phone of whoever the lead is assigned to now."""
        return self.phone(self.bureau.lead(lead_id)["assignee"]["username"])

    def finish(self, lead_id: int, number: int) -> Lead:
        """Bring a lead of this grid to its end by the main road, from wherever it stands."""
        seen = self.bureau.lead(lead_id)
        if seen["state"] in ("dispatched", "responded"):
            owner = self.phone(seen["assignee"]["username"])
            if seen["state"] == "dispatched":
                owner.act(lead_id, "respond")
            disposal = {"kind": "guided", "note": "已当场提醒并改正"}
            owner.act(lead_id, "feedback", {"disposal": disposal})
        lead = self.worker(number, 2).act(lead_id, "verify", {"method": "on_site"})
        assert lead["state"] == "closed"
        assert lead["missing_signatures"] == []
        return lead


def local(text: str) -> datetime:
    """A moment of the API in Shanghai time."""
    return datetime.fromisoformat(text).astimezone(SHANGHAI)


def clocks(lead: Lead, state: str | None = None) -> dict[str, dict[str, Any]]:
    """The clocks of a lead by kind (the last cycle of each), or those in one state."""
    found = {one["kind"]: one for one in sorted(lead["deadlines"], key=lambda one: one["cycle"])}
    return {kind: one for kind, one in found.items() if state is None or one["state"] == state}


def slots(lead: Lead) -> set[tuple[str, str, int, str]]:
    """Every signature as stage, side, cycle and who signed."""
    return {(s["stage"], s["side"], s["cycle"], s["signer"]["username"]) for s in lead["signatures"]}


def _next_due() -> datetime | None:
    running = Deadline.objects.filter(state=Deadline.State.RUNNING).order_by("due_at")
    found: datetime | None = running.values_list("due_at", flat=True).first()
    return found
