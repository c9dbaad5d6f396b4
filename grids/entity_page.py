"""一店一档: what stands on the page of one business. Each app adds its panels (`add`), the page draws them.

A panel reads a fixed number of statements, whatever the business holds, and only what its reader may see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from grids.models import BusinessEntity
from kernel.accounts.models import User


@dataclass(frozen=True, slots=True)
class Link:
    """One thing that the reader may do here."""

    label: str
    address: str
    icon: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One part of the page: a template with what it shows. `badges` (tone, words) stand in the head."""

    title: str
    template: str
    shown: dict[str, Any]
    links: tuple[Link, ...] = ()
    badges: tuple[tuple[str, str], ...] = ()
    aside: bool = False
    hint: str = ""


Maker = Callable[[BusinessEntity, User, datetime], Panel | None]


@dataclass
class _Makers:
    found: list[tuple[int, Maker]] = field(default_factory=list)


_makers = _Makers()


def add(order: int, maker: Maker) -> None:
    """Have the page hold the panels of this maker; lower orders stand higher."""
    _makers.found = sorted([*_makers.found, (order, maker)], key=lambda one: one[0])


def panels(entity: BusinessEntity, by: User, at: datetime) -> list[Panel]:
    """All panels of a business that `by` may see, in their order."""
    made = (maker(entity, by, at) for _, maker in _makers.found)
    return [panel for panel in made if panel is not None]
