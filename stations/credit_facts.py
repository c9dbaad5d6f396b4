"""What a dispute tells the credit ledger: only a signed agreement that was not performed (DOMAIN.md §4).

A dispute by itself, refusing to mediate, failing to agree: none of it is a fact about a shop.
"""

from __future__ import annotations

from credit import ledger
from credit.facts import FactKind
from credit.ledger import NewFact
from kernel.clock import local_date
from stations.acts import Act
from stations.models import Agreement


def not_performed(act: Act, agreement: Agreement) -> None:
    """协议未履行, dated the day on which it was found: once for each agreement."""
    dispute = act.dispute
    if dispute.entity_id is None:
        return
    ref = f"dispute:{dispute.pk}"
    ledger.record(
        NewFact(
            entity_id=dispute.entity_id,
            kind=FactKind.COMPLAINT,
            level="NOT_PERFORMED",
            ref=ref,
            at=act.at,
            happened_on=local_date(act.at),
            source=f"{ref}:{agreement.cycle}:not_performed",
            data={"what": "消费纠纷调解协议", "number": agreement.number},
            by_id=act.by.pk if act.by else None,
        )
    )
