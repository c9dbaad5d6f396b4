"""What acts on leads, whistles and disputes share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from grids.acting import Acting, safe
from grids.demo import World
from kernel.accounts.models import User


@dataclass
class Deed(Acting):
    by: User | None
    at: datetime


def test_only_what_people_wrote_is_masked() -> None:
    written = {"note": "电话13812345678", "reason": "打 0538-3212345", "why": "１３８１２３４５６７８"}
    kept = {"number": "13812345678", "at": 13812345678, "note_kind": "13812345678"}
    masked = safe({**written, **kept, "institution": "检测站13812345678"})
    assert {name: masked[name] for name in kept} == kept
    assert not [value for name, value in masked.items() if name not in kept and "1234567" in value]
    assert masked["note"] == "电话138****5678"


def test_the_system_has_nobodys_rights() -> None:
    deed = Deed(None, datetime(2026, 5, 1, tzinfo=UTC))
    assert deed.by_id is None
    with pytest.raises(TypeError, match="nobody's rights"):
        _ = deed.scope


@pytest.mark.django_db
def test_who_acts_has_the_rights_of_his_postings(world: World) -> None:
    head = world.head_of(1)
    deed = Deed(head, datetime(2026, 5, 1, tzinfo=UTC))
    assert (deed.actor, deed.by_id) == (head, head.pk)
    assert deed.scope.office_ids == {world.grid(1).office_id}
    assert deed.limits["respond"].amount == 30
