"""`python -m bench.patrols`: how long a night's plan takes (DESIGN.md §8).

Starts a PostgreSQL of its own in a temporary home, with the product's durable settings, loads 11,000
businesses in 21 grids (not timed), one in ten of them C or D, and plans. The last line is JSON:

    plan_first_s      the whole plan of a new month: monthly, quarterly, daily and weekly tasks
    plan_again_s      the same night once more: nothing lacks
    plan_next_day_s   the next working day: yesterday's daily patrols missed, today's made
    tasks             rows after the first, and `tasks_per_s`
    copy_per_s        the same rows by a plain COPY into a table of the same columns, rules and indexes;
                      ratio = tasks_per_s / copy_per_s
    statements        SQL statements of the first
    replan_500_s      500 businesses (with --small: all of grade B) fall from B to C at once
    walk_60_ms        the walking order of sixty shops, median
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ENTITIES, SMALL = 11_000, 600
FALLING = 500
WALKS = 25
FIRST = date(2026, 12, 1)
STANDS = """
INSERT INTO credit_creditstanding (entity_id, scheme_id, i1, i2, i3, i4, i5, i6, i7, i8, total, caps, vetoes,
       cause, computed_grade, effective_grade, effective_since, held_by, assessed_at, assessed_on)
SELECT e.id, (SELECT id FROM credit_creditscheme WHERE state = 'IN_FORCE'), 0, 0, 0, 0, 0, 0, 0, 0, 65,
       '{}', '{}', 'SCORE', e.credit_grade, e.credit_grade, '2026-01-01', '{}', kernel_now(), '2026-01-01'
  FROM grids_businessentity e WHERE e.credit_grade IS NOT NULL
    ON CONFLICT (entity_id) DO UPDATE SET computed_grade = EXCLUDED.computed_grade,
       effective_grade = EXCLUDED.effective_grade
"""
GRADES = """
UPDATE grids_businessentity SET credit_grade =
  CASE WHEN id % 50 = 0 THEN 'D' WHEN id % 12 = 0 THEN 'C' WHEN id % 3 = 0 THEN 'A' ELSE 'B' END
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--small", action="store_true", help="600 businesses: does it run?")
    entities = SMALL if parser.parse_args().small else ENTITIES
    with tempfile.TemporaryDirectory(prefix="suoshe-bench-") as folder:
        os.environ |= {
            "SUOSHE_HOME": folder,
            "SUOSHE_DEBUG": "0",
            "SUOSHE_TEST_CLOCK": "1",
            "DJANGO_SETTINGS_MODULE": "suoshe.settings.test",
        }
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        print(json.dumps(run(Path(folder), entities)))


def run(home: Path, entities: int) -> dict[str, Any]:
    from suoshe import embedded

    with embedded.using(home):
        import django

        django.setup()
        prepare(entities)
        return {**plans(), "walk_60_ms": walks(), "entities": entities}


def prepare(entities: int) -> None:
    from django.core.management import call_command
    from django.db import connection

    from grids import demo

    call_command("migrate", verbosity=0)
    at = go_to(FIRST)
    world = demo.build(at=at)
    demo.build_entities(world, entities)
    with connection.cursor() as cursor:
        cursor.execute(GRADES)
        cursor.execute(STANDS)
        cursor.execute("VACUUM ANALYZE")


def go_to(day: date) -> datetime:
    from kernel import clock

    moment = datetime(day.year, day.month, day.day, 0, 40, tzinfo=ZoneInfo("Asia/Shanghai"))
    clock.set_to(moment)
    return moment


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 3)


def plans() -> dict[str, Any]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from grids.models import BusinessEntity
    from kernel import clock
    from patrols import closing, planning
    from patrols.models import PatrolTask

    with CaptureQueriesContext(connection) as seen:
        first = timed(lambda: planning.plan(FIRST))
    tasks = PatrolTask.objects.count()
    copied = plain_copy()
    found = {
        "plan_first_s": first, "statements": len(seen), "tasks": tasks, "tasks_per_s": round(tasks / first),
        "copy_per_s": round(tasks / copied), "ratio": round(copied / first, 3),
        "plan_again_s": timed(lambda: planning.plan(FIRST)),
    }  # fmt: skip
    go_to(FIRST + timedelta(days=1))

    def next_day() -> None:
        closing.close_missed(FIRST + timedelta(days=1), clock.now())
        planning.plan(FIRST + timedelta(days=1))

    found["plan_next_day_s"] = timed(next_day)
    falling = list(BusinessEntity.objects.filter(credit_grade="B").values_list("pk", flat=True)[:FALLING])
    BusinessEntity.objects.filter(pk__in=falling).update(credit_grade="C")
    with connection.cursor() as cursor:
        cursor.execute(STANDS)
    found["replan_500_s"] = timed(lambda: planning.replan(falling, clock.now()))
    return found


def plain_copy() -> float:
    """Seconds to COPY the rows of the plan into a table like theirs, committed."""
    from django.db import connection, transaction

    from kernel.copying import copy_rows
    from patrols.models import PatrolTask

    columns = [field.column for field in PatrolTask._meta.concrete_fields]
    rows = list(PatrolTask.objects.order_by("pk").values_list(*columns))
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_tasks (LIKE patrols_patroltask INCLUDING ALL)")

    def copy() -> None:
        with transaction.atomic():
            copy_rows("bench_tasks", columns, rows)

    took = timed(copy)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bench_tasks")
    return took


def walks() -> float:
    from patrols.walking import Stop, order

    chance = random.Random(7)  # the same shops each time
    took = []
    for _ in range(WALKS):
        stops = [Stop(n, chance.uniform(116.70, 116.83), chance.uniform(36.13, 36.20)) for n in range(60)]
        took.append(timed(lambda some=stops: order(some)) * 1000)  # type: ignore[misc]
    return round(statistics.median(took), 1)


if __name__ == "__main__":
    main()
