"""What a report is before it is a row: as sent, as read beside it, as made."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import Limit
from leads import identity, snapshots
from leads.models import Category, Lead, LeadEvidence, Signature


@dataclass(frozen=True, slots=True)
class Told:
    """Who told it, where that was somebody else (群众反映). Without a number nobody can answer him."""

    name: str = field(repr=False)
    phone: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """What a phone or a desk sends. Coordinates in WGS-84 degrees; `evidence` ids, `awaited` hashes."""

    client_uid: uuid.UUID
    category: str
    description: str = ""
    lon: Decimal | None = None
    lat: Decimal | None = None
    accuracy_m: int | None = None
    crs_in: str = ""
    entity_id: int | None = None
    severity: str | None = None
    captured_at: datetime | None = None
    evidence: tuple[int, ...] = ()
    awaited: tuple[str, ...] = ()
    told: Told | None = None
    fixed_on_spot: bool = False
    source: str = ""
    """Code of the platform that handed it in; empty for our own people."""
    external_number: str = ""
    """The platform's own number for it."""
    restricted: bool = False
    """举报: only the office and the category's section ever learn of it."""
    their_due_at: datetime | None = None
    """The limit that the other platform set; the earlier one rules."""
    clock_skewed: bool = False
    """The phone's clock is ten minutes or more from ours (`sync` says so; no part of the digest)."""

    def digest(self) -> str:
        """What makes two reports with one `client_uid` the same report."""
        return snapshots.sha256(
            [
                str(self.client_uid),
                self.category,
                self.description,
                str(self.lon),
                str(self.lat),
                self.crs_in,
                self.accuracy_m,
                self.entity_id,
                self.severity,
                self.captured_at,
                sorted(self.evidence),
                sorted(self.awaited),
                identity.fingerprint(name=self.told.name, phone=self.told.phone) if self.told else None,
                self.fixed_on_spot,
            ]
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What one statement reads before anything is decided."""

    at: datetime
    lead_id: int
    boundary_version: int
    existing_id: int | None
    existing_digest: str | None
    category: Category | None
    entity: dict[str, Any] | None
    limits: dict[str, Limit]


@dataclass(slots=True)
class Made:
    """A lead just made, with everything its answer shows: nothing needs to be read again."""

    lead: Lead
    created: bool
    deadlines: list[Deadline] = field(default_factory=list)
    signatures: list[Signature] = field(default_factory=list)
    evidence: list[LeadEvidence] = field(default_factory=list)
