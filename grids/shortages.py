"""Too few people: a state that is shown and told, never refused (DESIGN.md §7).

The database holds only the maximum of a grid's staff; what is missing is found here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from grids.duty import duty_day
from grids.roles import DUTY_LEADER, DUTY_OFFICER, Role
from grids.staffing import bureau_ids, office_people
from kernel.clock import local_date
from kernel.notices import outbox, templates

FEWEST_WORKERS = 2
ROTA_DAYS = 7
TOLD = "grids.shortage"
WORDS = {
    "no_commissioner": "没有在岗的市场监管专员",
    "few_workers": "在岗社区网格员不足 2 名",
    "no_backup": "没有指定B角",
    "no_office_head": "没有在任所长",
    "no_community_head": "没有在任社区书记",
    "no_rota": "未来 7 天值班表未排满",
}

templates.register(TOLD, "人员配备提醒", "{where}{what}{which}，请尽快补齐。")


@dataclass(frozen=True, slots=True)
class Shortage:
    """One thing that is missing. `where` names the place, `which` whom or which days it concerns."""

    kind: str
    subject_kind: str
    subject_id: int
    office_id: int | None
    where: str
    which: str = ""

    @property
    def words(self) -> str:
        return f"{self.where}{WORDS[self.kind]}{self.which}"


_POSTED = """grids_posting p JOIN accounts_user u ON u.id = p.user_id AND u.is_active
     AND p.starts_at <= %(at)s AND (p.ends_at IS NULL OR p.ends_at > %(at)s)"""
_SHORTAGES = f"""
WITH staffed AS (
  SELECT g.id, g.code, g.name, g.office_id,
         count(*) FILTER (WHERE p.role = '{Role.COMMISSIONER}') AS commissioners,
         count(*) FILTER (WHERE p.role = '{Role.GRID_WORKER}') AS workers
    FROM grids_grid g LEFT JOIN ({_POSTED}) ON p.grid_id = g.id
   WHERE g.is_active GROUP BY g.id
), rota AS (
  SELECT o.id, o.name,
         string_agg(to_char(d.day, 'FMMM"月"FMDD"日"') || r.word, '、' ORDER BY d.day, r.role) AS days
    FROM grids_office o
    CROSS JOIN generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS d(day)
    CROSS JOIN (VALUES ('{DUTY_OFFICER}', '值班员'), ('{DUTY_LEADER}', '带班领导')) AS r(role, word)
   WHERE NOT EXISTS (SELECT FROM grids_dutyshift s
                      WHERE s.office_id = o.id AND s.day = d.day::date AND s.role = r.role)
   GROUP BY o.id
)
SELECT 'no_commissioner', 'grid', id, office_id, code || ' ' || name, '' FROM staffed WHERE commissioners = 0
UNION ALL
SELECT 'few_workers', 'grid', id, office_id, code || ' ' || name, '(现有 ' || workers || ' 名)'
  FROM staffed WHERE workers < {FEWEST_WORKERS}
UNION ALL
SELECT 'no_backup', 'posting', p.id, coalesce(p.office_id, g.office_id),
       coalesce(g.code || ' ' || g.name, o.name, c.name), '(' || u.name || ')'
  FROM {_POSTED} LEFT JOIN grids_grid g ON g.id = p.grid_id LEFT JOIN grids_office o ON o.id = p.office_id
  LEFT JOIN grids_community c ON c.id = p.community_id
 WHERE p.backup_id IS NULL AND num_nonnulls(p.grid_id, p.office_id, p.community_id) > 0
UNION ALL
SELECT 'no_office_head', 'office', o.id, o.id, o.name, '' FROM grids_office o
 WHERE NOT EXISTS (SELECT FROM {_POSTED} WHERE p.office_id = o.id AND p.role = '{Role.OFFICE_HEAD}')
UNION ALL
SELECT 'no_community_head', 'community', c.id, NULL, c.name, '' FROM grids_community c
 WHERE EXISTS (SELECT FROM grids_grid g WHERE g.lead_community_id = c.id AND g.is_active)
   AND NOT EXISTS (SELECT FROM {_POSTED} WHERE p.community_id = c.id AND p.role = '{Role.COMMUNITY_HEAD}')
UNION ALL
SELECT 'no_rota', 'office', id, id, name, '(' || days || ')' FROM rota
 ORDER BY 1, 5, 3
"""  # noqa: S608 - only constants are put together here


def shortages(at: datetime) -> list[Shortage]:
    """All that is missing at a moment; the rota is looked at from its duty day on. One statement."""
    first = duty_day(at)
    days = {"first": first, "last": first + timedelta(days=ROTA_DAYS - 1)}
    with connection.cursor() as cursor:
        cursor.execute(_SHORTAGES, {"at": at, **days})
        return [Shortage(*row) for row in cursor.fetchall()]


@transaction.atomic
def tell_shortages(at: datetime) -> int:
    """Tell each shortage to its office's heads and the bureau, once a day; how many notices were new."""
    found = shortages(at)
    heads = office_people({one.office_id for one in found if one.office_id is not None}, at)
    bureau = bureau_ids(at)
    day = local_date(at)
    drafts = []
    for one in found:
        of_office = heads[one.office_id].head_ids if one.office_id is not None else []
        for user_id in sorted({*of_office, *bureau}):
            key = f"shortage:{one.kind}:{one.subject_kind}:{one.subject_id}:{day}:{user_id}"
            params = {"where": one.where, "what": WORDS[one.kind], "which": one.which}
            drafts.append(outbox.Draft(key, TOLD, params, one.subject_kind, one.subject_id, user_id))
    return outbox.post(drafts, at=at)
