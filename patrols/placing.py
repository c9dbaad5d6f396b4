"""Whom a task goes to and on which day: evenly, and near shops together. Pure: no queries.

A slot is one person on one day. First it is decided how many tasks each slot takes, so that the fullest and
the emptiest differ by as little as what stands already allows, and what does not divide evenly goes round;
then the shops, in the order of a curve through the town, are dealt out slot by slot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from heapq import heapify, heapreplace
from typing import NamedTuple

from patrols.walking import Stop, along_curve


class Slot(NamedTuple):
    """One person on one day; `person` None: nobody is there, the task is shown without one."""

    person: int | None
    day: date


def _by_person(slot: Slot) -> tuple[int, date]:
    return slot.person or 0, slot.day


def in_turn(slots: Sequence[Slot]) -> list[Slot]:
    """Who comes first among equals: each day once before any day twice, and each day somebody else, so that
    what does not divide evenly falls to nobody every time."""
    by_day: dict[date, list[Slot]] = {}
    for slot in sorted(set(slots), key=_by_person):
        by_day.setdefault(slot.day, []).append(slot)
    days = sorted(by_day)
    turns = []
    for place, day in enumerate(days):
        people = by_day[day]
        first = (days[0].toordinal() + place) % len(people)
        turns += [(turn, day, slot) for turn, slot in enumerate(people[first:] + people[:first])]
    return [slot for _, _, slot in sorted(turns, key=lambda one: one[:2])]


Load = Counter[Slot]
"""How many tasks of the kind stand in each slot."""


def quotas(loads: Sequence[int], tasks: int) -> list[int]:
    """How many of so many new tasks each slot takes: the emptiest first, among equals the earlier."""
    taken = [0] * len(loads)
    heap = [(load, place) for place, load in enumerate(loads)]
    heapify(heap)
    for _ in range(tasks):
        load, place = heap[0]
        taken[place] += 1
        heapreplace(heap, (load + 1, place))
    return taken


def deal(stops: Sequence[Stop], slots: Sequence[Slot], load: Load) -> dict[int, Slot]:
    """A slot for each shop, by its key; `load` is brought up to date.

    The days of one person lie beside each other on the curve, so that each day is a neighbourhood. The same
    shops, slots and loads give the same answer, in whatever order they come.
    """
    turns = in_turn(slots)
    taken = dict(zip(turns, quotas([load[slot] for slot in turns], len(stops)), strict=True))
    given = [slot for slot in sorted(turns, key=_by_person) for _ in range(taken[slot])]
    load.update(given)
    return {stop.key: slot for stop, slot in zip(along_curve(stops), given, strict=True)}
