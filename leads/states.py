"""The states of a lead and the one table of moves (DESIGN.md §3). No queries.

Whoever changes a state asks `allowed` first; the database repeats what SQL can say (`models.Lead`).
"""

from __future__ import annotations

from enum import StrEnum

from django.db.models import TextChoices

from kernel.errors import Conflict


class State(TextChoices):
    REPORTED = "reported", "待派单"
    DISPATCHED = "dispatched", "已派单"
    RESPONDED = "responded", "办理中"
    FED_BACK = "fed_back", "待核验"
    CLOSED = "closed", "已办结"


OPEN = (State.REPORTED, State.DISPATCHED, State.RESPONDED, State.FED_BACK)


class Move(StrEnum):
    DISPATCH = "dispatch"
    HAND_ON = "hand_on"
    RESPOND = "respond"
    CONFIRM_HANDOVER = "confirm_handover"
    CONTROL = "control"
    FEED_BACK = "feed_back"
    VERIFY = "verify"
    REWORK = "rework"


LABELS = {
    Move.DISPATCH: "派单",
    Move.HAND_ON: "交班",
    Move.RESPOND: "接单",
    Move.CONFIRM_HANDOVER: "确认知悉",
    Move.CONTROL: "登记现场处置",
    Move.FEED_BACK: "反馈",
    Move.VERIFY: "核验",
    Move.REWORK: "退回重办",
}

MOVES: dict[Move, dict[State, State]] = {
    Move.DISPATCH: {
        State.REPORTED: State.DISPATCHED,
        State.DISPATCHED: State.DISPATCHED,
        State.RESPONDED: State.DISPATCHED,
    },
    Move.HAND_ON: {
        State.DISPATCHED: State.DISPATCHED,
        State.RESPONDED: State.RESPONDED,
        State.FED_BACK: State.FED_BACK,
    },
    Move.RESPOND: {State.DISPATCHED: State.RESPONDED},
    Move.CONFIRM_HANDOVER: {
        State.DISPATCHED: State.DISPATCHED,
        State.RESPONDED: State.RESPONDED,
        State.FED_BACK: State.FED_BACK,
    },
    Move.CONTROL: {State.RESPONDED: State.RESPONDED},
    Move.FEED_BACK: {State.RESPONDED: State.FED_BACK},
    Move.VERIFY: {State.FED_BACK: State.CLOSED},
    Move.REWORK: {State.FED_BACK: State.RESPONDED},
}


def allowed(move: Move, state: str) -> bool:
    return State(state) in MOVES[move]


def target(move: Move, state: str) -> State:
    """The state after the move.

    Raises:
        Conflict: `wrong_state` – the table does not name this pair.
    """
    try:
        return MOVES[move][State(state)]
    except KeyError:
        raise Conflict(
            f"线索目前为“{State(state).label}”，不能{LABELS[move]}。", code="wrong_state"
        ) from None
