"""Files of evidence in Django's default storage: written whole, flushed to disk, checked when read."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from typing import IO, Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

CHUNK = 1 << 20
SPOOL_BYTES = 4 << 20
"""A file up to this size is read in memory, a larger one through a temporary file."""


class Altered(Exception):
    """The stored bytes are not those that were received, or are gone."""


def digest(file: IO[bytes]) -> str:
    """SHA-256 of the whole file, lower-case hex."""
    file.seek(0)
    running = hashlib.sha256()
    while chunk := file.read(CHUNK):
        running.update(chunk)
    return running.hexdigest()


def keep(file: IO[bytes], sha256: str, extension: str) -> str:
    """Write original bytes under a path made of their hash; answers the path.

    Every row has a file of its own, even where two hold the same bytes, so that removing one can
    never take another's away.
    """
    file.seek(0)
    stem = f"evidence/{sha256[:2]}/{sha256[2:4]}/{sha256}-{secrets.token_hex(4)}"
    return _flushed(default_storage.save(f"{stem}.{extension}", File(file)))


def keep_derived(content: bytes, sha256: str, kind: str) -> str:
    """Write a copy made from an original; answers its path."""
    stem = f"evidence-derived/{sha256[:2]}/{sha256[2:4]}/{sha256}-{secrets.token_hex(4)}-{kind}"
    return _flushed(default_storage.save(f"{stem}.jpg", ContentFile(content)))


def remove(path: str) -> None:
    """Take a file away; one that is gone already is fine."""
    default_storage.delete(path)


def checked(path: str, sha256: str) -> IO[Any]:
    """A private copy of a stored file whose bytes have been checked; what was hashed is what is read.

    Raises:
        Altered: the bytes do not match `sha256`, or the file is gone.
    """
    copy = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115  the caller closes it
    running = hashlib.sha256()
    try:
        with default_storage.open(path, "rb") as stored:
            while chunk := stored.read(CHUNK):
                running.update(chunk)
                copy.write(chunk)
    except FileNotFoundError as failure:
        copy.close()
        raise Altered(path) from failure
    if running.hexdigest() != sha256:
        copy.close()
        raise Altered(path)
    copy.seek(0)
    return copy


def _flushed(path: str) -> str:
    """Have the disk hold the file and its name, where the storage is a local disk."""
    try:
        local = default_storage.path(path)
    except NotImplementedError:
        return path
    for target in (local, os.path.dirname(local)):
        handle = os.open(target, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    return path
