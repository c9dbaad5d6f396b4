"""A robot's provider on loopback, and notices to send to it."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from kernel import clock
from kernel.notices import outbox, templates
from kernel.notices.models import OutboxMessage, Robot

_numbers = itertools.count(1)


@dataclass
class Provider:
    """Answers like any of the providers; `answers` are used up first, then all is well."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    answers: list[tuple[int, Any]] = field(default_factory=list)
    before_answer: Callable[[], object] = lambda: None
    slow_s: float = 0.0


WELL = {"errcode": 0, "errmsg": "ok", "code": 0, "msg": "success", "message": "OK"}


def words_of(body: dict[str, Any]) -> str:
    """What a person in the group or at the telephone reads."""
    if "markdown" in body:
        return str(body["markdown"].get("content") or body["markdown"]["text"])
    if "msg_type" in body:
        post = body["content"]["post"]["zh_cn"]
        return "\n".join([post["title"], *(one["text"] for line in post["content"] for one in line)])
    return str(body["content"])


@pytest.fixture
def provider(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A real HTTP server on loopback in place of the provider."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            given = self.rfile.read(int(self.headers["Content-Length"]))
            body = json.loads(given)
            provider.raw.append(given)
            provider.bodies.append(body)
            provider.headers.append(dict(self.headers.items()))
            provider.paths.append(self.path)
            provider.told.append(words_of(body))
            provider.before_answer()
            time.sleep(provider.slow_s)
            status, answer = provider.answers.pop(0) if provider.answers else (200, WELL)
            if status == 0:
                self.close_connection = True
                return
            raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args: Any) -> None:
            return None

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            return None

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}"
    settings.SUOSHE_WECOM_BASE_URL = provider.url
    settings.SUOSHE_DINGTALK_BASE_URL = provider.url
    settings.SUOSHE_FEISHU_BASE_URL = provider.url
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield provider
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def gateway(provider: Provider, settings: Any) -> Provider:
    """The same server as the SMS gateway of the house."""
    settings.SUOSHE_SMS_BASE_URL = f"{provider.url}/sms/send"
    settings.SUOSHE_SMS_KEY, settings.SUOSHE_SMS_SECRET = "suoshe", "gateway-secret"
    return provider


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A template of the tests' own, gone afterwards."""
    monkeypatch.setattr(templates, "_registered", dict(templates._registered))
    templates.register("test.told", "{number} 待办", "{what}")


def make_robot(**columns: Any) -> Robot:
    """A robot whose bucket is full."""
    columns.setdefault("name", f"演示群 {next(_numbers)}")
    columns.setdefault("url", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=secret")
    columns.setdefault("tokens", float(columns.get("rate_per_minute", 20)))
    columns.setdefault("tokens_at", clock.now())
    robot = Robot.objects.create(**columns)
    robot.refresh_from_db()
    return robot


def tell(robot: Robot, count: int = 1, **more: Any) -> list[OutboxMessage]:
    """Post notices to a robot."""
    numbers = [next(_numbers) for _ in range(count)]
    more.setdefault("template", "test.told")
    drafts = [
        outbox.Draft(
            dedupe_key=f"test:{number}", subject_kind="lead", subject_id=number, robot_id=robot.pk,
            params=more.get("params", {"number": f"XS{number}", "what": "请尽快处理"}),
            **{key: value for key, value in more.items() if key != "params"},
        )
        for number in numbers
    ]  # fmt: skip
    outbox.post(drafts, at=clock.now())
    return list(OutboxMessage.objects.filter(dedupe_key__in=[d.dedupe_key for d in drafts]).order_by("id"))


def text_to(phone: str = "13800005678", **more: Any) -> OutboxMessage:
    """Post an SMS to a telephone that is no account."""
    number = next(_numbers)
    more.setdefault("template", "test.told")
    more.setdefault("params", {"number": f"XS{number}", "what": "已办结"})
    draft = outbox.Draft(f"test:{number}", subject_kind="lead", subject_id=number, sms_to=phone, **more)
    assert outbox.post([draft], at=clock.now()) == 1
    return OutboxMessage.objects.get(dedupe_key=draft.dedupe_key)


def later(seconds: float) -> None:
    """Let the house's clock run."""
    clock.travel(timedelta(seconds=seconds))
