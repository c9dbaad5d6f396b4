"""What was asked about a lead, what waits for whom, and what came of it: rows turned into words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from grids.access import scope_of
from kernel.accounts.models import User
from kernel.approvals import kinds
from kernel.approvals.models import Approval, State
from leads.admin import words
from leads.models import Extension, JointHandler, Lead, Reclassification, Suspension

Say = Callable[[str], str]
Lines = list[tuple[datetime, str]]

TONES = {
    State.WAITING: "warning",
    State.APPROVED: "success",
    State.REFUSED: "danger",
    State.LAPSED: "default",
    State.WITHDRAWN: "default",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: who asked what, until when it waits, who decided what."""

    id: int
    label: str
    asker: str
    reason: str
    asked_at: datetime
    state: str
    tone: str
    waits_until: datetime | None
    decided: str
    mine: bool
    """Does it wait for the person who looks?"""


@dataclass(frozen=True, slots=True)
class Requests:
    asked: list[Asked]
    lines: list[str]
    """What came of them, in sentences."""

    def __bool__(self) -> bool:
        return bool(self.asked or self.lines)


def of_lead(lead: Lead, by: User, say: Say, *, supervised: bool) -> Requests:
    """In two statements; more where the lead has gone that way. `supervised`: has it had an order?"""
    named = ("asked_by", "asked_on_behalf_of", "decided_by", "decided_on_behalf_of")
    rows = list(Approval.objects.of("lead", lead.pk).select_related(*named).order_by("id"))
    mine: set[int] = set()
    if any(row.state == State.WAITING for row in rows) and not scope_of(by).is_auditor:
        waiting = Approval.objects.for_decision_by(by).filter(subject_kind="lead", subject_id=lead.pk)
        mine = set(waiting.values_list("pk", flat=True))
    lines = _changes(lead, say) + (_pauses(lead) if rows else [])
    if rows or supervised:
        lines += _given(lead)
    told = [f"{words.moment(at)}　{text}" for at, text in sorted(lines)]
    return Requests([_asked(row, say, row.pk in mine) for row in rows], told)


def _asked(row: Approval, say: Say, mine: bool) -> Asked:
    decided = _name(row.decided_by, row.decided_on_behalf_of)
    return Asked(
        row.pk,
        kinds.label(row.kind),
        _name(row.asked_by, row.asked_on_behalf_of) or "系统",
        say(row.reason),
        row.asked_at,
        State(row.state).label,
        TONES[State(row.state)],
        row.due_at if row.state == State.WAITING else None,
        f"{decided}：{say(row.note)}" if decided and row.note else decided,
        mine,
    )


def _name(person: User | None, for_whom: User | None) -> str:
    if person is None:
        return ""
    return person.name if for_whom is None else f"{person.name}（代{for_whom.name}）"


def _pauses(lead: Lead) -> Lines:
    found: Lines = []
    for pause in Suspension.objects.filter(lead=lead).select_related("approved_by"):
        end = pause.ended_at or pause.until_at
        found.append(
            (
                pause.began_at,
                f"暂缓办理 {words.moment(pause.began_at)} 至 {words.moment(end)}："
                f"{pause.get_reason_kind_display()}，{pause.approved_by.name}批准",
            )
        )
    return found


def _given(lead: Lead) -> Lines:
    found: Lines = []
    for more in Extension.objects.filter(lead=lead).select_related("approved_by"):
        kept = "，此前的超时保留" if more.keeps_breach else ""
        found.append(
            (
                more.at,
                f"{words.clock_name(more.clock)}时限由 {words.moment(more.due_before)} 延至 "
                f"{words.moment(more.due_after)}，{more.approved_by.name}批准{kept}",
            )
        )
    for joint in JointHandler.objects.filter(lead=lead).select_related("person"):
        found.append((joint.at, f"{joint.person.name}到现场共同办理"))
    return found


def _changes(lead: Lead, say: Say) -> Lines:
    found: Lines = []
    for change in Reclassification.objects.filter(lead=lead).select_related(
        "from_category", "to_category", "by"
    ):
        found.append(
            (
                change.at,
                f"由“{change.from_category.name}”改为“{change.to_category.name}”"
                f"（{change.get_to_severity_display()}），{change.by.name}：{say(change.reason)}",
            )
        )
    return found
