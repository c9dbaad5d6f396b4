"""What the page of a lead and that of a matter of a higher app show alike: files, clocks, the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db.models import QuerySet

from kernel.evidence.content import HEIC
from kernel.evidence.policy import FLAG_LABELS
from kernel.journal.models import Entry

Say = Callable[[str], str]
"""How a text is told to this reader."""
MOST_ENTRIES = 300
CLOCK_TONES = {
    "running": "info",
    "paused": "warning",
    "met": "success",
    "breached": "danger",
    "cancelled": "default",
}


@dataclass(frozen=True, slots=True)
class File:
    """One piece of evidence; `evidence_id` is None while the file is still on its way.

    `flagged` says in words what of its time and place is to be taken with care.
    `opens` is what a browser can show of a photo: the original, of HEIC the watermarked JPEG.
    """

    evidence_id: int | None
    sha256: str
    caption: str
    flagged: str
    kind: str
    opens: str
    length: str


def file(row: Any, caption: str) -> File:
    """The file that `row` names (`LeadEvidence` and its like, read with its `evidence`)."""
    there = row.evidence
    if there is None:
        return File(row.evidence_id, row.sha256, caption, "", "", "original", "")
    flagged = "；".join(FLAG_LABELS.get(flag, flag) for flag in there.flags)
    opens = "watermarked" if there.content_type == HEIC.content_type else "original"
    length = _length(there.duration_ms)
    return File(row.evidence_id, row.sha256, caption, flagged, there.kind, opens, length)


def _length(duration_ms: int | None) -> str:
    """`1:05`; nothing for what does not last."""
    return "" if duration_ms is None else "{}:{:02}".format(*divmod(round(duration_ms / 1000), 60))


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the journal in words."""

    seq: int
    title: str
    text: str
    actor: str
    at: datetime
    hash: str
    alarming: bool


class Words(Protocol):
    """How an app words the entries of its journals."""

    def entry_title(self, kind: str) -> str: ...
    def entry_text(self, kind: str, data: dict[str, Any]) -> str: ...


def lines(entries: QuerySet[Entry], words: Words, say: Say, alarming: tuple[str, ...]) -> list[Line]:
    """The first `MOST_ENTRIES` of a journal; `alarming`: how the kinds begin that are marked."""
    return [
        Line(
            entry.seq,
            words.entry_title(entry.kind),
            say(words.entry_text(entry.kind, entry.data or {})),
            entry.actor_name,
            entry.at,
            entry.hash,
            entry.kind.startswith(alarming),
        )
        for entry in entries[:MOST_ENTRIES]
    ]
