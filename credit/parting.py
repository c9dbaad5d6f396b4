"""Two entries that were judged to be one business are two after all: the copied facts are withdrawn.

As after an upheld appeal (`credit.correcting`), what never was its own earns a business no waiting time: the
fall that the copies brought is taken back at once, as long as no other fall has followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.db.models import F

from credit import correcting, grading, ledger
from credit.models import CreditAssessment
from grids import same_business
from grids.models import SameBusiness
from kernel.accounts.models import User
from kernel.clock import local_date

PARTED = "撤销“同一家”的核对"
_TAKE_BACK = f"""
INSERT INTO credit_creditfact
       (entity_id, kind, level, ref, at, happened_on, until, source, data, by_id, recorded_at)
SELECT c.entity_id, 'WITHDRAWN', '', c.source, %(at)s, %(on)s, NULL, '{ledger.WITHDRAWN}' || c.source,
       jsonb_build_object('why', '{PARTED}'), %(by)s, kernel_now()
  FROM unnest(%(joins)s::bigint[], %(survivors)s::bigint[]) AS j(id, survivor_id)
  JOIN credit_creditfact c ON c.entity_id = j.survivor_id AND c.kind <> 'WITHDRAWN'
   AND starts_with(c.source, '{ledger.MOVED}' || j.id || ':')
 ORDER BY c.id
ON CONFLICT (source) DO NOTHING
"""  # noqa: S608


def part(rows: Sequence[SameBusiness], by: User, at: datetime) -> None:
    """Handler of a judgement taken back: the copies are withdrawn, and the fall that they alone brought."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE_BACK,
            {
                "joins": [row.pk for row in rows],
                "survivors": [row.survivor_id for row in rows],
                "at": at,
                "on": local_date(at),
                "by": by.pk,
            },
        )
    since: dict[int, datetime] = {}
    for row in rows:
        since[row.survivor_id] = min(row.since_at, since.get(row.survivor_id, row.since_at))
    for survivor_id, moment in since.items():
        grade_anew(survivor_id, since=moment, at=at)


def grade_anew(entity_id: int, *, since: datetime, at: datetime) -> None:
    """Grade by the facts that are left; the first fall since then is taken back where no other followed."""
    falls = CreditAssessment.objects.filter(entity_id=entity_id, at__gte=since).exclude(previous_grade="")
    first, *others = falls.filter(effective_grade__gt=F("previous_grade")).order_by("pk")[:2] or [None]
    trigger = CreditAssessment.Trigger.FACT
    if first is None or others:
        grading.regrade([entity_id], at=at, trigger=trigger)
    else:
        correcting.correct(entity_id, assessment_id=first.pk, at=at, trigger=trigger)


def register() -> None:
    """Hear of judgements that are taken back (called once, at start-up)."""
    same_business.on_part(part)
