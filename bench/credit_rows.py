"""Rows for `bench.credit`, made set-based: businesses with 20 facts each, as a few years would leave them."""

from __future__ import annotations

from typing import Any

from django.db import connection

ENTITIES = """
INSERT INTO grids_businessentity
       (code, name, uscc, kind, business_types, operator_name, contact_name, contact_phone, grid_id, lon, lat,
        address, filed_on, created_at)
SELECT 'B' || lpad(n::text, 9, '0'), '测算商户' || n, '', 'INDIVIDUAL', '{CATERING}', '经营者' || n %% 97, '',
       '', g.id, 116.70 + n %% 1000 * 0.0001, 36.13 + n %% 700 * 0.0001, '测算路' || n || '号',
       (kernel_now() - interval '2 years')::date, kernel_now()
  FROM generate_series(%(start)s::bigint, %(stop)s::bigint - 1) n
  JOIN (SELECT row_number() OVER (ORDER BY id) - 1 AS turn, count(*) OVER () AS grids, id FROM grids_grid) g
    ON g.turn = n %% g.grids
 ORDER BY n
"""
LICENCES = """
INSERT INTO grids_licence (entity_id, type, number, expires_on)
SELECT id, 'BUSINESS', 'Z' || id, NULL FROM grids_businessentity WHERE id > %(after)s ORDER BY id
"""

# Kind, level, matter and round of each fact, in SQL; `dice` is a number of the business and the fact.
TURNS = (
    ("'LICENCE'", "'VALID'", "permit:", ""),
    ("'TEST_DUE'", "'VALID'", "lift:", ""),
    ("'TEST_DUE'", "'VALID'", "scale:", ""),
    ("'ANNUAL_REPORT'", "CASE WHEN dice % 20 = 0 THEN 'LATE' ELSE 'ON_TIME' END", "report:", ":1"),
    ("'ANNUAL_REPORT'", "CASE WHEN dice % 30 = 0 THEN 'MISSING' ELSE 'ON_TIME' END", "report:", ":2"),
    ("'LEAD_OPENED'", "''", "lead:", ""),
    (
        "'FINDING'",
        "CASE WHEN dice % 10 = 0 THEN 'SERIOUS' WHEN dice % 3 = 0 THEN 'MODERATE' ELSE 'MINOR' END",
        "lead:",
        ":1",
    ),
    ("'RECTIFICATION_ORDERED'", "'MODERATE'", "lead:", ":1"),
    ("'RECTIFICATION_DONE'", "CASE WHEN dice % 8 = 0 THEN 'LATE' ELSE 'ON_TIME' END", "lead:", ":1"),
    ("'LOOK_BACK_PASSED'", "'1'", "lead:", ":1"),
    ("'LEAD_CLOSED'", "''", "lead:", ""),
    (
        "CASE WHEN dice % 9 = 0 THEN 'COMPLAINT' ELSE 'PATROL' END",
        "CASE WHEN dice % 9 = 0 THEN 'SUBSTANTIATED' ELSE 'OK' END",
        "visit:",
        ":12",
    ),
    (
        "CASE WHEN dice % 25 = 0 THEN 'PENALTY' ELSE 'PATROL' END",
        "CASE WHEN dice % 25 = 0 THEN 'ORDINARY' ELSE 'OK' END",
        "visit:",
        ":13",
    ),
    (
        "CASE WHEN dice % 40 = 0 THEN 'SAMPLE_FAILED' ELSE 'PATROL' END",
        "CASE WHEN dice % 40 = 0 THEN '' ELSE 'OK' END",
        "visit:",
        ":14",
    ),
    (
        "CASE WHEN dice % 200 = 0 THEN 'ABNORMAL' ELSE 'PATROL' END",
        "CASE WHEN dice % 200 = 0 THEN 'LISTED' ELSE 'OK' END",
        "visit:",
        ":15",
    ),
    ("'TRAINING'", "''", "training:", ":16"),
    ("'PLEDGE'", "''", "pledge:", ""),
    ("'CO_GOVERNANCE'", "''", "share:", ":18"),
    ("'PATROL'", "'OK'", "visit:", ":19"),
)
"""Nineteen; the twentieth is what the register's licence becomes."""

