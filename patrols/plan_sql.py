# ruff: noqa: S608 - only constants are put together here
"""The statements of `patrols.planning`: one each, for one business and for the whole register."""

from __future__ import annotations

from grids.models import EntityStatus
from patrols.demand import GRADED

LIVE = "('PLANNED', 'ASKS')"
LOCK = "SELECT pg_advisory_xact_lock(hashtext('patrols.plan'))"
"""Plans are made one at a time: what one has read, no other changes before it commits."""
LOCK_UNLESS_HELD = "SELECT pg_try_advisory_xact_lock(hashtext('patrols.plan'))"

ASKING = """
WITH asked AS MATERIALIZED (
  SELECT subject_id FROM approvals_approval WHERE kind = 'patrol_over_cap' AND state = 'waiting')
SELECT t.id FROM asked JOIN patrols_patroltask t ON t.id = asked.subject_id
 WHERE %(ids)s::bigint[] IS NULL OR t.entity_id = ANY(%(ids)s::bigint[])
"""
"""The tasks (of these businesses) about which the bureau is being asked: few, however long the register."""

_FITS = """((w.rhythm = 'DAILY') = (t.kind IN ('DAILY_PATROL', 'WEEKLY_CHECK'))
          AND NOT (w.grade = '' AND t.kind = 'QUARTERLY_REVIEW'))"""
_STATUS = " ".join(
    f"WHEN '{status.value}' THEN '{status.label}'" for status in EntityStatus if status != "ACTIVE"
)
_WHY = f"""CASE
       WHEN e.status <> 'ACTIVE' THEN '主体状态为“' || CASE e.status {_STATUS} END || '”，不再安排'
       WHEN e.grid_id IS NULL THEN '主体尚未落格，暂不安排'
       WHEN NOT g.is_active THEN '所在网格已停用，暂不安排'
       WHEN now.grade = '' THEN '信用等级已撤销，改为按月巡查'
       WHEN t.grade = '' THEN '首次评为' || now.grade || '级，频次随之调整'
       WHEN now.grade <> t.grade
       THEN '信用等级由' || t.grade || '级变为' || now.grade || '级，频次随之调整'
       WHEN now.cause = 'ABNORMAL_ONLY' THEN '现仅因经营异常列为C级，改为按月巡查'
       WHEN t.cause = 'ABNORMAL_ONLY' THEN '不再仅因经营异常列为C级，改为每日巡、每周查'
       ELSE '巡查频次规则调整' END"""
"""Why a task is called off: the first that is true, as it is shown with the task and told to who was asked
about it."""

SET_RIGHT = f"""
WITH {GRADED}, changed AS (
  SELECT t.id, t.entity_id, w.id IS NOT NULL AS there, w.grid_id AS now_in, w.grade, w.cause, {_FITS} AS fits
    FROM patrols_patroltask t LEFT JOIN wanted w ON w.id = t.entity_id
   WHERE t.state IN {LIVE} AND t.period_end >= %(on)s
     AND (%(ids)s::bigint[] IS NULL OR t.entity_id = ANY(%(ids)s::bigint[]))
     AND (w.id IS NULL OR NOT {_FITS} OR t.grid_id <> w.grid_id)
   ORDER BY t.id FOR NO KEY UPDATE OF t
), cancelled AS (
  UPDATE patrols_patroltask t
     SET state = 'CANCELLED', version = t.version + 1, why = {_WHY}, called_off_at = %(at)s
    FROM changed now JOIN grids_businessentity e ON e.id = now.entity_id
    LEFT JOIN grids_grid g ON g.id = e.grid_id
   WHERE t.id = now.id AND NOT coalesce(now.there AND now.fits, false)
  RETURNING t.id, t.grid_id, t.assignee_id, t.planned_on, t.kind, t.why
), moved AS (
  UPDATE patrols_patroltask t SET grid_id = now.now_in, assignee_id = NULL
    FROM changed now WHERE t.id = now.id AND now.there AND now.fits
  RETURNING t.id, t.grid_id, NULL::bigint, t.planned_on, t.kind, ''
)
SELECT true, * FROM cancelled UNION ALL SELECT false, * FROM moved
"""
"""The only statement of a plan that waits for tasks: those that it calls off or moves, locked by id."""

