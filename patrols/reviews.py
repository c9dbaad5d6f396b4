"""季度评: computed by credit, confirmed by the commissioner as one list, only exceptions opened.

No visit. The list of a grid and a quarter holds its businesses whose task of that quarter stands in the plan;
beside each the review that the 1st of the quarter computed (`CreditReview`), where there was one: who was
graded or registered since is listed with where it stands now. Unconfirmed holds nobody back: grades have
moved already, and what nobody confirmed by the quarter's end is missed (DESIGN.md §8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from grids.access import Scope, scope_of
from grids.models import BusinessEntity, Grid, Posting
from grids.roles import Role, Section
from grids.staffing import bureau_ids
from kernel import clock, journal
from kernel.accounts.masking import mask_text
from kernel.accounts.models import User
from kernel.errors import Malformed, NotAllowed, NotVisible, Refused
from kernel.notices import outbox, templates
from kernel.notices.outbox import Draft
from kernel.notices.policy import Urgency
from patrols import review_lists
from patrols.kinds import TaskState
from patrols.periods import quarter_of

EXCEPTIONS = "patrols.review_exceptions"
LONGEST = 200
NAMED = 5

_REVIEWED = """
UPDATE credit_creditreview r
   SET confirmed_by_id = %(by)s, confirmed_at = %(at)s, exception = coalesce(x.said, '')
  FROM unnest(%(ids)s::bigint[]) AS e(id)
  LEFT JOIN unnest(%(opened)s::bigint[], %(said)s::text[]) AS x(id, said) ON x.id = e.id
 WHERE r.entity_id = e.id AND r.kind = 'QUARTERLY' AND r.period = %(quarter)s AND r.confirmed_at IS NULL
"""
_DONE = """
UPDATE patrols_patroltask t
   SET state = 'DONE', done_at = %(at)s, version = t.version + 1, why = coalesce(x.said, '')
  FROM unnest(%(ids)s::bigint[]) AS e(id)
  LEFT JOIN unnest(%(opened)s::bigint[], %(said)s::text[]) AS x(id, said) ON x.id = e.id
 WHERE t.entity_id = e.id AND t.kind = 'QUARTERLY_REVIEW' AND t.period = %(quarter)s AND t.state = 'PLANNED'
"""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a confirmation did; `businesses` 0 where all was confirmed before."""

    quarter: date
    grid_id: int
    businesses: int
    exceptions: int
    at: datetime


def quarter_named(day: date | None, today: date) -> date:
    """The quarter that begins on a day; the present one where none is named.

    Raises: Malformed `quarter` – no quarter begins there, or it has not come.
    """
    if day is None:
        return quarter_of(today).first
    if quarter_of(day).first != day or day > today:
        raise Malformed("季度应为季度首日，如2026-10-01，且不晚于今天。", code="quarter", attr="quarter")
    return day


def may_confirm(scope: Scope, grid: Grid) -> bool:
    """The grid's commissioner or who stands in for him; the office's head."""
    return (
        scope.seat(Role.COMMISSIONER, grid_id=grid.pk) is not None
        or scope.seat(Role.OFFICE_HEAD, office_id=grid.office_id) is not None
    )


@transaction.atomic
def confirm(*, by: User, quarter: date, grid: str, exceptions: Mapping[int, str]) -> Confirmed:
    """Confirm the whole list of a grid and quarter; `exceptions` says in words what is wrong with a few.

    All tasks of the list are done with it, those of exceptions too: the credit section is told of them and
    takes it from there. Confirming again changes nothing. Locks the tasks by id.

    Raises:
        NotVisible: no such grid within reach. NotAllowed: neither its commissioner nor the office's head.
        Malformed: no quarter begins there. Refused: an exception that is not on the list, or says nothing.
    """
    scope = scope_of(by)
    at = clock.now()
    quarter = quarter_named(quarter, clock.local_date(at))
    found = Grid.objects.served_by(by).filter(code=grid).first()
    if found is None:
        raise NotVisible("没有找到这个网格。")
    if not may_confirm(scope, found):
        raise NotAllowed("季度评由网格的市场监管专员或所长确认。", code="not_commissioner")
    rows = review_lists.tasks_of(quarter).filter(grid=found)
    listed = list(rows.order_by("id").select_for_update(no_key=True))
    said = _checked(exceptions, {task.entity_id for task in listed})
    ids = [task.entity_id for task in listed if task.state == TaskState.PLANNED]
    done = Confirmed(quarter, found.pk, len(ids), len(said.keys() & set(ids)), at)
    if ids:
        _write(ids, said, quarter, by, at)
        note = {
            "quarter": quarter.isoformat(), "businesses": done.businesses, "exceptions": sorted(said),
        }  # fmt: skip
        stream = f"quarterly_review:{found.pk}:{quarter}"
        journal.append(stream=stream, kind="review.confirmed", by=by, at=at, data=note)
        _tell({number: said[number] for number in ids if number in said}, found, quarter, at)
    return done


def _checked(exceptions: Mapping[int, str], listed: set[int]) -> dict[int, str]:
    said = {number: words.strip() for number, words in exceptions.items()}
    if said.keys() - listed:
        raise Refused("例外中有不在本季度清单内的主体。", code="not_in_the_list", attr="exceptions")
    if any(not words or len(words) > LONGEST for words in said.values()):
        raise Refused("请写明例外情况，200字以内。", code="exception_says_why", attr="exceptions")
    return said


def _write(ids: list[int], said: dict[int, str], quarter: date, by: User, at: datetime) -> None:
    values: dict[str, Any] = {
        "ids": ids, "opened": list(said), "said": list(said.values()), "quarter": quarter, "by": by.pk,
        "at": at,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_DONE, values)
        cursor.execute(_REVIEWED, values)


def _tell(opened: Mapping[int, str], grid: Grid, quarter: date, at: datetime) -> None:
    """The credit section (the bureau where it has nobody) learns of the exceptions, the first in words."""
    if not opened:
        return
    rows = BusinessEntity.objects.filter(pk__in=list(opened)[:NAMED]).order_by("id")
    names = [f"{one.name}（{mask_text(opened[one.pk])}）" for one in rows.only("name")]
    held = Posting.objects.active(at).filter(role=Role.BUREAU_SECTION, section=Section.CREDIT)
    people = set(held.filter(user__is_active=True).values_list("user_id", flat=True)) or set(bureau_ids(at))
    params = {
        "grid": f"{grid.code} {grid.name}", "quarter": f"{quarter.year}年第{(quarter.month + 2) // 3}季度",
        "count": len(opened), "names": "、".join(names) + ("等" if len(opened) > NAMED else ""),
    }  # fmt: skip
    key = f"patrols:review:{grid.pk}:{quarter}:{min(opened)}"
    outbox.post(
        [Draft(f"{key}:user:{one}", EXCEPTIONS, params, "grid", grid.pk, one) for one in sorted(people)],
        at=at,
    )


def register() -> None:
    """Register the words (called once, at start-up)."""
    templates.register(
        EXCEPTIONS,
        "季度评例外：{grid}",
        "{quarter}季度评已确认，其中{count}户有例外情况：{names}。请核查。",
        urgency=Urgency.NEWS,
    )
