"""`python -m bench.intake`: how many leads a second the product takes over HTTP.

Starts its own stack (embedded PostgreSQL and Redis with durable settings in a temporary home, two web
workers), has a light client post different leads, then lets two plain psycopg2 processes write the
same rows, one transaction a lead, on the same server. The last line is JSON:

    leads_per_s  answers 201 per second        p50_ms, p99_ms  time of one request, milliseconds
    statements   SQL statements of one report  raw_per_s       leads per second of the two raw writers
    ratio        leads_per_s / raw_per_s
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CATEGORIES = ("F03", "L02", "P01", "Q01", "S02", "D01", "A01", "X01")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=4000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="suoshe-bench-") as folder:
        os.environ |= {
            "SUOSHE_HOME": folder,
            "SUOSHE_DEBUG": "0",
            "DJANGO_SETTINGS_MODULE": "suoshe.settings.local",
        }
        os.environ.pop("DATABASE_URL", None)
        os.environ.pop("REDIS_URL", None)
        print(json.dumps(run(Path(folder), options)))


def run(home: Path, options: argparse.Namespace) -> dict[str, Any]:
    from suoshe import embedded

    with embedded.using(home, postgres=True, redis=True):
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        tokens, points = prepare()
        statements = count_statements(tokens, points)
        http = measure_http(home, options, tokens, points)
        raw = measure_raw(options)
    figures = {
        "leads_per_s": round(http["per_s"], 1),
        "p50_ms": round(http["p50"], 2),
        "p99_ms": round(http["p99"], 2),
        "statements": statements,
        "raw_per_s": round(raw, 1),
        "ratio": round(http["per_s"] / raw, 3),
    }
    return figures | {"leads": options.leads, "web_workers": options.workers, "failed": http["failed"]}


def prepare() -> tuple[list[str], list[tuple[float, float]]]:
    """The demo's world; a token and a place for each of the 21 grids' first workers."""
    from grids import demo
    from kernel import clock
    from tests.factories.accounts import token_for

    world = demo.build(at=clock.now(), stations=False)
    tokens = [token_for(world.worker(number)) for number in range(1, 22)]
    return tokens, [world.point_in(number) for number in range(1, 22)]


def body(number: int, points: Sequence[tuple[float, float]]) -> bytes:
    lon, lat = points[number % len(points)]
    step = (number % 997) * 1e-6
    return json.dumps(
        {
            "client_uid": str(uuid.uuid4()),
            "category": CATEGORIES[number % len(CATEGORIES)],
            "description": f"第 {number} 件：后厨卫生差，有异味",
            "location": {"lon": lon + step, "lat": lat + step, "crs": "wgs84", "accuracy_m": 8},
        }
    ).encode()


def count_statements(tokens: Sequence[str], points: Sequence[tuple[float, float]]) -> int:
    """SQL statements of one report besides BEGIN and COMMIT, as Django counts them, caches warm."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(SERVER_NAME="127.0.0.1")
    headers = {"Authorization": f"Bearer {tokens[0]}"}
    for number in range(2):
        with CaptureQueriesContext(connection) as seen:
            answer = client.post(
                "/api/v1/leads/", body(number, points), content_type="application/json", headers=headers
            )
        if answer.status_code != 201:
            raise SystemExit(f"a report was refused: {answer.content.decode()}")
    return sum(
        not q["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")) for q in seen.captured_queries
    )


# --- over HTTP -------------------------------------------------------------------------------------


def measure_http(
    home: Path, options: argparse.Namespace, tokens: Sequence[str], points: Sequence[tuple[float, float]]
) -> dict[str, float]:
    from suoshe.stack import processes
    from tests.stack import free_port

    port = free_port()
    command = processes.here(processes.web(host="127.0.0.1", port=port, workers=options.workers, threads=8))
    log = (home / "web.log").open("wb")
    env = dict(os.environ) | {"SUOSHE_PARENT": str(os.getpid())}
    web = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        wait_for(port)
        asyncio.run(post_all(port, 200, options.connections, tokens, points))  # warm-up
        return asyncio.run(post_all(port, options.leads, options.connections, tokens, points))
    finally:
        web.terminate()
        web.wait(30)
        log.close()


def wait_for(port: int) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/categories/", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the web server did not start")


