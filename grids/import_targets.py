"""What a file may be read into: the register, and what higher apps name at start-up (`register`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grids.access import Scope
from grids.models import ImportFile
from grids.sheets import Column, Sheet


@dataclass(frozen=True, slots=True)
class Target:
    """One of `ImportFile.Target`, and how its files are read.

    `run` tries a sheet or carries it out, as its file says, and ends in the file's row; a DomainError that it
    raises is said there. `slug` stands in addresses. `unit` counts rows in words; `updates`: does a file
    change what is there, or add only?
    """

    kind: str
    slug: str
    title: str
    unit: str
    effect: str
    refusal: str
    columns: Sequence[Column]
    most_bytes: int
    may_import: Callable[[Scope], bool]
    run: Callable[[ImportFile, Sheet], None]
    updates: bool = False


_targets: dict[str, Target] = {}


def register(target: Target) -> None:
    """Have files of this kind read (once each, at start-up)."""
    _targets[str(target.kind)] = target


def every() -> list[Target]:
    """All of them, the register first."""
    return list(_targets.values())


def of(kind: str) -> Target:
    """The target of a file. Raises KeyError where nobody has named it."""
    return _targets[str(kind)]


def by_slug(slug: str) -> Target | None:
    return next((one for one in _targets.values() if one.slug == slug), None)
