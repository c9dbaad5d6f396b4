"""The pieces of text by which a business is found as one types: one and two letters (STACK, pg_trgm).

`grids_grams(text…)` is an SQL function, immutable, made by migration 0003: every single letter and every
pair of neighbours of each text, lower case, without blanks and punctuation, each once.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Grams(models.Func):
    """`grids_grams(...)` of some columns."""

    function = "grids_grams"
    output_field: Any = ArrayField(models.TextField())
