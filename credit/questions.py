"""What appeals and repairs have in common: who enters them for a shop, their files, and who decides.

The subject of the approval is the row of the appeal or repair itself (`credit_appeal:7`), so that two matters
of one shop never wait for each other; what becomes of it stands in the shop's journal (`entity:<id>`).

Locks: the approval's clock, the business (FOR NO KEY UPDATE), the row, the approval.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Q

from credit.models import Appeal, RedPartner, Repair
from credit.models.asking import Outcome
from grids.access import OFFICE_WIDE, Scope, Seat, scope_of
from grids.models import BusinessEntity, Posting
from grids.roles import Role, Section
from grids.staffing import BUREAU_BESIDE, bureau_ids
from kernel import approvals, clock, journal
from kernel.accounts.models import User
from kernel.approvals.deciding import judge, settle
from kernel.approvals.models import Approval
from kernel.deadlines import clocks
from kernel.errors import Conflict, NotAllowed, NotVisible, Refused
from kernel.evidence import access, arrivals, attach
from kernel.evidence.models import Evidence
from kernel.notices.policy import masked

Asked = Appeal | Repair
Row = TypeVar("Row", Appeal, Repair)
Expect = Callable[[int], None]

UNKNOWN_SHOP = "没有找到该经营主体，或者您无权查看。"
SAME_UID = "该编号已用于另一次登记，内容不同，请重新登记。"
OLDEST_CAPTURE = timedelta(days=5)
AT_THE_SHOP = frozenset({Role.GRID_WORKER.value, Role.COMMISSIONER.value})


@dataclass(frozen=True, slots=True)
class Entry:
    """What was entered for a shop. `evidence`: numbers of own files; `awaited`: SHA-256 of files to come.

    `captured_at`: when the phone took it down, where that was without a network.
    """

    client_uid: uuid.UUID
    reason: str
    evidence: tuple[int, ...] = ()
    awaited: tuple[str, ...] = ()
    captured_at: datetime | None = None

    def said_at(self, at: datetime) -> datetime:
        """When the shop said it: as captured, if within five days before receipt (as of leads), else then."""
        captured = self.captured_at
        return captured if captured is not None and at - OLDEST_CAPTURE <= captured <= at else at


# --- entering --------------------------------------------------------------------------------------


def shop_of(by: User, entity_id: int) -> tuple[BusinessEntity, Seat]:
    """The shop, locked until commit, and the seat from which `by` enters things for it.

    Raises:
        NotVisible: the shop is not there for him. NotAllowed: `may_not_enter`.
    """
    entity = BusinessEntity.objects.visible_to(by).select_related("grid").filter(pk=entity_id).first()
    if entity is None:
        raise NotVisible(UNKNOWN_SHOP)
    seat = entering_seat(scope_of(by), entity)
    if seat is None:
        raise NotAllowed("由该主体的网格员、市场监管专员、辖区所内勤或者所长代为登记。", code="may_not_enter")
    lock_shop(entity.pk)
    return entity, seat


def entering_seat(scope: Scope, entity: BusinessEntity) -> Seat | None:
    """Grid worker and commissioner of its grid; its office; of a shop without a grid any office."""
    if scope.is_auditor:
        return None
    for seat in scope.seats:
        if seat.role in AT_THE_SHOP and seat.grid_id is not None and seat.grid_id == entity.grid_id:
            return seat
        if seat.role in OFFICE_WIDE and (entity.grid is None or seat.office_id == entity.grid.office_id):
            return seat
    return None


def lock_shop(entity_id: int) -> BusinessEntity:
    """Lock the business until commit, in the order of grading; the wait is capped."""
    clocks.cap_waits()
    approvals.lock_hanging_on("entity", [entity_id])
    return BusinessEntity.objects.select_for_update(of=("self",), no_key=True).get(pk=entity_id)


def earlier_of(model: type[Row], by: User, entry: Entry, **content: Any) -> Row | None:
    """What this person has entered under this `client_uid`. Raises Conflict `client_uid_conflict`."""
    row = model._default_manager.filter(asked_by=by, client_uid=entry.client_uid).first()
    if row is None:
        return None
    told = {"reason": row.reason, **{name: getattr(row, name) for name in content}}
    if told != {"reason": entry.reason.strip(), **content} or set(row.evidence) != set(hashes_of(by, entry)):
        raise Conflict(SAME_UID, code="client_uid_conflict", attr="client_uid")
    return row


def hashes_of(by: User, entry: Entry) -> list[str]:
    """The SHA-256 of every file named, each once."""
    found = Evidence.objects.filter(pk__in=entry.evidence, uploaded_by=by)
    by_id = dict(found.values_list("pk", "sha256"))
    return list(dict.fromkeys([*(by_id[one] for one in entry.evidence if one in by_id), *entry.awaited]))


def attach_files(row: Asked, kind: str, by: User, entry: Entry) -> None:
    """Bind own files to the row; those still to come are bound on arrival (`arrived`).

    Raises: Conflict `evidence_unavailable`.
    """
    ids = list(entry.evidence)
    if entry.awaited:
        there = Evidence.objects.filter(
            uploaded_by=by, sha256__in=entry.awaited, subject_kind__isnull=True
        ).exclude(pk__in=ids)
        ids += list(there.order_by("id").values_list("pk", flat=True))
    attach.attach(ids=ids, subject_kind=kind, subject_id=row.pk, by=by)


def arrived(evidence: Evidence) -> None:
    """A file came: bind it to the waiting appeal or repair for which its uploader had named it."""
    for model, kind in ((Appeal, "credit_appeal"), (Repair, "credit_repair")):
        named = model._default_manager.filter(
            asked_by_id=evidence.uploaded_by_id,
            state=Outcome.WAITING,
            evidence__contains=[evidence.sha256],
        )
        number = named.order_by("id").values_list("pk", flat=True).first()
        if number is not None and evidence.subject_kind is None:
            by = evidence.uploaded_by
            attach.attach(ids=[evidence.pk], subject_kind=kind, subject_id=number, by=by)
            evidence.subject_kind, evidence.subject_id = kind, number
            return


def register_files() -> None:
    """Have files of appeals and repairs seen by whoever sees those, and bound on arrival (at start-up)."""
    access.register("credit_appeal", _seen_of(Appeal))
    access.register("credit_repair", _seen_of(Repair))
    arrivals.register(arrived)


def _seen_of(model: type[Appeal] | type[Repair]) -> Callable[[User, set[int]], set[int]]:
    def seen(user: User, numbers: set[int]) -> set[int]:
        rows = model._default_manager.filter(pk__in=numbers)
        return set(rows.visible_to(user).values_list("pk", flat=True))

    return seen


def note(row: Asked | RedPartner, kind: str, by: User | None, at: datetime, **data: Any) -> None:
    """One entry in the shop's journal, masked. The shop is locked."""
    journal.append(
        stream=f"entity:{row.entity_id}", kind=kind, by=by, at=at, data=masked({"number": row.pk, **data})
    )


