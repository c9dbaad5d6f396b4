"""The pieces of text by which a business is found as one types (STACK: pg_trgm cannot find one or two
Chinese letters).

`grids_grams(text…)` is an SQL function, immutable, made by migration 0003. It gives every run of three
letters of each text as a lexeme: lower case, without blanks and punctuation, the end of a text filled
up, the start of the first text marked `^`. One or two letters are then the beginning of a run, which a
GIN index over lexemes finds too; three are a run; more are several runs, to be checked once more.
`grids_sought(word, at_start)` is the query for one word, `grids_letters` the text to check in.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.db import models
from django.db.models import Value
from django.db.models.expressions import Combinable

FOUND_BY = ("name", "uscc", "address", "operator_name")
"""What a business is found by, in the order of the index's expression."""


class Grams(models.Func):
    """`grids_grams(...)` of some columns."""

    function = "grids_grams"
    output_field: Any = SearchVectorField()


class _Matches(models.Func):
    template = "%(expressions)s"
    arg_joiner = " @@ "
    output_field: Any = models.BooleanField()


class _Stands(models.Func):
    function = "strpos"
    template = "%(function)s(%(expressions)s) > 0"
    output_field: Any = models.BooleanField()


def matches(word: str, *, at_start: bool = False) -> Combinable:
    """Served by the index. Exact up to three letters; for more, `stands` has the last word."""
    sought = models.Func(
        Value(word), Value(at_start), function="grids_sought", output_field=SearchQueryField()
    )
    return _Matches(Grams(*FOUND_BY), sought)


def stands(word: str) -> Combinable:
    """Does the word stand in one of the texts, case, blanks and punctuation left aside? Reads the row."""
    letters = models.Func(*FOUND_BY, function="grids_letters", output_field=models.TextField())
    wanted = models.Func(Value(word), function="grids_word", output_field=models.TextField())
    return _Stands(letters, wanted)
