"""Who told a lead: shown to the identity keeper, with a reason; removed when kept long enough (DOMAIN.md §7).

The one place that reads a sealed identity. Services that answer the citizen use `identity_of` and hand
the telephone to the outbox alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from grids.access import scope_of
from grids.roles import Role
from kernel import clock, sealed
from kernel.accounts.models import User
from kernel.accounts.reveal import stated
from kernel.deadlines import clocks
from kernel.errors import Conflict, Gone, NotAllowed, NotVisible
from leads import identity
from leads.acts import UNKNOWN, Act, perform
from leads.identity import Identity
from leads.models import Lead, LeadReporter

FORGOTTEN_AT_ONCE = 500
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
        found = _opened(act.lead)
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


def _opened(lead: Lead) -> Identity:
    row = LeadReporter.objects.filter(lead=lead).first()
    if row is None:
        raise Conflict("这条线索没有反映人信息。", code="no_reporter")
    if row.removed_at is not None:
        raise Gone("反映人信息已到保存期限，已清除。", code="identity_removed")
    try:
        return identity.opened(row.sealed)
    except sealed.SealBroken:
        raise Conflict("反映人信息无法解密，请联系系统管理员核对密钥。", code="seal_broken") from None


def identity_of(lead: Lead) -> Identity | None:
    """Who told it, for the services that answer him; None where nobody did, or it cannot be read any more."""
    row = LeadReporter.objects.filter(lead=lead, removed_at__isnull=True).first()
    if row is None:
        return None
    try:
        return identity.opened(row.sealed)
    except sealed.SealBroken:
        return None


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


def forget_expired() -> int:
    """Empty the identities of leads that ended longer ago than `identity_retention`; the row stays as a
    tombstone. Any number may run at once. Returns how many were emptied."""
    emptied = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            at = clock.now()
            kept_for = timedelta(minutes=clocks.limits(at)["identity_retention"].amount)
            cursor.execute(FORGET, {"before": at - kept_for, "at": at, "most": FORGOTTEN_AT_ONCE})
            emptied += cursor.rowcount
            if cursor.rowcount < FORGOTTEN_AT_ONCE:
                return emptied


def reseal() -> tuple[int, int]:
    """Seal anew under the newest key what rests under an older one. Returns how many were, and how many no
    key opens. Safe to repeat and to interrupt."""
    return sealed.reseal(LeadReporter.objects.filter(removed_at__isnull=True), "sealed")
