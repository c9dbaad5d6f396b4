"""Files of evidence in Django's default storage: written whole, flushed to disk, checked when read."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from dataclasses import dataclass
from typing import IO, Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

CHUNK = 1 << 20
"""One block, the unit in which an original can be checked in parts."""
DIGEST_BYTES = 32
SPOOL_BYTES = 4 << 20
"""A file up to this size is read in memory, a larger one through a temporary file."""


class Altered(Exception):
    """The stored bytes are not those that were received, or are gone."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """SHA-256 of a whole file, lower-case hex, and of each block of it, one after another."""

    sha256: str
    blocks: bytes


def fingerprint(file: IO[bytes]) -> Fingerprint:
    """Read the file once."""
    file.seek(0)
    running, blocks = hashlib.sha256(), []
    while block := _block(file):
        running.update(block)
        blocks.append(hashlib.sha256(block).digest())
    return Fingerprint(running.hexdigest(), b"".join(blocks))


def _block(file: IO[bytes]) -> bytes:
    """The next whole block, the last one shorter: a storage may hand over less than it is asked for."""
    block = file.read(CHUNK)
    while 0 < len(block) < CHUNK and (more := file.read(CHUNK - len(block))):
        block += more
    return block


def keep(file: IO[bytes], sha256: str, extension: str) -> str:
    """Write original bytes under a path made of their hash; answers the path.

    Every row has a file of its own, even where two hold the same bytes, so that removing one can
    never take another's away.
    """
    file.seek(0)
    stem = f"evidence/{sha256[:2]}/{sha256[2:4]}/{sha256}-{secrets.token_hex(4)}"
    return _flushed(default_storage.save(f"{stem}.{extension}", File(file)))


def keep_derived(content: bytes, sha256: str, kind: str, extension: str = "jpg") -> str:
    """Write a copy made from an original; answers its path."""
    stem = f"evidence-derived/{sha256[:2]}/{sha256[2:4]}/{sha256}-{secrets.token_hex(4)}-{kind}"
    return _flushed(default_storage.save(f"{stem}.{extension}", ContentFile(content)))


def derived(path: str) -> bytes:
    """The bytes of a copy. They are small: pictures of at most 2560 px, a minute of voice."""
    with default_storage.open(path, "rb") as stored:
        content: bytes = stored.read()
    return content


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


class Checked:
    """The bytes `first` to `last` of a stored file, block by block, each checked before it is handed out.

    The first block is checked when this is made. Close it when done; reading to the end closes it too.

    Raises:
        Altered: when made, or from the iteration: a block is not what was received, or is gone.
    """

    def __init__(self, path: str, blocks: bytes, first: int, last: int) -> None:
        self._path, self._blocks, self._first, self._last = path, blocks, first, last
        self._next = first // CHUNK
        try:
            self._stored = default_storage.open(path, "rb")
        except FileNotFoundError as failure:
            raise Altered(path) from failure
        try:
            self._stored.seek(self._next * CHUNK)
            self._ready: bytes | None = self._read()
        except BaseException:
            self._stored.close()
            raise

    def __iter__(self) -> Checked:
        return self

    def __next__(self) -> bytes:
        if self._ready is None and self._next * CHUNK > self._last:
            self.close()
            raise StopIteration
        block, self._ready = self._ready, None
        return self._read() if block is None else block

    def close(self) -> None:
        self._stored.close()

    def _read(self) -> bytes:
        start = self._next * CHUNK
        block = _block(self._stored)
        told = self._blocks[self._next * DIGEST_BYTES :][:DIGEST_BYTES]
        if hashlib.sha256(block).digest() != told:
            raise Altered(self._path)
        self._next += 1
        return block[max(self._first - start, 0) : self._last - start + 1]


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
