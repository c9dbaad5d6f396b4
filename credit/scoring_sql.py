"""The scores of many businesses in one statement: the same result as `credit.scoring.score`, set-based.

Why there are two: docs/adr on one scheme and two evaluators. What a rule costs comes from the `Scheme` as
parameters; what a rule *is* stands here and in `credit.scoring`, and `tests/credit/test_scoring_sql.py` holds
the two together on random facts and schemes.

How it stays fast (DESIGN.md §12): facts are read from one covering index (`credit_facts_by_entity`) in its
own order, so nothing is sorted and the table is not touched. Three readings, each of the kinds that are
counted alike: states (the newest of each matter), events (each for itself), matters (a round of a lead or a
penalty, whose facts are read together). What a later step uses more than once is MATERIALIZED, or it would
be computed each time. `settled` holds the plan, whatever the statistics say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from enum import IntFlag
from typing import Any, NamedTuple

from django.db import connection, transaction

from credit.scheme import Scheme
from credit.windows import back
from kernel.deadlines.arrays import literal


class Bit(IntFlag):
    """What is known of one matter; those from `PATROLLED` on are of the business as a whole."""

    ORDERED = 1
    DONE = 2
    ON_TIME = 4
    OVERDUE = 8
    SEVERE = 16
    REPAIRED = 32
    PATROLLED = 64
    ABNORMAL = 128
    V1 = 256
    V2 = 512
    V3 = 1024
    V4 = 2048
    V5 = 4096


STATES = """('LICENCE', 'MISMATCH', 'ANNUAL_REPORT', 'TEST_DUE', 'ABNORMAL', 'BLACKLISTED', 'UNLICENSED',
                'OBSTRUCTION', 'CRIME')"""
"""Kinds of which the newest of a matter says what is."""
EVENTS = """('PATROL', 'LOOK_BACK_FAILED', 'COMPLAINT', 'SAMPLE_FAILED', 'SELF_CHECK_MISSED', 'ACCIDENT',
                'PLEDGE', 'TRAINING', 'DISPUTE_COMMITMENT', 'CO_GOVERNANCE')"""
"""Kinds of which each fact counts for itself."""
MATTERS = """('FINDING', 'RECTIFICATION_ORDERED', 'RECTIFICATION_DONE', 'RECTIFICATION_OVERDUE', 'PENALTY',
                'PENALTY_REPAIRED')"""
"""Kinds of which the facts of one matter are read together. What is in none of the three has no points."""


def of_them(column: str) -> str:
    """The condition that a row is of the businesses asked about. The array is no constant of the statement:
    the planner would weigh each of its numbers, at every place."""
    return f"{column} = ANY((SELECT w.ids FROM wanted w)::bigint[])"


_COUNTED = f"""{of_them("c.entity_id")} AND c.happened_on <= %(on)s
           AND ((SELECT count(*) = 0 FROM gone) OR c.id NOT IN (SELECT g.id FROM gone g))"""


def _has(bits: int, of: str = "m.bits") -> str:
    """All of these bits are there."""
    return f"({of} & {int(bits)} = {int(bits)})"


def _lacks(bits: int, of: str = "m.bits") -> str:
    """None of these bits is there."""
    return f"({of} & {int(bits)} = 0)"


_WITHIN = f"({_has(Bit.ORDERED)} AND {_lacks(Bit.DONE | Bit.OVERDUE)})"
_DUE = f"({_has(Bit.ORDERED)} AND m.ended_on > %(rectification_after)s)"
_LATE_AND_SEVERE = f"({_has(Bit.OVERDUE | Bit.SEVERE)} AND {_lacks(Bit.DONE)})"

# The newest report by the day it was due; the order of `credit.scoring`: day, moment, place in the ledger.
_REPORT = """CASE f.kind WHEN 'ANNUAL_REPORT' THEN ARRAY[f.happened_on - date '2000-01-01',
               (extract(epoch FROM f.at) * 1000000)::bigint, f.id,
               CASE f.level WHEN 'LATE' THEN 1 WHEN 'MISSING' THEN 2 ELSE 0 END] END"""

SCORED = f"""
wanted AS MATERIALIZED (SELECT %(ids)s::bigint[] AS ids),
asked AS MATERIALIZED (
    SELECT e.id, e.filed_on FROM grids_businessentity e WHERE {of_them("e.id")}),
