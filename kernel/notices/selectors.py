"""How the outbox stands, for `/healthz`, `/metrics` and the dashboard."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import connection

from kernel.notices import sms
from kernel.notices.models import Channel, OutboxMessage

SMS = "sms"
CHANNELS = (*Channel.values, SMS)


@dataclass(frozen=True)
class ChannelBacklog:
    """What waits for one channel (a kind of robot, or `sms`).

    Attributes:
        pending: rows that wait, due or not (held by quiet hours, put off by a failure).
        oldest_due_s: for how many seconds the oldest due row has been due; 0 where none is.
        dead: rows given up, waiting for a person.
    """

    pending: int = 0
    oldest_due_s: float = 0.0
    dead: int = 0


@dataclass(frozen=True)
class Backlog:
    """What waits for delivery, in all and by channel (every channel is named).

    Attributes:
        unsent_sms: SMS of the last 24 hours dropped because no gateway is configured (未配置短信网关):
            somebody has to telephone.
    """

    pending: int
    oldest_due_s: float
    dead: int
    unsent_sms: int = 0
    channels: dict[str, ChannelBacklog] = field(default_factory=dict)


_BACKLOG = """
WITH waiting AS (
    SELECT robot_id, count(*) AS pending, min(available_at) AS due_at, 0 AS dead
      FROM notices_outboxmessage WHERE state = 'pending' GROUP BY robot_id
    UNION ALL
    SELECT robot_id, 0, NULL, count(*) FROM notices_outboxmessage WHERE state = 'dead' GROUP BY robot_id)
SELECT coalesce(r.kind, 'sms'), sum(w.pending)::bigint,
       greatest(0, coalesce(extract(epoch FROM kernel_now() - min(w.due_at)), 0))::float8,
       sum(w.dead)::bigint
  FROM waiting w LEFT JOIN notices_robot r ON r.id = w.robot_id GROUP BY 1
UNION ALL
SELECT '', count(*), 0, 0 FROM notices_outboxmessage
 WHERE recipient_id IS NULL AND robot_id IS NULL AND state = 'dropped' AND last_error = %s
   AND created_at > kernel_now() - interval '24 hours'
"""


def backlog() -> Backlog:
    """One statement over the small partial indexes."""
    channels = {name: ChannelBacklog() for name in CHANNELS}
    unsent = 0
    with connection.cursor() as cursor:
        cursor.execute(_BACKLOG, [sms.NO_GATEWAY])
        for name, count, oldest_due_s, dead in cursor.fetchall():
            if name:
                channels[name] = ChannelBacklog(int(count), float(oldest_due_s), int(dead))
            else:
                unsent = count
    return Backlog(
        pending=sum(one.pending for one in channels.values()),
        oldest_due_s=max(one.oldest_due_s for one in channels.values()),
        dead=sum(one.dead for one in channels.values()),
        unsent_sms=unsent,
        channels=channels,
    )


def unread_count(user_id: int) -> int:
    """How many notices a person has not opened."""
    return OutboxMessage.objects.unread().filter(recipient_id=user_id).count()
