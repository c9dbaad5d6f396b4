"""`python -m bench.credit`: how fast businesses are graded (DESIGN.md §8, §12).

Starts a PostgreSQL of its own in a temporary home, with the product's durable settings, loads businesses with
20 facts each (not timed), and grades the whole register as the product does at night: two connections side by
side. Every figure is of a first grading, which writes a standing, an assessment and a grade for each;
`again_…` is the next night's, in which one in a hundred has a new fact. The last line is JSON:

    regrade_11k_s, regrade_1m_s   seconds; the median of five, and one
    entities_per_s                of the larger
    again_11k_s, again_1m_s       seconds of the next night's
    cpu_11k_s, cpu_1m_s           processor seconds of the grader and its server: what others do on the
                                  machine hardly counts here, and 2 cores need at least half of it
    peak_mib                      what the grader and its server processes held at most, shared buffers apart
    pure_per_s                    the pure function on one core, over a sample: facts read, then scored
    ratio                         entities_per_s / pure_per_s
    event_to_grade_s              a fact is told until its business stands in another grade, by a real worker
                                  and beat: median of twenty, and `event_to_grade_max_s`
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOADING = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "'16GB'"}
FEW, MANY = 11_000, 1_000_000
SAMPLE = 2_000
EVENTS = 20
MIB = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--small", action="store_true", help="1,100 and 5,500 businesses: does it run?")
    options = parser.parse_args()
    sizes = (FEW // 10, FEW // 2) if options.small else (FEW, MANY)
    with tempfile.TemporaryDirectory(prefix="suoshe-bench-") as folder:
        os.environ |= {
            "SUOSHE_HOME": folder,
            "SUOSHE_DEBUG": "0",
            "DJANGO_SETTINGS_MODULE": "suoshe.settings.local",
        }
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        print(json.dumps(run(Path(folder), *sizes)))


def run(home: Path, few: int, many: int) -> dict[str, Any]:
    """Load, measure, load more, measure; the figures."""
    from suoshe import embedded

    with embedded.using(home, tuning=LOADING):
        import django

        django.setup()
        prepare()
        build(few)
    with embedded.using(home):
        small = [graded(home) for _ in range(5)]
        small_again = graded_again(home)
        forget_grades()
        event = event_to_grade(home)
    with embedded.using(home, tuning=LOADING):
        build(many - few)
    os.sync()
    with embedded.using(home):
        large = graded(home, clear=False)
        large_again = graded_again(home)
        pure = pure_per_s()
    per_s = many / large.seconds
    return {
        "regrade_11k_s": round(statistics.median(one.seconds for one in small), 3),
        "regrade_1m_s": round(large.seconds, 2),
        "entities_per_s": round(per_s),
        "peak_mib": round(max(large.peak_mib, large_again.peak_mib)),
        "event_to_grade_s": round(statistics.median(event), 3),
        "event_to_grade_max_s": round(max(event), 3),
        "cpu_11k_s": round(statistics.median(one.cpu_s for one in small), 3),
        "cpu_1m_s": round(large.cpu_s, 1),
        "again_11k_s": round(small_again.seconds, 3),
        "again_1m_s": round(large_again.seconds, 2),
        "pure_per_s": round(pure),
        "ratio": round(per_s / pure, 2),
        "few": few,
        "many": many,
    }


def prepare() -> None:
    """The schema, and the demo's world for grids and people."""
    from django.core.management import call_command

    from grids import demo
    from kernel import clock

    call_command("migrate", verbosity=0)
    demo.build(at=clock.now())


def build(count: int) -> None:
    from django.db import connections

    from bench import credit_rows

    say(f"{count:,} businesses with their facts")
    credit_rows.build(count)
    connections.close_all()


# --- grading the whole register --------------------------------------------------------------------


class Graded:
    """One grading of the whole register."""

    def __init__(self, seconds: float, cpu_s: float, peak_mib: float) -> None:
        self.seconds, self.cpu_s, self.peak_mib = seconds, cpu_s, peak_mib


def graded(home: Path, *, clear: bool = True) -> Graded:
    """Grade everybody for the first time; every standing, assessment and grade is written and agrees."""
    from bench import credit_rows

    if clear:
        forget_grades()
    credit_rows.run("CHECKPOINT")
    one = timed(home)
    entities = credit_rows.ask("SELECT count(*) FROM grids_businessentity")
    agree = credit_rows.ask(
        "SELECT count(*) FROM grids_businessentity e JOIN credit_creditstanding s ON s.entity_id = e.id"
        " WHERE e.credit_grade = s.effective_grade AND EXISTS"
        " (SELECT 1 FROM credit_creditassessment a WHERE a.entity_id = e.id AND a.total = s.total)"
    )
    if agree != entities:
        raise SystemExit(f"of {entities} businesses {agree} were graded")
    return one


def graded_again(home: Path) -> Graded:
    """The next night: one in a hundred has a new fact, and that is what is written."""
    from bench import credit_rows

    before = credit_rows.ask("SELECT count(*) FROM credit_creditassessment")
    credit_rows.run(credit_rows.NEWS)
    credit_rows.run("CHECKPOINT")
    one = timed(home)
    new = credit_rows.ask("SELECT count(*) FROM credit_creditfact WHERE source LIKE 'news:%%'")
    written = credit_rows.ask("SELECT count(*) FROM credit_creditassessment") - before
    if not 0 < written <= new:
        raise SystemExit(f"{new} new facts, and {written} assessments")
    return one


