"""The password rule of DOMAIN.md §7: at least 10 characters of at least 3 classes."""

from __future__ import annotations

from django.core.exceptions import ValidationError

__all__ = ["MIN_CLASSES", "MIN_LENGTH", "RULE", "ThreeClassesValidator", "character_classes"]

MIN_LENGTH = 10
MIN_CLASSES = 3
RULE = f"密码至少 {MIN_LENGTH} 位，且须包含大写字母、小写字母、数字、符号中的至少 {MIN_CLASSES} 类。"


def character_classes(password: str) -> int:
    """How many of: upper case, lower case, digits, everything else (symbols, Chinese, spaces)."""
    tests = (
        lambda c: c.isascii() and c.isupper(),
        lambda c: c.isascii() and c.islower(),
        lambda c: c.isascii() and c.isdigit(),
        lambda c: not (c.isascii() and c.isalnum()),
    )
    return sum(any(test(c) for c in password) for test in tests)


class ThreeClassesValidator:
    """For `AUTH_PASSWORD_VALIDATORS`; refuses with one sentence that states the whole rule."""

    def validate(self, password: str, user: object | None = None) -> None:
        if len(password) < MIN_LENGTH or character_classes(password) < MIN_CLASSES:
            raise ValidationError(RULE, code="password_too_weak")

    def get_help_text(self) -> str:
        return RULE
