"""A small living demo: invented people, shops and leads, all made through the services (演示数据).

The house's clock is set back inside one transaction, each act happens at its own moment, and every
clock that runs out on the way fires exactly then. Nothing in it is written as a figure: chains verify,
constraints hold, and the clocks of the last hours run on when it is done.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction

from credit import grading
from grids import demo as places
from grids.demo import World
from grids.models import BusinessEntity, Grid
from kernel import clock
from kernel.accounts.models import User
from kernel.deadlines import sweep
from kernel.deadlines.policy import at_local, local
from leads.models import Instruction, Lead, SupervisionOrder
from patrols import cards, planning
from stations.demo import build_circles, build_stations
from stations.models import Dispute
from suoshe import demo_credit, demo_disputes, demo_roads
from suoshe.demo_leads import CITIZEN, One

ENTITIES = 300
SEED = 370983
STORIES = (
    ("F03", "后厨地面油污，灶台下发现鼠迹", "已清理消杀，封堵孔洞并补充防鼠板"),
    ("F02", "货架上有临近过期面包未下架", "已下架封存并做好登记"),
    ("F05", "冷柜内散装熟食没有标签", "已补贴标签并补录进货台账"),
    ("F04", "两名从业人员未公示健康证", "健康证已当场补充公示"),
    ("L02", "营业执照未在显著位置悬挂", "已指导悬挂营业执照"),
    ("L01", "新开门店未见营业执照", "已指导提交登记申请"),
    ("P01", "部分商品没有明码标价", "已补齐价签"),
    ("P03", "电子秤检定标识过期", "已停用并送检"),
    ("Q02", "门店有改装电动自行车电池的工具", "已责令停止改装并清点配件"),
    ("S02", "电梯使用标志超过检验日期", "已停梯并预约检验"),
    ("A01", "宣传单使用“第一”“最好”等用语", "已收回宣传单并更换"),
    ("C01", "顾客购买小家电七日内要求退货未果", "经协商已退货退款"),
)


class NotEmpty(Exception):
    """The database holds business rows already."""


def build(*, entities: int = ENTITIES, password: str = places.DEMO_PASSWORD) -> dict[str, int]:
    """Build the demo in one transaction; how many rows of each kind it made.

    Raises:
        NotEmpty: grids, postings or leads are there already; nothing is changed then.
    """
    with transaction.atomic():
        if Grid.objects.exists() or Lead.objects.exists() or User.objects.exists():
            raise NotEmpty
        now = clock.now()
        world = places.build(at=now, password=password)
        build_stations(world)
        places.build_entities(world, entities)
        build_circles(world)
        _cards(world, local(now).year + 2)
        demo_credit.build(world, now)
        Play(world, now).run()
        grading.regrade_dirty()
        planning.plan(local(now).date())
        return {
            "用户": User.objects.count(), "网格": Grid.objects.count(),
            "经营主体": BusinessEntity.objects.count(), "线索": Lead.objects.count(),
            "督办单": SupervisionOrder.objects.count(), "消费纠纷": Dispute.objects.count(),
        }  # fmt: skip


def _cards(world: World, until: int) -> None:
    """Every commissioner and clerk holds an enforcement card: 每周查 can be handed in at once."""
    officers = {
        officer.pk: number
        for number in range(1, len(world.grids) + 1)
        for officer in (world.commissioner(number), world.clerk_of(number))
    }
    for place, (officer_id, number) in enumerate(officers.items(), start=1):
        head, expires = world.head_of(number), date(until, 12, 31)
        cards.keep(officer_id=officer_id, number=f"DEMO-{place:04d}", expires_on=expires, by=head)


@dataclass(order=True)
class Scene:
    """One act at its moment."""

    at: datetime
    number: int
    act: Callable[[], Any] = field(compare=False)


class Play:
    """Acts in the order of their moments, with every clock in between."""

    def __init__(self, world: World, now: datetime) -> None:
        self.world, self.now = world, now
        self.dice = random.Random(SEED)  # noqa: S311 – a demo must be the same every time
        self.scenes: list[Scene] = []
        self.numbers = itertools.count(1)
        self.shops: dict[int, list[BusinessEntity]] = {}
        for shop in BusinessEntity.objects.filter(grid__isnull=False).order_by("id"):
            self.shops.setdefault(shop.grid_id or 0, []).append(shop)

    def run(self) -> None:
        """Write the script, then play it up to now."""
        self._yesterday()
        self._today()
        demo_roads.write(self)
        demo_disputes.write(self)
        while self.scenes:
            scene = heapq.heappop(self.scenes)
            self._clocks_until(scene.at)
            with clock.as_of(scene.at):
                scene.act()
        self._clocks_until(self.now)

    def shop(self, number: int, turn: int) -> BusinessEntity | None:
        """One of the shops of a grid, by turns; None where the register is that small."""
        shops = self.shops.get(self.world.grid(number).pk, [])
        return shops[turn % len(shops)] if shops else None

    def at(self, moment: datetime, act: Callable[[], Any]) -> None:
        if moment <= self.now:
            heapq.heappush(self.scenes, Scene(moment, next(self.numbers), act))

    def _clocks_until(self, moment: datetime) -> None:
        """Fire every clock that runs out before `moment`, each at its own time."""
        while True:
            with connection.cursor() as cursor:
                cursor.execute("SELECT min(due_at) FROM deadlines_deadline WHERE state = 'running'")
                due_at = cursor.fetchone()[0]
            if due_at is None or due_at + sweep.SETTLE > moment:
                return
            with clock.as_of(due_at + sweep.SETTLE):
                if not sweep.sweep(look_back=None):
                    return

    # --- the script ----------------------------------------------------------------------------

    def _yesterday(self) -> None:
        """A working day that is over: every grid had a lead or two, nearly all of them closed."""
        day = local(self.now).date() - timedelta(days=1)
        for place in range(36):
            number = place % 21 + 1
            story = STORIES[place % len(STORIES)]
            start = at_local(day, time(8, 40)) + timedelta(minutes=self.dice.randint(0, 460))
            one = One(self, number, story, start, photo=place % 3 == 0, note_no=place)
            one.respond(self.dice.randint(3, 26)).feed_back(self.dice.randint(45, 170)).verify(
                self.dice.randint(180, 300)
            )

    def _today(self) -> None:
        """Leads in every state, dated back from now, their clocks running."""
        ago = self.now - timedelta(minutes=1)
        One(self, 1, STORIES[0], ago - timedelta(minutes=6), photo=True, note_no=101)
        One(self, 2, STORIES[4], ago - timedelta(minutes=26), note_no=102)
        One(self, 3, STORIES[1], ago - timedelta(minutes=75), photo=True, note_no=103).respond(9).control(31)
        One(self, 4, STORIES[8], ago - timedelta(hours=3), note_no=104).respond(12)
        One(self, 5, STORIES[6], ago - timedelta(hours=5), photo=True, note_no=105).respond(7).feed_back(120)
        One(self, 6, STORIES[9], ago - timedelta(hours=9), note_no=106).respond(14).feed_back(
            150, rectify=True
        ).rework(260)
        One(self, 7, STORIES[3], ago - timedelta(minutes=55), photo=True, note_no=107)
        late = One(self, 8, STORIES[7], ago - timedelta(hours=4), note_no=108)
        late.respond(75).acknowledge(48, "head", Instruction.GO_MYSELF).acknowledge(
            58, "community", Instruction.FINISH_TODAY
        )
        One(self, 9, STORIES[5], ago - timedelta(hours=52), note_no=109).respond(20)
        One(self, 10, STORIES[2], ago - timedelta(hours=7), photo=True, note_no=110).respond(5).feed_back(
            60
        ).verify(190)
        One(self, 12, STORIES[10], ago - timedelta(hours=2), note_no=112).dispatch_to(40, 13)
        One(self, 11, STORIES[11], ago - timedelta(hours=2, minutes=30), told=CITIZEN, note_no=111).respond(
            15
        ).confirm(40)
        One(
            self,
            0,
            ("X01", "河堤路边有占道摊点，影响通行", ""),
            ago - timedelta(minutes=8),
            outside=True,
            note_no=113,
        )
        One(
            self,
            14,
            ("Q03", "底商闻到燃气味，疑似软管老化", ""),
            ago - timedelta(minutes=4),
            photo=True,
            note_no=114,
        )
