"""The words of every notice. Apps register theirs at start-up; rows keep only the key and the values.

A template is Chinese text for `str.format`. Values whose name ends in `_at` are ISO 8601 moments and
are shown in Shanghai time. A value that is missing is shown as a dash: a notice is never lost
for want of a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kernel.clock import SHANGHAI
from kernel.notices import policy

if TYPE_CHECKING:
    from kernel.notices.models import OutboxMessage

StillWanted = Callable[["OutboxMessage"], bool]
"""Read again just before sending: is this still news to anybody?"""


@dataclass(frozen=True)
class Template:
    """One kind of notice: its words and its stop condition."""

    key: str
    title: str
    body: str
    still_wanted: StillWanted | None = None


@dataclass(frozen=True)
class Text:
    """A notice in words."""

    title: str
    body: str


class _Values(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "—"


_registered: dict[str, Template] = {}


def register(key: str, title: str, body: str, still_wanted: StillWanted | None = None) -> None:
    """Name a template; the last word counts."""
    _registered[key] = Template(key, title, body, still_wanted)


def known(key: str) -> bool:
    """Whether an app has registered this template."""
    return key in _registered


def still_wanted(message: OutboxMessage) -> bool:
    """Ask the template's stop condition; a template without one is always wanted."""
    template = _registered.get(message.template)
    return template is None or template.still_wanted is None or template.still_wanted(message)


def render(key: str, params: Mapping[str, Any], quote: Callable[[str], str] = str) -> Text:
    """The words of a notice, personal numbers masked; `quote` defuses the marks of the channel in values."""
    template = _registered.get(key, Template(key, "系统通知", ""))
    values = _Values(
        {name: quote(_shown(name, value)) for name, value in policy.masked(dict(params)).items()}
    )
    return Text(template.title.format_map(values), template.body.format_map(values))


def _shown(name: str, value: Any) -> str:
    if value is None or value == "":
        return "—"
    if name.endswith("_at"):
        try:
            moment = datetime.fromisoformat(str(value)).astimezone(SHANGHAI)
        except ValueError:
            return str(value)
        return f"{moment.month}月{moment.day}日{moment:%H:%M}"
    if isinstance(value, list):
        return "、".join(str(item) for item in value)
    return str(value)
