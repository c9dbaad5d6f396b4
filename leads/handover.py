"""Leads whose owner goes: posting ended, account closed, night over. Nobody is stuck (DESIGN.md §3).

Ending a posting hands on all its open leads in the same transaction (`grids.postings.on_end`). What
ends by its date alone is found by `sweep_vacant`, set-based, every minute.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import structlog
from django.db import connection, transaction

from grids.models import Posting
from grids.roles import Role
from kernel import clock
from kernel.accounts.models import User
from kernel.deadlines import clocks
from leads import dispatch
from leads.acts import Act
from leads.models import Lead
from leads.states import OWNED, State

log = structlog.get_logger(__name__)

VACANT = """
SELECT l.id FROM leads_lead l
 WHERE l.state = ANY(%(states)s::text[]) {only}
   AND NOT EXISTS (
       SELECT 1 FROM grids_posting p JOIN accounts_user u ON u.id = p.user_id AND u.is_active
         LEFT JOIN grids_grid g ON g.id = p.grid_id
        WHERE p.user_id = l.assignee_id AND p.starts_at <= kernel_now()
          AND (p.ends_at IS NULL OR p.ends_at > kernel_now())
          AND (p.role = 'BUREAU'
               OR (p.role = 'BUREAU_SECTION' AND l.restricted AND p.section = l.restricted_section)
               OR (p.role IN ('COMMISSIONER', 'OFFICE_CLERK', 'OFFICE_HEAD')
               AND (p.office_id = l.office_id OR g.office_id = l.office_id))))
   AND NOT EXISTS (
       SELECT 1 FROM grids_dutyshift d
         LEFT JOIN grids_absence a ON a.user_id = d.user_id
               AND a.starts_at <= kernel_now() AND a.ends_at > kernel_now()
         JOIN accounts_user u ON u.id = l.assignee_id AND u.is_active
        WHERE l.assignee_id IN (d.user_id, a.stand_in_id) AND d.office_id = l.office_id
          AND d.day = ((kernel_now() AT TIME ZONE 'Asia/Shanghai') - interval '8 hours 30 minutes')::date)
   AND NOT EXISTS (
       SELECT 1 FROM deadlines_deadline m
        WHERE m.subject_kind = 'lead' AND m.subject_id = l.id AND m.kind = 'morning'
          AND m.state = 'running' AND m.due_at <= kernel_now())
 ORDER BY l.id LIMIT %(batch)s
"""
"""Open leads whose owner holds no seat of their office, is not on duty there (himself or as stand-in), and
is not the bureau. What the morning's clock is about to hand on is left to it.
"""
AFTER = "AND l.id > %(after)s"
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
    if posting.role == Role.COMMISSIONER and posting.grid_id is not None:
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

    Each in its own transaction: one that cannot be handed on is logged, does not stop the rest, and is
    tried again by the next sweep.
    """
    done, after = 0, 0
    while found := _vacant(AFTER, batch=batch, after=after):
        for lead_id in found:
            try:
                done += _hand_on_vacant(lead_id)
            except Exception:
                log.exception("lead_not_handed_on", lead_id=lead_id)
        after = found[-1]
    return done


@transaction.atomic
def _hand_on_vacant(lead_id: int) -> bool:
    """Looked at once more under lock: whoever was given the lead meanwhile keeps it."""
    for lead in _locked([lead_id]):
        if _vacant(OF_LEADS, leads=[lead_id]):
            act = Act(lead, None, clock.now(), [])
            return dispatch.hand_on(act, why="原承办人已不在岗", backup_id=backup_of_owner(lead))
    return False


def backup_of_owner(lead: Lead) -> int | None:
    """Who backed the owner up in his last seat as commissioner of the lead's grid."""
    if lead.assignee_id is None or lead.grid_id is None:
        return None
    seats = Posting.objects.filter(
        user_id=lead.assignee_id, grid_id=lead.grid_id, role=Role.COMMISSIONER
    ).order_by("-starts_at")
    return seats.values_list("backup_id", flat=True).first()


def owner_has_gone(lead: Lead) -> bool:
    """Does the owner of this lead, whatever its state, hold no seat of its office any more?"""
    return bool(_vacant(OF_LEADS, states=State.values, leads=[lead.pk]))


def _vacant(
    only: str, *, batch: int = MOST, states: Collection[str] = OWNED, **params: int | list[int]
) -> list[int]:
    with connection.cursor() as cursor:
        asked = {"batch": batch, "states": [str(state) for state in states], **params}
        cursor.execute(VACANT.format(only=only), asked)
        return [row[0] for row in cursor.fetchall()]


def _locked(ids: Collection[int]) -> list[Lead]:
    """These leads, locked in the one order: their clocks by id, then the leads by id."""
    if not ids:
        return []
    clocks.lock_live_of("lead", sorted(ids))
    rows = Lead.objects.select_for_update(of=("self",)).filter(pk__in=ids, state__in=OWNED)
    return list(rows.order_by("id"))
