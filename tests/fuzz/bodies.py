"""Broken bodies, uploads, queries and forms, each judged: no 500, and of a refusal nothing left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import given
from hypothesis import seed as seeded
from hypothesis import strategies as st

from tests.factories.accounts import token_for
from tests.factories.house import House
from tests.fuzz import valid
from tests.fuzz.breaking import MOMENTS, broken_body, broken_text, broken_value, encoded
from tests.fuzz.document import few
from tests.fuzz.grounds import Ground, Request
from tests.fuzz.tally import Tally
from tests.fuzz.uploads import broken_upload
from tests.fuzz.valid import PREFIX
from tests.test_roles_and_endpoints import PEOPLE

JSON = {"Content-Type": "application/json"}
DEVICE = "坏请求"
CSRF = "c" * 32


class Thrower:
    """Throws broken requests at one ground."""

    def __init__(self, ground: Ground, house: House, tally: Tally) -> None:
        self.ground, self.house, self.tally = ground, house, tally
        self.tokens = {name: token_for(person(house), DEVICE) for name, person in PEOPLE.items()}

    def headers(self, person: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[person]}"}

    def one(self, request: Request, what: str = "") -> Any:
        """Send and judge."""
        answer = self.ground.send(request, watched=True)
        self.tally.bodies += bool(request.body)
        self.tally.judge(request, answer, what)
        return answer

    def everything(self, bodies: int, seed: int, cookie: str, pages: list[str]) -> None:
        """So many bodies, a quarter of them uploads; beside them half as many queries and pages."""
        uploads, batches = bodies // 4, bodies // 50
        self.uploads(uploads, seed)
        self.batches(batches, seed)
        self.bodies(bodies - uploads - batches, seed)
        self.queries(bodies // 4, seed)
        self.pages(bodies // 4, seed, cookie, pages)

    def many(
        self, strategy: st.SearchStrategy[Any], count: int, seed: int, throw: Callable[[Any], Any]
    ) -> None:
        """Draw `count` times and throw what is drawn."""

        @seeded(seed)
        @few(count)
        @given(strategy)
        def drawn(one: Any) -> None:
            throw(one)

        if count:
            drawn()

    # --- what is thrown

    def bodies(self, count: int, seed: int) -> None:
        """JSON bodies of every writing endpoint, from somebody who may."""

        @st.composite
        def call(draw: st.DrawFn) -> tuple[valid.Call, bytes, dict[str, str]]:
            chosen = draw(st.sampled_from(valid.writes()))
            sent = self.headers(chosen.person) | JSON
            version = chosen.version(self.house)
            if version is not None:
                sent["If-Match"] = f'"v{version}"'
            raw, sent = draw(broken_body(chosen.body(self.house), sent))
            return chosen, raw, sent

        def throw(drawn: Any) -> None:
            chosen, raw, sent = drawn
            request = Request(chosen.method, chosen.path(self.house), raw, sent)
            answer = self.one(request, str(chosen))
            if chosen.entry.name == "sync":
                self.tally.judge_receipts(request, answer)

        self.many(call(), count, seed, throw)

    def uploads(self, count: int, seed: int) -> None:
        """Files of evidence, and rotas."""
        paths = st.sampled_from([("worker", "evidence/")] * 8 + [("clerk", "duty-shifts/import/")])

        def throw(drawn: Any) -> None:
            (person, path), (raw, sent) = drawn
            self.one(Request("POST", PREFIX + path, raw, self.headers(person) | sent))

        self.many(st.tuples(paths, broken_upload()), count, seed, throw)

    def batches(self, count: int, seed: int) -> None:
        """`POST sync` with fifty operations, each broken in its body, its path or itself."""
        calls = [call for call in valid.writes() if call.method in ("POST", "PATCH")]

        @st.composite
        def batch(draw: st.DrawFn) -> tuple[str, bytes]:
            person = draw(st.sampled_from(["worker", "commissioner", "head", "community", "nobody"]))
            return person, draw(broken_batch(self.house, calls))

        def throw(drawn: Any) -> None:
            person, raw = drawn
            request = Request("POST", f"{PREFIX}sync/", raw, self.headers(person) | JSON)
            self.tally.judge_receipts(request, self.one(request))

        self.many(batch(), count, seed, throw)

    def queries(self, count: int, seed: int) -> None:
        """Query strings of everything that is read: filters, order, cursors, sizes of pages."""
        known = list(query_names())
        pair = st.tuples(st.sampled_from(COMMON), broken_text | st.sampled_from(ODD_QUERIES))

        @st.composite
        def query(draw: st.DrawFn) -> tuple[str, list[tuple[str, str]], str]:
            path, names = draw(st.sampled_from(known))
            own = (
                st.tuples(st.sampled_from(names), broken_text | st.sampled_from(ODD_QUERIES))
                if names
                else pair
            )
            named = draw(st.sampled_from(valid.real(path, self.house) or [{}]))
            person = draw(st.sampled_from(["bureau", "worker", "commissioner", "auditor"]))
            if not named and "{" in path:
                return f"{PREFIX}leads/", draw(st.lists(pair, min_size=1, max_size=3)), person
            return path.format(**named), draw(st.lists(own | pair, min_size=1, max_size=3)), person

        def throw(drawn: Any) -> None:
            path, pairs, person = drawn
            asked = urlencode([(k, v.encode("utf-8", "surrogatepass")) for k, v in pairs])
            self.one(Request("GET", f"{path}?{asked}", b"", self.headers(person)))

        self.many(query(), count, seed, throw)

    def pages(self, count: int, seed: int, cookie: str, paths: list[str]) -> None:
        """Public pages and the acts of the admin: forms with wrong values, and addresses that are none."""
        public = [
            f"/s/{self.house.token}/", "/s/nothing/", "/w/nothing/", "/w/", "/healthz", "/healthz/live", "/metrics",
            "/api/v1/nothing/", "/api/", "/", "/admin/login/", f"{PREFIX}survey/{self.house.token}/",
        ]  # fmt: skip
        names = st.sampled_from(
            ["rating", "comment", "answer", "note", "version", "reason", "username", "password", "kind", "method", "plan",
             "until", "category", "action", "_selected_action", "rectify_due_on", "into", "q", "p", "o", "e", "photos", "passed"]
        )  # fmt: skip
        tails = broken_text.map(lambda text: quote(text.encode("utf-8", "surrogatepass")[:300], safe=""))
        address = st.one_of(
            st.sampled_from(public),
            st.sampled_from(paths),
            st.sampled_from(paths),
            tails.map(lambda tail: f"/s/{tail}/"),
            tails.map(lambda tail: f"/w/{tail}/"),
        )
        pairs = st.lists(st.tuples(names, broken_text), max_size=4)
        method = st.sampled_from(["POST", "POST", "GET", "HEAD", "PUT"])

        def throw(drawn: Any) -> None:
            how, path, typed = drawn
            form = urlencode([(k, v.encode("utf-8", "surrogatepass")) for k, v in typed])
            sent = {"Cookie": f"{cookie}csrftoken={CSRF}", "X-CSRFToken": CSRF}
            if how in ("GET", "HEAD"):
                request = Request(how, f"{path}?{form}", b"", sent)
            else:
                form_type = {"Content-Type": "application/x-www-form-urlencoded"}
                request = Request(how, path, form.encode(), sent | form_type)
            self.one(request)

        self.many(st.tuples(method, address, pairs), count, seed, throw)


@st.composite
def broken_batch(draw: st.DrawFn, house: House, calls: list[valid.Call]) -> bytes:
    """A queue of fifty operations that are broken, or meant for nobody."""
    made = []
    for _ in range(draw(st.sampled_from([1, 3, 50, 51]))):
        call = draw(st.sampled_from(calls))
        path = call.path(house).removeprefix(PREFIX)
        one: dict[str, Any] = {
            "client_uid": str(draw(st.uuids(version=4))),
            "path": path,
            "method": call.method,
        }
        if (version := call.version(house)) is not None and draw(st.booleans()):
            one["if_match"] = f'"v{version}"'
        one["body"] = draw(broken_value(call.body(house)))
        if draw(st.integers(0, 3)) == 0:
            one["path"] = draw(st.sampled_from(ODD_PATHS))
        if draw(st.integers(0, 3)) == 0:
            one = draw(broken_value(one))
        made.append(one)
    return encoded({"operations": made, "sent_at": draw(st.sampled_from([None, *MOMENTS]))})


ODD_PATHS = [
    "sync/", "leads/../sync/", "/", "", "uid:x", "leads/uid:x/", "auth/logout/", "a" * 300, "grids/\x00/", "evidence/", "leads/\n",
    "leads/uid:00000000-0000-0000-0000-000000000000/respond/", "leads/99999999999999999999/respond/", "//evil.invalid/leads/",
    "leads//", "leads/1/respond", "grids/x/tasks/", "leads/?q=1", "%2e%2e/", "notices/1/read/", "duty-shifts/import/",
]  # fmt: skip
COMMON = [
    "page_size",
    "cursor",
    "count",
    "ordering",
    "search",
    "format",
    "id",
    "state",
    "page",
    "limit",
    "q",
    "mine",
]
ODD_QUERIES = [
    "-1", "0", "1.5", "201", "99999999999999999999", "exact", "approx", "-id", "id,-id", "password", "cD0x", "cj0xJnA9MQ==",
    "o=1", "cD0yMDI2", "bz0xMDAwMDAwMDAwMDAwMDAwMDAwMDA=", "true", "null", "1,2", "116.7,36.1", "nan,nan", "1e400,0", "0,0,0", ",",
    "xlsx", "api", "json", "F03,F04", "2026-11-23,2026-11-24",
]  # fmt: skip


def query_names() -> Iterator[tuple[str, list[str]]]:
    """Every path that is read, with the parameters that the document names for it."""
    for path, method, operation in valid.operations():
        if method == "get":
            yield path, [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
