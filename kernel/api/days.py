"""Days, and spans of them, that an address names: `?quarter=2026-10-01`, `?from=2026-11-01&to=2026-11-30`."""

from __future__ import annotations

from datetime import date

from rest_framework.request import Request

from kernel.errors import Malformed

LONGEST_SPAN_DAYS = 400
EARLIEST, LATEST = date(2000, 1, 1), date(2199, 12, 31)


def day_named(request: Request, name: str) -> date | None:
    """The day; None where none is named. Raises Malformed `invalid`."""
    said = request.query_params.get(name)
    if not said:
        return None
    try:
        day = date.fromisoformat(said)
    except ValueError:
        raise Malformed("日期格式应为 YYYY-MM-DD。", code="invalid", attr=name) from None
    if not EARLIEST <= day <= LATEST:
        raise Malformed("日期超出范围。", code="invalid", attr=name)
    return day


def span_named(request: Request, *, today: date) -> tuple[date, date]:
    """`from` and `to`, both included; the present month up to today where they are left out.

    Raises Malformed `invalid`, `span`.
    """
    last = day_named(request, "to") or today
    first = day_named(request, "from") or last.replace(day=1)
    if not first <= last or (last - first).days > LONGEST_SPAN_DAYS:
        raise Malformed(f"起止日期应先后有序，跨度不超过{LONGEST_SPAN_DAYS}天。", code="span", attr="from")
    return first, last
