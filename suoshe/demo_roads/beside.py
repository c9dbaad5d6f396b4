"""A merged pair, a tip-off, a list of tasks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from grids import task_lists
from grids.task_lists import Wish
from kernel import clock
from kernel.accounts.models import User
from leads import (
    lifecycle,
    matters,
    merging,
)
from leads.matters import Given, Part
from leads.models import (
    Lead,
)
from leads.models.platform import MatterKind
from suoshe.demo_leads import anyway, owner_of
from suoshe.demo_roads.road import DAY, HOUR, Road, citizen, uid

if TYPE_CHECKING:
    from suoshe.demo import Play


def pair(play: Play, ago: datetime) -> None:
    """Two neighbours told of the same thing; the second is merged into the first."""
    story = ("F02", "超市货架上有过期饮料", "")
    first = Road(play, 3, story, ago - 100 * timedelta(minutes=1), photo=True, note_no=261)
    first.respond(9)
    second = Road(play, 3, story, ago - timedelta(minutes=70), note_no=262, shop_no=261)

    def act() -> None:
        merging.merge(
            lead_id=second.lead_id,
            by=second.owner(),
            expect=anyway,
            into_id=first.lead_id,
            reason="同一家超市，同一批饮料",
        )

    second.later(15, act)


def tip_off(play: Play, ago: datetime) -> None:
    """举报 taken at the desk: known to the office and one section, to nobody of the community."""
    lon, lat = play.world.point_in(10)
    given = Given(
        parts=(Part(MatterKind.TIP_OFF, "举报作坊使用非食品原料加工，夜间生产", category="F02"),),
        client_uid=uid("tip-off-1"),
        told=citizen("丁"),
        lon=Decimal(f"{lon:.6f}"),
        lat=Decimal(f"{lat:.6f}"),
        accuracy_m=20,
        crs_in="wgs84",
    )

    def take() -> None:
        matters.take(given, by=play.world.clerk_of(10))

    def respond() -> None:
        lead = Lead.objects.get(restricted=True)
        lifecycle.respond(lead_id=lead.pk, by=owner_of(play.world, lead.pk), expect=anyway)

    play.at(ago - 5 * HOUR, take)
    play.at(ago - 4 * HOUR - timedelta(minutes=40), respond)


def give_tasks(play: Play, ago: datetime) -> None:
    """The list of the first grid: done, late, and to come; given by the commissioner and the community."""
    world, grid = play.world, play.world.grid(1)
    ids: dict[str, int] = {}

    def give(name: str, title: str, owner: User, due_at: datetime, by: User) -> Callable[[], Any]:
        def act() -> None:
            made = task_lists.add(
                grid=grid, wish=Wish(title, owner.pk, due_at), client_uid=uid(name), by=by, at=clock.now()
            )
            ids[name] = made.task.pk

        return act

    worker, other, commissioner = world.worker(1), world.worker(1, 2), world.commissioner(1)
    head = world.community_head_of(1)
    play.at(ago - 2 * DAY, give("task-1", "张贴食品安全宣传海报", worker, ago + DAY, head))
    play.at(ago - DAY, lambda: task_lists.finish(task_id=ids["task-1"], by=world.worker(1), expect=anyway))
    play.at(ago - 30 * HOUR, give("task-2", "核对新开业门店登记信息", other, ago - 3 * HOUR, commissioner))
    play.at(
        ago - 5 * HOUR, give("task-3", "走访沿街早餐店，提醒亮照经营", worker, ago + 26 * HOUR, commissioner)
    )
    play.at(ago - 2 * HOUR, give("task-4", "整理本月巡查台账", commissioner, ago + 3 * DAY, commissioner))
