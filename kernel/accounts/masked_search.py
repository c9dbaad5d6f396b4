"""Searching what people wrote, and never inside the numbers that are masked where it is shown.

A list shows `138****5678`; were `1381234` found, anyone could ask for the rest digit by digit. A search
therefore reads the text without every run of digits long enough to be masked (`masking.mask_text`),
single separators between them included.
"""

from __future__ import annotations

from django.db.models import F, Func, TextField, Value

__all__ = ["without_numbers"]

RUN_OF_TEN = r"[[:digit:]０-９](?:[-() （）－　]?[[:digit:]０-９]){9,}[Xx]?"
"""The shortest that is masked is a landline: an area code of three digits and seven more."""


def without_numbers(column: str) -> Func:
    """The text of a column as it may be searched; for `alias()`."""
    parts = (F(column), Value(RUN_OF_TEN), Value("*"), Value("g"))
    return Func(*parts, function="regexp_replace", output_field=TextField())