gone AS MATERIALIZED (
    SELECT t.id FROM credit_creditfact w
     CROSS JOIN LATERAL (
        SELECT c.id FROM credit_creditfact c WHERE c.source = w.ref AND c.entity_id = w.entity_id OFFSET 0) t
     WHERE {of_them("w.entity_id")} AND w.kind = 'WITHDRAWN' AND w.happened_on <= %(on)s),
states AS (
    SELECT f.entity_id,
           sum(CASE f.kind
               WHEN 'LICENCE' THEN CASE WHEN f.level = 'VALID' THEN
                    CASE WHEN f.until < %(on)s THEN %(expired)s
                         WHEN f.until <= %(soon)s THEN %(expiring)s END END
               WHEN 'MISMATCH' THEN CASE f.level WHEN 'FOUND' THEN %(mismatch)s END END) AS licensing,
           max({_REPORT}) AS report,
           sum(CASE WHEN f.kind = 'TEST_DUE' AND f.level = 'VALID' AND f.until < %(on)s
               THEN %(test_overdue)s END) AS untested,
           bit_or(CASE f.level
               WHEN 'LISTED' THEN CASE f.kind WHEN 'ABNORMAL' THEN {Bit.ABNORMAL:d}
                                              WHEN 'BLACKLISTED' THEN {Bit.V1:d} END
               WHEN 'CONFIRMED' THEN CASE f.kind WHEN 'UNLICENSED' THEN {Bit.V2:d}
                                                 WHEN 'OBSTRUCTION' THEN {Bit.V4:d} END
               WHEN 'TRANSFERRED' THEN CASE f.kind WHEN 'CRIME' THEN {Bit.V5:d} END END) AS bits
      FROM (
        SELECT DISTINCT ON (c.entity_id, c.ref, c.kind)
               c.entity_id, c.kind, c.level, c.at, c.id, c.happened_on, c.until
          FROM credit_creditfact c
         WHERE {_COUNTED}
           AND c.kind IN {STATES}
         ORDER BY c.entity_id DESC, c.ref DESC, c.kind DESC, c.at DESC, c.id DESC) f
     GROUP BY f.entity_id),
events AS (
    SELECT c.entity_id,
           count(*) FILTER (WHERE c.kind = 'LOOK_BACK_FAILED' AND c.happened_on > %(rectification_after)s)
               AS failed_look_backs,
           sum(CASE WHEN c.kind = 'COMPLAINT' AND c.happened_on > %(complaint_after)s THEN CASE c.level
               WHEN 'SUBSTANTIATED' THEN %(substantiated)s ELSE %(not_performed)s END END) AS complaints,
           sum(CASE c.kind
               WHEN 'SAMPLE_FAILED' THEN CASE WHEN c.happened_on > %(safety_after)s THEN %(sample_failed)s END
               WHEN 'SELF_CHECK_MISSED' THEN CASE WHEN c.happened_on > %(safety_after)s
                   THEN %(self_check_missed)s END END) AS unsafe,
           count(*) FILTER (WHERE c.happened_on > %(participation_after)s
               AND c.kind IN ('PLEDGE', 'TRAINING', 'DISPUTE_COMMITMENT', 'CO_GOVERNANCE')) AS taken_part,
           bit_or(CASE c.kind
               WHEN 'PATROL' THEN CASE WHEN c.happened_on > %(patrol_after)s THEN {Bit.PATROLLED:d} END
               WHEN 'ACCIDENT' THEN CASE WHEN c.happened_on > %(accident_after)s THEN {Bit.V3:d} END END)
               AS bits
      FROM credit_creditfact c
     WHERE {_COUNTED}
       AND c.kind IN {EVENTS}
     GROUP BY c.entity_id),
