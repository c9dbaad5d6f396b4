"""An edited licence or equipment regrades its business within seconds (DESIGN.md §8).

The facts themselves are pulled by each grading (`credit.grading_sql.PULL`); here the businesses are marked.
"""

from __future__ import annotations

from credit import ledger
from grids import register_changes


def register() -> None:
    """Listen to every change of the register (called once, at start-up)."""
    register_changes.on_change(ledger.mark_dirty)
