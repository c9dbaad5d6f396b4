"""The password rule: 10 characters, 3 classes."""

from __future__ import annotations

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from kernel.accounts.models import User
from kernel.accounts.passwords import character_classes


@pytest.mark.parametrize("password", ["Suoshe-2026", "abcdeFGH12", "网格员网格员ab12", "aaaa bbbb 1"])
def test_long_and_mixed_passes(password: str) -> None:
    validate_password(password, User(username="worker-01-1"))


@pytest.mark.parametrize(
    "password", ["Abc-12345", "abcdefghij1", "ABCDEFGHIJ-", "1234567890-", "", "网格员网格员网格员网格"]
)
def test_short_or_plain_is_refused_with_the_rule(password: str) -> None:
    with pytest.raises(ValidationError, match="密码至少 10 位"):
        validate_password(password, User(username="worker-01-1"))


def test_a_password_made_of_the_name_is_refused() -> None:
    with pytest.raises(ValidationError):
        validate_password("Worker-01-1x", User(username="Worker-01-1"))


@pytest.mark.parametrize(("password", "classes"), [("aA1-", 4), ("aa", 1), ("", 0), ("中a", 2), ("é", 1)])
def test_classes(password: str, classes: int) -> None:
    assert character_classes(password) == classes
