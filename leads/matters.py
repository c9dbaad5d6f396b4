"""来件: what one citizen or one platform hands in, split into its records (DESIGN.md §3, DOMAIN.md §1).

诉求 → a lead; 举报 → a restricted lead; 投诉 → a complaint kept for the stations. Every kind comes with words
of its own: what a tipster wrote stands in no other record. All or nothing, in one transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from grids.access import scope_of
from grids.locate import boundary_version, locate
from grids.models import BusinessEntity
from grids.roles import DUTY_LEADER, DUTY_OFFICER, Role
from kernel import clock, journal
from kernel.accounts.models import User
from kernel.errors import Conflict, Malformed, NotAllowed, Refused
from leads import identity, intake, routing, snapshots
from leads.catalogue import UNSORTED
from leads.intake import Report, Told
from leads.models import KeptComplaint, Lead, Matter, Platform
from leads.models.platform import MatterKind

DESK = frozenset(
    {Role.OFFICE_CLERK, Role.OFFICE_HEAD, DUTY_OFFICER, DUTY_LEADER, Role.BUREAU, Role.BUREAU_SECTION}
)
"""Who takes matters at a desk: everybody else tells the citizen whom to ask."""
NOT_THE_DESK = (
    "举报和投诉不在这里登记。请告诉来访人直接联系辖区市场监管所内勤，或拨打12315；请勿记录或转述举报内容。"
)
KNOWN_OTHERWISE = "该编号的事项已经接收，内容与这次不同，请核对编号。"
ORDER = (MatterKind.REQUEST, MatterKind.TIP_OFF, MatterKind.COMPLAINT)
OnComplaint = Callable[[KeptComplaint], object]
_on_complaint: list[OnComplaint] = []


def on_complaint(handler: OnComplaint) -> None:
    """Have `handler(complaint)` called for every new complaint, in the transaction that keeps it: what it
    raises undoes the matter. Twice is once."""
    if handler not in _on_complaint:
        _on_complaint.append(handler)


@dataclass(frozen=True, slots=True)
class Part:
    """What was said of one kind. `amount` and `entity_name` belong to a complaint; files to a lead."""

    kind: MatterKind
    description: str
    category: str = UNSORTED
    severity: str | None = None
    amount: Decimal | None = None
    entity_name: str = ""
    evidence: tuple[int, ...] = ()
    awaited: tuple[str, ...] = ()

    def content(self) -> list[Any]:
        """Its share of the matter's digest."""
        amount = None if self.amount is None else f"{self.amount:.2f}"
        files = [sorted(self.evidence), sorted(self.awaited)]
        return [self.kind, self.description, self.category, self.severity, self.entity_name, amount, *files]


@dataclass(frozen=True, slots=True)
class Given:
    """A matter as it was handed in. Degrees in WGS-84; `client_uid` names it at a desk, at a platform
    `external_number` does."""

    parts: tuple[Part, ...]
    client_uid: uuid.UUID | None = None
    external_number: str = ""
    their_due_at: datetime | None = None
    told: Told | None = None
    lon: Decimal | None = None
    lat: Decimal | None = None
    accuracy_m: int | None = None
    crs_in: str = ""
    entity_id: int | None = None
    captured_at: datetime | None = None

    def digest(self) -> str:
        """What makes two hand-ins the same. A platform's own status is no part of it, nor is its limit: it
        may grant more time and tell us by handing in again."""
        told = self.told and identity.fingerprint(name=self.told.name, phone=self.told.phone)
        parts = [part.content() for part in sorted(self.parts, key=lambda one: one.kind)]
        place = [str(self.lon), str(self.lat), self.crs_in, self.entity_id]
        return snapshots.sha256([parts, place, told, self.captured_at])


@dataclass(frozen=True, slots=True)
class Taken:
    """The matter with its records; `created` is False where it was there already."""

    matter: Matter
    created: bool
    complaint: KeptComplaint | None = None


def may_take(user: User) -> bool:
    """Does he sit at a desk where matters are taken?"""
    scope = scope_of(user)
    return not scope.is_auditor and scope.has(*DESK)


def take(given: Given, *, by: User, platform: Platform | None = None) -> Taken:
    """Take a matter. The same number of a platform, or the same `client_uid` of a person, with the same
    content gives the first one back; a later limit of the platform is kept, and moves no clock of ours.

    Raises:
        NotAllowed: `not_the_desk`. Malformed: `no_kind`, `kind_twice`. Refused: as `intake.report`.
        Conflict: `external_number_conflict`, `client_uid_conflict` – known, with other content, or with an
            earlier limit.
    """
    if platform is None and not may_take(by):
        raise NotAllowed(NOT_THE_DESK, code="not_the_desk")
    _refuse(given)
    known = _known(given, by, platform)
    if known is None:
        try:
            with transaction.atomic():
                return _take(given, by, platform)
        except IntegrityError as error:
            if "leads_matter_one_" not in str(error):
                raise
            known = _known(given, by, platform)
            if known is None:
                raise
    return _again(known, given)


def _refuse(given: Given) -> None:
    kinds = [part.kind for part in given.parts]
    if not kinds:
        raise Malformed("请说明是诉求、举报还是投诉。", code="no_kind")
    if len(set(kinds)) != len(kinds):
        raise Malformed("每一类事项只能填写一项。", code="kind_twice")
    for part in given.parts:
        if not part.description.strip() and not (part.evidence or part.awaited):
            raise Refused("请填写问题描述。", code="nothing_said", attr=f"{part.kind}.description")
    if any(p.kind == MatterKind.COMPLAINT and not p.description.strip() for p in given.parts):
        raise Refused("请填写投诉内容。", code="nothing_said", attr="complaint.description")


