"""Facts × scheme → eight indicators, total, computed grade, reasons (DESIGN.md §8). Pure.

`credit.scoring_sql` does the same for many businesses in one statement; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """One reason: which facts (`sources`), of which indicator (`I1` …, or a cap or veto code), how many
    points it costs (or, in I8, brings), until which date it counts (None: until something happens)."""

    indicator: str
    code: str
    points: Decimal
    sources: tuple[str, ...]
    until: date | None


@dataclass(frozen=True, slots=True)
class Score:
    """What scoring found. `indicators` are I1 … I8 in order, 2 places, half up; `caps` and `vetoes` in the
    order of the scheme; `cause` is SCORE, CAP or VETO: what decided `grade`."""

    indicators: tuple[Decimal, ...]
    total: Decimal
    grade: str
    caps: tuple[str, ...]
    vetoes: tuple[str, ...]
    cause: str
    lines: tuple[Line, ...]
