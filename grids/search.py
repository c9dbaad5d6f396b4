"""Finding a business by words, or by where one stands."""

from __future__ import annotations

from math import cos, radians
from typing import Any

from django.db.models import F, FloatField, Q, QuerySet, Value
from django.db.models.functions import Cast, Power, Sqrt

M_PER_DEGREE = 111_195.0
NEAREST = 10


def found_by(rows: QuerySet[Any], words: str) -> QuerySet[Any]:
    """Rows in which every word stands in the name, the address or a code."""
    for word in words.split():
        rows = rows.filter(
            Q(name__icontains=word)
            | Q(address__icontains=word)
            | Q(uscc__istartswith=word)
            | Q(code__iexact=word)
        )
    return rows


def nearest(rows: QuerySet[Any], lon: float, lat: float) -> QuerySet[Any]:
    """The 10 nearest rows, each with `away_m`, metres (flat earth: good to a percent in a town)."""
    east = (Cast(F("lon"), FloatField()) - Value(lon)) * Value(M_PER_DEGREE * cos(radians(lat)))
    north = (Cast(F("lat"), FloatField()) - Value(lat)) * Value(M_PER_DEGREE)
    away = Sqrt(Power(east, 2.0) + Power(north, 2.0))
    return rows.filter(lon__isnull=False).annotate(away_m=away).order_by("away_m", "id")[:NEAREST]
