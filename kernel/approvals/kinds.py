"""The kinds of questions, and who may decide them: registered by the apps whose questions they are.

This package knows no posting. A kind that nobody registered cannot be asked, and is visible to nobody
but who asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from django.db.models import Exists, OuterRef, Q, QuerySet

if TYPE_CHECKING:
    from kernel.accounts.models import User
    from kernel.approvals.deciding import Decision
    from kernel.approvals.models import Approval


class SeatLike(Protocol):
    """From which seat somebody decides: his own, or that of `holder_id`, for whom he stands in."""

    @property
    def holder_id(self) -> int: ...


def _nothing(*_: Any) -> None:
    return None


@dataclass(frozen=True)
class Kind:
    """One kind of question.

    Attributes:
        label: what it is called: 暂缓办理申请.
        limit_kind: the policy (`LimitPolicy.kind`) of its own clock.
        lock: lock the subject row and give it back; called after the clocks, before the approval.
        may_decide: `(user, approval, subject)` → the seat from which he may, or None. Called under locks.
        decidable: `(user)` → the approvals of this kind that he may decide, as a filter on `Approval`
            (for lists: `may_decide` stays the judge).
        deciders: `(approvals, at)` → whom to tell, by approval. Set-based; somebody always.
        decided: carry out what was decided, in the transaction of the decision.
        lapsed: `(approvals, at)`: nobody decided in time. Set-based, in the sweep's transaction: it may
            insert clocks and ask anew (`ask_many`), and never changes another clock.
        withdrawn: `(approval, at)`: nobody asks any more; the subject and its clocks are locked.
        stands_in: states of the subject in which the question makes sense; in any other it is withdrawn
            by itself (`withdraw_moot`). None: in all.
    """

    label: str
    limit_kind: str
    lock: Callable[[Approval], Any]
    may_decide: Callable[[User, Approval, Any], SeatLike | None]
    decidable: Callable[[User], Q]
    deciders: Callable[[Sequence[Approval], datetime], Mapping[int, Collection[int]]]
    decided: Callable[[Decision], None] = _nothing
    lapsed: Callable[[Sequence[Approval], datetime], None] = _nothing
    withdrawn: Callable[[Approval, datetime], None] = _nothing
    stands_in: frozenset[str] | None = None


Seen = Callable[["User"], Any]
"""`(user)` → a queryset or collection of the numbers of subjects that he may see."""

_kinds: dict[str, Kind] = {}
_subjects: dict[str, Seen] = {}


def register(kind: str, rules: Kind) -> None:
    """Name a kind; the last word counts."""
    _kinds[kind] = rules


def register_subject(subject_kind: str, seen: Seen) -> None:
    """Say who sees the subjects of this kind, and with them what is asked about them."""
    _subjects[subject_kind] = seen


def of(kind: str) -> Kind:
    """The rules of a kind. KeyError where nobody registered it."""
    return _kinds[kind]


def label(kind: str) -> str:
    rules = _kinds.get(kind)
    return rules.label if rules else "审批"


def choices() -> list[tuple[str, str]]:
    """Every kind with its name, in the order of names."""
    return sorted(((kind, rules.label) for kind, rules in _kinds.items()), key=lambda one: one[1])


def decidable_by(user: User) -> Q:
    """The approvals that this person may decide, whatever their state, as a filter."""
    found = Q(pk__in=[])
    for kind, rules in _kinds.items():
        found |= Q(kind=kind) & rules.decidable(user)
    return found


def seen_by(user: User) -> Q:
    """The approvals about subjects that this person sees, as a filter."""
    found = Q(pk__in=[])
    for subject_kind, seen in _subjects.items():
        subjects = seen(user)
        if isinstance(subjects, QuerySet):  # asked one by one: `IN` beside an OR would hash every subject
            found |= Q(Exists(subjects.filter(pk=OuterRef("subject_id"))), subject_kind=subject_kind)
        else:
            found |= Q(subject_kind=subject_kind, subject_id__in=subjects)
    return found
