"""The scores of many businesses in one statement: the same result as `credit.scoring.score`, set-based.

Why there are two: docs/adr on one scheme and two evaluators. What a rule costs comes from the `Scheme` as
parameters; what a rule *is* stands here and in `credit.scoring`, and `tests/credit/test_scoring_sql.py` holds
the two together on random facts and schemes.

How it stays fast (DESIGN.md §12): the facts of each business are read from one covering index
(`credit_facts_by_entity`) in its own order, so nothing is sorted and the table is not touched; business by
business (LATERAL), so that the plan is the same for one and for a million, whatever the statistics say; facts
of a matter become one row of sums and a mask of bits, and those the row of the business.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from enum import IntFlag
from typing import Any, NamedTuple

from django.db import connection

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


UNSCORED = "('WITHDRAWN', 'LEAD_OPENED', 'LEAD_CLOSED', 'LOOK_BACK_PASSED', 'LENIENCY')"
"""Kinds without points: read by nobody here."""

_BITS = f"""CASE f.kind
    WHEN 'PATROL' THEN CASE WHEN f.happened_on > %(patrol_after)s THEN {Bit.PATROLLED} END
    WHEN 'RECTIFICATION_ORDERED' THEN
        CASE WHEN f.level IN ('SERIOUS', 'URGENT') THEN {Bit.ORDERED | Bit.SEVERE} ELSE {Bit.ORDERED} END
    WHEN 'RECTIFICATION_DONE' THEN
        CASE f.level WHEN 'ON_TIME' THEN {Bit.DONE | Bit.ON_TIME} ELSE {Bit.DONE} END
    WHEN 'RECTIFICATION_OVERDUE' THEN
        CASE WHEN f.level IN ('SERIOUS', 'URGENT') THEN {Bit.OVERDUE | Bit.SEVERE} ELSE {Bit.OVERDUE} END
    WHEN 'PENALTY_REPAIRED' THEN {Bit.REPAIRED}
    WHEN 'ACCIDENT' THEN CASE WHEN f.happened_on > %(accident_after)s THEN {Bit.V3} END
    WHEN 'ABNORMAL' THEN CASE WHEN f.newest AND f.level = 'LISTED' THEN {Bit.ABNORMAL} END
    WHEN 'BLACKLISTED' THEN CASE WHEN f.newest AND f.level = 'LISTED' THEN {Bit.V1} END
    WHEN 'UNLICENSED' THEN CASE WHEN f.newest AND f.level = 'CONFIRMED' THEN {Bit.V2} END
    WHEN 'OBSTRUCTION' THEN CASE WHEN f.newest AND f.level = 'CONFIRMED' THEN {Bit.V4} END
    WHEN 'CRIME' THEN CASE WHEN f.newest AND f.level = 'TRANSFERRED' THEN {Bit.V5} END END"""


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
_REPORT = """CASE WHEN f.kind = 'ANNUAL_REPORT' AND f.newest THEN ARRAY[f.happened_on - date '2000-01-01',
    (extract(epoch FROM f.at) * 1000000)::bigint, f.id,
    CASE f.level WHEN 'LATE' THEN 1 WHEN 'MISSING' THEN 2 ELSE 0 END] END"""

SCORED = f"""
asked AS MATERIALIZED (
    SELECT id, filed_on FROM grids_businessentity WHERE id = ANY(%(ids)s::bigint[])),
gone AS MATERIALIZED (
    SELECT t.id FROM asked a
      JOIN credit_creditfact w ON w.entity_id = a.id AND w.kind = 'WITHDRAWN' AND w.happened_on <= %(on)s
      JOIN credit_creditfact t ON t.source = w.ref AND t.entity_id = w.entity_id),
