"""A bar chart as plain geometry for an inline SVG: no script, nothing fetched, prints well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.models import SlaLine

LEFT, FULL, ROW, BAR = 190, 420, 30, 10
"""Pixels: room for names, the longest bar, height of a row and of one bar."""


@dataclass(frozen=True, slots=True)
class Row:
    """One place: two bars, reported above closed, with their numbers at the end."""

    name: str
    y: int
    reported: int
    reported_px: int
    closed: int
    closed_px: int

    @property
    def middle(self) -> int:
        return self.y + ROW // 2

    @property
    def below(self) -> int:
        return self.y + BAR + 2

    @property
    def number_y(self) -> int:
        return self.y + BAR - 1

    @property
    def number_below_y(self) -> int:
        return self.below + BAR - 1

    @property
    def reported_x(self) -> int:
        return LEFT + self.reported_px + 4

    @property
    def closed_x(self) -> int:
        return LEFT + self.closed_px + 4


@dataclass(frozen=True, slots=True)
class Chart:
    """Rows and the picture's size in pixels."""

    rows: Sequence[Row]
    width: int
    height: int
    left: int = LEFT
    bar: int = BAR


def reported_and_closed(lines: Sequence[SlaLine]) -> Chart:
    """Reported and closed of each place, to one scale; places in the order given, never ranked."""
    most = max([1, *(line.reported for line in lines)])
    rows = [
        Row(
            line.name,
            number * ROW + 4,
            line.reported,
            round(FULL * line.reported / most),
            line.closed,
            round(FULL * line.closed / most),
        )
        for number, line in enumerate(lines)
    ]
    return Chart(rows, LEFT + FULL + 40, len(rows) * ROW + 8)
