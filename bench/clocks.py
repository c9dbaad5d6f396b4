"""`python -m bench.clocks`: how fast clocks fire, and what an empty sweep costs (DESIGN.md §4, §12).

Starts a PostgreSQL of its own in a temporary home, with the product's durable settings; loads ten
million clocks of which one million run; then lets the product's own sweep and handlers work on real
leads. Two drivers sweep side by side, as in the product (the loop, and Celery). The last line is JSON:

    empty_sweep_ms_median, empty_sweep_ms_p99   one sweep that finds nothing due
    fired_per_s    clocks whose handler only tells people (催办 at 80 %)
    singly_per_s   the same with digests switched off: each person told each thing by a row of its own
    orders_per_s   breaches that raise a supervision order with its two acknowledgement clocks
    floor_per_s    a bare INSERT … SELECT of the events and outbox rows that `fired_per_s` wrote
    ratio          fired_per_s / floor_per_s
    catch_up_s     `--due` clocks of the telling kind due at once
    lag_ms_p99     due time to commit, 2,000 clocks coming due over ten seconds beside `manage.py clock`
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DRIVERS = 2
LOADING = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "'16GB'"}
MEASURING = {"track_commit_timestamp": "on"}
MILLION = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10 * MILLION, help="clocks in all")
    parser.add_argument("--running", type=int, default=MILLION, help="those that run")
    parser.add_argument("--fired", type=int, default=200_000, help="clocks of the telling kind to fire")
    parser.add_argument("--orders", type=int, default=60_000, help="breaches that raise an order")
    parser.add_argument("--due", type=int, default=MILLION, help="clocks due at once")
    options = parser.parse_args()
    for name in ("fired", "orders", "due"):
        setattr(options, name, min(getattr(options, name), options.running))
    with tempfile.TemporaryDirectory(prefix="suoshe-bench-") as folder:
        os.environ |= {
            "SUOSHE_HOME": folder,
            "SUOSHE_DEBUG": "0",
            "DJANGO_SETTINGS_MODULE": "suoshe.settings.local",
        }
        os.environ.pop("DATABASE_URL", None)
        print(json.dumps(run(Path(folder), options)))


def run(home: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Load, then measure; the figures."""
    from suoshe import embedded

    leads = max(200, options.running // 10)
    with embedded.using(home, tuning=LOADING):
        import django

        django.setup()
        first = load(options, leads)
    os.sync()
    with embedded.using(home, tuning=MEASURING):
        bench = Bench(options, first, leads)
        try:
            return bench.figures()
        finally:
            say("done")


def load(options: argparse.Namespace, leads: int) -> int:
    """Migrate and load; the first lead's id."""
    from django.core.management import call_command
    from django.db import connections

    from bench import clock_rows

    call_command("migrate", verbosity=0)
    say("the world and its leads")
    first = clock_rows.world(leads, past=options.rows // 10 + 1)
    say(f"{options.rows:,} clocks")
    clock_rows.clocks(first=first, leads=leads, rows=options.rows, running=options.running)
    connections.close_all()
    return first


class Bench:
    """The measurements, in their order. Each checks that every clock fired once and none was poison."""

    def __init__(self, options: argparse.Namespace, first: int, leads: int) -> None:
        self.options, self.first, self.leads = options, first, leads
        self.cycles = options.running // leads + 1

    def figures(self) -> dict[str, Any]:
        median, p99 = self.empty()
        lag = self.lag()
        fired, floor = self.fired(), self.floor()
        singly = self.singly()
        orders = self.orders()
        catch_up = self.catch_up()
        return {
            "empty_sweep_ms_median": round(median, 3),
            "empty_sweep_ms_p99": round(p99, 3),
            "fired_per_s": round(fired),
            "orders_per_s": round(orders),
            "floor_per_s": round(floor),
            "ratio": round(fired / floor, 3),
            "catch_up_s": round(catch_up, 1),
            "lag_ms_p99": round(lag, 1),
            "singly_per_s": round(singly),
            "rows": self.options.rows,
            "running": self.options.running,
            "due_at_once": self.options.due,
            "drivers": DRIVERS,
        }

    def empty(self) -> tuple[float, float]:
        """Milliseconds of a sweep that finds nothing: median and 99th percentile of 1,000."""
        from kernel.deadlines.sweep import sweep

        say("empty sweeps")
        took = []
        for _ in range(1_050):
            began = time.perf_counter()
            if sweep():
                raise SystemExit("a sweep that should be empty fired")
            took.append((time.perf_counter() - began) * 1000)
        took = took[50:]
        return statistics.median(took), statistics.quantiles(took, n=100)[98]

    def lag(self) -> float:
        """Milliseconds from due time to commit, 99th percentile, with `manage.py clock` alone."""
        from bench import clock_rows

        say("clocks coming due beside manage.py clock")
        count = min(2_000, self.leads)
        process = subprocess.Popen(
            [sys.executable, "manage.py", "clock"], cwd=ROOT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            self.wait_for("SELECT count(*) FROM deadlines_heartbeat", 1)
            ahead = 1 + self.options.rows / MILLION
            clock_rows.coming_due(
                first=self.first, leads=self.leads, rows=count, cycle=1, ahead_s=ahead, over_s=count / 200
            )
            self.wait_for("SELECT count(*) FROM deadlines_event", count)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        return self.ask(
            "SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY"
            " EXTRACT(epoch FROM pg_xact_commit_timestamp(xmin) - due_at) * 1000) FROM deadlines_event"
        )

    def fired(self) -> float:
        """Clocks of the telling kind a second."""
        return self.fire("feedback_80", "feedback", self.options.fired, cycle=1)

    def singly(self) -> float:
        """The same, each person told each thing by a row of its own."""
        from leads import clock_notices

        before, clock_notices.DIGEST_ABOVE = clock_notices.DIGEST_ABOVE, 2**31
        try:
            return self.fire("owner_respond_80", "feedback", max(1, self.options.fired // 4), cycle=1)
        finally:
            clock_notices.DIGEST_ABOVE = before

    def orders(self) -> float:
        """Breaches that raise an order a second."""
        rate = self.fire("respond", "", self.options.orders, cycle=1)
        if self.ask("SELECT count(*) FROM leads_supervisionorder") != self.options.orders:
            raise SystemExit("not every breach raised its order")
        if self.ask("SELECT count(*) FROM deadlines_deadline WHERE subject_kind = 'order'") != (
            2 * self.options.orders
        ):
            raise SystemExit("not every order has its two clocks")
        return rate

    def catch_up(self) -> float:
        """Seconds until `--due` clocks that were due at once have fired."""
        count = self.options.due
        return count / self.fire("respond_80", "feedback", count, cycle=self.cycles, parent_cycle=True)

    def fire(self, kind: str, parent: str, count: int, *, cycle: int, parent_cycle: bool = False) -> float:
        """Make `count` clocks due, let the drivers fire them; clocks a second."""
        from bench import clock_rows
        from kernel.deadlines.sweep import Driver

        clock_rows.run("CHECKPOINT")
        if parent_cycle:  # fresh parents: those of the first cycles have a warning of this kind already
            clock_rows.run(clock_rows.RUNNING, first=self.first, leads=self.leads, rows=count, cycle=cycle)
        clock_rows.due(first=self.first, leads=self.leads, rows=count, kind=kind, parent=parent, cycle=cycle)
        clock_rows.run("ANALYZE deadlines_deadline")
        say(f"{count:,} clocks of {kind}")
        before = self.ask("SELECT count(*) FROM deadlines_event")
        began = time.perf_counter()
        took = clock_rows.at_once([Driver(f"driver-{number}").tick for number in range(DRIVERS)])
        elapsed = time.perf_counter() - began
        fired = self.ask("SELECT count(*) FROM deadlines_event") - before
        if sum(took) != count or fired != count or self.ask("SELECT count(*) FROM deadlines_poisonrow"):
            raise SystemExit(f"of {count} clocks {sum(took)} were taken and {fired} fired")
        return count / elapsed

    def floor(self) -> float:
        """Events a second when nothing is done but to write the same rows, in batches of the same size."""
        from bench import clock_rows
        from kernel.deadlines.sweep import BATCH

        count = self.options.fired
        say(f"the floor: {count:,} events and their outbox rows")
        told = self.ask("SELECT count(*) FROM notices_outboxmessage WHERE params->>'stage' = 'feedback_80'"
                        " OR template = 'leads.digest'")  # fmt: skip
        if self.options.rows - self.options.running < count:
            raise SystemExit("too few old clocks for the floor")
        lowest = self.ask("SELECT min(id) FROM deadlines_deadline")
        parts = [
            partial(self.write, range(start, count, BATCH * DRIVERS), lowest, told / count)
            for start in range(0, min(count, BATCH * DRIVERS), BATCH)
        ]
        clock_rows.run("CHECKPOINT")
        began = time.perf_counter()
        clock_rows.at_once(parts)
        return count / (time.perf_counter() - began)

    def write(self, starts: range, lowest: int, told_per_event: float) -> None:
        """The floor's share of one driver: each batch in a transaction of its own."""
        from django.db import connection, transaction

        from kernel.deadlines.sweep import BATCH

        for start in starts:
            size = min(BATCH, self.options.fired - start)
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(FLOOR_EVENTS, [lowest + start, lowest + start + size])
                told = round((start + size) * told_per_event) - round(start * told_per_event)
                cursor.execute(FLOOR_TOLD, [round(start * told_per_event), told])

    def ask(self, sql: str) -> Any:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    def wait_for(self, sql: str, count: int, *, within_s: float = 120) -> None:
        until = time.monotonic() + within_s
        while self.ask(sql) < count:
            if time.monotonic() > until:
                raise SystemExit(f"waited in vain for {count}: {sql}")
            time.sleep(0.2)


FLOOR_EVENTS = """
INSERT INTO deadlines_event (deadline_id, subject_kind, subject_id, kind, cycle, due_at, recorded_at)
SELECT id, subject_kind, subject_id, kind, cycle, due_at, statement_timestamp()
  FROM deadlines_deadline WHERE id >= %s AND id < %s
"""
FLOOR_TOLD = """
INSERT INTO notices_outboxmessage
       (dedupe_key, recipient_id, template, params, subject_kind, subject_id, created_at, available_at, state)
SELECT 'floor:' || dedupe_key, recipient_id, template, params, subject_kind, subject_id, created_at,
       available_at, state
  FROM notices_outboxmessage WHERE dedupe_key LIKE 'event:%%' ORDER BY id OFFSET %s LIMIT %s
"""


def say(what: str) -> None:
    print(f"bench.clocks {time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