async def post_all(
    port: int, leads: int, connections: int, tokens: Sequence[str], points: Sequence[tuple[float, float]]
) -> dict[str, float]:
    """Post `leads` different reports over `connections` kept-alive connections."""
    queue = [request(number, tokens, points) for number in range(leads)]
    times: list[float] = []
    failed = 0

    async def one_phone() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while queue:
            raw = queue.pop()
            began = time.perf_counter()
            writer.write(raw)
            failed += await status_of(reader) != 201
            times.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one_phone() for _ in range(connections)))
    took = time.perf_counter() - began
    quantiles = statistics.quantiles(times, n=100)
    return {
        "per_s": (leads - failed) / took,
        "p50": quantiles[49] * 1e3,
        "p99": quantiles[98] * 1e3,
        "failed": failed,
    }


def request(number: int, tokens: Sequence[str], points: Sequence[tuple[float, float]]) -> bytes:
    data = body(number, points)
    return (
        "POST /api/v1/leads/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {tokens[number % len(tokens)]}\r\nContent-Length: {len(data)}\r\n\r\n"
    ).encode() + data


async def status_of(reader: asyncio.StreamReader) -> int:
    """Read one answer whole; its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = 0
    chunked = False
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            length = int(value)
        chunked = chunked or (name.lower() == "transfer-encoding" and "chunked" in value)
    if chunked:
        while size := int((await reader.readline()).strip(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    elif length:
        await reader.readexactly(length)
    return int(head.split(" ", 2)[1])


# --- the same rows by plain psycopg2 ---------------------------------------------------------------


def measure_raw(options: argparse.Namespace) -> float:
    """Two processes, each its half of the leads, the same rows in one transaction a lead."""
    share = options.leads // 2
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        took = pool.starmap(write_raw, [(share, 0), (share, 1)])
    return share * 2 / max(took)


def write_raw(leads: int, half: int) -> float:
    """Copy rows of leads that came over HTTP, with numbers of their own. Seconds for all of them."""
    import psycopg2

    connection = psycopg2.connect(dsn())
    prepared = prepare_raw(connection, leads, half)
    cursor = connection.cursor()
    began = time.perf_counter()
    for statements in prepared:
        for sql, values in statements:
            cursor.execute(sql, values)
        connection.commit()
    took = time.perf_counter() - began
    connection.close()
    return took


def dsn() -> str:
    from suoshe import embedded

    return embedded.database_url().replace("postgres://", "postgresql://")


def prepare_raw(connection: Any, leads: int, half: int) -> list[list[tuple[str, list[Any]]]]:
    """The INSERTs of each lead, one a table, made before the clock starts."""
    from psycopg2.extras import Json, register_uuid

    register_uuid()
    cursor = connection.cursor()
    cursor.execute("SELECT id FROM leads_lead ORDER BY id LIMIT %s", [leads])
    sources = [row[0] for row in cursor.fetchall()]
    wanted = {
        "leads_lead": ("id = %s", ()),
        "deadlines_deadline": ("subject_kind = 'lead' AND subject_id = %s", ("id",)),
        "leads_signature": ("lead_id = %s", ("id",)),
        "journal_entry": ("stream = 'lead:' || %s", ("id", "seq", "prev_hash", "hash")),
        "notices_outboxmessage": ("subject_kind = 'lead' AND subject_id = %s", ("id",)),
    }
    made = []
    for step in range(leads):
        source, new_id = sources[step % len(sources)], 10_000_000 + step * 2 + half
        statements = []
        for table, (where, left_out) in wanted.items():
            cursor.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY id", [source])
            names = [c.name for c in cursor.description]
            kept = [i for i, name in enumerate(names) if name not in left_out]
            rows = [[_renumbered(names[i], row[i], new_id) for i in kept] for row in cursor.fetchall()]
            one = "(" + ", ".join(["%s"] * len(kept)) + ")"
            columns = ", ".join(f'"{names[i]}"' for i in kept)
            values = [Json(v) if isinstance(v, dict) else v for row in rows for v in row]
            statements.append(
                (f"INSERT INTO {table} ({columns}) VALUES {', '.join([one] * len(rows))}", values)
            )
        made.append(statements)
    connection.commit()
    return made


def _renumbered(name: str, value: Any, new_id: int) -> Any:
    """The value of a column in the copy: what names the lead names the new one."""
    if name in ("id", "lead_id", "subject_id"):
        return new_id
    if name == "client_uid":
        return uuid.uuid4()
    if name == "number":
        return f"XS-RAW-{new_id}"
    if name == "stream":
        return f"lead:{new_id}"
    if name == "dedupe_key":
        return f"raw:{new_id}:{value}"[:160]
    return value


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
