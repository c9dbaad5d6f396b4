"""变更历史 in words: what an entry tells beside the fields that it changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from grids import register_history
from kernel.journal.models import Entry


@pytest.mark.parametrize(
    ("kind", "data", "subject"),
    [
        (
            "credit.graded",
            {"before": "B", "grade": "C", "total": 73.0, "cause": "SCORE", "trigger": "FACT"},
            "B级 → C级（73.00分）",
        ),
        ("credit.graded", {"before": "A", "grade": "D", "total": 100, "cause": "VETO"},
         "A级 → D级（100.00分，一票否决）"),
        (
            "entity.imported",
            {
                "import": 1, "row": 2, "created": True,
                "licences": [
                    {"type": "FOOD_OPERATION", "number": "JY1", "to": "2028-12-31"},
                    {"type": "BUSINESS", "number": "9237", "to": None},
                    {"type": "OPERATOR", "number": "370983199001011234", "to": None},
                ],
            },
            "新登记；食品经营许可证 JY1（有效期至2028-12-31）；营业执照 9237（长期有效）；"
            "作业人员证 370983********1234（长期有效）",
        ),
        ("entity.imported", {"changes": {"name": {"from": "甲", "to": "乙"}}}, ""),
    ],
)  # fmt: skip
def test_what_an_entry_tells(kind: str, data: dict[str, Any], subject: str) -> None:
    line = register_history.line(
        Entry(kind=kind, at=datetime(2026, 1, 1, tzinfo=UTC), actor_name="系统", data=data)
    )
    assert line["subject"] == subject
    assert line["what"] != register_history.OTHER
