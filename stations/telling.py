"""What the consumer is told: one SMS, where he left a mobile. His number goes into the outbox alone."""

from __future__ import annotations

from kernel.notices import outbox
from kernel.notices.outbox import Draft
from stations import consumers
from stations.acts import SUBJECT, Act


def to_consumer(act: Act, what: str, **more: str) -> bool:
    """Tell the consumer `stations.to_consumer_<what>`, once per version; False where no SMS can reach him."""
    told = consumers.identity_of(act.dispute)
    if told is None or told.mobile is None:
        return False
    dispute = act.dispute
    key = f"dispute:{dispute.pk}:consumer:{what}:{dispute.version}"
    params = {"number": dispute.number, **more}
    outbox.post(
        [Draft(key, f"stations.to_consumer_{what}", params, SUBJECT, dispute.pk, sms_to=told.phone)],
        at=act.at,
    )
    return True
