"""Plans for tests: graded businesses, and what stands in the plan for them."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from credit.models import CreditScheme, CreditStanding
from grids.demo import World
from grids.models import BusinessEntity
from kernel import clock
from kernel.clock import SHANGHAI
from patrols.models import PatrolTask
from tests.factories.grids import make_entity

MONDAY = date(2026, 11, 23)
"""A working day with a whole week of working days before it ends, and six more in its month."""


def at(day: date, hour: int = 9, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), SHANGHAI)


def travel_to(day: date, hour: int = 9, minute: int = 0) -> datetime:
    """Let the clock read this moment from now on in this test's transaction."""
    moment = at(day, hour, minute)
    clock.set_to(moment)
    return moment


def graded(world: World, grade: str | None, number: int = 1, **columns: Any) -> BusinessEntity:
    """A shop inside a grid, with this effective grade and points to go with it."""
    shop = make_entity(world, number, credit_grade=grade, **columns)
    if grade:
        stand(shop, grade)
    return shop


def stand(shop: BusinessEntity, grade: str, **columns: Any) -> CreditStanding:
    """Write where a shop stands, past the grading."""
    total = {"A": 95, "B": 80, "C": 65, "D": 40}[grade]
    values: dict[str, Any] = {f"i{n}": 0 for n in range(1, 9)} | {
        "scheme": CreditScheme.objects.get(state="IN_FORCE"), "total": total, "caps": [], "vetoes": [],
        "cause": "SCORE", "computed_grade": grade, "effective_grade": grade,
        "effective_since": date(2026, 1, 1), "assessed_at": clock.now(), "assessed_on": clock.today(),
    }  # fmt: skip
    found, _ = CreditStanding.objects.update_or_create(entity=shop, defaults=values | columns)
    BusinessEntity.objects.filter(pk=shop.pk).update(credit_grade=grade)
    return found


def kinds_of(shop: BusinessEntity, *states: str) -> list[str]:
    """The kinds of this shop's tasks, those called off left out."""
    rows = PatrolTask.objects.filter(entity=shop)
    rows = rows.filter(state__in=states) if states else rows.exclude(state="CANCELLED")
    return sorted(rows.values_list("kind", flat=True))