MISSING = f"""
WITH {GRADED}
SELECT w.id, w.grid_id, w.lon, w.lat, w.address, w.grade, w.cause, k.kind
  FROM wanted w
  JOIN jsonb_to_recordset(%(kinds)s::jsonb) AS k(kind text, rhythm text, period date)
    ON k.rhythm = w.rhythm AND (w.grade <> '' OR k.kind <> 'QUARTERLY_REVIEW')
  LEFT JOIN patrols_patroltask t ON t.entity_id = w.id AND t.kind = k.kind AND t.period = k.period
 WHERE t.id IS NULL OR t.state = 'CANCELLED'
 ORDER BY w.id
"""

STANDING = f"""
SELECT t.grid_id, t.kind, t.planned_on, t.period_end, t.assignee_id, t.state, count(*)
  FROM patrols_patroltask t
 WHERE t.state IN {LIVE} AND t.period_end >= %(on)s AND t.kind <> 'QUARTERLY_REVIEW'
   AND (%(grids)s::bigint[] IS NULL OR t.grid_id = ANY(%(grids)s::bigint[]))
   AND (%(kinds)s::varchar[] IS NULL OR t.kind = ANY(%(kinds)s::varchar[]))
 GROUP BY 1, 2, 3, 4, 5, 6
 UNION ALL
SELECT t.grid_id, t.kind, t.planned_on, t.period_end, t.assignee_id, t.state, count(*)
  FROM patrols_patroltask t
 WHERE t.state = 'DONE' AND t.planned_on = %(on)s AND t.kind <> 'QUARTERLY_REVIEW'
   AND t.grid_id = ANY(%(grids)s::bigint[])
   AND (%(kinds)s::varchar[] IS NULL OR t.kind = ANY(%(kinds)s::varchar[]))
 GROUP BY 1, 2, 3, 4, 5, 6
"""
"""In the middle of a day what was done of it counts too: who is quick is not given more."""

ADRIFT = f"""
SELECT g.place, t.id, e.lon, e.lat, e.address
  FROM jsonb_to_recordset(%(groups)s::jsonb) AS g(place integer, grid_id bigint, kind text, planned_on date,
       period_end date, assignee_id bigint, state text)
  JOIN patrols_patroltask t ON t.grid_id = g.grid_id AND t.kind = g.kind AND t.planned_on = g.planned_on
   AND t.period_end = g.period_end AND t.state = g.state AND t.assignee_id IS NOT DISTINCT FROM g.assignee_id
  JOIN grids_businessentity e ON e.id = t.entity_id
 WHERE t.state IN {LIVE}
 ORDER BY t.id
"""
"""The tasks of some of the groups that `STANDING` counts, and where their businesses lie."""

_COLUMNS = (
    "grid_id, period_end, planned_on, assignee_id, grade, cause, without_entering, state, why, planned_at"
)
_AGAIN = ", ".join(f"{name} = EXCLUDED.{name}" for name in _COLUMNS.split(", "))
INSERT = f"""
INSERT INTO patrols_patroltask AS t (entity_id, kind, period, sequence, version, {_COLUMNS})
SELECT r.entity_id, r.kind, r.period, 0, 1, r.grid_id, r.period_end, r.planned_on, r.assignee_id, r.grade,
       r.cause, r.without_entering, r.state, r.why, %(at)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(entity_id bigint, kind text, period date, grid_id bigint,
       period_end date, planned_on date, assignee_id bigint, grade text, cause text, without_entering boolean,
       state text, why text)
    ON CONFLICT (entity_id, kind, period) DO UPDATE
   SET {_AGAIN}, version = t.version + 1, called_off_at = NULL
 WHERE t.state = 'CANCELLED'
RETURNING id, entity_id, state
"""

