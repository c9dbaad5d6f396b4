"""Sending dead letters again, by a person who has mended the cause; or laying them aside for good."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet

from kernel import journal
from kernel.accounts.masking import mask_text
from kernel.errors import Refused
from kernel.notices.claims import drop
from kernel.notices.models import OutboxMessage, State

if TYPE_CHECKING:
    from kernel.accounts.models import User

MIN_REASON, MAX_REASON = 2, 200
AT_ONCE = 1000
SET_ASIDE = "人工确认不再发送"


def replay(*, ids: Iterable[int], by: User, reason: str, at: datetime) -> int:
    """Put these dead messages back into the queue with all their attempts; answers how many.

    What is not dead is left alone, so a second tap does nothing. What may have arrived the first time
    still says so. Each replay leaves a journal entry on `notice:<id>`.

    Raises:
        Refused `reason_required`: the reason is shorter than 2 or longer than 200 characters.
    """
    return _again(OutboxMessage.objects.filter(pk__in=list(ids)), by=by, reason=reason, at=at)


def replay_carrier(*, robot_id: int | None, by: User, reason: str, at: datetime) -> int:
    """The same for all dead messages of one robot (None: of the SMS gateway), the oldest 1,000 at once."""
    found = OutboxMessage.objects.of_carrier(robot_id)
    return _again(found, by=by, reason=reason, at=at)


def set_aside(*, ids: Iterable[int], by: User, reason: str, at: datetime) -> int:
    """Give dead messages up for good: `dropped`, and the telephone number sealed in one thrown away.

    Raises: as `replay`.
    """
    stated = _stated(reason)
    with transaction.atomic():
        found = _dead(OutboxMessage.objects.filter(pk__in=list(ids)))
        drop(OutboxMessage.objects.filter(pk__in=[number for number, _ in found]), SET_ASIDE)
        _note(found, "notice.set_aside", by, stated, at)
    return len(found)


def _again(messages: QuerySet[OutboxMessage], *, by: User, reason: str, at: datetime) -> int:
    stated = _stated(reason)
    with transaction.atomic():
        found = _dead(messages)
        OutboxMessage.objects.filter(pk__in=[number for number, _ in found]).update(
            state=State.PENDING, attempts=0, available_at=at, leased_by="", expires_at=None
        )
        _note(found, "notice.replayed", by, stated, at)
    return len(found)


def _stated(reason: str) -> str:
    stated = reason.strip()
    if not MIN_REASON <= len(stated) <= MAX_REASON:
        raise Refused(
            f"请填写原因（{MIN_REASON} 至 {MAX_REASON} 字）。", code="reason_required", attr="reason"
        )
    return mask_text(stated)


def _dead(messages: QuerySet[OutboxMessage]) -> list[tuple[int, str]]:
    """Their numbers and last errors, locked by id."""
    dead = messages.filter(state=State.DEAD).select_for_update(of=("self",)).order_by("id")
    return list(dead.values_list("id", "last_error")[:AT_ONCE])


def _note(found: list[tuple[int, str]], kind: str, by: User, reason: str, at: datetime) -> None:
    journal.append_many(
        journal.Note(f"notice:{number}", kind, at, {"reason": reason, "last_error": error}, by)
        for number, error in found
    )
