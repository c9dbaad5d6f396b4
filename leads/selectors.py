"""Reads that span relations of a lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Prefetch, Q, QuerySet

from grids.access import Scope, scope_of
from grids.roles import Role
from kernel.accounts.models import User
from kernel.coordinates import distance_m
from kernel.deadlines.models import Deadline
from kernel.journal.models import Entry
from leads.answered import with_answer
from leads.models import Disposal, Lead, LeadEvidence, Matter, Rework, Signature

DUPLICATE_WITHIN = timedelta(hours=72)
DUPLICATE_METRES = 50.0
DEGREES = Decimal("0.001")


def visible_lead_ids(user: User, ids: set[int]) -> set[int]:
    """Of these leads, those whose files `user` may see (asked by `kernel.evidence.access`): those he sees,
    and those merged into one that he sees."""
    seen = set(Lead.objects.visible_to(user).filter(pk__in=ids).values_list("id", flat=True))
    if seen == ids:
        return seen
    merged = Lead.objects.filter(pk__in=ids - seen, restricted=False, merged_into__isnull=False)
    into = dict(merged.values_list("id", "merged_into_id"))
    if not into:
        return seen
    survivors = Lead.objects.visible_to(user).filter(pk__in=set(into.values()))
    shown = set(survivors.values_list("id", flat=True))
    return seen | {lead_id for lead_id, survivor in into.items() if survivor in shown}


def handed_in(lead: Lead) -> Matter | None:
    """The matter in which another platform handed it in; no statement for a lead of our own."""
    if not lead.source:
        return None
    of_it = Q(tip_off=lead) if lead.restricted else Q(lead=lead)
    return Matter.objects.filter(of_it).select_related("platform").first()


def reads_masked(scope: Scope) -> bool:
    """Are telephone and identity numbers in what people wrote hidden from him, also on one lead's page?

    From the auditor, and from who sees leads only as the liaison of a department that was called.
    """
    return scope.is_auditor or scope.roles == {Role.DEPARTMENT_LIAISON}


def for_list(leads: QuerySet[Lead]) -> QuerySet[Lead]:
    """A page of leads with all that a row shows, in a fixed number of statements."""
    named = with_answer(leads).select_related("category", "grid", "entity", "assignee")
    return named.prefetch_related(
        Prefetch(
            "signatures", queryset=Signature.objects.select_related("signer", "on_behalf_of").order_by("id")
        ),
        Prefetch("evidence", queryset=LeadEvidence.objects.select_related("evidence").order_by("id")),
        Prefetch("disposals", queryset=Disposal.objects.select_related("by", "later_case").order_by("round")),
        Prefetch("reworks", queryset=Rework.objects.select_related("by").order_by("round")),
    )


def deadlines_of(lead_ids: Sequence[int]) -> dict[int, list[Deadline]]:
    """The clocks of these leads, oldest first. One statement."""
    found: dict[int, list[Deadline]] = {lead_id: [] for lead_id in lead_ids}
    rows = Deadline.objects.with_pauses().filter(subject_kind="lead", subject_id__in=lead_ids)
    for row in rows.order_by("id"):
        found[row.subject_id].append(row)
    return found


def acknowledge_by(order_ids: Sequence[int]) -> dict[int, dict[str, datetime]]:
    """By when each side has to acknowledge these orders: `{order: {"office": …, "community": …}}`."""
    found: dict[int, dict[str, datetime]] = {order_id: {} for order_id in order_ids}
    rows = Deadline.objects.filter(subject_kind="order", subject_id__in=order_ids, kind__startswith="ack_")
    for subject_id, kind, due_at in rows.values_list("subject_id", "kind", "due_at"):
        found[subject_id][kind.removeprefix("ack_")] = due_at
    return found


def timeline(lead: Lead) -> QuerySet[Entry]:
    """The journal of the lead, oldest first."""
    return Entry.objects.filter(stream=lead.stream).order_by("seq")


@dataclass(frozen=True, slots=True)
class Duplicate:
    id: int
    number: str


CANDIDATES = """
SELECT id, number, entity_id, lon, lat, grid_id, reported_by_id FROM leads_lead
 WHERE category_id = %(category)s AND id <> %(id)s AND NOT restricted
   AND state NOT IN ('merged', 'rejected') AND reported_at BETWEEN %(since)s AND %(until)s
   AND (entity_id = %(entity)s
        OR (lon BETWEEN %(lon)s - %(step)s AND %(lon)s + %(step)s
            AND lat BETWEEN %(lat)s - %(step)s AND %(lat)s + %(step)s))
 ORDER BY id DESC LIMIT 50
"""


class _Candidate(NamedTuple):
    id: int
    number: str
    entity_id: int | None
    lon: Decimal | None
    lat: Decimal | None
    grid_id: int | None
    reported_by_id: int


def possible_duplicates(lead: Lead, user: User) -> list[Duplicate]:
    """Leads that may tell of the same thing: same category, ≤ 72 h apart, same entity or ≤ 50 m; none that
    is merged or rejected itself, no tip-off (举报), and none for one.

    Only those that `user` may see; ten at most, newest first. One statement; one more where a
    candidate lies outside the user's own grids.
    """
    if lead.restricted or (lead.entity_id is None and lead.lon is None):
        return []
    params: dict[str, Any] = {
        "category": lead.category_id,
        "id": lead.pk,
        "entity": lead.entity_id,
        "lon": lead.lon,
        "lat": lead.lat,
        "step": DEGREES,
        "since": lead.reported_at - DUPLICATE_WITHIN,
        "until": lead.reported_at + DUPLICATE_WITHIN,
    }
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, params)
        found = [_Candidate(*row) for row in cursor.fetchall()]
    near = [row for row in found if _same_place(lead, row)]
    own = scope_of(user).grid_ids
    elsewhere = {row.id for row in near if row.grid_id not in own and row.reported_by_id != user.pk}
    hidden = elsewhere - visible_lead_ids(user, elsewhere) if elsewhere else set()
    return [Duplicate(row.id, row.number) for row in near if row.id not in hidden][:10]


def same_matter(lead: Lead, other: Lead) -> bool:
    """May these two tell of the same thing, by the rule of `possible_duplicates`? No query."""
    near_in_time = abs(lead.reported_at - other.reported_at) <= DUPLICATE_WITHIN
    return lead.category_id == other.category_id and near_in_time and _same_place(lead, other)


def _same_place(lead: Lead, row: _Candidate | Lead) -> bool:
    if lead.entity_id is not None and row.entity_id == lead.entity_id:
        return True
    if lead.lon is None or lead.lat is None or row.lon is None or row.lat is None:
        return False
    return distance_m(float(lead.lon), float(lead.lat), float(row.lon), float(row.lat)) <= DUPLICATE_METRES
