"""Operations that waited too long, and rows that nobody needs any more."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from kernel import clock
from kernel.notices import outbox, templates
from kernel.notices.outbox import Draft
from kernel.offline.models import Operation, State

KEPT_FOR = timedelta(days=90)
"""How long a repetition of a finished operation is recognised."""
AT_ONCE = 500
ERROR = {
    "code": "waited_too_long",
    "detail": "所依赖的操作五天内没有收到，本操作未执行，请重新提交。",
    "attr": None,
}


def register() -> None:
    """Register the words of the notice (called once, at start-up)."""
    templates.register(
        "offline.lapsed",
        "一项离线操作未能执行",
        "{captured_at} 在手机上的操作等待超过5天，未能执行，请在手机上核对后重新提交。",
    )


def lapse() -> int:
    """End what has waited five days and tell its owner; how many. Safe to run twice and at once."""
    with transaction.atomic():
        at = clock.now()
        rows = list(
            Operation.objects.select_for_update(skip_locked=True)
            .filter(state=State.WAITING, expires_at__lte=at)
            .order_by("id")[:AT_ONCE]
        )
        ids = [row.pk for row in rows]
        Operation.objects.filter(pk__in=ids).update(
            state=State.LAPSED, sealed="", finished_at=at, errors=[ERROR]
        )
        outbox.post(
            [
                Draft(
                    f"offline:{row.pk}:lapsed",
                    "offline.lapsed",
                    {"captured_at": (row.captured_at or row.received_at).isoformat()},
                    "offline",
                    row.pk,
                    recipient_id=row.user_id,
                )
                for row in rows
            ],
            at=at,
        )
    return len(rows)


def forget() -> int:
    """Delete rows finished ninety days ago; how many. They hold no content, only what they were about."""
    at = clock.now()
    old = Operation.objects.filter(finished_at__lt=at - KEPT_FOR).values("pk")[:10_000]
    return Operation.objects.filter(pk__in=old).delete()[0]
