"""Reads that span relations of a lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from kernel.accounts.models import User
from kernel.coordinates import distance_m
from kernel.deadlines.models import Deadline
from kernel.journal.models import Entry
from leads.models import Disposal, Lead, LeadEvidence, Signature

DUPLICATE_WITHIN = timedelta(hours=72)
DUPLICATE_METRES = 50.0
DEGREES = 0.001


def visible_lead_ids(user: User, ids: set[int]) -> set[int]:
    """Of these leads, those that `user` may see (asked by `kernel.evidence.access`)."""
    return set(Lead.objects.visible_to(user).filter(pk__in=ids).values_list("id", flat=True))


def for_list(leads: QuerySet[Lead]) -> QuerySet[Lead]:
    """A page of leads with all that a row shows, in a fixed number of statements."""
    return leads.select_related("category", "grid", "entity", "assignee").prefetch_related(
        Prefetch(
            "signatures", queryset=Signature.objects.select_related("signer", "on_behalf_of").order_by("id")
        ),
        Prefetch("evidence", queryset=LeadEvidence.objects.select_related("evidence").order_by("id")),
        Prefetch("disposals", queryset=Disposal.objects.select_related("by").order_by("round")),
    )


def deadlines_of(lead_ids: Sequence[int]) -> dict[int, list[Deadline]]:
    """The clocks of these leads, oldest first. One statement."""
    found: dict[int, list[Deadline]] = {lead_id: [] for lead_id in lead_ids}
    for row in Deadline.objects.filter(subject_kind="lead", subject_id__in=lead_ids).order_by("id"):
        found[row.subject_id].append(row)
    return found


def timeline(lead: Lead) -> QuerySet[Entry]:
    """The journal of the lead, oldest first."""
    return Entry.objects.filter(stream=lead.stream).order_by("seq")


@dataclass(frozen=True, slots=True)
class Duplicate:
    id: int
    number: str


def possible_duplicates(lead: Lead, user: User) -> list[Duplicate]:
    """Leads that may tell of the same thing: same category, ≤ 72 h apart, same entity or ≤ 50 m.

    Only those that `user` may see; ten at most, newest first. One statement.
    """
    near = Q()
    if lead.entity_id is not None:
        near |= Q(entity_id=lead.entity_id)
    if lead.lon is not None and lead.lat is not None:
        lon, lat = float(lead.lon), float(lead.lat)
        near |= Q(lon__range=(lon - DEGREES, lon + DEGREES), lat__range=(lat - DEGREES, lat + DEGREES))
    if not near:
        return []
    found = (
        Lead.objects.visible_to(user)
        .filter(near, category_id=lead.category_id)
        .filter(reported_at__range=(lead.reported_at - DUPLICATE_WITHIN, lead.reported_at + DUPLICATE_WITHIN))
        .exclude(pk=lead.pk)
        .order_by("-id")
    )
    rows = found.values("id", "number", "entity_id", "lon", "lat")[:50]
    return [Duplicate(row["id"], row["number"]) for row in rows if _same_place(lead, row)][:10]


def _same_place(lead: Lead, row: Mapping[str, Any]) -> bool:
    if lead.entity_id is not None and row["entity_id"] == lead.entity_id:
        return True
    if lead.lon is None or lead.lat is None or row["lon"] is None:
        return False
    return (
        distance_m(float(lead.lon), float(lead.lat), float(row["lon"]), float(row["lat"])) <= DUPLICATE_METRES
    )
