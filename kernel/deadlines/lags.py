"""How late clocks fire: the lag of what fired lately, and what is overdue now (DESIGN.md §4, "Watch")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection

LATELY = timedelta(minutes=15)
PAGES = 2_000

SIZE = """
SELECT pg_relation_size('deadlines_event') / current_setting('block_size')::bigint
"""
LAGS = """
SELECT count(*), COALESCE(percentile_disc(0.99) WITHIN GROUP (ORDER BY lag), 0)::float8,
       COALESCE(max(lag), 0)::float8
  FROM (SELECT EXTRACT(epoch FROM recorded_at - due_at) AS lag FROM deadlines_event
         WHERE ctid >= %(from_page)s::tid AND recorded_at > kernel_now() - %(lately)s) e
"""
"""Events are only ever added, so the newest ones stand on the last pages of the table: those are read, and
no index on `recorded_at` is kept for it, which every firing would pay."""


@dataclass(frozen=True, slots=True)
class Lags:
    """Recorded − due of the clocks that fired within `LATELY`, in seconds; zeros where none did."""

    fired: int
    p99_s: float
    max_s: float


def lately() -> Lags:
    """Two statements; reads 16 MB at most (about 150,000 events)."""
    with connection.cursor() as cursor:
        cursor.execute(SIZE)
        pages: int = cursor.fetchone()[0]
        from_page = f"({max(0, pages - PAGES)},0)"
        params: dict[str, Any] = {"from_page": from_page, "lately": LATELY}
        cursor.execute(LAGS, params)
        return Lags(*cursor.fetchone())
