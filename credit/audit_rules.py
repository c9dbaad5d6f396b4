"""What the auditor asks of credit: the register shows what grading found, and no mark is forgotten."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from kernel.deadlines import audit
from kernel.deadlines.audit import Rule

FORGOTTEN = timedelta(seconds=60)

APART = """
SELECT e.id FROM grids_businessentity e
  LEFT JOIN credit_creditstanding s ON s.entity_id = e.id
 WHERE e.credit_grade IS DISTINCT FROM s.effective_grade
 ORDER BY e.id LIMIT %(shown)s
"""
UNANSWERED = """
SELECT DISTINCT d.entity_id FROM credit_dirtyentity d
 WHERE d.at <= kernel_now() - %(forgotten)s ORDER BY d.entity_id LIMIT %(shown)s
"""


def register() -> None:
    """Register the rules of this app (called once, at start-up)."""
    audit.register(
        Rule(
            "grade_apart",
            "登记的信用等级与评定结果不一致",
            partial(audit.rows, APART),
            "主体",
            nightly=True,
        )
    )
    audit.register(
        Rule(
            "grading_forgotten",
            "有新的信用事实但超过 60 秒没有重新评定",
            partial(audit.rows, UNANSWERED, forgotten=FORGOTTEN),
            "主体",
        )
    )
