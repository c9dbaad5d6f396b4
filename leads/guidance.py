"""提醒、指导、约谈: one tap, no approval (柔性指导, DOMAIN.md §1). Never a punishment, never scored."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from grids.access import Scope, scope_of
from grids.models import BusinessEntity
from grids.roles import DUTY_LEADER, DUTY_OFFICER, Role
from kernel import clock, journal
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, NotVisible
from leads import shop_contacts
from leads.acts import Act, safe
from leads.models import Guidance, GuidanceKind, Lead

GIVES = frozenset(
    {
        Role.GRID_WORKER,
        Role.COMMISSIONER,
        Role.OFFICE_CLERK,
        Role.OFFICE_HEAD,
        DUTY_OFFICER,
        DUTY_LEADER,
        Role.BUREAU_SECTION,
        Role.BUREAU,
    }
)
SAME_UID = "该编号已用于另一次指导，内容不同。"


@dataclass(frozen=True, slots=True)
class Given:
    """What one tap says."""

    client_uid: uuid.UUID
    kind: GuidanceKind
    note: str = ""


def give(*, entity_id: int, by: User, given: Given, lead_id: int | None = None) -> tuple[Guidance, bool]:
    """Record guidance to a shop; the row, and whether it is new. The same `client_uid` gives it back.

    Raises:
        NotVisible: the shop (or the lead) is not there for him.
        NotAllowed: `may_not_guide` – his postings have no business with shops.
        Conflict: `client_uid_conflict`.
    """
    entity = BusinessEntity.objects.visible_to(by).filter(pk=entity_id).first()
    if entity is None:
        raise NotVisible("没有找到该经营主体，或者您无权查看。")
    if not may_give(scope_of(by)):
        raise NotAllowed("您目前的岗位不能登记指导。", code="may_not_guide")
    if lead_id is not None and not Lead.objects.visible_to(by).filter(pk=lead_id).exists():
        raise NotVisible("没有找到这条线索，或者您无权查看。")
    earlier = _earlier(by, given, entity_id)
    if earlier is not None:
        return earlier, False
    try:
        with transaction.atomic():
            lead = None
            if lead_id is not None:  # before the shop, as a feedback does
                lead = Lead.objects.select_for_update(of=("self",), no_key=True).filter(pk=lead_id).first()
            told = _insert(entity, lead_id, by, given, clock.now(), stream=f"entity:{entity.pk}")
            shop_contacts.guided(told, lead)
            return told, True
    except IntegrityError as error:
        if "leads_guidance_one_client_uid" not in str(error):
            raise
    found = _earlier(by, given, entity_id)
    if found is None:
        raise Conflict(SAME_UID, code="client_uid_conflict", attr="client_uid")
    return found, False


def may_give(scope: Scope) -> bool:
    return bool(scope.roles & GIVES) and not scope.is_auditor


def _earlier(by: User, given: Given, entity_id: int) -> Guidance | None:
    row = Guidance.objects.filter(by=by, client_uid=given.client_uid).first()
    if row is not None and (row.entity_id, row.kind, row.note) != (entity_id, given.kind, given.note):
        raise Conflict(SAME_UID, code="client_uid_conflict", attr="client_uid")
    return row


def _insert(
    entity: BusinessEntity, lead_id: int | None, by: User, given: Given, at: datetime, *, stream: str
) -> Guidance:
    BusinessEntity.objects.select_for_update(of=("self",), no_key=True).get(pk=entity.pk)
    row = Guidance.objects.create(
        client_uid=given.client_uid, entity=entity, lead_id=lead_id, kind=given.kind, note=given.note,
        by=by, at=at,
    )  # fmt: skip
    journal.append(
        stream=stream,
        kind="guidance.given",
        by=by,
        at=at,
        data=safe({"guidance": row.pk, "kind": given.kind, "note": given.note, "lead": lead_id}),
    )
    return row


def of_result(act: Act, note: str) -> Guidance | None:
    """The guidance that a `guided` result, or a proposal of leniency, gave the shop: nothing typed twice.

    One a round. None where the lead names no shop. Of a tip-off (举报) the shop's journal says nothing, its
    own does.
    """
    lead = act.lead
    if lead.entity is None:
        return None
    uid = uuid.uuid5(uuid.NAMESPACE_OID, f"{lead.stream}:round:{lead.round}:guidance")
    given = Given(uid, GuidanceKind.GUIDE, note[:1000])
    stream = lead.stream if lead.restricted else f"entity:{lead.entity.pk}"
    return _insert(lead.entity, lead.pk, act.actor, given, act.at, stream=stream)
