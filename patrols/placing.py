"""Whom a task goes to and on which day: evenly, and near shops together. Pure: no queries.

A slot is one person on one day. First it is decided how many tasks each slot takes, so that the fullest and
the emptiest differ by as little as what stands already allows; then the shops, in the order of a curve
through the town, are dealt out slot by slot.
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
    order = sorted(set(slots), key=lambda slot: (slot.person or 0, slot.day))
    taken = quotas([load[slot] for slot in order], len(stops))
    given = [slot for slot, many in zip(order, taken, strict=True) for _ in range(many)]
    load.update(given)
    return {stop.key: slot for stop, slot in zip(along_curve(stops), given, strict=True)}
