"""What was asked, and what came of it: a pause, an extension, rejections, a recusal; part results."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from leads import (
    interim,
    pauses,
    recusal,
    referral,
    rejection,
    settling,
)
from leads.interim import Interim
from leads.lifecycle import Outcome
from leads.models import (
    DisposalKind,
    RejectReason,
    SuspendReason,
)
from suoshe.demo_roads.road import DAY, HOUR, Road

if TYPE_CHECKING:
    from suoshe.demo import Play


def ask(play: Play, ago: datetime) -> None:
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


def give_results(play: Play, ago: datetime) -> None:
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
