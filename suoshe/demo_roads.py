"""The side roads of the demo, in the state in which a visitor finds them (演示数据).

Something waits for nearly everybody who signs in: approvals for heads, the legal section and a grid
worker, a whistle for a department, an answer that is owed, a look-back due today, tasks on a list.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from grids import task_lists
from grids.task_lists import Wish
from kernel import approvals, clock
from kernel.accounts.models import User
from kernel.approvals.models import Approval
from leads import (
    answers,
    departments,
    guidance,
    interim,
    leniency,
    lifecycle,
    look_backs,
    matters,
    merging,
    pauses,
    rechecks,
    recusal,
    referral,
    rejection,
    settling,
    surveys,
    whistle_calls,
    whistles,
)
from leads.departments import Terms
from leads.guidance import Given as Guided
from leads.intake import Told
from leads.interim import Interim
from leads.leniency import Proposal
from leads.lifecycle import Outcome
from leads.matters import Given, Part
from leads.models import (
    DisposalKind,
    Harm,
    Lead,
    LookBack,
    Rating,
    RejectReason,
    Result,
    Route,
    SuspendReason,
)
from leads.models.leniency import GuidanceKind
from leads.models.platform import MatterKind
from leads.whistle_calls import Word
from leads.whistle_states import Answer
from suoshe import demo_pictures
from suoshe.demo_leads import One, anyway, owner_of

if TYPE_CHECKING:
    from suoshe.demo import Play

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LANDLINE = "0538-0000000"
"""Nobody's: it takes no SMS, so that the demo writes to nobody."""


def uid(name: str) -> uuid.UUID:
    """The same number every time."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"suoshe-demo-{name}")


def citizen(who: str) -> Told:
    return Told(f"演示群众{who}", LANDLINE)


class Road(One):
    """A lead that leaves the main road; minutes count from its report."""

    def by_owner(self, minutes: int, act: Callable[..., Any], **said: Any) -> Self:
        """A service that takes `lead_id`, `by` and `expect`, called by whoever owns the lead then."""
        return self._at(minutes, lambda: act(lead_id=self.lead_id, by=self.owner(), expect=anyway, **said))

    def by_person(self, minutes: int, who: str, act: Callable[..., Any], **said: Any) -> Self:
        """The same, called by an account."""
        return self._at(
            minutes, lambda: act(lead_id=self.lead_id, by=self.world.user(who), expect=anyway, **said)
        )

    def later(self, minutes: int, act: Callable[[], Any]) -> Self:
        return self._at(minutes, act)

    def approve(self, minutes: int, kind: str, who: str, *, note: str = "") -> Self:
        def act() -> None:
            row = Approval.objects.of("lead", self.lead_id).waiting().get(kind=kind)
            approvals.decide(
                approval_id=row.pk, by=self.world.user(who), approve=True, expect=anyway, note=note
            )

        return self._at(minutes, act)

    def result(self, minutes: int, outcome: Callable[[], Outcome], *, photo: bool = False) -> Self:
        """A feedback of any kind; the outcome is made at its moment."""

        def act() -> None:
            owner = self.owner()
            files = (self.picture(owner, clock.now()),) if photo else ()
            lifecycle.feed_back(
                lead_id=self.lead_id, by=owner, expect=anyway, outcome=outcome(), evidence=files
            )

        return self._at(minutes, act)

    def picture(self, by: User, at: datetime) -> int:
        number: int = demo_pictures.upload(self.note_no + 500, self.story[0][0], by=by, at=at).pk
        return number

    def put_right(self, minutes: int, *, passed_after: int) -> Self:
        """责令改正, verified at once; rechecked and countersigned (销号) so many minutes after the report."""
        self.result(
            minutes,
            lambda: Outcome(DisposalKind.RECTIFY, self.story[2], clock.now() + DAY),
        ).verify(minutes + 30)
        self.by_person(
            passed_after - 60, self.worker_name(), rechecks.correct, note="店家已完成整改，现场照片已留存"
        )
        self.by_owner(passed_after - 30, rechecks.recheck, passed=True, note="已复查，整改到位")
        return self.by_person(passed_after, self.worker_name(), rechecks.countersign)

    def worker_name(self) -> str:
        """The same grid worker who verified it."""
        return f"worker-{self.number:02d}-{1 + (self.note_no + 1) % 3}"

    def office(self, kind: str) -> str:
        """The name of an account of the lead's office, e.g. `office-02`."""
        return f"{kind}-{self.world.offices.index(self.world.office_of(self.number)) + 1:02d}"

    def look_back(self, minutes: int, *, passed: bool, note: str) -> Self:
        def act() -> None:
            row = LookBack.objects.filter(lead_id=self.lead_id, number=1).latest("round")
            look_backs.complete(look_back_id=row.pk, by=self.owner(), expect=anyway, passed=passed, note=note)

        return self._at(minutes, act)


