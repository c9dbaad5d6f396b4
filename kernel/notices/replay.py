"""Sending dead letters again, by a person who has mended the cause."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from kernel import journal
from kernel.notices.models import OutboxMessage, State

if TYPE_CHECKING:
    from kernel.accounts.models import User


def replay(*, ids: Iterable[int], by: User, at: datetime) -> int:
    """Put dead messages back into the queue with all their attempts; answers how many.

    What is not dead is left alone, so a second tap does nothing. What may have arrived the first time
    still says so. Each replay leaves a journal entry on `notice:<id>`.
    """
    with transaction.atomic():
        dead = OutboxMessage.objects.filter(pk__in=list(ids), state=State.DEAD)
        found = list(dead.select_for_update().order_by("id").values_list("id", "last_error"))
        OutboxMessage.objects.filter(pk__in=[number for number, _ in found]).update(
            state=State.PENDING, attempts=0, available_at=at, leased_by="", expires_at=None
        )
        journal.append_many(
            journal.Note(f"notice:{number}", "notice.replayed", at, {"last_error": reason}, by)
            for number, reason in found
        )
    return len(found)
