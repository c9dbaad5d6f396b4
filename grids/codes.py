"""The check of registration codes, fast enough for files: the same answers as `check_code`, proven against
python-stdnum by the tests (GB 32100-2015; ISO 7064 MOD 11,10)."""

from __future__ import annotations

import secrets
from functools import lru_cache

from grids.models.register import DOOR_ALPHABET, LENGTH_OLD

_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_LENGTH = 18
_WEIGHTS = [3**place % 31 for place in range(_LENGTH - 1)]
_VALUE = {sign: value for value, sign in enumerate(_SIGNS)}
_DIGITS = {sign: int(sign) for sign in "0123456789"}
_WORTH = [
    {sign: value * weight for sign, value in (_DIGITS if place < 8 else _VALUE).items()}
    for place, weight in enumerate(_WEIGHTS)
]
_PLACE = 8
"""Who registers, and where: the first signs, which a county's codes share."""
_BODY = _WORTH[_PLACE:]
_worth = dict[str, int].__getitem__
_DOORS = (DOOR_ALPHABET * 8).encode()
_DOOR_LENGTH = 10


def is_sound(code: str) -> bool:
    """A valid credit code of 18 signs, or a valid old number of 15 digits."""
    if len(code) == _LENGTH:
        try:
            total = _worth_of_place(code[:_PLACE]) + sum(map(_worth, _BODY, code[_PLACE:]))
        except KeyError:
            return False
        return code[-1] == _SIGNS[-total % 31]
    if len(code) != LENGTH_OLD or not (code.isascii() and code.isdigit()):
        return False
    check = 10
    for digit in code[:-1]:
        check = (check + int(digit)) % 10 or 10
        check = check * 2 % 11
    return (check + int(code[-1])) % 10 == 1


@lru_cache(maxsize=4096)
def _worth_of_place(signs: str) -> int:
    """Raises KeyError: one that may not stand there."""
    return sum([worth[sign] for worth, sign in zip(_WORTH, signs, strict=False)])


def door_codes(count: int) -> list[str]:
    """So many new codes for doors, drawn at once: as `new_door_code`."""
    letters = secrets.token_bytes(_DOOR_LENGTH * count).translate(_DOORS).decode()
    return [letters[start : start + _DOOR_LENGTH] for start in range(0, len(letters), _DOOR_LENGTH)]
