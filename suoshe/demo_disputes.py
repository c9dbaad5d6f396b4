"""Disputes of the demo: every state, every tier, made through the services (演示数据).

Minutes and hours count back from now; what runs out on the way fires at its own moment. Consumers are
numbered and leave a landline that is nobody's, so that the demo writes to nobody.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from PIL import Image, ImageDraw

from grids.models import BusinessEntity
from kernel import clock
from kernel.accounts.models import User
from leads import matters
from leads.intake import Told
from leads.matters import Part
from leads.models import MatterKind, Rating
from stations import (
    agreements,
    escalating,
    intake,
    lead_made,
    official,
    placing,
    sessions,
    settling,
    surveys,
    testing,
)
from stations.agreements import Terms
from stations.demo import COMPLEXES, grid_number
from stations.intake import Given
from stations.lead_made import Hint
from stations.models import (
    Claim,
    Dispute,
    FailReason,
    GoodsKind,
    Party,
    RefusalGround,
    Session,
    Source,
    TestingKind,
    WithdrawalReason,
    WordWay,
)
from stations.sessions import Appointment
from stations.states import Tier
from suoshe.demo_leads import anyway
from suoshe.demo_roads.road import DAY, HOUR, LANDLINE, uid

if TYPE_CHECKING:
    from suoshe.demo import Play

MINUTE = timedelta(minutes=1)
Goods = tuple[str, GoodsKind, str, Claim, str]
"""What it was, its kind, what went wrong, what is asked for, yuan."""
COAT: Goods = ("羊毛大衣", GoodsKind.CLOTHING, "首次洗涤后缩水变形", Claim.REFUND, "699.00")
PHONE: Goods = ("手机", GoodsKind.DIGITAL, "购买五日屏幕出现坏点，要求换货", Claim.EXCHANGE, "2199.00")
CARD: Goods = ("健身年卡", GoodsKind.PREPAID, "因搬家要求退还未消费余额", Claim.REFUND, "1580.00")
CAKE: Goods = ("生日蛋糕", GoodsKind.FOOD, "送达时已塌损，与订制样式不符", Claim.COMPENSATION, "168.00")
SOFA: Goods = ("布艺沙发", GoodsKind.FURNITURE, "到货颜色与样品明显不同", Claim.EXCHANGE, "3200.00")
KETTLE: Goods = ("电热水壶", GoodsKind.APPLIANCE, "使用一周漏水", Claim.RETURN, "99.00")
RING: Goods = ("银戒指", GoodsKind.JEWELLERY, "佩戴后褪色，怀疑含量不足", Claim.REFUND, "460.00")
MEAL: Goods = ("团购套餐", GoodsKind.CATERING, "到店后被告知节假日不可使用", Claim.REFUND, "128.00")
HAIR: Goods = ("烫染服务", GoodsKind.BEAUTY, "收费高于事先告知的价格", Claim.REFUND, "380.00")
LESSON: Goods = ("书法课程", GoodsKind.TRAINING, "更换任课教师，要求退还余课费用", Claim.REFUND, "1200.00")


def write(play: Play) -> None:
    """Add the disputes to the script. A register too small for a scene leaves its shop to its name."""
    ago = play.now - MINUTE
    _settled(play, ago)
    _going_on(play, ago)
    _agreements(play, ago)
    _at_the_office(play, ago)
    _without_agreement(play, ago)
    _heard_again(play, ago)
    _hot_shop(play, ago)
    _kept(play, ago)


class Case:
    """One dispute of the demo and the acts of its life; times count from its registration.

    With `circle` (the place of a complex in `stations.demo.COMPLEXES`) the shop is one of that circle and it
    is taken there; else it is taken at the station of the community that leads grid `number`.
    """

    def __init__(
        self,
        play: Play,
        name: str,
        goods: Goods,
        start: datetime,
        *,
        number: int = 1,
        circle: int | None = None,
        turn: int = 0,
        at_once: bool = False,
        word: bool = False,
    ) -> None:
        self.play, self.world, self.name, self.goods, self.start = play, play.world, name, goods, start
        self.circle, self.turn, self.at_once, self.word = circle, turn, at_once, word
        self.number = number if circle is None else grid_number(
            play.world, play.world.communities[COMPLEXES[circle][1]]
        )  # fmt: skip
        self.dispute_id = 0
        play.at(start, self._take)

    # -- who

    def row(self) -> Dispute:
        return Dispute.objects.select_related("station", "taken_station", "entity").get(pk=self.dispute_id)

    def handler(self) -> User:
        """Who handles it at this moment: the mediator of the station that has it, or the office's clerk."""
        row = self.row()
        if row.tier == Tier.OFFICIAL:
            return self.clerk()
        return self._mediator(row.station.code)

    def clerk(self) -> User:
        return self.world.clerk_of(self.number)

    def _mediator(self, code: str) -> User:
        return self.world.user(f"station-{code.rpartition('-')[2]}")

    def _code(self) -> str:
        if self.circle is not None:
            return f"ST-{len(self.world.communities) + 1 + self.circle:02d}"
        station = placing.station_in(self.world.grid(self.number).lead_community_id)
        if station is None:
            raise LookupError(f"grid {self.number} has no station")
        return station.code

    # -- what

    def _take(self) -> None:
        goods, kind, said, claim, amount = self.goods
        shop: BusinessEntity | None = self.play.shop(self.number, self.turn)
        given = Given(
            client_uid=uid(f"dispute-{self.name}"),
            station_code=self._code(),
            entity_id=shop.pk if shop else None,
            entity_name="" if shop else "演示商行",
            goods=goods,
            goods_kind=kind,
            claims=(claim,),
            amount=Decimal(amount),
            description=said,
            name=f"演示消费者{self.name}",
            phone=LANDLINE,
            wants_official=self.word,
            settled_at_once=self.at_once,
        )
        source = Source.TELEPHONE if self.turn % 2 else Source.COUNTER
        taken = intake.take(given, by=self._mediator(self._code()), source=source)
        self.dispute_id = taken.dispute.pk

    def later(self, after: timedelta, act: Callable[..., Any], **said: Any) -> Self:
        """A service that takes `dispute_id`, `by` and `expect`, called by whoever handles it then."""
        self.play.at(
            self.start + after,
            lambda: act(dispute_id=self.dispute_id, by=self.handler(), expect=anyway, **said),
        )
        return self

    def up(self, after: timedelta) -> Self:
        return self.later(after, escalating.escalate, note="消费者请求上一级调解")

    def settle(self, after: timedelta) -> Self:
        return self.later(after, settling.settle, note="经营者已退款，消费者满意")

    def to_office(self, after: timedelta) -> Self:
        return self.later(after, official.to_official, way=WordWay.TELEPHONE, note="消费者来电要求转12315")

    def accept(self, after: timedelta) -> Self:
        return self.later(after, official.accept, conditions=frozenset(official.CONDITIONS))

    def meet(self, after: timedelta, until: timedelta, *, held: bool, place: Session.Place) -> Self:
        """An appointment made `after` and held (or to be held) at `until`."""
        made: list[Session] = []

        def book() -> None:
            by, starts_at = self.handler(), self.start + until
            when = Appointment(
                uid(f"session-{self.name}"), by.pk, place, starts_at, starts_at + HOUR, "双方均已电话确认"
            )
            made.append(sessions.book(dispute_id=self.dispute_id, by=by, expect=anyway, given=when))

        def hold() -> None:
            sessions.hold(
                session_id=made[0].pk,
                by=self.handler(),
                expect=anyway,
                consumer_came=True,
                shop_came=True,
                minutes="双方陈述了购买和使用经过，经营者愿意协商退款数额，消费者表示可以考虑。",
            )

        self.play.at(self.start + after, book)
        if held:
            self.play.at(self.start + until + HOUR, hold)
        return self

    def sign(self, after: timedelta, *, days: int) -> Self:
        """An agreement to be performed within so many days."""

        def act() -> None:
            by = self.handler()
            terms = Terms(
                terms="经营者于约定日期前退还货款，消费者同时退回商品；双方就此事再无争议。",
                amount=Decimal(self.goods[4]),
                perform_by=clock.local_date(self.start + after) + days * DAY,
            )
            agreements.agree(
                dispute_id=self.dispute_id,
                by=by,
                expect=anyway,
                client_uid=uid(f"agreement-{self.name}"),
                given=terms,
                signatures={one: drawn(f"{self.name}-{one}") for one in (Party.CONSUMER, Party.SHOP)},
            )

        self.play.at(self.start + after, act)
        return self

    def perform(self, after: timedelta, *, done: bool) -> Self:
        note = "已与双方核实，款项已付" if done else "经营者称资金周转困难，未按期退款"
        return self.later(after, agreements.perform, performed=done, note=note)

    def asked(self, after: timedelta, rating: Rating, words: str) -> Self:
        """电话回访, by the clerk, who had no part in it."""
        self.play.at(
            self.start + after,
            lambda: surveys.record_by_telephone(
                dispute_id=self.dispute_id, by=self.clerk(), rating=rating, comment=words
            ),
        )
        return self


