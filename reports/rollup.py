"""Daily figures of every grid, rebuilt from the source rows as of a moment (DESIGN.md §10, DOMAIN.md §5).

Leads count on the Shanghai day of `reported_at`, food on that of `discovered_at`, orders on that of
`raised_at`. What happened at or after `as_of` has not happened: every moment is compared with it, so
figures made late are the figures of that moment. On time is strictly before the due time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import connection

from reports import kpi, policy

_LOCAL = "({} AT TIME ZONE 'Asia/Shanghai')::date"

_OUT = """
       -- Over without a result, and never late before it: it counts in no rate.
       COALESCE(LEAST(l.rejected_at, l.merged_at) < %(as_of)s, false) AND NOT (
           COALESCE(l.desk_due_at <= e.ends AND (l.dispatched_at IS NULL OR l.dispatched_at >= l.desk_due_at),
                    false)
           OR COALESCE(l.respond_due_at <= e.ends AND (
                  l.first_responded_at IS NULL OR l.first_responded_at >= l.respond_due_at), false)
           OR l.feedback_due_at <= e.ends AND (e.answered_at IS NULL OR e.answered_at >= l.feedback_due_at)
           OR COALESCE(l.same_day_due_at <= e.ends AND (
                  l.controlled_at IS NULL OR l.controlled_at >= l.same_day_due_at), false)
           OR l.closing_due_at <= e.ends AND (
                  l.first_closed_at IS NULL OR l.first_closed_at >= l.closing_due_at)
           OR EXISTS (SELECT FROM deadlines_event v
                       WHERE v.subject_kind = 'lead' AND v.subject_id = l.id
                         AND v.kind IN ('feedback', 'final') AND v.due_at <= e.ends))
"""
# The last two: a later round's feedback, and what an interim one had promised.
# `ends`: until when anything of the lead can be late. While it is suspended its paused limits stand still.
_ENDS = """
       SELECT LEAST(%(as_of)s, l.rejected_at, l.merged_at) AS ends,
              LEAST(%(as_of)s, l.rejected_at, l.merged_at, l.suspended_at) AS stands,
              LEAST(l.first_fed_back_at, l.first_interim_at) AS answered_at
