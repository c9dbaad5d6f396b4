"""季度评 by list: what was computed, the exceptions ticked and told in words, all confirmed at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from grids.models import Grid
from grids.refusals import naming_contention
from kernel import clock
from kernel.errors import DomainError
from patrols import review_lists, reviews
from patrols.admin.calendar_view import day_in, link, page_of
from patrols.periods import quarter_of

if TYPE_CHECKING:
    from patrols.admin.planned import PatrolTaskAdmin

MOST_OPENED = 450
"""So many rows carry a field for an exception: a form has a thousand values at most."""


def show(admin: PatrolTaskAdmin, request: HttpRequest) -> HttpResponse:
    """The list of a grid and quarter; a POST confirms it."""
    _, grid, shown = page_of(request, "reviews")
    today = clock.today()
    quarter = quarter_of(min(day_in(request, "quarter", today), today)).first
    if grid is None:
        return admin.render(request, "patrols/reviews.html", shown, title="季度评")
    scope = admin.scope(request)
    may = not scope.is_auditor and reviews.may_confirm(scope, grid)
    opened: Mapping[int, str] = {}
    refused = ""
    if request.method == "POST":
        if not may:
            raise PermissionDenied
        opened = exceptions_in(request.POST)
        try:
            with naming_contention():
                done = reviews.confirm(
                    by=admin.me(request), quarter=quarter, grid=grid.code, exceptions=opened
                )
        except DomainError as wrong:
            refused = wrong.detail
        else:
            messages.success(request, f"已确认 {done.businesses} 户，其中例外 {done.exceptions} 户。")
            return HttpResponseRedirect(link("reviews", grid=grid.code, quarter=quarter))
    rows = listed(request, grid, quarter, opened)
    last = quarter_of(date.fromordinal(quarter.toordinal() - 1)).first
    shown |= {
        "quarter": quarter,
        "quarter_name": f"{quarter.year}年第{(quarter.month + 2) // 3}季度",
        "rows": rows,
        "waiting": sum(row["open"] for row in rows),
        "moved": sum(row["changed"] for row in rows),
        "may": may,
        "refused": refused,
        "before": link("reviews", grid=grid.code, quarter=last),
        "now": link("reviews", grid=grid.code),
    }
    return admin.render(
        request, "patrols/reviews.html", shown, title="季度评", status=409 if refused else 200
    )


def exceptions_in(said: Any) -> dict[int, str]:
    """`{business: words}` of the ticked rows, and of those in which something was written."""
    found = {}
    ticked = {one for one in said.getlist("opened") if one.isascii() and one.isdigit() and len(one) < 19}
    for name, words in said.items():
        number = name.removeprefix("why-")
        is_row = name != number and number.isascii() and number.isdigit() and len(number) < 19
        if is_row and (number in ticked or words.strip()):
            found[int(number)] = words
    return found


def listed(
    request: HttpRequest, grid: Grid, quarter: date, opened: Mapping[int, str]
) -> list[dict[str, Any]]:
    """Each business of the list with what was computed; those whose grade moved first. Two statements."""
    user: Any = request.user
    tasks = list(review_lists.seen_by(user, quarter).filter(grid=grid).order_by("id"))
    rows: list[dict[str, Any]] = [
        {
            "task": one.task, "entity": one.task.entity, "found": one.computed, "changed": one.moved,
            "open": one.waits, "said": opened.get(one.task.entity_id, ""),
            "ticked": one.task.entity_id in opened, "exception": one.exception,
        }
        for one in review_lists.listed(tasks, quarter)
    ]  # fmt: skip
    rows.sort(key=lambda row: (not row["open"], not row["changed"]))
    for place, row in enumerate(rows):
        row["fields"] = row["open"] and place < MOST_OPENED
    return rows
