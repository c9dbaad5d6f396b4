"""What there is to see of a piece of evidence: a photo upright, of a video its first picture."""

from __future__ import annotations

import io
from datetime import datetime

from PIL import Image

from kernel.errors import Conflict
from kernel.evidence import originals, photos, recordings
from kernel.evidence.models import PICTURED, Evidence, Kind


def refuse_without_picture(evidence: Evidence) -> None:
    """Stop where there is nothing to see.

    Raises:
        Conflict: `no_picture`, it is a voice note.
    """
    if evidence.kind not in PICTURED:
        raise Conflict("语音材料没有画面，请直接播放。", code="no_picture")


def see(*, evidence: Evidence, longest: int, at: datetime) -> Image.Image:
    """The picture in RGB, upright, at most `longest` px a side, made from the checked original.

    Raises:
        Conflict: `evidence_altered`, the original is not what was received.
        Exception: whatever a decoder raises where it cannot be seen after all.
    """
    with originals.open_original(evidence=evidence, at=at) as original:
        if evidence.kind != Kind.VIDEO:
            with photos.at_once:
                return photos.upright(original, longest)
        still = recordings.still(original)
    with photos.at_once:
        return photos.upright(io.BytesIO(still), longest)
