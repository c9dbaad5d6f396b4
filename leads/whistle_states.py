"""The states of a department's call (吹哨报到) and the one table of its moves. No queries.

A whistle itself is open or closed; each department that it calls goes its own way. Whoever changes a
call asks `target` first; the database repeats what SQL can say (`models.WhistleCall`).
"""

from __future__ import annotations

from enum import StrEnum

from django.db.models import TextChoices

from kernel.moves import TableOfMoves


class WhistleState(TextChoices):
    OPEN = "open", "进行中"
    CLOSED = "closed", "已结束"


class CallState(TextChoices):
    CALLED = "called", "待回应"
    ANSWERED = "answered", "已回应"
    ON_SITE = "on_site", "已到场"
    REPORTED = "reported", "已报告"
    DECLINED = "declined", "不归我管"
    ENDED = "ended", "吹哨方已结束"


class Answer(TextChoices):
    """What a department may say to a call."""

    RECEIVED = "received", "接到"
    DISPATCHED = "dispatched", "已派人"
    NOT_OURS = "not_ours", "不归我管"


class How(TextChoices):
    """By which way a department's word came in."""

    ACCOUNT = "account", "联络员账号"
    LINK = "link", "短信链接"
    TELEPHONE = "telephone", "电话，吹哨方代录"


WAITING = (CallState.CALLED, CallState.ANSWERED, CallState.ON_SITE)
"""The department still owes something."""
OVER = (CallState.REPORTED, CallState.DECLINED, CallState.ENDED)


class CallMove(StrEnum):
    RECEIVE = "receive"
    DISPATCH = "dispatch"
    DECLINE = "decline"
    CHECK_IN = "check_in"
    REPORT = "report"
    END = "end"


LABELS = {
    CallMove.RECEIVE: "回应“接到”",
    CallMove.DISPATCH: "回应“已派人”",
    CallMove.DECLINE: "回应“不归我管”",
    CallMove.CHECK_IN: "到场签到",
    CallMove.REPORT: "报告处置情况",
    CallMove.END: "结束",
}
MOVE_OF = {
    Answer.RECEIVED: CallMove.RECEIVE,
    Answer.DISPATCHED: CallMove.DISPATCH,
    Answer.NOT_OURS: CallMove.DECLINE,
}

MOVES: dict[CallMove, dict[CallState, CallState]] = {
    CallMove.RECEIVE: {CallState.CALLED: CallState.ANSWERED},
    CallMove.DISPATCH: {
        CallState.CALLED: CallState.ANSWERED,
        CallState.ANSWERED: CallState.ANSWERED,
    },
    CallMove.DECLINE: {
        CallState.CALLED: CallState.DECLINED,
        CallState.ANSWERED: CallState.DECLINED,
    },
    CallMove.CHECK_IN: {
        CallState.CALLED: CallState.ON_SITE,
        CallState.ANSWERED: CallState.ON_SITE,
    },
    CallMove.REPORT: {CallState.ON_SITE: CallState.REPORTED},
    CallMove.END: {
        CallState.CALLED: CallState.ENDED,
        CallState.ANSWERED: CallState.ENDED,
        CallState.ON_SITE: CallState.ENDED,
    },
}
"""Who is on the spot without having answered has answered by coming."""

TABLE = TableOfMoves("该部门", MOVES, LABELS, CallState)
allowed, target = TABLE.allowed, TABLE.target
