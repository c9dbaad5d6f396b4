"""To whom does a lead go, and why? (DESIGN.md §3 Dispatch). Decided on plain facts, no writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from grids.locate import Match
from grids.staffing import RoutingFacts
from kernel.deadlines.policy import WorkingCalendar, next_morning
from leads.policy import is_night


@dataclass(frozen=True, slots=True)
class Owner:
    """Who gets it. `tell_ids` are told beside him; `hands_on_at` is when a night's lead moves on."""

    user_id: int
    name: str
    username: str
    reason: str
    tell_ids: tuple[int, ...] = ()
    hands_on_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Which grid, and in what words."""

    grid_id: int | None
    match: str
    reason: str


def place(found: Match | None, *, entity_grid_id: int | None, entity_grid_code: str | None) -> Place:
    """Point in polygon; within 150 m the nearest grid, marked so; else the entity's grid; else none."""
    if found is not None and found.match == "inside":
        return Place(found.grid_id, "inside", f"位置在网格 {found.code} 内")
    if found is not None and found.match == "near":
        return Place(
            found.grid_id,
            "near",
            f"位置在网格 {found.code} 边界外约 {round(found.distance_m or 0)} 米，按最近网格",
        )
    where = "未提供位置" if found is None else "位置不在任何网格内"
    if entity_grid_id is not None:
        return Place(entity_grid_id, "entity", f"{where}，按经营主体所属网格 {entity_grid_code}")
    return Place(None, "none", f"{where}，未能匹配网格")


def owner(facts: RoutingFacts, at: datetime, calendar: WorkingCalendar | None) -> Owner | None:
    """The grid's commissioner at any hour; at night the duty officer where the office says so.

    None where nobody holds the seat: the lead goes to the office's desk. An absence changes no
    owner; the stand-in is told and may act. `calendar` is needed where `night_dispatch` is on.
    """
    night = facts.night_dispatch and calendar is not None and is_night(at, calendar)
    if night and facts.duty_officer_id and facts.duty_officer_id != facts.commissioner_id:
        return Owner(
            facts.duty_officer_id,
            facts.duty_officer_name or "",
            facts.duty_officer_username or "",
            f"工作时间外，按夜间派单规则派给值班员{facts.duty_officer_name}",
            hands_on_at=next_morning(at),
        )
    if facts.commissioner_id is None:
        return None
    tell = () if facts.stand_in_id is None else (facts.stand_in_id,)
    reason = f"派给本网格专员（{facts.commissioner_name}）"
    if facts.stand_in_id is not None:
        reason += "（请假中，已同时通知代岗人员）"
    return Owner(
        facts.commissioner_id, facts.commissioner_name or "", facts.commissioner_username or "", reason, tell
    )
