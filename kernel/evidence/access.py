"""Who may see evidence is decided by the app that owns its subject.

That app registers one function per kind of subject at start-up; this package knows no subject.
A kind that nobody registered is visible to nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kernel.accounts.models import User
    from kernel.evidence.models import EvidenceQuerySet

Visible = Callable[["User", set[int]], set[int]]
"""Given a person and numbers of subjects, those of them that the person may see."""

_registered: dict[str, Visible] = {}


def register(subject_kind: str, visible: Visible) -> None:
    """Name the function that decides for `subject_kind`; the last word counts."""
    _registered[subject_kind] = visible


def visible_subjects(user: User, rows: EvidenceQuerySet) -> dict[str, set[int]]:
    """Of the subjects that `rows` belong to, those that `user` may see, by kind."""
    asked: dict[Any, set[Any]] = defaultdict(set)
    attached = rows.filter(subject_kind__in=list(_registered)).order_by()
    for kind, number in attached.values_list("subject_kind", "subject_id").distinct():
        asked[kind].add(number)
    return {kind: _registered[kind](user, numbers) & numbers for kind, numbers in asked.items()}
