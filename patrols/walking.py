"""In which order to call at some shops: a short walk, the same for the same shops. Pure: no queries.

Nearest neighbour, then 2-opt, on metres in the plane (good to a few parts in a thousand within a town). An
open walk: where it begins and ends is free. Shops without a point come last, by address.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import cos, hypot, radians
from typing import NamedTuple

M_PER_DEGREE = 111_195.0
MOST_TURNED = 300
"""Longer walks, which nobody makes in a day, stay as the nearest neighbour gives them."""
MOST_ROUNDS = 40
LEAST_GAIN_M = 1e-6
CURVE_BITS = 16


class Stop(NamedTuple):
    """One shop: its number, its place in WGS-84 if known, its address."""

    key: int
    lon: float | None
    lat: float | None
    address: str = ""

    @property
    def placed(self) -> bool:
        return self.lon is not None and self.lat is not None


Point = tuple[float, float]


def order(stops: Sequence[Stop]) -> list[int]:
    """The keys in walking order. Never longer than the order given."""
    placed = [stop for stop in stops if stop.placed]
    rest = sorted((stop for stop in stops if not stop.placed), key=lambda one: (one.address, one.key))
    walk = _shortened(metres(placed))
    return [placed[place].key for place in walk] + [stop.key for stop in rest]


def length(stops: Sequence[Stop]) -> float:
    """Metres of the walk through those that have a point, in the order given."""
    points = metres([stop for stop in stops if stop.placed])
    return _length(points, range(len(points)))


def metres(stops: Sequence[Stop]) -> list[Point]:
    """Places in a plane, metres east and north of nowhere in particular. All have a point."""
    if not stops:
        return []
    at = [(stop.lon or 0.0, stop.lat or 0.0) for stop in stops]
    across = M_PER_DEGREE * cos(radians(sum(lat for _, lat in at) / len(at)))
    return [(lon * across, lat * M_PER_DEGREE) for lon, lat in at]


def along_curve(stops: Sequence[Stop]) -> list[Stop]:
    """The shops along a curve that fills the plane (Hilbert): what is near on it is near in town, so that
    cutting it into pieces gives each day a neighbourhood. Shops without a point last, by address."""
    placed = [stop for stop in stops if stop.placed]
    rest = sorted((stop for stop in stops if not stop.placed), key=lambda one: (one.address, one.key))
    points = metres(placed)
    if not points:
        return rest
    west, south = min(x for x, _ in points), min(y for _, y in points)
    span = max(max(x for x, _ in points) - west, max(y for _, y in points) - south, 1.0)
    scale = ((1 << CURVE_BITS) - 1) / span
    along = [
        (_hilbert(int((x - west) * scale), int((y - south) * scale)), stop.key, place)
        for place, ((x, y), stop) in enumerate(zip(points, placed, strict=True))
    ]
    return [placed[place] for _, _, place in sorted(along)] + rest


def _hilbert(x: int, y: int) -> int:
    found, side = 0, 1 << (CURVE_BITS - 1)
    while side:
        right, upper = int(bool(x & side)), int(bool(y & side))
        found += side * side * ((3 * right) ^ upper)
        if not upper:
            if right:
                x, y = side - 1 - (x & (side - 1)), side - 1 - (y & (side - 1))
            x, y = y, x
        side >>= 1
    return found


def _shortened(points: Sequence[Point]) -> list[int]:
    given = list(range(len(points)))
    if len(points) < 3:
        return given
    west = min(given, key=lambda place: (points[place], place))
    starts = [given, _nearest(points, 0), _nearest(points, west)]
    best = min(starts, key=lambda walk: _length(points, walk))
    return _two_opt(_distances(points), best) if len(points) <= MOST_TURNED else best


def _length(points: Sequence[Point], walk: Sequence[int]) -> float:
    return sum(hypot(points[a][0] - points[b][0], points[a][1] - points[b][1]) for a, b in pairwise(walk))


def _nearest(points: Sequence[Point], first: int) -> list[int]:
    walk, left = [first], [place for place in range(len(points)) if place != first]
    while left:
        x, y = points[walk[-1]]
        here = min(left, key=lambda place: ((points[place][0] - x) ** 2 + (points[place][1] - y) ** 2, place))
        walk.append(here)
        left.remove(here)
    return walk


def _distances(points: Sequence[Point]) -> list[list[float]]:
    return [[hypot(x - u, y - v) for u, v in points] for x, y in points]


def _two_opt(far: list[list[float]], walk: list[int]) -> list[int]:
    """Turn stretches round for as long as that shortens the walk; at an end of it one step is saved."""
    for _ in range(MOST_ROUNDS):
        better = False
        for first in range(len(walk) - 1):
            last = _turned_best(far, walk, first)
            if last:
                walk[first : last + 1] = walk[first : last + 1][::-1]
                better = True
        if not better:
            break
    return walk


def _turned_best(far: list[list[float]], walk: list[int], first: int) -> int:
    """Up to which place must the stretch from `first` be turned to save most? 0: nothing is saved."""
    end, found, most = len(walk) - 1, 0, LEAST_GAIN_M
    from_first = far[walk[first]]
    from_before = far[walk[first - 1]] if first else [0.0] * len(far)
    entering = from_before[walk[first]]
    for last in range(first + 1, end):
        here, following = walk[last], walk[last + 1]
        gain = entering - from_before[here] + far[here][following] - from_first[following]
        if gain > most:
            found, most = last, gain
    return end if entering - from_before[walk[end]] > most else found
