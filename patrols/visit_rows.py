"""The rows of visits, written together: one or a whole stretch, with as many statements.

A finding adds the statements of its lead, which goes through the intake of every other report.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from django.db import connection
from django.db.models import F

from credit import ledger
from credit.facts import FactKind
from credit.ledger import NewFact
from grids import contacts
from grids.contacts import Contact
from grids.models import BusinessEntity, PlacedBy, Purpose
from grids.staffing import RoutingFacts
from kernel import journal
from kernel.accounts.models import User
from kernel.clock import local_date
from kernel.errors import DomainError
from kernel.journal import Note
from kernel.notices import outbox
from leads import intake
from leads.intake import Report
from leads.models import Lead
from leads.policy import Discovery, discovery
from patrols import closed_doors, files, gone, visit_notices
from patrols.given import Finding, Given
from patrols.inspections import Inspection
from patrols.kinds import Result, TaskKind, TaskState
from patrols.models import InspectionPaper, PatrolTask, PatrolVisit

LOOKED = {Result.OK: "OK", Result.PROBLEM: "PROBLEM"}
"""Only who looked has patrolled: a shut door is no patrol."""
NEXT = "SELECT nextval('patrols_patrolvisit_id_seq') FROM generate_series(1, %s)"
UNPLANNED = "计划外走访"


@dataclass(eq=False)
class Call:
    """One visit on its way to being rows. `task` None: unplanned, with `reason`. `was`: the task was `missed`
    or `called_off` by the time its visit was told of."""

    given: Given
    entity: BusinessEntity
    at: datetime
    task: PatrolTask | None = None
    on_behalf_of_id: int | None = None
    reason: str = ""
    was: str = ""
    inspection: Inspection | None = None
    digest: str = ""
    stretch: uuid.UUID | None = None

    @cached_property
    def found(self) -> Discovery:
        return discovery(self.given.captured_at, self.at)

    @property
    def done_on(self) -> date:
        return local_date(self.found.at)

    @property
    def kind_label(self) -> str:
        return TaskKind(self.task.kind).label if self.task else UNPLANNED

    @contextmanager
    def named(self) -> Iterator[None]:
        """A refusal of one shop of a stretch says which task it was."""
        try:
            yield
        except DomainError as refused:
            if self.stretch is not None and self.task is not None:
                refused.attr = f"tasks.{self.task.pk}" + (f".{refused.attr}" if refused.attr else "")
            raise

    @property
    def purpose(self) -> Purpose:
        checks = self.task is not None and self.task.kind == TaskKind.WEEKLY_CHECK
        return Purpose.CHECK if checks else Purpose.PATROL


def write(
    calls: Sequence[Call], *, by: User, at: datetime, people: Mapping[int, RoutingFacts]
) -> list[PatrolVisit]:
    """Write these visits and all that follows from them, in the caller's transaction; businesses and tasks
    are locked. Findings become leads, tasks are done, papers kept; the ledger, the contacts, the journal and
    who must know are told.

    Raises:
        Conflict: `evidence_unavailable`. Refused: what the intake of leads refuses, its field under `lead`.
    """
    visits = []
    for call, number in zip(calls, _numbers(len(calls)), strict=True):
        with call.named():
            visits.append(_visit(call, number, by, at))
    PatrolVisit.objects.bulk_create(visits)
    pairs = list(zip(calls, visits, strict=True))
    papers = [
        call.inspection.row(visit, entered=call.given.enters) for call, visit in pairs if call.inspection
    ]
    if papers:
        InspectionPaper.objects.bulk_create(papers)
    _finish(calls)
    ledger.record_many([_fact(call, visit) for call, visit in pairs if call.given.result in LOOKED])
    contacts.record([_contact(call, visit) for call, visit in pairs])
    journal.append_many([_note(call, visit) for call, visit in pairs])
    _tell(visits, by, at, people)
    return visits


def _numbers(count: int) -> list[int]:
    """Files are bound to a visit before its row is written: the row is never changed afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT, [count])
        return [row[0] for row in cursor.fetchall()]


def _visit(call: Call, number: int, by: User, at: datetime) -> PatrolVisit:
    given, grid = call.given, call.task.grid if call.task else call.entity.grid
    if given.finding is not None:
        lead, hashes = _found(call, given.finding, by)
    else:
        lead, hashes = None, files.add(number, ids=given.evidence, awaited=given.awaited, by=by)
    return PatrolVisit(
        id=number,
        client_uid=given.client_uid,
        content_digest=call.digest,
        task=call.task,
        entity=call.entity,
        grid=grid,
        by=by,
        on_behalf_of_id=call.on_behalf_of_id,
        result=given.result,
        how=given.how,
        reason=call.reason,
        note=given.note,
        evidence=hashes,
        lon=given.lon,
        lat=given.lat,
        lead=lead,
        stretch=call.stretch,
        captured_at=call.found.at,
        at=at,
        done_on=call.done_on,
    )


