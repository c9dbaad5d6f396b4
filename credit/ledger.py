"""The ledger's one writer: facts in, each once, and the business marked to be graded anew (DESIGN.md §8).

An event that is told twice is kept once (`source` is unique): no error, and no second grading. What turns
out untrue is never taken out; a `WITHDRAWN` fact takes it out of scoring.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from credit.facts import LEVELS, FactKind
from credit.models import CreditFact
from kernel.accounts.models import User
from kernel.clock import local_date
from kernel.deadlines.arrays import literal
from kernel.errors import NotVisible, Refused

LONGEST_REF = 120
LONGEST_SOURCE = 120
WITHDRAWN = "withdrawn:"
MOVED = "moved:"
"""Begins the source of a copy at the entry that stands for a closed one (`credit.following`)."""

_INSERT = """
    INSERT INTO credit_creditfact
           (entity_id, kind, level, ref, at, happened_on, until, source, data, by_id, recorded_at)
    SELECT f.entity_id, f.kind, f.level, f.ref, f.at, f.happened_on, f.until, f.source, f.data, f.by_id,
           kernel_now()
      FROM ROWS FROM (jsonb_to_recordset(%s::jsonb) AS (
               entity_id bigint, kind text, level text, ref text, at timestamptz, happened_on date,
               until date, source text, data jsonb, by_id bigint)) WITH ORDINALITY
           f(entity_id, kind, level, ref, at, happened_on, until, source, data, by_id, turn)
     ORDER BY f.turn
    ON CONFLICT (source) DO NOTHING
"""
_RECORD = f"""
WITH told AS ({_INSERT} RETURNING entity_id),
dirty AS (
    INSERT INTO credit_dirtyentity (entity_id, at) SELECT DISTINCT entity_id, kernel_now() FROM told)
SELECT count(*) FROM told
"""  # noqa: S608 - only constants are put together here
_MARK_ONE = "INSERT INTO credit_dirtyentity (entity_id, at) VALUES (%s, kernel_now())"
_MARK = """
INSERT INTO credit_dirtyentity (entity_id, at)
SELECT DISTINCT id, %s::timestamptz FROM unnest(%s::bigint[]) t(id)
"""


@dataclass(frozen=True, slots=True)
class NewFact:
    """One fact to be kept; the fields as in `credit.facts.Fact`.

    `happened_on` is the Shanghai date of `at` where it is not said (of an annual report: say its due date).
    `data` is what an explanation may tell: JSON values, no personal data.
    """

    entity_id: int
    kind: str
    ref: str
    at: datetime
    source: str
    level: str = ""
    happened_on: date | None = None
    until: date | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    by_id: int | None = None


def record(fact: NewFact) -> bool:
    """Keep one fact; False where its source was told before. One statement, in the caller's transaction.

    Raises:
        Refused: as `record_many`.
    """
    return record_many([fact]) == 1


def record_many(facts: Sequence[NewFact]) -> int:
    """Keep facts in the order given and mark their businesses; how many were new.

    One statement whatever their number. A source that is there already, or comes twice in `facts`, is kept
    once: the first counts. Locks nothing but what the rows' foreign keys share.

    Raises:
        Refused: a kind or level that nobody knows, an empty or over-long matter or source.
    """
    if not facts:
        return 0
    rows = [_row(fact) for fact in facts]
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, [json.dumps(rows, cls=DjangoJSONEncoder)])
        return int(cursor.fetchone()[0])


def insertions(fact: NewFact) -> list[tuple[str, list[Any]]]:
    """The two insertions of one fact, for a caller who makes them part of a statement of his own.

    The fact must be new: where its source was told before, its business is graded once for nothing.

    Raises:
        Refused: as `record_many`.
    """
    rows = json.dumps([_row(fact)], cls=DjangoJSONEncoder)
    return [(_INSERT, [rows]), (_MARK_ONE, [fact.entity_id])]


def withdraw(source: str, *, by: User | None, at: datetime, why: str) -> bool:
    """Take the fact of this source out of scoring; False where that was done before.

    The fact itself stays. Two statements.

    Raises:
        NotVisible: no fact has this source.
        Refused: no reason is given.
    """
    if not why.strip():
        raise Refused("请填写撤销理由。", code="reason_required", attr="why")
    fact = CreditFact.objects.filter(source=source).first()
    if fact is None:
        raise NotVisible("没有这条信用事实。", code="no_such_fact")
    return record_many(withdrawals([fact], at=at, by_id=by.pk if by else None, why=why.strip())) > 0


def withdrawals(
    facts: Iterable[CreditFact], *, at: datetime, by_id: int | None = None, **told: Any
) -> list[NewFact]:
    """What takes these facts out of scoring, to be recorded; `told` is what is said of it.

    Of a copy the original is withdrawn with it: what is untrue is untrue at both entries. Pure.
    """
    places: dict[str, int] = {}
    for fact in facts:
        places[fact.source] = fact.entity_id
        if "moved" in fact.data:
            places[fact.data["moved"]["source"]] = origin_of(fact)
    kind = FactKind.WITHDRAWN
    return [
        NewFact(entity_id, kind, source, at, WITHDRAWN + source, data=told, by_id=by_id)
        for source, entity_id in places.items()
    ]


def origin_of(fact: CreditFact) -> int:
    """The entry of which a fact was told: of a copy (`credit.following`) the closed one. Pure."""
    return int(fact.data["moved"]["entity"]) if "moved" in fact.data else fact.entity_id


def withdrawn(sources: Iterable[str]) -> set[str]:
    """Which of these sources no longer count. One statement, none for nothing."""
    marks = [WITHDRAWN + source for source in sources]
    if not marks:
        return set()
    return set(CreditFact.objects.filter(source__in=marks).values_list("ref", flat=True))


def mark_dirty(entity_ids: Iterable[int], at: datetime) -> None:
    """Have these businesses graded anew within seconds. One statement; marking twice grades once."""
    wanted = sorted(set(entity_ids))
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(_MARK, [at, literal(wanted)])


def _row(fact: NewFact) -> dict[str, Any]:
    kind = str(fact.kind)
    if kind not in FactKind.values:
        raise Refused(f"没有“{kind}”这种信用事实。", code="unknown_fact_kind", attr="kind")
    level = str(fact.level)
    if level not in LEVELS.get(kind, {""}):
        name = FactKind(kind).label
        raise Refused(f"“{name}”没有“{level}”这一程度。", code="unknown_fact_level", attr="level")
    longest = LONGEST_SOURCE + (len(WITHDRAWN) if kind == FactKind.WITHDRAWN else 0)
    if not fact.ref or not fact.source or len(fact.ref) > LONGEST_REF or len(fact.source) > longest:
        raise Refused("信用事实须注明事项和来源，各不超过120个字。", code="bad_fact_source", attr="source")
    return {
        "entity_id": fact.entity_id,
        "kind": kind,
        "level": level,
        "ref": fact.ref,
        "at": fact.at.isoformat(),  # the encoder would cut it to milliseconds
        "happened_on": fact.happened_on or local_date(fact.at),
        "until": fact.until,
        "source": fact.source,
        "data": dict(fact.data),
        "by_id": fact.by_id,
    }
