"""`POST sync`: what an offline phone queued, made in order, one receipt each (API.md, Batch).

Each operation is a request of its own to the endpoint that it names, by the same person, with the same
checks and in transactions of its own: one that fails spoils no other. What needs an operation that has
not come yet waits for it, five days at most. `on time` is decided by receipt; `captured_at` is kept.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kernel import clock
from kernel.accounts.models import User
from kernel.api import StrictSerializer
from kernel.api.refusals import flatten
from kernel.api.versions import etag
from kernel.errors import Conflict, DomainError, Refused
from kernel.offline import policy, queue, turns
from kernel.offline.models import Operation, State
from kernel.offline.queue import Outcome, Queued
from kernel.sealed import SealBroken
from leads import lateness
from leads.models import Lead
from stations import sessions

__all__ = ["Sync"]

log = structlog.get_logger(__name__)

MOST = 50
MOST_WAITING = 200
"""So many operations of one person may wait for others."""
ROOT = "/api/v1/"
TAKEN = frozenset(
    {"leads", "whistles", "supervision-orders", "look-backs", "grids", "notices", "absences", "approvals"}
    | {"entities", "patrols", "disputes", "stations", "mediation-sessions"}
)
"""First words of paths that a phone may queue. Signing in and files are not among them."""
AT_THE_SHOP = frozenset({("credit", "appeals"), ("credit", "repairs"), ("credit", "red-partners")})
"""Of credit only what is entered for a shop, or taken back and decided by its number: not its rules."""
NEVER = frozenset({"import", "reveal", "preview"})
"""Words of paths that answer with what a receipt does not carry."""
PATROLS = frozenset({"patrol-task-complete", "patrol-stretches", "patrol-visits"})
"""A visit is one for the phone's own number and moment, whether planned or not."""
ENTERED = frozenset({"credit-appeals", "credit-repairs", "red-partners"})
DISPUTES = frozenset({"station-disputes", "dispute-sessions", "dispute-agree", "dispute-lead"})
MAKES = frozenset({"leads", "whistles", "grid-tasks", "entities"}) | PATROLS | ENTERED | DISPUTES
"""Endpoints whose body carries the operation's own `client_uid`."""
CAPTURED = frozenset({"leads", "credit-appeals"}) | PATROLS
"""Endpoints whose body says when the phone recorded it."""
STALE = (409, 412, 428)
LATER = (429, 500, 502, 503, 504)


# --- shapes ----------------------------------------------------------------------------------------


class OperationIn(StrictSerializer):
    """One operation as the phone queued it."""

    client_uid = serializers.UUIDField()
    path = serializers.RegexField(
        r"^/?[A-Za-z0-9:/._-]{1,200}$", error_messages={"invalid": "路径格式不正确。"}
    )
    method = serializers.ChoiceField(choices=["POST", "PATCH"], required=False, default="POST")
    if_match = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")
    captured_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    body = serializers.DictField(required=False, default=dict)
    after = serializers.ListField(child=serializers.UUIDField(), required=False, default=list, max_length=20)

    def queued(self) -> Queued:
        given = self.validated_data
        return Queued(
            client_uid=given["client_uid"],
            path=given["path"].strip("/") + "/",
            body=given["body"],
            method=given["method"],
            if_match=given["if_match"],
            captured_at=given["captured_at"],
            after=tuple(given["after"]),
        )


class SyncIn(StrictSerializer):
    """Up to 50 operations in the order in which they were done; `sent_at` is the phone's clock now."""

    operations = serializers.ListField(
        child=serializers.DictField(),
        max_length=MOST,
        error_messages={"max_length": "一次最多提交 50 项操作。"},
    )
    sent_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class SyncInDocument(StrictSerializer):
    """For the document: the operations in full."""

    operations = OperationIn(many=True)
    sent_at = serializers.DateTimeField(required=False, allow_null=True)


class ErrorOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    attr = serializers.CharField(allow_null=True)


class OperationReceiptOut(serializers.Serializer[Any]):
    client_uid = serializers.CharField(allow_null=True)
    receipt = serializers.ChoiceField(choices=["created", "already_have", "waiting", "conflict", "rejected"])
    status = serializers.IntegerField(allow_null=True)
    resource = serializers.CharField(allow_null=True)
    id = serializers.IntegerField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    waits_for = serializers.ListField(child=serializers.UUIDField())
    expires_at = serializers.DateTimeField(allow_null=True)
    received_at = serializers.DateTimeField(allow_null=True)
    errors = ErrorOut(many=True)  # type: ignore[assignment]


