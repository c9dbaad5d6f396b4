"""Leads whose owner goes: posting ended, account closed, night over. Nobody is stuck (DESIGN.md §3).

Ending a posting hands on all its open leads in the same transaction (`grids.postings.on_end`). What
ends by its date alone is found by `sweep_vacant`, set-based, every minute.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from grids.models import Posting
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
 WHERE l.state IN ('dispatched', 'responded', 'fed_back')
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
 ORDER BY l.id LIMIT %s
"""


def hand_on_of_posting(posting: Posting, at: datetime, by: User | None) -> None:
    """Hand on every open lead that this posting's holder owns through it. Runs in the caller's transaction.

    Locks: the clocks of all these leads by id, then the leads by id.
    """
    owned = Lead.objects.filter(assignee_id=posting.user_id, state__in=OWNED)
    if posting.grid_id is not None:
        owned = owned.filter(grid_id=posting.grid_id)
    elif posting.office_id is not None:
        owned = owned.filter(office_id=posting.office_id)
    _hand_on_all(
        list(owned.order_by("id").values_list("id", flat=True)), at, by, "原承办人岗位变动", posting.user_id
    )


def sweep_vacant(batch: int = 500) -> int:
    """Hand on open leads whose owner no longer holds any seat of their office. Returns how many."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(VACANT, [batch])
            ids = [row[0] for row in cursor.fetchall()]
        if ids:
            _hand_on_all(ids, clock.now(), None, "原承办人已不在岗", None)
        return len(ids)


def _hand_on_all(ids: list[int], at: datetime, by: User | None, why: str, leaving_id: int | None) -> None:
    clocks.lock_live_of("lead", ids)
    for lead in (
        Lead.objects.select_for_update(of=("self",)).filter(pk__in=ids, state__in=OWNED).order_by("id")
    ):
        dispatch.hand_on(Act(lead, by, at, []), why=why, leaving_id=leaving_id)
