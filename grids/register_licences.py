"""Licences and equipment of a business: added, renewed, ended, never removed (DOMAIN.md §2).

Each is known by its type (kind) and number. They move the version of the business, and credit is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from grids import register_changes
from grids.access import scope_of
from grids.models import BusinessEntity, Equipment, Licence
from grids.refusals import naming_the_rule
from grids.register import EquipmentGiven, Expect, LicenceGiven, check, in_order, on_entity
from grids.register_rights import require_keeper
from grids.register_words import moved
from kernel import journal
from kernel.accounts.models import User
from kernel.journal import Note

Row = Licence | Equipment


def keep_licences(
    *, entity_id: int, by: User, expect: Expect, licences: Sequence[LicenceGiven]
) -> BusinessEntity:
    """Have these licences stand as given: new ones are added, known ones renewed or ended. What is not named
    stays. Nothing to change: no new version.

    Raises: NotVisible; NotAllowed `not_your_entity`; StaleVersion / VersionRequired (through `expect`);
    Refused `expires_before_issue`, or a value that cannot stand; Busy.
    """
    return _keep(Licence, "type", "licence", entity_id, by, expect, licences)


def keep_equipment(
    *, entity_id: int, by: User, expect: Expect, equipment: Sequence[EquipmentGiven]
) -> BusinessEntity:
    """The same for equipment, with the date of its next test. Raises as `keep_licences`."""
    return _keep(Equipment, "kind", "equipment", entity_id, by, expect, equipment)


def _keep(
    model: type[Any],
    sort: str,
    what: str,
    entity_id: int,
    by: User,
    expect: Expect,
    given: Sequence[LicenceGiven | EquipmentGiven],
) -> BusinessEntity:
    def work(entity: BusinessEntity, at: datetime) -> BusinessEntity:
        require_keeper(scope_of(by), entity)
        known = {(getattr(row, sort), row.number): row for row in model.objects.filter(entity=entity)}
        added: list[Row] = []
        changed: list[Row] = []
        notes: list[Note] = []
        fields: list[str] = []
        for one in given:
            values = {n: v.strip() if isinstance(v, str) else v for n, v in asdict(one).items()}
            fields = [name for name in values if name not in (sort, "number")]
            row = known.get((values[sort], values["number"]))
            before = {} if row is None else {name: getattr(row, name) for name in fields}
            if row is None:
                row = model(entity=entity, **values)
                added.append(row)
            elif any(before[name] != values[name] for name in fields):
                for name in fields:
                    setattr(row, name, values[name])
                changed.append(row)
            else:
                continue
            check(row, values)
            in_order(row)
            known[(values[sort], values["number"])] = row
            said = {"what": str(row), "changes": moved(before, {name: values[name] for name in fields})}
            kind = f"entity.{what}_{'changed' if before else 'added'}"
            notes.append(Note(f"entity:{entity.pk}", kind, at, said, by))
        if notes:
            expect(entity.version)
            with naming_the_rule(model):
                model.objects.bulk_create([row for row in added if row.pk is None])
                model.objects.bulk_update([row for row in changed if row.pk is not None], fields)
            entity.version += 1
            entity.save(update_fields=["version"])
            journal.append_many(notes)
            register_changes.tell([entity.pk], at)
        return entity

    found: BusinessEntity = on_entity(entity_id, by, work)
    return found
