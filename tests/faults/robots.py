"""The provider of chat groups on loopback: it records every message before it answers, and may dawdle."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LONGEST_HOLD_S = 20.0


class Robots:
    """What every group was told, in order of arrival.

    `hold()` has the provider take messages and not answer them until `let_go()`: whoever sends is then
    between sending and its receipt, which is when to kill it.
    """

    def __init__(self) -> None:
        self.url = ""
        self.told: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._open.set()
        self._caught = threading.Event()

    def said_to(self, key: str) -> list[str]:
        """The words that the group with this key was given, in order."""
        with self._lock:
            return [words for told, words in self.told if told == key]

    def hold(self) -> None:
        """From now on take messages without answering."""
        if self._open.is_set():
            self._caught.clear()
            self._open.clear()

    @property
    def has_caught(self) -> bool:
        """Has a message arrived since `hold()`?"""
        return self._caught.is_set()

    def let_go(self) -> None:
        """Answer again."""
        self._open.set()

    def take(self, key: str, words: str) -> None:
        """Record a message; returns when it may be answered."""
        with self._lock:
            self.told.append((key, words))
        if not self._open.is_set():
            self._caught.set()
            self._open.wait(LONGEST_HOLD_S)


@contextlib.contextmanager
def loopback() -> Iterator[Robots]:
    """A real HTTP server that answers as WeCom does when all is well."""
    robots = Robots()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            [key] = parse_qs(urlsplit(self.path).query)["key"]
            robots.take(key, body["markdown"]["content"])
            raw = b'{"errcode": 0, "errmsg": "ok"}'
            with contextlib.suppress(OSError):  # whoever asked may have been killed
                self.send_response(200)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        def log_message(self, *args: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    robots.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield robots
    finally:
        robots.let_go()
        server.shutdown()
        thread.join()
        server.server_close()
