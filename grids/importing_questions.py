"""A register file and what people have asked or said of the same businesses.

A file's word counts at once, but it does not talk over a person who waits for an answer: a row that changes a
field of a waiting 关键信息变更 otherwise than asked is refused, with what waits. One that brings all that was
asked completes the question. An entry that was judged to be the same business as another is not opened again
by a file: that judgement is taken back by who may judge. Set-based: two statements for a file at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from grids.importing_columns import wrong
from grids.importing_rows import Change, Plan
from grids.models import GONE, KeyChange, SameBusiness
from grids.register_words import KEY, told
from kernel import approvals
from kernel.accounts.models import User
from kernel.approvals.models import Approval
from kernel.errors import Conflict

WAITS = "该主体有关键信息变更待确认（{what}），与本行不同；请等确认后再导入，或按待确认的内容填写。"
JOINED = "该主体已核对为与“{name}”同一家，不能由导入恢复营业；确属两家的，请先在疑似重复主体中撤销核对。"
DONE = "导入的登记信息与申请一致"
MOVED_ON = "导入期间有人申请变更其中的主体，本次没有写入，请重新导入。"


def refuse(made: Plan, rows: Iterable[tuple[int, list[str]]]) -> None:
    """Turn rows that talk over a question or a judgement into errors of the plan."""
    keyed = {one.held.id: one for one in made.updated if one.held is not None and _keys(one)}
    if not keyed:
        return
    questions = _waiting(keyed)
    opened = [n for n, one in keyed.items() if "status" in _keys(one) and _trades(one)]
    joined = SameBusiness.objects.now().filter(entity__in=opened)
    names: dict[int, str] = dict(joined.values_list("entity_id", "survivor__name"))
    refused: dict[int, tuple[str, str, str]] = {}
    for number, one in keyed.items():
        if number in names:
            refused[one.row] = ("status", "same_as_another", JOINED.format(name=names[number]))
        elif (asked := questions.get(number)) is not None and _against(asked.changes, one):
            column = next(name for name in KEY if name in asked.changes)
            refused[one.row] = (column, "question_waits", WAITS.format(what=told(asked.changes)))
    cells = {number: cells for number, cells in rows if number in refused}
    made.errors += [wrong(number, cells[number], *why) for number, why in refused.items()]
    made.updated = [one for one in made.updated if one.row not in refused]


def lock(updated: Sequence[Change], numbers: Sequence[int]) -> None:
    """The clocks of what the rows complete, before the businesses themselves (DESIGN.md §4)."""
    keyed = [one.held.id for one in updated if one.held is not None and _keys(one)]
    if keyed and KeyChange.objects.filter(entity__in=keyed, state=KeyChange.State.WAITING).exists():
        approvals.lock_live_of("entity", numbers)
    else:
        approvals.lock_hanging_on("entity", numbers)


def complete(updated: Sequence[Change], *, by: User, at: datetime) -> None:
    """End the questions that the rows have answered; the businesses are locked.

    Raises: Conflict `changed_meanwhile` – something else was asked since the file was read.
    """
    keyed = {one.held.id: one for one in updated if one.held is not None and _keys(one)}
    found = _waiting(keyed) if keyed else {}
    answered = {number: row for number, row in found.items() if set(row.changes) & _keys(keyed[number])}
    if any(_against(row.changes, keyed[number]) for number, row in answered.items()):
        raise Conflict(MOVED_ON, code="changed_meanwhile")
    if answered:
        waiting = Approval.objects.waiting().filter(
            kind="entity_key_change", subject_kind="entity", subject_id__in=answered
        )
        approvals.withdraw(list(waiting.order_by("id")), by=by, at=at, why=DONE)
        KeyChange.objects.filter(pk__in=[row.pk for row in answered.values()]).update(note=DONE)


def _keys(change: Change) -> set[str]:
    """The key fields that a row changes."""
    held = change.held
    return {name for name in KEY if held is not None and change.values[name] != held.values[name]}


def _trades(change: Change) -> bool:
    return (
        change.held is not None
        and change.held.values["status"] in GONE
        and change.values["status"] not in GONE
    )


def _waiting(entities: Iterable[int]) -> dict[int, KeyChange]:
    rows = KeyChange.objects.filter(entity__in=list(entities), state=KeyChange.State.WAITING)
    return {row.entity_id: row for row in rows}


def _against(asked: Mapping[str, Any], change: Change) -> bool:
    """Does a row touch what is asked without bringing all of it?"""
    if not set(asked) & _keys(change):
        return False
    return any(change.values[name] != one["to"] for name, one in asked.items())
