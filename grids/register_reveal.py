"""Showing a masked value of a business whole: with a reason, and with a journal entry (DOMAIN.md §7)."""

from __future__ import annotations

from datetime import datetime

from grids.access import scope_of
from grids.models import BusinessEntity
from grids.register import note, on_entity
from grids.register_rights import keeper_seat
from kernel.accounts.masking import mask_text
from kernel.accounts.models import User
from kernel.accounts.reveal import stated
from kernel.errors import Malformed, NotAllowed

REVEALABLE = {"operator_name": "经营者", "contact_name": "联系人", "contact_phone": "联系电话"}


def reveal(*, entity_id: int, field: str, reason: str, by: User) -> str:
    """The unmasked value of one field of a business that `by` keeps.

    The entry `entity.revealed` names the field, the reason (numbers in it masked) and who looked, not the
    value.

    Raises: NotVisible; NotAllowed `not_your_entity`; Malformed `unknown_field`; Refused `reason_required`.
    """
    if field not in REVEALABLE:
        raise Malformed("没有这个可查看的字段。", code="unknown_field", attr="field")
    why = stated(reason)

    def work(entity: BusinessEntity, at: datetime) -> str:
        if keeper_seat(scope_of(by), entity.grid) is None:
            raise NotAllowed("您无权查看该主体的完整信息。", code="not_your_entity")
        note(entity, "entity.revealed", by, at, {"field": field, "reason": mask_text(why)})
        return str(getattr(entity, field))

    found: str = on_entity(entity_id, by, work)
    return found
