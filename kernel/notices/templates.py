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
from kernel.notices.policy import Urgency

if TYPE_CHECKING:
    from kernel.notices.models import OutboxMessage

StillWanted = Callable[["OutboxMessage"], bool]
"""Read again just before sending: is this still news to anybody?"""

HowUrgent = Callable[["OutboxMessage"], Urgency]
"""Asked in quiet hours only: does a clock run behind this notice, or may it wait for the morning?"""


@dataclass(frozen=True)
class Template:
    """One kind of notice: its words, its stop condition, and whether quiet hours hold it.

    Attributes:
        urgency: `CLOCK` (a running clock is always told), `URGENT`, `NEWS` (waits for the morning), or
            a function of the message where only the row can tell.
        sms: the words of an SMS, where they differ from title and body.
    """

    key: str
    title: str
    body: str
    still_wanted: StillWanted | None = None
    urgency: Urgency | HowUrgent = Urgency.CLOCK
    sms: str | None = None


@dataclass(frozen=True)
class Text:
    """A notice in words."""

    title: str
    body: str


class _Values(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "—"


_registered: dict[str, Template] = {}


def register(
    key: str,
    title: str,
    body: str,
    still_wanted: StillWanted | None = None,
    *,
    urgency: Urgency | HowUrgent = Urgency.CLOCK,
    sms: str | None = None,
) -> None:
    """Name a template; the last word counts. What may wait for the morning says `urgency=Urgency.NEWS`."""
    _registered[key] = Template(key, title, body, still_wanted, urgency, sms)


def known(key: str) -> bool:
    """Whether an app has registered this template."""
    return key in _registered


def still_wanted(message: OutboxMessage) -> bool:
    """Ask the template's stop condition; a template without one is always wanted."""
    template = _registered.get(message.template)
    return template is None or template.still_wanted is None or template.still_wanted(message)


def urgency_of(message: OutboxMessage) -> Urgency:
    """How urgent a message is: as its row says, else as its template says; unknown ones are told at once."""
    if message.urgency:
        return Urgency(message.urgency)
    template = _registered.get(message.template)
    if template is None:
        return Urgency.CLOCK
    return template.urgency if isinstance(template.urgency, Urgency) else template.urgency(message)


def render(key: str, params: Mapping[str, Any], quote: Callable[[str], str] = str) -> Text:
    """The words of a notice, personal numbers masked; `quote` defuses the marks of the channel in values."""
    template = _registered.get(key, Template(key, "系统通知", ""))
    values = _values(params, quote)
    return Text(template.title.format_map(values), template.body.format_map(values))


def render_sms(key: str, params: Mapping[str, Any], quote: Callable[[str], str] = str) -> str:
    """The words of a notice on one line, for a telephone; without the signature."""
    template = _registered.get(key, Template(key, "系统通知", ""))
    if template.sms is not None:
        return template.sms.format_map(_values(params, quote))
    text = render(key, params, quote)
    return f"{text.title}：{text.body}" if text.title and text.body else text.title or text.body


def _values(params: Mapping[str, Any], quote: Callable[[str], str]) -> _Values:
    return _Values(
        {
            name: value if policy.is_link(name, value) else quote(_shown(name, value))
            for name, value in policy.masked(dict(params)).items()
        }
    )


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
