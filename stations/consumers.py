"""Who complains: sealed, shown to handlers with a reason, removed when kept long enough (DOMAIN.md §7).

The one place that reads a sealed consumer. Services that answer him use `identity_of` and hand the telephone
to the outbox alone. No identity card is ever asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kernel.accounts.masking import mask_name, mask_phone
from kernel.accounts.models import User
from kernel.accounts.reveal import stated
from leads import identity
from leads.identity import Identity
from leads.kept_identities import Keeping
from stations.acts import Act, perform
from stations.models import Dispute, DisputeConsumer

NOBODY = Identity("", "")


@dataclass(frozen=True, slots=True)
class Revealed:
    """What the handler is shown, once."""

    dispute_id: int
    number: str
    identity: Identity = field(repr=False)
    at: datetime


def keep(dispute: Dispute, name: str, phone: str) -> DisputeConsumer | None:
    """Seal who complains, in the transaction of the intake; None where nothing of him is known."""
    if not (name or phone):
        return None
    return DisputeConsumer.objects.create(
        dispute=dispute,
        sealed=identity.seal(name=name, phone=phone),
        fingerprint=identity.fingerprint(name=name, phone=phone),
        masked_name=mask_name(name),
        masked_phone=mask_phone(identity.plain_phone(phone)),
    )


def identity_of(dispute: Dispute) -> Identity | None:
    """Who complains, for the services that answer him; None where nobody knows, or nobody can read it."""
    return KEEPING.known(dispute)


def hidden(dispute: Dispute, text: str) -> str:
    """What a person wrote of a dispute, without the consumer's name and any number: for what is kept."""
    return hidden_of_all([dispute], text)[dispute.pk]


def hidden_of_all(disputes: Sequence[Dispute], text: str) -> dict[int, str]:
    """The same words of each of these disputes, each without its own consumer. One statement where there are
    words."""
    said = text.strip()
    known = KEEPING.all_known(disputes) if said else {}
    return {one.pk: known.get(one.pk, NOBODY).masked_in(said) if said else "" for one in disputes}


def reveal(*, dispute_id: int, by: User, reason: str) -> Revealed:
    """Show the handler whom to call. Every look leaves `consumer.revealed` on the dispute's journal: who,
    when and why, never what was seen (the name is masked in the reason as well). No `version` moves.

    Raises:
        NotVisible; NotAllowed `not_handler`; Refused `reason_required`; Conflict `no_consumer`,
        `seal_broken`; Gone `identity_removed`; Busy.
    """
    why = stated(reason)

    def work(act: Act) -> Revealed:
        act.as_handler()
        found = KEEPING.opened(act.dispute)
        act.note("consumer.revealed", {"reason": found.masked_in(why)})
        return Revealed(act.dispute.pk, act.dispute.number, found, act.at)

    return perform(dispute_id, by, work)


# --- keeping ---------------------------------------------------------------------------------------

FORGET = """
WITH due AS MATERIALIZED (
    SELECT d.id FROM stations_dispute d JOIN stations_disputeconsumer c ON c.dispute_id = d.id
     WHERE c.removed_at IS NULL AND d.ended_at <= %(before)s
     ORDER BY d.id LIMIT %(most)s FOR NO KEY UPDATE OF d SKIP LOCKED),
emptied AS (
    UPDATE stations_disputeconsumer c SET sealed = ''::bytea, fingerprint = '', masked_name = '',
           masked_phone = '', removed_at = %(at)s
      FROM due WHERE c.dispute_id = due.id RETURNING c.dispute_id)
INSERT INTO journal_entry (stream, kind, actor_id, actor_name, at, data)
SELECT 'dispute:' || dispute_id, 'consumer.removed', NULL, '系统', %(at)s, '{}'::jsonb
  FROM emptied ORDER BY dispute_id
"""
KEEPING = Keeping(DisputeConsumer, "dispute", "消费者", "这件纠纷没有登记消费者信息。", "no_consumer", FORGET)
