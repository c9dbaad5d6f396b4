"""The side roads of the demo, in the state in which a visitor finds them (演示数据).

Something waits for nearly everybody who signs in: approvals for heads, the legal section and a grid
worker, a whistle for a department, an answer that is owed, a look-back due today, tasks on a list.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from suoshe.demo_roads import beside, called, closed, leniency, requests

if TYPE_CHECKING:
    from suoshe.demo import Play

__all__ = ["write"]


def write(play: Play) -> None:
    """Add the side roads to the script. A register too small for a scene leaves that scene out."""
    ago = play.now - timedelta(minutes=1)
    requests.ask(play, ago)
    requests.give_results(play, ago)
    closed.after_closing(play, ago)
    called.blow(play, ago)
    leniency.lenient(play, ago)
    closed.answer(play, ago)
    beside.pair(play, ago)
    beside.tip_off(play, ago)
    beside.give_tasks(play, ago)
