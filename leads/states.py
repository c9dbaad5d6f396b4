"""The states of a lead and the one table of moves (DESIGN.md §3). No queries.

Whoever changes a state asks `allowed` first; the database repeats what SQL can say (`models.Lead`).
"""

from __future__ import annotations

from enum import StrEnum

from django.db.models import TextChoices

from kernel.moves import TableOfMoves


class State(TextChoices):
    REPORTED = "reported", "待派单"
    DISPATCHED = "dispatched", "已派单"
    RESPONDED = "responded", "办理中"
    FED_BACK = "fed_back", "待核验"
    CLOSED = "closed", "已办结"
    SUSPENDED = "suspended", "暂缓办理"
    REJECTED = "rejected", "已退单"
    MERGED = "merged", "已并单"


OPEN = (State.REPORTED, State.DISPATCHED, State.RESPONDED, State.FED_BACK, State.SUSPENDED)
OVER = (State.CLOSED, State.REJECTED, State.MERGED)
OWNED = (State.DISPATCHED, State.RESPONDED, State.FED_BACK, State.SUSPENDED)
"""Open, and somebody's own: what is handed on when its owner goes."""


class Move(StrEnum):
    DISPATCH = "dispatch"
    HAND_ON = "hand_on"
    RESPOND = "respond"
    CONFIRM_HANDOVER = "confirm_handover"
    CONTROL = "control"
    FEED_BACK = "feed_back"
    VERIFY = "verify"
    REWORK = "rework"
    SETTLE = "settle"
    INTERIM = "interim"
    SUSPEND = "suspend"
    RESUME = "resume"
    EXTEND = "extend"
    RECLASSIFY = "reclassify"
    REJECT = "reject"
    MERGE = "merge"
    UNMERGE = "unmerge"
    RECUSE = "recuse"
    RECHECK = "recheck"
    REOPEN = "reopen"


LABELS = {
    Move.DISPATCH: "派单",
    Move.HAND_ON: "交班",
    Move.RESPOND: "接单",
    Move.CONFIRM_HANDOVER: "确认知悉",
    Move.CONTROL: "登记现场处置",
    Move.FEED_BACK: "反馈",
    Move.VERIFY: "核验",
    Move.REWORK: "退回重办",
    Move.SETTLE: "即知即改",
    Move.INTERIM: "阶段反馈",
    Move.SUSPEND: "暂缓办理",
    Move.RESUME: "恢复办理",
    Move.EXTEND: "申请延期",
    Move.RECLASSIFY: "改类",
    Move.REJECT: "退单",
    Move.MERGE: "并单",
    Move.UNMERGE: "撤销并单",
    Move.RECUSE: "回避",
    Move.RECHECK: "复查",
    Move.REOPEN: "重新办理",
}

MOVES: dict[Move, dict[State, State | tuple[State, ...]]] = {
    Move.DISPATCH: {
        State.REPORTED: State.DISPATCHED,
        State.DISPATCHED: State.DISPATCHED,
        State.RESPONDED: State.DISPATCHED,
    },
    Move.HAND_ON: {
        State.DISPATCHED: State.DISPATCHED,
        State.RESPONDED: State.RESPONDED,
        State.FED_BACK: State.FED_BACK,
        State.SUSPENDED: State.SUSPENDED,
    },
    Move.RESPOND: {State.DISPATCHED: State.RESPONDED},
    Move.CONFIRM_HANDOVER: {
        State.DISPATCHED: State.DISPATCHED,
        State.RESPONDED: State.RESPONDED,
        State.FED_BACK: State.FED_BACK,
        State.SUSPENDED: State.SUSPENDED,
    },
    Move.CONTROL: {State.RESPONDED: State.RESPONDED, State.SUSPENDED: State.SUSPENDED},
    Move.FEED_BACK: {State.RESPONDED: State.FED_BACK},
    Move.VERIFY: {State.FED_BACK: State.CLOSED},
    Move.REWORK: {State.FED_BACK: State.RESPONDED},
    Move.SETTLE: {State.DISPATCHED: State.FED_BACK},
    Move.INTERIM: {State.RESPONDED: State.RESPONDED},
    Move.SUSPEND: {State.RESPONDED: State.SUSPENDED},
    Move.RESUME: {State.SUSPENDED: State.RESPONDED},
    Move.EXTEND: {State.RESPONDED: State.RESPONDED},
    Move.RECLASSIFY: {
        State.REPORTED: State.REPORTED,
        State.DISPATCHED: State.DISPATCHED,
        State.RESPONDED: State.RESPONDED,
        State.SUSPENDED: State.SUSPENDED,
    },
    Move.REJECT: {State.DISPATCHED: State.REJECTED, State.RESPONDED: State.REJECTED},
    Move.MERGE: {
        State.REPORTED: State.MERGED,
        State.DISPATCHED: State.MERGED,
        State.RESPONDED: State.MERGED,
    },
    Move.UNMERGE: {State.MERGED: (State.REPORTED, State.DISPATCHED, State.RESPONDED)},
    Move.RECUSE: {State.DISPATCHED: State.DISPATCHED, State.RESPONDED: State.DISPATCHED},
    Move.RECHECK: {State.CLOSED: State.CLOSED},
    Move.REOPEN: {State.CLOSED: (State.RESPONDED, State.DISPATCHED)},
}
"""A tuple names alternatives: who moves says which (`act.move(..., to=…)`). A failed recheck, a failed
look-back and an approved unhappy survey reopen: `RECHECK` alone changes no state.
"""


NOT_FOR_TIP_OFFS = frozenset(
    {Move.CONFIRM_HANDOVER, Move.SETTLE, Move.INTERIM, Move.SUSPEND, Move.RESUME, Move.EXTEND}
    | {Move.RECLASSIFY, Move.REJECT, Move.MERGE, Move.UNMERGE, Move.RECHECK}
)
"""Side roads that ask, or tell, the community: a tip-off (举报) takes none of them."""

TABLE = TableOfMoves("线索", MOVES, LABELS, State)
allowed, targets, target = TABLE.allowed, TABLE.targets, TABLE.target
