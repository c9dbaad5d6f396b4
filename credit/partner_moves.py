"""红色合伙人 of a business that was entered twice: the title goes over to the entry that stands for both.

What a shop has earned does not end because it stood in the register twice. Its row ends (取消, with the
reason in words) and a new one begins at that moment, with the same nomination and approval, so that nobody is
counted twice at any moment. Where the other entry bears or is nominated for the title already, the row only
ends. A nomination that still waits is not moved: whether the conditions hold is asked of the entry that
stands. A judgement that is taken back leaves the title where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.text import Truncator

from credit import questions
from credit.models import RedPartner
from credit.movement import suspends
from credit.partners import LIVING
from grids import same_business
from grids.models import BusinessEntity, SameBusiness
from kernel.accounts.models import User

State = RedPartner.State
BORNE = (State.ACTIVE, State.SUSPENDED)


def follow(rows: Sequence[SameBusiness], by: User, at: datetime) -> None:
    """Handler of entries that came to stand for others; these and the others of the pair are locked."""
    into = {row.entity_id: row.survivor_id for row in rows}
    borne = RedPartner.objects.filter(entity__in=into, state__in=BORNE).select_related("entity")
    held = list(borne.order_by("pk").select_for_update(of=("self",)))
    if not held:
        return
    survivors = BusinessEntity.objects.in_bulk(set(into.values()))
    living = RedPartner.objects.filter(entity__in=survivors, state__in=LIVING)
    taken = set(living.values_list("entity_id", flat=True))
    for row in held:
        survivor = survivors[into[row.entity_id]]
        _end(row, f"与“{survivor.name}”核对为同一主体，称号随之转入", by, at)
        if survivor.pk not in taken:
            taken.add(survivor.pk)
            _begin(row, survivor, by, at)


def _end(row: RedPartner, why: str, by: User, at: datetime) -> None:
    row.state, row.revoked_by, row.revoked_at, row.note = State.REVOKED, by, at, why[:500]
    row.version += 1
    row.save(update_fields=["state", "revoked_by", "revoked_at", "note", "version"])
    questions.note(row, "red_partner.revoked", by, at, reason=why)


def _begin(old: RedPartner, survivor: BusinessEntity, by: User, at: datetime) -> None:
    below = survivor.credit_grade is not None and suspends(survivor.credit_grade)
    row = RedPartner.objects.create(
        entity=survivor,
        community_id=old.community_id,
        state=State.SUSPENDED if below else State.ACTIVE,
        reason=old.reason,
        nominated_by_id=old.nominated_by_id,
        nominated_at=old.nominated_at,
        decided_by_id=old.decided_by_id,
        decided_at=at,
        suspended_at=at if below else None,
        note=Truncator(f"由同一主体“{old.entity.name}”转来").chars(500),
    )
    questions.note(row, "red_partner.moved", by, at, reason=row.note)


def register() -> None:
    """Hear of judgements (called once, at start-up)."""
    same_business.on_join(follow)
