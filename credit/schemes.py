"""The scheme's life: drafted from the one in force, edited, tried, put in force by somebody else, or dropped.

One draft at a time. What is in force never changes; a new version takes its place, and every business is
marked in the same transaction to be graded by it (`credit.regrade_dirty` does that within seconds, any number
of times, whatever dies meanwhile). Movement holds: down at once, up by reviews. Its journal:
`credit_scheme:<id>`.

Locks: scheme rows, by number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from credit import scheme as rule_sets
from credit.models import CreditScheme
from credit.questions import Expect
from credit.scheme_values import SECTIONS, VALUES
from credit.schemes_in_force import NoSchemeInForce
from grids.access import scope_of
from grids.models.register import GONE
from grids.roles import Role
from kernel import clock, journal
from kernel.accounts.models import User
from kernel.deadlines.contention import retried
from kernel.errors import Conflict, NotAllowed, NotVisible, Refused

State = CreditScheme.State
DRAFTS = frozenset({Role.BUREAU})
DECIDES = frozenset({Role.BUREAU, Role.BUREAU_LEADER})
UNKNOWN = "没有找到这份方案，或者您无权查看。"

_MARK_ALL = """
INSERT INTO credit_dirtyentity (entity_id, at)
SELECT id, %(at)s FROM grids_businessentity WHERE status <> ALL(%(gone)s::text[]) ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Changes:
    """What an edit changes; None leaves it. `rules`: whole sections or single values, by section."""

    title: str | None = None
    basis: str | None = None
    rules: Mapping[str, Any] | None = None


def draft(*, by: User, title: str, basis: str = "") -> CreditScheme:
    """Begin a draft with the rules in force. The same person asking again gets his draft back.

    Raises: NotAllowed `may_not_draft`; Conflict `draft_exists`, `no_scheme_in_force`.
    """
    _refuse_unless(by, DRAFTS, "由市场监管局起草信用评分方案。", "may_not_draft")
    with transaction.atomic():
        now = CreditScheme.objects.select_for_update().filter(state=State.IN_FORCE).first()
        if now is None:
            raise NoSchemeInForce("没有施行中的信用评分方案。")
        there = CreditScheme.objects.filter(state=State.DRAFT).first()
        if there is not None:
            if there.drafted_by_id == by.pk and (there.title, there.basis) == (title, basis):
                return there
            raise Conflict("已有一份草案，请先施行或放弃。", code="draft_exists")
        at = clock.now()
        newest = CreditScheme.objects.order_by("-version").values_list("version", flat=True)[0]
        row = CreditScheme.objects.create(
            version=newest + 1,
            title=title,
            basis=basis,
            rules=now.rules,
            drafted_by=by,
            drafted_at=at,
            authors=[by.pk],
        )
        _note(row, "credit_scheme.drafted", by, at, number=row.version, from_number=now.version)
        return row


def edit(*, scheme_id: int, by: User, expect: Expect, changes: Changes) -> CreditScheme:
    """Change a draft. An earlier trial stays to be read, and no longer lets it take effect.

    Raises:
        NotVisible; NotAllowed `may_not_draft`; Conflict `not_draft`, `trial_running`; SchemeError
        `bad_scheme` with every fault; StaleVersion / VersionRequired.
    """
    with transaction.atomic():
        row = _draft_for(scheme_id, by, DRAFTS, "由市场监管局起草信用评分方案。", "may_not_draft")
        expect(row.revision)
        if row.trial_asked_at is not None:
            raise Conflict("正在试算，请等试算完成后再修改。", code="trial_running")
        before = {"title": row.title, "basis": row.basis, "rules": row.rules}
        row.title = row.title if changes.title is None else changes.title
        row.basis = row.basis if changes.basis is None else changes.basis
        if changes.rules is not None:
            row.rules = rule_sets.dump(rule_sets.parse(merged(row.rules, changes.rules)))
        if before == {"title": row.title, "basis": row.basis, "rules": row.rules}:
            return row
        row.revision += 1
        row.authors = sorted({*row.authors, by.pk})
        row.save(update_fields=["title", "basis", "rules", "revision", "authors"])
        moved = {one.path: [one.before, one.after] for one in differences(before["rules"], row.rules)}
        _note(row, "credit_scheme.edited", by, clock.now(), title=row.title, changed=moved)
        return row


