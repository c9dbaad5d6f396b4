"""How a good JSON body is broken: its values, its names, its bytes, and what its headers claim."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

__all__ = ["ODD", "Raw", "broken_body", "broken_text", "encoded"]


@dataclass(frozen=True)
class Raw:
    """Written as it stands, JSON or not."""

    text: str


@dataclass(frozen=True)
class Twice:
    """An object in which one name stands twice."""

    value: Mapping[str, Any]
    name: str
    other: Any


MOMENTS = [
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    "1899-12-31T23:59:59+08:05", "9999-12-31T23:59:59.999999Z", "2026-02-30T00:00:00Z",
    "2026-11-23T24:00:00+08:00", "2026-11-23T25:61:61Z", "2026-11-23T00:00:00+99:99",
    "2026-11-23T00:00:00+24:00", "0000-00-00", "1900-01-01", "9999-12-31", "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z", "2026-11-23", "2026-W48-1", "now", "infinity", "epoch", "1970-01-01T00:00:00Z",
    "2262-04-12T00:00:00Z", "2026-11-23T10:00:00", "２０２６-１１-２３", "294277-01-01T00:00:00Z",
]  # fmt: skip
NUMBERS = [
    0, -1, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30, 0.5, -0.0, 1e308, 5e-324,
    Raw("1e400"), Raw("-1e400"), Raw("NaN"), Raw("Infinity"), Raw("1" + "0" * 4999), Raw("1e-400"),
    Raw("01"), Raw("0x10"), Raw("1."), Raw("+1"), "1", "-1", "0", "１２", "٣", "1e3", "1_000", "NaN",
    "Infinity", "²", " 1 ", "9223372036854775808", "1" * 400,
]  # fmt: skip
TEXTS = [
    "", " ", "\x00", "a\x00b", "\ud800", "文\udfff", "😀" * 20, "👨‍👩‍👧‍👦", "\u202eمرحبا\u202c", "\ufeff",
    "\u200b", "\u2028", "\x1b[31m", "a" * 300, "文" * 5000, "a" * 100_000, "'; DROP TABLE leads_lead; --",
    "1 OR 1=1", "%", "_", "\\", "%s", "%(x)s", "{0}", "{a.b}", "{", "<script>alert(1)</script>",
    "<b onmouseover=x>", "{{7*7}}", "{% now %}", "../../etc/passwd", "\r\nX-A: b", "null", "true", "[]",
    "{}", "F03", "worker-01-1", "admin", "370983001-L01", "uid:00000000-0000-0000-0000-000000000000",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "{12345678-1234-5678-1234-567812345678}", "urn:uuid:12345678123456781234567812345678", "0" * 64,
    "g" * 64, "A" * 64, "é", "e\u0301", "İ", "ß", "Ⅷ", "\t\n",
]  # fmt: skip
SHAPES: list[Any] = [
    None, True, False, [], {}, [[]], [{}], [None], {"": ""}, {"id": 1}, {"lon": 1}, [1, 2], ["a"] * 300,
    [[1]] * 60, {"\x00": 1}, {"\ud800": 1}, {"a" * 5000: 1}, {"__proto__": 1}, {"pk": 1},
    Raw("[" * 60 + "]" * 60), Raw("[" * 20_000), Raw('{"a":' * 3000 + "1" + "}" * 3000),
    {str(n): n for n in range(300)},
]  # fmt: skip
ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(MOMENTS),
    st.sampled_from(NUMBERS),
    st.sampled_from(TEXTS),
    st.sampled_from(SHAPES),
    st.text(max_size=30),
    st.integers(),
    st.floats(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    ),
)
broken_text = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from(MOMENTS),
    st.sampled_from([str(one) for one in NUMBERS if not isinstance(one, Raw)]),
    st.text(max_size=30),
)
"""For what is no JSON: queries and forms."""


# --- values ------------------------------------------------------------------------------------------


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in it: every path below the top."""
    if isinstance(value, Mapping):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    else:
        return []
    return [path for key, one in inside for path in [(*at, key), *_places(one, (*at, key))]]


def _changed(value: Any, path: tuple[Any, ...], change: Any) -> Any:
    """The value with `change(holder, key)` made where the path leads."""
    holder = dict(value) if isinstance(value, Mapping) else list(value)
    if len(path) == 1:
        return change(holder, path[0])
    holder[path[0]] = _changed(holder[path[0]], path[1:], change)
    return holder


@st.composite
def broken_value(draw: st.DrawFn, body: dict[str, Any]) -> Any:
    """The body with one place of it wrong."""
    places = _places(body)
    how = draw(
        st.sampled_from(["retype", "retype", "retype", "drop", "rename", "add", "twice", "wrap", "whole"])
    )
    if how == "whole" or (not places and how != "add"):
        return draw(ODD)
    if how == "add":
        name = draw(
            st.sampled_from(["id", "state", "version", "reported_by", "", "\x00", "\ud800", "a" * 500, "é"])
        )
        return body | {name: draw(ODD)}
    path = draw(st.sampled_from(places))
    odd = draw(ODD)

    def retype(holder: Any, key: Any) -> Any:
        holder[key] = odd
        return holder

    def drop(holder: Any, key: Any) -> Any:
        del holder[key]
        return holder

    def rename(holder: Any, key: Any) -> Any:
        if isinstance(holder, dict):
            holder[draw(st.sampled_from([f"{key}s", str(key).upper(), f" {key}", f"{key}\x00"]))] = (
                holder.pop(key)
            )
        return holder

    def twice(holder: Any, key: Any) -> Any:
        return Twice(holder, key, odd) if isinstance(holder, dict) else [*holder, holder[key]]

    def wrap(holder: Any, key: Any) -> Any:
        holder[key] = draw(st.sampled_from([[holder[key]], {"value": holder[key]}, [holder[key]] * 60]))
        return holder

    changes = {"retype": retype, "drop": drop, "rename": rename, "twice": twice, "wrap": wrap}
    return _changed(body, path, changes[how])


