"""The register of businesses: created and changed here, by people (DOMAIN.md §2).

Every change writes row, journal (`entity:<id>`: who, when, from, to, persons masked) and tells who must know
(`register_changes.tell`), in one transaction. Lock order: the live clocks of what is asked about the
business, then its row (FOR NO KEY UPDATE, so that others may refer to it meanwhile). A repeated request is
safe: the same creation by `client_uid`, the same values by the values themselves.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from grids import duplicates, key_changes, register_changes, same_business
from grids.access import Scope, scope_of
from grids.models import BusinessEntity, EntityStatus, Equipment, KeyChange, Licence, PlacedBy
from grids.placing import Placed, place
from grids.refusals import naming_the_rule
from grids.register_rights import require_keeper, require_place, waits
from grids.register_words import KEY, PLACE, PLAIN, moved, one_line
from kernel import approvals, clock, journal
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.deadlines.contention import retried
from kernel.errors import Conflict, NotVisible, Refused

Expect = Callable[[int], None]
"""Called with the business's present version; raises VersionRequired or StaleVersion."""
UNKNOWN = "没有找到这个经营主体，或者您无权查看。"
TAKEN_UID = "该编号已用于另一个经营主体，内容不同，请重新登记。"
BIGGEST = 2**63 - 1
LIKENED = frozenset({"name", "uscc", "contact_phone", "lon", "lat", "grid_id", "status"})
"""Fields by which two businesses are found to be alike."""