class SyncOut(serializers.Serializer[Any]):
    server_time = serializers.DateTimeField()
    skew_s = serializers.IntegerField(allow_null=True)
    receipts = OperationReceiptOut(many=True)
    earlier = OperationReceiptOut(many=True)


# --- the endpoint ----------------------------------------------------------------------------------


class Sync(APIView):
    """Take the queue of an offline phone."""

    @extend_schema(
        operation_id="sync",
        request=SyncInDocument,
        responses={200: SyncOut},
        description="`receipts` answers the operations in the order given; `earlier` tells of older ones "
        "that waited and have been made now. `uid:<client_uid>` stands for the number of what an "
        "operation makes, in paths and bodies.",
    )
    def post(self, request: Request) -> Response:
        given = SyncIn(data=request.data)
        given.is_valid(raise_exception=True)
        by: Any = request.user
        with turns.taken(by.pk):
            batch = Batch(request, by, given.validated_data["sent_at"])
            receipts = [batch.take(one) for one in given.validated_data["operations"]]
            batch.make_what_waited()
            return Response(
                {
                    "server_time": batch.at.isoformat(),
                    "skew_s": batch.skew_s,
                    "receipts": [batch.receipt(one) for one in receipts],
                    "earlier": [batch.receipt(one) for one in batch.earlier()],
                }
            )


Refusal = dict[str, Any]
"""A receipt for what is no operation at all."""


