"""Where requests go: into the application in this process, or to a running server over HTTP.

Both take raw bytes, so that what no client library would send can be sent, and both can say which rows
and which files there are.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from django.conf import settings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, connections, transaction

from tests import databases
from tests.stack import Stack

HANDLER = get_wsgi_application()
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """`rows` and `files` are what is there after it and was not before, by name."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    rows: Mapping[str, int] = field(default_factory=dict)
    files: frozenset[str] = frozenset()


class Ground(Protocol):
    """Where requests go. `watched` also counts rows and lists files, before and after."""

    def send(self, request: Request, *, watched: bool = False) -> Answer: ...

    def look(self) -> None:
        """Take what is there now as given."""


# --- what is there -----------------------------------------------------------------------------------


def rows() -> dict[str, int]:
    """How many rows each table holds, in one statement."""
    with connection.cursor() as cursor:
        tables = sorted(connection.introspection.table_names(cursor))
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}', count(*) FROM \"{name}\"" for name in tables))
        return dict(cursor.fetchall())


def files(*roots: Path) -> frozenset[str]:
    """Every file under these folders."""
    return frozenset(str(path) for root in roots for path in root.rglob("*") if path.is_file())


def grown(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    return {name: count - before[name] for name, count in after.items() if count != before[name]}


# --- in this process ---------------------------------------------------------------------------------


def application(environ: Any, start: Any) -> list[bytes]:
    """The product as a server runs it, but that the connection with the caller's transaction stays open.
    Answers are read whole and closed."""
    return [_handled(environ, start)[1]]


def _handled(environ: Any, start: Any) -> tuple[Any, bytes]:
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    try:
        answer = HANDLER(environ, start)
        whole = b"".join(answer)
        answer.close()
    finally:
        for signal in ends:
            signal.connect(close_old_connections)
    return answer, whole


class Indoors:
    """The application in this process. Each request finds the house as it was: what it wrote is undone."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch

    def send(self, request: Request, *, watched: bool = False) -> Answer:
        with transaction.atomic():
            here = (Path(settings.MEDIA_ROOT), self.scratch)
            counted, listed = (rows(), files(*here)) if watched else ({}, frozenset())
            status, headers, body = self._call(request)
            connection.set_rollback(False)
            new_rows = grown(counted, rows()) if watched else {}
            new_files = files(*here) - listed if watched else frozenset()
            transaction.set_rollback(True)
        for name in new_files:
            Path(name).unlink(missing_ok=True)
        return Answer(status, headers, body, new_rows, new_files)

    def look(self) -> None:
        """Nothing to do: each request is counted for itself."""

    def _call(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        told: list[Any] = []
        _, body = _handled(_environ(request), lambda status, headers, *_: told.extend((status, headers)))
        return int(told[0].split()[0]), {name.lower(): value for name, value in told[1]}, body


def _environ(request: Request) -> dict[str, Any]:
    path, _, query = request.path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": HOST,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": HOST,
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ


@contextlib.contextmanager
def indoors() -> Iterator[Indoors]:
    """The ground in this process; temporary files have a folder of their own while it lasts."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="suoshe-fuzz-") as scratch:
        tempfile.tempdir = scratch
        try:
            yield Indoors(Path(scratch))
        finally:
            tempfile.tempdir = before


# --- over HTTP ---------------------------------------------------------------------------------------


class Live:
    """A web process over HTTP, nothing else running beside it, on a copy of the house."""

    def __init__(self, stack: Stack, media: Path, scratch: Path) -> None:
        self.stack, self.here = stack, (media, scratch)
        self._line: http.client.HTTPConnection | None = None
        self._rows = rows()
        self._files = files(*self.here)

    @property
    def url(self) -> str:
        return self.stack.url

    def send(self, request: Request, *, watched: bool = False) -> Answer:
        status, headers, body = self._call(request)
        if not watched:
            return Answer(status, headers, body)
        counted, listed = rows(), files(*self.here)
        answer = Answer(status, headers, body, grown(self._rows, counted), listed - self._files)
        self._rows, self._files = counted, listed
        return answer

    def look(self) -> None:
        """Take what is there now as given."""
        self._rows, self._files = rows(), files(*self.here)

    def _call(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        for last in (False, True):
            line = self._line or http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
            self._line = line
            try:
                line.request(request.method, request.path, request.body or None, dict(request.headers))
                got = line.getresponse()
                said = got.status, {name.lower(): value for name, value in got.getheaders()}, got.read()
            except (http.client.HTTPException, OSError):
                line.close()
                self._line = None
                if last:
                    raise
            else:
                return said
        raise AssertionError("not reached")


@contextlib.contextmanager
def live(folder: Path) -> Iterator[Live]:
    """A web on a copy of the present database and media. `connections["default"]` means the copy."""
    media, scratch = folder / "media", folder / "tmp"
    shutil.copytree(settings.MEDIA_ROOT, media)
    scratch.mkdir()
    name = connections["default"].settings_dict["NAME"]
    connections.close_all()
    env = {"SUOSHE_MEDIA_ROOT": str(media), "TMPDIR": str(scratch)}
    with (
        databases.fresh(name) as copy,
        databases.pointed_at(copy),
        Stack(database=copy, folder=folder / "stack", env=env) as stack,
    ):
        stack.start("web")
        yield Live(stack, media, scratch)
