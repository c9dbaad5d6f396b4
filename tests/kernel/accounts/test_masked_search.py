"""A search never finds the numbers that are masked where a text is shown."""

from __future__ import annotations

import pytest
from django.db.models import Value
from django.db.models.functions import Concat

from kernel.accounts.masked_search import without_numbers
from kernel.accounts.masking import mask_text
from kernel.accounts.models import User
from tests.factories.accounts import make_user

pytestmark = pytest.mark.django_db
NUMBERS = [
    "13812345678",
    "138-1234-5678",
    "+86 138 1234 5678",
    "8613812345678",
    "0538-3212345",
    "（0538）3212345",
    "01012345678",
    "370983199001011234",
    "37098319900101123X",
    "370983900101123",
    "１３８１２３４５６７８",
]


def searched(text: str) -> str:
    """What a search reads of this text."""
    user = make_user()
    rows = User.objects.filter(pk=user.pk).annotate(words=Concat(Value(text), Value("")))
    return str(rows.annotate(said=without_numbers("words")).values_list("said", flat=True).get())


@pytest.mark.parametrize("number", NUMBERS)
def test_no_digit_of_a_masked_number_is_read(number: str) -> None:
    assert mask_text(number) != number, "a number that is masked where it is shown"
    said = searched(f"请打{number}，三号楼12层")
    assert said.startswith("请打")
    assert said.endswith("，三号楼12层")
    assert not any(three in said for three in (number[i : i + 3] for i in range(len(number) - 2)))


def test_other_numbers_are_found() -> None:
    text = "第12条，罚款 3500 元，370983001-L01，2026-03-10"
    assert searched(text) == text
