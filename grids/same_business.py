"""同一主体: what follows where two entries of the register are judged to be one business, and back.

The later entry is closed; the earlier one takes over its licences and equipment, and its credit code where it
has none. Which entry stands for which (`SameBusiness`) follows from the pairs judged to be the same, a chain
to its end; higher apps hear of it (`on_join`, `on_part`) in the transaction of the judgement. Leads, contacts
and gradings stay where they were written (why: docs/adr on one business entered twice); `contacts` and who
looks up first offences read them for all entries.

The caller holds both entries of the pair locked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Coalesce

from grids import register_changes
from grids.models import GONE, BusinessEntity, DuplicatePair, EntityStatus, SameBusiness
from kernel.accounts.models import User
from kernel.clock import local_date
from kernel.errors import Conflict

OnChange = Callable[[Sequence[SameBusiness], User, datetime], object]

_on_join: list[OnChange] = []
_on_part: list[OnChange] = []

_ROOT = """
WITH RECURSIVE up AS (
    SELECT %s::bigint AS id, 0 AS depth UNION ALL
    SELECT p.first_id, up.depth + 1 FROM up
      JOIN grids_duplicatepair p ON p.second_id = up.id AND p.state = 'SAME')
SELECT id FROM up ORDER BY depth DESC LIMIT 1
"""
_BELOW = """
WITH RECURSIVE down AS (
    SELECT %s::bigint AS id, NULL::bigint AS pair_id UNION ALL
    SELECT p.second_id, p.id FROM down
      JOIN grids_duplicatepair p ON p.first_id = down.id AND p.state = 'SAME')
SELECT id, pair_id FROM down ORDER BY id
"""
"""A pair's first number is below its second: no chain comes back to where it began."""
_TAKE = """
INSERT INTO {table} (entity_id, {columns})
SELECT %(into)s, {columns} FROM {table} l WHERE l.entity_id = %(of)s
   AND NOT EXISTS (SELECT 1 FROM {table} o WHERE o.entity_id = %(into)s AND o.{sort} = l.{sort}
                                             AND o.number = l.number)
 ORDER BY l.id RETURNING id
"""
_PARTS = {
    "licences": ("grids_licence", "type", "type, number, issued_on, expires_on, ended_on"),
    "equipment": ("grids_equipment", "kind", "kind, number, place, next_test_on, ended_on"),
}
_END = "UPDATE {table} SET ended_on = %(today)s WHERE id = ANY(%(ids)s) AND entity_id = %(of)s"


def on_join(handler: OnChange) -> OnChange:
    """Have `handler(rows, by, at)` run where entries came to stand for others. Registering twice is once."""
    if handler not in _on_join:
        _on_join.append(handler)
    return handler


def on_part(handler: OnChange) -> OnChange:
    """The same where they no longer do: `rows` have ended at `at`."""
    if handler not in _on_part:
        _on_part.append(handler)
    return handler


# --- reading ---------------------------------------------------------------------------------------


def survivor_of(entity_id: int) -> int:
    """The entry that stands for this one now: itself, or the one into which it was taken. One statement."""
    row = SameBusiness.objects.now().filter(entity=entity_id).values_list("survivor_id", flat=True).first()
    return entity_id if row is None else row


def survivors_of(entity_ids: Collection[int]) -> dict[int, int]:
    """Of these entries, those that were taken into others, each with its survivor. One statement."""
    rows = SameBusiness.objects.now().filter(entity__in=entity_ids)
    return dict(rows.values_list("entity_id", "survivor_id"))


def entries_of(entity_id: int) -> list[int]:
    """Every entry of the business of this entry, itself among them. One statement."""
    now = SameBusiness.objects.now()
    root = Coalesce(now.filter(entity=entity_id).values("survivor")[:1], entity_id)
    rows = BusinessEntity.objects.filter(Q(pk=root) | Q(pk__in=now.filter(survivor=root).values("entity")))
    return list(rows.order_by("pk").values_list("pk", flat=True))


def refuse_reopening(entity: BusinessEntity, values: Any) -> None:
    """Raise Conflict `same_as_another`: who was taken into another trades again when that is taken back."""
    status = values.get("status")
    if status is None or status in GONE or entity.status not in GONE:
        return
    row = SameBusiness.objects.now().select_related("survivor").filter(entity=entity).first()
    if row is not None:
        raise Conflict(
            f"该主体已核对为与“{row.survivor.name}”同一家；确属两家的，请先在疑似重复主体中撤销核对。",
            code="same_as_another",
            attr="status",
        )


# --- joining and parting ---------------------------------------------------------------------------


