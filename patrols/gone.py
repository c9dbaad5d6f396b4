"""搬走: the register is told. A grid worker's word waits for the commissioner, an officer's counts."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from grids import register
from grids.models import GONE, EntityStatus
from grids.staffing import RoutingFacts
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, NotVisible
from kernel.notices.outbox import Draft
from patrols import visit_notices
from patrols.models import PatrolVisit

WHY = "走访发现已不在原址经营"


def tell(visit: PatrolVisit, people: Mapping[int, RoutingFacts], by: User) -> list[Draft]:
    """Ask for the status 已搬离 in the visitor's name, in the visit's transaction.

    What he may not ask, or what waits there already in other words, becomes a notice to the commissioner:
    these drafts. The caller has locked what is asked about the business, and then the business.
    """
    if visit.entity.status in GONE:
        return []
    try:
        with transaction.atomic():
            register.edit(
                entity_id=visit.entity_id,
                by=by,
                expect=_any_version,
                changes={"status": EntityStatus.MOVED},
                reason=WHY,
            )
    except (Conflict, NotAllowed, NotVisible):
        return visit_notices.drafts(visit_notices.GONE, visit, people.get(visit.grid_id))
    return []


def _any_version(version: int) -> None:
    """The status is asked for whatever else changed meanwhile."""
