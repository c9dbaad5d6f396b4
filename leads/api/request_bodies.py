"""The approved side roads in JSON. Plain functions over rows; see `request_shapes`."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef

from kernel.api.shown import moment, person
from kernel.approvals import kinds
from kernel.approvals.models import Approval
from leads.api.after_bodies import words
from leads.models import Extension, Lead, Reclassification, Rejection, Suspension

Body = dict[str, Any]


def row(lead: Lead) -> Body:
    """The fields of `RequestRowOut`."""
    return {
        "was_food": lead.was_food,
        "suspended_at": moment(lead.suspended_at),
        "suspended_until": moment(lead.suspended_until),
        "rejected_at": moment(lead.rejected_at),
        "feedback_due_at": moment(lead.feedback_due_at),
        "feedback_strict_due_at": moment(lead.feedback_strict_due_at),
        "closing_due_at": moment(lead.closing_due_at),
    }


NOTHING: Body = {
    "approvals": [], "suspensions": [], "extensions": [], "rejection": None, "reclassifications": [],
}  # fmt: skip
"""Of a lead just made."""


def detail(lead: Lead, *, mask: bool) -> Body:
    """The fields of `RequestsOut`. One statement; more only where the lead has gone that way."""
    asked = Approval.objects.filter(subject_kind="lead", subject_id=OuterRef("pk"))
    found = (
        Lead.objects.filter(pk=lead.pk)
        .annotate(
            asked=Exists(asked),
            changed=Exists(Reclassification.objects.filter(lead=OuterRef("pk"))),
            extended=Exists(Extension.objects.filter(lead=OuterRef("pk"))),
        )
        .values_list("asked", "changed", "extended")
        .get()
    )
    body = dict(NOTHING)
    if found[0]:
        body |= _asked(lead, mask=mask)
    if found[1]:
        rows = lead.reclassifications.select_related("by", "agreed_by")
        body["reclassifications"] = [_reclassification(one, mask=mask) for one in rows]
    if found[2]:
        body["extensions"] = [_extension(one) for one in lead.extensions.select_related("approved_by")]
    return body


def _asked(lead: Lead, *, mask: bool) -> Body:
    rows = Approval.objects.of("lead", lead.pk).select_related("asked_by", "decided_by").order_by("id")
    approvals = list(rows)
    body: Body = {"approvals": [_approval(one, mask=mask) for one in approvals]}
    decided = {one.kind for one in approvals if one.state == "approved"}
    if "lead.suspend" in decided:
        body["suspensions"] = [
            _suspension(one, mask=mask) for one in lead.suspensions.select_related("approved_by")
        ]
    if lead.rejected_at is not None:
        last = Rejection.objects.select_related("proposed_by", "agreed_by").filter(lead=lead).first()
        body["rejection"] = None if last is None else _rejection(last, mask=mask)
    return body


def _approval(one: Approval, *, mask: bool) -> Body:
    return {
        "id": one.pk,
        "kind": one.kind,
        "kind_label": kinds.label(one.kind),
        "state": one.state,
        "version": one.version,
        "asked_by": person(one.asked_by),
        "asked_at": moment(one.asked_at),
        "reason": words(one.reason, mask=mask),
        "due_at": moment(one.due_at),
        "decided_by": person(one.decided_by),
        "ended_at": moment(one.ended_at),
        "note": words(one.note, mask=mask),
    }


def _suspension(one: Suspension, *, mask: bool) -> Body:
    return {
        "reason": one.reason_kind,
        "note": words(one.reason, mask=mask),
        "began_at": moment(one.began_at),
        "until_at": moment(one.until_at),
        "ended_at": moment(one.ended_at),
        "approved_by": person(one.approved_by),
    }


def _extension(one: Extension) -> Body:
    return {
        "clock": one.clock,
        "cycle": one.cycle,
        "due_before": moment(one.due_before),
        "due_after": moment(one.due_after),
        "keeps_breach": one.keeps_breach,
        "approved_by": person(one.approved_by),
    }


def _rejection(one: Rejection, *, mask: bool) -> Body:
    return {
        "reason": one.reason_kind,
        "note": words(one.note, mask=mask),
        "proposed_by": person(one.proposed_by),
        "agreed_by": person(one.agreed_by),
        "at": moment(one.at),
    }


def _reclassification(one: Reclassification, *, mask: bool) -> Body:
    return {
        "from_category": one.from_category_id,
        "to_category": one.to_category_id,
        "from_severity": one.from_severity,
        "to_severity": one.to_severity,
        "reason": words(one.reason, mask=mask),
        "by": person(one.by),
        "agreed_by": person(one.agreed_by),
        "at": moment(one.at),
    }
