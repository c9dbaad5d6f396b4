"""关键信息变更: name, code and status changed by a grid worker wait for the commissioner (DOMAIN.md §2).

The question is an approval `entity_key_change` about the subject `entity`, 24 hours long (`LimitPolicy`). The
grid's commissioner decides, or who stands in for him; the office's head where there is none, and after 24
hours of silence; the bureau where there is no head either. Silence of the head ends it unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from grids import same_business
from grids.access import Seat, scope_of
from grids.models import BusinessEntity, Grid, KeyChange
from grids.register_words import moved, told
from grids.roles import Role
from grids.staffing import (
    RoutingFacts,
    bureau_ids,
    headless_offices,
    office_people,
    routing_facts,
    routing_facts_of,
)
from kernel import approvals
from kernel.accounts.models import User
from kernel.approvals.asking import WAITS_ALREADY, Question
from kernel.approvals.deciding import Decision
from kernel.approvals.kinds import Kind
from kernel.approvals.models import CLOCK, Approval
from kernel.deadlines import handlers
from kernel.deadlines.arrays import literal
from kernel.deadlines.handlers import Fired
from kernel.errors import Conflict, NotAllowed, NotVisible

KIND = "entity_key_change"
LIMIT = "entity_key_change"
State = KeyChange.State
LOCK = """
SELECT 1 FROM grids_businessentity WHERE id IN (
       SELECT a.subject_id FROM approvals_approval a
        WHERE a.id = ANY(%(approvals)s::bigint[]) AND a.subject_kind = 'entity')
 ORDER BY id FOR NO KEY UPDATE
