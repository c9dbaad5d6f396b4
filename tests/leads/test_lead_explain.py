"""`manage.py lead_explain`: every clock of a lead, the rule behind it, and all that moved it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from grids.demo import World
from leads import dispatch
from tests.factories import leads as make
from tests.factories.leads import pass_time, take_any
from tests.leads.test_pauses import DAY, HOUR, ask_extension, ask_suspension, decide, fresh


def said_of(number: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    call_command("lead_explain", number)
    return capsys.readouterr().out


def part(said: str, title: str) -> str:
    return said.split(f"【{title}】")[1].split("【")[0].strip()


def test_a_lead_explains_itself(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    lead = make.reported(world, 1)
    said = said_of(lead.number.lower(), capsys)
    assert said.startswith(f"{lead.number} {lead.category.name}，已派单，{world.grid(1).name}")
    assert part(said, "派单依据") == lead.routing_reason
    assert "接单时限（第 1 轮）：自 03-10 10:00 起算，03-10 10:30 到期，计时中" in said
    assert "接单时限催办（第 1 轮）：自 03-10 10:00 起算，03-10 10:24 到期" in said
    assert "第 1 版" in said
    assert part(said, "延期") == part(said, "督办与责任") == "无。"


def test_another_owner_is_explained(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    lead = make.reported(world, 1)
    clerk, head = world.clerk_of(1), world.head_of(1)
    dispatch.dispatch(
        lead_id=lead.pk, by=clerk, expect=take_any, assignee_id=head.pk, grid_id=None, reason="专员外出"
    )
    owners = part(said_of(lead.number, capsys), "承办人变动").splitlines()
    assert len(owners) == 2
    assert f"{clerk.name}派单：" in owners[1]
    assert "专员外出" in owners[1]


def test_a_pause_and_an_extension_are_explained(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    lead = make.responded(world)
    owner, head = world.commissioner(1), world.head_of(1)
    decide(ask_suspension(lead, owner), head)
    pass_time(until=fresh(lead).suspended_until)
    decide(ask_extension(lead, owner, fresh(lead).feedback_due_at + DAY), head)
    said = said_of(lead.number, capsys)
    paused = part(said, "暂缓办理")
    assert "等待检验检测结果" in paused
    assert f"{owner.name}申请，{head.name}批准" in paused
    assert "反馈时限由 " in part(said, "延期")
    assert "暂停，原因：暂缓办理：等待检验检测结果" in part(said, "时限")
    asked = part(said, "申请与审批").splitlines()
    assert len(asked) == 2
    assert f"已同意（{head.name}）" in asked[0]


def test_whose_a_lateness_is_is_explained(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    lead = make.responded(world)
    pass_time(until=lead.feedback_due_at - 3 * HOUR, fire=False)
    row = ask_extension(lead, world.commissioner(1), lead.feedback_due_at + timedelta(days=1))
    pass_time(until=row.due_at)
    pass_time(until=fresh(lead).feedback_due_at)
    said = said_of(lead.number, capsys)
    assert "逾期未批" in part(said, "申请与审批")
    charged = part(said, "督办与责任")
    assert "反馈超时，责任方：审批人（" in charged
    assert "逾期未批），督办中" in charged


def test_an_unknown_number_is_said(db: None) -> None:
    with pytest.raises(CommandError, match="没有编号为 X-1 的线索"):
        call_command("lead_explain", "X-1")
