"""Files that may be named by their hash before they are uploaded, and the rows that wait for them.

A file is bound when it comes (`Awaiting.arrived`), when it is named after it came (`gather`), or – where the
two crossed – by a sweep (`Awaiting.bind_crossed`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from django.db import connection, transaction
from django.db.models import Model
from psycopg2 import sql

from kernel import clock, journal
from kernel.deadlines import clocks
from kernel.evidence import attach
from kernel.evidence.models import Evidence

if TYPE_CHECKING:
    from kernel.accounts.models import User

CROSSED = sql.SQL(
    """
SELECT DISTINCT ON (e.id) l.id, e.id
  FROM {links} l
  JOIN evidence_evidence e
    ON e.sha256 = l.sha256 AND e.uploaded_by_id = l.added_by_id AND e.subject_kind IS NULL
 WHERE l.evidence_id IS NULL ORDER BY e.id, l.id LIMIT %s
"""
)


def there_already(awaited: Sequence[str], *, by: User) -> list[int]:
    """Of files named by their hash, those that this person has uploaded before, bound to nothing yet."""
    if not awaited:
        return []
    found = Evidence.objects.filter(uploaded_by=by, sha256__in=awaited, subject_kind__isnull=True)
    first: dict[str, int] = {}
    for number, sha in found.order_by("id").values_list("id", "sha256"):
        first.setdefault(sha, number)
    return list(first.values())


@dataclass(frozen=True, slots=True)
class Gathered:
    """`hashes`: of every file named, in order, each once. `there`: those bound now, by their hash."""

    hashes: list[str]
    there: dict[str, Evidence]


def gather(
    *, ids: Sequence[int], awaited: Sequence[str], subject_kind: str, subject_id: int, by: User
) -> Gathered:
    """Bind to a subject what is there of the files named; nothing named asks nothing.

    Raises:
        Conflict: `evidence_unavailable` – not there, another's, or bound to something else.
    """
    asked = [*ids, *there_already(awaited, by=by)]
    there = attach.attach(ids=asked, subject_kind=subject_kind, subject_id=subject_id, by=by)
    by_hash = {one.sha256: one for one in there}
    return Gathered(list(dict.fromkeys([*by_hash, *awaited])), by_hash)


class Subject(Protocol):
    """What files are bound to."""

    pk: Any

    @property
    def stream(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Awaiting:
    """The files of one kind of subject, each named by a row of `links`: `sha256`, `added_by`, and `evidence`,
    which is empty while the file is on its way. The hashes are what was said: binding a file later changes no
    version, and the subject's journal tells of it.

    `locked` locks the subject of such a row, as the journal's order needs; `told` adds to its entry.
    """

    links: type[Model]
    subject_kind: str
    locked: Callable[[Any], Subject]
    told: Callable[[Any], dict[str, Any]] = lambda link: {}

    def arrived(self, evidence: Evidence) -> None:
        """A file came: bind it to the first row that waits for it of this person, in the upload's
        transaction."""
        if evidence.subject_kind is not None:
            return
        mine = {"sha256": evidence.sha256, "added_by_id": evidence.uploaded_by_id}
        rows = self.links._default_manager.filter(**mine, evidence__isnull=True)
        link = rows.order_by("id").first()
        if link is not None:
            self._bind(link, evidence)

    def _bind(self, link: Any, evidence: Evidence) -> bool:
        """Bind file and waiting row under the subject's lock. Bound meanwhile: nothing."""
        clocks.cap_waits()
        subject, by = self.locked(link), evidence.uploaded_by
        waiting = self.links._default_manager.filter(pk=link.pk, evidence__isnull=True)
        if not waiting.update(evidence=evidence):
            return False
        attach.attach(ids=[evidence.pk], subject_kind=self.subject_kind, subject_id=subject.pk, by=by)
        evidence.subject_kind, evidence.subject_id = self.subject_kind, subject.pk
        journal.append(
            stream=subject.stream,
            kind=f"{self.subject_kind}.evidence_arrived",
            by=by,
            at=clock.now(),
            data={"evidence": evidence.pk, "sha256": evidence.sha256, **self.told(link)},
        )
        return True

    def bind_crossed(self, batch: int = 200) -> int:
        """Bind files whose upload and whose naming crossed. Returns how many.

        Neither of two transactions at once sees the other's row; this sweep sees both. Safe to run twice.
        """
        query = CROSSED.format(links=sql.Identifier(self.links._meta.db_table))
        with connection.cursor() as cursor:
            cursor.execute(query, [batch])
            pairs = cursor.fetchall()
        return bind_each(pairs, lambda pk, file: self._bind(self.links._default_manager.get(pk=pk), file))


def bind_each(pairs: Iterable[tuple[int, int]], bind: Callable[[int, Evidence], bool]) -> int:
    """Bind pairs (row, file), each in its own transaction; a file bound already stays. How many were."""
    bound = 0
    for number, evidence_id in pairs:
        with transaction.atomic():
            evidence = Evidence.objects.select_related("uploaded_by").get(pk=evidence_id)
            if evidence.subject_kind is None:
                bound += bind(number, evidence)
    return bound
