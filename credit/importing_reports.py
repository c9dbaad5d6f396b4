"""年度报告 in a file of facts: a year's report has a state, and what is said last holds.

未报, then 逾期, then 未报 again (taken back by the authority) are three facts of one matter: each that says
something else than the newest is new, under a source with its turn (`report:2025:17:MISSING~2`). What says
the same as the newest changes nothing, so a file that is carried out again stays without effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from credit import ledger
from credit.facts import FactKind
from credit.importing_rows import Said, ref_of
from credit.models import CreditFact
from grids.importing_columns import Wrong

DIFFERS = "该年度报告已入账，应报日期与本行不同；有误的请先撤销原事实，再导入。"
Matter = tuple[int, str]


@dataclass
class Reports:
    """What the ledger holds of these reports: the newest that counts of each, how often each was said."""

    newest: dict[Matter, tuple[str, date]] = field(default_factory=dict)
    said: Counter[str] = field(default_factory=Counter)

    def source(self, said: Said, entity_id: int, base: str) -> str | None:
        """Under which source a row is new; None where it says what is known. Raises Wrong `differs`."""
        known = self.newest.get((entity_id, ref_of(said, entity_id)))
        if known is not None and known[0] == said.level:
            if known[1] != said.happened_on:
                raise Wrong("number", "differs", DIFFERS)
            return None
        turn = self.said[base] + 1
        return base if turn == 1 else f"{base}~{turn}"


def read(rows: Iterable[tuple[Said, int]]) -> Reports:
    """The reports that these rows speak of. Two statements, none without such a row."""
    wanted = {(n, ref_of(one, n)) for one, n in rows if one.sort.kind == FactKind.ANNUAL_REPORT}
    found = Reports()
    if not wanted:
        return found
    known = CreditFact.objects.filter(
        kind=FactKind.ANNUAL_REPORT, entity__in={n for n, _ in wanted}, ref__in={ref for _, ref in wanted}
    ).order_by("at", "id")
    facts = list(known.values_list("entity_id", "ref", "level", "happened_on", "source"))
    gone = ledger.withdrawn(source for *_, source in facts)
    for entity_id, ref, level, due, source in facts:
        found.said[source.partition("~")[0]] += 1
        if source not in gone:
            found.newest[entity_id, ref] = (level, due)
    return found
