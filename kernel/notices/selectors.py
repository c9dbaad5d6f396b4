"""How the outbox stands, for `/healthz`, `/metrics` and the dashboard."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from kernel.notices.models import OutboxMessage


@dataclass(frozen=True)
class Backlog:
    """What waits for delivery.

    Attributes:
        pending: rows that wait, due or not.
        oldest_due_s: for how many seconds the oldest due row has been due; 0 where none is.
        dead: rows given up, waiting for a person.
    """

    pending: int
    oldest_due_s: float
    dead: int


def backlog() -> Backlog:
    """One statement over the two small partial indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT count(*) FROM notices_outboxmessage WHERE state = 'pending'),
                greatest(0, coalesce(extract(epoch FROM kernel_now() - (SELECT min(available_at)
                    FROM notices_outboxmessage WHERE state = 'pending')), 0)),
                (SELECT count(*) FROM notices_outboxmessage WHERE state = 'dead')
            """
        )
        pending, oldest_due_s, dead = cursor.fetchone()
    return Backlog(pending, float(oldest_due_s), dead)


def unread_count(user_id: int) -> int:
    """How many notices a person has not opened."""
    return OutboxMessage.objects.unread().filter(recipient_id=user_id).count()