def timed(home: Path) -> Graded:
    from credit import grading_runs

    with memory_watched(home) as peak:
        cpu, began = processor_s(home), time.perf_counter()
        done = grading_runs.regrade_all()
        took = time.perf_counter() - began
        cpu = processor_s(home) - cpu
    say(f"{done.entities:,} graded, {done.moved:,} moved, {took:.2f} s, cpu {cpu:.2f} s, {max(peak):.0f} MiB")
    return Graded(took, cpu, max(peak))


def forget_grades() -> None:
    """Back to before the first grading: the tables that refuse it let the bench alone."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for table in ("credit_creditstanding", "credit_creditassessment", "notices_outboxmessage"):
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("DELETE FROM credit_creditfact WHERE source LIKE 'news:%'")
        cursor.execute("UPDATE grids_businessentity SET credit_grade = NULL")
        cursor.execute("SET session_replication_role = origin")
        for table in ("credit_creditstanding", "credit_creditassessment", "grids_businessentity"):
            cursor.execute(f"VACUUM FULL ANALYZE {table}")


@contextmanager
def memory_watched(home: Path) -> Iterator[list[float]]:
    """MiB of private memory of this process and of the server's, sampled; the list grows."""
    seen, over = [memory(home)], threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            seen.append(memory(home))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def memory(home: Path) -> float:
    return sum(private_kib(pid) for pid in (os.getpid(), *servers(home))) / MIB


def processor_s(home: Path) -> float:
    """Processor seconds so far of this process and of the server's, also of those that have ended."""
    from suoshe import embedded

    ticks = os.sysconf("SC_CLK_TCK")
    ended = stat_of(embedded.postgres_pid(home))[13:15]
    living = [field for pid in servers(home) for field in stat_of(pid)[11:13]]
    return time.process_time() + sum(map(int, ended + living)) / ticks


def servers(home: Path) -> list[int]:
    """The processes of the server: children of the first."""
    from suoshe import embedded

    postmaster = str(embedded.postgres_pid(home))
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in numbers if stat_of(pid)[1:2] == [postmaster]]


def stat_of(pid: int | None) -> list[str]:
    """What the kernel tells of a process after its name: state, parent … ; nothing of one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def private_kib(pid: int) -> int:
    """Anonymous memory: what the process holds beside shared buffers and programs."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


# --- beside it: the pure function ------------------------------------------------------------------


def pure_per_s() -> float:
    """Businesses a second when their facts are read and scored one by one, on one core."""
    from credit import schemes_in_force
    from credit.facts import Fact
    from credit.models import CreditFact
    from credit.scoring import score
    from credit.scoring_sql import score_many
    from grids.models import BusinessEntity
    from kernel import clock

    ids = list(BusinessEntity.objects.order_by("pk").values_list("pk", flat=True)[:SAMPLE])
    on, (_, scheme) = clock.today(), schemes_in_force.newest()
    wanted = {row.entity_id: row.total for row in score_many(ids, scheme, on=on)}
    columns = ("kind", "level", "ref", "at", "happened_on", "until", "source", "id")
    began = time.perf_counter()
    filed = dict(BusinessEntity.objects.filter(pk__in=ids).values_list("pk", "filed_on"))
    facts: dict[int, list[Fact]] = defaultdict(list)
    for entity_id, *values in CreditFact.objects.filter(entity_id__in=ids).values_list("entity_id", *columns):
        facts[entity_id].append(Fact(*values))
    found = {number: score(facts[number], scheme, on=on, filed_on=filed[number]).total for number in ids}
    took = time.perf_counter() - began
    if found != wanted:
        raise SystemExit("the two evaluators do not agree")
    return len(ids) / took


# --- from the event to the grade ---------------------------------------------------------------------


def event_to_grade(home: Path) -> list[float]:
    """Seconds from a fact's commit until its business is seen in another grade, with worker and beat."""
    from django.db import connections

    from suoshe import embedded
    from suoshe.stack import processes

    say("a worker, beat, and facts that are told one by one")
    env = dict(os.environ) | {"SUOSHE_PARENT": str(os.getpid()), "CELERY_SKIP_CHECKS": "1"}
    commands = [processes.worker(), processes.beat(schedule=str(home / "beat"))]
    with embedded.using(home, redis=True), (home / "celery.log").open("wb") as log:
        running = [
            subprocess.Popen(processes.here(one), cwd=ROOT, env=env, stdout=log, stderr=log)
            for one in commands
        ]
        try:
            grade_everybody()
            tell_and_wait(0, within_s=120)  # until both are up
            return [tell_and_wait(number) for number in range(1, EVENTS + 1)]
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(60)
            connections.close_all()


def grade_everybody() -> None:
    from credit import grading_runs

    grading_runs.regrade_all()


def tell_and_wait(number: int, *, within_s: float = 30) -> float:
    """List one business of A or B; seconds until it stands in D."""
    from django.db import transaction

    from credit.ledger import NewFact, record
    from credit.models import CreditStanding
    from kernel import clock

    standings = CreditStanding.objects.filter(effective_grade__in=["A", "B"])
    shop = standings.order_by("pk").values_list("pk", flat=True)[number]
    time.sleep(0.37)  # not in step with beat
    with transaction.atomic():
        record(NewFact(shop, "BLACKLISTED", f"bench:{shop}", clock.now(), f"bench:{shop}", "LISTED"))
    began = time.perf_counter()
    while not CreditStanding.objects.filter(pk=shop, effective_grade="D").exists():
        if time.perf_counter() - began > within_s:
            raise SystemExit(f"waited {within_s:g} s in vain for a grade")
        time.sleep(0.005)
    return time.perf_counter() - began


def say(what: str) -> None:
    print(f"bench.credit {time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
