"""The manner of the API: whatever is sent, the answer has the one shape, is Chinese, and is no 500."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    ValidationError,
)
from django.core.signals import got_request_exception
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from django.test import Client, override_settings
from rest_framework import exceptions
from rest_framework.test import APIClient

from grids.demo import World
from kernel.api import CursorPages, exception_handler
from kernel.errors import Busy, Conflict
from tests.factories.accounts import bearer, make_user
from tests.factories.grids import make_world

pytestmark = pytest.mark.django_db
API = "/api/v1/"
CHINESE = re.compile(r"[㐀-鿿]")
TYPES = {"validation_error", "domain_error", "auth_error", "client_error", "server_error"}


@pytest.fixture
def world() -> World:
    return make_world()


def refusal(answer: Any, status: int, code: str | None = None, kind: str | None = None) -> dict[str, Any]:
    """The one error shape, in Chinese; gives the first error."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"].startswith("application/json")
    body: dict[str, Any] = answer.json()
    assert set(body) == {"type", "errors"}
    assert body["type"] in TYPES
    for error in body["errors"]:
        assert set(error) == {"code", "detail", "attr"}
        assert CHINESE.search(error["detail"]), error
    first: dict[str, Any] = body["errors"][0]
    assert code is None or first["code"] == code, body
    assert kind is None or body["type"] == kind, body
    return first


class Session:
    """Raw requests of one signed-in person."""

    def __init__(self, user: Any, **client: Any) -> None:
        self.client, self.headers = Client(**client), bearer(user)

    def get(self, path: str, **extra: Any) -> Any:
        return self.client.get(API + path, headers=self.headers | extra.pop("headers", {}), **extra)

    def send(self, path: str, raw: bytes | str, content_type: str = "application/json", **extra: Any) -> Any:
        headers = self.headers | extra.pop("headers", {})
        return self.client.generic("POST", API + path, raw, content_type, headers=headers, **extra)

    def post(self, path: str, body: Any, **extra: Any) -> Any:
        return self.send(path, json.dumps(body), **extra)


@pytest.fixture
def worker(world: World) -> Session:
    return Session(world.worker(1))


# --- who are you -----------------------------------------------------------------------------------


def test_401_without_a_token_with_a_wrong_one_and_for_an_unknown_scheme(client: Client) -> None:
    answer = client.get(f"{API}me/")
    refusal(answer, 401, "not_authenticated", "auth_error")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    for header in ("Bearer x", "Bearer", "Bearer a b", "bearer " + "x" * 300, "Bearer £", "Bearer \xff"):
        refusal(client.get(f"{API}me/", headers={"Authorization": header}), 401, "token_invalid")
    refusal(client.get(f"{API}me/", headers={"Authorization": "Basic eDp5"}), 401, "not_authenticated")


def test_a_session_needs_csrf_to_write_and_none_to_read(world: World) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(world.worker(1), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"{API}me/").status_code == 200
    refusal(client.post(f"{API}leads/", {}, format="json"), 403, "csrf_failed", "auth_error")


# --- paths and methods -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing/", "/api/v1/", "/api/v2/leads/", "/api/", "/api/v1/leads/x/"]
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
@pytest.mark.parametrize("debug", [True, False])
def test_unknown_paths_are_json_404_in_every_method(
    client: Client, path: str, method: str, debug: bool
) -> None:
    strict = Client(enforce_csrf_checks=True)
    with override_settings(DEBUG=debug):
        refusal(getattr(strict, method)(path), 404, "unknown_path", "client_error")


def test_unknown_paths_elsewhere_stay_pages(client: Client) -> None:
    answer = client.get("/nothing/")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


def test_numbers_no_row_can_have_are_404(worker: Session) -> None:
    for number in (0, 2**63, 10**30):
        refusal(worker.get(f"leads/{number}/"), 404, "not_found")
        refusal(worker.get(f"entities/{number}/"), 404, "not_found")
    refusal(worker.get("leads/" + "9" * 5000 + "/"), 404)


def test_codes_that_cannot_be_codes_are_refused(worker: Session) -> None:
    assert worker.get("grids/%00/").status_code in (400, 404)
    refusal(worker.get("grids/%00/"), worker.get("grids/%00/").status_code)
    refusal(worker.get("grids/%ff%fe/"), 404)
    refusal(worker.get("grids/%ED%A0%80/"), 404)


