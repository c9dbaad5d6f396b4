"""Every line of a request or task can be found by its id, and none says whose telephone it was."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from celery import Celery
from celery.signals import before_task_publish, task_postrun, task_prerun
from django.test import Client

from grids.access import scope_of
from suoshe import logs, middleware
from suoshe.celery import app
from tests.factories.accounts import bearer, make_user


def formatter(*, as_json: bool) -> logging.Formatter:
    given = dict(logs.config(as_json=as_json)["formatters"]["line"])
    made: logging.Formatter = given.pop("()")(**given)
    return made


def line(text: str, *args: Any, as_json: bool = True, **more: Any) -> str:
    record = logging.LogRecord("some.app", logging.WARNING, "", 0, text, args, more.pop("exc_info", None))
    return formatter(as_json=as_json).format(record)


@pytest.fixture(autouse=True)
def _own_context() -> Iterator[None]:
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()


# --- what a line says ------------------------------------------------------------------------------


def test_a_line_is_json_with_its_context() -> None:
    structlog.contextvars.bind_contextvars(request_id="abc12345", user_id=7, route="api/v1/leads/")
    said = json.loads(line("something happened"))
    assert (said["event"], said["level"], said["logger"]) == ("something happened", "warning", "some.app")
    assert (said["request_id"], said["user_id"], said["route"]) == ("abc12345", 7, "api/v1/leads/")
    assert said["timestamp"].endswith("Z")


@pytest.mark.parametrize("as_json", [True, False])
def test_no_line_holds_a_telephone_or_identity_number(as_json: bool) -> None:
    said = line("called %s about %s", "13812345678", {"id": "370983199001011234"}, as_json=as_json)
    assert "138****5678" in said
    assert "13812345678" not in said
    assert "199001011234" not in said


@pytest.mark.parametrize("as_json", [True, False])
def test_no_traceback_holds_one_nor_the_refused_row(as_json: bool) -> None:
    try:
        raise ValueError("no 13812345678\nDETAIL:  Failing row contains (7, 张三,\n 泰安路).\nCONTEXT:  SQL")
    except ValueError as error:
        said = line("broken", exc_info=(ValueError, error, error.__traceback__), as_json=as_json)
    assert "ValueError" in said
    assert "13812345678" not in said
    assert "张三" not in said
    assert "泰安路" not in said
    assert "CONTEXT" in said


def test_objects_are_masked_and_ids_and_counts_left_alone() -> None:
    structlog.contextvars.bind_contextvars(request_id="a13812345678b", count=13812345678, who={"13912345678"})
    said = json.loads(line("x"))
    assert said["request_id"] == "a13812345678b"
    assert said["count"] == 13812345678
    assert said["who"] == ["139****5678"]


# --- requests --------------------------------------------------------------------------------------


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What is logged, with the context that the formatter would merge in."""
    merge = [structlog.contextvars.merge_contextvars]
    with structlog.testing.capture_logs(processors=merge) as found:
        monkeypatch.setattr(middleware, "log", structlog.get_logger("suoshe.request"))
        yield found


@pytest.mark.django_db
def test_lines_of_a_request_say_who_asked_and_where(client: Client, lines: list[Any]) -> None:
    user = make_user()
    headers = bearer(user) | {"X-Request-ID": "0123-4567-89ab"}
    answer = client.get("/api/v1/me/", headers=headers)
    assert answer["X-Request-ID"] == "0123-4567-89ab"
    (said,) = [one for one in lines if one["event"] == "request"]
    assert (said["request_id"], said["user_id"], said["route"]) == ("0123-4567-89ab", user.pk, "api/v1/me/")
    assert structlog.contextvars.get_contextvars() == {}


@pytest.mark.django_db
def test_a_session_says_who_asked_too(client: Client, lines: list[Any]) -> None:
    user = make_user(is_staff=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    client.get("/admin/")
    assert [one["user_id"] for one in lines if one["event"] == "request"] == [user.pk]


@pytest.mark.django_db
def test_lines_from_inside_a_view_carry_all_of_it(
    client: Client, lines: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user()

    def told(who: Any) -> Any:
        structlog.get_logger("inside").info("inside")
        return scope_of(who)

    monkeypatch.setattr("suoshe.me.scope_of", told)
    client.get("/api/v1/me/", headers=bearer(user))
    (said,) = [one for one in lines if one["event"] == "inside"]
    assert (said["user_id"], said["route"]) == (user.pk, "api/v1/me/")
    assert said["request_id"]


@pytest.mark.parametrize("forged", ["short", "a" * 65, "x y z abcdef", "12345678\nX"])
def test_a_malformed_id_is_replaced(client: Client, forged: str) -> None:
    answered = client.get("/nowhere", headers={"X-Request-ID": forged})["X-Request-ID"]
    assert len(answered) == 32
    assert answered != forged


# --- tasks -----------------------------------------------------------------------------------------


class Sweep:
    """What Celery hands to its signals."""

    name = "deadlines.sweep"

    def __init__(self, **headers: Any) -> None:
        self.request = SimpleNamespace(**headers)


def test_a_task_carries_the_id_of_the_request_that_queued_it() -> None:
    assert isinstance(app, Celery)
    structlog.contextvars.bind_contextvars(request_id="0123-4567-89ab")
    headers: dict[str, Any] = {}
    before_task_publish.send(sender="x", headers=headers)
    assert headers == {"request_id": "0123-4567-89ab"}
    task = Sweep(**headers)
    task_prerun.send(sender=task, task_id="own", task=task)
    context = structlog.contextvars.get_contextvars()
    assert context == {"request_id": "0123-4567-89ab", "task": "deadlines.sweep"}
    task_postrun.send(sender=task)
    assert structlog.contextvars.get_contextvars() == {}


def test_a_task_of_the_schedule_carries_its_own_id() -> None:
    headers: dict[str, Any] = {}
    before_task_publish.send(sender="x", headers=headers)
    assert headers == {}
    task = Sweep()
    task_prerun.send(sender=task, task_id="own", task=task)
    assert structlog.contextvars.get_contextvars()["request_id"] == "own"
