"""`python -m bench.register`: reading a file into the register, and finding a business as one types.

Starts a PostgreSQL of its own in a temporary home, loads a million invented businesses, then, with the
product's durable settings: brings files of 11,000 new rows in over the API (tried first, then carried
out), and asks for pieces of names, addresses, operators and codes as the bureau, an office and a grid
worker. The last line is JSON:

    import_rows_per_s   rows of the carried-out request a second, all of it: reading, checks, journal
    copy_rows_per_s     the same rows by a plain COPY into a bare table; ratio = import / copy
    search_ms_p50, search_ms_p95   the product's search and the first 20 rows, milliseconds
    scan_ms_p95         the same words by icontains without an index; gain = scan / search (at p95)
    try_rows_per_s, again_rows_per_s   the dry run, and the same file once more (nothing changes)
    settle_s            moving the new rows into the search index proper, by a worker
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOADING = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "'16GB'",
    "maintenance_work_mem": "'1GB'",
}
MILLION = 1_000_000
CHUNK = 50_000
PATH = "/api/v1/entities/import/"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=MILLION, help="businesses to search among")
    parser.add_argument("--rows", type=int, default=11_000, help="rows of one file")
    parser.add_argument("--files", type=int, default=3, help="files; the median counts")
    parser.add_argument("--searches", type=int, default=600)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="suoshe-bench-") as folder:
        os.environ |= {
            "SUOSHE_HOME": folder,
            "SUOSHE_DEBUG": "0",
            "SUOSHE_MEDIA_ROOT": f"{folder}/media",
            "DJANGO_SETTINGS_MODULE": "suoshe.settings.local",
        }
        os.environ.pop("DATABASE_URL", None)
        print(json.dumps(run(Path(folder), options)))


def run(home: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Load, then measure; the figures."""
    from suoshe import embedded

    with embedded.using(home, tuning=LOADING):
        import django

        django.setup()
        load(options.entities)
    os.sync()
    with embedded.using(home):
        figures = imports(options)
        return figures | searches(options) | {"entities": options.entities, "rows": options.rows}


def load(entities: int) -> None:
    from django.core.management import call_command
    from django.db import connection, connections, transaction

    from bench.register_rows import COPIED, shops
    from grids import demo
    from grids.models import BusinessEntity
    from kernel import clock
    from kernel.copying import copy_rows

    call_command("migrate", verbosity=0)
    with transaction.atomic():
        world = demo.build(at=clock.now(), stations=False)
    grids = [grid.pk for grid in world.grids]
    (index,) = (one for one in BusinessEntity._meta.indexes if one.name == "grids_entity_by_grams")
    with connection.schema_editor() as editor:
        editor.remove_index(BusinessEntity, index)
    made = shops(entities)
    for start in range(0, entities, CHUNK):
        rows = (next(made) for _ in range(min(CHUNK, entities - start)))
        copy_rows(
            BusinessEntity._meta.db_table,
            COPIED,
            (
                (
                    f"B{row['number']:08d}", row["name"], row["uscc"], "INDIVIDUAL", ["CATERING"],
                    row["operator"], grids[row["grid"]], "POINT", row["address"], row["lon"], row["lat"],
                )
                for row in rows
            ),
        )  # fmt: skip
        say(f"{start + CHUNK:,} rows")
    with connection.schema_editor() as editor:
        editor.add_index(BusinessEntity, index)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    connections.close_all()


# --- bringing in -----------------------------------------------------------------------------------


def imports(options: argparse.Namespace) -> dict[str, Any]:
    from django.test import Client

    from bench.register_rows import csv_file, shops
    from grids import importing
    from kernel.accounts.models import User
    from tests.factories.accounts import token_for

    token = token_for(User.objects.get(username="bureau"))
    client = Client(SERVER_NAME="127.0.0.1", headers={"Authorization": f"Bearer {token}"})
    tried, carried, again, copied = [], [], [], []
    for number in range(options.files):
        first = 10 * MILLION + number * options.rows
        content = csv_file(shops(options.rows, first=first, seed=first))
        tried.append(options.rows / bring(client, content, True, created=options.rows))
        carried.append(options.rows / bring(client, content, False, created=options.rows))
        again.append(options.rows / bring(client, content, False, unchanged=options.rows))
        copied.append(options.rows / plain_copy(first, options.rows))
        say(f"file {number + 1}: {carried[-1]:,.0f} rows a second")
    settle = timed(importing.settle_search)
    import_rows, copy_rows = statistics.median(carried), statistics.median(copied)
    return {
        "import_rows_per_s": round(import_rows),
        "copy_rows_per_s": round(copy_rows),
        "ratio": round(import_rows / copy_rows, 3),
        "try_rows_per_s": round(statistics.median(tried)),
        "again_rows_per_s": round(statistics.median(again)),
        "settle_s": round(settle, 2),
    }