matters AS (
    SELECT m.entity_id,
           sum(CASE WHEN {_has(Bit.ON_TIME)} OR {_WITHIN} THEN m.found * %(patrol_on_time)s
                    ELSE m.found END) AS found,
           count(*) FILTER (WHERE {_DUE}) AS due,
           count(*) FILTER (WHERE {_DUE} AND {_has(Bit.ON_TIME)}) AS on_time,
           sum(m.penalties) FILTER (WHERE {_lacks(Bit.REPAIRED, "coalesce(m.bits, 0)")}) AS penalties,
           bool_or({_LATE_AND_SEVERE}) AS late_and_severe
      FROM (
        SELECT c.entity_id,
               sum(CASE WHEN c.kind = 'FINDING' AND c.happened_on > %(patrol_after)s THEN CASE c.level
                   WHEN 'MINOR' THEN %(minor)s WHEN 'MODERATE' THEN %(moderate)s
                   WHEN 'SERIOUS' THEN %(serious)s WHEN 'URGENT' THEN %(urgent)s END END) AS found,
               min(c.happened_on) FILTER (
                   WHERE c.kind IN ('RECTIFICATION_DONE', 'RECTIFICATION_OVERDUE')) AS ended_on,
               sum(CASE WHEN c.kind = 'PENALTY' THEN CASE c.level
                   WHEN 'LIGHT' THEN CASE WHEN c.happened_on > %(light_after)s THEN %(light)s END
                   WHEN 'ORDINARY' THEN CASE WHEN c.happened_on > %(ordinary_after)s THEN %(ordinary)s END
                   WHEN 'GRAVE' THEN CASE WHEN c.happened_on > %(grave_after)s THEN %(grave)s END
                   END END) AS penalties,
               bit_or(CASE c.kind
                   WHEN 'RECTIFICATION_ORDERED' THEN CASE WHEN c.level IN ('SERIOUS', 'URGENT')
                       THEN {Bit.ORDERED | Bit.SEVERE:d} ELSE {Bit.ORDERED:d} END
                   WHEN 'RECTIFICATION_DONE' THEN CASE c.level WHEN 'ON_TIME'
                       THEN {Bit.DONE | Bit.ON_TIME:d} ELSE {Bit.DONE:d} END
                   WHEN 'RECTIFICATION_OVERDUE' THEN CASE WHEN c.level IN ('SERIOUS', 'URGENT')
                       THEN {Bit.OVERDUE | Bit.SEVERE:d} ELSE {Bit.OVERDUE:d} END
                   WHEN 'PENALTY_REPAIRED' THEN {Bit.REPAIRED:d} END) AS bits
          FROM credit_creditfact c
         WHERE {_COUNTED}
           AND c.kind IN {MATTERS}
         GROUP BY c.entity_id, c.ref) m
     GROUP BY m.entity_id),
summed AS (
    SELECT a.id AS entity_id, a.filed_on, s.licensing, s.report, m.found, m.due, m.on_time,
           e.failed_look_backs, e.complaints, m.penalties,
           coalesce(e.unsafe, 0) + coalesce(s.untested, 0) AS unsafe,
           e.taken_part * %(participation_each)s AS taken_part,
           coalesce(s.bits, 0) | coalesce(e.bits, 0) AS bits,
           coalesce(m.late_and_severe, false) AS late_and_severe
      FROM asked a
      LEFT JOIN states s ON s.entity_id = a.id
      LEFT JOIN events e ON e.entity_id = a.id
      LEFT JOIN matters m ON m.entity_id = a.id),
