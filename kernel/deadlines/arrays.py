"""Whole columns as one parameter.

psycopg2 writes a list as `ARRAY[…]` with a node for each element; over two thousand rows PostgreSQL
spends more on reading that than on the rows. As one literal it is a single constant.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime


def literal(values: Iterable[int | datetime | None]) -> str:
    """Numbers, or aware moments, as the text of an array: cast it (`%(ids)s::bigint[]`)."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: int | datetime | None) -> str:
    if value is None:
        return "NULL"
    return value.isoformat() if isinstance(value, datetime) else str(int(value))
