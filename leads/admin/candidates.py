"""To whom may a lead be given? Names and grids only, under the headings of their offices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from grids.access import scope_of
from grids.duty import duty_day
from grids.models import DutyShift, Grid, Posting
from grids.roles import DUTY_OFFICER, OFFICE_SIDE, Role
from kernel.accounts.models import User
from leads.models import Lead

__all__ = ["Candidates", "choices"]

Groups = list[tuple[str, list[tuple[int, str]]]]
"""Choices under headings, e.g. people by office."""


@dataclass(frozen=True, slots=True)
class Candidates:
    grids: Groups
    people: Groups


def choices(lead: Lead, by: User) -> Candidates:
    """Grids and people offered to `by`: the lead's office, all offices for the bureau.

    What is offered is a convenience; `dispatch.dispatch` judges. Three statements.
    """
    scope = scope_of(by)
    everywhere = scope.has(Role.BUREAU)
    grids = Grid.objects.filter(is_active=True).select_related("office").order_by("office__code", "code")
    if not everywhere:
        grids = grids.filter(office_id__in=scope.office_ids)
    found = list(grids)
    offices = {grid.office_id: grid.office.name for grid in found}
    return Candidates(
        _grouped([(g.office.name, g.pk, f"{g.name}（{g.code}）") for g in found]),
        _grouped(_people(offices, lead, scope.at)),
    )


def _people(offices: dict[int, str], lead: Lead, at: Any) -> list[tuple[str, int, str]]:
    postings = (
        Posting.objects.filter(
            role__in=[r.value for r in OFFICE_SIDE], user__is_active=True, starts_at__lte=at
        )
        .filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))
        .select_related("user", "grid")
        .order_by("grid__code", "role", "user__username")
    )
    duty = DutyShift.objects.filter(day=duty_day(at), role=DUTY_OFFICER, user__is_active=True)
    rows: dict[tuple[int, int], list[str]] = {}
    names: dict[int, str] = {}
    for posting in postings:
        office = posting.grid.office_id if posting.grid else posting.office_id
        if office is None:
            continue
        where = posting.grid.name if posting.grid else Role(posting.role).label
        rows.setdefault((office, posting.user_id), []).append(where)
        names[posting.user_id] = posting.user.name
    for shift in duty.select_related("user"):
        rows.setdefault((shift.office_id, shift.user_id), []).append("今日值班员")
        names[shift.user_id] = shift.user.name
    order = sorted(rows, key=lambda key: (key[0] != lead.office_id, offices.get(key[0], "")))
    return [
        (offices[office], user, f"{names[user]}（{'、'.join(dict.fromkeys(rows[office, user]))}）")
        for office, user in order
        if office in offices and user != lead.assignee_id
    ]


def _grouped(rows: list[tuple[str, int, str]]) -> Groups:
    groups: dict[str, list[tuple[int, str]]] = {}
    for heading, value, label in rows:
        groups.setdefault(heading, []).append((value, label))
    return list(groups.items())
