"""`Range` and conditional requests (RFC 9110 §13, §14): which bytes of a file a request asks for.

One range is answered; several at once are answered with the whole file, as the standard allows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE = re.compile(r"bytes[ \t]*=[ \t]*(\d{0,18})[ \t]*-[ \t]*(\d{0,18})[ \t]*", re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?("[^"]*")')


class Unsatisfiable(Exception):
    """No byte of the file lies in the range asked for (416)."""


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def asked(header: str | None, if_range: str | None, etag: str, size: int) -> Part | None:
    """The part that is asked for, or None for the whole file.

    What is no range that we understand is no range. `If-Range` with anything but the file's own tag (a
    date among them) means: the whole file, if it is another by now.

    Raises:
        Unsatisfiable: it begins behind the end.
    """
    said = _ONE.fullmatch(header or "")
    if not said or (if_range is not None and if_range.strip() != etag):
        return None
    first, last = said.groups()
    if not first:
        if not last:
            return None
        if int(last) == 0:
            raise Unsatisfiable
        return Part(max(size - int(last), 0), size - 1)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return Part(int(first), min(int(last), size - 1) if last else size - 1)


def unchanged(if_none_match: str | None, etag: str) -> bool:
    """Whether the asker has it already (304)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in _TAG.findall(if_none_match)
