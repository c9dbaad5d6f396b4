"""Who is told of a question and of its end: outbox rows in the transaction of what they tell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from kernel.approvals import kinds
from kernel.approvals.models import Approval, State
from kernel.notices import outbox, templates
from kernel.notices.models import OutboxMessage
from kernel.notices.outbox import Draft

People = Mapping[int, Collection[int]]


def deciders(rows: Sequence[Approval], at: datetime) -> dict[int, set[int]]:
    """Who may decide, by approval; never who asked. One call a kind."""
    found: dict[int, set[int]] = {row.pk: set() for row in rows}
    for kind in sorted({row.kind for row in rows}):
        group = [row for row in rows if row.kind == kind]
        told = kinds.of(kind).deciders(group, at)
        for row in group:
            found[row.pk] = set(told.get(row.pk, ())) - askers(row)
    return found


def askers(row: Approval) -> set[int]:
    return {p for p in (row.asked_by_id, row.asked_on_behalf_of_id) if p is not None}


def asked(rows: Sequence[Approval], at: datetime) -> None:
    people = deciders(rows, at)
    outbox.post([d for row in rows for d in _drafts(row, "asked", people[row.pk])], at=at)


def withdrawn(rows: Sequence[Approval], at: datetime, why: str) -> None:
    people = deciders(rows, at)
    outbox.post([d for row in rows for d in _drafts(row, "withdrawn", people[row.pk], why=why)], at=at)


def decided(row: Approval, at: datetime) -> None:
    """The askers are told what was decided."""
    result = State(row.state).label
    outbox.post(
        _drafts(row, "decided", askers(row) - {row.decided_by_id}, result=result, note=row.note), at=at
    )


def lapsed(rows: Sequence[Approval], events: Mapping[int, int], at: datetime) -> None:
    """Askers and deciders are told that nobody decided in time; keys name the clock's event."""
    people = deciders(rows, at)
    drafts: list[Draft] = []
    for row in rows:
        told = people[row.pk] | askers(row)
        drafts += _drafts(row, "lapsed", told, key=f"event:{events[row.pk]}:lapsed")
    outbox.post(drafts, at=at)


def _drafts(
    row: Approval, what: str, people: Iterable[int | None], *, key: str = "", **more: Any
) -> list[Draft]:
    params = {
        "label": kinds.label(row.kind),
        "about": row.about,
        "reason": row.reason,
        "due_at": row.due_at.isoformat(),
        **more,
    }
    base = key or f"approval:{row.pk}:{what}"
    return [
        Draft(f"{base}:user:{person}", f"approvals.{what}", params, "approval", row.pk, recipient_id=person)
        for person in sorted({p for p in people if p is not None})
    ]


def _still_waits(message: OutboxMessage) -> bool:
    return Approval.objects.filter(pk=message.subject_id, state=State.WAITING).exists()


def register() -> None:
    """Register the words (called once, at start-up)."""
    templates.register(
        "approvals.asked", "请审批：{label}", "{about}。理由：{reason}。请于 {due_at} 前审批。", _still_waits
    )
    templates.register("approvals.decided", "{label}：{result}", "{about}。审批意见：{note}")
    templates.register(
        "approvals.lapsed", "{label}逾期未批", "{about}。审批时限 {due_at} 已过，申请自动失效。"
    )
    templates.register("approvals.withdrawn", "{label}已撤回", "{about}。{why}。")
