"""Reading a rendered page as a person sees it: words left in English, things loaded from outside."""

from __future__ import annotations

import re
from functools import lru_cache
from html.parser import HTMLParser

SEEN_ATTRIBUTES = {"title", "placeholder", "aria-label", "alt", "data-tooltip"}
UNSEEN_TAGS = {"script", "style", "template", "code", "svg"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
LOADS = {"src", "srcset", "href", "action", "poster", "data"}
WORD = re.compile(r"[A-Za-z][A-Za-z'’]+")
OUTSIDE = re.compile(r"^\s*(?:[a-z]+:)?//", re.IGNORECASE)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.outside: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.outside += [v for n, v in found.items() if n in LOADS and tag != "a" and OUTSIDE.match(v)]
        icon = "material-symbols-outlined" in found.get("class", "")
        if not self._hidden and not icon:
            self.texts += [value for name, value in found.items() if name in SEEN_ATTRIBUTES]
            if tag == "input" and found.get("type") in ("submit", "button"):
                self.texts.append(found.get("value", ""))
        if tag not in VOID and (self._hidden or icon or tag in UNSEEN_TAGS):
            self._hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and tag in self._hidden:
            while self._hidden.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.texts.append(data.strip())


@lru_cache(maxsize=32)
def _read(html: str) -> _Reader:
    """Once a page: it is asked for its words and for its addresses."""
    reader = _Reader()
    reader.feed(html)
    return reader


def english_in(html: str, *, allowed: set[str] = frozenset()) -> list[str]:  # type: ignore[assignment]
    """Texts that a person sees and that hold an English word which is not allowed."""
    return [t for t in _read(html).texts if any(word not in allowed for word in WORD.findall(t))]


def outside_in(html: str) -> list[str]:
    """Addresses from which the page would load something that is not ours."""
    return _read(html).outside
