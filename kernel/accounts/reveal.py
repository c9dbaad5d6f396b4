"""Showing a masked value whole: only with a reason, and only with a journal entry (DOMAIN.md §7)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from kernel.accounts.masking import mask_text
from kernel.accounts.models import User
from kernel.accounts.rights import may_administer
from kernel.accounts.sign_in import lock_user, note
from kernel.errors import Malformed, NotAllowed, Refused

__all__ = ["REVEALABLE", "reveal", "stated"]

REVEALABLE = {"phone": "手机号"}
MIN_REASON, MAX_REASON = 4, 200


def stated(reason: str) -> str:
    """The reason for a reveal, trimmed. Raises Refused `reason_required` outside 4 to 200 characters."""
    found = reason.strip()
    if not MIN_REASON <= len(found) <= MAX_REASON:
        raise Refused(
            f"请填写查看事由（{MIN_REASON} 至 {MAX_REASON} 字）。", code="reason_required", attr="reason"
        )
    return found


@transaction.atomic
def reveal(*, user: User, field: str, reason: str, by: User, at: datetime) -> str:
    """The unmasked value of one field of `user`.

    The entry `personal_field_revealed` names the field, the reason (numbers in it masked: a journal is
    never erased) and who looked, not the value.
    One's own fields may be seen by oneself; they are noted as well.

    Raises:
        Malformed: the field is not one of `REVEALABLE`.
        NotAllowed: `by` is neither the person nor an administrator.
        Refused: the reason is shorter than 4 or longer than 200 characters.
    """
    if field not in REVEALABLE:
        raise Malformed("没有这个可查看的字段。", code="unknown_field", attr="field")
    if by.pk != user.pk and not may_administer(by):
        raise NotAllowed("您无权查看他人的完整信息。", code="not_administrator")
    why = stated(reason)
    locked = lock_user(user.pk)
    note(locked, "personal_field_revealed", by=by, at=at, field=field, reason=mask_text(why))
    value: str = getattr(locked, field)
    return value