"""

_LEADS = f"""
SELECT a.day, COALESCE(l.grid_id, 0) AS place, count(*) AS reported,
       count(*) FILTER (WHERE l.desk_due_at IS NOT NULL) AS desk,
       count(*) FILTER (WHERE x.desk_late) AS desk_late,
       count(*) FILTER (WHERE x.counts AND (x.responded OR l.respond_due_at <= e.ends OR x.desk_late))
           AS respond_counted,
       count(*) FILTER (WHERE x.counts AND x.responded AND l.first_responded_at < l.respond_due_at
                              AND NOT x.desk_late) AS responded_on_time,
       count(*) FILTER (WHERE x.counts AND (x.answered OR l.feedback_due_at <= e.stands)) AS feedback_counted,
       count(*) FILTER (WHERE x.counts AND x.answered AND e.answered_at < l.feedback_due_at)
           AS fed_back_on_time,
       count(*) FILTER (WHERE x.counts AND x.interim AND l.first_interim_at < l.feedback_due_at)
           AS interim_on_time,
       count(*) FILTER (WHERE x.counts AND (x.answered OR l.feedback_strict_due_at <= e.ends))
           AS strict_counted,
       count(*) FILTER (WHERE x.counts AND x.answered AND e.answered_at < l.feedback_strict_due_at)
           AS strict_on_time,
       count(*) FILTER (WHERE x.counts AND NOT x.handed) AS closure_counted,
       count(*) FILTER (WHERE x.counts AND x.closed AND NOT x.handed) AS closed,
       count(*) FILTER (WHERE x.counts AND x.mature AND NOT x.handed) AS mature,
       count(*) FILTER (WHERE x.counts AND x.closed AND x.mature AND NOT x.handed) AS mature_closed,
       count(*) FILTER (WHERE x.counts AND (x.closed OR x.mature) AND NOT x.handed) AS closing_counted,
       count(*) FILTER (WHERE x.counts AND x.closed AND l.closed_at < l.closing_due_at AND NOT x.handed)
           AS closed_on_time,
       count(*) FILTER (WHERE x.fed_back) AS fed_back,
       count(*) FILTER (WHERE x.reworks > 0) AS reworked,
       COALESCE(sum(x.reworks), 0) AS reworks,
       count(*) FILTER (WHERE l.fixed_on_spot) AS fixed_on_spot,
       count(*) FILTER (WHERE l.settled_at < %(as_of)s) AS settled,
       count(*) FILTER (WHERE l.rejected_at < %(as_of)s) AS rejected,
       count(*) FILTER (WHERE l.merged_at < %(as_of)s) AS merged,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM leads_extension r WHERE r.lead_id = l.id AND r.at < %(as_of)s)) AS extended,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM leads_suspension r WHERE r.lead_id = l.id AND r.began_at < %(as_of)s)) AS suspended,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM leads_reclassification r WHERE r.lead_id = l.id AND r.at < %(as_of)s)) AS reclassified,
       count(*) FILTER (WHERE x.received) AS handed_over,
       count(*) FILTER (WHERE x.closed AND l.verified_in_stead AND x.counts AND NOT x.handed)
           AS verified_in_stead
  FROM asked a
  JOIN leads_lead l ON l.reported_at >= a.from_at AND l.reported_at < LEAST(a.upto_at, %(as_of)s)
                   AND NOT l.restricted
 CROSS JOIN LATERAL ({_ENDS}) e
 CROSS JOIN LATERAL (
       SELECT COALESCE(l.first_responded_at < %(as_of)s, false) AS responded,
              COALESCE(l.first_fed_back_at < %(as_of)s, false) AS fed_back,
              COALESCE(e.answered_at < %(as_of)s, false) AS answered,
              COALESCE(l.first_interim_at < %(as_of)s AND (
                  l.first_fed_back_at IS NULL OR l.first_interim_at < l.first_fed_back_at), false) AS interim,
              COALESCE(l.closed_at < %(as_of)s, false) AS closed,
              COALESCE(l.handed_over_at < %(as_of)s, false) AS received,
              COALESCE(l.handed_over_at < %(as_of)s AND NOT (
                  l.closing_due_at <= l.handed_over_at AND (
                  l.first_closed_at IS NULL OR l.first_closed_at >= l.closing_due_at)), false) AS handed,
              l.closing_due_at <= e.stands AS mature,
              l.desk_due_at IS NOT NULL AND l.desk_due_at <= e.ends
                  AND (l.dispatched_at IS NULL OR l.dispatched_at >= l.desk_due_at) AS desk_late,
              NOT ({_OUT}) AS counts,
              CASE WHEN l.round = 1 THEN 0 ELSE (
                  SELECT count(*) FROM leads_rework r
                   WHERE r.lead_id = l.id AND r.at < %(as_of)s) END AS reworks) x
 GROUP BY 1, 2
"""  # noqa: S608 - only constants are put together here

_FOOD = f"""
SELECT a.day, COALESCE(l.grid_id, 0) AS place, count(*) AS food,
       count(*) FILTER (WHERE x.same_day) AS food_same_day,
       count(*) FILTER (WHERE x.evening) AS food_evening,
       count(*) FILTER (WHERE x.evening AND x.same_day) AS food_evening_same_day,
       count(*) FILTER (WHERE NOT l.food) AS food_left
  FROM asked a
  JOIN leads_lead l ON l.was_food AND l.discovered_at >= a.from_at AND l.discovered_at < a.upto_at
                   AND l.reported_at < %(as_of)s AND NOT l.restricted
 CROSS JOIN LATERAL ({_ENDS}) e
 CROSS JOIN LATERAL (
       SELECT COALESCE(l.controlled_at < LEAST(a.upto_at, %(as_of)s), false) AS same_day,
              (l.discovered_at AT TIME ZONE 'Asia/Shanghai')::time >= '20:00' AS evening) x
 WHERE NOT ({_OUT})
 GROUP BY 1, 2
"""  # noqa: S608

_ORDERS = """
SELECT a.day, COALESCE(l.grid_id, 0) AS place, count(*) AS orders_raised,
       count(*) FILTER (WHERE o.escalated_at < %(as_of)s) AS orders_escalated,
       count(*) FILTER (WHERE o.lifted_at < %(as_of)s) AS orders_lifted,
       count(*) FILTER (WHERE o.charged_approval_id IS NOT NULL) AS orders_charged
  FROM asked a
  JOIN leads_supervisionorder o ON o.raised_at >= a.from_at AND o.raised_at < LEAST(a.upto_at, %(as_of)s)
  JOIN leads_lead l ON l.id = o.lead_id AND NOT l.restricted
 GROUP BY 1, 2
