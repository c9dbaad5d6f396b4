"""疑似重复主体: businesses that look like one, found set-based, judged by people (DOMAIN.md §2).

Alike are: the same name in one grid (forms of company, brackets and blanks left aside), the same
organisation code inside the credit code, the same telephone (of five businesses at most: a chain shares
its own), or a place within 50 m with a name most of whose letters are the same. A pair is suggested once:
what people have judged to be two is never suggested again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from grids import same_business
from grids.access import scope_of
from grids.models import BusinessEntity, DuplicatePair
from grids.register_rights import may_judge
from kernel import approvals, clock, journal
from kernel.accounts.masking import mask_text
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.deadlines.arrays import literal
from kernel.deadlines.contention import retried
from kernel.errors import Conflict, NotAllowed, NotVisible, Refused
from kernel.journal import Note

State = DuplicatePair.State
NEAR_M = 50
SHARED_BY_MOST = 5
ALIKE = 0.6
M_PER_DEGREE = 111_195
NOT_JUDGE = "是否重复由所内勤、所长或市场监管局核对。"

_TRADES = "e.status NOT IN ('CLOSED', 'MOVED', 'REVOKED', 'DEREGISTERED')"
_PLAIN = (
    "regexp_replace(grids_word(regexp_replace(name, '[（(][^（）()]*[)）]', '', 'g')),"
    " '(有限责任公司|股份有限公司|有限公司|个体工商户)$', '')"
)
_CELL_LAT = f"floor(lat * {M_PER_DEGREE} / {NEAR_M})::int"
_CELL_LON = f"floor(lon * cos(radians(36.0)) * {M_PER_DEGREE} / {NEAR_M})::int"
_AWAY = f"""sqrt(power((a.lat - b.lat) * {M_PER_DEGREE}, 2)
          + power((a.lon - b.lon) * {M_PER_DEGREE} * cos(radians(a.lat)), 2)) <= {NEAR_M}"""
_SAME_LETTERS = f"""(SELECT count(*) FROM unnest(string_to_array(a.plain, NULL)) AS letter
           WHERE strpos(b.plain, letter) > 0) >= {ALIKE} * greatest(length(a.plain), length(b.plain))
          AND least(length(a.plain), length(b.plain)) >= 2
          AND regexp_replace(a.plain, '\\D', '', 'g') = regexp_replace(b.plain, '\\D', '', 'g')"""  # noqa: S608
"""Most letters are the same; a number in the name, such as that of a branch, is wholly the same."""
_COLUMNS = "e.id, e.name, e.grid_id, e.uscc, e.contact_phone, e.lat, e.lon"
_PLAIN_E = _PLAIN.replace("name", "e.name")
_REACH_LAT, _REACH_LON = NEAR_M / M_PER_DEGREE * 1.1, NEAR_M / M_PER_DEGREE * 2
_INSERT = """
INSERT INTO grids_duplicatepair (first_id, second_id, why, state, found_at, note)
SELECT least(a_id, b_id), greatest(a_id, b_id), string_agg(DISTINCT why, '、' ORDER BY why),
       'SUGGESTED', %(at)s, ''
  FROM found
 GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (first_id, second_id) DO NOTHING
