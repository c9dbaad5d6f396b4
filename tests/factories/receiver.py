"""Another system on loopback: keeps what it is sent, answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kernel.notices import webhooks

SECRET = "receiver-secret-0123456789abcdef"


@dataclass
class Receiver:
    """`answers` are used up first (0: the connection breaks), then all is well."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    signed: list[bool] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    before_answer: Callable[[], object] = lambda: None
    secret: str = SECRET


def _handler(kept: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            wanted = webhooks.signature(kept.secret, self.headers["X-Timestamp"], raw)
            kept.signed.append(self.headers["X-Signature"] == wanted)
            kept.ids.append(self.headers["X-Delivery-ID"])
            kept.paths.append(self.path)
            kept.bodies.append(json.loads(raw))
            kept.before_answer()
            status = kept.answers.pop(0) if kept.answers else 200
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            return None

    return Handler


@contextmanager
def listening() -> Iterator[Receiver]:
    """A real HTTP server for the time of the block."""
    kept = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(kept))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