def _found(call: Call, finding: Finding, by: User) -> tuple[Lead, list[str]]:
    """The finding as a lead, with every file of the visit; the lead and the hashes of its files."""
    try:
        made = intake.report(report=report_of(call, finding), by=by)
    except DomainError as refused:
        refused.attr = f"lead.{refused.attr}" if refused.attr else "lead"
        raise
    return made.lead, [one.sha256 for one in made.evidence]


def report_of(call: Call, finding: Finding) -> Report:
    """What is wrong at the shop, at the shop's own place; one that was placed by hand lies in its own grid
    wherever its point is."""
    given, entity = call.given, call.entity
    placed = entity.lon is not None and entity.placed_by != PlacedBy.HAND
    return Report(
        client_uid=uuid.uuid5(given.client_uid, "lead"),
        category=finding.category,
        description=finding.description or given.note,
        lon=_degrees(entity.lon) if placed else None,
        lat=_degrees(entity.lat) if placed else None,
        crs_in="wgs84" if placed else "",
        entity_id=entity.pk,
        severity=finding.severity,
        captured_at=given.captured_at,
        evidence=tuple(dict.fromkeys([*finding.evidence, *given.evidence])),
        awaited=tuple(dict.fromkeys([*finding.awaited, *given.awaited])),
        fixed_on_spot=finding.fixed_on_spot,
        clock_skewed=given.clock_skewed,
    )


def _degrees(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(f"{value:.6f}")


def _finish(calls: Sequence[Call]) -> None:
    """The tasks are done; one statement (a stretch is done at one moment)."""
    tasks = [call.task for call in calls if call.task is not None]
    if tasks:
        done_at = calls[0].found.at
        rows = PatrolTask.objects.filter(pk__in=[task.pk for task in tasks])
        rows.update(state=TaskState.DONE, done_at=done_at, version=F("version") + 1)
        for task in tasks:
            task.state, task.done_at, task.version = TaskState.DONE, done_at, task.version + 1


def _fact(call: Call, visit: PatrolVisit) -> NewFact:
    return NewFact(
        entity_id=call.entity.pk,
        kind=FactKind.PATROL,
        ref=f"visit:{visit.pk}",
        source=f"visit:{visit.pk}",
        at=call.found.at,
        level=LOOKED[Result(call.given.result)],
        happened_on=call.done_on,
        data={"what": call.kind_label},
        by_id=visit.by_id,
    )


def _contact(call: Call, visit: PatrolVisit) -> Contact:
    second = call.inspection.second.name if call.inspection else ""
    return Contact(
        entity_id=call.entity.pk,
        purpose=call.purpose,
        by_id=visit.by_id,
        at=call.found.at,
        source=f"patrol_visit:{visit.pk}",
        entered=call.given.enters,
        with_names=second,
        note=f"{call.kind_label}，{Result(call.given.result).label}",
    )


def _note(call: Call, visit: PatrolVisit) -> Note:
    """On the task's stream, or the visit's own where there was no plan. No free text."""
    said = {
        "visit": visit.pk,
        "entity": call.entity.pk,
        "result": visit.result,
        "how": visit.how,
        "captured_at": call.found.at.isoformat(),
        "done_on": visit.done_on.isoformat(),
        "on_behalf_of": visit.on_behalf_of_id,
        "lead": visit.lead_id,
    }
    if call.found.clock_doubted:
        said["clock_doubted"] = True
    if call.task is None:
        return Note(f"patrol_visit:{visit.pk}", "patrol.visited", visit.at, said, visit.by)
    said["task_version"] = call.task.version
    if call.stretch is not None:
        said["stretch"] = str(call.stretch)
    if call.was:
        said[f"was_{call.was}"] = True
    return Note(call.task.stream, "patrol.done", visit.at, said, visit.by)


def _tell(visits: Sequence[PatrolVisit], by: User, at: datetime, people: Mapping[int, RoutingFacts]) -> None:
    drafts = []
    for visit in visits:
        if visit.result == Result.REFUSED:
            drafts += visit_notices.drafts(visit_notices.REFUSED, visit, people.get(visit.grid_id))
        elif visit.result == Result.GONE:
            drafts += gone.tell(visit, people, by)
    outbox.post(drafts, at=at)
    closed_doors.ask(visits, people, at)