def test_the_wrong_method_is_405_in_chinese(worker: Session) -> None:
    answer = worker.client.delete(f"{API}leads/", headers=worker.headers)
    refusal(answer, 405, "method_not_allowed", "client_error")
    assert "GET" in answer["Allow"]
    refusal(worker.client.options(f"{API}leads/", headers=worker.headers), 405)


def test_another_format_than_json_is_406(worker: Session) -> None:
    refusal(worker.get("me/", headers={"Accept": "text/html"}), 406, "not_acceptable")


def test_unknown_query_parameters_are_ignored(worker: Session) -> None:
    for query in ("?x=1", "?format=xml", "?_=123&utm_source=x"):
        assert worker.get(f"leads/{query}").status_code == 200


# --- bodies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b" ",
        b"{",
        b"{'a': 1}",
        b'{"description": "\xff\xfe"}',
        b'{"category": NaN}',
        b'{"category": -Infinity}',
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"entity": ' + b"9" * 5000 + b"}",
        "﻿{}".encode(),
        '{"category": "F03"}'.encode("utf-16"),
    ],
    ids=[
        "empty",
        "cut",
        "quotes",
        "bytes",
        "nan",
        "inf",
        "deep-list",
        "deep-object",
        "long-int",
        "bom",
        "utf-16",
    ],
)
def test_what_is_no_json_is_400(worker: Session, raw: bytes) -> None:
    refusal(worker.send("leads/", raw), 400, "parse_error", "client_error")


def test_no_body_is_an_empty_object(worker: Session) -> None:
    attrs = {e["attr"] for e in worker.send("leads/", b"").json()["errors"]}
    assert attrs == {"client_uid", "category"}


@pytest.mark.parametrize("raw", ["[]", "null", "1", '"x"', "true", "[[{}]]", "1e400"])
def test_json_that_is_no_object_is_400(worker: Session, raw: str) -> None:
    first = refusal(worker.send("leads/", raw), 400, kind="validation_error")
    assert first["attr"] is None


def test_the_charset_of_the_header_decides_nothing(worker: Session) -> None:
    for charset in ("hex", "rot13", "utf-7", "idna", "undefined", "nonsense", "utf-16", "unicode_escape"):
        kind = f"application/json; charset={charset}"
        refusal(worker.send("leads/", '{"category": "F03"}', kind), 400, kind="validation_error")
        answer = worker.client.generic("GET", f"{API}leads/?q=x", b"", kind, headers=worker.headers)
        assert answer.status_code in (200, 400), charset


def test_other_types_of_body_are_415(worker: Session) -> None:
    for kind in (
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/xml",
        "multipart/form-data; x",
    ):
        refusal(worker.send("leads/", "category=F03", kind), 415, "unsupported_media_type")


def test_a_body_too_large_is_413_and_not_read_to_its_end(worker: Session) -> None:
    fits = json.dumps({"description": "x" * 1000})
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=len(fits)):
        refusal(worker.send("leads/", fits), 400, kind="validation_error")
        refusal(worker.send("leads/", fits + " "), 413, "body_too_large")
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def test_broken_multipart_is_400(worker: Session) -> None:
    boundary = "multipart/form-data; boundary=x"
    refusal(worker.send("evidence/", b"--nothing", boundary), 400)
    refusal(worker.send("evidence/", b"--x\r\n\r\n", "multipart/form-data"), 400, "parse_error")
    refusal(worker.send("evidence/", b"--x", "multipart/form-data; boundary=" + "y" * 100), 400)


def test_multipart_with_too_much_beside_the_file_is_413_or_400(worker: Session) -> None:
    field = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    kind = "multipart/form-data; boundary=x"
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100):
        refusal(worker.send("evidence/", field % (b"sha256", b"y" * 500) + b"--x--\r\n", kind), 413)
    with override_settings(DATA_UPLOAD_MAX_NUMBER_FIELDS=1):
        many = (field % (b"a", b"1")) * 3 + b"--x--\r\n"
        refusal(worker.send("evidence/", many, kind), 400, "parse_error")


def test_unknown_fields_are_refused_by_name(worker: Session) -> None:
    answer = worker.post("leads/", {"client_uid": str(uuid.uuid4()), "category": "F03", "x": 1, "y" * 99: 2})
    refusal(answer, 400, "unknown_field", "validation_error")
    assert [e["attr"] for e in answer.json()["errors"]] == ["x", "y" * 80]


