"""The provider of chat groups and the SMS gateway, on loopback: what they were told."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Provider:
    """`told` are the path (with the robot's key) and the words of each message, in order of arrival."""

    url: str = ""
    told: list[tuple[str, str]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    """Every SMS: the telephone and the words."""

    def said_to(self, key: str) -> list[str]:
        """The words that the robot with this key was given."""
        return [words for path, words in self.told if path.endswith(f"key={key}")]

    def texts_to(self, phone: str) -> list[str]:
        """The words of every SMS to this telephone."""
        return [words for number, words in self.texts if number == phone]


@contextlib.contextmanager
def loopback() -> Iterator[Provider]:
    """A real HTTP server that answers as the provider does when all is well."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "phone" in body:
                provider.texts.append((body["phone"], body["content"]))
                raw = b'{"code": "OK"}'
            else:
                provider.told.append((self.path, body["markdown"]["content"]))
                raw = b'{"errcode": 0, "errmsg": "ok"}'
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
    provider.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