def drawn(seed: str) -> bytes:
    """An invented signature: a few strokes on a transparent PNG, the same for each seed."""
    strokes = random.Random(seed)  # noqa: S311 - a demo must be the same every time
    image = Image.new("RGBA", (480, 180), (0, 0, 0, 0))
    points = [(30 + 42 * step, strokes.randint(35, 145)) for step in range(11)]
    ImageDraw.Draw(image).line(points, fill=(20, 20, 60, 255), width=5, joint="curve")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


# --- the script ------------------------------------------------------------------------------------


def _settled(play: Play, ago: datetime) -> None:
    """小事不出店: most of what comes is settled at the counter."""
    for turn, goods in enumerate((CAKE, KETTLE, MEAL, HAIR, COAT, LESSON)):
        start = ago - timedelta(days=turn, hours=2 + turn % 3)
        case = Case(play, f"和{turn + 1}", goods, start, number=2 * turn + 3, turn=1, at_once=turn % 2 == 0)
        if turn % 2:
            case.settle(50 * MINUTE)
        if turn > 1:
            case.asked(DAY, Rating.SATISFIED, "处理得很快")
    Case(play, "和7", MEAL, ago - 3 * HOUR, circle=0, turn=1, at_once=True)
    Case(play, "和8", COAT, ago - 30 * HOUR, circle=3).up(2 * HOUR).settle(20 * HOUR)