PLACE = f"""
WITH free AS (
  SELECT t.id, r.planned_on, r.assignee_id FROM patrols_patroltask t
    JOIN jsonb_to_recordset(%(rows)s::jsonb) AS r(id bigint, planned_on date, assignee_id bigint)
      ON t.id = r.id
   WHERE t.state IN {LIVE} FOR NO KEY UPDATE OF t SKIP LOCKED)
UPDATE patrols_patroltask t SET planned_on = free.planned_on, assignee_id = free.assignee_id
  FROM free WHERE t.id = free.id
"""
"""A task that somebody is at this moment doing needs no other day or person."""

ENTERED = """
SELECT own.id, count(*)
  FROM (SELECT e.id, e.id AS entry FROM unnest(%(ids)s::bigint[]) AS e(id)
         UNION ALL
        SELECT s.survivor_id, s.entity_id FROM grids_samebusiness s
         WHERE s.survivor_id = ANY(%(ids)s::bigint[]) AND s.until_at IS NULL) own
  JOIN grids_entitycontact c ON c.entity_id = own.entry
 WHERE c.purpose = ANY(%(inspections)s) AND c.entered AND c."on" BETWEEN %(first)s AND %(last)s
 GROUP BY 1
"""
"""An entry that stands for others counts what was entered at them too."""

REVIEWERS = """
WITH free AS (
  SELECT t.id, r.assignee_id FROM patrols_patroltask t
    JOIN jsonb_to_recordset(%(rows)s::jsonb) AS r(grid_id bigint, assignee_id bigint)
      ON t.grid_id = r.grid_id
   WHERE t.kind = 'QUARTERLY_REVIEW' AND t.state = 'PLANNED' AND t.period_end >= %(on)s
     AND t.assignee_id IS DISTINCT FROM r.assignee_id FOR NO KEY UPDATE OF t SKIP LOCKED)
UPDATE patrols_patroltask t SET assignee_id = free.assignee_id FROM free WHERE t.id = free.id
"""

UNORDERED = f"""
SELECT DISTINCT assignee_id, grid_id, planned_on FROM patrols_patroltask
 WHERE sequence = 0 AND state IN {LIVE} AND kind <> 'QUARTERLY_REVIEW'
"""

WALKS_OF = f"""
SELECT DISTINCT assignee_id, grid_id, planned_on FROM patrols_patroltask
 WHERE planned_on = %(on)s AND state IN {LIVE} AND kind <> 'QUARTERLY_REVIEW'
"""

OF_A_DAY = f"""
SELECT p.place, t.state = 'DONE', t.sequence, t.id, e.lon, e.lat, e.address
  FROM jsonb_to_recordset(%(groups)s::jsonb) AS p(place integer, person bigint, grid bigint, day date)
  JOIN patrols_patroltask t ON t.assignee_id = p.person AND t.planned_on = p.day
  JOIN grids_businessentity e ON e.id = t.entity_id
 WHERE (t.state IN {LIVE} OR t.state = 'DONE') AND t.kind <> 'QUARTERLY_REVIEW'
UNION ALL
SELECT p.place, t.state = 'DONE', t.sequence, t.id, e.lon, e.lat, e.address
  FROM jsonb_to_recordset(%(groups)s::jsonb) AS p(place integer, person bigint, grid bigint, day date)
  JOIN patrols_patroltask t ON p.person IS NULL AND t.grid_id = p.grid AND t.planned_on = p.day
   AND t.assignee_id IS NULL
  JOIN grids_businessentity e ON e.id = t.entity_id
 WHERE (t.state IN {LIVE} OR t.state = 'DONE') AND t.kind <> 'QUARTERLY_REVIEW'
 ORDER BY 1, 4
"""

WALK = f"""
WITH walk AS (SELECT * FROM unnest(%(ids)s::bigint[], %(places)s::bigint[]) AS w(id, place)),
free AS (
  SELECT t.id, walk.place FROM patrols_patroltask t JOIN walk ON walk.id = t.id
   WHERE t.sequence <> walk.place AND t.state IN {LIVE} FOR NO KEY UPDATE OF t SKIP LOCKED)
UPDATE patrols_patroltask t SET sequence = free.place FROM free WHERE t.id = free.id
"""
"""A task that somebody is at this moment doing keeps its place: nobody waits for a number."""
