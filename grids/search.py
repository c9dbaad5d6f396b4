"""Finding a business by words, or by where one stands.

A search as one types gives the best two hundred, not all: somebody who has typed one letter goes on
typing. So the work is bounded however common the word is, at a million rows: a few of the newest and of
the oldest rows of each grid are looked through first, and only a word that is not common there is asked
of the index, whose list is then short (docs/adr/0018).
"""

from __future__ import annotations

import re
from math import cos, radians
from typing import Any

from django.db.models import F, FloatField, Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Power, Sqrt

from grids.access import within
from grids.models import Grid
from grids.models.grams import FOUND_BY, matches, stands

M_PER_DEGREE = 111_195.0
NEAREST = 10
REACHES_M = (150, 1_000, 8_000)
"""Within such a distance the ten nearest are looked for, before all are measured."""
POLAR = 80.0
MOST_FOUND = 200
MOST_BEGINNING = 50
MOST_WORDS = 6
LOOKED_THROUGH = 1_000
COMMON = 50
"""So many hits among the rows looked through are enough: with them, the names that begin with the word."""
EXACT_RUN = 3
_LETTERS = re.compile(r"[\W_]+")
_CODE = re.compile(r"[0-9A-Za-z]{6,20}")
_TOLD = ("id", "name", "uscc")
_ENDS = """
SELECT ends.id FROM unnest(%s::bigint[]) AS its(grid_id)
 CROSS JOIN LATERAL (
       (SELECT e.id FROM grids_businessentity e WHERE e.grid_id = its.grid_id ORDER BY e.id DESC LIMIT %s)
       UNION ALL
       (SELECT e.id FROM grids_businessentity e WHERE e.grid_id = its.grid_id ORDER BY e.id LIMIT %s)
 ) AS ends
"""
_ALL_ENDS = """
(SELECT e.id FROM grids_businessentity e ORDER BY e.id DESC LIMIT %s)
UNION ALL (SELECT e.id FROM grids_businessentity e ORDER BY e.id LIMIT %s)
"""
Hit = tuple[int, str, str]


def found_by(rows: QuerySet[Any], words: str) -> QuerySet[Any]:
    """The best rows in which every word stands: `rows` narrowed to `best`, their order in `ranked`.

    Narrow `rows` before, not after: only the best are kept.
    """
    ids = best(rows, words)
    found: Any = rows.filter(pk__in=ids)
    found.ranked = ids
    return found


def holding(rows: QuerySet[Any], words: str) -> QuerySet[Any]:
    """All rows in which every word stands, however many: for exports, not for typing."""
    asked = _asked(words)
    return _holding(rows, asked) if asked else rows.none()


def best(rows: QuerySet[Any], words: str) -> list[int]:
    """Ids of at most 200 rows in which every word stands, the best first.

    A word stands in the name, the address, the operator's name or the credit code, case, blanks and
    punctuation left aside; or it is the code on the door, whole. First comes who bears exactly this code
    or name, then names and codes that begin with it, then names that hold it, then the rest; among
    equals the newest. Words without a letter or digit find nothing. The telephone is never searched.

    `rows` must not be sliced. At most six statements.
    """
    asked = _asked(words)
    if not asked:
        return []
    plain = rows.order_by()
    grid_ids = _grid_ids(rows)
    doors = _at_the_door(plain, asked)
    near = _near(plain, grid_ids)
    found = _at_both_ends(plain, grid_ids, asked)
    if len(found) < COMMON:
        found = list(_holding(near, asked).values_list(*_TOLD)[:MOST_FOUND])
        if len(found) < MOST_FOUND:
            return _ranked([*doors, *found], asked, doors)
    return _ranked([*doors, *_beginning(near, asked), *found], asked, doors)


def _asked(words: str) -> list[str]:
    return [word for word in words.split()[:MOST_WORDS] if _said(word)]


def _said(text: str) -> str:
    return _LETTERS.sub("", text.lower())


def _grid_ids(rows: QuerySet[Any]) -> list[int] | None:
    """The grids of the scope that narrowed the rows; None where nothing did."""
    scope = getattr(rows, "scoped", None)
    if scope is None:
        return None
    return list(Grid.objects.filter(within(scope, "")).order_by().values_list("id", flat=True).distinct())