pointed AS MATERIALIZED (
    SELECT entity_id, bits, late_and_severe, %(on)s - filed_on < %(new_days)s AS is_new,
           round(greatest(%(licensing_most)s - coalesce(licensing, 0), 0), 2) AS i1,
           round(CASE report[4] WHEN 1 THEN %(report_late)s WHEN 2 THEN %(report_missing)s
                      ELSE %(report_most)s END, 2) AS i2,
           round(greatest(%(patrol_most)s - coalesce(found, 0), 0), 2) AS i3,
           round(greatest(CASE WHEN coalesce(due, 0) = 0 THEN %(rectification_most)s
                               ELSE %(rectification_most)s::numeric * on_time / due END
                          - coalesce(failed_look_backs, 0) * %(failed_look_back)s, 0), 2) AS i4,
           round(greatest(%(complaint_most)s - coalesce(complaints, 0), 0), 2) AS i5,
           round(greatest(%(penalty_most)s - coalesce(penalties, 0), 0), 2) AS i6,
           round(greatest(%(safety_most)s - coalesce(unsafe, 0), 0), 2) AS i7,
           round(least(coalesce(taken_part, 0), %(participation_most)s), 2) AS i8
      FROM summed),
totalled AS MATERIALIZED (
    SELECT p.*, i1 + i2 + i3 + i4 + i5 + i6 + i7 + i8 AS total,
           array_remove(ARRAY[CASE WHEN {_has(Bit.V1, "bits")} THEN 'V1' END,
               CASE WHEN {_has(Bit.V2, "bits")} THEN 'V2' END, CASE WHEN {_has(Bit.V3, "bits")} THEN 'V3' END,
               CASE WHEN {_has(Bit.V4, "bits")} THEN 'V4' END,
               CASE WHEN {_has(Bit.V5, "bits")} THEN 'V5' END], NULL) AS vetoes,
           array_remove(ARRAY[CASE WHEN {_has(Bit.ABNORMAL, "bits")} THEN 'ABNORMAL' END,
               CASE WHEN late_and_severe THEN 'OVERDUE_SERIOUS' END,
               CASE WHEN {_lacks(Bit.PATROLLED, "bits")} THEN 'NO_PATROL' END,
               CASE WHEN is_new THEN 'NEW' END], NULL) AS caps
      FROM pointed p),
by_points AS (
    SELECT t.*, CASE WHEN total >= %(grade_a)s THEN 'A' WHEN total >= %(grade_b)s THEN 'B'
                     WHEN total >= %(grade_c)s THEN 'C' ELSE 'D' END AS by_points
      FROM totalled t),
capped AS (
    SELECT b.*, greatest(by_points,
               CASE WHEN {_has(Bit.ABNORMAL, "bits")} THEN %(cap_abnormal)s END,
               CASE WHEN late_and_severe THEN %(cap_overdue_serious)s END,
               CASE WHEN {_lacks(Bit.PATROLLED, "bits")} THEN %(cap_no_patrol)s END,
               CASE WHEN is_new THEN %(cap_new)s END) AS capped
      FROM by_points b),
scored AS MATERIALIZED (
    SELECT entity_id, i1, i2, i3, i4, i5, i6, i7, i8, total, caps, vetoes,
           CASE WHEN cardinality(vetoes) > 0 THEN 'VETO' WHEN capped > by_points THEN 'CAP'
                ELSE 'SCORE' END AS cause,
           CASE WHEN cardinality(vetoes) > 0 THEN 'D' ELSE capped END AS grade
      FROM capped)
