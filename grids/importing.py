"""Bringing a file of businesses into the register: tried first, then whole or not at all (API.md).

A file is tried (`dry_run`) and then carried out; both read it anew against the register of that moment.
Carrying out the same file twice changes nothing the second time. Every attempt is an `ImportFile` row with
its progress and all its errors. One import writes at a time; who reads the register waits for nobody.

An upload that takes long waits as a row of state WAITING whose bytes rest in Django's storage, and a
worker takes it up (`carry_on`, every two seconds). The row is the queue: a worker that dies leaves a
RUNNING row that nobody holds, and the next look takes it up again. Files for other tables than the
register (`grids.import_targets`) wait and are confirmed in the same way.
"""

from __future__ import annotations

import gc
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime, timedelta

import structlog
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction

from grids import import_targets, sheets
from grids.access import Scope, scope_of
from grids.import_targets import Target
from grids.importing_columns import COLUMNS
from grids.importing_plan import Reading, plan
from grids.importing_rows import Plan, importing_offices, imports_everywhere
from grids.importing_writes import RowsWrong, write
from grids.models import ImportFile
from grids.refusals import patiently
from kernel import clock
from kernel.accounts.models import User
from kernel.alone import alone
from kernel.errors import Conflict, DomainError, NotAllowed, TooLarge

log = structlog.get_logger(__name__)
SOON_BYTES, SOON_ROWS = 6_000_000, 50_000
"""What is not larger is read while the sender waits. A workbook packs many rows into few bytes."""
MOST_ERRORS = 20_000
KEPT = timedelta(days=7)
BROKEN_OFF = timedelta(minutes=10)
NOT_YOURS = "只有所内勤、所长、市场监管局及其登记、信用科室可以导入。"
TRY_FIRST = "请先用同一文件试导，核对结果后再正式导入。"
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('grids.import'))"


def may_import(scope: Scope) -> bool:
    """Clerk and head of an office for its grids; the bureau, its sections for registration and credit."""
    return not scope.is_auditor and (imports_everywhere(scope) or bool(importing_offices(scope)))


def hand_in(*, content: bytes, name: str, dry_run: bool, by: User, at: datetime) -> ImportFile:
    """Take a file: read it now where it is small, else let it wait for a worker. Answers its row.

    Raises:
        NotAllowed: `by` may not import.
        Conflict: `dry_run_first`, he has not tried this very file before.
        TooLarge, UnsupportedType, Refused: no table that can be read (413, 415, 422).
    """
    file = _entered(content, name, dry_run, by, at, import_targets.of(ImportFile.Target.REGISTER))
    with _without_collector():
        sheet = sheets.read(content, COLUMNS)
        if len(content) > SOON_BYTES or len(sheet.rows) > SOON_ROWS:
            return keep_waiting(file, content)
        run(file, sheet)
        del sheet
    return file


def hand_in_later(
    *, content: bytes, name: str, by: User, at: datetime, kind: str = ImportFile.Target.REGISTER
) -> ImportFile:
    """Take a file for a dry run by a worker, its bytes kept for the real one. Raises as `hand_in`."""
    target = import_targets.of(kind)
    file = _entered(content, name, True, by, at, target)
    if len(content) > target.most_bytes:
        raise TooLarge("文件过大，请分成几个文件导入。", code="too_large", attr="file")
    file.rows = len(sheets.read(content, target.columns).rows)
    return keep_waiting(file, content)


def confirm(*, tried: ImportFile, by: User, at: datetime) -> ImportFile:
    """Carry out, by a worker, a file that was tried without errors and whose bytes are still kept.

    Raises:
        Conflict: it has errors, or its bytes are gone after a week.
    """
    if tried.state != ImportFile.State.TRIED or tried.errors or not tried.stored:
        raise Conflict("该文件没有通过试导，或原件已清理，请重新上传。", code="not_tried")
    content = _content(tried)
    target = import_targets.of(tried.target)
    return keep_waiting(_entered(content, tried.name, False, by, at, target), content)


def _entered(content: bytes, name: str, dry_run: bool, by: User, at: datetime, target: Target) -> ImportFile:
    if not target.may_import(scope_of(by)):
        raise NotAllowed(target.refusal, code="not_your_import")
    digest = hashlib.sha256(content).hexdigest()
    tried = ImportFile.objects.filter(
        target=target.kind, sha256=digest, by=by, dry_run=True, state=ImportFile.State.TRIED
    )
    if not dry_run and not tried.exists():
        raise Conflict(TRY_FIRST, code="dry_run_first", attr="dry_run")
    return ImportFile(
        target=target.kind, name=name[:200] or "未命名", sha256=digest, dry_run=dry_run, by=by, at=at
    )


def keep_waiting(file: ImportFile, content: bytes) -> ImportFile:
    """Store the bytes and let the row wait for a worker."""
    path = f"imports/{file.sha256[:2]}/{file.sha256}-{secrets.token_hex(4)}"
    file.stored = default_storage.save(path, ContentFile(content))
    file.state = ImportFile.State.WAITING
    file.save()
    return file


