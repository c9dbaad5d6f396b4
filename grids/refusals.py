"""What the database refuses (a broken rule, a lock lost) as a refusal that people understand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import IntegrityError, OperationalError, connection, models, transaction

from kernel.errors import Busy, Conflict

T = TypeVar("T")
BUSY_STATES = frozenset({"40P01", "55P03"})
"""SQLSTATE of a deadlock, and of a lock that was not had within `lock_timeout`."""
BUSY = "系统正忙，请稍后再试，已填内容不会丢失。"


@contextmanager
def naming_the_rule(model: type[models.Model]) -> Iterator[None]:
    """Run the block in a savepoint; where it breaks a constraint of `model`, say which in Chinese.

    Raises:
        Conflict: code is the constraint's name without the app's, detail its Chinese message, attr the field
            where it is about one.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as broken:
        diag = getattr(broken.__cause__, "diag", None)
        name = getattr(diag, "constraint_name", None) or ""
        for constraint in model._meta.constraints:
            if constraint.name == name:
                message = str(constraint.get_violation_error_message())
                fields: tuple[str, ...] = getattr(constraint, "fields", ())
                attr = fields[0] if len(fields) == 1 else None
                raise Conflict(message, code=name.removeprefix("grids_"), attr=attr) from broken
        raise


@contextmanager
def naming_contention() -> Iterator[None]:
    """Run the block; where it lost a lock to somebody else, say so. Raises Busy."""
    try:
        yield
    except OperationalError as error:
        if not _is_contention(error):
            raise
        raise Busy(BUSY) from error


def patiently(once: Callable[[], T]) -> T:
    """Run a transaction, and once more where it lost a lock and is no part of another transaction.

    Raises:
        Busy: the lock could not be had (503; the same request may be sent again).
    """
    try:
        return once()
    except OperationalError as error:
        if not _is_contention(error):
            raise
        if connection.in_atomic_block:
            raise Busy(BUSY) from error
    with naming_contention():
        return once()


def _is_contention(error: OperationalError) -> bool:
    return getattr(error.__cause__, "pgcode", None) in BUSY_STATES
