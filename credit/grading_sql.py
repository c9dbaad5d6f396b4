"""The statements of grading: lock, read the register, score, decide, write what changed (DESIGN.md §8)."""

from __future__ import annotations

from credit.scoring_sql import SCORED, of_them
from grids.models.licences import PERSONAL

LOCK = """
SELECT id FROM grids_businessentity WHERE id = ANY(%(ids)s::bigint[]) AND status <> ALL(%(gone)s)
 ORDER BY id FOR NO KEY UPDATE
"""
"""The rows of the businesses, in the order of their numbers, and not those of the standings: at a first
grading there is none yet, and the journal's stream `entity:<id>` is theirs. Without those that are gone."""

_PERSONAL = "('" + "', '".join(sorted(PERSONAL)) + "')"
_TOLD = """CASE WHEN length(l.number) >= 15
                THEN left(l.number, 6) || repeat('*', length(l.number) - 10) || right(l.number, 4)
                WHEN length(l.number) >= 5 THEN '****' || right(l.number, 2)
                ELSE repeat('*', length(l.number)) END"""
"""The number of a person's certificate as `grids.models.licences.told_number` tells it, or less of it: from
the ledger nothing is ever taken out."""

# A state that comes back (A, B, A again) is a new fact: its source names the fact that it supersedes.
PULL = f"""
WITH wanted AS MATERIALIZED (SELECT %(ids)s::bigint[] AS ids)
INSERT INTO credit_creditfact
       (entity_id, kind, level, ref, at, happened_on, until, source, data, recorded_at)
SELECT r.entity_id, r.kind, r.level, r.ref, greatest(%(at)s, known.at), %(on)s, r.until,
       r.ref || ':' || r.digest || coalesce(':' || known.id, ''), r.data, kernel_now()
  FROM (
    SELECT l.entity_id, 'LICENCE' AS kind,
           CASE WHEN l.ended_on <= %(on)s THEN 'ENDED' ELSE 'VALID' END AS level,
           'licence:' || l.id AS ref, l.expires_on AS until,
           left(md5(concat_ws('|', l.type, l.number, coalesce(l.expires_on::text, ''),
                              coalesce(l.ended_on::text, ''))), 16) AS digest,
           jsonb_build_object('type', l.type, 'number', CASE WHEN l.type IN {_PERSONAL}
                              THEN {_TOLD} ELSE l.number END) AS data
      FROM grids_licence l WHERE {of_them("l.entity_id")}
     UNION ALL
    SELECT q.entity_id, 'TEST_DUE', CASE WHEN q.ended_on <= %(on)s THEN 'ENDED' ELSE 'VALID' END,
           'equipment:' || q.id, q.next_test_on,
           left(md5(concat_ws('|', q.kind, q.number, coalesce(q.next_test_on::text, ''),
                              coalesce(q.ended_on::text, ''))), 16),
           jsonb_build_object('kind', q.kind, 'number', q.number)
      FROM grids_equipment q WHERE {of_them("q.entity_id")}) r
  LEFT JOIN LATERAL (
    SELECT c.id, c.at, c.level, c.source FROM credit_creditfact c
     WHERE c.entity_id = r.entity_id AND c.ref = r.ref AND c.kind = r.kind
     ORDER BY c.at DESC, c.id DESC LIMIT 1) known ON true
 WHERE known.id IS NULL OR known.level <> r.level OR split_part(known.source, ':', 3) <> r.digest
 ORDER BY r.entity_id, r.ref
ON CONFLICT (source) DO NOTHING
"""
"""Licences and equipment of the register become LICENCE and TEST_DUE facts, where the newest fact of each
says anything else. Nothing is written where nothing changed. A grading that waited for another's lock may
have the older moment: what it reads is newer all the same, so no fact is dated before what it supersedes."""

# The journal tells changes of a grade; a first grading changes none and is the first row of its history.
_SCORES = "i1, i2, i3, i4, i5, i6, i7, i8, total, caps, vetoes, cause"