@dataclass(frozen=True, slots=True)
class LicenceGiven:
    """A licence as it should stand; it is known by type and number. `expires_on` None is 长期."""

    type: str
    number: str
    issued_on: date | None = None
    expires_on: date | None = None
    ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class EquipmentGiven:
    """A piece of equipment as it should stand; it is known by kind and number."""

    kind: str
    number: str
    place: str = ""
    next_test_on: date | None = None
    ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A business as it was found. Degrees in WGS-84; `grid_id` only by hand; `client_uid` of the phone."""

    name: str
    kind: str
    business_types: Sequence[str]
    uscc: str = ""
    is_campus_peripheral: bool = False
    operator_name: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    address: str = ""
    remark: str = ""
    status: str = EntityStatus.ACTIVE
    established_on: date | None = None
    lon: float | None = None
    lat: float | None = None
    community_id: int | None = None
    grid_id: int | None = None
    licences: Sequence[LicenceGiven] = ()
    equipment: Sequence[EquipmentGiven] = ()
    client_uid: uuid.UUID | None = None

    def digest(self) -> str:
        """What makes two creations the same."""
        said = json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, default=str)
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Edited:
    """The business as it stands now, and what waits for the commissioner."""

    entity: BusinessEntity
    waiting: KeyChange | None = None


# --- creating --------------------------------------------------------------------------------------


def create(*, by: User, given: Given) -> tuple[BusinessEntity, bool]:
    """Put a business on the register; whether it is new. The same `client_uid` gives the first one back.

    It is placed by hand, point or community (`placing.place`), in a grid that `by` keeps.

    Raises:
        NotAllowed: `place_required`, `other_grid`, `not_by_hand`. Refused: a value that cannot stand.
        Conflict: `entity_one_per_uscc`; `client_uid_conflict` – this uid came with other content.
    """
    known = _known(by, given)
    if known is not None:
        return known, False
    try:
        return retried(lambda: _create(by, given)), True
    except Conflict as refused:
        if refused.code not in ("entity_one_client_uid", "entity_one_per_uscc"):
            raise
        known = _known(by, given)
        if known is None:
            raise
        return known, False


def _known(by: User, given: Given) -> BusinessEntity | None:
    if given.client_uid is None:
        return None
    rows = BusinessEntity.objects.select_related("grid")
    found = rows.filter(created_by=by, client_uid=given.client_uid).first()
    if found is not None and found.content_digest != given.digest():
        raise Conflict(TAKEN_UID, code="client_uid_conflict", attr="client_uid")
    return found


@transaction.atomic
def _create(by: User, given: Given) -> BusinessEntity:
    at, scope = clock.now(), scope_of(by)
    values = cleaned({name: getattr(given, name) for name in (*KEY, *PLAIN)})
    placed = place(
        lon=given.lon, lat=given.lat, community_id=given.community_id, grid_id=given.grid_id, scope=scope
    )
    require_place(scope, placed.grid)
    entity = BusinessEntity(
        **values,
        lon=given.lon,
        lat=given.lat,
        grid=placed.grid,
        community_id=placed.community_id,
        placed_by=placed.by,
        filed_on=clock.local_date(at),
        created_at=at,
        created_by=by,
        client_uid=given.client_uid,
        content_digest=given.digest() if given.client_uid else "",
    )
    check(entity, [*values, "lon", "lat"])
    with naming_the_rule(BusinessEntity):
        entity.save(force_insert=True)
    licences = [Licence(entity=entity, **asdict(one)) for one in given.licences]
    equipment = [Equipment(entity=entity, **asdict(one)) for one in given.equipment]
    _add(Licence, licences)
    _add(Equipment, equipment)
    said = {
        "changes": moved({}, {**values, **where(entity)}),
        "licences": [str(one) for one in licences],
        "equipment": [str(one) for one in equipment],
    }
    note(entity, "entity.created", by, at, said)
    register_changes.tell([entity.pk], at)
    duplicates.find([entity.pk], at=at)
    return entity


def _add(model: type[models.Model], rows: Sequence[Any]) -> None:
    for row in rows:
        check(row, [field.name for field in model._meta.fields if field.name not in ("id", "entity")])
        in_order(row)
    with naming_the_rule(model):
        model._default_manager.bulk_create(rows)


# --- changing --------------------------------------------------------------------------------------


def edit(*, entity_id: int, by: User, expect: Expect, changes: Mapping[str, Any], reason: str = "") -> Edited:
    """Change what is named in `changes`; what is left out stays. Nothing to change: no new version.

    Name, code and status from a grid worker's seat wait for the commissioner (`waiting`), all else counts
    at once. A new point, or a new community where there is no point, places the business anew; `grid_id`
    places it by hand. What somebody of more weight changes at once ends a question about the same field.

    Raises:
        NotVisible; NotAllowed `not_your_entity`, `other_grid`, `not_by_hand`; StaleVersion /
        VersionRequired (through `expect`); Refused: a value that cannot stand; Conflict
        `entity_one_per_uscc`, `already_waiting` – another key change waits –, `same_as_another`; Busy.
    """

    def work(entity: BusinessEntity, at: datetime) -> Edited:
        scope = scope_of(by)
        seat = require_keeper(scope, entity)
        wanted = cleaned({name: changes[name] for name in (*KEY, *PLAIN) if name in changes})
        wanted |= _placed_anew(entity, changes, scope)
        changed = {name: value for name, value in wanted.items() if getattr(entity, name) != value}
        same_business.refuse_reopening(entity, changed)
        asked = {name: changed.pop(name) for name in KEY if name in changed} if waits(seat) else {}
        waiting = key_changes.waiting_of(entity, by, asked)
        if not changed and (waiting is not None or not asked):
            return Edited(entity, waiting)
        expect(entity.version)
        if changed:
            key_changes.settled_otherwise(entity, changed, by=by, at=at)
            apply(entity, changed, by=by, at=at, reason=reason)
        if asked and waiting is None:
            trial = BusinessEntity(**{**{name: getattr(entity, name) for name in KEY}, **asked})
            check(trial, asked)
            behalf = None if seat.holder_id == by.pk else seat.holder_id
            waiting = key_changes.ask(
                entity, asked, by=by, on_behalf_of_id=behalf, at=at, reason=reason.strip()
            )
        return Edited(entity, waiting)

    return on_entity(entity_id, by, work)


def _placed_anew(entity: BusinessEntity, changes: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Point, community, grid and how it came there, where one of them changes."""
    now = {name: getattr(entity, name) for name in PLACE}
    wanted = {name: changes[name] for name in PLACE if name in changes and changes[name] != now[name]}
    if not wanted:
        return {}
    after = now | wanted
    if set(wanted) == {"community_id"} and entity.placed_by != PlacedBy.COMMUNITY and entity.grid_id:
        return wanted  # it stays in its grid; only the community's name was wrong or missing
    by_hand = wanted.get("grid_id")
    placed: Placed = place(
        lon=after["lon"],
        lat=after["lat"],
        community_id=after["community_id"] if "community_id" in wanted or by_hand is None else None,
        grid_id=by_hand,
        scope=scope,
    )
    require_place(scope, placed.grid)
    return {
        "lon": after["lon"],
        "lat": after["lat"],
        "grid_id": placed.grid and placed.grid.pk,
        "community_id": placed.community_id,
        "placed_by": placed.by,
    }


