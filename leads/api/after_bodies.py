"""The side roads and the time after closing in JSON. Plain functions over rows; see `after_shapes`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kernel.api.shown import moment, person
from kernel.notices.policy import masked
from leads.models import Disposal, DisposalKind, Lead, LookBack, Referral

Body = dict[str, Any]


def words(text: str, *, mask: bool) -> str:
    return str(masked(text)) if mask else text


def row(lead: Lead, disposals: Iterable[Disposal]) -> Body:
    """The fields of `AfterRowOut`: from the lead's own columns and disposals already read."""
    sent = any(d.round == lead.round and d.kind == DisposalKind.HANDED_OVER for d in disposals)
    return {
        "settled_at": moment(lead.settled_at),
        "first_interim_at": moment(lead.first_interim_at),
        "final_due_at": moment(lead.final_due_at),
        "handed_over_at": moment(lead.handed_over_at),
        "waits_for_receipt": sent and lead.handed_over_at is None,
        "cleared_at": moment(lead.cleared_at),
        "merged_into": lead.merged_into_id,
        "reopened_at": moment(lead.reopened_at),
        "reopen_count": lead.reopen_count,
    }


NOTHING: Body = {
    "interims": [],
    "recusals": [],
    "merged": [],
    "referrals": [],
    "corrections": [],
    "rechecks": [],
    "look_backs": [],
    "reopenings": [],
}
"""Of a lead just made."""


def detail(lead: Lead, *, mask: bool) -> Body:
    """The fields of `AfterOut`. Two statements; more only where the lead has gone that way."""
    kinds = {d.kind for d in lead.disposals.all()}
    found = NOTHING | {"recusals": _recusals(lead, mask), "merged": _merged(lead, mask)}
    if lead.first_interim_at is not None:
        found["interims"] = _interims(lead, mask)
    if DisposalKind.HANDED_OVER in kinds:
        rows = lead.referrals.select_related("department").order_by("round")
        found["referrals"] = [referral(one, mask=mask) for one in rows]
    if DisposalKind.RECTIFY in kinds:
        found |= _rectification(lead, mask)
    if lead.reopen_count:
        found["reopenings"] = _reopenings(lead, mask)
    return found


def _interims(lead: Lead, mask: bool) -> list[Body]:
    return [
        {
            "round": one.round,
            "number": one.number,
            "done": words(one.done, mask=mask),
            "remaining": words(one.remaining, mask=mask),
            "final_due_at": moment(one.final_due_at),
            "by": person(one.by),
            "approved_by": person(one.approved_by),
            "at": moment(one.at),
        }
        for one in lead.interims.select_related("by", "approved_by").order_by("id")
    ]


def _recusals(lead: Lead, mask: bool) -> list[Body]:
    return [
        {
            "person": person(one.person),
            "reason": words(one.reason, mask=mask),
            "was_owner": one.was_owner,
            "at": moment(one.at),
        }
        for one in lead.recusals.select_related("person").order_by("id")
    ]


def _merged(lead: Lead, mask: bool) -> list[Body]:
    rows = lead.merged.filter(restricted=False).prefetch_related("evidence").order_by("id")
    return [
        {
            "id": one.pk,
            "number": one.number,
            "reported_at": moment(one.reported_at),
            "merged_at": moment(one.merged_at),
            "description": words(one.description, mask=mask),
            "evidence": [file.evidence_id for file in one.evidence.all() if file.evidence_id is not None],
        }
        for one in rows
    ]


def referral(one: Referral, *, mask: bool) -> Body:
    return {
        "round": one.round,
        "department": one.department.code,
        "department_name": one.department.name,
        "document_number": one.document_number,
        "state": one.stage.value,
        "sent_at": moment(one.sent_at),
        "receipt_at": moment(one.receipt_at),
        "receipt_number": one.receipt_number,
        "reply_due_at": moment(one.reply_due_at),
        "reply_at": moment(one.reply_at),
        "reply": words(one.reply, mask=mask),
    }


def _rectification(lead: Lead, mask: bool) -> Body:
    rechecks = lead.rechecks.select_related("by", "on_behalf_of", "countersigned_by").order_by("round")
    look_backs = lead.look_backs.select_related("lead", "by", "on_behalf_of").order_by("round", "number")
    return {
        "corrections": [
            {
                "round": one.round,
                "note": words(one.note, mask=mask),
                "in_time": one.in_time,
                "evidence": one.evidence,
                "by": person(one.by),
                "at": moment(one.at),
            }
            for one in lead.corrections.select_related("by").order_by("id")
        ],
        "rechecks": [
            {
                "round": one.round,
                "state": one.state,
                "note": words(one.note, mask=mask),
                "evidence": one.evidence,
                "by": person(one.by),
                "for": person(one.on_behalf_of),
                "at": moment(one.at),
                "countersigned_by": person(one.countersigned_by),
                "countersigned_at": moment(one.countersigned_at),
                "countersign_note": words(one.countersign_note, mask=mask),
            }
            for one in rechecks
        ],
        "look_backs": [look_back(one, mask=mask) for one in look_backs],
    }


def look_back(one: LookBack, *, mask: bool) -> Body:
    return {
        "id": one.pk,
        "version": one.version,
        "lead": one.lead_id,
        "lead_number": one.lead.number,
        "round": one.round,
        "number": one.number,
        "state": one.state,
        "opens_at": moment(one.opens_at),
        "due_on": one.due_on.isoformat(),
        "due_at": moment(one.due_at),
        "done_at": moment(one.done_at),
        "by": person(one.by),
        "for": person(one.on_behalf_of),
        "note": words(one.note, mask=mask),
        "evidence": one.evidence,
    }


def _reopenings(lead: Lead, mask: bool) -> list[Body]:
    return [
        {
            "round": one.round,
            "cause": one.cause,
            "reason": words(one.reason, mask=mask),
            "closed_at": moment(one.closed_at),
            "severity_before": one.severity_before,
            "severity_after": one.severity_after,
            "by": person(one.by),
            "at": moment(one.at),
        }
        for one in lead.reopenings.select_related("by").order_by("id")
    ]