def bring(client: Any, content: bytes, dry_run: bool, **expected: int) -> float:
    """One request; its seconds."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    body = {"file": SimpleUploadedFile("register.csv", content), "dry_run": str(dry_run).lower()}
    began = time.perf_counter()
    answer = client.post(PATH, body)
    took = time.perf_counter() - began
    told = answer.json()
    if answer.status_code != 200 or told["errors"] or any(told[name] != n for name, n in expected.items()):
        raise SystemExit(f"the file was refused: {answer.content.decode()[:500]}")
    return took


def plain_copy(first: int, count: int) -> float:
    """Seconds to COPY the rows of one file into a bare table, committed."""
    from django.db import connection, transaction

    from grids.importing_rows import FIELDS
    from kernel.copying import copy_rows

    listed = ", ".join(FIELDS)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_copy")
        cursor.execute(f"CREATE TABLE bench_copy AS SELECT {listed} FROM grids_businessentity LIMIT 0")
        cursor.execute(f"SELECT {listed} FROM grids_businessentity ORDER BY id DESC LIMIT %s", [count])
        rows = cursor.fetchall()
    began = time.perf_counter()
    with transaction.atomic():
        copy_rows("bench_copy", FIELDS, rows)
    return time.perf_counter() - began


# --- finding ---------------------------------------------------------------------------------------


def searches(options: argparse.Namespace) -> dict[str, Any]:
    from grids import search
    from grids.models import BusinessEntity
    from kernel.accounts.models import User

    words = pieces(options)
    people = ["bureau", "office-01", "worker-01-1", "worker-21-1", "community-03"]

    def ask(number: int) -> None:
        user = User.objects.get(username=people[number % len(people)])
        rows = BusinessEntity.objects.visible_to(user).select_related("grid")
        ids = search.best(rows, words[number])[:20]
        list(rows.filter(pk__in=ids))

    for number in range(min(20, len(words))):
        ask(number)
    took = [timed(ask, number) * 1e3 for number in range(len(words))]
    scans = [timed(scan, word) * 1e3 for word in words[: max(5, len(words) // 20)]]
    quantiles = statistics.quantiles(took, n=100)
    return {
        "search_ms_p50": round(quantiles[49], 2),
        "search_ms_p95": round(quantiles[94], 2),
        "search_ms_max": round(max(took), 2),
        "scan_ms_p95": round(statistics.quantiles(scans, n=100)[94], 1),
        "gain": round(statistics.quantiles(scans, n=100)[94] / quantiles[94], 1),
    }


def pieces(options: argparse.Namespace) -> list[str]:
    """What people type: one, two, three letters and more, from the beginning or from within."""
    from bench.register_rows import shops

    dice = random.Random(7)
    made = []
    for row in shops(options.searches, seed=1):
        text = dice.choice((row["name"], row["name"], row["address"], row["operator"], row["uscc"]))
        length = dice.choice((1, 2, 2, 3, 4, 6, 20))
        start = 0 if dice.random() < 0.5 else dice.randrange(len(text))
        made.append(text[start : start + length])
    return made


def scan(word: str) -> None:
    """The first 20 by icontains, the index left aside."""
    from django.db.models import Q

    from grids.models import BusinessEntity

    held = Q()
    for name in ("name", "uscc", "address", "operator_name"):
        held |= Q(**{f"{name}__icontains": word})
    list(BusinessEntity.objects.filter(held).order_by("-id")[:20])


def timed(act: Callable[..., object], *args: Any) -> float:
    began = time.perf_counter()
    act(*args)
    return time.perf_counter() - began


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