"""
_FOUND_OF_SOME = f"""
WITH a AS MATERIALIZED (
  SELECT {_COLUMNS}, {_PLAIN} AS plain FROM grids_businessentity e
   WHERE e.id = ANY(%(entities)s::bigint[]) AND {_TRADES}
), found (a_id, b_id, why) AS (
  SELECT a.id, e.id, '同一网格内名称相同' FROM a JOIN grids_businessentity e
      ON e.grid_id = a.grid_id AND e.id <> a.id AND a.plain <> '' AND {_TRADES}
   WHERE {_PLAIN_E} = a.plain
  UNION ALL
  SELECT a.id, e.id, '组织机构代码相同' FROM a JOIN grids_businessentity e
      ON substring(e.uscc, 9, 9) = substring(a.uscc, 9, 9) AND e.uscc <> '' AND e.id <> a.id AND {_TRADES}
   WHERE length(a.uscc) = 18 AND length(e.uscc) = 18
  UNION ALL
  SELECT a.id, e.id, '联系电话相同' FROM a JOIN grids_businessentity e
      ON e.contact_phone = a.contact_phone AND e.contact_phone <> '' AND e.id <> a.id AND {_TRADES}
   WHERE length(a.contact_phone) >= 7
     AND (SELECT count(*) FROM (SELECT 1 FROM grids_businessentity s
            WHERE s.contact_phone = a.contact_phone AND s.contact_phone <> ''
            LIMIT {SHARED_BY_MOST + 1}) shared) <= {SHARED_BY_MOST}
  UNION ALL
  SELECT a.id, b.id, '位置相近且名称相似' FROM a CROSS JOIN LATERAL (
         SELECT e.id, e.lat, e.lon, {_PLAIN_E} AS plain FROM grids_businessentity e
          WHERE e.lat BETWEEN a.lat - {_REACH_LAT} AND a.lat + {_REACH_LAT}
            AND e.lon BETWEEN a.lon - {_REACH_LON} AND a.lon + {_REACH_LON}
            AND e.lat IS NOT NULL AND e.id <> a.id AND {_TRADES}) AS b
   WHERE {_AWAY} AND {_SAME_LETTERS}
)
"""  # noqa: S608 - only constants are put together here
_FOUND_OF_ALL = f"""
WITH a AS MATERIALIZED (
  SELECT {_COLUMNS}, {_PLAIN} AS plain, {_CELL_LAT} AS y, {_CELL_LON} AS x
    FROM grids_businessentity e WHERE {_TRADES}
), found (a_id, b_id, why) AS (
  SELECT a.id, b.id, '同一网格内名称相同' FROM a JOIN a b
      ON b.grid_id = a.grid_id AND b.plain = a.plain AND b.id > a.id WHERE a.plain <> ''
  UNION ALL
  SELECT a.id, b.id, '组织机构代码相同' FROM a JOIN a b
      ON substring(b.uscc, 9, 9) = substring(a.uscc, 9, 9) AND b.id > a.id
   WHERE length(a.uscc) = 18 AND length(b.uscc) = 18
  UNION ALL
  SELECT a.id, b.id, '联系电话相同' FROM a JOIN a b ON b.contact_phone = a.contact_phone AND b.id > a.id
   WHERE a.contact_phone IN (SELECT contact_phone FROM grids_businessentity
          WHERE length(contact_phone) >= 7 GROUP BY contact_phone HAVING count(*) <= {SHARED_BY_MOST})
  UNION ALL
  SELECT a.id, b.id, '位置相近且名称相似'
    FROM a CROSS JOIN (VALUES (-1), (0), (1)) AS up(step) CROSS JOIN (VALUES (-1), (0), (1)) AS over(step)
    JOIN a b ON b.y = a.y + up.step AND b.x = a.x + over.step AND b.id > a.id
   WHERE {_AWAY} AND {_SAME_LETTERS}
)
"""  # noqa: S608
OF_SOME, OF_ALL = _FOUND_OF_SOME + _INSERT, _FOUND_OF_ALL + _INSERT


def find(entity_ids: Sequence[int] | None = None, *, at: datetime) -> int:
    """Suggest the pairs of these businesses, or of all. One statement; how many were new. Safe to repeat."""
    if entity_ids is not None and not entity_ids:
        return 0
    with connection.cursor() as cursor:
        if entity_ids is None:
            cursor.execute(OF_ALL, {"at": at})
        else:
            cursor.execute(OF_SOME, {"at": at, "entities": literal(entity_ids)})
        return int(cursor.rowcount)


def find_all() -> int:
    """The nightly search, in a transaction of its own."""
    with transaction.atomic():
        return find(at=clock.now())


def judge(*, pair_id: int, by: User, same: bool, note: str = "", revise: bool = False) -> DuplicatePair:
    """Say whether a pair is one business. One: the later is closed, the earlier stands for both.

    Judged alike already: as it is. `revise`, with a reason: a verdict that was wrong is turned round, and
    what 同一家 had joined is parted again (`same_business`).

    Raises: NotVisible; NotAllowed `not_judge`; Conflict `already_judged`, `already_gone` – the earlier one no
    longer trades –, `already_same` – the later one was taken into another; Refused `reason_required`; Busy.
    """
    seen = DuplicatePair.objects.visible_to(by).filter(pk=pair_id).first()
    if seen is None:
        raise NotVisible("没有找到这组疑似重复主体，或者您无权查看。")
    return retried(lambda: _judge(seen.pk, [seen.first_id, seen.second_id], by, same, note.strip(), revise))


@transaction.atomic
def _judge(pair_id: int, both: list[int], by: User, same: bool, note: str, revise: bool) -> DuplicatePair:
    live = approvals.lock_live_of("entity", both)
    rows = BusinessEntity.objects.select_related("grid").filter(pk__in=both).order_by("id")
    first, second = rows.select_for_update(of=("self",), no_key=True)
    pair = DuplicatePair.objects.select_for_update().get(pk=pair_id)
    at = clock.now()
    clocks.refuse_overdue(live, at)
    wanted, before = State.SAME if same else State.DIFFERENT, pair.state
    moves_later = State.SAME in (wanted, before)
    if not may_judge(scope_of(by), *([second.grid] if moves_later else [first.grid, second.grid])):
        raise NotAllowed(NOT_JUDGE, code="not_judge")
    if before == wanted:
        return pair
    if before != State.SUGGESTED:
        _refuse_silent_turn(note, revise)
    if same and same_business.survivor_of(second.pk) != second.pk:
        raise Conflict("后登记的一家已核对为与其他主体同一家。", code="already_same")
    pair.state, pair.judged_by, pair.judged_at, pair.note = wanted, by, at, note[:200]
    pair.save(update_fields=["state", "judged_by", "judged_at", "note"])
    _note(pair, first, second, by, at)
    if same:
        same_business.join(pair, first, second, by=by, at=at)
    elif before == State.SAME:
        same_business.part(pair, first, second, by=by, at=at)
    return pair


def _refuse_silent_turn(note: str, revise: bool) -> None:
    """A verdict is turned round on purpose and with a reason, or not at all."""
    if not revise:
        raise Conflict("这组主体已经核对过；核对有误的，请填写理由后更正。", code="already_judged")
    if not note:
        raise Refused("请填写更正核对的理由。", code="reason_required", attr="note")


def _note(pair: DuplicatePair, first: BusinessEntity, second: BusinessEntity, by: User, at: datetime) -> None:
    notes = []
    for one, other in ((first, second), (second, first)):
        said = {
            "pair": pair.pk,
            "verdict": pair.state,
            "other": other.pk,
            "other_name": other.name,
            "note": mask_text(pair.note),
        }
        notes.append(Note(f"entity:{one.pk}", "entity.duplicate_judged", at, said, by))
    journal.append_many(notes)