def write(play: Play) -> None:
    """Add the side roads to the script. A register too small for a scene leaves that scene out."""
    ago = play.now - timedelta(minutes=1)
    _requests(play, ago)
    _results(play, ago)
    _after_closing(play, ago)
    _whistles(play, ago)
    _leniency(play, ago)
    _answers(play, ago)
    _pair(play, ago)
    _tip_off(play, ago)
    _tasks(play, ago)


# --- what was asked --------------------------------------------------------------------------------


def _requests(play: Play, ago: datetime) -> None:
    """One suspended, one that waits for an extension, one whose rejection a grid worker has to confirm."""
    paused = Road(play, 15, ("P03", "水产摊位电子秤疑似缺斤短两", ""), ago - 20 * HOUR, note_no=201)
    paused.respond(11).by_owner(
        70,
        pauses.suspend,
        reason_kind=SuspendReason.TEST_RESULT,
        until=ago + 3 * DAY,
        note="电子秤已送检，等待检定结果",
    ).approve(100, pauses.SUSPEND, paused.office("office"))

    late = Road(play, 16, ("A01", "门头广告使用“最低价”字样", ""), ago - 20 * HOUR, note_no=202)
    late.respond(14).by_owner(
        20 * 60 - 25, pauses.extend, until=ago + 2 * DAY, reason="广告制作方在外地，约定后日到店更换"
    )

    refused = Road(
        play, 17, ("C03", "反映健身房合同条款不公平，地址写的是外县", ""), ago - 5 * HOUR, note_no=203
    )
    refused.respond(17).by_owner(
        90,
        rejection.reject,
        reason_kind=RejectReason.NO_SUCH_PLACE,
        note="按所报地址到场，没有这家健身房，经核实在外县经营",
    )

    gone = Road(play, 18, ("X04", "夜间施工噪声", ""), ago - 26 * HOUR, note_no=204)
    gone.respond(9).by_owner(
        40, rejection.reject, reason_kind=RejectReason.NOT_OURS, note="属建筑施工噪声，已告知反映渠道"
    ).approve(75, rejection.REJECT, gone.worker_name(), note="情况属实")

    related = Road(play, 19, ("L02", "理发店执照没有悬挂", ""), ago - 3 * HOUR, note_no=205)
    related.by_owner(8, recusal.recuse, reason="店主是本人近亲属")


def _results(play: Play, ago: datetime) -> None:
    """Settled in one tap, fed back in part, and handed over with the receipt of the department."""
    spot = Road(
        play, 20, ("F05", "散装糕点没有标签", "已当场补贴标签"), ago - 4 * HOUR, fixed=True, note_no=211
    )
    spot.by_owner(10, settling.settle, outcome=Outcome(DisposalKind.GUIDED, "店员已当场补贴标签，并作了指导"))

    part = Road(play, 21, ("Q01", "服装店销售的外套商标存疑", ""), ago - 22 * HOUR, note_no=212)
    part.respond(16).by_owner(
        200,
        interim.give,
        interim=Interim("已登记封存 12 件，并取得进货票据", "等待商标权利人出具鉴别意见", ago + 3 * DAY),
    )

    road = Road(play, 6, ("X01", "店外摆放桌椅占用人行道", ""), ago - 28 * HOUR, note_no=213)
    road.respond(13).result(
        90,
        lambda: Outcome(
            DisposalKind.HANDED_OVER,
            "属占道经营，已函告处理",
            department="citymgmt",
            document_number="演示移〔1〕号",
        ),
    ).verify(150).by_person(300, road.office("clerk"), referral.enter_receipt, number="演示回执 1 号")


