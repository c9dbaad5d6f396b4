"""Receiving a file: checked before anything is written, the file before its row (DOMAIN.md §7)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction

from kernel import journal
from kernel.errors import Conflict, Malformed, Refused, TooLarge
from kernel.evidence import arrivals, files, inspection, policy
from kernel.evidence.content import HEAD_BYTES, Content, Family
from kernel.evidence.files import Fingerprint
from kernel.evidence.models import Evidence
from kernel.evidence.policy import Place

if TYPE_CHECKING:
    from kernel.accounts.models import User

KIND_OF = {Family.PHOTO: policy.PHOTO, Family.MP4: policy.VIDEO, Family.VOICE: policy.VOICE}
"""Whose limit of size holds before the file is opened: an MP4 may be a video."""


def receive(
    *,
    file: UploadedFile,
    sha256: str,
    client_uid: UUID,
    captured_at: datetime | None,
    place: Place | None,
    by: User,
    at: datetime,
) -> tuple[Evidence, bool]:
    """Keep the original bytes of a file and answer its row, and whether it is new.

    The same `client_uid` with the same bytes gives the first row back, so an upload may be repeated,
    also twice at once. A refusal leaves neither row nor file. `place` is WGS-84. Whoever waits for a
    file of this hash is told in the same transaction (`kernel.evidence.arrivals`).

    Raises:
        TooLarge, UnsupportedType: 413, 415.
        Refused: `empty_file`, `sha256_mismatch`, `broken_file`, `too_many_pixels`, `too_long` (422).
        Malformed: `sha256` is no SHA-256.
        Conflict: `client_uid_conflict`, the uid was used by this person for other bytes.
    """
    _check_size(file)
    mark = _check_digest(file, sha256)
    earlier = _earlier(by, client_uid, sha256)
    if earlier is not None:
        return earlier, False
    content = inspection.inspect(file)
    _check_limit(file, content.kind)
    path = files.keep(file, sha256, content.extension)
    try:
        with transaction.atomic():
            size = file.size or 0
            return _insert(size, path, mark, client_uid, content, captured_at, place, by, at), True
    except IntegrityError:
        files.remove(path)
        earlier = _earlier(by, client_uid, sha256)
        if earlier is None:
            raise
        return earlier, False
    except BaseException:
        files.remove(path)
        raise


def _check_size(file: UploadedFile) -> None:
    """Empty, of no type that we take, or larger than its type may be: known from the first bytes."""
    if not file.size:
        raise Refused("文件是空的，请重新选择。", code="empty_file", attr="file")
    file.seek(0)
    _check_limit(file, KIND_OF[inspection.format_of(file.read(HEAD_BYTES)).family])


def _check_limit(file: UploadedFile, kind: str) -> None:
    if (file.size or 0) > policy.max_bytes(kind):
        raise TooLarge(policy.too_large(kind), code="too_large", attr="file")


def _check_digest(file: UploadedFile, sha256: str) -> Fingerprint:
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise Malformed("sha256 应为 64 位小写十六进制数。", code="invalid", attr="sha256")
    mark = files.fingerprint(file)
    if mark.sha256 != sha256:
        raise Refused("文件在传输中有损坏，请重新上传。", code="sha256_mismatch", attr="sha256")
    return mark


def _earlier(by: User, client_uid: UUID, sha256: str) -> Evidence | None:
    earlier = Evidence.objects.filter(uploaded_by=by, client_uid=client_uid).first()
    if earlier is not None and earlier.sha256 != sha256:
        raise Conflict("该编号已用于另一份文件。", code="client_uid_conflict", attr="client_uid")
    return earlier


def _insert(
    size: int,
    path: str,
    mark: Fingerprint,
    client_uid: UUID,
    content: Content,
    captured_at: datetime | None,
    place: Place | None,
    by: User,
    at: datetime,
) -> Evidence:
    said, duration = content.exif, timedelta(milliseconds=content.duration_ms or 0)
    columns: dict[str, Any] = {
        "client_uid": client_uid,
        "sha256": mark.sha256,
        "block_digests": mark.blocks,
        "kind": content.kind,
        "content_type": content.content_type,
        "size": size,
        "width": content.width,
        "height": content.height,
        "duration_ms": content.duration_ms,
        "orientation": said.orientation,
        "file": path,
        "uploaded_by": by,
        "captured_at": captured_at,
        "exif_at": said.taken_at,
        "received_at": at,
        "lon": place and place.lon,
        "lat": place and place.lat,
        "exif_lon": said.place and said.place.lon,
        "exif_lat": said.place and said.place.lat,
        "flags": policy.flags(
            kind=content.kind,
            duration=duration,
            captured_at=captured_at,
            exif_at=said.taken_at,
            received_at=at,
            place=place,
            exif_place=said.place,
        ),
    }
    evidence = Evidence.objects.create(**columns)
    journal.append(
        stream=f"evidence:{evidence.pk}",
        kind="evidence.received",
        by=by,
        at=at,
        data={
            "sha256": mark.sha256,
            "size": size,
            "content_type": content.content_type,
            "flags": evidence.flags,
        },
    )
    arrivals.tell(evidence)
    return evidence
