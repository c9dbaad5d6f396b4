"""Who may see evidence, and who may hand it in, is decided by the apps that have subjects for it.

They register at start-up one function per kind of subject, and a test of people who may upload; this
package knows no subject and no posting. A kind that nobody registered is visible to nobody, and where
nobody registered a test nobody may upload.
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

MayUpload = Callable[["User"], bool]

_registered: dict[str, Visible] = {}
_uploaders: list[MayUpload] = []


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


def register_uploader(test: MayUpload) -> None:
    """`test(user)` → True where this person may upload files. One of all tests is enough; twice is once."""
    if test not in _uploaders:
        _uploaders.append(test)


def may_upload(user: User) -> bool:
    """Whether any app has a use for files of this person."""
    return any(test(user) for test in _uploaders)
