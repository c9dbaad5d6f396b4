"""Broken bodies, uploads, queries and forms, each judged: no 500, and of a refusal nothing left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import given
from hypothesis import seed as seeded
from hypothesis import strategies as st

from tests.factories import platforms as there
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
TABLES = [
    ("clerk", "duty-shifts/import/"),
    ("clerk", "entities/import/"),
    ("bureau", "credit/facts/import/"),
]
LONGEST = 5000
"""Characters of a value in an address: longer ones the HTTP server refuses by itself (414)."""


class Thrower:
    """Throws broken requests at one ground."""

    def __init__(self, ground: Ground, house: House, tally: Tally) -> None:
        self.ground, self.house, self.tally = ground, house, tally
        self.platforms = {kind: there.made(house.world, code=f"fuzz-{kind}", kind=kind) for kind in HANDED_IN}
        self._sign_in()

    def _sign_in(self) -> None:
        self.tokens = {name: token_for(person(self.house), DEVICE) for name, person in PEOPLE.items()}

    def headers(self, person: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[person]}"}

    def one(self, request: Request, what: str = "") -> Any:
        """Send and judge."""
        answer = self.ground.send(request, watched=True)
        self.tally.bodies += bool(request.body)
        self.tally.judge(request, answer, what)
        if "/auth/" in request.path and answer.status < 300:
            self._sign_in()  # it may have signed somebody out
            self.ground.look()  # the new devices are ours
        return answer

    def everything(self, bodies: int, seed: int, cookie: str, pages: list[str]) -> None:
        """So many bodies, a quarter of them uploads; beside them half as many queries and pages."""
        uploads, batches, handed = bodies // 4, bodies // 50, bodies // 20
        self.uploads(uploads, seed)
        self.batches(batches, seed)
        self.handed_in(handed, seed)
        self.bodies(bodies - uploads - batches - handed, seed)
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
        """Files of evidence, and tables: rotas, the register, facts."""
        paths = st.sampled_from([*[("worker", "evidence/")] * 8, *TABLES])

        def throw(drawn: Any) -> None:
            (person, path), (raw, sent) = drawn
            self.one(Request("POST", PREFIX + path, raw, self.headers(person) | sent))

        self.many(st.tuples(paths, broken_upload()), count, seed, throw)

    def handed_in(self, count: int, seed: int) -> None:
        """What other platforms hand in: signed as it is sent, so that nothing but the content is wrong."""

        @st.composite
        def handed(draw: st.DrawFn) -> tuple[str, bytes, dict[str, str]]:
            kind = draw(st.sampled_from(sorted(HANDED_IN)))
            number = {NUMBERED[kind]: str(draw(st.uuids()))}
            raw, sent = draw(broken_body(HANDED_IN[kind] | number, JSON))
            return kind, raw, sent

        def throw(drawn: Any) -> None:
            kind, raw, sent = drawn
            platform, secret = self.platforms[kind]
            signed = there.headers(secret, raw) | sent
            self.one(Request("POST", f"{PREFIX}intake/{platform.code}/", raw, signed))

        self.many(handed(), count, seed, throw)

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
            asked = urlencode([(k, v[:LONGEST].encode("utf-8", "surrogatepass")) for k, v in pairs])
            self.one(Request("GET", f"{path}?{asked}", b"", self.headers(person)))

        self.many(query(), count, seed, throw)

    def pages(self, count: int, seed: int, cookie: str, paths: list[str]) -> None:
        """Public pages and the acts of the admin: forms with wrong values, and addresses that are none."""
        public = [
            f"/s/{self.house.token}/", "/s/nothing/", "/w/nothing/", "/w/", "/healthz", "/healthz/live",
            "/metrics", "/api/v1/nothing/", "/api/", "/", "/admin/login/",
            f"{PREFIX}survey/{self.house.token}/",
        ]  # fmt: skip
        names = st.sampled_from(FIELDS)
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
            form = urlencode([(k, v[:LONGEST].encode("utf-8", "surrogatepass")) for k, v in typed])
            sent = {"Cookie": f"{cookie}csrftoken={CSRF}", "X-CSRFToken": CSRF}
            if how in ("GET", "HEAD"):
                request = Request(how, f"{path}?{form}", b"", sent)
            else:
                form_type = {"Content-Type": "application/x-www-form-urlencoded"}
                request = Request(how, path, form.encode(), sent | form_type)
            self.one(request)

        self.many(st.tuples(method, address, pairs), count, seed, throw)


FIELDS = [
    "rating", "comment", "answer", "note", "version", "reason", "username", "password", "kind",
    "method", "plan", "until", "category", "action", "_selected_action", "rectify_due_on", "into",
    "q", "p", "o", "e", "photos", "passed",
]  # fmt: skip
HANDED_IN: dict[str, dict[str, Any]] = {
    "12345": {
        "appeal_type": ["诉求", "举报", "投诉"], "category_code": "F03", "title": "饭店卫生",
        "content": "油烟扰民", "report_content": "使用过期肉", "complaint_content": "要求退款",
        "caller_name": "王某", "caller_phone": "13800002222", "company": "某饭店",
        "amount": "12.5", "address": "新城路1号", "lng": 116.77, "lat": 36.18,
        "call_time": "2026-03-10 09:30:00", "deadline": "2026-12-12 18:00:00",
    },
    "12315": {
        "business_type": "投诉举报", "complaint_content": "要求退款", "report_content": "虚假宣传",
        "consumer_name": "王某", "consumer_phone": "13800002222", "respondent_name": "某店",
        "respondent_uscc": "92370983MA3XXXXXXX", "involved_amount": 99,
        "limit_time": "2026-12-20T18:00:00+08:00",
    },
    "city": {
        "event_desc": "占道经营", "longitude": 116.75, "latitude": 36.16, "coord_type": "bd09",
        "reporter": "王某", "reporter_tel": "13800002222", "event_time": "2026-11-20 08:00:00",
    },
}  # fmt: skip
NUMBERED = {"12345": "order_no", "12315": "registration_no", "city": "event_code"}


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
    "sync/", "leads/../sync/", "/", "", "uid:x", "leads/uid:x/", "auth/logout/", "a" * 300, "grids/\x00/",
    "evidence/", "leads/\n", "leads/uid:00000000-0000-0000-0000-000000000000/respond/",
    "leads/99999999999999999999/respond/", "//evil.invalid/leads/", "leads//", "leads/1/respond",
    "grids/x/tasks/", "leads/?q=1", "%2e%2e/", "notices/1/read/", "duty-shifts/import/",
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
    "-1", "0", "1.5", "201", "99999999999999999999", "exact", "approx", "-id", "id,-id", "password", "cD0x",
    "cj0xJnA9MQ==", "o=1", "cD0yMDI2", "bz0xMDAwMDAwMDAwMDAwMDAwMDAwMDA=", "true", "null", "1,2",
    "116.7,36.1", "nan,nan", "1e400,0", "0,0,0", ",", "xlsx", "api", "json", "F03,F04",
    "2026-11-23,2026-11-24",
]  # fmt: skip


def query_names() -> Iterator[tuple[str, list[str]]]:
    """Every path that is read, with the parameters that the document names for it."""
    for path, method, operation in valid.operations():
        if method == "get":
            yield path, [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
