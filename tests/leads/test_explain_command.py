"""`manage.py explain`: every clock of a lead, and the rule behind it."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from grids.demo import World
from tests.factories.leads import reported


def test_a_lead_explains_itself(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    lead = reported(world, 1)
    call_command("explain", lead.number)
    said = capsys.readouterr().out
    assert said.startswith(lead.routing_reason)
    assert "接单时限（第 1 轮）：自 03-10 10:00 起算，03-10 10:30 到期，计时中" in said
    assert "接单时限催办（第 1 轮）：自 03-10 10:00 起算，03-10 10:24 到期" in said
    assert "第 1 版" in said


def test_an_unknown_number_is_said(db: None) -> None:
    with pytest.raises(CommandError, match="没有编号为 X-1 的线索"):
        call_command("explain", "X-1")
