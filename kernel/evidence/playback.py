"""What browsers play: a recording itself, or for AMR, which none of them plays, a copy in AAC."""

from __future__ import annotations

from datetime import datetime

from kernel.errors import Conflict
from kernel.evidence import files, originals, recordings
from kernel.evidence.content import AMR, AMR_WB, MP4
from kernel.evidence.models import Evidence, Kind

NEEDS_COPY = {AMR.content_type: AMR.decoder, AMR_WB.content_type: AMR_WB.decoder, "audio/3gpp": MP4.decoder}


def ensure(*, evidence: Evidence, at: datetime) -> str:
    """The path of the copy to be played, made now where nobody has; empty where the original will do.

    Raises:
        Conflict: `nothing_to_play`, it is a photo; `evidence_altered`; `no_playback`, no copy can be made.
    """
    if evidence.kind == Kind.PHOTO:
        raise Conflict("照片不能播放，请查看原件。", code="nothing_to_play")
    decoder = NEEDS_COPY.get(evidence.content_type)
    if decoder is None or evidence.playback:
        return evidence.playback.name or ""
    with originals.open_original(evidence=evidence, at=at) as original:
        try:
            copy = recordings.playable(original, decoder)
        except recordings.Unplayable as failure:
            raise Conflict("无法生成可播放的副本，请下载原件。", code="no_playback") from failure
    path = files.keep_derived(copy, evidence.sha256, "play", "m4a")
    if Evidence.objects.filter(pk=evidence.pk, playback="").update(playback=path):
        return path
    files.remove(path)
    evidence.refresh_from_db(fields=["playback"])
    return evidence.playback.name or ""