def merged(rules: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The rules with these values in place of theirs; what is no section or value is left for `parse`."""
    found: dict[str, Any] = {section: dict(part) for section, part in rules.items()}
    for section, part in changes.items():
        known = found.get(section)
        if isinstance(known, dict) and isinstance(part, Mapping):
            found[section] = {**known, **part}
        else:
            found[section] = part
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs between two rule sets, with its name for people."""

    path: str
    label: str
    before: Any
    after: Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What differs between two rule sets that hold every value, in the scheme's order. Pure."""
    return [
        Difference(
            f"{section}.{name}",
            f"{SECTIONS[section]}：{value.label}",
            before[section][name],
            after[section][name],
        )
        for (section, name), value in VALUES.items()
        if before[section][name] != after[section][name]
    ]


def ask_trial(*, scheme_id: int, by: User, expect: Expect) -> CreditScheme:
    """Have a draft tried; `credit.trial` takes it up within seconds and tells how far it is (`trial_done`).

    Asking again while it runs gives it back. Raises: NotVisible; NotAllowed `may_not_draft`; Conflict
    `not_draft`; StaleVersion / VersionRequired.
    """
    with transaction.atomic():
        row = _draft_for(scheme_id, by, DECIDES, "由市场监管局试算。", "may_not_draft")
        if row.trial_asked_at is not None:
            return row
        expect(row.revision)
        row.trial_asked_at, row.trial_done, row.trial_error = clock.now(), 0, ""
        row.save(update_fields=["trial_asked_at", "trial_done", "trial_error"])
        _note(row, "credit_scheme.trial_asked", by, row.trial_asked_at)
        return row


def is_tried(row: CreditScheme) -> bool:
    """Was the last trial one of these very rules, and is none running?"""
    return (
        row.trial_asked_at is None
        and row.trial_digest != ""
        and row.trial_digest == rule_sets.digest(rule_sets.parse(row.rules))
    )


def put_in_force(*, scheme_id: int, by: User, expect: Expect) -> CreditScheme:
    """Have a draft take effect: the old one retires, every business is marked to be graded by the new one.

    By a leader of the bureau, or another person of the bureau than any who wrote at it. Again by the same
    person, it gives it back.

    Raises:
        NotVisible; NotAllowed `may_not_decide`, `own_scheme`; Conflict `not_draft`, `not_tried`;
        StaleVersion / VersionRequired; Busy.
    """
    return retried(lambda: _put_in_force(scheme_id, by, expect))


def _put_in_force(scheme_id: int, by: User, expect: Expect) -> CreditScheme:
    with transaction.atomic():
        row = _visible(scheme_id, by)
        _refuse_unless(by, DECIDES, "由局领导或者市场监管局批准施行。", "may_not_decide")
        locked = CreditScheme.objects.select_for_update().filter(state__in=[State.DRAFT, State.IN_FORCE])
        rows = {one.pk: one for one in locked.order_by("pk")}
        row = rows.get(row.pk, row)
        if row.state == State.IN_FORCE and row.decided_by_id == by.pk:
            return row
        if row.state != State.DRAFT:
            raise Conflict("这份方案已不是草案。", code="not_draft")
        if by.pk in {*row.authors, row.drafted_by_id}:
            raise NotAllowed("不能批准施行自己起草或者修改过的方案。", code="own_scheme")
        expect(row.revision)
        if not is_tried(row):
            raise Conflict("这份草案在最后一次修改后还没有试算，请先试算。", code="not_tried")
        at = clock.now()
        for old in rows.values():
            if old.state == State.IN_FORCE:
                old.state, old.retired_at = State.RETIRED, at
                old.save(update_fields=["state", "retired_at"])
                _note(old, "credit_scheme.retired", by, at)
        row.state, row.in_force_at, row.decided_by = State.IN_FORCE, at, by
        row.revision += 1
        row.save(update_fields=["state", "in_force_at", "decided_by", "revision"])
        _note(row, "credit_scheme.in_force", by, at, number=row.version, trial=row.trial_digest)
        mark_all(at)
        return row


def mark_all(at: datetime) -> int:
    """Have every business that still trades graded anew; how many. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK_ALL, {"at": at, "gone": sorted(GONE)})
        return int(cursor.rowcount)


def drop(*, scheme_id: int, by: User, expect: Expect, reason: str) -> CreditScheme:
    """Give a draft up. Again, it gives it back.

    Raises: NotVisible; NotAllowed `may_not_draft`; Conflict `not_draft`; Refused `reason_required`;
    StaleVersion / VersionRequired.
    """
    if not reason.strip():
        raise Refused("请填写放弃理由。", code="reason_required", attr="reason")
    with transaction.atomic():
        seen = _visible(scheme_id, by)
        if seen.state == State.DROPPED:
            return seen
        row = _draft_for(scheme_id, by, DECIDES, "由市场监管局放弃草案。", "may_not_draft")
        expect(row.revision)
        row.state, row.trial_asked_at = State.DROPPED, None
        row.revision += 1
        row.save(update_fields=["state", "trial_asked_at", "revision"])
        _note(row, "credit_scheme.dropped", by, clock.now(), reason=reason.strip())
        return row


def regraded(row: CreditScheme) -> tuple[int, int]:
    """How many of how many businesses are graded by this scheme: the progress of its taking effect."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FILTER (WHERE s.scheme_id = %(scheme)s), count(*)
                 FROM grids_businessentity e LEFT JOIN credit_creditstanding s ON s.entity_id = e.id
                WHERE e.status <> ALL(%(gone)s::text[])""",
            {"scheme": row.pk, "gone": sorted(GONE)},
        )
        done, of = cursor.fetchone()
        return int(done), int(of)


def _visible(scheme_id: int, by: User) -> CreditScheme:
    row = CreditScheme.objects.visible_to(by).filter(pk=scheme_id).first()
    if row is None:
        raise NotVisible(UNKNOWN)
    return row


def _draft_for(scheme_id: int, by: User, roles: frozenset[Role], detail: str, code: str) -> CreditScheme:
    """The draft, locked. Raises NotVisible, NotAllowed `code`, Conflict `not_draft`."""
    seen = _visible(scheme_id, by)
    _refuse_unless(by, roles, detail, code)
    row = CreditScheme.objects.select_for_update(of=("self",)).get(pk=seen.pk)
    if row.state != State.DRAFT:
        raise Conflict("这份方案已不是草案。", code="not_draft")
    return row


def _refuse_unless(by: User, roles: frozenset[Role], detail: str, code: str) -> None:
    scope = scope_of(by)
    if scope.is_auditor or not scope.has(*roles):
        raise NotAllowed(detail, code=code)


def _note(row: CreditScheme, kind: str, by: User | None, at: datetime, **data: Any) -> None:
    journal.append(stream=f"credit_scheme:{row.pk}", kind=kind, by=by, at=at, data=data)
