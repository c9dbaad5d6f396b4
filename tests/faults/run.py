"""One run: phones report while processes are killed and clocks run out; then quiet; then the count."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable
from datetime import timedelta

from kernel import clock
from kernel.deadlines.models import Deadline
from kernel.notices.models import OutboxMessage, State
from tests.faults import outcome
from tests.faults.house import House
from tests.faults.keeper import Keeper, say
from tests.faults.load import Ledger, Phones
from tests.faults.outcome import Outcome

STEP = timedelta(minutes=10)
"""How far time goes on with each kill: below the look-back of a sweep, above the lease of a notice."""
BEYOND_THE_LAST = timedelta(minutes=45)
ANSWERED_WITHIN_S = 120.0
WELL_WITHIN_S = 120.0
FIRED_WITHIN_S = 60.0
TOLD_WITHIN_S = 120.0
REPORT_EVERY_S = 10.0
UNFORESEEN = "unforeseen_exception"


class Run:
    """Kills on a house under load. `ledger` keeps what the phones were told over all runs of one house."""

    def __init__(self, house: House, kinds: dict[str, str], ledger: Ledger, *, seed: int) -> None:
        self.house, self.ledger, self._dice = house, ledger, random.Random(seed)
        self.keeper = Keeper(house.stack, house.robots, kinds, random.Random(seed + 1))
        self._enough, self._given_up = threading.Event(), threading.Event()
        self._webs = [name for name, kind in kinds.items() if kind == "web"]
        self._phones: list[Phones] = []
        self._said_at = 0.0

    def under_load(
        self,
        kills: Iterable[str],
        *,
        at_least: int,
        phones: int,
        pause_s: float,
        between_s: tuple[float, float],
    ) -> None:
        """Strike these kinds one after another while phones report; go on until `at_least` leads are kept.

        With each kill time makes a step, so that clocks run out while somebody is dead.
        """
        before = len(self.ledger.leads)
        more = [
            Phones(
                self.house.town(self._webs), self.ledger, seed=self._dice.getrandbits(32), pause_s=pause_s,
                enough=self._enough, given_up=self._given_up,
            )
            for _ in range(phones)
        ]  # fmt: skip
        for one in more:
            one.start()
        self._phones += more
        for kind in kills:
            self.keeper.keep_for(self._dice.uniform(*between_s))
            self.keeper.strike(kind)
            self.keeper.travel(STEP)
            self._say()
        self.keeper.until(lambda: len(self.ledger.leads) - before >= at_least, within_s=ANSWERED_WITHIN_S)

    def joined_by(self, more: dict[str, str]) -> None:
        """Start further processes under the load that there is, once all who were struck are back."""
        if not self.keeper.until(self.keeper.all_well, within_s=WELL_WITHIN_S):
            self.ledger.fault(f"not every process came back: {self.keeper.kinds}")
        self.house.stack.start_all(more)
        self.keeper.kinds = self.keeper.kinds | more
        self._webs += [name for name, kind in more.items() if kind == "web"]

    def quiet(self) -> None:
        """Until every phone has its answers, every process works, and every clock and notice is done with."""
        self._enough.set()
        if not self.keeper.until(
            lambda: not any(p.is_alive() for p in self._phones), within_s=ANSWERED_WITHIN_S
        ):
            self.ledger.fault("phones still waited for answers when all was quiet")
        self._given_up.set()
        if not self.keeper.until(self.keeper.all_well, within_s=WELL_WITHIN_S):
            self.ledger.fault(f"not every process came back: {self.keeper.kinds}")
        self._let_clocks_run_out()
        self._let_notices_go_out()

    def count(self) -> Outcome:
        """What came of it; a process that ended though nobody struck it is a fault."""
        found = outcome.count(self.ledger, self.house.robots, kills=sum(self.keeper.kills.values()))
        found.faults += self.keeper.ended_alone + self._unforeseen()
        return found

    # -- inside

    def _unforeseen(self) -> list[str]:
        """What the webs answered with 500, with its traceback."""
        logs = [self.house.stack.log(name) for name in self._webs]
        return [part[:6000] for log in logs for part in log.split(UNFORESEEN)[1:]]

    def _let_clocks_run_out(self) -> None:
        """Travel until what runs out in the next minutes has run out, and has been fired."""
        until = clock.now() + BEYOND_THE_LAST
        while clock.now() < until:
            self.keeper.travel(STEP)
            if not self.keeper.until(_nothing_is_due, within_s=FIRED_WITHIN_S):
                self.ledger.fault("clocks that ran out were not fired")
                return

    def _let_notices_go_out(self) -> None:
        """Travel over leases and waits until no notice is left to be sent."""
        end = time.monotonic() + TOLD_WITHIN_S
        while not self.keeper.until(_nothing_waits, within_s=3) and time.monotonic() < end:
            self.keeper.travel(timedelta(minutes=1))

    def _say(self) -> None:
        if time.monotonic() - self._said_at > REPORT_EVERY_S:
            self._said_at = time.monotonic()
            say(
                f"{len(self.ledger.leads)} leads, {sum(self.keeper.kills.values())} kills,"
                f" {len(self.house.robots.told)} messages to groups, {self.ledger.asked_again} asked again,"
                f" {len(self.ledger.faults)} faults"
            )


def _nothing_is_due() -> bool:
    return not Deadline.objects.filter(state=Deadline.State.RUNNING, due_at__lte=clock.now()).exists()


def _nothing_waits() -> bool:
    return not OutboxMessage.objects.filter(state=State.PENDING, robot__isnull=False).exists()