"""

_ORDERED = """
SELECT a.day, COALESCE(l.grid_id, 0) AS place, count(*) AS rectify_due,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM leads_recheck r WHERE r.lead_id = d.lead_id AND r.round = d.round
              AND r.state = 'passed' AND r.countersigned_at < %(as_of)s)) AS cleared
  FROM asked a
  JOIN leads_disposal d ON d.kind = 'rectify' AND d.rectify_due_at <= %(as_of)s
                       AND d.rectify_due_at > a.from_at AND d.rectify_due_at <= a.upto_at
  JOIN leads_lead l ON l.id = d.lead_id AND NOT l.restricted
 WHERE NOT EXISTS (SELECT FROM leads_rework w WHERE w.lead_id = d.lead_id AND w.round = d.round)
 GROUP BY 1, 2
"""

_LOOKED = """
SELECT a.day, COALESCE(l.grid_id, 0) AS place, count(*) AS look_backs,
       count(*) FILTER (WHERE b.state = 'failed') AS relapsed
  FROM asked a
  JOIN leads_lookback b ON b.done_at >= a.from_at AND b.done_at < LEAST(a.upto_at, %(as_of)s)
  JOIN leads_lead l ON l.id = b.lead_id AND NOT l.restricted
 GROUP BY 1, 2
"""

# Nobody else told most leads: for them no answers are looked up, and surveys only where there is a shop.
_HEARD = """
SELECT a.day, COALESCE(l.grid_id, 0) AS place,
       sum(n.owed) AS answers_owed, sum(n.answered) AS answered, sum(n.on_time) AS answered_on_time,
       sum(s.asked) AS surveys, sum(s.rated) AS rated, sum(s.satisfied) AS satisfied,
       count(*) FILTER (WHERE l.closed_at < %(as_of)s AND s.asked = 0) AS not_asked
  FROM asked a
  JOIN leads_lead l ON l.reported_at >= a.from_at AND l.reported_at < LEAST(a.upto_at, %(as_of)s)
                   AND NOT l.restricted
 CROSS JOIN LATERAL (
       SELECT count(*) AS owed,
              count(*) FILTER (WHERE w.answered_at < %(as_of)s) AS answered,
              count(*) FILTER (WHERE w.answered_at < LEAST(w.due_at, %(as_of)s)) AS on_time
         FROM leads_answer w
        WHERE l.told_by_citizen AND w.lead_id = l.id AND w.owed_at < %(as_of)s
          AND (w.cancelled_at IS NULL OR w.cancelled_at >= %(as_of)s)) n
 CROSS JOIN LATERAL (
       SELECT count(*) AS asked,
              count(*) FILTER (WHERE v.answered_at < %(as_of)s) AS rated,
              count(*) FILTER (WHERE v.answered_at < %(as_of)s
                                 AND v.rating IN ('very_satisfied', 'satisfied')) AS satisfied
         FROM leads_survey v
        WHERE (l.told_by_citizen OR l.entity_id IS NOT NULL) AND v.lead_id = l.id AND v.asked_at < %(as_of)s
          AND (v.voided_at IS NULL OR v.voided_at >= %(as_of)s)) s
 GROUP BY 1, 2
