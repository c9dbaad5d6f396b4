"""Requests made from the OpenAPI document by schemathesis, and every answer held against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from kernel.accounts.models import User
from tests.factories.accounts import token_for
from tests.factories.house import House, on_its_own
from tests.fuzz import valid
from tests.fuzz.grounds import application
from tests.fuzz.tally import Tally
from tests.fuzz.valid import PREFIX
from tests.test_roles_and_endpoints import ENTRIES, PEOPLE

__all__ = ["CHECKS", "PLAIN", "few", "whole_document", "within_this_process"]

PLAIN = {"Accept-Encoding": "identity"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
OTHERS = ("elsewhere", "section_price", "nobody", "former")
KINDS = tuple(name for name in PEOPLE if not name.endswith(OTHERS))
"""One of each kind of role, for the short form."""
MODES = list(GenerationMode)
DEVICE = "模糊测试"
Drawn = tuple[Any, bool]
"""A case, and whether it shall name what exists, with its present version."""


def few(examples: int) -> settings:
    """Generated once, not shrunk: what was wrong is written down as it was sent."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )


def within_this_process(house: House, tally: Tally, *, blocker: Any, seed: int, turns: int) -> None:
    """The short form: each operation with one request, right or wrong in turn, with the token of every kind
    of role that is in its turn, of so many `turns` (1: of all); and the simplest request there is with one
    of them. Each finds the house as it was."""
    schema = schemathesis.openapi.from_wsgi(f"{PREFIX}schema/", application)
    apart = partial(on_its_own, blocker)
    with apart():
        tokens = tokens_of({name: PEOPLE[name](house) for name in KINDS})
        for number, (path, method, _) in enumerate(valid.operations()):
            operation = schema[path][method.upper()]
            send = Sender(operation, house, tally, KINDS, seed + number, tokens=tokens, apart=apart)
            first, second = MODES[number % 2], MODES[(number + 1) % 2]
            *simple, last = send.drawn(first, 2) or send.drawn(second, 2)
            send.with_tokens_of([KINDS[number % len(KINDS)]], simple)
            send.with_tokens_of(KINDS[number % turns :: turns], [last])


def tokens_of(people: Mapping[str, User]) -> dict[str, str]:
    return {name: token_for(user, DEVICE) for name, user in people.items()}


def whole_document(url: str, house: House, tally: Tally, *, examples: int, seed: int) -> Iterator[str]:
    """The long form over HTTP: each operation, right and wrong, each request with every role's token."""
    schema = schemathesis.openapi.from_url(f"{url}{PREFIX}schema/")
    with requests.Session() as session:
        for number, (path, method, _) in enumerate(valid.operations()):
            send = Sender(
                schema[path][method.upper()], house, tally, list(PEOPLE), seed + number, session=session
            )
            for mode in MODES:
                send.with_tokens_of(PEOPLE, send.drawn(mode, examples))
            yield f"{method} {path}"


class Sender:
    """Calls one operation as some people. With `tokens` none are made; `apart` is around every request."""

    def __init__(
        self,
        operation: Any,
        house: House,
        tally: Tally,
        people: Sequence[str],
        seed: int,
        *,
        tokens: Mapping[str, str] | None = None,
        apart: Callable[[], AbstractContextManager[Any]] = nullcontext,
        **transport: Any,
    ) -> None:
        self.operation, self.house, self.tally, self.seed = operation, house, tally, seed
        self.tokens, self.apart, self.transport = tokens, apart, transport
        self.real = valid.real(operation.full_path, house)
        self.people: dict[str, User] = {name: PEOPLE[name](house) for name in people}
        self.version = self._version()
        tally.operations.add(operation.label)
        tally.roles |= set(people)

    def _version(self) -> Callable[[], int | None]:
        """The present version of what the operation's own call in the matrix changes."""
        method, path = self.operation.method.upper(), self.operation.full_path
        for entry in ENTRIES:
            if entry.method == method and entry.version is not None:
                call = valid.Call(entry, "", entry.body)
                names = valid.real(path, self.house)[:1]
                if names and call.path(self.house) == path.format(**names[0]):
                    return lambda: call.version(self.house)
        return lambda: None

    def drawn(self, mode: GenerationMode, examples: int) -> list[Drawn]:
        """A few requests made in one way, the simplest first. None, where none can be made in this way: a
        wrong one where there is nothing to get wrong."""
        found: list[Drawn] = []

        @seeded(self.seed)
        @few(examples)
        @given(
            self.operation.as_strategy(generation_mode=mode),
            st.sampled_from([True, False]),
            st.sampled_from(self.real or [{}]),
        )
        def draw(case: Any, is_real: bool, named: dict[str, str]) -> None:
            if is_real and named:
                case.path_parameters = dict(named)
            found.append((case, is_real))

        try:
            draw()
        except Exception as nothing:
            if "Unsatisfiable" not in type(nothing).__name__:
                raise
        return found

    def with_tokens_of(self, people: Iterable[str], drawn: Sequence[Drawn]) -> None:
        """Send each with the token of each of these people."""
        tokens = tokens_of(self.people) if self.tokens is None else self.tokens
        for case, is_real in drawn:
            asked = dict(case.headers or {})
            if is_real and (version := self.version()) is not None:
                asked["If-Match"] = f'"v{version}"'
            for name in people:
                case.headers = asked | PLAIN | {"Authorization": f"Bearer {tokens[name]}"}
                self._one(case, name)

    def _one(self, case: Any, name: str) -> None:
        try:
            with self.apart():
                answer = case.call(**self.transport)
        except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeError):
            return  # the client itself refuses to send it
        self.tally.count(answer.status_code)
        shown = (
            f"{self.operation.label} as {name}: {case.path_parameters} {case.query} {case.headers} "
            f"{str(case.body)[:600]} -> {answer.status_code} {answer.content[:300].decode(errors='replace')}"
        )
        if answer.status_code >= 500:
            self.tally.server_error(shown)
            return
        try:
            case.validate_response(answer, checks=CHECKS)
        except (Failure, FailureGroup) as broken:
            self.tally.broken_answer(f"{type(broken).__name__} {str(broken)[:500]}: {shown}")