def apply(
    entity: BusinessEntity,
    changed: Mapping[str, Any],
    *,
    by: User | None,
    at: datetime,
    reason: str = "",
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write these columns of a locked business with its journal, and tell. The one writer of its columns.

    Raises: Refused: a value that cannot stand. Conflict: `entity_one_per_uscc`.
    """
    before = {**{name: getattr(entity, name) for name in changed}, **where(entity)}
    for name, value in changed.items():
        setattr(entity, name, value)
    check(entity, changed)
    entity.version += 1
    with naming_the_rule(BusinessEntity):
        entity.save(update_fields=[*changed, "version"])
    after = {name: value for name, value in changed.items() if name not in (*PLACE, "placed_by")}
    said: dict[str, Any] = {"changes": moved(before, {**after, **where(entity)})}
    if reason.strip():
        said["reason"] = journal_text(reason)
    note(entity, "entity.changed", by, at, {**said, **(more or {})})
    register_changes.tell([entity.pk], at)
    if LIKENED & set(changed):
        duplicates.find([entity.pk], at=at)


# --- what its parts share --------------------------------------------------------------------------


def on_entity(entity_id: int, by: User, work: Callable[[BusinessEntity, datetime], Any]) -> Any:
    """Run one act on one visible business, locked, in its own transaction."""
    if not 0 < entity_id <= BIGGEST:
        raise NotVisible(UNKNOWN)

    @transaction.atomic
    def once() -> Any:
        live = approvals.lock_live("entity", entity_id)
        rows = BusinessEntity.objects.visible_to(by).filter(pk=entity_id)
        if not rows.exists():
            raise NotVisible(UNKNOWN)
        entity = locked(entity_id)
        at = clock.now()
        clocks.refuse_overdue(live, at)
        return work(entity, at)

    return retried(once)


def locked(entity_id: int) -> BusinessEntity:
    """The business, its row locked until commit; rows that refer to it may still be written."""
    rows = BusinessEntity.objects.select_related("grid").select_for_update(of=("self",), no_key=True)
    return rows.get(pk=entity_id)


def cleaned(values: dict[str, Any]) -> dict[str, Any]:
    """Texts on one line, codes in capitals, telephones without blanks and hyphens."""
    found = {name: one_line(value) if isinstance(value, str) else value for name, value in values.items()}
    if "uscc" in found:
        found["uscc"] = found["uscc"].upper()
    if "contact_phone" in found:
        found["contact_phone"] = "".join(found["contact_phone"].replace("-", "").split())
    if "business_types" in found:
        found["business_types"] = list(dict.fromkeys(found["business_types"]))
    return found


def check(row: models.Model, fields: Any) -> None:
    """Do these fields hold what they may? Raises Refused, naming the first that does not."""
    left_out = [field.name for field in row._meta.fields if field.name not in set(fields)]
    try:
        row.clean_fields(exclude=left_out)
    except ValidationError as refused:
        attr, errors = next(iter(refused.error_dict.items()))
        raise Refused("".join(errors[0].messages), code=errors[0].code or "invalid", attr=attr) from None


def in_order(row: Licence | Equipment) -> None:
    """Raises Refused `expires_before_issue`."""
    if isinstance(row, Licence) and row.issued_on and row.expires_on and row.expires_on < row.issued_on:
        raise Refused("有效期不能早于发证日期。", code="expires_before_issue", attr="expires_on")


def where(entity: BusinessEntity) -> dict[str, Any]:
    """Its place as the journal tells it."""
    return {
        "location": None if entity.lon is None else [entity.lon, entity.lat],
        "grid": entity.grid.code if entity.grid else None,
        "community": entity.community.name if entity.community else None,
        "placed_by": entity.placed_by,
    }


def journal_text(text: str) -> str:
    """Free text as the journal keeps it."""
    from kernel.accounts.masking import mask_text

    return mask_text(text.strip())[:200]


def note(entity: BusinessEntity, kind: str, by: User | None, at: datetime, said: dict[str, Any]) -> None:
    """Append to the journal of a locked business."""
    journal.append(stream=f"entity:{entity.pk}", kind=kind, by=by, at=at, data=said)