def _near(rows: QuerySet[Any], grid_ids: list[int] | None) -> QuerySet[Any]:
    """The same rows, their grids told by number, so that two indexes meet before any row is read."""
    if grid_ids is None:
        return rows
    return rows.filter(Q(grid_id__in=grid_ids) | Q(grid__isnull=True))


def _at_both_ends(rows: QuerySet[Any], grid_ids: list[int] | None, asked: list[str]) -> list[Hit]:
    """Hits among the newest and the oldest rows of every grid in the scope: a thousand rows are read."""
    if grid_ids is None:
        ends = RawSQL(_ALL_ENDS, [LOOKED_THROUGH // 2] * 2)  # noqa: S611
    else:
        each = LOOKED_THROUGH // 2 // max(1, len(grid_ids)) + 1
        ends = RawSQL(_ENDS, [grid_ids, each, each])  # noqa: S611
    said = [_said(word) for word in asked]
    return [
        row[:3]
        for row in rows.filter(pk__in=ends).values_list("id", *FOUND_BY)
        if _holds([_said(text) for text in row[1:]], said)
    ]


def _holds(texts: list[str], said: list[str]) -> bool:
    return all(any(word in text for text in texts) for word in said)


def _holding(rows: QuerySet[Any], asked: list[str]) -> QuerySet[Any]:
    for word in asked:
        rows = rows.filter(matches(word))
        if len(_said(word)) > EXACT_RUN:
            rows = rows.filter(stands(word))
    return rows


def _beginning(rows: QuerySet[Any], asked: list[str]) -> list[Hit]:
    """Names and codes that begin with the first word, and hold the others.

    The index is not asked for the first word once more: where it is common, that is a long list.
    """
    named = _holding(rows.filter(matches(asked[0], at_start=True)), asked[1:])
    hits = list(named.values_list(*_TOLD)[:MOST_BEGINNING])
    if _CODE.fullmatch(asked[0]):
        first = asked[0].upper()
        coded = _holding(rows.filter(uscc__gte=first, uscc__lt=first + "~"), asked[1:])
        hits += list(coded.order_by("uscc").values_list(*_TOLD)[:MOST_BEGINNING])
    return hits


def _at_the_door(rows: QuerySet[Any], asked: list[str]) -> list[Hit]:
    """The one row that bears this code on its door."""
    if len(asked) > 1 or not _CODE.fullmatch(asked[0]):
        return []
    return list(rows.filter(code=asked[0].upper()).values_list(*_TOLD))


def _ranked(hits: list[Hit], asked: list[str], doors: list[Hit]) -> list[int]:
    at_the_door = {hit[0] for hit in doors}
    first = _said(asked[0])
    whole = "".join(_said(word) for word in asked)

    def place(hit: Hit) -> tuple[int, int]:
        number, name, uscc = hit[0], _said(hit[1]), hit[2].lower()
        if number in at_the_door or whole in (name, uscc):
            return 0, -number
        if name.startswith(first) or uscc.startswith(first):
            return 1, -number
        return (2 if first in name else 3), -number

    ordered = sorted({hit[0]: hit for hit in hits}.values(), key=place)
    return [hit[0] for hit in ordered[:MOST_FOUND]]


def nearest(rows: QuerySet[Any], lon: float, lat: float) -> list[Any]:
    """The 10 nearest rows, each with `away_m`, metres (flat earth: good to a percent in a town).

    Asked in growing squares, so that in a full register only the neighbourhood is measured. At most four
    statements.
    """
    east = (Cast(F("lon"), FloatField()) - Value(lon)) * Value(M_PER_DEGREE * cos(radians(lat)))
    north = (Cast(F("lat"), FloatField()) - Value(lat)) * Value(M_PER_DEGREE)
    away = Sqrt(Power(east, 2.0) + Power(north, 2.0))
    measured = rows.filter(lat__isnull=False).annotate(away_m=away).order_by("away_m", "id")
    for reach_m in REACHES_M if abs(lat) < POLAR else ():
        up, over = reach_m / M_PER_DEGREE, reach_m / (M_PER_DEGREE * cos(radians(lat)))
        square = {"lat__range": (lat - up, lat + up), "lon__range": (lon - over, lon + over)}
        found = list(measured.filter(**square)[:NEAREST])
        if len(found) == NEAREST and found[-1].away_m <= reach_m:
            return found
    return list(measured[:NEAREST])
