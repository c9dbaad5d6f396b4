"""How a table of moves is asked, whatever it holds."""

from __future__ import annotations

from enum import StrEnum

import pytest
from django.db.models import TextChoices

from kernel.errors import Conflict
from kernel.moves import TableOfMoves


class Door(TextChoices):
    OPEN = "open", "开着"
    SHUT = "shut", "关着"
    LOCKED = "locked", "锁着"


class Turn(StrEnum):
    CLOSE = "close"
    UNLOCK = "unlock"


TABLE = TableOfMoves(
    "门",
    {Turn.CLOSE: {Door.OPEN: (Door.SHUT, Door.LOCKED)}, Turn.UNLOCK: {Door.LOCKED: Door.SHUT}},
    {Turn.CLOSE: "关", Turn.UNLOCK: "开锁"},
    Door,
)


def test_only_pairs_of_the_table_are_allowed() -> None:
    allowed = {(move, state) for move in Turn for state in Door if TABLE.allowed(move, state)}
    assert allowed == {(Turn.CLOSE, Door.OPEN), (Turn.UNLOCK, Door.LOCKED)}
    assert {pair for pair in allowed if TABLE.targets(*pair)} == allowed
    assert TABLE.targets(Turn.UNLOCK, "open") == ()


def test_a_state_is_asked_by_its_value_as_a_row_has_it() -> None:
    assert TABLE.target(Turn.UNLOCK, "locked") is Door.SHUT
    with pytest.raises(ValueError, match="ajar"):
        TABLE.allowed(Turn.CLOSE, "ajar")


def test_alternatives_are_chosen_by_who_moves() -> None:
    assert TABLE.target(Turn.CLOSE, Door.OPEN, Door.LOCKED) is Door.LOCKED
    for wrong in (None, Door.OPEN):
        with pytest.raises(ValueError, match="leads to one of"):
            TABLE.target(Turn.CLOSE, Door.OPEN, wrong)
    with pytest.raises(ValueError, match="leads to one of"):
        TABLE.target(Turn.UNLOCK, Door.LOCKED, Door.OPEN)


def test_a_refusal_says_thing_state_and_move() -> None:
    with pytest.raises(Conflict) as refused:
        TABLE.target(Turn.UNLOCK, Door.OPEN)
    assert (refused.value.code, refused.value.detail) == ("wrong_state", "门目前为“开着”，不能开锁。")