# --- deciding --------------------------------------------------------------------------------------


def decide(
    row: Row,
    kind: str,
    *,
    by: User,
    uphold: bool,
    expect: Expect,
    note: str,
    lock: Callable[[Approval], Row],
    **payload: Any,
) -> Row:
    """Decide what waits about this row, by its own version, in the caller's transaction.

    Saying the same again gives it back. `payload` goes to `Kind.decided` with the approval.

    Raises:
        NotAllowed: `own_request`, `not_decider`. Conflict: `already_decided`. What `expect` and the kind
            refuse.
    """
    live = approvals.lock_live(kind, row.pk)
    waiting = Approval.objects.of(kind, row.pk).waiting().order_by("id").first()
    if waiting is None:
        row.refresh_from_db()
        if row.decided_by_id == by.pk and row.state == (Outcome.UPHELD if uphold else Outcome.REFUSED):
            return row
        raise Conflict("这项申请已有结论。", code="already_decided")
    subject = lock(waiting)
    approvals.refuse_unseen(live, kind, [row.pk])
    approval = Approval.objects.select_for_update().get(pk=waiting.pk)
    at = clock.now()
    clocks.refuse_overdue(live, at)
    seat = judge(by, approval, subject)
    expect(subject.version)
    approval.payload = {**approval.payload, **payload}
    approval.save(update_fields=["payload"])
    settle(approval, subject, by=by, seat=seat, approve=uphold, note=note, at=at, live=live)
    return subject


