"""Leads whose owner goes: posting ended, account closed, night over. Nobody is stuck (DESIGN.md §3).

Ending a posting hands on all its open leads in the same transaction (`grids.postings.on_end`). What
ends by its date alone is found by `sweep_vacant`, set-based, every minute.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction

from grids.models import Posting
from grids.roles import Role
from kernel import clock
from kernel.accounts.models import User
from kernel.deadlines import clocks
from leads import dispatch
from leads.acts import Act
from leads.models import Lead
from leads.states import State

OWNED = (State.DISPATCHED, State.RESPONDED, State.FED_BACK)

VACANT = """
SELECT l.id FROM leads_lead l
 WHERE l.state IN ('dispatched', 'responded', 'fed_back') {only}
   AND NOT EXISTS (
       SELECT 1 FROM grids_posting p JOIN accounts_user u ON u.id = p.user_id AND u.is_active
         LEFT JOIN grids_grid g ON g.id = p.grid_id
        WHERE p.user_id = l.assignee_id AND p.starts_at <= kernel_now()
          AND (p.ends_at IS NULL OR p.ends_at > kernel_now())
          AND (p.role = 'BUREAU' OR (p.role IN ('COMMISSIONER', 'OFFICE_CLERK', 'OFFICE_HEAD')
               AND (p.office_id = l.office_id OR g.office_id = l.office_id))))
   AND NOT EXISTS (
       SELECT 1 FROM grids_dutyshift d JOIN accounts_user u ON u.id = d.user_id AND u.is_active
        WHERE d.user_id = l.assignee_id AND d.office_id = l.office_id
          AND d.day = ((kernel_now() AT TIME ZONE 'Asia/Shanghai') - interval '8 hours 30 minutes')::date)
 ORDER BY l.id LIMIT %(batch)s
"""
"""Open leads whose owner holds no seat of their office, is not on duty there, and is not the bureau."""
OF_PERSON = "AND l.assignee_id = %(person)s"
OF_LEADS = "AND l.id = ANY(%(leads)s)"
MOST = 10_000


def hand_on_of_posting(posting: Posting, at: datetime, by: User | None) -> None:
    """Hand on every open lead that this posting's holder owns through it. Runs in the caller's transaction.

    Those of the posting's grid, and those of the office for which he holds no other seat. His backup
    (B角) takes them where nobody else holds the seat. Locks: the clocks of all these leads by id, then
    the leads by id.
    """
    ids = set(_vacant(OF_PERSON, person=posting.user_id))
    if posting.role == Role.COMMISSIONER:
        in_grid = Lead.objects.filter(assignee_id=posting.user_id, grid_id=posting.grid_id, state__in=OWNED)
        ids |= set(in_grid.values_list("id", flat=True))
    for lead in _locked(ids):
        if lead.assignee_id == posting.user_id:
            act = Act(lead, by, at, [])
            dispatch.hand_on(
                act, why="原承办人岗位变动", leaving_id=posting.user_id, backup_id=posting.backup_id
            )


def sweep_vacant(batch: int = 500) -> int:
    """Hand on open leads whose owner no longer holds any seat of their office. Returns how many.

    Looked at once more under lock: whoever was given the lead meanwhile keeps it.
    """
    with transaction.atomic():
        found = _vacant("", batch=batch)
        leads = _locked(found)
        still = set(_vacant(OF_LEADS, leads=found)) if leads else set()
        at = clock.now()
        for lead in leads:
            if lead.pk in still:
                dispatch.hand_on(
                    Act(lead, None, at, []), why="原承办人已不在岗", backup_id=_backup_of_owner(lead)
                )
        return len(still)


def _backup_of_owner(lead: Lead) -> int | None:
    """Who backed the owner up in his last seat as commissioner of the lead's grid."""
    seats = Posting.objects.filter(
        user_id=lead.assignee_id, grid_id=lead.grid_id, role=Role.COMMISSIONER
    ).order_by("-starts_at")
    return seats.values_list("backup_id", flat=True).first()


def _vacant(only: str, *, batch: int = MOST, **params: object) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(VACANT.format(only=only), {"batch": batch, **params})
        return [row[0] for row in cursor.fetchall()]


def _locked(ids: Collection[int]) -> list[Lead]:
    """These leads, locked in the one order: their clocks by id, then the leads by id."""
    if not ids:
        return []
    clocks.lock_live_of("lead", sorted(ids))
    rows = Lead.objects.select_for_update(of=("self",)).filter(pk__in=ids, state__in=OWNED)
    return list(rows.order_by("id"))