# --- bytes -------------------------------------------------------------------------------------------


def encoded(value: Any, *, escaped: bool = True) -> bytes:
    """As JSON; not escaped, halves of characters become bytes that are no UTF-8."""
    return _text(value, escaped).encode("utf-8", "surrogatepass")


def _text(value: Any, escaped: bool) -> str:
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, Twice):
        said = [*value.value.items(), (value.name, value.other)]
        return "{" + ",".join(f"{_text(str(k), escaped)}:{_text(v, escaped)}" for k, v in said) + "}"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_text(str(k), escaped)}:{_text(v, escaped)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_text(one, escaped) for one in value) + "]"
    return json.dumps(value, ensure_ascii=escaped)


@st.composite
def broken_bytes(draw: st.DrawFn, good: bytes) -> bytes:
    """Bytes that are hardly JSON any more."""
    how = draw(st.sampled_from(["cut", "flip", "insert", "encode", "around", "whole", "huge"]))
    at = draw(st.integers(0, max(0, len(good) - 1)))
    if how == "cut":
        return good[:at]
    if how == "flip":
        return good[:at] + bytes([draw(st.integers(0, 255))]) + good[at + 1 :]
    if how == "insert":
        return good[:at] + draw(st.binary(min_size=1, max_size=8)) + good[at:]
    if how == "encode":
        charset = draw(st.sampled_from(["utf-16", "utf-32", "gb18030", "utf-8-sig", "cp037", "utf-7"]))
        return good.decode("utf-8", "replace").encode(charset, "replace")
    if how == "around":
        before, after = draw(
            st.sampled_from([
                (b"", b"]"), (b"[", b"]"), (b"", b"{}"), (b"\x00", b""), (b")]}'\n", b""), (b" ", b"\x00"),
                (b"callback(", b")"), (b"// a\n", b""), (b"", b","),
            ])
        )  # fmt: skip
        return before + good + after
    if how == "huge":
        return b'{"a":"' + b"a" * 2_700_000 + b'"}'
    return draw(
        st.sampled_from([
            b"", b"null", b"1", b'"a"', b"[]", b"{}", b"true", b"{", b"\xff\xfe", b"[" * 200_000,
            b"a=b&c=d", b"<a/>", b"--x\r\n", b'{"a":' * 50_000, b"\x00" * 1000, b"\x1f\x8b\x08\x00",
        ])
    )  # fmt: skip


# --- headers -----------------------------------------------------------------------------------------

TYPES = [
    "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
    "multipart/form-data; boundary=", "multipart/form-data; boundary=x", "application/xml",
    "application/json; charset=utf-16", "json", "*/*", ";", "a/b/c", "application/json; charset=no-such",
    "application/json;;;", "APPLICATION/JSON", "application/json, text/plain",
    "application/merge-patch+json", "application/octet-stream", "multipart/mixed; boundary=x",
    "application/json; a=\"", "multipart/form-data; boundary=" + "x" * 300, "text/json",
]  # fmt: skip
TAGS = [
    "*", '"v0"', '"v-1"', '"v999"', '"v99999999999999999999999"', "v1", "1", '"1"', 'W/"v1"', '"v1","v2"',
    '"', '""', "", '"v"', '"v1', "v１", '"v\u00b2"', '"va"', "W/", '"v1.5"', "null", '"v1" "v1"', "x" * 3000,
    '"v0x1"', '"v 1"', '"v+1"', '"v1_0"',
]  # fmt: skip
OTHERS = [
    ("Accept", "text/html"), ("Accept", "application/vnd.nothing"), ("Accept", ";;;"),
    ("Accept", "*/*;q=x"), ("Accept", ""), ("Accept-Language", "\u00ff" * 50),
    ("Accept-Language", "x-" + "a" * 600), ("Content-Encoding", "gzip"),
    ("Cookie", "suoshe_session=\u00ff; csrftoken=x"), ("Cookie", "="), ("X-HTTP-Method-Override", "DELETE"),
    ("X-Forwarded-For", "not, an, address"), ("X-Forwarded-For", "::1%eth0"), ("X-Request-ID", "x" * 5000),
    ("X-Request-ID", "\u00ff'\""), ("If-Modified-Since", "yesterday"), ("Range", "bytes=-"),
    ("Origin", "null"), ("User-Agent", "\u00ff" * 300), ("User-Agent", ""), ("Referer", "\u00e9"),
    ("Content-Language", "x"),
]  # fmt: skip


@st.composite
def broken_body(
    draw: st.DrawFn, body: dict[str, Any], headers: Mapping[str, str]
) -> tuple[bytes, dict[str, str]]:
    """A good body and its headers, with something wrong in one of them, or in both."""
    sent = dict(headers)
    how = draw(st.sampled_from(["value"] * 10 + ["bytes"] * 4 + ["type", "tag", "tag", "other"]))
    value: Any = body
    if how == "value" or draw(st.booleans()):
        value = draw(broken_value(body))
    raw = encoded(value, escaped=draw(st.booleans()))
    if how == "bytes":
        raw = draw(broken_bytes(raw))
    elif how == "type":
        sent["Content-Type"] = draw(st.sampled_from(TYPES))
    elif how == "tag":
        tag = draw(st.sampled_from([*TAGS, None]))
        sent.pop("If-Match", None)
        if tag is not None:
            sent["If-Match"] = tag.encode().decode("latin-1")
    elif how == "other":
        name, claimed = draw(st.sampled_from(OTHERS))
        sent[name] = claimed
    return raw, sent