def _going_on(play: Play, ago: datetime) -> None:
    """On each tier, with clocks running; appointments today."""
    Case(play, "办1", KETTLE, ago - 25 * MINUTE, number=2)
    Case(play, "办2", HAIR, ago - 21 * HOUR, number=6)
    Case(play, "办3", PHONE, ago - 27 * HOUR, circle=1).meet(
        25 * HOUR, 30 * HOUR, held=False, place=Session.Place.STATION
    )
    Case(play, "办4", SOFA, ago - 3 * DAY, circle=4, word=True).up(3 * HOUR).up(20 * HOUR).meet(
        60 * HOUR, 69 * HOUR, held=True, place=Session.Place.SHOP
    )
    Case(play, "办5", LESSON, ago - 2 * DAY, number=12).meet(
        40 * HOUR, 50 * HOUR, held=False, place=Session.Place.STATION
    )


def _agreements(play: Play, ago: datetime) -> None:
    """Awaiting performance; its day over and to be checked; kept; broken, and gone on to the next tier."""
    Case(play, "协1", SOFA, ago - 30 * HOUR, number=8).sign(20 * HOUR, days=2)
    Case(play, "协2", COAT, ago - 2 * DAY, number=11).sign(3 * HOUR, days=0)
    kept = Case(play, "协3", RING, ago - 5 * DAY, circle=2, turn=1).up(HOUR).sign(9 * HOUR, days=1)
    kept.perform(60 * HOUR, done=True).asked(4 * DAY, Rating.VERY_SATISFIED, "调解员很耐心")
    broken = Case(play, "协4", CARD, ago - 4 * DAY, circle=5).sign(4 * HOUR, days=0)
    broken.perform(3 * DAY, done=False)


