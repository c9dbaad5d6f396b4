"""Reading copies made from an original. One whose file is gone is made anew; an original could not be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from kernel.evidence import files, playback, thumbnails, watermarks
from kernel.evidence.models import Evidence

NAMED = {
    "thumbnail": (thumbnails.ensure, {"thumbnail": ""}),
    "watermarked": (watermarks.ensure, {"watermarked": "", "caption": ""}),
    "playback": (playback.ensure, {"playback": ""}),
}
"""By column: who makes the copy, and how the row looks without it."""


def read(*, evidence: Evidence, column: str, at: datetime) -> bytes | None:
    """The bytes of a copy, made now where there is none; None where the original itself will do.

    Raises:
        Conflict: what `ensure` of its module refuses.
    """
    ensure: Callable[..., str]
    ensure, without = NAMED[column]
    path = ensure(evidence=evidence, at=at)
    if not path:
        return None
    try:
        return files.derived(path)
    except FileNotFoundError:  # removed by hand, or replaced by newer words a moment ago
        Evidence.objects.filter(pk=evidence.pk, **{column: path}).update(**without)
        evidence.refresh_from_db()
    return files.derived(ensure(evidence=evidence, at=at))
