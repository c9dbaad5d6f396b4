"""Rows about the register: a key change that waits, and two shops that look like one."""

from __future__ import annotations

from typing import Any

from grids import duplicates, register
from grids.demo import World
from grids.models import DuplicatePair
from kernel import clock
from tests.factories.grids import make_entity
from tests.factories.leads import take_any

__all__ = ["about_the_register"]


def about_the_register(world: World) -> dict[str, Any]:
    """Grid 1's worker asks to rename a shop; two shops of grid 1 bear the same name."""
    shop = make_entity(world, 1, name="旧招牌饭庄", lon=None, lat=None)
    asked = register.edit(
        entity_id=shop.pk, by=world.worker(1), expect=take_any, changes={"name": "新招牌饭庄"}
    )
    first, second = (make_entity(world, 1, name="双生茶楼", lon=None, lat=None) for _ in range(2))
    duplicates.find([first.pk], at=clock.now())
    pair = DuplicatePair.objects.get(first=first, second=second)
    return {"key_change": asked.waiting, "alike": pair}
