"""What was counted, and what was wrong, with what it takes to see it again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import jsonschema

from suoshe.openapi import ERROR
from tests.fuzz.grounds import Answer, Request

LONGEST = 1500
REFUSAL = jsonschema.Draft202012Validator(
    json.loads(json.dumps(ERROR).replace('"type": "string", "nullable": true', '"type": ["string", "null"]'))
)
RECORDED = {
    ("/api/v1/auth/login/", "axes_accessattempt"): "failed sign-ins are counted, so that guessing ends",
    ("/api/v1/auth/login/", "axes_accessfailurelog"): "the same, one row a failure",
    ("/api/v1/auth/login/", "journal_entry"): "that somebody was locked out stands in the journal",
    ("/admin/login/", "axes_accessattempt"): "as above",
    ("/admin/login/", "axes_accessfailurelog"): "as above",
    ("/admin/login/", "journal_entry"): "as above",
}
"""Which refusals are recorded by design: path and table, each with its reason."""
SAYS_SO = {("/healthz", 503): "no clock runs over these houses: what falls due meanwhile makes it not ready"}
"""Answers above 500 that are the very purpose of the page: path and status, each with its reason."""
TOO_LONG = 414
"""Refused by the HTTP server itself, before there is an application that could answer in JSON."""


@dataclass
class Tally:
    """Figures of a run. `faults` are sentences for people, one a fault."""

    operations: set[str] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)
    statuses: dict[int, int] = field(default_factory=dict)
    requests: int = 0
    server_errors: int = 0
    broken_answers: int = 0
    bodies: int = 0
    rows_left: int = 0
    files_left: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, int]:
        return {
            "operations": len(self.operations),
            "roles": len(self.roles),
            "requests": self.requests,
            "server_errors": self.server_errors,
            "broken_answers": self.broken_answers,
            "bodies": self.bodies,
            "rows_left": self.rows_left,
            "files_left": self.files_left,
        }

    @property
    def is_well(self) -> bool:
        return not self.faults

    def count(self, status: int) -> None:
        self.requests += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def server_error(self, what: str) -> None:
        self.server_errors += 1
        self.faults.append(what[:LONGEST])

    def broken_answer(self, what: str) -> None:
        self.broken_answers += 1
        self.faults.append(what[:LONGEST])

    def judge(self, request: Request, answer: Answer, what: str = "") -> None:
        """One request and its answer, whatever was sent.

        503 counts as a fault too: there is nobody else here whom the system could be busy with.
        """
        self.count(answer.status)
        shown = (
            f"{request.method} {request.path} {dict(request.headers)} {request.body[:600]!r} {what}"
            f" -> {answer.status} {answer.body[:300].decode(errors='replace')}"
        )
        if (request.path.partition("?")[0], answer.status) in SAYS_SO:
            return
        if answer.status >= 500:
            self.server_error(shown)
        elif answer.status >= 400:
            self._judge_refusal(request, answer, shown)

    def _judge_refusal(self, request: Request, answer: Answer, shown: str) -> None:
        said = request.path.startswith("/api/") and request.method != "HEAD" and answer.status != TOO_LONG
        if said and (why := _why_no_refusal(answer)):
            self.broken_answer(f"{why}: {shown}")
        path = request.path.partition("?")[0]
        rows = {name: more for name, more in answer.rows.items() if (path, name) not in RECORDED}
        if rows:
            self.rows_left += sum(abs(more) for more in rows.values())
            self.faults.append(f"left {rows}: {shown}"[:LONGEST])
        if answer.files:
            self.files_left += len(answer.files)
            self.faults.append(f"left {sorted(answer.files)}: {shown}"[:LONGEST])

    def judge_receipts(self, request: Request, answer: Answer) -> None:
        """`POST sync` answers 200; each of its receipts is an answer of its own."""
        if answer.status != 200:
            return
        for receipt in json.loads(answer.body)["receipts"]:
            if (receipt["status"] or 0) >= 500:
                self.server_error(f"{request.body[:1000]!r} -> {receipt}")


def _without_rows(body: Any) -> Any:
    """A refused table also says which row is wrong, and how many were read (`grids.rota_sheet`)."""
    if isinstance(body, dict) and "rows" in body:
        errors = [{k: v for k, v in error.items() if k != "row"} for error in body["errors"]]
        return {"type": body["type"], "errors": errors}
    return body


def _why_no_refusal(answer: Answer) -> str | None:
    """What is wrong with the body of a refusal; None where it is as documented (API.md, Manner)."""
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return "no JSON"
    try:
        body: Any = json.loads(answer.body)
        REFUSAL.validate(_without_rows(body))
    except (ValueError, jsonschema.ValidationError) as error:
        return str(error)[:200]
    if any("\ud800" <= character <= "\udfff" for character in json.dumps(body, ensure_ascii=False)):
        return "half a character"
    return None
