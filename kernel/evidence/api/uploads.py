"""Refusing a file while it still comes in: by its announced length, its first bytes, and its count."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from rest_framework.request import Request

from kernel.errors import DomainError, TooLarge
from kernel.evidence import inspection, policy
from kernel.evidence.content import HEAD_BYTES
from kernel.evidence.store import KIND_OF

AROUND_THE_FILE = 64 * 1024
"""What the other fields and the multipart frame may take."""


class Doorkeeper(FileUploadHandler):
    """Stops the upload as soon as it is known to be refused: nothing more of it is read or kept.

    A type that we do not take is known from the first bytes, a file too large for its kind by counting.
    """

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.refused: DomainError | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._head, self._kind = b"", ""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        try:
            self._watch(raw_data, start + len(raw_data))
        except DomainError as refused:
            self.refused = refused
            raise StopUpload(connection_reset=True) from refused
        return raw_data

    def _watch(self, piece: bytes, count: int) -> None:
        """Pieces come in any size: the first may be too short to tell a type by."""
        if not self._kind:
            self._head += piece[:HEAD_BYTES]
            if len(self._head) < HEAD_BYTES:
                return
            self._kind = KIND_OF[inspection.format_of(self._head[:HEAD_BYTES]).family]
        if count > policy.max_bytes(self._kind):
            raise TooLarge(policy.too_large(self._kind), attr="file")

    def file_complete(self, file_size: int) -> None:
        """The file itself is kept by the handlers that follow."""


def body(request: Request) -> Any:
    """The fields of a multipart upload, the file among them.

    Raises:
        TooLarge: 413, before the rest is read.
        UnsupportedType: 415, likewise.
    """
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if announced.isdigit() and int(announced) > policy.max_bytes(policy.VIDEO) + AROUND_THE_FILE:
        raise TooLarge(policy.too_large(policy.VIDEO), attr="file")
    plain: Any = request._request
    if hasattr(plain, "_files"):  # read before us, as by the check of a form's token; the service counts
        return request.data
    keeper = Doorkeeper(plain)
    plain.upload_handlers = [keeper, *plain.upload_handlers]
    sent = request.data
    if keeper.refused is not None:
        raise keeper.refused
    return sent
