"""Pictures of grades as inline SVG of our own: how points went, and how the grades of grids are made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from credit.scheme import GRADES

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 200, 34, 16, 14, 24
FULL = 100
COLOURS = {"A": "#15803d", "B": "#1d4ed8", "C": "#b45309", "D": "#b91c1c"}
ROW, BAR = 24, 16


@dataclass(frozen=True, slots=True)
class Point:
    """One grading: its day, points, and the effective grade after it."""

    on: date
    total: Decimal
    grade: str


def trend(points: Sequence[Point], bounds: Sequence[tuple[str, Decimal]]) -> SafeString:
    """Points over time as a line of dots coloured by grade; `bounds` are the least points of A, B and C."""
    if not points:
        return SafeString("")
    first, last = points[0].on.toordinal(), points[-1].on.toordinal()
    wide = WIDTH - LEFT - RIGHT

    def x(on: date) -> float:
        along = (on.toordinal() - first) / (last - first) if last > first else 0.5
        return round(LEFT + along * wide, 1)

    def y(total: Decimal) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - float(total) / FULL), 1)

    lines = format_html_join(
        "",
        '<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="{}" stroke-dasharray="4 4" stroke-opacity="0.6"/>'
        '<text x="0" y="{}" font-size="11">{} {}</text>',
        (
            (LEFT, WIDTH - RIGHT, y(least), y(least), COLOURS[grade], y(least) + 4, grade, f"{least:.0f}")
            for grade, least in bounds
        ),
    )
    walk = " ".join(f"{x(point.on)},{y(point.total)}" for point in points)
    dots = format_html_join(
        "",
        '<circle cx="{}" cy="{}" r="4.5" fill="{}"><title>{} {}分 {}级</title></circle>',
        (
            (x(p.on), y(p.total), COLOURS.get(p.grade, "#64748b"), p.on.isoformat(), p.total, p.grade)
            for p in points
        ),
    )
    days = format_html_join(
        "",
        '<text x="{}" y="{}" font-size="11" text-anchor="{}">{}</text>',
        (
            (x(on), HEIGHT - 6, anchor, on.isoformat())
            for on, anchor in {points[0].on: "start", points[-1].on: "end"}.items()
        ),
    )
    return format_html(
        '<svg viewBox="0 0 {} {}" class="page-drawing" role="img" aria-label="得分变化">{}'
        '<polyline points="{}" fill="none" stroke="#64748b" stroke-width="1.5"/>{}{}</svg>',
        WIDTH, HEIGHT, lines, walk, dots, days,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Divided:
    """How many businesses of one place stand at each grade."""

    name: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def stacked(rows: Sequence[Divided]) -> SafeString:
    """One bar a place, its whole width divided among A to D; the numbers stand in the bar."""
    shown = [row for row in rows if row.total]
    if not shown:
        return SafeString("")
    left, wide = 170, WIDTH - 170 - 50

    bars = [_bar(place, row, left, wide) for place, row in enumerate(shown)]
    return format_html(
        '<svg viewBox="0 0 {} {}" class="page-drawing" role="img" aria-label="各网格信用等级分布">{}</svg>',
        WIDTH, len(shown) * ROW + 8, SafeString("".join(bars)),
    )  # fmt: skip


def _bar(place: int, row: Divided, left: int, wide: int) -> SafeString:
    """The name of a place, its parts, and how many there are."""
    top, at = place * ROW + 4, float(left)
    middle = top + BAR - 4
    parts = [format_html('<text x="0" y="{}" font-size="12">{}</text>', middle, row.name)]
    for grade in GRADES:
        many = row.counts.get(grade, 0)
        length = wide * many / row.total
        if many:
            shape = (
                '<rect x="{}" y="{}" width="{}" height="{}" fill="{}"><title>{}级 {}家</title></rect>'
                '<text x="{}" y="{}" font-size="11" class="page-on-bar">{}</text>'
            )
            told = many if length > ROW else ""
            parts.append(
                format_html(
                    shape, f"{at:.1f}", top, f"{length:.1f}", BAR, COLOURS[grade], grade, many,
                    f"{at + 4:.1f}", middle, told,
                )
            )  # fmt: skip
        at += length
    end = format_html('<text x="{}" y="{}" font-size="12">{}</text>', left + wide + 8, middle, row.total)
    return SafeString("".join([*parts, end]))