"""

_COLUMNS = ", ".join(kpi.COUNTS)
_VALUES = ", ".join(f"COALESCE({name}, 0)" for name in kpi.COUNTS)
_RENEWED = ", ".join(f"{name} = excluded.{name}" for name in ("as_of", *kpi.COUNTS))

REBUILD = f"""
WITH asked AS (
    SELECT d.day, d.day::timestamp AT TIME ZONE 'Asia/Shanghai' AS from_at,
           (d.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' AS upto_at
      FROM unnest(%(days)s::date[]) AS d(day)),
places AS (SELECT id AS place FROM grids_grid UNION ALL SELECT 0),
told AS ({_LEADS}), found AS ({_FOOD}), supervised AS ({_ORDERS}),
ordered AS ({_ORDERED}), looked AS ({_LOOKED}), heard AS ({_HEARD})
INSERT INTO reports_dailygridstat (day, grid_id, as_of, {_COLUMNS})
SELECT a.day, NULLIF(p.place, 0), %(as_of)s, {_VALUES}
  FROM asked a CROSS JOIN places p
  LEFT JOIN told USING (day, place)
  LEFT JOIN found USING (day, place)
  LEFT JOIN supervised USING (day, place)
  LEFT JOIN ordered USING (day, place)
  LEFT JOIN looked USING (day, place)
  LEFT JOIN heard USING (day, place)
ON CONFLICT (day, grid_id) DO UPDATE SET {_RENEWED}
"""  # noqa: S608 - only constants are put together here

MOVED = f"""
SELECT day FROM (
    SELECT d::date AS day FROM generate_series(%(first)s::date, %(last)s::date, interval '1 day') d
    UNION
    SELECT {_LOCAL.format("l.reported_at")} FROM leads_lead l
     WHERE l.state = 'closed' AND l.closed_at >= %(from_at)s
    UNION
    SELECT {_LOCAL.format("l.reported_at")} FROM leads_lead l
     WHERE l.state IN ('reported', 'dispatched', 'responded', 'fed_back', 'suspended')
       AND (l.closing_due_at >= %(from_at)s OR %(from_at)s <= (
           SELECT e.at FROM journal_entry e WHERE e.stream = 'lead:' || l.id ORDER BY e.seq DESC LIMIT 1))
    UNION
    SELECT {_LOCAL.format("l.reported_at")} FROM leads_lead l
     WHERE l.state = 'rejected' AND l.rejected_at >= %(from_at)s
    UNION
    SELECT {_LOCAL.format("l.reported_at")} FROM leads_lead l
     WHERE l.state = 'merged' AND l.merged_at >= %(from_at)s
    UNION
    SELECT {_LOCAL.format("l.discovered_at")} FROM leads_lead l
     WHERE l.was_food AND (l.state = 'rejected' AND l.rejected_at >= %(from_at)s
                        OR l.state = 'merged' AND l.merged_at >= %(from_at)s)
    UNION
    SELECT {_LOCAL.format("(d.rectify_due_at - interval '1 microsecond')")}
      FROM leads_recheck r JOIN leads_disposal d ON d.lead_id = r.lead_id AND d.round = r.round
     WHERE r.countersigned_at >= %(from_at)s AND d.rectify_due_at IS NOT NULL
    UNION
    SELECT {_LOCAL.format("l.discovered_at")} FROM leads_lead l
     WHERE l.was_food AND l.reported_at >= %(from_at)s AND l.reported_at < %(as_of)s
    UNION
    SELECT {_LOCAL.format("l.reported_at")} FROM leads_answer w JOIN leads_lead l ON l.id = w.lead_id
     WHERE w.answered_at >= %(from_at)s
    UNION
    SELECT {_LOCAL.format("l.reported_at")} FROM leads_survey v JOIN leads_lead l ON l.id = v.lead_id
     WHERE v.answered_at >= %(from_at)s
    UNION
    SELECT {_LOCAL.format("o.raised_at")} FROM leads_supervisionorder o
     WHERE o.lifted_at >= %(from_at)s OR o.escalated_at >= %(from_at)s) found
 WHERE day <= %(last)s ORDER BY day
"""  # noqa: S608


def rebuild(days: Sequence[date], *, as_of: datetime) -> int:
    """Rebuild the rows of these days, every grid and "no grid", as of a moment. One statement.

    Returns the number of rows written. A day that is not over yet is counted as far as it has come.
    """
    with connection.cursor() as cursor:
        cursor.execute(REBUILD, {"days": list(days), "as_of": as_of})
        return cursor.rowcount


def moved_days(day: date) -> list[date]:
    """The days whose figures may have moved since `day` began, as they stand at its end. One statement.

    The last seven; days of leads closed since, or open with a limit to run out since or acted on since
    (every act leaves an entry in the lead's journal); days when food reported on `day` was found; days
    whose orders were escalated or lifted since, or whose citizens were answered or said what they think.
    """
    first, last = policy.recent(day)
    moments = {"from_at": policy.day_starts(day), "as_of": policy.day_ends(day)}
    with connection.cursor() as cursor:
        cursor.execute(MOVED, {"first": first, "last": last, **moments})
        return [row[0] for row in cursor.fetchall()]
