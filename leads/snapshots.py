"""What is signed: canonical JSON and its SHA-256 (DESIGN.md §3, Signatures). Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

SENTENCES = {
    ("discovery", "community"): "由我发现并上报",
    ("handover", "community"): "已移交",
    ("discovery", "office"): "已知悉上报内容",
    ("handover", "office"): "已接收,由我办理",
    ("result", "office"): "处置情况属实",
    ("result", "community"): "已核实,问题现象已消除",
}
TOLD_SENTENCE = "已知悉上报内容"
NOTHING_FOUND_SENTENCE = "已核实,未发现问题"


def canonical(value: Any) -> str:
    """One text for one meaning: sorted keys, no spaces, UTF-8, moments in UTC."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return moment(value)
    return str(value)


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def sha256(value: Any) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def sentence(stage: str, side: str, *, discovered_it: bool = True, disposal_kind: str = "") -> str:
    """The sentence a person signs. Nobody signs what he has not seen: who only learned of a report
    says so, and where nothing was found the community does not sign that it has gone away."""
    if (stage, side) == ("discovery", "community") and not discovered_it:
        return TOLD_SENTENCE
    if (stage, side) == ("result", "community") and disposal_kind == "no_problem":
        return NOTHING_FOUND_SENTENCE
    return SENTENCES[stage, side]


def closing_digest(digests: Iterable[str]) -> str:
    """One hash over the digests of the signatures that close a lead, in slot order."""
    return hashlib.sha256("".join(digests).encode()).hexdigest()