@pytest.mark.parametrize(
    "raw",
    [
        r'{"client_uid": "%s", "category": "F03", "description": "\ud800"}',
        r'{"client_uid": "%s", "category": "\ud800"}',
        r'{"client_uid": "%s", "category": "F03", "description": "x", "severity": "\udfff"}',
        r'{"client_uid": "%s", "category": "F03", "description": "x", "\ud800": 1}',
        r'{"client_uid": "%s", "category": "F03", "description": "a\u0000b"}',
        r'{"client_uid": "\ud800%s", "category": "F03"}',
        r'{"client_uid": "%s", "category": "F03", "location": {"lon": "\ud800", "lat": 1, "crs": "\ud800"}}',
        r'{"client_uid": "%s", "category": "F03", "reporter": {"name": "\u0000", "phone": "\ud800"}}',
    ],
)
def test_half_characters_and_nul_are_400(worker: Session, raw: str) -> None:
    refusal(worker.send("leads/", raw % uuid.uuid4()), 400, kind="validation_error")


def test_nested_errors_carry_a_path(worker: Session) -> None:
    answer = worker.post(
        "leads/", {"client_uid": "x", "category": "F03", "location": {"lon": 1, "lat": 99, "crs": "x"}}
    )
    assert {e["attr"] for e in answer.json()["errors"]} == {"client_uid", "location.lat", "location.crs"}
    refusal(answer, 400, kind="validation_error")


# --- lists -----------------------------------------------------------------------------------------


def test_pages_lead_through_every_row_once_and_back(worker: Session) -> None:
    seen: list[str] = []
    path = "grids/?page_size=4&count=exact"
    pages = []
    while path:
        page = worker.get(path).json()
        assert page["count"] == 21
        seen += [row["code"] for row in page["results"]]
        pages.append(page)
        path = (page["next"] or "").partition(API)[2]
    assert seen == sorted(seen)
    assert len(set(seen)) == len(seen) == 21
    back = worker.get(pages[-1]["previous"].partition(API)[2]).json()
    assert back["results"] == pages[-2]["results"]
    assert "count" not in worker.get("grids/").json()


def test_page_size_has_bounds(worker: Session) -> None:
    assert len(worker.get("categories/?page_size=1").json()["results"]) == 1
    assert worker.get("categories/?page_size=100000").status_code == 200
    for size in ("0", "-1", "x", "1.5", "", "٣", "²", "1" * 5000):
        assert refusal(worker.get(f"categories/?page_size={size}"), 400)["attr"] == "page_size"


def test_only_named_orderings_are_taken(worker: Session) -> None:
    for ordering in ("reported_at", "-reported_at", "closing_due_at", "id"):
        assert worker.get(f"leads/?ordering={ordering}").status_code == 200
    for ordering in ("assignee__password", "--id", "-", "pk", "id,number", "?"):
        assert refusal(worker.get(f"leads/?ordering={ordering}"), 400)["attr"] == "ordering"
    assert refusal(worker.get("leads/?count=all"), 400)["attr"] == "count"


@pytest.mark.parametrize(
    "cursor",
    ["x", "%00", "cD0lRkY=", "cD14eXo=", "bz05OTk5OTk5OTk5OTk5OTk5OTk=", "bz0tMQ==", "cj14", "£", "cD0lMDA="],
)
def test_a_bad_cursor_is_400(worker: Session, cursor: str) -> None:
    answer = worker.get(f"notices/?cursor={cursor}")
    if answer.status_code != 200:  # some of them happen to be well formed
        refusal(answer, 400)
    for ordering in ("id", "reported_at"):
        assert worker.get(f"leads/?ordering={ordering}&cursor={cursor}").status_code in (200, 400)


def test_a_cursor_that_is_none_says_so(worker: Session) -> None:
    for cursor in ("x", "cD14eXo="):  # no base64; the position "xyz" for a number
        first = refusal(worker.get(f"notices/?cursor={cursor}"), 400, "bad_cursor", "validation_error")
        assert first["attr"] == "cursor"


def test_filters_refuse_in_chinese(worker: Session) -> None:
    for query in ("state=nonsense", "assignee=x", "reported_after=yesterday", "entity=99999999999999999999"):
        name = query.partition("=")[0]
        assert refusal(worker.get(f"leads/?{query}"), 400, kind="validation_error")["attr"] == name
    assert worker.get("leads/?q=%00").status_code in (200, 400)