GRADE = f"""
WITH {SCORED},
told AS (
    SELECT t.entity_id, t.grade, t.since, string_to_array(t.held, ',') AS held
      FROM unnest(%(told_ids)s::bigint[], %(told_grades)s::text[], %(told_since)s::date[],
                  %(told_held)s::text[]) t(entity_id, grade, since, held)),
decided AS (
    SELECT s.*, b.effective_grade::text AS before, b.effective_since AS stood_since,
           CASE WHEN t.entity_id IS NOT NULL THEN t.grade
                WHEN b.entity_id IS NULL OR s.grade >= b.effective_grade THEN s.grade END AS effective,
           CASE WHEN t.entity_id IS NOT NULL THEN t.since
                WHEN b.entity_id IS NULL OR s.grade > b.effective_grade THEN %(on)s
                ELSE b.effective_since END AS since,
           coalesce(t.held, '{{}}') AS held_by,
           CASE WHEN b.scheme_id <> %(scheme)s AND %(trigger)s = 'FACT' THEN 'SCHEME'
                ELSE %(trigger)s END AS trigger,
           b.entity_id IS NULL OR b.total <> s.total OR b.computed_grade <> s.grade
               OR b.caps::text[] <> s.caps OR b.vetoes::text[] <> s.vetoes AS tells,
           b.entity_id IS NULL OR b.scheme_id <> %(scheme)s OR b.cause <> s.cause
               OR b.held_by::text[] <> coalesce(t.held, '{{}}')
               OR (b.i1, b.i2, b.i3, b.i4, b.i5, b.i6, b.i7, b.i8)
                  <> (s.i1, s.i2, s.i3, s.i4, s.i5, s.i6, s.i7, s.i8) AS differs,
           b.cause <> s.cause OR b.caps::text[] <> s.caps OR b.vetoes::text[] <> s.vetoes
               OR b.computed_grade <> s.grade AS causes
      FROM scored s
      LEFT JOIN (SELECT * FROM credit_creditstanding c WHERE {of_them("c.entity_id")}) b
        ON b.entity_id = s.entity_id
      LEFT JOIN told t ON t.entity_id = s.entity_id),
moved AS (SELECT * FROM decided WHERE effective IS DISTINCT FROM before AND effective IS NOT NULL),
standing AS (
    INSERT INTO credit_creditstanding AS c
           (entity_id, scheme_id, effective_since, assessed_at, assessed_on, computed_grade, effective_grade,
            held_by, {_SCORES})
    SELECT entity_id, %(scheme)s, since, %(at)s, %(on)s, grade, effective, held_by, {_SCORES}
      FROM decided
     WHERE effective IS NOT NULL AND (tells OR differs OR effective IS DISTINCT FROM before)
    ON CONFLICT (entity_id) DO UPDATE SET
       scheme_id = excluded.scheme_id, effective_since = excluded.effective_since,
       assessed_at = excluded.assessed_at, assessed_on = excluded.assessed_on,
       computed_grade = excluded.computed_grade, effective_grade = excluded.effective_grade,
       held_by = excluded.held_by, i1 = excluded.i1, i2 = excluded.i2, i3 = excluded.i3, i4 = excluded.i4,
       i5 = excluded.i5, i6 = excluded.i6, i7 = excluded.i7, i8 = excluded.i8, total = excluded.total,
       caps = excluded.caps, vetoes = excluded.vetoes, cause = excluded.cause),
assessment AS (
    INSERT INTO credit_creditassessment
           (entity_id, scheme_id, trigger, previous_grade, at, "on", computed_grade, effective_grade, held_by,
            {_SCORES})
    SELECT entity_id, %(scheme)s, trigger, coalesce(before, ''), %(at)s, %(on)s, grade, effective,
           held_by, {_SCORES}
      FROM decided
     WHERE effective IS NOT NULL AND (tells OR effective IS DISTINCT FROM before)
     ORDER BY entity_id),
graded AS (
    UPDATE grids_businessentity e SET credit_grade = m.effective
      FROM moved m WHERE e.id = m.entity_id AND {of_them("e.id")}),
journal AS (
    INSERT INTO journal_entry (stream, kind, actor_name, at, data)
    SELECT 'entity:' || entity_id, 'credit.graded', %(system)s, %(at)s,
           jsonb_build_object('before', before, 'grade', effective, 'total', total, 'cause', cause,
                              'trigger', trigger)
      FROM moved WHERE before IS NOT NULL ORDER BY entity_id)
"""
FOUND = """
SELECT entity_id, coalesce(before, ''), effective, cause, caps, grade, stood_since
  FROM decided WHERE effective IS NULL OR effective IS DISTINCT FROM before OR causes ORDER BY entity_id
"""
"""After `GRADE`: what moved, what stays in its grade for another cause (`causes`), and what waits for
`credit.movement` (`effective` is null: its computed grade is better than the effective one). Asked again with
the answers in `told_…`, those are scored and written."""

REVIEWED = f""",
reviewed AS (
    INSERT INTO credit_creditreview (entity_id, kind, period, total, before, grade, at, exception)
    SELECT entity_id, CASE WHEN before IN ('C', 'D') THEN 'MONTHLY' ELSE 'QUARTERLY' END, %(period)s,
           total, before, effective, %(at)s, ''
      FROM decided
     WHERE effective IS NOT NULL AND (before IN ('C', 'D') OR (before IN ('A', 'B') AND %(quarterly)s))
       AND entity_id NOT IN (SELECT r.entity_id FROM credit_creditreview r
                              WHERE {of_them("r.entity_id")} AND r.period = %(period)s)
     ORDER BY entity_id
    ON CONFLICT (entity_id, kind, period) DO NOTHING)
"""
"""Between `GRADE` and `FOUND` where the grading is a periodic review."""

CLAIM = """
WITH first AS MATERIALIZED (
    SELECT id, entity_id FROM credit_dirtyentity ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
DELETE FROM credit_dirtyentity d USING first f WHERE d.id = f.id RETURNING d.entity_id
"""

FACTS_OF = """
SELECT c.entity_id, c.kind, c.level, c.ref, c.at, c.happened_on, c.until, c.source, c.id
  FROM credit_creditfact c
 WHERE c.entity_id = ANY(%(ids)s::bigint[])
   AND c.kind IN ('RECTIFICATION_ORDERED', 'LOOK_BACK_PASSED', 'LOOK_BACK_FAILED', 'LEAD_OPENED',
                  'LEAD_CLOSED', 'WITHDRAWN')
 ORDER BY c.entity_id, c.id
"""
