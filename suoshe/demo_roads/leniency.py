"""Guidance in one tap; leniency decided, and leniency that waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kernel import clock
from leads import (
    guidance,
    leniency,
)
from leads.guidance import Given as Guided
from leads.leniency import Proposal
from leads.lifecycle import Outcome
from leads.models import (
    DisposalKind,
    Harm,
    Route,
)
from leads.models.leniency import GuidanceKind
from suoshe.demo_roads.road import HOUR, Road, uid

if TYPE_CHECKING:
    from suoshe.demo import Play


def lenient(play: Play, ago: datetime) -> None:
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
