"""Which penalties of a business may still be repaired (信用修复)."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Concat

from credit.facts import FactKind
from credit.ledger import WITHDRAWN
from credit.models import CreditFact, Repair
from credit.models.asking import Outcome


def of(entity_id: int) -> QuerySet[CreditFact]:
    """All of them, whatever became of them."""
    return CreditFact.objects.filter(entity_id=entity_id, kind=FactKind.PENALTY)


def repairable(entity_id: int) -> QuerySet[CreditFact]:
    """Neither withdrawn nor repaired, and of which no repair waits; how long each must have stood is said by
    `credit.repairs.earliest`. One statement."""
    beside = CreditFact.objects.filter(entity_id=OuterRef("entity_id"))
    mark = Concat(Value(WITHDRAWN), OuterRef("source"))
    return of(entity_id).filter(
        ~Exists(CreditFact.objects.filter(source=mark)),
        ~Exists(beside.filter(kind=FactKind.PENALTY_REPAIRED, ref=OuterRef("ref"))),
        ~Exists(Repair.objects.filter(fact=OuterRef("pk"), state=Outcome.WAITING)),
    )
