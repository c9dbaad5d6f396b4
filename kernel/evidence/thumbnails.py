"""Thumbnails: small upright copies without EXIF, made beside the request, or by the first who asks."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import F

from kernel import clock
from kernel.errors import Conflict, DomainError
from kernel.evidence import files, photos, pictures
from kernel.evidence.models import PICTURED, Evidence

log = structlog.get_logger(__name__)

LONGEST_PX = 480
MOST_ATTEMPTS = 3
"""After so many a picture is left to whoever asks for it."""


def ensure(*, evidence: Evidence, at: datetime) -> str:
    """The path of the thumbnail; it is made now where nobody has made it. Safe to run at once.

    Raises:
        Conflict: `no_picture`, a voice note has none; `evidence_altered`, the original is not what was
            received; `no_thumbnail`, no small copy can be made of it.
    """
    if evidence.thumbnail:
        return evidence.thumbnail.name or ""
    pictures.refuse_without_picture(evidence)
    try:
        seen = pictures.see(evidence=evidence, longest=LONGEST_PX, at=at)
        small = photos.jpeg(seen, quality=80)
    except DomainError:
        raise
    except Exception as failure:
        raise Conflict("无法生成缩略图，请查看原件。", code="no_thumbnail") from failure
    path = files.keep_derived(small, evidence.sha256, "480")
    if Evidence.objects.filter(pk=evidence.pk, thumbnail="").update(thumbnail=path):
        return path
    files.remove(path)
    evidence.refresh_from_db(fields=["thumbnail"])
    return evidence.thumbnail.name or ""


def make_missing(limit: int = 50) -> int:
    """Make thumbnails that are not there, oldest first; answers how many. One bad file stops no other."""
    made = 0
    for evidence in _claim(limit):
        try:
            ensure(evidence=evidence, at=clock.now())
            made += 1
        except DomainError as refused:
            log.warning("thumbnail_failed", evidence_id=evidence.pk, code=refused.code)
    return made


def _claim(limit: int) -> list[Evidence]:
    """Count an attempt first, so that a file that kills its worker is tried three times at most."""
    with transaction.atomic():
        missing = Evidence.objects.filter(
            kind__in=PICTURED, thumbnail="", thumbnail_attempts__lt=MOST_ATTEMPTS
        ).order_by("id")
        found = list(missing.select_for_update(skip_locked=True, no_key=True)[:limit])
        ids = [evidence.pk for evidence in found]
        Evidence.objects.filter(pk__in=ids).update(thumbnail_attempts=F("thumbnail_attempts") + 1)
    return found