class Batch:
    """One request: takes operations, makes them, and what waited for them."""

    def __init__(self, request: Request, by: User, sent_at: datetime | None) -> None:
        self.request, self.by = request, by
        self.at = clock.now()
        self.skew_s = policy.skew(sent_at, self.at)
        self.words: dict[UUID, str] = {}
        self._mine: set[int] = set()
        self._made: dict[int, Operation] = {}
        self._called: set[int] = set()

    def take(self, raw: dict[str, Any]) -> Operation | Refusal:
        """Keep one operation and make it now where it can be."""
        form = OperationIn(data=raw)
        try:
            form.is_valid(raise_exception=True)
            queued = form.queued()
            refuse_path(queued.path)
            self._refuse_waiting(queued)
            row, to_make = queue.accept(queued, by=self.by, at=self.at, skew_s=self.skew_s)
        except serializers.ValidationError as refused:
            return _refused(raw, "rejected", 400, flatten(refused.detail))
        except policy.TooDeep:
            return _refused(raw, "rejected", 400, [_error("invalid", "提交的内容嵌套过深。", "body")])
        except DomainError as refused:
            word = "conflict" if isinstance(refused, Conflict) else "rejected"
            error = _error(refused.code, refused.detail, refused.attr)
            return _refused(raw, word, refused.status, [error])
        self._mine.add(row.pk)
        if to_make:
            self.make(row)
        else:
            self.words[row.client_uid] = "already_have"
        return row

    def _refuse_waiting(self, queued: Queued) -> None:
        """Raise Refused `too_many_waiting`: nobody fills the queue with what never comes."""
        needs = queued.needs()
        if len(needs) <= len(self._known(needs)):
            return
        waiting = queue.waiting(self.by.pk, at=self.at)
        if len(waiting) >= MOST_WAITING and queued.client_uid not in {row.client_uid for row in waiting}:
            raise Refused("等待中的离线操作过多，请先提交它们所依赖的操作。", code="too_many_waiting")

    def make_what_waited(self) -> None:
        """Go over what waits until nothing more can be made. What was tried in this batch, and failed for
        the moment, is left for the next."""
        progress = True
        while progress:
            progress = False
            rows = [row for row in queue.waiting(self.by.pk, at=self.at) if row.pk not in self._called]
            known = self._known(list({uid for row in rows for uid in row.needs}))
            for row in rows:
                if all(uid in known for uid in row.needs):
                    progress |= self.make(row)

    def make(self, row: Operation) -> bool:
        """Try one operation; whether it is over now."""
        missing = self._missing(row)
        if missing:
            outcome = Outcome(State.WAITING, errors=[_error("needs_other", "等待所依赖的操作。", None)])
        else:
            self._called.add(row.pk)
            try:
                outcome = self._call(row, queue.body_of(row))
            except SealBroken:
                error = _error("unreadable", "保存的内容无法读取，请重新提交。", None)
                outcome = Outcome(State.REJECTED, 422, [error])
        queue.finish(row, outcome, at=self.at)
        self._made[row.pk] = row
        return outcome.state != State.WAITING

    def earlier(self) -> list[Operation]:
        """Operations of earlier batches that were made, or refused, in this one."""
        return [row for pk, row in sorted(self._made.items()) if pk not in self._mine]

    # --- one operation

    def _missing(self, row: Operation) -> list[UUID]:
        known = self._known(row.needs)
        return [uid for uid in row.needs if uid not in known]

    def _known(self, uids: Sequence[UUID]) -> dict[UUID, int | None]:
        """Numbers of what these operations made; a lead may also have been reported outside any batch."""
        if not uids:
            return {}
        found = queue.done(self.by.pk, uids)
        left = [uid for uid in uids if uid not in found]
        if left:
            reported = Lead.objects.filter(reported_by=self.by, client_uid__in=left)
            found |= dict(reported.values_list("client_uid", "id"))
        return found

    def _call(self, row: Operation, body: dict[str, Any]) -> Outcome:
        numbers = {uid: number for uid, number in self._known(row.needs).items() if number is not None}
        try:
            path = policy.resolved_path(row.path, numbers)
            body = policy.resolved_body(body, numbers)
        except KeyError:
            error = _error("no_number", "所依赖的操作没有生成可引用的编号。", "path")
            return Outcome(State.REJECTED, 422, [error])
        try:
            match = resolve(ROOT + path)
        except Resolver404:
            return Outcome(State.REJECTED, 404, [_error("not_found", "没有这个接口。", "path")])
        if match.url_name in MAKES:
            body.setdefault("client_uid", str(row.client_uid))
        if match.url_name in CAPTURED and row.captured_at is not None:
            body.setdefault("captured_at", row.captured_at.isoformat())
        resource = self._resource(path)
        asked = self._version(row, resource)
        inner = self._inner(row.method, path, body, asked, skewed=policy.is_skewed(row.skew_s))
        response = match.func(inner, *match.args, **match.kwargs)
        return self._outcome(row, response, path.strip("/"), asked)

    def _resource(self, path: str) -> str:
        """What a path changes, as `versioned`; an appointment rests on its dispute's version."""
        found = versioned(path)
        kind, _, number = found.partition("/")
        dispute_id = sessions.dispute_of(int(number), self.by) if kind == "mediation-sessions" else None
        return found if dispute_id is None else f"disputes/{dispute_id}"

    def _version(self, row: Operation, resource: str) -> int | str | None:
        """The version to ask for: the one seen, carried on by this phone's own acts since."""
        seen = row.if_match.strip().removeprefix("W/").strip('"').removeprefix("v")
        if not seen.isascii() or not seen.isdigit() or len(seen) > 9:
            return row.if_match or None
        return policy.carried(int(seen), queue.steps(self.by.pk, resource)) if resource else int(seen)

    def _inner(
        self, method: str, path: str, body: dict[str, Any], version: int | str | None, *, skewed: bool
    ) -> HttpRequest:
        """The same person's request to one endpoint: same session, same device, a body of its own."""
        outer = self.request._request
        raw = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        environ: dict[str, Any] = {
            k: v for k, v in outer.META.items() if isinstance(v, str) and k != "HTTP_IF_MATCH"
        }
        environ |= {
            "REQUEST_METHOD": method,
            "PATH_INFO": ROOT + path,
            "QUERY_STRING": "",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(raw)),
            "wsgi.input": io.BytesIO(raw),
            "wsgi.url_scheme": outer.scheme or "http",
        }
        if version is not None:
            environ["HTTP_IF_MATCH"] = etag(version) if isinstance(version, int) else version
        inner: Any = WSGIRequest(environ)
        inner.user, inner.session = getattr(outer, "user", None), getattr(outer, "session", None)
        # Who asks has been established, and CSRF checked, once for the whole batch.
        inner._force_auth_user, inner._force_auth_token = self.by, self.request.auth
        inner.clock_skewed = skewed
        return inner

    def _outcome(self, row: Operation, response: Any, path: str, asked: int | str | None) -> Outcome:
        status, said, resource = response.status_code, _said(response), self._resource(path)
        if status >= 400:
            state = State.CONFLICT if status in STALE else State.REJECTED
            if status in LATER:
                state = State.WAITING
                log.warning("sync_operation_waits", path=path, status=status)
            return Outcome(state, status, said.get("errors", []) if isinstance(said, dict) else [])
        number, version = _number(said), _version_of(response, said)
        makes = not resource
        if makes:
            resource = path if number is None else f"{path}/{number}"
        repeated = (makes and status == 200) or (version is not None and version == asked)
        self.words[row.client_uid] = "already_have" if repeated else "created"
        before = asked if isinstance(asked, int) else None
        self._tell_lateness(row, resource)
        return Outcome(State.DONE, status, [], resource, number, before, version)

    def _tell_lateness(self, row: Operation, resource: str) -> None:
        """An act on a lead that came late keeps both moments in the lead's journal."""
        kind, _, number = resource.partition("/")
        if kind == "leads" and number.isdigit():
            lateness.note(
                lead_id=int(number), by=self.by, what=row.path.strip("/").rpartition("/")[2],
                captured_at=row.captured_at, received_at=row.received_at, skew_s=row.skew_s,
            )  # fmt: skip

    # --- receipts

    def receipt(self, row: Operation | Refusal) -> dict[str, Any]:
        """What the phone is told of one operation."""
        if isinstance(row, dict):
            return row
        row = self._made.get(row.pk, row)
        word = {State.WAITING: "waiting", State.CONFLICT: "conflict", State.DONE: "created"}.get(
            State(row.state), "rejected"
        )
        if row.state == State.DONE:
            word = self.words.get(row.client_uid, word)
        return {
            "client_uid": str(row.client_uid),
            "receipt": word,
            "status": row.status,
            "resource": row.resource or None,
            "id": row.resource_id,
            "version": row.version_after,
            "waits_for": [str(uid) for uid in self._missing(row)] if word == "waiting" else [],
            "expires_at": row.expires_at.isoformat() if word == "waiting" else None,
            "received_at": row.received_at.isoformat(),
            "errors": row.errors,
        }


