"""Masks of DOMAIN.md §7."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.accounts.masking import mask_id_number, mask_name, mask_phone, mask_text


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13812345678", "138****5678"),
        ("", ""),
        ("120", "***"),
        ("6612345", "****45"),
        ("0538-7251234", "053****1234"),
    ],
)
def test_a_phone_keeps_three_and_four(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("370983199001011234", "370983********1234"),
        ("37098319900101123X", "370983********123X"),
        ("370983900101123", "370983*****1123"),
        ("12345", "*****"),
        ("", ""),
    ],
)
def test_an_identity_number_keeps_six_and_four(number: str, masked: str) -> None:
    assert mask_id_number(number) == masked


@pytest.mark.parametrize(
    ("name", "masked"), [("张三", "张**"), ("张建国", "张**"), ("  李四 ", "李**"), ("", ""), (" ", "")]
)
def test_a_name_keeps_its_first_character(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("回访13812345678", "回访138****5678"),
        ("138-1234-5678", "138****5678"),
        ("138 1234 5678", "138****5678"),
        ("+8613812345678", "+86138****5678"),
        ("+86 138 1234 5678", "+86 138****5678"),
        ("0538-3212345", "0538****2345"),
        ("（0538）3212345", "（0538****2345"),
        ("010-6321 2345", "010****2345"),
        ("电话１３８－１２３４５６７８", "电话138****5678"),
        ("３号楼", "3号楼"),
        ("身份证37098319900101123X。", "身份证370983********123X。"),
        ("91370983MA3TERT031", "91370983MA3TERT031"),
        ("370983001-L01", "370983001-L01"),
        ("XS20261123-000042", "XS20261123-000042"),
        ("2026-11-23T06:14:48.012345+00:00", "2026-11-23T06:14:48.012345+00:00"),
        ("", ""),
    ],
)
def test_numbers_in_what_people_wrote(said: str, told: str) -> None:
    assert mask_text(said) == told


@given(st.text(alphabet="0123456789", min_size=1, max_size=20))
def test_no_mask_lets_the_number_through(digits: str) -> None:
    for mask in (mask_phone, mask_id_number):
        assert mask(digits) != digits
        assert "*" in mask(digits)
