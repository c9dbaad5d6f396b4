"""What the auditor asks of leads: no open lead without its clocks, no signature that was changed."""

from __future__ import annotations

from functools import partial

from django.db.models import Max

from kernel.clock import local_date, now
from kernel.deadlines import audit
from kernel.deadlines.audit import SHOWN, Rule
from leads import look_backs, signing
from leads.models import Signature

CLOCKLESS = """
SELECT l.id FROM leads_lead l
 WHERE NOT (l.state = 'closed') AND l.state NOT IN ('rejected', 'merged')
   AND l.reported_at <= kernel_now() - %(late)s
   AND NOT EXISTS (SELECT 1 FROM deadlines_deadline d
        WHERE d.subject_kind = 'lead' AND d.subject_id = l.id
          AND (l.restricted OR d.kind = 'feedback' AND d.cycle = l.round))
 ORDER BY l.id LIMIT %(shown)s
"""
UNANSWERED = """
SELECT l.id FROM leads_lead l
 WHERE NOT (l.state = 'closed') AND l.state = 'dispatched' AND l.dispatched_at <= kernel_now() - %(late)s
   AND NOT EXISTS (SELECT 1 FROM deadlines_deadline d
        WHERE d.subject_kind = 'lead' AND d.subject_id = l.id
          AND (l.restricted OR d.kind IN ('respond', 'owner_respond')))
 ORDER BY l.id LIMIT %(shown)s
"""
"""A clock that was armed stays as a row, whatever became of it; each round of feedback has its own. The
clocks of a restricted lead (举报) are those of its own law.
"""
SLICE = 20_000


def changed_signatures() -> list[int]:
    """The newest signatures, and one slice of the older ones: another each night, so that all have their
    turn."""
    newest = Signature.objects.aggregate(last=Max("pk"))["last"] or 0
    slices = newest // SLICE + 1
    first = local_date(now()).toordinal() % slices * SLICE
    rows = Signature.objects.filter(pk__gt=newest - SLICE) | Signature.objects.filter(
        pk__gt=first, pk__lte=first + SLICE
    )
    return signing.verify_digests(rows.order_by("pk"))[:SHOWN]


def _forgotten() -> list[int]:
    return look_backs.forgotten(SHOWN)


def register() -> None:
    """Register the rules of this app (called once, at start-up)."""
    audit.register(Rule("lead_without_clocks", "没有时限的在办线索", partial(audit.rows, CLOCKLESS), "线索"))
    audit.register(
        Rule("dispatched_without_respond", "已派单但没有接单时限", partial(audit.rows, UNANSWERED), "线索")
    )
    audit.register(Rule("look_back_forgotten", "复查通过但没有安排回头看", _forgotten, "复查"))
    audit.register(
        Rule("signature_changed", "签字内容与校验值不符", changed_signatures, "签字", nightly=True)
    )
