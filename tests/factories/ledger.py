"""What the credit ledger holds of a lead, and what must hold of it whatever happened (DESIGN.md §8)."""

from __future__ import annotations

from collections import Counter

from credit.facts import FactKind
from credit.models import CreditFact
from leads.models import Lead
from leads.states import OPEN

__all__ = ["check_facts", "counting", "open_in_ledger", "told"]

VERDICTS = {FactKind.FINDING, FactKind.COMPLAINT, FactKind.LENIENCY}


def of_lead(lead: Lead) -> list[CreditFact]:
    """Every fact of the lead, and what withdraws one of them, oldest first."""
    rows = CreditFact.objects.filter(entity_id=lead.entity_id).order_by("id")
    mine = f"lead:{lead.pk}"
    return [row for row in rows if row.ref == mine or row.ref.startswith(f"{mine}:")]


def counting(lead: Lead) -> list[CreditFact]:
    """What counts: not withdrawn."""
    rows = of_lead(lead)
    gone = {row.ref for row in rows if row.kind == FactKind.WITHDRAWN}
    return [row for row in rows if row.kind != FactKind.WITHDRAWN and row.source not in gone]


def told(lead: Lead) -> list[str]:
    """What counts, in short: `FINDING MINOR 1` (the round; none of a fact of the whole lead)."""
    found = []
    for row in counting(lead):
        round = row.ref.split(":")[2:]
        found.append(" ".join([row.kind, row.level, *round]).replace("  ", " ").strip())
    return found


def open_in_ledger(lead: Lead) -> bool:
    """Does the ledger say that it is open? The latest of the two by moment, then by number."""
    kinds = {FactKind.LEAD_OPENED, FactKind.LEAD_CLOSED}
    rows = sorted((r for r in of_lead(lead) if r.kind in kinds), key=lambda r: (r.at, r.pk))
    return bool(rows) and rows[-1].kind == FactKind.LEAD_OPENED


def check_facts(lead: Lead) -> None:
    """Open there when open here; one verdict a matter; nothing done, overdue or looked back at that was not
    ordered; nothing both on time and late."""
    assert open_in_ledger(lead) == (lead.state in OPEN), told(lead)
    rows = counting(lead)
    verdicts = Counter(row.ref for row in rows if row.kind in VERDICTS)
    assert all(count == 1 for count in verdicts.values()), told(lead)
    ordered = {row.ref for row in rows if row.kind == FactKind.RECTIFICATION_ORDERED}
    done = Counter(row.ref for row in rows if row.kind == FactKind.RECTIFICATION_DONE)
    assert all(count == 1 for count in done.values()), told(lead)
    overdue = {row.ref for row in rows if row.kind == FactKind.RECTIFICATION_OVERDUE}
    assert overdue <= ordered, told(lead)
    guided = {row.ref for row in rows if row.kind in VERDICTS} - ordered
    assert set(done) <= ordered | guided, told(lead)
    looked = {row.ref for row in rows if row.kind in ("LOOK_BACK_PASSED", "LOOK_BACK_FAILED")}
    assert looked <= ordered, told(lead)
    assert not any(row.data.keys() - {"what", "number", "why"} for row in of_lead(lead))
