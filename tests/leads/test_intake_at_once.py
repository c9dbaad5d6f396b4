"""A platform that did not wait for the answer hands in again while the first still runs."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from django.test import Client

from kernel import clock
from leads.models import Lead, Matter, UsedSignature
from tests.factories import platforms as there
from tests.factories.grids import make_world
from tests.kernel.at_once import at_once
from tests.leads.calls import code_of


def test_the_same_matter_at_once_is_taken_once(committed_db: str) -> None:
    world = make_world()
    platform, secret = there.made(world)
    lon, lat = world.point_in(1)
    sent: dict[str, Any] = {
        "number": there.number(),
        "request": {"description": "门口占道", "category": "L01"},
        "tip_off": {"description": "后厨用回收油", "category": "F03"},
        "location": {"lon": lon, "lat": lat, "crs": "wgs84"},
    }
    now = int(clock.now().timestamp())

    def hand_in(second: int) -> Any:
        return there.hand_in(Client(), platform, secret, json.dumps(sent).encode(), at=now - second)

    one = [partial(hand_in, 0)] * 2
    replayed = at_once(one)
    assert sorted(answer.status_code for answer in replayed) == [201, 409], replayed
    assert {code_of(answer) for answer in replayed if answer.status_code == 409} == {"replay"}
    sent["number"] = there.number()
    repeated = at_once([partial(hand_in, second) for second in (1, 2, 3)])
    assert sorted(answer.status_code for answer in repeated) == [200, 200, 201], repeated
    assert len({answer.content for answer in repeated}) == 1
    assert (Matter.objects.count(), Lead.objects.count(), UsedSignature.objects.count()) == (2, 4, 4)