# --- after closing ---------------------------------------------------------------------------------


def _after_closing(play: Play, ago: datetime) -> None:
    """Food rechecks that passed three days ago and more: one look-back due today, one failed, one passed;
    and a rectification whose recheck is still to come."""
    days = 24 * 60
    due = Road(play, 1, ("F03", "后厨排水沟积垢", "已责令清理排水沟"), ago - 5 * DAY, photo=True, note_no=221)
    due.respond(12).put_right(80, passed_after=2 * days)

    failed = Road(
        play, 2, ("F05", "冰柜内生熟混放", "已责令分区存放"), ago - 6 * DAY, photo=True, note_no=222
    )
    failed.respond(8).put_right(70, passed_after=2 * days)
    failed.look_back(6 * days - 150, passed=False, note="冰柜内又发现生熟混放")

    passed = Road(play, 5, ("F04", "从业人员健康证过期", "已责令更换健康证"), ago - 6 * DAY, note_no=223)
    passed.respond(21).put_right(95, passed_after=2 * days)
    passed.look_back(5 * days + 60, passed=True, note="健康证均在有效期内")

    ordered = Road(play, 7, ("S02", "叉车未张贴检验标志", "已责令申报检验"), ago - 25 * HOUR, note_no=224)
    ordered.respond(18).result(
        120, lambda: Outcome(DisposalKind.RECTIFY, ordered.story[2], clock.now() + 2 * DAY)
    ).verify(200)


# --- whistles --------------------------------------------------------------------------------------


def _whistles(play: Play, ago: datetime) -> None:
    """Joint notices with limits; one whistle answered by one department and not by the other, one just
    blown that waits for its department."""
    world = play.world
    play.at(ago - 2 * DAY, lambda: _joint_notices(play))
    lead = Road(play, 4, ("Q02", "维修店为电动自行车加装电池", ""), ago - 3 * HOUR, photo=True, note_no=231)
    lead.respond(10)
    made: dict[str, int] = {}

    def call(name: str, of: Road, codes: tuple[str, ...], reason: str) -> None:
        request = whistles.Request(codes, reason, uid(name), lead_id=of.lead_id, place="演示路口")
        made[name] = whistles.blow(request=request, by=world.user(of.worker_name())).whistle.pk

    def said(act: Callable[..., Any], who: str, **more: Any) -> Callable[[], Any]:
        return lambda: act(whistle_id=made["whistle-1"], by=world.user(who), expect=anyway, **more)

    lead.later(20, lambda: call("whistle-1", lead, ("police", "fire"), "现场改装，需公安、消防到场"))
    lead.later(31, said(whistle_calls.answer, "police", answer=Answer.DISPATCHED, note="已派辖区民警"))
    lead.later(58, said(whistle_calls.check_in, "police", note="民警已到场"))
    lead.later(
        110, said(whistle_calls.report, "police", note="已对改装行为登记，当事人配合", word=Word("police"))
    )

    street = Road(play, 11, ("X01", "早市收摊后占道经营", ""), ago - timedelta(minutes=40), note_no=232)
    street.respond(9)
    street.later(29, lambda: call("whistle-2", street, ("citymgmt",), "占道影响消防通道，请到场处置"))


def _joint_notices(play: Play) -> None:
    """What three departments agreed to: an answer in 30 minutes, on site in two hours."""
    by, at, world = play.world.user("bureau"), clock.now(), play.world
    for code in ("police", "citymgmt", "fire"):
        terms = Terms(f"演示联发〔{code}〕1号", answer_minutes=30, on_site_minutes=120)
        departments.add_policy(department=world.departments[code], terms=terms, by=by, at=at)


