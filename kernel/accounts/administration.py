"""What an administrator does to accounts, and what everybody does to his own password.

Every service locks the user's row, and leaves a journal entry on `user:<id>`.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import transaction

from kernel.accounts import locks
from kernel.accounts.models import Device, User
from kernel.accounts.rights import require_administrator
from kernel.accounts.sign_in import lock_user, note
from kernel.errors import Conflict, Refused

__all__ = [
    "activate",
    "change_own_password",
    "deactivate",
    "note_change",
    "revoke_all",
    "set_password",
    "unlock",
]


def _validate(password: str, user: User, attr: str) -> None:
    try:
        password_validation.validate_password(password, user)
    except ValidationError as refused:
        raise Refused("".join(refused.messages), code="password_too_weak", attr=attr) from refused


@transaction.atomic
def set_password(*, user: User, password: str, by: User | None, at: datetime) -> None:
    """A new password by an administrator (or the command line: `by` None).

    The person must change it at the next sign-in to the admin; all his devices are signed out.

    Raises:
        NotAllowed: `by` is no administrator.
        Refused: the password breaks the rule of DOMAIN.md §7.
    """
    if by is not None:
        require_administrator(by)
    _validate(password, user, "password")
    locked = lock_user(user.pk)
    locked.set_password(password)
    locked.must_change_password = True
    locked.save(update_fields=["password", "must_change_password"])
    devices = Device.objects.filter(user=locked).delete()[0]
    note(locked, "password_set", by=by, at=at, devices_revoked=devices)


@transaction.atomic
def change_own_password(
    *, user: User, password: str, keep: Device | None, at: datetime, old_password: str | None = None
) -> User:
    """A new password by its owner; every device but `keep` is signed out. Returns the changed user.

    `old_password` None means that the caller has checked it already.

    Raises:
        Refused: the old password is wrong, or the new one breaks the rule or is the old one.
    """
    locked = lock_user(user.pk)
    if old_password is not None and not locked.check_password(old_password):
        raise Refused("原密码不正确。", code="wrong_password", attr="old_password")
    _validate(password, locked, "new_password")
    if locked.check_password(password):
        raise Refused("新密码不能与原密码相同。", code="password_unchanged", attr="new_password")
    locked.set_password(password)
    locked.must_change_password = False
    locked.save(update_fields=["password", "must_change_password"])
    others = Device.objects.filter(user=locked)
    if keep is not None:
        others = others.exclude(pk=keep.pk)
    note(locked, "password_changed", by=locked, at=at, devices_revoked=others.delete()[0])
    return locked


@transaction.atomic
def deactivate(*, user: User, by: User, at: datetime) -> None:
    """Close an account: no sign-in, every session and token ends at once. Twice is once.

    Raises:
        NotAllowed: `by` is no administrator.
        Conflict: nobody closes his own account.
    """
    require_administrator(by)
    if user.pk == by.pk:
        raise Conflict("不能停用自己的账号。", code="own_account")
    locked = lock_user(user.pk)
    if not locked.is_active:
        return
    locked.is_active = False
    locked.save(update_fields=["is_active"])
    devices = Device.objects.filter(user=locked).delete()[0]
    note(locked, "deactivated", by=by, at=at, devices_revoked=devices)


@transaction.atomic
def activate(*, user: User, by: User, at: datetime) -> None:
    """Open a closed account again. Twice is once. Raises NotAllowed."""
    require_administrator(by)
    locked = lock_user(user.pk)
    if locked.is_active:
        return
    locked.is_active = True
    locked.save(update_fields=["is_active"])
    note(locked, "activated", by=by, at=at)


@transaction.atomic
def unlock(*, user: User, by: User, at: datetime) -> int:
    """Lift the lock after failed sign-ins from every address. Raises NotAllowed."""
    require_administrator(by)
    locked = lock_user(user.pk)
    lifted = locks.unlock(locked.username)
    note(locked, "unlocked", by=by, at=at, records=lifted)
    return lifted


@transaction.atomic
def revoke_all(*, user: User, by: User, at: datetime) -> int:
    """Sign out every device of a person; how many there were. Raises NotAllowed."""
    require_administrator(by)
    locked = lock_user(user.pk)
    count = Device.objects.filter(user=locked).delete()[0]
    note(locked, "devices_revoked", by=by, at=at, devices_revoked=count)
    return count


@transaction.atomic
def note_change(*, user: User, fields: list[str], created: bool, by: User, at: datetime) -> None:
    """An administrator made or edited an account; the entry names the fields, never their values."""
    require_administrator(by)
    locked = lock_user(user.pk)
    note(locked, "account_created" if created else "account_changed", by=by, at=at, fields=sorted(fields))
