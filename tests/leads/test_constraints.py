"""What the database refuses of a lead, whoever writes it (DESIGN.md §3)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from grids.demo import World
from leads.models import Lead
from tests.factories import leads as made

pytestmark = pytest.mark.django_db

MAKE: dict[str, Any] = {
    "reported": lambda world: made.reported(world, lon="117.5", lat="37.1", crs_in="wgs84"),
    "dispatched": made.reported,
    "responded": made.responded,
    "fed_back": made.fed_back,
    "food": lambda world: made.fed_back(world, category="F03"),
    "closed": made.closed,
}


def refused_by(rule: str, sql: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match=rule), transaction.atomic():
            cursor.execute(sql, params)


@pytest.mark.parametrize(
    ("rule", "state", "change"),
    [
        ("", "dispatched", "state = 'lost'"),  # several rules at once
        ("known_severity", "dispatched", "severity = 'DEADLY'"),
        ("owner_once_dispatched", "reported", "assignee_id = reported_by_id"),
        ("owner_once_dispatched", "reported", "owner_cycle = 1"),
        ("owner_once_dispatched", "reported", "state = 'dispatched'"),
        ("owner_once_dispatched", "dispatched", "assignee_id = NULL"),
        ("owner_once_dispatched", "dispatched", "dispatched_at = NULL"),
        ("owner_once_dispatched", "dispatched", "grid_id = NULL"),
        ("owner_once_dispatched", "dispatched", "state = 'reported'"),
        ("responded_when_said", "dispatched", "responded_at = now(), first_responded_at = now()"),
        ("responded_when_said", "responded", "responded_at = NULL"),
        ("fed_back_when_said", "responded", "fed_back_at = now(), first_fed_back_at = now()"),
        ("fed_back_when_said", "fed_back", "fed_back_at = NULL"),
        ("fed_back_when_said", "fed_back", "state = 'responded'"),
        ("first_response_kept", "responded", "first_responded_at = NULL"),
        ("first_feedback_kept", "fed_back", "first_fed_back_at = NULL"),
        ("food_controlled_before_feedback", "food", "controlled_at = NULL"),
        ("closed_with_signatures", "fed_back", "closed_at = now()"),
        ("closed_with_signatures", "closed", "closed_at = NULL"),
        ("closed_with_signatures", "closed", "closed_by_id = NULL"),
        ("closed_with_signatures", "closed", "closing_digest = ''"),
        ("closed_with_signatures", "closed", "verify_method = ''"),
        ("stead_needs_reason", "closed", "verified_in_stead = true"),
        ("place_whole", "dispatched", "lon = NULL"),
        ("discovered_before_reported", "dispatched", "discovered_at = reported_at + interval '11 minutes'"),
    ],
)
def test_a_lead_is_coherent(world: World, rule: str, state: str, change: str) -> None:
    lead = MAKE[state](world)
    refused_by(f"leads_lead_{rule}", f"UPDATE leads_lead SET {change} WHERE id = %s", lead.pk)


@pytest.mark.parametrize(
    ("rule", "columns"),
    [
        ("leads_disposal_one_a_round", "1, 'guided', '再来', NULL"),
        ("leads_disposal_rectify_has_date", "2, 'rectify', '限期', NULL"),
        ("leads_disposal_rectify_has_date", "2, 'guided', '提醒', now()"),
        ("leads_disposal_says_what", "2, 'guided', '', NULL"),
    ],
)
def test_a_disposal_is_coherent(world: World, rule: str, columns: str) -> None:
    lead = made.fed_back(world)
    refused_by(
        rule,
        "INSERT INTO leads_disposal (lead_id, round, kind, note, rectify_due_at, by_id, at)"
        f" SELECT id, {columns}, assignee_id, now() FROM leads_lead WHERE id = %s",
        lead.pk,
    )


@pytest.mark.parametrize("round_reason", ["1, '又退'", "2, ''"])
def test_a_rework_is_coherent(world: World, round_reason: str) -> None:
    lead = made.reworked(world)
    refused_by(
        "leads_rework_",
        "INSERT INTO leads_rework (lead_id, round, reason, by_id, at)"
        f" SELECT id, {round_reason}, reported_by_id, now() FROM leads_lead WHERE id = %s",
        lead.pk,
    )


@pytest.mark.parametrize("sha", ["", "A" * 64, "a" * 63, "g" * 64])
def test_a_piece_of_evidence_has_a_hash(world: World, sha: str) -> None:
    lead = made.reported(world)
    refused_by(
        "leads_leadevidence_sha256",
        "INSERT INTO leads_leadevidence (lead_id, sha256, stage, round, added_by_id, added_at)"
        " SELECT id, %s, 'discovery', 1, reported_by_id, now() FROM leads_lead WHERE id = %s",
        sha,
        lead.pk,
    )


def test_no_lead_is_ever_removed(world: World) -> None:
    lead = made.reported(world)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(DatabaseError), transaction.atomic():
        lead.delete()
    assert Lead.objects.filter(pk=lead.pk).exists()