"""

# --- asking ----------------------------------------------------------------------------------------


def waiting_of(entity: BusinessEntity, by: User, asked: Mapping[str, Any]) -> KeyChange | None:
    """What waits, where it is the very same that this person asks again.

    Raises: Conflict `already_waiting` – something else waits.
    """
    row = KeyChange.objects.filter(entity=entity, state=State.WAITING).first()
    if row is None or not asked:
        return row
    same = {name: one["to"] for name, one in row.changes.items()} == dict(asked)
    if row.asked_by_id != by.pk or not same:
        raise Conflict(WAITS_ALREADY, code="already_waiting")
    return row


def ask(
    entity: BusinessEntity,
    asked: Mapping[str, Any],
    *,
    by: User,
    on_behalf_of_id: int | None,
    at: datetime,
    reason: str,
) -> KeyChange:
    """Ask the commissioner, in the transaction that holds the business locked."""
    changes = moved({name: getattr(entity, name) for name in asked}, asked)
    row = KeyChange.objects.create(
        entity=entity, changes=changes, reason=reason[:200], asked_by=by, asked_at=at
    )
    approvals.ask(
        kind=KIND,
        subject_kind="entity",
        subject_id=entity.pk,
        by=by,
        reason=f"{told(changes)}。{reason}"[:500],
        at=at,
        payload={"key_change": row.pk},
        about=entity.name,
        on_behalf_of_id=on_behalf_of_id,
    )
    return row


def settled_otherwise(
    entity: BusinessEntity, changed: Mapping[str, Any], *, by: User | None, at: datetime
) -> None:
    """Somebody whose word counts at once has changed one of the fields that a question is about."""
    row = KeyChange.objects.filter(entity=entity, state=State.WAITING).first()
    if row is not None and set(row.changes) & set(changed):
        _withdraw(row, by=by, at=at, why="该信息已由有权人员直接更改")


def withdraw(*, key_change_id: int, by: User) -> KeyChange:
    """Who asked takes it back. Taken back already: as it is.

    Raises: NotVisible; NotAllowed `not_asker`; Conflict `already_decided`; Busy.
    """
    from grids.register import on_entity

    seen = KeyChange.objects.visible_to(by).filter(pk=key_change_id).first()
    if seen is None:
        raise NotVisible("没有找到这项变更，或者您无权查看。")

    def work(entity: BusinessEntity, at: datetime) -> KeyChange:
        row = KeyChange.objects.select_for_update().get(pk=key_change_id)
        if row.asked_by_id != by.pk:
            raise NotAllowed("只有提出人可以撤回。", code="not_asker")
        if row.state == State.WAITING:
            _withdraw(row, by=by, at=at, why="提出人撤回")
            row.refresh_from_db()
        elif row.state != State.WITHDRAWN:
            raise Conflict("这项变更已有结果，不能撤回。", code="already_decided")
        return row

    found: KeyChange = on_entity(seen.entity_id, by, work)
    return found


def _withdraw(row: KeyChange, *, by: User | None, at: datetime, why: str) -> None:
    waiting = Approval.objects.of("entity", row.entity_id).waiting().filter(kind=KIND)
    approvals.withdraw(list(waiting), by=by, at=at, why=why)


# --- deciding --------------------------------------------------------------------------------------


def _decided(decision: Decision) -> None:
    from grids import register

    row = _row(decision.approval)
    row.decided_by, row.decided_at = decision.by, decision.at
    row.note = decision.approval.note[:200]
    row.state = State.CONFIRMED if decision.approved else State.REFUSED
    if decision.approved:
        entity: BusinessEntity = decision.subject
        if any(getattr(entity, name) != one["from"] for name, one in row.changes.items()):
            raise Conflict("该信息已被他人更改，请不予通过，由提出人重新填写。", code="changed_meanwhile")
        after = {name: one["to"] for name, one in row.changes.items()}
        same_business.refuse_reopening(entity, after)
        more = {"key_change": row.pk, "asked_by": row.asked_by.name}
        register.apply(entity, after, by=decision.by, at=decision.at, reason=row.reason, more=more)
    row.save(update_fields=["state", "decided_by", "decided_at", "note"])


def _row(approval: Approval) -> KeyChange:
    rows = KeyChange.objects.select_related("asked_by").select_for_update(of=("self",))
    return rows.get(pk=approval.payload["key_change"])


def _withdrawn(approval: Approval, at: datetime) -> None:
    row = _row(approval)
    row.state, row.decided_at = State.WITHDRAWN, at
    row.save(update_fields=["state", "decided_at"])


def _lapsed(rows: Sequence[Approval], at: datetime) -> None:
    """The commissioner's silence brings it to the head; the head's ends it."""
    ended = [row.payload["key_change"] for row in rows if row.payload.get("escalated")]
    KeyChange.objects.filter(pk__in=ended, state=State.WAITING).update(
        state=State.WITHDRAWN, decided_at=at, note="逾期未确认，信息未变更"
    )
    anew = [row for row in rows if not row.payload.get("escalated")]
    approvals.ask_many([_to_head(row) for row in anew], at=at)


def _to_head(row: Approval) -> Question:
    return Question(
        KIND,
        row.subject_kind,
        row.subject_id,
        row.asked_by_id,
        f"{row.reason[:480]}（专员逾期未确认）",
        {**row.payload, "escalated": True},
        row.about,
        row.asked_on_behalf_of_id,
    )


def _may_decide(user: User, approval: Approval, entity: BusinessEntity) -> Seat | None:
    scope = scope_of(user)
    asked = {approval.asked_by_id, approval.asked_on_behalf_of_id}
    bureau = scope.seat(Role.BUREAU)
    if entity.grid is None:
        return bureau
    seat = scope.seat(Role.COMMISSIONER, grid_id=entity.grid_id)
    if seat is not None and seat.holder_id not in asked:
        return seat
    if not approval.payload.get("escalated") and not _headless(
        routing_facts(entity.grid.pk, scope.at), asked
    ):
        return seat
    head = scope.seat(Role.OFFICE_HEAD, office_id=entity.grid.office_id)
    if head is not None or bureau is None:
        return head
    heads = office_people([entity.grid.office_id], scope.at)[entity.grid.office_id].head_ids
    return None if set(heads) - asked else bureau


def _headless(people: RoutingFacts | None, asked: set[int | None]) -> bool:
    """Is there no commissioner who could decide, and nobody who stands in for him?"""
    return people is None or not _commissioners(people) - asked


def _commissioners(people: RoutingFacts) -> set[int | None]:
    """The commissioner, or while he is away who stands in for him."""
    acting = people.stand_in_id if people.commissioner_absent else people.commissioner_id
    return set() if acting is None else {acting}


def _decidable(user: User) -> Q:
    """For lists; `_may_decide` stays the judge."""
    scope = scope_of(user)
    mine = {seat.grid_id for seat in scope.seats if seat.role == Role.COMMISSIONER}
    led = {seat.office_id for seat in scope.seats if seat.role == Role.OFFICE_HEAD}
    bureau = scope.has(Role.BUREAU)
    found = _about(BusinessEntity.objects.filter(grid_id__in=mine)) if mine else Q(pk__in=[])
    if bureau:
        led |= set(headless_offices(scope.at))
        found |= _about(BusinessEntity.objects.filter(grid__isnull=True))
    if led:
        grids = list(Grid.objects.filter(office_id__in=led).values_list("id", flat=True))
        empty = [n for n, one in routing_facts_of(grids, scope.at).items() if _headless(one, set())]
        found |= _about(BusinessEntity.objects.filter(grid_id__in=empty))
        found |= _about(BusinessEntity.objects.filter(grid_id__in=grids)) & Q(payload__escalated=True)
    return found


def _about(entities: QuerySet[BusinessEntity]) -> Q:
    return Q(Exists(entities.filter(pk=OuterRef("subject_id"))))


def _deciders(rows: Sequence[Approval], at: datetime) -> dict[int, set[int]]:
    """Whom to tell. At most four statements."""
    subjects = {row.subject_id for row in rows}
    grids = dict(BusinessEntity.objects.filter(pk__in=subjects).values_list("id", "grid_id"))
    people = routing_facts_of([one for one in set(grids.values()) if one is not None], at)
    found: dict[int, set[int]] = {}
    for row in rows:
        facts = people.get(grids.get(row.subject_id) or 0)
        asked = {row.asked_by_id, row.asked_on_behalf_of_id}
        deciding: list[int] = []
        if facts is not None:
            deciding = [one for one in _commissioners(facts) if one is not None and one not in asked]
            if not deciding or row.payload.get("escalated"):
                deciding = [one for one in facts.office_head_ids if one not in asked]
        found[row.pk] = set(deciding)
    if not all(found.values()):
        bureau = set(bureau_ids(at))
        found = {number: some or bureau for number, some in found.items()}
    return found


def _lock(approval: Approval) -> BusinessEntity:
    from grids.register import locked

    return locked(approval.subject_id)


def _lock_first(batch: Sequence[Fired]) -> None:
    ids = [one.subject_id for one in batch if one.subject_kind == CLOCK]
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(LOCK, {"approvals": literal(ids)})


def _seen(user: User) -> Any:
    """Who sees a business sees what is asked about it."""
    return BusinessEntity.objects.visible_to(user).values("id")


def register() -> None:
    """Register the kind, who sees what is asked about businesses, and their locks (once, at start-up)."""
    handlers.lock_first(_lock_first)
    approvals.register_subject("entity", _seen)
    approvals.register(
        KIND,
        Kind(
            "关键信息变更确认",
            LIMIT,
            lock=_lock,
            may_decide=_may_decide,
            decidable=_decidable,
            deciders=_deciders,
            decided=_decided,
            lapsed=_lapsed,
            withdrawn=_withdrawn,
        ),
    )
