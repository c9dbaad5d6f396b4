"""入企记录: every app that enters a shop writes here, and reads how often and when (DOMAIN.md §1)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from grids.models import EntityContact, Purpose, SameBusiness
from kernel.clock import SHANGHAI, local_date
from kernel.deadlines.arrays import literal

NEVER = "本月尚未入店"

INSERT = """
INSERT INTO grids_entitycontact (entity_id, purpose, entered, by_id, with_names, at, "on", source, note)
SELECT c.entity_id, c.purpose, c.entered, c.by_id, c.with_names, c.at,
       (c.at AT TIME ZONE 'Asia/Shanghai')::date, c.source, c.note
  FROM unnest(%(entities)s::bigint[], %(purposes)s::text[], %(entered)s::bool[], %(people)s::bigint[],
              %(names)s::text[], %(moments)s::timestamptz[], %(sources)s::text[], %(notes)s::text[])
    AS c(entity_id, purpose, entered, by_id, with_names, at, source, note)
 ORDER BY c.entity_id, c.source
    ON CONFLICT (source) DO NOTHING
"""
LAST = """
SELECT e.id, last."on", last.purpose,
       (SELECT count(*) FROM grids_entitycontact c
         WHERE c.entity_id = ANY(own.ids) AND c.entered AND c.at BETWEEN %(month)s AND %(at)s)
  FROM unnest(%(entities)s::bigint[]) AS e(id)
 CROSS JOIN LATERAL (
       SELECT e.id || array(SELECT s.entity_id FROM grids_samebusiness s
                             WHERE s.survivor_id = e.id AND s.until_at IS NULL) AS ids) own
 CROSS JOIN LATERAL (
       SELECT newest.* FROM unnest(own.ids) AS entry(id)
        CROSS JOIN LATERAL (
              SELECT c."on", c.purpose, c.at, c.id FROM grids_entitycontact c
               WHERE c.entity_id = entry.id AND c.entered AND c.at <= %(at)s
               ORDER BY c.at DESC, c.id DESC LIMIT 1) newest
        ORDER BY newest.at DESC, newest.id DESC LIMIT 1) last
"""
"""However often a shop is called on, the index over business and moment gives both without reading on."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One call at one shop. `source` names the act and is unique; `entered` False: not gone in."""

    entity_id: int
    purpose: str
    by_id: int | None
    at: datetime
    source: str
    entered: bool = True
    with_names: str = ""
    note: str = ""


def record(rows: Sequence[Contact]) -> int:
    """Write contacts in the caller's transaction, each source once. One statement; how many were new."""
    if not rows:
        return 0
    params: dict[str, Any] = {
        "entities": [row.entity_id for row in rows],
        "purposes": [str(Purpose(row.purpose)) for row in rows],
        "entered": [row.entered for row in rows],
        "people": [row.by_id for row in rows],
        "names": [row.with_names[:120] for row in rows],
        "moments": [row.at for row in rows],
        "sources": [row.source for row in rows],
        "notes": [row.note[:200] for row in rows],
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, params)
        return int(cursor.rowcount)


def lines(entity_ids: Collection[int], at: datetime) -> dict[int, str]:
    """One line for each: how often somebody entered this month, and when last. One statement.

    An entry that stands for others (同一家) tells of their contacts too.

    `本月已入店3次，最近一次11月20日（巡查走访）`; `本月尚未入店`.
    """
    today = local_date(at)
    found = dict.fromkeys(entity_ids, NEVER)
    if not found:
        return found
    with connection.cursor() as cursor:
        month = datetime.combine(today.replace(day=1), time(), SHANGHAI)
        params: dict[str, Any] = {"entities": literal(sorted(found)), "at": at, "month": month}
        cursor.execute(LAST, params)
        for number, on, purpose, times in cursor.fetchall():
            began = f"本月已入店{times}次" if times else NEVER
            found[number] = f"{began}，最近一次{_day(on, today)}（{Purpose(purpose).label}）"
    return found


def of(entity_id: int) -> QuerySet[EntityContact]:
    """The contacts of a business, those of entries that were taken into it among them."""
    taken_in = SameBusiness.objects.now().filter(survivor=entity_id)
    return EntityContact.objects.filter(Q(entity=entity_id) | Q(entity__in=taken_in.values("entity")))


def _day(on: date, today: date) -> str:
    year = "" if on.year == today.year else f"{on.year}年"
    return f"{year}{on.month}月{on.day}日"