def _at_the_office(play: Play, ago: datetime) -> None:
    """Awaiting a decision; accepted, with goods being tested; refused; mediated to its end."""
    Case(play, "所1", CARD, ago - 30 * HOUR, number=9).to_office(6 * HOUR)
    tested = Case(play, "所2", RING, ago - 4 * DAY, circle=0).up(2 * HOUR).to_office(30 * HOUR)
    tested.accept(50 * HOUR).later(
        60 * HOUR, testing.begin_testing, kind=TestingKind.APPRAISAL, institution="演示珠宝检测站"
    )
    refused = Case(play, "所3", PHONE, ago - 3 * DAY, number=14).to_office(5 * HOUR)
    refused.later(
        30 * HOUR, official.refuse, ground=RefusalGround.NOT_CONSUMER, note="购买用于经营，已告知其他途径"
    )
    Case(play, "所4", SOFA, ago - 6 * DAY, number=16).to_office(5 * HOUR).accept(DAY).settle(3 * DAY)


def _without_agreement(play: Play, ago: datetime) -> None:
    """Out of time; one would not go on; taken back; and a hint of wrongdoing that became a lead."""
    Case(play, "未1", HAIR, ago - 9 * DAY, number=13)
    Case(play, "未2", CARD, ago - 2 * DAY, number=15).later(
        6 * HOUR, settling.fail, reason=FailReason.SHOP_UNWILLING, note="经营者不愿参加调解"
    )
    Case(play, "撤1", PHONE, ago - 26 * HOUR, number=17).later(
        2 * HOUR, settling.withdraw, reason=WithdrawalReason.SOLVED, note="双方已自行换货"
    )
    hint = Case(play, "线1", CAKE, ago - 5 * HOUR, number=18)
    told = Hint(uid("hint-1"), "F02", "消费者反映货架上另有临近过期糕点未下架")
    play.at(
        hint.start + 30 * MINUTE,
        lambda: lead_made.make_lead(dispute_id=hint.dispute_id, by=hint.handler(), given=told),
    )


def _heard_again(play: Play, ago: datetime) -> None:
    """An unhappy consumer asks for it to be mediated anew: the office's head decides."""
    case = Case(play, "再1", LESSON, ago - 26 * HOUR, number=19, at_once=True)
    case.asked(25 * HOUR, Rating.UNSATISFIED, "余课费用还没有退")


def _hot_shop(play: Play, ago: datetime) -> None:
    """Three of one shop in thirty days: the bureau is told where to look."""
    for turn, goods in enumerate((MEAL, MEAL, CAKE)):
        start = ago - timedelta(days=6 - 2 * turn)
        Case(play, f"热{turn + 1}", goods, start, number=20, at_once=turn < 2)


def _kept(play: Play, ago: datetime) -> None:
    """A complaint at the office's desk that nobody can place: it waits for a station to be named."""
    said = Part(MatterKind.COMPLAINT, "在流动摊点购买的水果变质，摊主已不在原处", entity_name="流动水果摊")
    given = matters.Given(parts=(said,), client_uid=uid("complaint-1"), told=Told("演示消费者待1", LANDLINE))
    play.at(ago - 2 * HOUR, lambda: matters.take(given, by=play.world.user("clerk-01")))
