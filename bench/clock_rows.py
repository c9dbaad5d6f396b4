"""Rows for `bench.clocks`, made set-based: real leads in the demo world, clocks of any age.

Every row satisfies the constraints of the product's own tables. Only the unique constraint is built
after the ten million rows, since that is quicker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.db import connection, connections

from grids import demo
from kernel import clock

LEADS = """
INSERT INTO leads_lead (
    number, client_uid, content_digest, state, version, round, owner_cycle, category_id, severity, food,
    description, crs_in, grid_id, office_id, assignee_id, reported_by_id, told_by_citizen, fixed_on_spot,
    routing_reason, boundary_match, facts, flags, discovered_at, reported_at, dispatched_at, respond_plan,
    respond_note, control_note, verify_method, verify_note, verified_in_stead, closing_digest,
    respond_due_at, feedback_due_at, feedback_strict_due_at, closing_due_at)
SELECT 'B' || lpad(n::text, 9, '0'), gen_random_uuid(), repeat('0', 64), 'dispatched', 1, 1, 1, 'L02',
       'MODERATE', false, '执照没有挂在墙上', '', g.id, g.office_id, g.commissioner_id, g.worker_id, false,
       false, '位于网格界内，派给本网格专员。', 'inside', '{}', '{}', kernel_now() - interval '1 day',
       kernel_now() - interval '1 day', kernel_now() - interval '1 day', '', '', '', '', '', false, '',
       kernel_now() + interval '30 days', kernel_now() + interval '30 days',
       kernel_now() + interval '30 days', kernel_now() + interval '31 days'
  FROM generate_series(1, %(leads)s) n
  JOIN (SELECT row_number() OVER (ORDER BY g.id) - 1 AS turn, count(*) OVER () AS grids, g.id, g.office_id,
               (SELECT min(p.user_id) FROM grids_posting p WHERE p.grid_id = g.id AND p.role = 'COMMISSIONER')
                   AS commissioner_id,
               (SELECT min(p.user_id) FROM grids_posting p WHERE p.grid_id = g.id AND p.role = 'GRID_WORKER')
                   AS worker_id
          FROM grids_grid g) g ON g.turn = n %% g.grids
"""

# Old clocks, met or cancelled in time: ten of each of the leads of past years (which are not loaded).
OLD = """
INSERT INTO deadlines_deadline
       (subject_kind, subject_id, kind, cycle, parent_kind, state, armed_at, due_at, closed_at)
SELECT 'lead', 1 + n / 10,
       (ARRAY['respond', 'respond_80', 'feedback', 'feedback_80', 'verify', 'verify_stead'])
           [1 + n %% 10 %% 6],
       1 + n %% 10 / 6, (ARRAY['', 'respond', '', 'feedback', '', ''])[1 + n %% 10 %% 6],
       CASE WHEN n %% 2 = 0 THEN 'met' ELSE 'cancelled' END,
       began, began + interval '1 day', began + interval '20 hours'
  FROM generate_series(%(start)s::bigint, %(stop)s::bigint - 1) n
 CROSS JOIN LATERAL (SELECT %(at)s::timestamptz - interval '400 days' + n * interval '3 s' AS began) b
"""

# Running clocks that none of the measurements makes due: between one and thirty days ahead.
RUNNING = """
INSERT INTO deadlines_deadline (subject_kind, subject_id, kind, cycle, armed_at, due_at)
SELECT 'lead', %(first)s + n %% %(leads)s, 'feedback', %(cycle)s + n / %(leads)s, kernel_now(),
       kernel_now() + interval '1 day' + n * (interval '29 days' / %(rows)s)
  FROM generate_series(0, %(rows)s - 1) n
"""

# Clocks of one kind that came due in the last minute (or come due over `over`), oldest first.
DUE = """
INSERT INTO deadlines_deadline (subject_kind, subject_id, kind, cycle, parent_kind, armed_at, due_at)
SELECT 'lead', %(first)s + n %% %(leads)s, %(kind)s, %(cycle)s + n / %(leads)s, %(parent)s,
       kernel_now() - interval '1 day',
       statement_timestamp() + %(starting)s + n * (%(over)s::interval / %(rows)s)
  FROM generate_series(0, %(rows)s - 1) n
"""

UNIQUE = "deadlines_deadline_one_a_cycle"
UNIQUE_COLUMNS = "subject_kind, subject_id, kind, cycle"


def run(sql: str, **params: Any) -> None:
    """Run one statement in a transaction of its own."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def world(leads: int, past: int) -> int:
    """The demo world and `leads` leads in its grids, numbered after `past` others; the first one's id."""
    demo.build(at=clock.now(), stations=False)
    run("SELECT setval('leads_lead_id_seq', %(past)s)", past=past)
    run(LEADS, leads=leads)
    run("ANALYZE leads_lead")
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id) FROM leads_lead")
        first: int = cursor.fetchone()[0]
    return first


def clocks(*, first: int, leads: int, rows: int, running: int) -> None:
    """`rows` clocks of which `running` run, none of them due within a day; indexed and vacuumed."""
    run(f"ALTER TABLE deadlines_deadline DROP CONSTRAINT {UNIQUE}")
    old, at = rows - running, clock.now()
    halves = [(0, old // 2), (old // 2, old)]
    at_once([partial(run, OLD, start=start, stop=stop, at=at) for start, stop in halves])
    run(RUNNING, first=first, leads=leads, rows=running, cycle=1)
    run("SET maintenance_work_mem = '1GB'")
    run(f"ALTER TABLE deadlines_deadline ADD CONSTRAINT {UNIQUE} UNIQUE ({UNIQUE_COLUMNS})")
    run("VACUUM (ANALYZE) deadlines_deadline")


def due(*, first: int, leads: int, rows: int, kind: str, parent: str = "", cycle: int = 1) -> None:
    """`rows` clocks of one kind that came due within the last minute."""
    run(
        DUE, first=first, leads=leads, rows=rows, kind=kind, parent=parent, cycle=cycle,
        starting="-60 s", over="59 s",
    )  # fmt: skip


def coming_due(*, first: int, leads: int, rows: int, cycle: int, ahead_s: float, over_s: float) -> None:
    """`rows` warnings that come due one after the other, from `ahead_s` on: by then they must be in."""
    run(
        DUE, first=first, leads=leads, rows=rows, kind="respond_80", parent="feedback", cycle=cycle,
        starting=f"{ahead_s} s", over=f"{over_s} s",
    )  # fmt: skip


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run all at once, each in a thread with a connection of its own; what they gave."""

    def one(call: Callable[[], Any]) -> Any:
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))
