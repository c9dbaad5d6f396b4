"""The states of a dispute, its tiers, and the one table of moves (DESIGN.md §9). No queries.

Up to COMMUNITY it is 协商 and 调解: registered, never accepted or refused. Only at OFFICIAL, and only once
the consumer has said so, do acceptance and the statutory limits exist. Whoever changes a state asks here
first; the database repeats what SQL can say (`models.Dispute`).
"""

from __future__ import annotations

from enum import StrEnum

from django.db.models import TextChoices

from kernel.moves import TableOfMoves


class Tier(TextChoices):
    SHOP = "SHOP", "店内协商"
    CIRCLE = "CIRCLE", "商圈调解"
    COMMUNITY = "COMMUNITY", "社区调解"
    OFFICIAL = "OFFICIAL", "市场监管所处理"


class State(TextChoices):
    NEGOTIATING = "negotiating", "协商中"
    MEDIATING = "mediating", "调解中"
    AGREED = "agreed", "已达成协议，待履行"
    FILED = "filed", "待决定是否受理"
    ACCEPTED = "accepted", "已受理，调解中"
    SETTLED = "settled", "已和解"
    PERFORMED = "performed", "协议已履行"
    NOT_REACHED = "not_reached", "未达成"
    WITHDRAWN = "withdrawn", "已撤回"
    REFUSED = "refused", "不予受理"


OPEN = (State.NEGOTIATING, State.MEDIATING, State.AGREED, State.FILED, State.ACCEPTED)
OVER = (State.SETTLED, State.PERFORMED, State.NOT_REACHED, State.WITHDRAWN, State.REFUSED)
TALKING = (State.NEGOTIATING, State.MEDIATING, State.ACCEPTED)
"""The parties still talk: sessions may be held, an agreement made."""


class Move(StrEnum):
    SETTLE = "settle"
    ESCALATE = "escalate"
    AGREE = "agree"
    PERFORM = "perform"
    BREAK = "break"
    FAIL = "fail"
    WITHDRAW = "withdraw"
    TO_OFFICIAL = "to_official"
    ACCEPT = "accept"
    REFUSE = "refuse"
    REOPEN = "reopen"


LABELS = {
    Move.SETTLE: "登记和解",
    Move.ESCALATE: "转上一级调解",
    Move.AGREE: "签订调解协议",
    Move.PERFORM: "登记协议已履行",
    Move.BREAK: "登记协议未履行",
    Move.FAIL: "登记未达成",
    Move.WITHDRAW: "撤回",
    Move.TO_OFFICIAL: "转12315",
    Move.ACCEPT: "受理",
    Move.REFUSE: "不予受理",
    Move.REOPEN: "重新调解",
}

MOVES: dict[Move, dict[State, State | tuple[State, ...]]] = {
    Move.SETTLE: {
        State.NEGOTIATING: State.SETTLED,
        State.MEDIATING: State.SETTLED,
        State.ACCEPTED: State.SETTLED,
    },
    Move.ESCALATE: {State.NEGOTIATING: State.MEDIATING, State.MEDIATING: State.MEDIATING},
    Move.AGREE: {
        State.NEGOTIATING: State.AGREED,
        State.MEDIATING: State.AGREED,
        State.ACCEPTED: State.AGREED,
    },
    Move.PERFORM: {State.AGREED: State.PERFORMED},
    Move.BREAK: {State.AGREED: (State.MEDIATING, State.FILED, State.NOT_REACHED)},
    Move.FAIL: {
        State.NEGOTIATING: State.NOT_REACHED,
        State.MEDIATING: State.NOT_REACHED,
        State.ACCEPTED: State.NOT_REACHED,
    },
    Move.WITHDRAW: {
        State.NEGOTIATING: State.WITHDRAWN,
        State.MEDIATING: State.WITHDRAWN,
        State.AGREED: State.WITHDRAWN,
        State.FILED: State.WITHDRAWN,
        State.ACCEPTED: State.WITHDRAWN,
    },
    Move.TO_OFFICIAL: {
        State.NEGOTIATING: State.FILED,
        State.MEDIATING: State.FILED,
        State.NOT_REACHED: State.FILED,
    },
    Move.ACCEPT: {State.FILED: State.ACCEPTED},
    Move.REFUSE: {State.FILED: State.REFUSED},
    Move.REOPEN: {
        State.SETTLED: State.MEDIATING,
        State.PERFORMED: State.MEDIATING,
        State.NOT_REACHED: State.MEDIATING,
    },
}
"""A tuple names alternatives: a broken agreement goes to the next tier, or to the office where the consumer
says so now; from COMMUNITY to the office where he has said so before, else it ends; at OFFICIAL it ends.
Whoever moves says which.
"""

NEXT_TIER = {Tier.SHOP: Tier.CIRCLE, Tier.CIRCLE: Tier.COMMUNITY}
"""Up to COMMUNITY; a shop that belongs to no circle goes from SHOP to COMMUNITY at once (`next_tier`)."""

TABLE = TableOfMoves("纠纷", MOVES, LABELS, State)
allowed, targets, target = TABLE.allowed, TABLE.targets, TABLE.target


def next_tier(tier: str, *, has_circle: bool) -> Tier | None:
    """The tier above, up to COMMUNITY; None at COMMUNITY and OFFICIAL: no clock leads to the office."""
    above = NEXT_TIER.get(Tier(tier))
    return Tier.COMMUNITY if above is Tier.CIRCLE and not has_circle else above