# --- what the server meets -------------------------------------------------------------------------


def caused(error: Exception, pgcode: str) -> Exception:
    cause = Exception("from the database")
    cause.pgcode = pgcode  # type: ignore[attr-defined]
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("raised", "status", "kind", "code"),
    [
        (caused(OperationalError(), "40P01"), 503, "domain_error", "busy"),
        (caused(OperationalError(), "55P03"), 503, "domain_error", "busy"),
        (caused(OperationalError(), "57014"), 503, "domain_error", "busy"),
        (OperationalError("could not connect"), 503, "domain_error", "busy"),
        (InterfaceError("connection already closed"), 503, "domain_error", "busy"),
        (DatabaseError("server closed the connection unexpectedly"), 503, "domain_error", "busy"),
        (Busy("忙。"), 503, "domain_error", "busy"),
        (DataError(), 400, "domain_error", "invalid"),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x"), 400, "domain_error", "invalid"),
        (
            ValueError("A string literal cannot contain NUL (0x00) characters."),
            400,
            "domain_error",
            "invalid",
        ),
        (caused(IntegrityError(), "23505"), 409, "domain_error", "conflict"),
        (Conflict("不行。", code="wrong_state"), 409, "domain_error", "wrong_state"),
        (RequestDataTooBig(), 413, "domain_error", "body_too_large"),
        (TooManyFieldsSent(), 400, "client_error", "parse_error"),
        (SuspiciousOperation(), 400, "client_error", "parse_error"),
        (Http404(), 404, "client_error", "not_found"),
        (PermissionDenied(), 403, "client_error", "permission_denied"),
        (ValidationError({"name": "Bad."}), 400, "validation_error", "invalid"),
        (exceptions.Throttled(wait=7), 429, "client_error", "throttled"),
        (exceptions.ParseError("Multipart form parse error"), 400, "client_error", "parse_error"),
        (exceptions.UnsupportedMediaType("text/x"), 415, "client_error", "unsupported_media_type"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_exception_has_its_answer(raised: Exception, status: int, kind: str, code: str) -> None:
    answer = exception_handler(raised, {})
    assert (answer.status_code, answer.data["type"]) == (status, kind)
    (error,) = answer.data["errors"]
    assert error["code"] == code
    assert CHINESE.search(error["detail"])
    assert (status in (429, 503)) == ("Retry-After" in answer.headers)


def test_the_unforeseen_is_a_logged_500_without_details(
    monkeypatch: pytest.MonkeyPatch, worker: Session, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: Any, request: Any) -> Any:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("suoshe.me.Me.get", fail)
    with pytest.raises(RuntimeError):
        worker.get("me/")
    told: list[Any] = []

    def listen(**signal: Any) -> None:
        told.append(signal["request"])

    got_request_exception.connect(listen)
    try:
        worker.client.raise_request_exception = False
        for debug in (True, False):
            with override_settings(DEBUG=debug):
                answer = worker.get("me/")
            refusal(answer, 500, "error", "server_error")
            assert b"secret" not in answer.content
    finally:
        got_request_exception.disconnect(listen)
    assert [request.path for request in told] == [f"{API}me/"] * 2
    assert "the secret of the house" in caplog.text


def test_what_fails_before_any_endpoint_is_json_too(worker: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal(worker.get("me/", headers={"Host": "not..a..host/"}), 400, "parse_error")
    monkeypatch.setattr("kernel.accounts.middleware.SessionRules.__call__", None)
    worker.client.raise_request_exception = False
    refusal(worker.get("me/"), 500, "error", "server_error")
    assert worker.client.get("/admin/")["Content-Type"].startswith("text/html")


def test_an_unwritable_detail_is_still_written() -> None:
    answer = exception_handler(Conflict("不能用\ud800", attr="\ud800"), {})
    json.dumps(answer.data, ensure_ascii=False).encode()


def test_an_inactive_persons_token_is_401(client: Client) -> None:
    user = make_user(is_active=False)
    refusal(client.get(f"{API}me/", headers=bearer(user)), 401, "user_inactive", "auth_error")


def test_the_default_order_is_newest_first() -> None:
    assert CursorPages.ordering == "-id"
    assert (CursorPages.page_size, CursorPages.max_page_size) == (50, 200)