summed AS (
    SELECT a.id AS entity_id, a.filed_on, s.*
      FROM asked a
     CROSS JOIN LATERAL (
        SELECT sum(m.licensing) AS licensing, max(m.report) AS report,
               sum(CASE WHEN {_has(Bit.ON_TIME)} OR {_WITHIN} THEN m.found * %(patrol_on_time)s
                        ELSE m.found END) AS found,
               count(*) FILTER (WHERE {_DUE}) AS due,
               count(*) FILTER (WHERE {_DUE} AND {_has(Bit.ON_TIME)}) AS on_time,
               sum(m.failed_look_backs) AS failed_look_backs, sum(m.complaints) AS complaints,
               sum(m.penalties) FILTER (WHERE {_lacks(Bit.REPAIRED, "coalesce(m.bits, 0)")}) AS penalties,
               sum(m.unsafe) AS unsafe, sum(m.taken_part) AS taken_part,
               coalesce(bit_or(m.bits), 0) AS bits,
               coalesce(bool_or({_LATE_AND_SEVERE}), false) AS late_and_severe
          FROM (
            SELECT sum(CASE WHEN f.newest THEN CASE f.kind
                       WHEN 'LICENCE' THEN CASE WHEN f.level = 'VALID' THEN
                            CASE WHEN f.until < %(on)s THEN %(expired)s
                                 WHEN f.until <= %(soon)s THEN %(expiring)s END END
                       WHEN 'MISMATCH' THEN CASE f.level WHEN 'FOUND' THEN %(mismatch)s END END END)
                       AS licensing,
                   max({_REPORT}) AS report,
                   sum(CASE WHEN f.kind = 'FINDING' AND f.happened_on > %(patrol_after)s THEN CASE f.level
                       WHEN 'MINOR' THEN %(minor)s WHEN 'MODERATE' THEN %(moderate)s
                       WHEN 'SERIOUS' THEN %(serious)s WHEN 'URGENT' THEN %(urgent)s END END) AS found,
                   min(f.happened_on) FILTER (
                       WHERE f.kind IN ('RECTIFICATION_DONE', 'RECTIFICATION_OVERDUE')) AS ended_on,
                   count(*) FILTER (WHERE f.kind = 'LOOK_BACK_FAILED'
                       AND f.happened_on > %(rectification_after)s) AS failed_look_backs,
                   sum(CASE WHEN f.kind = 'COMPLAINT' AND f.happened_on > %(complaint_after)s THEN
                       CASE f.level WHEN 'SUBSTANTIATED' THEN %(substantiated)s
                                    ELSE %(not_performed)s END END) AS complaints,
                   sum(CASE WHEN f.kind = 'PENALTY' THEN CASE f.level
                       WHEN 'LIGHT' THEN CASE WHEN f.happened_on > %(light_after)s THEN %(light)s END
                       WHEN 'ORDINARY' THEN CASE WHEN f.happened_on > %(ordinary_after)s
                           THEN %(ordinary)s END
                       WHEN 'GRAVE' THEN CASE WHEN f.happened_on > %(grave_after)s THEN %(grave)s END
                       END END) AS penalties,
                   sum(CASE f.kind
                       WHEN 'TEST_DUE' THEN CASE WHEN f.newest AND f.level = 'VALID' AND f.until < %(on)s
                           THEN %(test_overdue)s END
                       WHEN 'SAMPLE_FAILED' THEN CASE WHEN f.happened_on > %(safety_after)s
                           THEN %(sample_failed)s END
                       WHEN 'SELF_CHECK_MISSED' THEN CASE WHEN f.happened_on > %(safety_after)s
                           THEN %(self_check_missed)s END END) AS unsafe,
                   sum(CASE WHEN f.kind IN ('PLEDGE', 'TRAINING', 'DISPUTE_COMMITMENT', 'CO_GOVERNANCE')
                       AND f.happened_on > %(participation_after)s THEN %(participation_each)s END)
                       AS taken_part,
                   bit_or({_BITS}) AS bits
              FROM (
                SELECT c.ref, c.kind, c.level, c.at, c.id, c.happened_on, c.until,
                       lead(c.id) OVER (PARTITION BY c.ref, c.kind ORDER BY c.at, c.id) IS NULL AS newest
                  FROM credit_creditfact c
                 WHERE c.entity_id = a.id AND c.happened_on <= %(on)s AND c.kind NOT IN {UNSCORED}
                   AND c.id NOT IN (SELECT g.id FROM gone g)) f
             GROUP BY f.ref) m) s),
pointed AS (
    SELECT entity_id, bits, late_and_severe, %(on)s - filed_on < %(new_days)s AS is_new,
           round(greatest(%(licensing_most)s - coalesce(licensing, 0), 0), 2) AS i1,
           round(CASE report[4] WHEN 1 THEN %(report_late)s WHEN 2 THEN %(report_missing)s
                      ELSE %(report_most)s END, 2) AS i2,
           round(greatest(%(patrol_most)s - coalesce(found, 0), 0), 2) AS i3,
           round(greatest(CASE WHEN due = 0 THEN %(rectification_most)s
                               ELSE %(rectification_most)s::numeric * on_time / due END
                          - coalesce(failed_look_backs, 0) * %(failed_look_back)s, 0), 2) AS i4,
           round(greatest(%(complaint_most)s - coalesce(complaints, 0), 0), 2) AS i5,
           round(greatest(%(penalty_most)s - coalesce(penalties, 0), 0), 2) AS i6,
           round(greatest(%(safety_most)s - coalesce(unsafe, 0), 0), 2) AS i7,
           round(least(coalesce(taken_part, 0), %(participation_most)s), 2) AS i8
      FROM summed),
totalled AS (
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
scored AS (
    SELECT entity_id, i1, i2, i3, i4, i5, i6, i7, i8, total, caps, vetoes,
           CASE WHEN cardinality(vetoes) > 0 THEN 'VETO' WHEN capped > by_points THEN 'CAP'
                ELSE 'SCORE' END AS cause,
           CASE WHEN cardinality(vetoes) > 0 THEN 'D' ELSE capped END AS grade
      FROM capped)
"""
"""CTEs, the last of which, `scored`, has one row per business of `%(ids)s`: `entity_id`, `i1` … `i8`,
`total`, `caps`, `vetoes`, `cause`, `grade`. To be put after `WITH`; parameters from `parameters`.
"""


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
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"ids": literal(entity_ids), **parameters(scheme, on)})
        return [
            Row(row[0], tuple(row[1:9]), row[9], row[10], tuple(row[11]), tuple(row[12]), row[13])
            for row in cursor.fetchall()
        ]
