"""What the consumer is told: one SMS, where he left a mobile. His number goes into the outbox alone."""

from __future__ import annotations

from kernel.notices import outbox
from kernel.notices.outbox import Draft
from leads.identity import Identity
from stations import consumers
from stations.acts import SUBJECT, Act


def draft(act: Act, told: Identity | None, what: str, **more: str) -> list[Draft]:
    """`stations.to_consumer_<what>`, once per version; none where no SMS can reach him."""
    if told is None or told.mobile is None:
        return []
    dispute = act.dispute
    key = f"dispute:{dispute.pk}:consumer:{what}:{dispute.version}"
    params = {"number": dispute.number, **more}
    return [Draft(key, f"stations.to_consumer_{what}", params, SUBJECT, dispute.pk, sms_to=told.phone)]


def to_consumer(act: Act, what: str, **more: str) -> bool:
    """Tell the consumer; False where no SMS can reach him."""
    found = draft(act, consumers.identity_of(act.dispute), what, **more)
    if found:
        outbox.post(found, at=act.at)
    return bool(found)
