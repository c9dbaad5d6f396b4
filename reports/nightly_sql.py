"""What stands at the end of a day: overdue limits, open leads, orders. Set-based, as of a moment.

Limits of the first round are read from the lead's own columns, which keep what was late; those of
later rounds and of verification from the clocks.
"""

from __future__ import annotations

_COLUMNS = """
    SELECT l.id, l.number, l.category_id, l.grid_id, l.desk_due_at, l.dispatched_at, l.respond_due_at,
           l.first_responded_at, l.feedback_due_at, l.fed_back_at, l.same_day_due_at, l.controlled_at,
           l.closing_due_at, l.first_closed_at, l.final_due_at,
           LEAST(l.first_fed_back_at, l.first_interim_at) AS answered_at,
           LEAST(%(as_of)s, l.suspended_at) AS stands
      FROM leads_lead l WHERE l.reported_at < %(as_of)s AND NOT l.restricted
"""
# Open now, or over since: partial indexes rather than the whole table.
_LIVE = f"""
live AS MATERIALIZED (
    {_COLUMNS} AND l.state IN ('reported', 'dispatched', 'responded', 'fed_back', 'suspended')
    UNION ALL
    {_COLUMNS} AND l.state = 'closed' AND l.closed_at >= %(as_of)s
    UNION ALL
    {_COLUMNS} AND l.state = 'rejected' AND l.rejected_at >= %(as_of)s
    UNION ALL
    {_COLUMNS} AND l.state = 'merged' AND l.merged_at >= %(as_of)s)
"""

OVERDUE = f"""
WITH {_LIVE},
late AS (
    SELECT id, 'desk' AS clock, 1 AS cycle, desk_due_at AS due_at FROM live
     WHERE desk_due_at <= %(as_of)s AND (dispatched_at IS NULL OR dispatched_at >= %(as_of)s)
    UNION ALL
    SELECT id, 'respond', 1, respond_due_at FROM live
     WHERE respond_due_at <= %(as_of)s AND (first_responded_at IS NULL OR first_responded_at >= %(as_of)s)
    UNION ALL
    SELECT id, 'feedback', 1, feedback_due_at FROM live
     WHERE feedback_due_at <= stands AND (answered_at IS NULL OR answered_at >= %(as_of)s)
    UNION ALL
    SELECT id, 'final', 1, final_due_at FROM live
     WHERE final_due_at <= stands AND (fed_back_at IS NULL OR fed_back_at >= %(as_of)s)
    UNION ALL
    SELECT id, 'same_day', 1, same_day_due_at FROM live
     WHERE same_day_due_at <= %(as_of)s AND (controlled_at IS NULL OR controlled_at >= %(as_of)s)
    UNION ALL
    SELECT id, 'closing', 1, closing_due_at FROM live
     WHERE closing_due_at <= stands AND (first_closed_at IS NULL OR first_closed_at >= %(as_of)s)
    UNION ALL
    SELECT live.id, d.kind, d.cycle, d.due_at
      FROM live JOIN deadlines_deadline d ON d.subject_kind = 'lead' AND d.subject_id = live.id
     WHERE (d.kind = 'verify' OR (d.kind = 'feedback' AND d.cycle > 1))
       AND d.armed_at < %(as_of)s AND d.due_at <= %(as_of)s AND d.state <> 'paused'
       AND NOT (d.state = 'cancelled' AND d.closed_at < d.due_at)
       AND NOT EXISTS (SELECT FROM leads_rework r
                        WHERE r.lead_id = live.id AND r.round = d.cycle AND r.at < %(as_of)s)
       AND NOT EXISTS (SELECT FROM leads_reopening r
                        WHERE r.lead_id = live.id AND r.round = d.cycle + 1 AND r.at < %(as_of)s)
       AND (d.kind = 'verify' OR NOT EXISTS (
            SELECT 1 FROM leads_disposal p
             WHERE p.lead_id = live.id AND p.round = d.cycle AND p.at < %(as_of)s
             UNION ALL
            SELECT 1 FROM leads_interimfeedback p
             WHERE p.lead_id = live.id AND p.round = d.cycle AND p.at < %(as_of)s)))
INSERT INTO reports_slaoverdue (report_id, lead_id, number, category, grid_id, grid_code, grid_name,
                                office_name, owner_name, clock, cycle, due_at, hours_late)
SELECT %(report)s, live.id, live.number, c.name, g.id, COALESCE(g.code, ''), COALESCE(g.name, ''),
       COALESCE(o.name, ''), COALESCE(owner.name, ''), late.clock, late.cycle, late.due_at,
       round(extract(epoch FROM %(as_of)s - late.due_at) / 3600, 1)
  FROM late JOIN live USING (id) JOIN leads_category c ON c.code = live.category_id
  LEFT JOIN grids_grid g ON g.id = live.grid_id LEFT JOIN grids_office o ON o.id = g.office_id
  LEFT JOIN LATERAL (
       SELECT left(e.data ->> 'name', 60) AS name FROM journal_entry e
        WHERE e.stream = 'lead:' || live.id AND e.at < %(as_of)s
          AND e.kind IN ('lead.dispatched', 'lead.handed_on')
        ORDER BY e.seq DESC LIMIT 1) owner ON true
 ORDER BY late.due_at, live.id
RETURNING lead_id, grid_id
"""  # noqa: S608 - only constants are put together here

PENDING = f"""
WITH {_LIVE} SELECT grid_id, count(*) FROM live GROUP BY 1
"""  # noqa: S608

ORDERS = """
INSERT INTO reports_slaorder (report_id, order_id, lead_id, number, category, grid_id, grid_code, grid_name,
                              office_name, cause, level, state, raised_at, office_acknowledged_at,
                              community_acknowledged_at)
SELECT %(report)s, s.id, l.id, l.number, c.name, g.id, COALESCE(g.code, ''), COALESCE(g.name, ''),
       COALESCE(o.name, ''), s.cause,
       CASE WHEN s.escalated_at < %(as_of)s THEN 'bureau' ELSE 'office' END,
       CASE WHEN s.lifted_at < %(as_of)s THEN 'lifted' ELSE 'open' END,
       s.raised_at, office.at, community.at
  FROM leads_supervisionorder s JOIN leads_lead l ON l.id = s.lead_id
  JOIN leads_category c ON c.code = l.category_id
  LEFT JOIN grids_grid g ON g.id = l.grid_id LEFT JOIN grids_office o ON o.id = g.office_id
  LEFT JOIN leads_acknowledgement office
         ON office.order_id = s.id AND office.side = 'office' AND office.at < %(as_of)s
  LEFT JOIN leads_acknowledgement community
         ON community.order_id = s.id AND community.side = 'community' AND community.at < %(as_of)s
 WHERE s.raised_at < %(as_of)s AND NOT l.restricted
   AND (s.raised_at >= %(from_at)s OR s.state = 'open' OR s.lifted_at >= %(as_of)s)
 ORDER BY s.raised_at, s.id
"""

DUE = """
SELECT d::date FROM generate_series(
       (SELECT (min(reported_at) AT TIME ZONE 'Asia/Shanghai')::date FROM leads_lead),
       %(last)s::date, interval '1 day') d
 WHERE NOT EXISTS (SELECT FROM reports_reportrun r WHERE r.kind = 'sla' AND r.date = d::date)
 ORDER BY 1 LIMIT %(most)s
"""
