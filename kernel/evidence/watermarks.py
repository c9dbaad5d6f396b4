"""Watermarked copies: number, grid, time, place and SHA-256 on the picture; the original untouched.

A copy is made once the file belongs to something, beside the request or by the first who asks. It says
what is known when it is made: where that has changed since (a lead went to another grid), whoever asks
next gets a new one. What proves anything is the original, whose hash stands on every copy.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import F

from kernel import clock
from kernel.clock import SHANGHAI
from kernel.errors import Conflict, DomainError
from kernel.evidence import captions, files, lettering, photos, pictures
from kernel.evidence.captions import Caption
from kernel.evidence.models import PICTURED, Evidence

log = structlog.get_logger(__name__)

LONGEST_PX = 2560
MOST_ATTEMPTS = 3


def ensure(*, evidence: Evidence, at: datetime) -> str:
    """The path of the watermarked copy, made now where there is none or where its words are old.

    Safe to run at once: the first to store a copy with these words wins, the other's file is removed.

    Raises:
        Conflict: `no_picture`, a voice note has none; `not_attached`, the file belongs to nothing yet;
            `evidence_altered`, the original is not what was received; `no_watermark`, none can be made.
    """
    pictures.refuse_without_picture(evidence)
    subject = (evidence.subject_kind or "", evidence.subject_id or 0)
    caption = captions.of({subject}).get(subject)
    if caption is None:
        raise Conflict("这份材料还没有用于任何事项，暂无水印副本。", code="not_attached")
    return _make(evidence, words(evidence, caption), at)


def words(evidence: Evidence, caption: Caption) -> list[str]:
    """The lines on the copy. What nobody said is left out or called missing, never filled in."""
    return [
        "　".join(part for part in (f"编号 {caption.number}", caption.grid) if part),
        f"{_taken(evidence)}　服务器接收 {_moment(evidence.received_at)}",
        "　".join(part for part in (_place(evidence), caption.place) if part),
        f"SHA-256 {evidence.sha256}",
    ]


def make_missing(limit: int = 20) -> int:
    """Make copies that are not there, oldest first; answers how many. One bad file stops no other."""
    claimed = _claim(limit)
    found = captions.of({(str(e.subject_kind), int(e.subject_id or 0)) for e in claimed})
    made = 0
    for evidence in claimed:
        caption = found.get((str(evidence.subject_kind), int(evidence.subject_id or 0)))
        if caption is None:
            continue
        try:
            _make(evidence, words(evidence, caption), clock.now())
            made += 1
        except DomainError as refused:
            log.warning("watermark_failed", evidence_id=evidence.pk, code=refused.code)
    return made


def _make(evidence: Evidence, lines: list[str], at: datetime) -> str:
    said, before = "\n".join(lines), evidence.watermarked.name or ""
    if before and evidence.caption == said:
        return before
    try:
        seen = pictures.see(evidence=evidence, longest=LONGEST_PX, at=at)
        copy = photos.jpeg(lettering.stamp(seen, lines), quality=85)
    except DomainError:
        raise
    except Exception as failure:
        raise Conflict("无法生成水印副本，请查看原件。", code="no_watermark") from failure
    path = files.keep_derived(copy, evidence.sha256, "marked")
    mine = Evidence.objects.filter(pk=evidence.pk, watermarked=before)
    if mine.update(watermarked=path, caption=said):
        if before:
            files.remove(before)
        return path
    files.remove(path)
    evidence.refresh_from_db(fields=["watermarked", "caption"])
    return evidence.watermarked.name or ""


def _claim(limit: int) -> list[Evidence]:
    """Count an attempt first, so that a file that kills its worker is tried three times at most."""
    with transaction.atomic():
        missing = Evidence.objects.filter(
            kind__in=PICTURED,
            subject_kind__in=captions.kinds(),
            watermarked="",
            watermark_attempts__lt=MOST_ATTEMPTS,
        ).order_by("id")
        found = list(missing.select_for_update(skip_locked=True, no_key=True)[:limit])
        ids = [evidence.pk for evidence in found]
        Evidence.objects.filter(pk__in=ids).update(watermark_attempts=F("watermark_attempts") + 1)
    return found


def _taken(evidence: Evidence) -> str:
    if evidence.captured_at:
        return f"拍摄 {_moment(evidence.captured_at)}（设备时间）"
    if evidence.exif_at:
        return f"拍摄 {_moment(evidence.exif_at)}（文件内时间）"
    return "拍摄时间未提供"


def _place(evidence: Evidence) -> str:
    """Where the phone said it was, else what the file says; degrees of WGS-84."""
    if evidence.lon is not None and evidence.lat is not None:
        return f"位置 {evidence.lon:.6f}, {evidence.lat:.6f}（WGS-84，设备）"
    if evidence.exif_lon is not None and evidence.exif_lat is not None:
        return f"位置 {evidence.exif_lon:.6f}, {evidence.exif_lat:.6f}（WGS-84，文件内）"
    return "位置未提供"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
