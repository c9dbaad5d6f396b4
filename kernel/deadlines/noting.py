"""That clocks ran out, written into the journals of their subjects: in the sweep's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from kernel.deadlines.arrays import literal
from kernel.deadlines.handlers import Fired

NOTE = """
INSERT INTO journal_entry (stream, kind, actor_id, actor_name, at, data)
SELECT %(stream)s || e.subject_id, %(kind)s, NULL, '系统', %(at)s,
       jsonb_build_object('due_at', e.due_at, 'cycle', e.cycle)
  FROM unnest(%(subjects)s::bigint[], %(cycles)s::int[], %(dues)s::timestamptz[]) e(subject_id, cycle, due_at)
 ORDER BY e.subject_id, e.due_at
"""


def note(batch: Sequence[Fired], at: datetime, *, stream: str) -> None:
    """Write `clock.<kind>` into each subject's journal (`<stream>:<number>`). The clocks are of one kind, and
    the caller holds the subjects' locks. One statement."""
    params: dict[str, Any] = {
        "stream": f"{stream}:",
        "kind": f"clock.{batch[0].kind}",
        "at": at,
        "subjects": literal(one.subject_id for one in batch),
        "cycles": literal(one.cycle for one in batch),
        "dues": literal(one.due_at for one in batch),
    }
    with connection.cursor() as cursor:
        cursor.execute(NOTE, params)
