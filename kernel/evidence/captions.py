"""What a watermark says of the thing that a file belongs to: told by the app that owns the thing.

It registers one function per kind of subject at start-up. A kind that nobody registered has no caption,
and its files no watermarked copy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caption:
    """Words about a subject; what is not known is empty, never guessed.

    Attributes:
        number: the subject's number, as people quote it.
        grid: its grid.
        place: what stands at the place, such as the name of a shop.
    """

    number: str
    grid: str = ""
    place: str = ""


Captions = Callable[[set[int]], dict[int, Caption]]
"""Given numbers of subjects, their captions, in one statement. What is not there has none."""

_registered: dict[str, Captions] = {}


def register(subject_kind: str, captions: Captions) -> None:
    """Name the function that speaks for `subject_kind`; the last word counts."""
    _registered[subject_kind] = captions


def kinds() -> list[str]:
    """The kinds of subjects whose files get watermarked copies."""
    return sorted(_registered)


def of(subjects: set[tuple[str, int]]) -> dict[tuple[str, int], Caption]:
    """The captions of these subjects, asking once per kind."""
    found: dict[tuple[str, int], Caption] = {}
    for kind, captions in _registered.items():
        numbers = {number for one, number in subjects if one == kind}
        if numbers:
            found |= {(kind, number): caption for number, caption in captions(numbers).items()}
    return found
