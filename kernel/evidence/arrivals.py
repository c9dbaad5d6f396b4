"""Files that were named before they came.

An app that lets people name a file by its hash registers here; it is told of every new file in the
upload's own transaction, after the row is written, so that file and binding stand or fall together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kernel.evidence.models import Evidence

Arrived = Callable[["Evidence"], object]

_registered: list[Arrived] = []


def register(callback: Arrived) -> None:
    """Have `callback(evidence)` called for every new file. Twice is once."""
    if callback not in _registered:
        _registered.append(callback)


def tell(evidence: Evidence) -> None:
    """Tell everyone who waits for files of this one. What a callback raises undoes the upload."""
    for callback in _registered:
        callback(evidence)
