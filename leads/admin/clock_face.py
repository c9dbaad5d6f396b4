"""Which clock of a lead people look at, and how it is drawn: ticked in the browser by `clocks.js`.

Pure functions over rows already read; `at` is the server's moment (`Scope.at`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString

from kernel.deadlines.models import Deadline
from leads.admin import words
from leads.models import Lead
from leads.states import OPEN

TOLD = (
    "desk", "respond", "owner_respond", "same_day", "feedback", "final", "verify", "finish_today", "grace",
    "answer", "tip_off", "leniency_sign",
)  # fmt: skip
"""Clocks that somebody has to meet; warnings and hand-overs are told elsewhere."""
SOON = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Face:
    """One clock as shown: `due_at` past means overdue, and the browser counts up."""

    name: str
    due_at: datetime
    overdue: bool
    paused: bool = False

    def html(self, at: datetime) -> SafeString:
        return draw(self.name, self.due_at, at)


def overdue(lead: Lead, at: datetime) -> list[Face]:
    """What has passed unmet, oldest first (the same rule as `LeadQuerySet.overdue`)."""
    if lead.state not in OPEN:
        return []
    limits = [
        ("respond", lead.respond_due_at, lead.first_responded_at),
        ("same_day", lead.same_day_due_at, lead.controlled_at),
        ("feedback", lead.feedback_due_at, lead.first_fed_back_at or lead.first_interim_at),
        ("final", lead.final_due_at, lead.fed_back_at),
    ]
    late = [
        Face(words.CLOCKS[kind], due, overdue=True)
        for kind, due, met in limits
        if due is not None and met is None and due <= at
    ]
    if not late and lead.first_closed_at is None and lead.closing_due_at <= at:
        late = [Face("办结", lead.closing_due_at, overdue=True)]
    return sorted(late, key=lambda face: face.due_at)


def nearest(lead: Lead, clocks: Iterable[Deadline], at: datetime) -> Face | None:
    """The oldest overdue obligation, else the running clock that is due first; None once closed."""
    late = overdue(lead, at)
    if late:
        return late[0]
    running = [c for c in clocks if c.shown_state == Deadline.State.RUNNING and c.kind in TOLD]
    first = min(running, key=lambda c: c.due_at, default=None)
    if first is not None:
        return Face(words.CLOCKS[first.kind], first.due_at, overdue=first.due_at <= at)
    if any(c.shown_state == Deadline.State.PAUSED for c in clocks):
        return Face("计时暂停", at, overdue=False, paused=True)
    return None


def draw(name: str, due_at: datetime, at: datetime) -> SafeString:
    """The countdown element; its words are right without a script too."""
    left = due_at - at
    tone = "late" if left <= timedelta(0) else "soon" if left <= SOON else "calm"
    return format_html(
        '<span class="clock clock-{}" data-due="{}" title="{}截止：{}">'
        '<span class="clock-name">{}</span> <span class="clock-left">{}</span></span>',
        tone,
        due_at.isoformat(),
        name,
        words.moment(due_at),
        name,
        left_words(left),
    )


def left_words(left: timedelta) -> str:
    """还剩 1:02:03, or 已超 2天 1:02:03."""
    seconds = abs(int(left.total_seconds()))
    days, rest = divmod(seconds, 86400)
    text = f"{rest // 3600}:{rest % 3600 // 60:02d}:{rest % 60:02d}"
    text = f"{days}天 {text}" if days else text
    return f"已超 {text}" if left <= timedelta(0) else f"还剩 {text}"
