"""One day played through the services, whose figures are computed by hand in the tests.

| lead | reported | what happened |
|---|---|---|
| A | 09:00 grid 1 | responded 09:20, fed back 11:00, closed 12:00 |
| B | 09:30 grid 1 | responded 10:10 (10 min late): order, both acknowledge, lifted; closed 16:00 |
| C | 10:00 grid 2 | fed back 12:00, sent back 13:00, fed back 14:00, closed 15:00 |
| D | 11:00 outside | on the desk until 11:40 (25 min late), responded 11:45, fed back 17:00 |
| E | 12:00 grid 1, food | controlled 13:00, fed back 14:00, closed 14:30 |
| F | 20:30 grid 1, food | responded 20:40, controlled 00:05 |
| G | 21:00 grid 2, food, fixed on the spot | responded 21:10, controlled 21:30 |
| H | 23:50 grid 1 | responded 00:03, in time |
| I | 22:00 grid 4 | nobody responds: order at 22:40; given to another at 00:06 |
| J | 23:00 outside | on the desk, 15 minutes ran out at 23:15 |
| K | 09:00 the day before, grid 5 | fed back 10:00 (1 h late): order 09:01, silent, escalated 11:05 |
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from grids.demo import World
from kernel.deadlines import sweep
from leads import dispatch, lifecycle, supervision
from leads.lifecycle import Outcome
from leads.models import DisposalKind, Instruction, Lead, SupervisionOrder
from tests.factories.grids import make_world
from tests.factories.leads import reported, take_any
from tests.factories.reports import DAY, moment, move_to

OUTSIDE = {"lon": Decimal("116.500000"), "lat": Decimal("36.500000"), "crs_in": "wgs84"}
Act = Callable[[], Any]


class Day:
    """Acts, played in the order of their times with a sweep before each; then more may be added."""

    def __init__(self) -> None:
        move_to("08:00", DAY - timedelta(days=1))
        self.world: World = make_world()
        self.leads: dict[str, Lead] = {}
        self._acts: list[tuple[str, int, Act]] = []

    def at(self, said: str, act: Act = lambda: None, day: int = 0) -> None:
        self._acts.append((said, day, act))

    def play(self) -> None:
        moments = [(moment(said, DAY + timedelta(days=day)), said, day, act) for said, day, act in self._acts]
        self._acts = []
        for _, said, day, act in sorted(moments, key=lambda one: one[0]):
            move_to(said, DAY + timedelta(days=day))
            while sweep.sweep(look_back=None):
                pass
            act()

    # --- acts ----------------------------------------------------------------------------------

    def report(self, name: str, grid: int | None, said: str, day: int = 0, **fields: Any) -> None:
        def act() -> None:
            if grid is None:
                self.leads[name] = reported(self.world, by="worker-01-1", **OUTSIDE, **fields)
            else:
                self.leads[name] = reported(self.world, grid, **fields)

        self.at(said, act, day)

    def respond(self, name: str, grid: int, said: str, day: int = 0) -> None:
        self.at(said, lambda: lifecycle.respond(**self._of(name, self.world.commissioner(grid))), day)

    def control(self, name: str, grid: int, said: str) -> None:
        who = self.world.commissioner(grid)
        self.at(said, lambda: lifecycle.control(**self._of(name, who), note="已封存"))

    def feed_back(self, name: str, grid: int, said: str, day: int = 0) -> None:
        outcome = Outcome(DisposalKind.GUIDED, "已提醒指导")
        who = self.world.commissioner(grid)
        self.at(said, lambda: lifecycle.feed_back(**self._of(name, who), outcome=outcome), day)

    def rework(self, name: str, grid: int, said: str) -> None:
        who = self.world.worker(grid, 2)
        self.at(said, lambda: lifecycle.rework(**self._of(name, who), reason="还没有整改"))

    def close(self, name: str, grid: int, said: str, day: int = 0) -> None:
        self.at(said, lambda: lifecycle.verify(**self._of(name, self.world.worker(grid, 2))), day)

    def dispatch(self, name: str, said: str, *, by: str, to: str, grid: int) -> None:
        def act() -> None:
            dispatch.dispatch(
                **self._of(name, self.world.user(by)),
                assignee_id=self.world.users[to].pk,
                reason="人工指定",
                grid_id=self.world.grid(grid).pk,
            )

        self.at(said, act)

    def acknowledge(self, name: str, said: str, by: str) -> None:
        def act() -> None:
            order = SupervisionOrder.objects.get(lead=self.leads[name])
            supervision.acknowledge(
                order_id=order.pk,
                by=self.world.user(by),
                expect=take_any,
                instruction=Instruction.FINISH_TODAY,
            )

        self.at(said, act)

    def _of(self, name: str, by: Any) -> dict[str, Any]:
        return {"lead_id": self.leads[name].pk, "by": by, "expect": take_any}


def username(day: Day, user: Any) -> str:
    return next(name for name, found in day.world.users.items() if found.pk == user.pk)


def played() -> Day:
    """The day of the table above; the clock is at 00:07 of the next day."""
    day = Day()
    world = day.world
    day.report("K", 5, "09:00", day=-1)
    day.respond("K", 5, "09:10", day=-1)
    day.at("09:01")
    day.feed_back("K", 5, "10:00")
    day.at("11:05")
    day.report("A", 1, "09:00")
    day.respond("A", 1, "09:20")
    day.feed_back("A", 1, "11:00")
    day.close("A", 1, "12:00")
    day.report("B", 1, "09:30")
    day.respond("B", 1, "10:10")
    day.acknowledge("B", "10:20", username(day, world.head_of(1)))
    day.acknowledge("B", "10:30", username(day, world.community_head_of(1)))
    day.feed_back("B", 1, "15:00")
    day.close("B", 1, "16:00")
    day.report("C", 2, "10:00")
    day.respond("C", 2, "10:10")
    day.feed_back("C", 2, "12:00")
    day.rework("C", 2, "13:00")
    day.feed_back("C", 2, "14:00")
    day.close("C", 2, "15:00")
    day.report("D", None, "11:00")
    day.dispatch("D", "11:40", by="bureau", to="commissioner-03", grid=3)
    day.respond("D", 3, "11:45")
    day.feed_back("D", 3, "17:00")
    day.report("E", 1, "12:00", category="F03")
    day.respond("E", 1, "12:05")
    day.control("E", 1, "13:00")
    day.feed_back("E", 1, "14:00")
    day.close("E", 1, "14:30")
    day.report("F", 1, "20:30", category="F03")
    day.respond("F", 1, "20:40")
    day.control("F", 1, "24:05")
    day.report("G", 2, "21:00", category="F02", fixed_on_spot=True)
    day.respond("G", 2, "21:10")
    day.control("G", 2, "21:30")
    day.report("H", 1, "23:50")
    day.respond("H", 1, "24:03")
    day.report("I", 4, "22:00")
    day.at("22:40")
    day.dispatch(
        "I", "24:06", by=username(day, world.clerk_of(4)), to=username(day, world.head_of(4)), grid=4
    )
    day.report("J", None, "23:00")
    day.at("24:07")
    day.play()
    return day
