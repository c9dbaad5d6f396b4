"""Asked, and decided by someone else, with a clock of its own (DESIGN.md §2).

    approvals.register(kind, Kind(...))    once, at start-up, by the app whose question it is
    approvals.ask(...)                     in the transaction of the act that asks
    approvals.decide(...)                  a transaction of its own
    approvals.withdraw(...)                in the transaction of the act after which nobody asks any more

Nobody decides what he asked for, nor what was asked in his name, also not as a stand-in: the database
refuses it (`approvals_approval_not_own…`). What nobody decides in time lapses by its own clock
`('approval', id, 'decide')`. The names are looked up on first use: models are not there before the apps are.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kernel.approvals.asking import Question, ask, ask_again, ask_many, withdraw, withdraw_moot
    from kernel.approvals.deciding import Decision, decide, settle
    from kernel.approvals.kinds import Kind, register, register_subject
    from kernel.approvals.locks import (
        hang_on,
        lock_at_once,
        lock_hanging_on,
        lock_live,
        lock_live_of,
        refuse_unseen,
    )

__all__ = [
    "Decision",
    "Kind",
    "Question",
    "ask",
    "ask_again",
    "ask_many",
    "decide",
    "hang_on",
    "lock_at_once",
    "lock_hanging_on",
    "lock_live",
    "lock_live_of",
    "refuse_unseen",
    "register",
    "register_subject",
    "settle",
    "withdraw",
    "withdraw_moot",
]

_HOME = {
    "Decision": "deciding",
    "Kind": "kinds",
    "Question": "asking",
    "ask": "asking",
    "ask_again": "asking",
    "ask_many": "asking",
    "decide": "deciding",
    "hang_on": "locks",
    "lock_at_once": "locks",
    "lock_hanging_on": "locks",
    "lock_live": "locks",
    "lock_live_of": "locks",
    "refuse_unseen": "locks",
    "register": "kinds",
    "register_subject": "kinds",
    "settle": "deciding",
    "withdraw": "asking",
    "withdraw_moot": "asking",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"kernel.approvals.{_HOME[name]}"), name)
