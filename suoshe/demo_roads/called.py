"""Whistles, with the joint notices that set their limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kernel import clock
from leads import (
    departments,
    whistle_calls,
    whistles,
)
from leads.departments import Terms
from leads.whistle_calls import Word
from leads.whistle_states import Answer
from suoshe.demo_leads import anyway
from suoshe.demo_roads.road import DAY, HOUR, Road, uid

if TYPE_CHECKING:
    from suoshe.demo import Play


def blow(play: Play, ago: datetime) -> None:
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