"""
"""CTEs, the last of which, `scored`, has one row per business of `%(ids)s`: `entity_id`, `i1` … `i8`,
`total`, `caps`, `vetoes`, `cause`, `grade`. To be put after `WITH`; parameters from `parameters`; to be run
in `settled`. `of_them` serves whoever joins rows of his own.
"""

_AWAY = ("seqscan", "bitmapscan", "nestloop", "mergejoin", "sort", "incremental_sort")
_SETTLE = "".join(f"SET LOCAL enable_{one} = off;" for one in _AWAY) + "SET LOCAL jit = off"
_UNSETTLE = "".join(f"SET LOCAL enable_{one} TO DEFAULT;" for one in _AWAY)


@contextmanager
def settled() -> Iterator[None]:
    """A transaction in which a statement with `SCORED` has one plan, whatever the statistics say: rows of the
    businesses from their indexes, facts in the order of theirs, hashed together.

    Left to itself the planner reads whole tables where it takes them for small, or goes through one list for
    each row of another. Ends before the caller goes on: what he does next is planned as ever, only not
    compiled (`jit`), which takes longer than a batch.
    """
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(_SETTLE)
        yield
        cursor.execute(_UNSETTLE)


def parameters(scheme: Scheme, on: date) -> dict[str, Any]:
    """What `SCORED` asks for besides `ids`: the points of the scheme and the first day of each window."""
    licensing, report, patrol = scheme.licensing, scheme.annual_report, scheme.patrol
    rectification, complaint, penalty = scheme.rectification, scheme.complaint, scheme.penalty
    safety, participation, limits = scheme.safety, scheme.participation, scheme.limits
    return {
        "on": on,
        "licensing_most": licensing.most, "expired": licensing.expired, "mismatch": licensing.mismatch,
        "expiring": licensing.expiring, "soon": on + timedelta(days=licensing.soon_days),
        "report_most": report.most, "report_late": report.late, "report_missing": report.missing,
        "patrol_most": patrol.most, "patrol_after": back(on, patrol.months), "minor": patrol.minor,
        "moderate": patrol.moderate, "serious": patrol.serious, "urgent": patrol.urgent,
        "patrol_on_time": patrol.on_time,
        "rectification_most": rectification.most,
        "rectification_after": back(on, rectification.months),
        "failed_look_back": rectification.failed_look_back,
        "complaint_most": complaint.most, "complaint_after": back(on, complaint.months),
        "substantiated": complaint.substantiated, "not_performed": complaint.not_performed,
        "penalty_most": penalty.most, "light": penalty.light, "ordinary": penalty.ordinary,
        "grave": penalty.grave, "light_after": back(on, penalty.light_months),
        "ordinary_after": back(on, penalty.ordinary_months),
        "grave_after": back(on, penalty.grave_months),
        "safety_most": safety.most, "safety_after": back(on, safety.months),
        "sample_failed": safety.sample_failed, "test_overdue": safety.test_overdue,
        "self_check_missed": safety.self_check_missed,
        "participation_most": participation.most, "participation_each": participation.each,
        "participation_after": back(on, participation.months),
        "grade_a": limits.a, "grade_b": limits.b, "grade_c": limits.c, "cap_abnormal": limits.abnormal,
        "cap_overdue_serious": limits.overdue_serious, "cap_no_patrol": limits.no_patrol,
        "cap_new": limits.new, "new_days": limits.new_days,
        "accident_after": back(on, limits.accident_months),
    }  # fmt: skip


class Row(NamedTuple):
    """The score of one business: the fields of `credit.scoring.Score` without its lines."""

    entity_id: int
    indicators: tuple[Decimal, ...]
    total: Decimal
    grade: str
    caps: tuple[str, ...]
    vetoes: tuple[str, ...]
    cause: str


_READ = f"""
WITH {SCORED}
SELECT entity_id, i1, i2, i3, i4, i5, i6, i7, i8, total, grade, caps, vetoes, cause FROM scored
"""


def score_many(entity_ids: Iterable[int], scheme: Scheme, *, on: date) -> list[Row]:
    """The scores of these businesses on a day, by any scheme; nothing is written. One statement.

    In no order; numbers that no business has are left out. A few thousand at a time: rows come back whole.
    """
    with settled(), connection.cursor() as cursor:
        cursor.execute(_READ, {"ids": literal(entity_ids), **parameters(scheme, on)})
        return [
            Row(row[0], tuple(row[1:9]), row[9], row[10], tuple(row[11]), tuple(row[12]), row[13])
            for row in cursor.fetchall()
        ]
