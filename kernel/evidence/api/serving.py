"""Files as answers: whole, in parts (206, 416), as headers only (HEAD), or not again (304)."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, Any

from django.http import FileResponse, HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import error_body
from kernel.evidence.api import ranges
from kernel.evidence.api.ranges import Part

NOT_THERE = "请求的范围超出了文件长度。"


@dataclass(frozen=True, slots=True)
class Served:
    """A file that can be answered: `whole()` and `part(first, last)` give its checked bytes."""

    name: str
    content_type: str
    size: int
    sha256: str
    whole: Callable[[], IO[bytes]]
    part: Callable[[int, int], Iterable[bytes]]

    @property
    def etag(self) -> str:
        """Strong: another byte is another tag."""
        return f'"{self.sha256}"'


def copy(content: bytes, content_type: str, name: str) -> Served:
    """A derived copy, which is small: known by the hash of what was read."""

    def part(first: int, last: int) -> list[bytes]:
        return [content[first : last + 1]]

    sha256 = hashlib.sha256(content).hexdigest()
    return Served(name, content_type, len(content), sha256, lambda: io.BytesIO(content), part)


def answer(request: Request, served: Served) -> HttpResponseBase:
    """The answer to GET or HEAD. `Range` counts for GET alone; a HEAD reads no byte of the file."""
    _keep_uncompressed(request)
    if ranges.unchanged(request.headers.get("If-None-Match"), served.etag):
        return _with_headers(HttpResponse(status=304), served, None)
    if request.method == "HEAD":
        return _with_headers(HttpResponse(), served, served.size)
    try:
        part = ranges.asked(
            request.headers.get("Range"), request.headers.get("If-Range"), served.etag, served.size
        )
    except ranges.Unsatisfiable:
        refusal = Response(error_body("client_error", "range_not_satisfiable", NOT_THERE), status=416)
        refusal["Content-Range"] = f"bytes */{served.size}"
        refusal["Accept-Ranges"] = "bytes"
        return refusal
    if part is None:
        return _with_headers(FileResponse(served.whole()), served, served.size)
    return _partly(served, part)


def _partly(served: Served, part: Part) -> HttpResponseBase:
    streamed = StreamingHttpResponse(served.part(part.first, part.last), status=206)
    streamed["Content-Range"] = f"bytes {part.first}-{part.last}/{served.size}"
    return _with_headers(streamed, served, part.length)


def _with_headers(response: HttpResponseBase, served: Served, length: int | None) -> HttpResponseBase:
    response["ETag"] = served.etag
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-cache"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = f'inline; filename="{served.name}"'
    response["Content-Type"] = served.content_type
    if length is None:
        del response["Content-Type"]
    else:
        response["Content-Length"] = str(length)
    return response


def _keep_uncompressed(request: Any) -> None:
    """Parts and lengths are those of the file: the gzip middleware is told that nobody asked for it."""
    request._request.META["HTTP_ACCEPT_ENCODING"] = "identity"
