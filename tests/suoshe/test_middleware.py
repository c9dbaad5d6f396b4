"""Every answer carries its request's id and a content policy; the log names routes, never paths."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from suoshe import middleware
from suoshe.logs import NotEverySecond


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, object]]]:
    with structlog.testing.capture_logs() as lines:
        monkeypatch.setattr(middleware, "log", structlog.get_logger("suoshe.request"))
        yield lines  # type: ignore[misc]


def test_the_answer_carries_the_id_of_a_sane_proxy_only(client: Client) -> None:
    given = client.get("/nowhere", headers={"X-Request-ID": "0123456789abcdef"})
    assert given["X-Request-ID"] == "0123456789abcdef"
    forged = client.get("/nowhere", headers={"X-Request-ID": "a\nb"})
    assert len(forged["X-Request-ID"]) == 32


def test_one_line_names_the_route_and_not_the_path(client: Client, logged: list[dict[str, object]]) -> None:
    client.get("/api/v1/survey-of-a-secret-token")
    [line] = [line for line in logged if line["event"] == "request"]
    assert (line["method"], line["status"]) == ("GET", 404)
    assert "secret" not in str(line)


def test_what_is_asked_every_few_seconds_is_not_logged(logged: list[dict[str, object]]) -> None:
    middleware.RequestLog(lambda request: HttpResponse())(RequestFactory().get("/healthz"))
    assert logged == []


def test_the_content_policy_is_strict_outside_the_admin() -> None:
    def policy(path: str) -> dict[str, list[str]]:
        response = middleware.admin_content_policy(lambda request: HttpResponse())(RequestFactory().get(path))
        return getattr(response, "_csp_update", {})

    assert policy("/") == {}
    assert policy("/admin/leads/")["script-src"] == ["'unsafe-eval'"]


def test_the_policy_as_sent(client: Client) -> None:
    outside = client.get("/nowhere")["Content-Security-Policy"]
    assert "default-src 'none'" in outside
    assert "unsafe" not in outside
    assert "frame-ancestors 'none'" in outside


@pytest.mark.django_db
def test_the_address_of_the_product_leads_to_its_first_page(client: Client) -> None:
    answer = client.get("/", follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain[0][0] == "/admin/"
    assert "'unsafe-eval'" in answer["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval';" in answer["Content-Security-Policy"] + ";"


def test_a_broken_request_is_logged_too(logged: list[dict[str, object]]) -> None:
    def broken(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=500)

    middleware.RequestLog(broken)(RequestFactory().get("/x"))
    assert [line["status"] for line in logged] == [500]


def test_beat_is_quiet_about_what_it_sends() -> None:
    def record(text: str) -> logging.LogRecord:
        return logging.LogRecord("celery.beat", logging.INFO, "", 0, text, (), None)

    assert not NotEverySecond().filter(record("Scheduler: Sending due task %(name)s (%(task)s)"))
    assert NotEverySecond().filter(record("beat: Starting..."))
