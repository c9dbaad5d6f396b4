"""A hint of wrongdoing in a dispute becomes a lead (线索) with one click, without the consumer's identity.

What is told is what the mediator writes, or what the dispute says, masked of the consumer; no file of the
dispute goes along: photos of receipts show names. It is dispatched like any other lead.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from kernel.accounts.models import User
from kernel.errors import Conflict, Refused
from leads import intake
from leads.intake import Report
from leads.models import Lead
from stations import consumers
from stations.acts import Act, office_seat, perform
from stations.models import DisputeLead

MOST = 2000


@dataclass(frozen=True, slots=True)
class Hint:
    """What looks wrong. Without a description the dispute's own words are told."""

    client_uid: uuid.UUID
    category: str
    description: str = field(default="", repr=False)
    severity: str | None = None


def make_lead(*, dispute_id: int, by: User, given: Hint) -> tuple[Lead, bool]:
    """Report the hint as a lead of its own; the lead, and whether it is new. The same `client_uid` with the
    same content gives it back. The dispute goes on as before; no `version` of it moves.

    Raises:
        NotVisible; NotAllowed `not_handler`, `no_posting`; Refused `unknown_category`, `nothing_said`;
        Conflict `client_uid_conflict`; Busy.
    """

    def work(act: Act) -> tuple[Lead, bool]:
        dispute = act.dispute
        made = dispute.leads.filter(made_by=by, lead__client_uid=given.client_uid)
        if not made.exists() and office_seat(act.scope, dispute) is None:
            act.as_handler()
        said = given.description.strip() or f"{dispute.entity_name}：{dispute.goods}。{dispute.description}"
        if not said.strip():
            raise Refused("请填写问题描述。", code="nothing_said", attr="description")
        station = dispute.station
        told = intake.report(
            report=Report(
                client_uid=given.client_uid,
                category=given.category,
                description=consumers.hidden(dispute, said)[:MOST],
                entity_id=dispute.entity_id,
                severity=given.severity,
                lon=None if dispute.entity_id else station.lon,
                lat=None if dispute.entity_id else station.lat,
                crs_in="" if dispute.entity_id or station.lon is None else "wgs84",
            ),
            by=by,
        )
        earlier = DisputeLead.objects.filter(lead=told.lead).first()
        if earlier is not None:
            if earlier.dispute_id != dispute.pk:
                raise Conflict(
                    "该编号已用于另一件纠纷的线索。", code="client_uid_conflict", attr="client_uid"
                )
            return told.lead, False
        DisputeLead.objects.create(dispute=dispute, lead=told.lead, made_by=by, made_at=act.at)
        act.note("dispute.lead_made", {"lead": told.lead.number, "category": given.category})
        return told.lead, told.created

    return perform(dispute_id, by, work)
