"""Facts follow a business that was entered twice (`grids.same_business`; docs/adr on such a business).

The ledger is append-only, and leads and files go on telling of the closed entry: what stands there stays, and
the entry that stands for both gets a copy of each fact, of the same matter, day and moment, under a source of
its own (`moved:<join>:<source>`). A withdrawal is copied as the withdrawal of the copy. Nothing counts twice:
the closed entry is graded no more, each join copies each source once, and a deed or a state that both entries
hold of one day (`pledge:<entity>:…`) is told once.

Copies are made by every grading, of what is not there yet (`copy`): at the join, and of each later fact
within seconds. When the judgement is taken back they are withdrawn (`credit.parting`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from credit import ledger
from credit.facts import FactKind
from credit.importing_rows import SORTS
from kernel.deadlines.arrays import literal

LONGEST_KEPT = 90
"""A longer source is told by its digest, so that the withdrawal of a copy still has room."""

_OWN = "|".join(
    sorted({sort.ref for sort in SORTS.values() if not sort.numbered and sort.kind != FactKind.ANNUAL_REPORT})
)
"""Matters that bear the number of the business itself: a state of it, or a deed."""


def _copied(source: str) -> str:
    short = f"CASE WHEN length({source}) <= {LONGEST_KEPT} THEN {source} ELSE md5({source}) END"
    return f"'{ledger.MOVED}' || j.id || ':' || {short}"


JOINED = """
SELECT id, entity_id, survivor_id FROM grids_samebusiness
 WHERE until_at IS NULL AND (entity_id = ANY(%(ids)s::bigint[]) OR survivor_id = ANY(%(ids)s::bigint[]))
"""
FOLLOW = f"""
WITH told AS (
    SELECT c.id, j.survivor_id, c.entity_id, c.kind, c.level, c.at, c.happened_on, c.until, c.data, c.by_id,
           c.source AS origin, c.ref AS origin_ref,
           CASE c.kind WHEN 'WITHDRAWN' THEN {_copied("c.ref")}
                ELSE regexp_replace(c.ref, '^({_OWN}):' || j.entity_id || '(:|$)',
                                    '\\1:' || j.survivor_id || '\\2') END AS ref,
           CASE c.kind WHEN 'WITHDRAWN' THEN '{ledger.WITHDRAWN}' || {_copied("c.ref")}
                ELSE {_copied("c.source")} END AS source
      FROM grids_samebusiness j JOIN credit_creditfact c ON c.entity_id = j.entity_id
     WHERE j.id = ANY(%(joins)s) AND j.until_at IS NULL AND c.kind NOT IN ('LICENCE', 'TEST_DUE')
       AND NOT starts_with(CASE c.kind WHEN 'WITHDRAWN' THEN c.ref ELSE c.source END, '{ledger.MOVED}')),
fresh AS (
    SELECT t.*, t.ref = t.origin_ref OR t.kind = 'WITHDRAWN' OR row_number() OVER (
               PARTITION BY t.survivor_id, t.kind, t.level, t.ref, t.happened_on ORDER BY t.id) = 1 AS once
      FROM told t WHERE NOT EXISTS (SELECT FROM credit_creditfact o WHERE o.source = t.source))
INSERT INTO credit_creditfact
       (entity_id, kind, level, ref, at, happened_on, until, source, data, by_id, recorded_at)
SELECT f.survivor_id, f.kind, f.level, f.ref, f.at, f.happened_on, f.until, f.source,
       f.data || jsonb_build_object('moved', jsonb_build_object('entity', f.entity_id, 'source', f.origin)),
       f.by_id, kernel_now()
  FROM fresh f
 WHERE f.once AND (f.ref = f.origin_ref OR f.kind = 'WITHDRAWN' OR NOT EXISTS (
       SELECT FROM credit_creditfact o
        WHERE o.entity_id = f.survivor_id AND o.kind = f.kind AND o.level = f.level AND o.ref = f.ref
          AND o.happened_on = f.happened_on
          AND NOT EXISTS (SELECT FROM credit_creditfact g WHERE g.source = '{ledger.WITHDRAWN}' || o.source)))
 ORDER BY f.id
ON CONFLICT (source) DO NOTHING
"""  # noqa: S608 - only constants are put together here
"""Licences and tests are not copied: the register hands them over, and each grading reads them there."""


class Taken(NamedTuple):
    """An entry that stands for itself no more, and the one that stands for it."""

    join: int
    entity_id: int
    survivor_id: int


def taken_in(entity_ids: Sequence[int]) -> list[Taken]:
    """Of these entries, and of those taken into them, who now stands for whom. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(JOINED, {"ids": literal(entity_ids)})
        return [Taken(*row) for row in cursor.fetchall()]


def instead(entity_ids: Sequence[int], taken: Sequence[Taken]) -> Sequence[int]:
    """Whom to grade: entries that were taken into others are graded there. Pure."""
    into = {one.entity_id: one.survivor_id for one in taken}
    return sorted({into.get(number, number) for number in entity_ids}) if into else entity_ids


def copy(taken: Sequence[Taken]) -> None:
    """Copy what has been told since of entries that were taken into others. One statement, or none.

    The survivors are locked by the caller, as a judgement that is taken back locks them. Safe to repeat.
    """
    if taken:
        with connection.cursor() as cursor:
            cursor.execute(FOLLOW, {"joins": [one.join for one in taken]})