def close(row: Asked, outcome: Outcome, *, by: User | None, at: datetime, note: str) -> None:
    """Write what became of it."""
    row.state, row.decided_by, row.decided_at, row.note = outcome, by, at, note
    row.version += 1
    row.save(update_fields=["state", "decided_by", "decided_at", "note", "version"])


def need_reason(approval: Approval, approved: bool) -> None:
    """A shop that is refused is told why. Raises Refused `reason_required`."""
    if not approved and not approval.note.strip():
        raise Refused("不成立的，请写明理由，以便答复经营主体。", code="reason_required", attr="note")


def section_ids(at: datetime) -> set[int]:
    """Who holds section CREDIT at a moment. One statement."""
    held = Posting.objects.active(at).filter(
        role=Role.BUREAU_SECTION, section=Section.CREDIT, user__is_active=True
    )
    return set(held.values_list("user_id", flat=True))


def barred_of(approval: Approval) -> set[int | None]:
    """Who decides none of it: who asked, and who recorded a fact that it is about."""
    recorders = approval.payload.get("barred", [])
    return {approval.asked_by_id, approval.asked_on_behalf_of_id, *recorders} - {None}


def may_decide(user: User, approval: Approval, subject: Any) -> Seat | None:
    """`Kind.may_decide`: section CREDIT; the bureau where it has nobody left, or was silent."""
    barred, scope = barred_of(approval), scope_of(user)
    if user.pk in barred or scope.is_auditor:
        return None
    seat = scope.seat(Role.BUREAU_SECTION, section=Section.CREDIT)
    if seat is not None and seat.holder_id not in barred:
        return seat
    bureau = scope.seat(Role.BUREAU)
    if bureau is not None and (
        approval.payload.get("level") == BUREAU_BESIDE or not section_ids(scope.at) - barred
    ):
        return bureau
    return None


def decidable(user: User) -> Q:
    """`Kind.decidable`: the same as a filter, for lists."""
    scope = scope_of(user)
    if scope.is_auditor:
        return Q(pk__in=[])
    own = Q(payload__barred__contains=[user.pk])
    if scope.seat(Role.BUREAU_SECTION, section=Section.CREDIT) is not None:
        return ~own
    if not scope.has(Role.BUREAU):
        return Q(pk__in=[])
    nobody_left = Q(pk__isnull=False)
    for person in sorted(_section_of(scope)):
        nobody_left &= Q(payload__barred__contains=[person]) | Q(asked_by_id=person)
    return ~own & (Q(payload__level=BUREAU_BESIDE) | nobody_left)


def _section_of(scope: Scope) -> set[int]:
    """Section CREDIT's people, read once a scope: several kinds ask."""
    kept: set[int] | None = scope.__dict__.get("_credit_section")
    if kept is None:
        kept = scope.__dict__["_credit_section"] = section_ids(scope.at)
    return kept


def deciders(rows: Sequence[Approval], at: datetime) -> Mapping[int, Collection[int]]:
    """`Kind.deciders`: section CREDIT; with the bureau where it was silent or has nobody left."""
    section, bureau = section_ids(at), bureau_ids(at)
    found: dict[int, Collection[int]] = {}
    for row in rows:
        fit = section - barred_of(row)
        beside = not fit or row.payload.get("level") == BUREAU_BESIDE
        found[row.pk] = [*sorted(fit), *(bureau if beside else [])]
    return found


def ask_with_bureau(rows: Sequence[Approval], at: datetime) -> None:
    """`Kind.lapsed`: nobody loses an appeal by our silence. Asked again, with the bureau beside."""
    approvals.ask_again(rows, at=at, level=BUREAU_BESIDE)
