"""With Redis stopped: reports, dispatch, clocks and breaches go on; the robot is told when it is back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kernel.notices.models import OutboxMessage
from tests.factories.photos import make_photo
from tests.journeys.phone import Phone
from tests.journeys.test_work_group import robot_for
from tests.journeys.town import Town, clocks, local
from tests.stack import wait_until

BACK_WITHIN_S = 60


@pytest.fixture
def redis_away(town: Town) -> Iterator[None]:
    town.stack.stop("redis")
    yield
    if "redis" not in town.stack.pids:
        town.stack.start("redis")


def test_everything_but_the_robot_goes_on_without_redis(town: Town, redis_away: None) -> None:
    town.by_day()
    key, number = robot_for(town, 3), 3
    late_comer = Phone.sign_in(town.stack.url, "worker-03-3", "Suoshe-demo-2026", "新手机")
    photo = late_comer.upload(make_photo(taken_at=town.now())).must_be(201).body["id"]
    waiting = town.report(number, by=late_comer, category="Q04", evidence=[photo])
    going_on = town.report(number, category="F05", description="进货台账缺失")
    late_comer.close()
    owner, head = town.commissioner(number), town.office_head(number)
    assert "leads.dispatched" in owner.notices(waiting["id"])
    assert owner.get(f"evidence/{photo}/thumbnail").status == 200, "made for the first who asks"

    owner.act(going_on["id"], "respond")
    owner.act(going_on["id"], "control", {"note": "已补录台账"})
    town.finish(going_on["id"], number)
    town.travel_to(local(clocks(waiting)["respond"]["due_at"]))
    assert clocks(owner.lead(waiting["id"]))["respond"]["state"] == "breached"
    [order] = head.orders(waiting["id"])
    head.acknowledge(order["id"], "finish_today").must_be(200)
    town.community_head(number).acknowledge(order["id"], "finish_today").must_be(200)
    rows = OutboxMessage.objects.filter(robot__isnull=False, subject_id=waiting["id"])
    assert [row.state for row in rows] == ["pending"]
    assert town.provider.said_to(key) == []

    wait_until(lambda: town.health()[0] == 200, within_s=20, what="the house to be well without Redis")
    assert (town.health()[1]["redis"], town.health()[1]["notices"]["pending"]) == (False, 2)

    town.stack.start("redis")
    wait_until(lambda: town.provider.said_to(key), within_s=BACK_WITHIN_S, what="the group to hear after all")
    assert [waiting["number"] in words for words in town.provider.said_to(key)] == [True]
    dropped = OutboxMessage.objects.get(robot__isnull=False, subject_id=going_on["id"])
    wait_until(lambda: OutboxMessage.objects.get(pk=dropped.pk).state == "dropped",
               within_s=20, what="the answered lead's message to be dropped")  # fmt: skip
    assert owner.act(waiting["id"], "respond")["state"] == "responded"
    assert head.orders(waiting["id"])[0]["state"] == "lifted"
    town.finish(waiting["id"], number)
    assert (town.health()[1]["redis"], town.health()[1]["notices"]["pending"]) == (True, 0)