FACTS = """
INSERT INTO credit_creditfact (entity_id, kind, level, ref, at, happened_on, until, source, data, recorded_at)
SELECT e.id, {kind}, {level}, '{ref}' || e.id || '{round}', d.at, (d.at AT TIME ZONE 'Asia/Shanghai')::date,
       {until}, '{ref}' || e.id || '{round}:{turn}', '{{}}', kernel_now()
  FROM grids_businessentity e
 CROSS JOIN LATERAL (SELECT abs(hashint8(e.id * 31 + {turn})::bigint) AS dice) r
 CROSS JOIN LATERAL (SELECT kernel_now() - (r.dice % 500) * interval '1 day' AS at) d
 WHERE e.id > {after} AND e.id <= {upto} ORDER BY e.id
"""
UNTIL = {
    "'LICENCE'": "(d.at + interval '20 months')::date",
    "'TEST_DUE'": "(d.at + interval '20 months')::date",
    "'RECTIFICATION_ORDERED'": "(d.at + interval '7 days')::date",
}

# The licence of the register is in the ledger already, as the first grading would have left it.
REGISTERED = """
INSERT INTO credit_creditfact (entity_id, kind, level, ref, at, happened_on, until, source, data, recorded_at)
SELECT entity_id, 'LICENCE', 'VALID', 'licence:' || id, kernel_now(),
       (kernel_now() AT TIME ZONE 'Asia/Shanghai')::date, NULL,
       'licence:' || id || ':' || left(md5(concat_ws('|', type, number, '', '')), 16), '{}', kernel_now()
  FROM grids_licence WHERE entity_id > %(after)s
"""
INDEXES = """
SELECT c.relname, pg_get_indexdef(i.indexrelid)
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid IN ('credit_creditfact'::regclass, 'grids_businessentity'::regclass)
   AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)
"""
ONE_SOURCE = "credit_fact_one_source"

# One in a hundred has a new fact since it was graded last.
NEWS = """
INSERT INTO credit_creditfact (entity_id, kind, level, ref, at, happened_on, until, source, data, recorded_at)
SELECT e.id, 'COMPLAINT', 'SUBSTANTIATED', 'news:' || e.id, kernel_now(),
       (kernel_now() AT TIME ZONE 'Asia/Shanghai')::date, NULL, 'news:' || e.id, '{}', kernel_now()
  FROM grids_businessentity e WHERE e.id %% 100 = 7
ON CONFLICT (source) DO NOTHING
"""


def ask(sql: str, **params: Any) -> Any:
    """The first value of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()[0]


def run(sql: str, **params: Any) -> None:
    """Run one statement in a transaction of its own."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def build(count: int) -> tuple[int, int]:
    """`count` businesses with their facts, written in the order of time and not of businesses, as they would
    come; first and last number. Indexes are built afterwards, and foreign keys taken on trust."""
    after = ask("SELECT coalesce(max(id), 0) FROM grids_businessentity")
    with connection.cursor() as cursor:
        cursor.execute(INDEXES)
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        cursor.execute(f"ALTER TABLE credit_creditfact DROP CONSTRAINT {ONE_SOURCE}")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(ENTITIES, {"start": after + 1, "stop": after + 1 + count})
        cursor.execute(LICENCES, {"after": after})
        cursor.execute("ANALYZE grids_businessentity")
        upto = ask("SELECT max(id) FROM grids_businessentity")
        for turn, (kind, level, ref, again) in enumerate(TURNS, 1):
            until = UNTIL.get(kind, "NULL::date")
            cursor.execute(
                FACTS.format(
                    kind=kind,
                    level=level,
                    ref=ref,
                    round=again,
                    until=until,
                    turn=turn,
                    after=after,
                    upto=upto,
                )
            )
        cursor.execute(REGISTERED, {"after": after})
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(f"ALTER TABLE credit_creditfact ADD CONSTRAINT {ONE_SOURCE} UNIQUE (source)")
        for _, made_by in indexes:
            cursor.execute(made_by)
        for table in ("grids_businessentity", "grids_licence", "credit_creditfact"):
            cursor.execute(f"VACUUM ANALYZE {table}")
    return after + 1, upto
