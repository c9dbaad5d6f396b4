"""The auditor's runs: what was found is kept in the journal, and told when it is new (DESIGN.md §4, "Watch").

Stream `system:audit`, one entry a run. A run between two nights carries on what the last night found by the
rules that only the night asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from kernel import clock, journal
from kernel.deadlines import audit, watchers
from kernel.deadlines.audit import Fault
from kernel.journal.models import Entry
from kernel.notices import templates

STREAM = "system:audit"
LOCK = "SELECT pg_advisory_xact_lock(hashtext('system:audit'))"
TOLD = "deadlines.audit_faults"
WELL_AGAIN = "deadlines.audit_well"
SENTENCES = 5


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the auditor. `seq` numbers them."""

    seq: int
    at: datetime
    nightly: bool
    faults: tuple[Fault, ...]

    @property
    def is_well(self) -> bool:
        return not self.faults


def latest() -> Run | None:
    """The last run; None where there was none yet. One statement."""
    entry = Entry.objects.filter(stream=STREAM).order_by("-seq").first()
    return None if entry is None else _read(entry)


def recent(most: int) -> list[Run]:
    """The last runs, newest first. One statement."""
    return [_read(entry) for entry in Entry.objects.filter(stream=STREAM).order_by("-seq")[:most]]


def run(*, nightly: bool = False) -> list[Fault]:
    """Ask every rule, keep what was found, and tell the watchers where it is not what the last run found.

    Safe to run twice or at once: a second run finds the same and tells nobody.
    """
    found = list(audit.faults(nightly=nightly))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(LOCK)
        at, last = clock.now(), latest()
        if not nightly and last is not None:
            found += [fault for fault in last.faults if audit.is_nightly(fault.rule)]
        journal.append(
            stream=STREAM,
            kind="audit.run",
            by=None,
            at=at,
            data={"nightly": nightly, "faults": {fault.rule: fault.ids for fault in found}},
        )
        _tell(found, last, at)
    return found


def _tell(found: Sequence[Fault], last: Run | None, at: datetime) -> None:
    before = _set_of(last.faults if last else ())
    if _set_of(found) == before:
        return
    number = last.seq + 1 if last else 1
    if not found:
        watchers.tell(key=f"audit:{number}", template=WELL_AGAIN, params={}, at=at)
        return
    shown = [fault.sentence.rstrip("。") for fault in found[:SENTENCES]]
    params: dict[str, Any] = {"count": len(found), "what": "；".join(shown)}
    watchers.tell(key=f"audit:{number}", template=TOLD, params=params, at=at)


def _set_of(faults: Sequence[Fault]) -> set[tuple[str, tuple[int, ...]]]:
    return {(fault.rule, tuple(sorted(fault.ids))) for fault in faults}


def _read(entry: Entry) -> Run:
    faults = tuple(Fault(rule, list(ids)) for rule, ids in entry.data["faults"].items())
    return Run(entry.seq, entry.at, bool(entry.data["nightly"]), faults)


templates.register(
    TOLD, "系统巡检发现 {count} 项异常", "{what}。请系统管理员查看“系统运行状况”，必要时联系技术支持。"
)
templates.register(WELL_AGAIN, "系统巡检恢复正常", "上次发现的异常已全部消除。")