# --- guidance and leniency -------------------------------------------------------------------------


def _leniency(play: Play, ago: datetime) -> None:
    """Guidance in one tap; one decision made and verified, one that waits for the legal section."""
    shop = play.shop(9, 0)
    if shop is not None:
        words = Guided(uid("guidance-1"), GuidanceKind.REMIND, "提醒更换临近到期的健康证")
        play.at(
            ago - 2 * HOUR,
            lambda: guidance.give(entity_id=shop.pk, by=play.world.worker(9), given=words),
        )
    if play.shop(9, 241) is not None:
        first = _proposed(
            play, 9, ("L02", "营业执照没有亮出来", "首次未亮照，已当场改正"), ago - 30 * HOUR, 241
        )
        first.approve(120, "lead.leniency_head", first.office("office"), note="同意")
        first.approve(200, "lead.leniency_legal", "section-legal", note="符合首违不罚条件")
        first.approve(280, "lead.leniency_leader", "leader", note="同意")
        first.by_owner(300, leniency.sign, card_number="演示执法证 0901", form_number="演示审批 1 号")
        first.by_person(310, first.office("office"), leniency.sign, card_number="演示执法证 0902").verify(340)
    if play.shop(12, 242) is not None:
        waits = _proposed(
            play, 12, ("P01", "三种商品没有明码标价", "首次未标价，已补齐价签"), ago - 6 * HOUR, 242
        )
        waits.approve(150, "lead.leniency_head", waits.office("office"), note="同意")


def _proposed(play: Play, number: int, story: tuple[str, str, str], start: datetime, note_no: int) -> Road:
    lead = Road(play, number, story, start, photo=True, note_no=note_no)

    def outcome() -> Outcome:
        proposal = Proposal(
            Route.FIRST_MINOR,
            harm=Harm.MINOR,
            corrected_at=clock.now() - timedelta(minutes=10),
            guidance="已当面讲解有关规定",
        )
        return Outcome(DisposalKind.LENIENCY, story[2], leniency=proposal)

    return lead.respond(11).result(60, outcome, photo=True)


# --- answers and surveys ---------------------------------------------------------------------------


def _answers(play: Play, ago: datetime) -> None:
    """One citizen whom nobody has called yet, one who is content, one who asks for it to be reopened."""
    owed = Road(
        play,
        13,
        ("C01", "反映小家电退货被拒", "经协商已退货"),
        ago - 7 * HOUR,
        told=citizen("甲"),
        note_no=251,
    )
    owed.respond(12).feed_back(120).verify(240)

    for number, who, rating, words, note_no in (
        (14, "乙", Rating.VERY_SATISFIED, "处理得很快", 252),
        (8, "丙", Rating.UNSATISFIED, "价签过两天又没有了", 253),
    ):
        lead = Road(
            play,
            number,
            ("P01", "反映果蔬店没有价签", "已补齐价签"),
            ago - 27 * HOUR,
            told=citizen(who),
            note_no=note_no,
        )
        lead.respond(15).feed_back(100).verify(190)
        lead.later(260, _called(lead))
        lead.later(25 * 60, _asked(lead, rating, words))


def _called(lead: Road) -> Callable[[], Any]:
    return lambda: answers.record_call(
        lead_id=lead.lead_id,
        by=lead.world.user(lead.office("clerk")),
        client_uid=uid(f"call-{lead.note_no}"),
        result=Result.REACHED,
        note="已告知处置结果",
    )


def _asked(lead: Road, rating: Rating, words: str) -> Callable[[], Any]:
    return lambda: surveys.record_by_telephone(
        lead_id=lead.lead_id, by=lead.world.user("bureau"), rating=rating, comment=words
    )


# --- a merged pair, a tip-off, a list of tasks -----------------------------------------------------


def _pair(play: Play, ago: datetime) -> None:
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


def _tip_off(play: Play, ago: datetime) -> None:
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


def _tasks(play: Play, ago: datetime) -> None:
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
