"""The work group's robot is told of a new lead, once, by a real worker over real HTTP."""

from __future__ import annotations

import pytest

from grids.models import WorkGroup
from kernel.notices.models import OutboxMessage, Robot
from tests.journeys.test_desk import NOWHERE
from tests.journeys.town import Town
from tests.stack import wait_until

TOLD_WITHIN_S = 30


def robot_for(town: Town, number: int) -> str:
    """Give the grid's work group a robot; the key of its webhook."""
    key = f"grid-{number:02d}"
    robot = Robot.objects.create(
        name=f"{town.world.grid(number).name}工作群", url=f"/cgi-bin/webhook/send?key={key}"
    )
    assert WorkGroup.objects.filter(grid=town.world.grid(number)).update(robot=robot) == 1
    return key


@pytest.mark.parametrize("again", [1, 3])
def test_the_work_group_hears_of_a_new_lead_once(town: Town, again: int) -> None:
    """However often the delivery is asked for."""
    town.by_day()
    key = robot_for(town, 20) if again == 1 else "grid-20"
    before = len(town.provider.said_to(key))
    lead = town.report(20, category="Q02", description="店里有人改装电动车")
    for _ in range(again):
        town.send_task("notices.deliver")
    wait_until(
        lambda: len(town.provider.said_to(key)) > before, within_s=TOLD_WITHIN_S, what="the group to hear"
    )
    said = town.provider.said_to(key)[-1]
    assert lead["number"] in said
    assert town.world.grid(20).code in said
    assert "电动自行车违规改装" in said
    row = OutboxMessage.objects.get(subject_kind="lead", subject_id=lead["id"], robot__isnull=False)
    wait_until(
        lambda: OutboxMessage.objects.get(pk=row.pk).state == "delivered", within_s=10, what="its receipt"
    )

    next_one = town.report(20, category="Q02", description="又有一家改装电动车")
    wait_until(lambda: len(town.provider.said_to(key)) > before + 1, within_s=TOLD_WITHIN_S, what="the next")
    assert [lead["number"] in words for words in town.provider.said_to(key)[before:]] == [True, False]
    assert next_one["number"] in town.provider.said_to(key)[-1]
    for one in (lead, next_one):
        town.finish(one["id"], 20)


def test_the_work_group_hears_of_what_the_bureau_placed_in_its_grid(town: Town) -> None:
    town.by_day()
    key = robot_for(town, 19)
    lead = town.report(20, category="Q02", description="路边改装电动车", location=NOWHERE)
    body = {"grid": town.world.grid(20).code, "reason": "按描述在该网格"}
    town.bureau.act(lead["id"], "dispatch", body | {"assignee": town.world.users["commissioner-20"].pk})
    town.send_task("notices.deliver")
    wait_until(lambda: any(lead["number"] in words for words in town.provider.said_to("grid-20")),
               within_s=TOLD_WITHIN_S, what="the group to hear of what was placed by hand")  # fmt: skip
    assert town.provider.said_to(key) == []
    town.finish(lead["id"], 20)
