"""Who may administer accounts.

Rights come from postings, which live in a higher app: it registers its test here at start-up
(`AppConfig.ready`). Until somebody does, nobody may.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed

__all__ = [
    "make_administrator",
    "may_administer",
    "register_administrator_maker",
    "register_administrator_test",
    "require_administrator",
]

Test = Callable[[User], bool]
Maker = Callable[[User, datetime], None]

_tests: list[Test] = []
_makers: list[Maker] = []


def register_administrator_test(test: Test) -> Test:
    """`test(user)` → True where the user is a system administrator now. Registering twice is once."""
    if test not in _tests:
        _tests.append(test)
    return test


def register_administrator_maker(maker: Maker) -> Maker:
    """`maker(user, at)` gives a user the right; only for the command `createadmin`."""
    if maker not in _makers:
        _makers.append(maker)
    return maker


def may_administer(user: User) -> bool:
    """Active, and a system administrator by some registered test."""
    return user.is_active and any(test(user) for test in _tests)


def require_administrator(user: User) -> None:
    """Raises NotAllowed unless `user` may administer accounts."""
    if not may_administer(user):
        raise NotAllowed("只有系统管理员可以管理账号。", code="not_administrator")


def make_administrator(user: User, at: datetime) -> None:
    """Give the first administrator his right. Raises Conflict where no app can."""
    if not _makers:
        raise Conflict("系统尚未装入任职模块，无法任命系统管理员。", code="no_administrator_maker")
    for maker in _makers:
        maker(user, at)