def _uid(given: Given, platform: Platform | None) -> uuid.UUID:
    if platform is not None:
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{platform.code}:{given.external_number}")
    if given.client_uid is None:
        raise Malformed("缺少 client_uid。", code="required", attr="client_uid")
    return given.client_uid


def _known(given: Given, by: User, platform: Platform | None) -> Matter | None:
    rows = Matter.objects.select_related("lead", "tip_off", "complaint", "taken_by")
    if platform is not None:
        return rows.filter(platform=platform, external_number=given.external_number).first()
    return rows.filter(platform__isnull=True, taken_by=by, client_uid=_uid(given, None)).first()


def _again(known: Matter, given: Given) -> Taken:
    if known.content_digest != given.digest():
        if known.platform_id is not None:
            raise Conflict(KNOWN_OTHERWISE, code="external_number_conflict")
        raise Conflict(
            "该编号已用于另一件来件，内容不同，请重新登记。", code="client_uid_conflict", attr="client_uid"
        )
    if known.their_due_at != given.their_due_at:
        _put_off(known, given.their_due_at)
    return Taken(known, created=False, complaint=getattr(known, "complaint", None))


def _put_off(known: Matter, due_at: datetime | None) -> None:
    """The platform granted more time: kept beside ours. Where its limit was the earlier one it ruled, and
    rules on: more time of ours is asked for as ever."""
    with transaction.atomic():
        before = Matter.objects.select_for_update().values_list("their_due_at", flat=True).get(pk=known.pk)
        if due_at is None or before is None or due_at < before:
            raise Conflict(KNOWN_OTHERWISE, code="external_number_conflict")
        if due_at == before:
            return
        Matter.objects.filter(pk=known.pk).update(their_due_at=due_at)
        moved = {"before": before.isoformat(), "due_at": due_at.isoformat()}
        journal.append(
            stream=f"matter:{known.pk}",
            kind="matter.limit_put_off",
            by=known.taken_by,
            at=clock.now(),
            data=moved,
        )
    known.their_due_at = due_at


def _take(given: Given, by: User, platform: Platform | None) -> Taken:
    at, uid = clock.now(), _uid(given, platform)
    parts = {part.kind: part for part in given.parts}
    matter = Matter.objects.create(
        platform=platform,
        external_number=given.external_number,
        client_uid=uid,
        content_digest=given.digest(),
        kinds=[kind.value for kind in ORDER if kind in parts],
        their_due_at=given.their_due_at,
        received_at=at,
        taken_by=by,
    )
    for kind, column in ((MatterKind.REQUEST, "lead"), (MatterKind.TIP_OFF, "tip_off")):
        if kind in parts:
            setattr(matter, column, _lead(given, parts[kind], by, platform, uid))
    matter.save(update_fields=["lead", "tip_off"])
    complaint = None
    if MatterKind.COMPLAINT in parts:
        complaint = _complaint(given, parts[MatterKind.COMPLAINT], matter, at)
    come_from = {"platform": platform.code if platform else None}
    journal.append(stream=f"matter:{matter.pk}", kind="matter.taken", by=by, at=at, data=come_from)
    if complaint is not None:
        for handler in _on_complaint:
            handler(complaint)
    return Taken(matter, created=True, complaint=complaint)


def _lead(given: Given, part: Part, by: User, platform: Platform | None, uid: uuid.UUID) -> Lead:
    report = Report(
        client_uid=uuid.uuid5(uid, part.kind),
        category=part.category,
        description=part.description,
        lon=given.lon,
        lat=given.lat,
        accuracy_m=given.accuracy_m,
        crs_in=given.crs_in,
        entity_id=given.entity_id,
        severity=part.severity,
        captured_at=given.captured_at,
        evidence=part.evidence,
        awaited=part.awaited,
        told=given.told,
        source=platform.code if platform else "",
        external_number=given.external_number,
        restricted=part.kind == MatterKind.TIP_OFF,
        their_due_at=given.their_due_at,
    )
    return intake.report(report=report, by=by).lead


def _complaint(given: Given, part: Part, matter: Matter, at: datetime) -> KeptComplaint:
    """Kept as it was handed in, without the consumer's name and number in its words."""
    said, against, consumer = part.description, part.entity_name, None
    if given.told is not None:
        who = {"name": given.told.name, "phone": given.told.phone}
        consumer = identity.seal(**who)
        said, against = (identity.Identity(**who).hidden_in(text) for text in (said, against))
    entity = None if given.entity_id is None else BusinessEntity.objects.filter(pk=given.entity_id).first()
    if given.entity_id is not None and entity is None:
        raise Refused("没有找到该经营主体，请重新选择或留空。", code="unknown_entity", attr="entity")
    return KeptComplaint.objects.create(
        matter=matter,
        grid_id=_grid_id(given, entity),
        entity=entity,
        entity_name=against or (entity.name if entity else ""),
        description=said,
        amount=part.amount,
        sealed_consumer=consumer,
        received_at=at,
    )


def _grid_id(given: Given, entity: BusinessEntity | None) -> int | None:
    """By the same rule as a lead's."""
    found = None
    if given.lon is not None and given.lat is not None:
        found = locate(float(given.lon), float(given.lat), boundary_version())
    grid: Any = entity.grid if entity else None
    placed = routing.place(
        found,
        entity_grid_id=grid.pk if grid else None,
        entity_grid_code=grid.code if grid else None,
    )
    return placed.grid_id
