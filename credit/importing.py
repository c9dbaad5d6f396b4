"""Bringing facts into the ledger from a file: penalties, samples, annual reports, lists, pledges (API.md).

Tried first, then whole or not at all, as the register's files. The same fact twice is one (`source`): a file
that is carried out again changes nothing. A number that is known with other content is refused, unless that
fact has been withdrawn. Over the API a file is read while the sender waits; one that is handed in on the page
rests with the register's (`grids.importing.hand_in_later`), and a worker reads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from credit import importing_reports, ledger
from credit.facts import FactKind
from credit.importing_reports import Reports
from credit.importing_rows import (
    COLUMNS,
    PLACE,
    Said,
    moment_of,
    read_row,
    ref_of,
    source_of,
)
from credit.ledger import NewFact
from credit.models import CreditFact
from grids import import_targets, same_business, sheets
from grids.access import Scope, scope_of
from grids.import_targets import Target
from grids.importing_columns import Wrong
from grids.importing_rows import importing_offices
from grids.models import BusinessEntity, ImportFile
from grids.roles import Role, Section
from grids.sheets import RowError, Sheet
from kernel import clock, journal
from kernel.accounts.models import User
from kernel.errors import Conflict, DomainError, NotAllowed, TooLarge

MOST_BYTES = 6_000_000
"""Some 50,000 rows: what one may wait for."""
MOST_ERRORS = 20_000
SAYS_EVERY = 1_000
AGAIN = 5
"""So often a fact may be withdrawn and brought in anew under its number."""
NOT_YOURS = "只有所内勤、所长、市场监管局及其信用科室可以导入信用事实。"
TRY_FIRST = "请先用同一文件试导，核对结果后再正式导入。"
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('credit.import'))"


@dataclass
class Plan:
    """What the file would do. With errors nothing is done."""

    rows: int = 0
    facts: list[NewFact] = field(default_factory=list)
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)


def everywhere(scope: Scope) -> bool:
    """The bureau and its section for credit: any business, and what decides by itself (veto)."""
    return scope.has(Role.BUREAU) or Section.CREDIT in scope.sections


def may_import(scope: Scope) -> bool:
    """Clerk and head for businesses of their office; the bureau and its section for credit for all."""
    return not scope.is_auditor and (everywhere(scope) or bool(importing_offices(scope)))


def hand_in(*, content: bytes, name: str, dry_run: bool, by: User, at: datetime) -> ImportFile:
    """Try a file of facts, or carry it out. Answers its row, with every error in it.

    Raises:
        NotAllowed: `not_your_import`. Conflict: `dry_run_first`, he has not tried this very file.
        TooLarge, UnsupportedType, Refused: no table that can be read (413, 415, 422).
    """
    scope = scope_of(by)
    if not may_import(scope):
        raise NotAllowed(NOT_YOURS, code="not_your_import")
    if len(content) > MOST_BYTES:
        raise TooLarge("文件过大，请分成几个文件导入。", code="too_large", attr="file")
    digest = hashlib.sha256(content).hexdigest()
    target = ImportFile.Target.FACTS
    tried = ImportFile.objects.filter(target=target, sha256=digest, by=by, dry_run=True)
    if not dry_run and not tried.filter(state=ImportFile.State.TRIED).exists():
        raise Conflict(TRY_FIRST, code="dry_run_first", attr="dry_run")
    sheet = sheets.read(content, COLUMNS)
    file = ImportFile(
        target=target, name=name[:200] or "未命名", sha256=digest, dry_run=dry_run, by=by, at=at
    )
    _read(file, sheet, scope, at)
    return file


def run(file: ImportFile, sheet: Sheet) -> None:
    """Try or carry out a kept file, by a worker; `done_rows` tells how far the trial is.

    A refusal, also that its sender may not import any more, ends in the file's row.
    """
    file.state, file.rows, file.done_rows = ImportFile.State.RUNNING, len(sheet.rows), 0
    file.save()

    def progress(done: int) -> None:
        ImportFile.objects.filter(pk=file.pk).update(done_rows=done)

    at = clock.now()
    try:
        scope = scope_of(User.objects.get(pk=file.by_id))
        if not may_import(scope):
            raise NotAllowed(NOT_YOURS, code="not_your_import")
        _read(file, sheet, scope, at, progress)
    except DomainError as refused:
        made = Plan(rows=len(sheet.rows), errors=[RowError(0, refused.code, "", refused.detail)])
        _finish(file, made, at)


def _read(
    file: ImportFile, sheet: Sheet, scope: Scope, at: datetime, progress: Callable[[int], None] | None = None
) -> None:
    if file.dry_run:
        _finish(file, plan(sheet, scope, file.by, at, progress), at)
    else:
        _carry_out(file, sheet, scope, at)


@transaction.atomic
def _carry_out(file: ImportFile, sheet: Sheet, scope: Scope, at: datetime) -> None:
    """Plan and, where nothing is wrong, write: one import after another."""
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)
    made = plan(sheet, scope, file.by, at)
    _finish(file, made, at)
    if file.state == ImportFile.State.DONE:
        ledger.record_many(made.facts)
        told = {"rows": made.rows, "created": len(made.facts), "sha256": file.sha256}
        journal.append(stream=f"import:{file.pk}", kind="credit.facts_imported", by=file.by, at=at, data=told)


def _finish(file: ImportFile, made: Plan, at: datetime) -> None:
    file.rows = file.done_rows = made.rows
    errors = sheets.at_most(made.errors, MOST_ERRORS)
    file.errors = [asdict(one) for one in errors]
    file.created, file.unchanged = (0, 0) if errors else (len(made.facts), made.unchanged)
    state = ImportFile.State
    file.state = state.TRIED if file.dry_run else state.REFUSED if errors else state.DONE
    file.finished_at = at
    file.save()


def plan(
    sheet: Sheet,
    scope: Scope,
    by: User | None,
    at: datetime,
    progress: Callable[[int], None] | None = None,
) -> Plan:
    """Read every row against the register and the ledger of now; errors in the order of the rows.

    Seven statements at most, however many rows. `progress` hears of every thousandth.
    """
    made, said = Plan(rows=len(sheet.rows)), []
    cells_of = dict(sheet.rows)
    for done, (row, cells) in enumerate(sheet.rows):
        if progress and done % SAYS_EVERY == 0:
            progress(done)
        try:
            said.append(read_row(row, cells, at))
        except Wrong as refused:
            made.errors.append(_wrong(row, cells, refused))
    entities = _entities(said, scope)
    placed: list[tuple[Said, int]] = []
    for one in said:
        entity_id = entities.get(one.entity)
        if why := _refused(one, entity_id, scope):
            made.errors.append(_wrong(one.row, cells_of[one.row], why))
        elif entity_id is not None:
            placed.append((one, entity_id))
    _match(made, placed, cells_of, by, at)
    made.errors.sort(key=lambda error: error.row)
    return made


def _refused(said: Said, entity_id: int | None, scope: Scope) -> Wrong | None:
    if entity_id is None:
        return Wrong("entity", "unknown_entity", "登记簿中没有这个主体，或不在您的辖区。")
    if said.sort.grave and not everywhere(scope):
        return Wrong("kind", "bureau_only", "一票否决的事实由市场监管局或信用科室导入。")
    return None


def _entities(said: Iterable[Said], scope: Scope) -> dict[str, int]:
    """Numbers of the businesses that may be meant, by either code. One statement."""
    codes = {one.entity for one in said}
    rows = BusinessEntity.objects.filter(Q(uscc__in=codes) | Q(code__in=codes))
    if not everywhere(scope):
        rows = rows.filter(grid__office_id__in=importing_offices(scope))
    found: dict[str, int] = {}
    for number, uscc, code in rows.values_list("id", "uscc", "code"):
        found |= {uscc: number, code: number}
    found.pop("", None)
    return found


@dataclass(frozen=True, slots=True)
class _Kept:
    """A fact that the ledger holds already, as a row would say it."""

    entity_id: int
    kind: str
    level: str
    happened_on: Any
    withdrawn: bool


def _match(
    made: Plan,
    placed: Sequence[tuple[Said, int]],
    cells_of: dict[int, list[str]],
    by: User | None,
    at: datetime,
) -> None:
    """New, known or in the way of another. Five statements at most."""
    wanted = [(one, entity_id, source_of(one, entity_id)) for one, entity_id in placed]
    reports, kept = importing_reports.read(placed), _kept({source for *_, source in wanted})
    into = same_business.survivors_of({*(n for _, n in placed), *(one.entity_id for one in kept.values())})
    seen: dict[str, int] = {}
    for one, entity_id, base in wanted:
        if base in seen:
            text = f"与第 {seen[base]} 行是同一事实，请只保留一行。"
            made.errors.append(_wrong(one.row, cells_of[one.row], Wrong("number", "doubled", text)))
            continue
        seen[base] = one.row
        if one.sort.kind == FactKind.ANNUAL_REPORT:
            _match_report(made, reports, one, entity_id, base, cells_of, by, at)
            continue
        source = next((s for s in _names(base) if s not in kept or not kept[s].withdrawn), None)
        if source is None or source in kept:
            known = kept.get(source or "")
            if known and _same(known, one, entity_id, into):
                made.unchanged += 1
            else:
                text = "该编号的事实已入账，内容与本行不同；有误的请先撤销原事实，再导入。"
                made.errors.append(_wrong(one.row, cells_of[one.row], Wrong("number", "differs", text)))
            continue
        made.facts.append(_fact(one, entity_id, source, by, at))


def _match_report(
    made: Plan,
    reports: Reports,
    one: Said,
    entity_id: int,
    base: str,
    cells_of: dict[int, list[str]],
    by: User | None,
    at: datetime,
) -> None:
    try:
        source = reports.source(one, entity_id, base)
    except Wrong as refused:
        made.errors.append(_wrong(one.row, cells_of[one.row], refused))
    else:
        if source is None:
            made.unchanged += 1
        else:
            made.facts.append(_fact(one, entity_id, source, by, at))


def _fact(said: Said, entity_id: int, source: str, by: User | None, at: datetime) -> NewFact:
    data = {name: value for name, value in (("what", said.what), ("number", said.number)) if value}
    return NewFact(
        entity_id=entity_id,
        kind=said.sort.kind,
        ref=ref_of(said, entity_id),
        at=moment_of(said, at),
        source=source,
        level=said.level,
        happened_on=said.happened_on,
        until=said.until,
        data=data,
        by_id=by.pk if by else None,
    )


def _names(base: str) -> list[str]:
    """The source under which it may stand: its own, and those after it was withdrawn."""
    return [base, *(f"{base}~{number}" for number in range(2, AGAIN + 1))]


def _kept(bases: set[str]) -> dict[str, _Kept]:
    names = {name for base in bases for name in _names(base)}
    rows = CreditFact.objects.filter(source__in=names).values_list(
        "source", "entity_id", "kind", "level", "happened_on"
    )
    found = list(rows)
    gone = ledger.withdrawn(source for source, *_ in found)
    return {
        source: _Kept(entity_id, kind, level, day, withdrawn=source in gone)
        for source, entity_id, kind, level, day in found
    }


def _same(known: _Kept, said: Said, entity_id: int, into: Mapping[int, int]) -> bool:
    """The same fact of the same business, by whichever of its entries (`same_business`)."""
    there, here = into.get(known.entity_id, known.entity_id), into.get(entity_id, entity_id)
    return (there, known.kind, known.level, known.happened_on) == (
        here, said.sort.kind, said.level, said.happened_on,
    )  # fmt: skip


def _wrong(row: int, cells: list[str], refused: Wrong) -> RowError:
    column = COLUMNS[PLACE[refused.column]]
    return RowError(
        row, refused.code, column.head, refused.detail, column.shown(cells[PLACE[refused.column]])
    )


def errors_of(file: ImportFile) -> list[RowError]:
    return [RowError(**one) for one in file.errors]


def register() -> None:
    """Name the ledger as what files are read into (called once, at start-up)."""
    import_targets.register(
        Target(
            kind=ImportFile.Target.FACTS,
            slug="facts",
            title="导入信用事实",
            unit="条",
            effect="行政处罚、抽检、年报、名录、承诺等一行一条。同一编号只入账一次；编号相同而内容不同的，列为错误。",
            refusal=NOT_YOURS,
            columns=COLUMNS,
            most_bytes=MOST_BYTES,
            may_import=may_import,
            run=run,
        )
    )