def join(
    pair: DuplicatePair, earlier: BusinessEntity, later: BusinessEntity, *, by: User, at: datetime
) -> None:
    """Take the later entry into the earlier one: closed, its licences and code handed over, told on.

    Raises: Conflict `already_gone` – the earlier one no longer trades and can take nobody in.
    """
    if earlier.status in GONE:
        raise Conflict("先登记的一家已停业或搬离，不能作为保留主体，请先核实其状态。", code="already_gone")
    code = later.uscc if later.uscc and not earlier.uscc else ""
    pair.taken = {"status": later.status, "uscc": code}
    closed = {"status": EntityStatus.CLOSED.value} if later.status != EntityStatus.CLOSED else {}
    _write(
        later, earlier, {**closed, **({"uscc": ""} if code else {})}, f"与“{earlier.name}”为同一主体", by, at
    )
    if code:
        _write(earlier, later, {"uscc": code}, f"与“{later.name}”为同一主体，沿用其代码", by, at)
    for what, (table, sort, columns) in _PARTS.items():
        with connection.cursor() as cursor:
            sql = _TAKE.format(table=table, sort=sort, columns=columns)
            cursor.execute(sql, {"into": earlier.pk, "of": later.pk})
            pair.taken[what] = [row[0] for row in cursor.fetchall()]
    pair.save(update_fields=["taken"])
    register_changes.tell([earlier.pk, later.pk], at)
    _settle(later.pk, by, at)


def part(
    pair: DuplicatePair, earlier: BusinessEntity, later: BusinessEntity, *, by: User, at: datetime
) -> None:
    """They are two after all: the later one has its status and code back, what it brought ends at the other.

    Raises: Conflict `taken_in_since` – the earlier one was taken into another meanwhile: that goes first.
    """
    if survivor_of(earlier.pk) != earlier.pk:
        raise Conflict("保留的一家后来又并入了其他主体，请先撤销那一次核对。", code="taken_in_since")
    taken, why = pair.taken, f"撤销核对，与“{earlier.name}”不是同一家"
    code = taken.get("uscc", "")
    if code and earlier.uscc == code:
        _write(earlier, later, {"uscc": ""}, f"撤销核对，代码归还“{later.name}”", by, at)
    else:
        code = ""
    status = taken.get("status", later.status)
    again = {"status": status} if later.status == EntityStatus.CLOSED != status else {}
    _write(later, earlier, {**again, **({"uscc": code} if code else {})}, why, by, at)
    for what, (table, _, _) in _PARTS.items():
        if ids := taken.get(what):
            with connection.cursor() as cursor:
                today = local_date(at)
                cursor.execute(_END.format(table=table), {"today": today, "ids": ids, "of": earlier.pk})
    pair.taken = {}
    pair.save(update_fields=["taken"])
    register_changes.tell([earlier.pk, later.pk], at)
    _settle(later.pk, by, at)


def _write(
    entity: BusinessEntity, other: BusinessEntity, changed: dict[str, Any], why: str, by: User, at: datetime
) -> None:
    from grids import key_changes, register

    if changed:
        key_changes.settled_otherwise(entity, changed, by=by, at=at)
        more = {"same_as": other.pk, "same_as_name": other.name}
        register.apply(entity, changed, by=by, at=at, reason=why, more=more)


def _settle(entity_id: int, by: User, at: datetime) -> None:
    """Bring the rows of an entry, and of all that were taken into it, to what the pairs say now."""
    with connection.cursor() as cursor:
        cursor.execute(_ROOT, [entity_id])
        (root,) = cursor.fetchone()
        cursor.execute(_BELOW, [entity_id])
        below: dict[int, int | None] = dict(cursor.fetchall())
    if root != entity_id:
        below[entity_id] = DuplicatePair.objects.get(second=entity_id, state="SAME").pk
    standing = {row.entity_id: row for row in SameBusiness.objects.now().filter(entity__in=below)}
    ended = [row for number, row in standing.items() if number == root or row.survivor_id != root]
    SameBusiness.objects.filter(pk__in=[row.pk for row in ended]).update(until_at=at)
    gone = {row.entity_id for row in ended}
    begun = SameBusiness.objects.bulk_create(
        SameBusiness(entity_id=number, survivor_id=root, pair_id=pair_id, since_at=at)
        for number, pair_id in below.items()
        if number != root and pair_id is not None and (number not in standing or number in gone)
    )
    for rows, handlers in ((ended, _on_part), (begun, _on_join)):
        for handler in list(handlers) if rows else ():
            handler(rows, by, at)