def run(file: ImportFile, sheet: sheets.Sheet) -> None:
    """Try the rows, or carry them out where none is wrong; every refusal ends in the file's row.

    Of two that run the same kept file at once, the caller's lock lets one.
    """
    file.state, file.rows, file.done_rows = ImportFile.State.RUNNING, len(sheet.rows), 0
    file.save()

    def progress(done: int, rows: int) -> None:
        ImportFile.objects.filter(pk=file.pk).update(done_rows=done)

    by = User.objects.get(pk=file.by_id)
    try:
        with _without_collector():
            if file.dry_run:
                made = plan(sheet, scope_of(by), progress)
            else:
                made = patiently(lambda: _carry_out(sheet, file, by))
    except DomainError as refused:
        made = Plan(rows=len(sheet.rows))
        made.errors.append(sheets.RowError(0, refused.code, "", refused.detail))
    _finish(file, made)


@transaction.atomic
def _carry_out(sheet: sheets.Sheet, file: ImportFile, by: User) -> Plan:
    """Read and write in one transaction, one import after another."""
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)
    reading = Reading(sheet, scope_of(by))
    with suppress(RowsWrong):
        write(reading, import_id=file.pk, by=by, at=clock.now())
    return reading.plan()


@contextmanager
def _without_collector() -> Iterator[None]:
    """A million small objects that all live: the collector would go through them again and again."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _finish(file: ImportFile, made: Plan, state: str = "") -> None:
    errors = sheets.at_most(made.errors, MOST_ERRORS)
    file.errors = [asdict(one) for one in errors]
    file.done_rows = file.rows
    good = file.dry_run or not errors
    if good:
        file.created, file.updated, file.unchanged = len(made.created), len(made.updated), made.unchanged
    read = ImportFile.State.TRIED if file.dry_run else ImportFile.State.DONE
    file.state = state or (read if good else ImportFile.State.REFUSED)
    file.finished_at = clock.now()
    file.save()


# --- by a worker -----------------------------------------------------------------------------------


def carry_on() -> int:
    """Take up what waits, and what a dead worker left; answers how many files were read.

    A small file whose reading broke off with its request is marked so: the sender sends it again. A file on
    which reading fails is refused, so that it stops none behind it.
    """
    state, done = ImportFile.State, 0
    now = clock.now()
    ImportFile.objects.filter(state=state.RUNNING, stored="", at__lt=now - BROKEN_OFF).update(
        state=state.REFUSED, finished_at=now
    )
    waiting = ImportFile.objects.exclude(stored="")
    for file in waiting.filter(state__in=(state.WAITING, state.RUNNING)).order_by("id"):
        with alone("grids.import_file", file.pk) as held:
            if not held:
                continue
            file.refresh_from_db()
            if file.state in (state.WAITING, state.RUNNING):
                try:
                    _read_kept(file)
                except Exception:
                    log.exception("import_failed", id=file.pk)
                    _refuse_unreadable(file)
                done += 1
    return done


def _refuse_unreadable(file: ImportFile) -> None:
    error = sheets.RowError(0, "unreadable", "", "原件无法读取，请重新上传。")
    _finish(file, Plan(errors=[error]), ImportFile.State.REFUSED)


def _read_kept(file: ImportFile) -> None:
    target = import_targets.of(file.target)
    try:
        sheet = sheets.read(_content(file), target.columns)
    except OSError:
        log.exception("import_bytes_gone", id=file.pk)
        _refuse_unreadable(file)
    else:
        target.run(file, sheet)
    if not file.dry_run:
        _let_go(file)


def forget(at: datetime) -> int:
    """Delete the kept bytes of files that were tried a week ago and never carried out: personal data."""
    old = ImportFile.objects.exclude(stored="").filter(finished_at__lt=at - KEPT)
    gone = 0
    for file in old:
        _let_go(file)
        gone += 1
    return gone


def _let_go(file: ImportFile) -> None:
    default_storage.delete(file.stored)
    ImportFile.objects.filter(pk=file.pk).update(stored="")


def _content(file: ImportFile) -> bytes:
    with default_storage.open(file.stored) as kept:
        content: bytes = kept.read()
    return content


def settle_search() -> None:
    """Move what was written lately into the search index proper: until then it is read in one piece."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gin_clean_pending_list('grids_entity_by_grams'::regclass)")


def errors_of(file: ImportFile) -> list[sheets.RowError]:
    """The errors of a file, as they were kept."""
    return [sheets.RowError(**one) for one in file.errors]


def register() -> None:
    """Name the register as what files are read into (called once, at start-up)."""
    import_targets.register(
        Target(
            kind=ImportFile.Target.REGISTER,
            slug="register",
            title="导入经营主体",
            unit="家",
            effect="空白单元格不改动登记册中已有的内容。",
            refusal=NOT_YOURS,
            columns=COLUMNS,
            most_bytes=sheets.MOST_BYTES,
            may_import=may_import,
            run=lambda file, sheet: run(file, sheet),
            updates=True,
        )
    )
