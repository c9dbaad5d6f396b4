"""The kinds of refusal."""

from __future__ import annotations

import pytest

from kernel import errors
from kernel.errors import DomainError

KINDS = {
    "Malformed": 400,
    "NotAllowed": 403,
    "NotVisible": 404,
    "Conflict": 409,
    "Gone": 410,
    "StaleVersion": 412,
    "TooLarge": 413,
    "UnsupportedType": 415,
    "Refused": 422,
    "VersionRequired": 428,
    "Busy": 503,
}


def test_each_kind_has_its_status_of_its_own() -> None:
    kinds = [kind for kind in DomainError.__subclasses__() if kind.__module__ == errors.__name__]
    found = {kind.__name__: kind.status for kind in kinds}
    assert found == KINDS
    assert DomainError.status == 409


@pytest.mark.parametrize("name", KINDS)
def test_a_code_is_kept_or_defaults(name: str) -> None:
    kind = getattr(errors, name)
    assert kind("不行。").code == kind.default_code
    refused = kind("不行。", code="nope", attr="note")
    assert (refused.code, refused.detail, refused.attr, str(refused)) == ("nope", "不行。", "note", "不行。")
