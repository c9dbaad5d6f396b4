"""The duty day (值班日): shifts run from 08:30 to 08:30 (Shanghai). Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from kernel.clock import SHANGHAI

HANDOVER_AT = time(8, 30)


def duty_day(at: datetime) -> date:
    """The day whose shift covers `at`."""
    local = at.astimezone(SHANGHAI)
    return local.date() if local.time() >= HANDOVER_AT else local.date() - timedelta(days=1)
