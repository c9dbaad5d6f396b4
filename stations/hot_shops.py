"""纠纷集中店铺: three disputes in 30 days are told to the bureau, once in each such stretch (DESIGN.md §9).

A hint where to look, never a score: nothing of it reaches credit or a public page.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from grids.models import BusinessEntity
from grids.roles import Section
from grids.staffing import bureau_ids
from kernel.notices import outbox
from kernel.notices.outbox import Draft
from leads.tip_offs import section_people
from stations.models import Dispute, DisputeQuerySet, HotShop, WithdrawalReason
from stations.policy import HOT_DAYS, HOT_DISPUTES

STRETCH = timedelta(days=HOT_DAYS)
LOCK = 0x4A46


def counted(at: datetime) -> DisputeQuerySet:
    """The disputes that count now: of a known shop, registered within the 30 days before `at` (or a moment
    later, by a transaction that began after this one and was quicker), not withdrawn as a mistake."""
    rows = Dispute.objects.filter(entity__isnull=False, registered_at__gt=at - STRETCH)
    return rows.exclude(withdrawal_reason=WithdrawalReason.MISTAKEN)


def check(dispute: Dispute, at: datetime) -> HotShop | None:
    """Called by the intake, in its transaction, after the dispute is written. Two intakes for one shop wait
    for each other here, so the third is never missed and never told twice."""
    if dispute.entity is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, dispute.entity.pk % 2**31])
    number = counted(at).filter(entity=dispute.entity).count()
    if number < HOT_DISPUTES:
        return None
    if HotShop.objects.filter(entity=dispute.entity, told_at__gt=at - STRETCH).exists():
        return None
    row = HotShop.objects.create(entity=dispute.entity, told_at=at, disputes=number)
    outbox.post(_drafts(row, dispute.entity, at), at=at)
    return row


def _drafts(row: HotShop, entity: BusinessEntity, at: datetime) -> list[Draft]:
    told = sorted({*bureau_ids(at), *section_people(Section.CONSUMER, at)})
    params = {"shop": entity.name, "disputes": row.disputes, "days": HOT_DAYS}
    return [
        Draft(
            f"hot_shop:{row.pk}:user:{person}",
            "stations.hot_shop",
            params,
            "entity",
            entity.pk,
            recipient_id=person,
        )
        for person in told
    ]
