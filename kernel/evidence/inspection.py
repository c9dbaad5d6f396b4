"""Looking into any file that we take: the content decides what it is."""

from __future__ import annotations

from typing import IO

from kernel.errors import UnsupportedType
from kernel.evidence import photos, recordings
from kernel.evidence.content import HEAD_BYTES, Content, Family, Format, sniff

TAKEN = "不支持这种文件：照片请用 JPEG、PNG、WebP 或 HEIC，视频请用 MP4，语音请用 m4a、aac 或 amr。"


def format_of(head: bytes) -> Format:
    """The format of a file by its first bytes.

    Raises:
        UnsupportedType: it is none that we take (415).
    """
    form = sniff(head)
    if form is None:
        raise UnsupportedType(TAKEN, code="unsupported_media_type", attr="file")
    return form


def inspect(file: IO[bytes]) -> Content:
    """What the file is and says, decoded as far as its kind needs to be believed.

    Raises:
        UnsupportedType: 415.
        Refused: `broken_file`, `too_many_pixels`, `too_long` (422).
    """
    file.seek(0)
    form = format_of(file.read(HEAD_BYTES))
    if form.family is Family.PHOTO:
        return photos.inspect(file, form)
    return recordings.inspect(file, form)
