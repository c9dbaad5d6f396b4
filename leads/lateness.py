"""Acts that came late from an offline phone: both moments are kept in the lead's journal (DESIGN.md §3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from kernel import clock, journal
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.offline import policy
from leads.models import Lead

LATE = timedelta(minutes=10)


def note(
    *,
    lead_id: int,
    by: User,
    what: str,
    captured_at: datetime | None,
    received_at: datetime,
    skew_s: int | None,
) -> None:
    """Write down that an act was recorded on the phone earlier than it was received, or that the phone's
    clock was wrong. Nothing where both agree within ten minutes. On time is decided by receipt."""
    late = captured_at is not None and abs(received_at - captured_at) > LATE
    skewed = policy.is_skewed(skew_s)
    if not (late or skewed):
        return
    with transaction.atomic():
        clocks.cap_waits()
        lead = Lead.objects.select_for_update(of=("self",)).get(pk=lead_id)
        journal.append(
            stream=lead.stream,
            kind="lead.synced_late",
            by=by,
            at=clock.now(),
            data={
                "act": what,
                "captured_at": captured_at.isoformat() if captured_at else None,
                "received_at": received_at.isoformat(),
                "skew_s": skew_s,
                "clock_skewed": skewed,
            },
        )
