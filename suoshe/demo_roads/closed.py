"""After closing: rechecks and look-backs, answers owed, surveys by telephone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kernel import clock
from leads import (
    answers,
    surveys,
)
from leads.lifecycle import Outcome
from leads.models import (
    DisposalKind,
    Rating,
    Result,
)
from suoshe.demo_roads.road import DAY, HOUR, Road, citizen, uid

if TYPE_CHECKING:
    from suoshe.demo import Play


def after_closing(play: Play, ago: datetime) -> None:
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


def answer(play: Play, ago: datetime) -> None:
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
