"""The words about visits, and who gets them: the grid's commissioner, or who stands in for him."""

from __future__ import annotations

from grids.staffing import RoutingFacts
from kernel.notices import templates
from kernel.notices.outbox import Draft
from kernel.notices.policy import Urgency
from patrols.models import PatrolVisit

REFUSED, GONE = "patrols.refused", "patrols.gone"
SUBJECT = "patrol_visit"


def register() -> None:
    """Register every template of visits (called once, at start-up)."""
    templates.register(
        REFUSED,
        "拒绝配合：{entity}",
        "{grid}，{person}于{visited_at}走访时该户拒绝配合。请专员研判处置。",
        urgency=Urgency.NEWS,
    )
    templates.register(
        GONE,
        "疑似已搬走：{entity}",
        "{grid}，{person}于{visited_at}走访时该户已不在原址。请核实后在主体档案中变更状态。",
        urgency=Urgency.NEWS,
    )


def told_ids(people: RoutingFacts | None, by_id: int) -> list[int]:
    """The commissioner or his stand-in; the office's heads where he is not there, or made the visit."""
    if people is None:
        return []
    first = [one for one in (people.stand_in_id or people.commissioner_id,) if one is not None]
    return [one for one in first if one != by_id] or [one for one in people.office_head_ids if one != by_id]


def drafts(template: str, visit: PatrolVisit, people: RoutingFacts | None) -> list[Draft]:
    """One notice to each of those people; once for each visit."""
    params = {
        "entity": visit.entity.name,
        "grid": people.grid_name if people else "",
        "person": visit.by.name,
        "visited_at": visit.captured_at.isoformat(),
    }
    what = template.partition(".")[2]
    return [
        Draft(f"visit:{visit.pk}:{what}:user:{one}", template, params, SUBJECT, visit.pk, one)
        for one in told_ids(people, visit.by_id)
    ]
