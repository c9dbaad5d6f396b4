"""What a phone says of a visit, before it is a row. Plain values, no queries."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from leads.snapshots import sha256
from patrols.kinds import How, Result

Expect = Callable[[int], None]
"""Called with the task's present version; raises VersionRequired or StaleVersion."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, in the words of a report (`POST leads/`); shop and place come from the visit."""

    category: str
    description: str = ""
    severity: str | None = None
    fixed_on_spot: bool = False
    evidence: tuple[int, ...] = ()
    awaited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Papers:
    """What an administrative inspection must show (涉企行政检查); what was not said is empty."""

    second_officer_id: int | None = None
    basis: str = ""
    approval_no: str = ""
    notice_no: str = ""
    platform_no: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """One visit as sent. Coordinates in WGS-84 degrees; `evidence` ids, `awaited` SHA-256 of files to come.

    `captured_at` is the phone's moment. `clock_skewed`: the phone's clock is ten minutes or more from ours
    (`sync` says so; no part of the digest).
    """

    client_uid: uuid.UUID
    result: Result
    how: How = How.SINGLE
    note: str = ""
    evidence: tuple[int, ...] = ()
    awaited: tuple[str, ...] = ()
    lon: float | None = None
    lat: float | None = None
    captured_at: datetime | None = None
    finding: Finding | None = None
    papers: Papers | None = None
    clock_skewed: bool = False

    def digest(self, *about: object) -> str:
        """SHA-256 by which a repeated request is told from another one; `about` names task or shop."""
        finding, papers = self.finding, self.papers
        said: list[object] = [
            str(self.client_uid), self.result, self.how, self.note, sorted(self.evidence),
            sorted(self.awaited), self.lon, self.lat, self.captured_at,
            None if finding is None else [
                finding.category, finding.description, finding.severity, finding.fixed_on_spot,
                sorted(finding.evidence), sorted(finding.awaited),
            ],
            None if papers is None else [
                papers.second_officer_id, papers.basis, papers.approval_no, papers.notice_no,
                papers.platform_no,
            ],
        ]  # fmt: skip
        return sha256([*said, *about])

    @property
    def enters(self) -> bool:
        """Did somebody go in? Not where it was shut or empty, nor from outside or from records."""
        return self.how in (How.SINGLE, How.STRETCH) and self.result in (
            Result.OK,
            Result.PROBLEM,
            Result.REFUSED,
        )


@dataclass(frozen=True, slots=True)
class Exceptional:
    """A shop of a stretch where not all was well."""

    task_id: int
    result: Result
    note: str = ""
    evidence: tuple[int, ...] = ()
    awaited: tuple[str, ...] = ()
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of street in one go: all well but the exceptions (全部正常，除…).

    `tasks` are pairs of task and the version seen. `client_uid` also names the stretch.
    """

    client_uid: uuid.UUID
    tasks: tuple[tuple[int, int], ...]
    exceptions: tuple[Exceptional, ...] = ()
    note: str = ""
    lon: float | None = None
    lat: float | None = None
    captured_at: datetime | None = None
    clock_skewed: bool = False

    def visits(self) -> dict[int, Given]:
        """By task, what this stretch says of it. The uid of each follows from the stretch's."""
        well = Given(
            client_uid=self.client_uid,
            result=Result.OK,
            how=How.STRETCH,
            note=self.note,
            lon=self.lon,
            lat=self.lat,
            captured_at=self.captured_at,
            clock_skewed=self.clock_skewed,
        )
        told = {one.task_id: one for one in self.exceptions}
        return {task_id: _one(well, task_id, told.get(task_id)) for task_id, _ in self.tasks}

    def digest(self) -> str:
        """Of the whole: which tasks, at which versions, and what was said of each."""
        versions = sorted(self.tasks)
        return sha256([versions, sorted(one.digest(task) for task, one in self.visits().items())])


def _one(well: Given, task_id: int, told: Exceptional | None) -> Given:
    one = replace(well, client_uid=uuid.uuid5(well.client_uid, str(task_id)))
    if told is None:
        return one
    return replace(
        one,
        result=told.result,
        note=told.note,
        evidence=told.evidence,
        awaited=told.awaited,
        finding=told.finding,
    )
