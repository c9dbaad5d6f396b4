"""People for the tests of accounts: an administrator, a colleague, an outsider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from kernel.accounts import rights
from kernel.accounts.models import User
from tests.factories.accounts import make_user


@pytest.fixture
def keeper(db: None, monkeypatch: pytest.MonkeyPatch) -> User:
    """A system administrator, by a registered test."""
    user = make_user("keeper", name="管账号", is_staff=True)
    monkeypatch.setattr(rights, "_tests", [lambda asked: asked.pk == user.pk])
    return user


@pytest.fixture
def colleague(db: None) -> User:
    return make_user("colleague", name="王同事", is_staff=True)


@pytest.fixture
def outsider(db: None) -> User:
    return make_user("outsider", name="赵路人")


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def journal_of() -> Any:
    """`journal_of(user)` → the kinds on his stream, oldest first."""
    from kernel.journal.models import Entry

    def kinds(user: User) -> list[str]:
        return list(
            Entry.objects.filter(stream=f"user:{user.pk}").order_by("seq").values_list("kind", flat=True)
        )

    return kinds
