"""What was not done in its period is missed: written by the night after it (DESIGN.md §8)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import connection, transaction

from patrols import over_cap

PERIOD_OVER = "任务周期已过"

_MISSED = """
WITH over AS (
  SELECT id FROM patrols_patroltask WHERE state IN ('PLANNED', 'ASKS') AND period_end < %(on)s
   ORDER BY id FOR NO KEY UPDATE)
UPDATE patrols_patroltask t SET state = 'MISSED', version = t.version + 1
  FROM over WHERE t.id = over.id RETURNING t.id
"""
_STILL_ASKING = "SELECT id FROM patrols_patroltask WHERE state = 'ASKS' AND period_end < %(on)s ORDER BY id"


@transaction.atomic
def close_missed(on: date, at: datetime) -> int:
    """Mark what is still to be done and whose period ended before `on`; how many. Again: none.

    What still asks the bureau about such a task asks no longer.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STILL_ASKING, {"on": on})
        asking = [row[0] for row in cursor.fetchall()]
        over_cap.lock_clocks(asking)
        cursor.execute(_MISSED, {"on": on})
        missed = {row[0] for row in cursor.fetchall()}
    over_cap.withdraw({one: PERIOD_OVER for one in asking if one in missed}, at)
    return len(missed)
