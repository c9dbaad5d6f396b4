"""Who told a lead: shown to the identity keeper, with a reason; removed when kept long enough (DOMAIN.md §7).

The one place that reads a sealed identity. Services that answer the citizen use `identity_of` and hand
the telephone to the outbox alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from grids.access import scope_of
from grids.roles import Role
from kernel.accounts.models import User
from kernel.accounts.reveal import stated
from kernel.errors import NotAllowed, NotVisible
from leads.acts import UNKNOWN, Act, perform
from leads.identity import Identity
from leads.kept_identities import Keeping
from leads.models import Lead, LeadReporter

KEEPER_ONLY = "反映人信息只有举报人信息保管员可以查看。"


@dataclass(frozen=True, slots=True)
class Revealed:
    """What the keeper is shown, once."""

    lead_id: int
    number: str
    identity: Identity = field(repr=False)
    at: datetime


def is_keeper(user: User) -> bool:
    return scope_of(user).has(Role.IDENTITY_KEEPER)


def reveal(*, lead_id: int, by: User, reason: str) -> Revealed:
    """Show the keeper who told this lead. He sees no business rows: he comes with the lead's number.

    Every look leaves `reporter.revealed` on the lead's journal: who, when and why, never what was seen
    (the name is masked in the reason as well).

    Raises:
        NotVisible: no such lead, or one that `by` (no keeper) may not know of.
        NotAllowed: `not_identity_keeper`.
        Refused: `reason_required`. Conflict: `no_reporter`, `seal_broken`. Gone: `identity_removed`.
        Busy: locks could not be had in time.
    """
    if not is_keeper(by):
        if not Lead.objects.visible_to(by).filter(pk=min(lead_id, 2**63 - 1)).exists():
            raise NotVisible(UNKNOWN)
        raise NotAllowed(KEEPER_ONLY, code="not_identity_keeper")
    why = stated(reason)

    def work(act: Act) -> Revealed:
        found = KEEPING.opened(act.lead)
        act.by = by
        act.note("reporter.revealed", {"reason": found.masked_in(why)})
        return Revealed(act.lead.pk, act.lead.number, found, act.at)

    return perform(lead_id, None, work)


def reveal_by_number(*, number: str, by: User, reason: str) -> Revealed:
    """The same by the lead's number; who is no keeper does not even learn whether there is such a lead."""
    if not is_keeper(by):
        raise NotAllowed(KEEPER_ONLY, code="not_identity_keeper")
    return reveal(lead_id=id_of(number), by=by, reason=reason)


def id_of(number: str) -> int:
    """The lead with this number, whoever may see it: only for the keeper. Raises NotVisible."""
    found = Lead.objects.filter(number=number.strip().upper()).values_list("id", flat=True).first()
    if found is None:
        raise NotVisible("没有这个编号的线索，请核对后再试。")
    return found


# --- keeping ---------------------------------------------------------------------------------------

FORGET = """
WITH due AS MATERIALIZED (
    SELECT l.id FROM leads_lead l JOIN leads_leadreporter r ON r.lead_id = l.id
     WHERE r.removed_at IS NULL AND l.state IN ('closed', 'rejected', 'merged')
       AND GREATEST(l.closed_at, l.rejected_at, l.merged_at) <= %(before)s
     ORDER BY l.id LIMIT %(most)s FOR NO KEY UPDATE OF l SKIP LOCKED),
emptied AS (
    UPDATE leads_leadreporter r SET sealed = ''::bytea, removed_at = %(at)s
      FROM due WHERE r.lead_id = due.id RETURNING r.lead_id)
INSERT INTO journal_entry (stream, kind, actor_id, actor_name, at, data)
SELECT 'lead:' || lead_id, 'reporter.removed', NULL, '系统', %(at)s, '{}'::jsonb FROM emptied ORDER BY lead_id
"""
KEEPING = Keeping(LeadReporter, "lead", "反映人", "这条线索没有反映人信息。", "no_reporter", FORGET)


def identity_of(lead: Lead) -> Identity | None:
    """Who told it, for the services that answer him; None where nobody did, or it cannot be read any more."""
    return KEEPING.known(lead)