def refuse_path(path: str) -> None:
    """Raise Refused `path_not_allowed` for what a phone may not queue."""
    words = path.split("/")
    known = words[0] in TAKEN or tuple(words[:2]) in AT_THE_SHOP
    if not known or NEVER.intersection(words):
        raise Refused("这个操作不能离线提交。", code="path_not_allowed", attr="path")


def versioned(path: str) -> str:
    """What a path changes: all up to the last number in it (`leads/12`, `grids/…/tasks/7`); empty where it
    makes something new."""
    words = path.strip("/").split("/")
    last = max((place for place, word in enumerate(words) if word.isdigit()), default=-1)
    return "/".join(words[: last + 1])


def _refused(raw: dict[str, Any], word: str, status: int, errors: list[dict[str, Any]]) -> Refusal:
    uid = raw.get("client_uid")
    return {
        "client_uid": str(uid)[:80] if isinstance(uid, str | int) else None,
        "receipt": word,
        "status": status,
        "resource": None,
        "id": None,
        "version": None,
        "waits_for": [],
        "expires_at": None,
        "received_at": None,
        "errors": errors,
    }


def _error(code: str, detail: str, attr: str | None) -> dict[str, Any]:
    return {"code": code, "detail": detail, "attr": attr}


def _said(response: Any) -> Any:
    """The body of an answer: of an endpoint, or of the page for paths that nobody serves."""
    if hasattr(response, "data"):
        return response.data or {}
    try:
        return json.loads(response.content)
    except ValueError:
        return {}


def _number(said: Any) -> int | None:
    found = said.get("id") if isinstance(said, dict) else None
    return found if isinstance(found, int) else None


def _version_of(response: Any, said: Any) -> int | None:
    tag = str(response.headers.get("ETag", "")).removeprefix("W/").strip('"').removeprefix("v")
    if tag.isdigit():
        return int(tag)
    found = said.get("version") if isinstance(said, dict) else None
    return found if isinstance(found, int) else None
