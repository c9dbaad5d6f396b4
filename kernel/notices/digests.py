"""Several notices in one message of a chat group: as many as fit, none cut out."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.notices.templates import Text

LONGEST_BYTES = 4000
"""The narrowest provider takes 4,096 bytes; more in one message nobody reads."""

LONGEST_LINE_BYTES = 600
_ROOM_FOR_TITLE = 60

_DEFUSED = str.maketrans({"<": "＜", ">": "＞", "[": "［", "]": "］", "`": "｀", "*": "＊", "#": "＃"})


@dataclass(frozen=True)
class Composed:
    """One message: a title and lines; `carried` says how many of the texts are in it (from the first)."""

    title: str
    lines: list[str]
    carried: int

    @property
    def is_digest(self) -> bool:
        return self.carried > 1


def compose(texts: list[Text]) -> Composed:
    """One text as it is; several as a digest of a line each, up to what one message holds."""
    if len(texts) == 1:
        title = cut(texts[0].title, LONGEST_LINE_BYTES)
        body = cut(texts[0].body, LONGEST_BYTES - LONGEST_LINE_BYTES)
        return Composed(title, body.splitlines(), 1)
    lines: list[str] = []
    left = LONGEST_BYTES - _ROOM_FOR_TITLE
    for text in texts:
        words = f"{text.title}：{text.body}" if text.body else text.title
        line = cut(" ".join(words.split()), LONGEST_LINE_BYTES)
        left -= len(line.encode()) + 4
        if left < 0:
            break
        lines.append(line)
    return Composed(f"工作提醒汇总（{len(lines)} 条）", lines, len(lines))


def defused(value: str) -> str:
    """A value as plain text: no mention of people, link or other mark can be made by what a person wrote."""
    return " ".join(value.translate(_DEFUSED).split())


def cut(text: str, longest_bytes: int) -> str:
    """The text, or as much of it as fits, with an ellipsis."""
    raw = text.encode()
    if len(raw) <= longest_bytes:
        return text
    return raw[: longest_bytes - 3].decode(errors="ignore") + "…"
