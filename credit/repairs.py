"""信用修复 of one penalty (行政处罚): met, and repaired, it costs nothing any more (DOMAIN.md §4, I6).

Entered by grid worker, commissioner or office, with proof that the penalty was paid or corrected; decided by
section CREDIT, never by who asked nor by who recorded the penalty. How long a penalty must have stood before
it may be repaired: docs/adr on appeals and repair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from django.db import transaction

from credit import appeals, grading, ledger, questions
from credit.facts import LEVEL_LABELS, FactKind
from credit.ledger import NewFact
from credit.models import CreditAssessment, CreditFact, Repair
from credit.models.asking import Outcome
from credit.questions import Entry, Expect
from credit.windows import ONE_DAY, last_day
from credit.wording import day
from kernel import approvals, clock
from kernel.accounts.models import User
from kernel.approvals.deciding import Decision
from kernel.approvals.kinds import Kind
from kernel.approvals.models import Approval
from kernel.clock import local_date
from kernel.deadlines.contention import retried
from kernel.errors import Conflict, NotVisible, Refused

KIND = "credit_repair"
WAITS_MONTHS: Mapping[str, int] = MappingProxyType({"LIGHT": 0, "ORDINARY": 3, "GRAVE": 12})
"""Months that a penalty of each class must have stood before it may be repaired [R]."""
UNKNOWN = "没有找到这项修复申请，或者您无权查看。"


@dataclass(frozen=True, slots=True)
class Given:
    """One application: the fact of the penalty, and proof that it was met."""

    fact_id: int
    entry: Entry


def ask(*, given: Given, by: User) -> tuple[Repair, bool]:
    """Apply for the repair of one penalty; the row, and whether it is new. Same `client_uid`, same row.

    Raises:
        NotVisible: no such fact for him. NotAllowed: `may_not_enter`.
        Refused: `no_penalty`, `evidence_required`, `reason_required`.
        Conflict: `too_early`, `already_repaired`, `already_waiting`, `fact_withdrawn`,
            `client_uid_conflict`, `evidence_unavailable`.
    """
    entry = given.entry
    if not entry.reason.strip():
        raise Refused("请填写申请理由。", code="reason_required", attr="reason")
    if not entry.evidence and not entry.awaited:
        raise Refused("请附上已缴纳罚款或者已改正的证明材料。", code="evidence_required", attr="evidence")
    return retried(lambda: _ask(given, by))


def _ask(given: Given, by: User) -> tuple[Repair, bool]:
    with transaction.atomic():
        seen = CreditFact.objects.visible_to(by).filter(pk=given.fact_id).first()
        if seen is None:
            raise NotVisible("没有这条信用事实，或者您无权查看。", code="no_such_fact")
        entity, seat = questions.shop_of(by, seen.entity_id)
        earlier = questions.earlier_of(Repair, by, given.entry, fact_id=given.fact_id)
        if earlier is not None:
            return earlier, False
        at = clock.now()
        _refuse_unfit(seen, local_date(at))
        row = Repair.objects.create(
            entity=entity,
            client_uid=given.entry.client_uid,
            reason=given.entry.reason.strip(),
            evidence=questions.hashes_of(by, given.entry),
            asked_by=by,
            asked_at=at,
            fact=seen,
        )
        questions.attach_files(row, KIND, by, given.entry)
        behalf = None if seat.holder_id == by.pk else seat.holder_id
        approvals.ask(
            kind=KIND,
            subject_kind=KIND,
            subject_id=row.pk,
            by=by,
            on_behalf_of_id=behalf,
            reason=row.reason,
            at=at,
            payload={"entity": entity.pk, "fact": seen.pk, "barred": appeals.recorders([seen])},
            about=f"{entity.name}（{day(seen.happened_on)}{LEVEL_LABELS[seen.level]}行政处罚）"[:120],
        )
        questions.note(
            row, "credit.repair_asked", by, at, fact=seen.source, reason=row.reason, **{"for": behalf}
        )
        return row, True


def earliest(level: str, happened_on: date) -> date:
    """The first day on which a penalty of this class may be repaired. Pure."""
    months = WAITS_MONTHS[level]
    return last_day(happened_on, months) + ONE_DAY if months else happened_on


def _refuse_unfit(fact: CreditFact, today: date) -> None:
    if fact.kind != FactKind.PENALTY:
        raise Refused("只能对行政处罚申请信用修复。", code="no_penalty", attr="fact")
    known = CreditFact.objects.filter(entity_id=fact.entity_id)
    if ledger.withdrawn([fact.source]):
        raise Conflict("这项处罚已经撤销，不需要修复。", code="fact_withdrawn", attr="fact")
    if known.filter(kind=FactKind.PENALTY_REPAIRED, ref=fact.ref).exists():
        raise Conflict("这项处罚已经修复。", code="already_repaired", attr="fact")
    if Repair.objects.filter(fact=fact, state=Outcome.WAITING).exists():
        raise Conflict("这项处罚的修复申请正在审核，请等候结果。", code="already_waiting")
    first = earliest(fact.level, fact.happened_on)
    if today < first:
        label = LEVEL_LABELS[fact.level]
        raise Conflict(
            f"{label}行政处罚满{WAITS_MONTHS[fact.level]}个月后可以申请修复，最早{day(first)}。",
            code="too_early",
            attr="fact",
        )


def decide(*, repair_id: int, by: User, uphold: bool, expect: Expect, note: str = "") -> Repair:
    """Decide an application. The same decision again gives it back.

    Raises:
        NotVisible; NotAllowed `own_request`, `not_decider`; Conflict `already_decided`;
        Refused `reason_required`; StaleVersion / VersionRequired.
    """

    def once() -> Repair:
        with transaction.atomic():
            row = Repair.objects.visible_to(by).filter(pk=repair_id).first()
            if row is None:
                raise NotVisible(UNKNOWN)
            found: Repair = row
            return questions.decide(found, KIND, by=by, uphold=uphold, expect=expect, note=note, lock=_lock)

    return retried(once)


def _lock(approval: Approval) -> Repair:
    questions.lock_shop(approval.payload["entity"])
    return Repair.objects.select_for_update(of=("self",)).get(pk=approval.subject_id)


def _decided(done: Decision) -> None:
    """Upheld: a PENALTY_REPAIRED fact where the penalty was told, and the business is graded anew at once."""
    row: Repair = done.subject
    questions.need_reason(done.approval, done.approved)
    outcome = Outcome.UPHELD if done.approved else Outcome.REFUSED
    questions.close(row, outcome, by=done.by, at=done.at, note=done.approval.note)
    questions.note(
        row,
        "credit.repair_decided",
        done.by,
        done.at,
        outcome=str(outcome),
        fact=row.fact.source,
        note=row.note,
        **{"for": done.on_behalf_of_id},
    )
    if done.approved:
        ledger.record(
            NewFact(
                entity_id=ledger.origin_of(row.fact),
                kind=FactKind.PENALTY_REPAIRED,
                ref=row.fact.ref,
                at=done.at,
                source=f"{row.fact.ref}:repaired",
                data={name: row.fact.data[name] for name in ("what", "number") if name in row.fact.data},
                by_id=done.by.pk,
            )
        )
        grading.regrade([row.entity_id], at=done.at, trigger=CreditAssessment.Trigger.FACT)


def seen(user: User) -> Any:
    return Repair.objects.visible_to(user).values("id")


def register() -> None:
    """Register the kind (called once, at start-up)."""
    approvals.register_subject(KIND, seen)
    approvals.register(
        KIND,
        Kind(
            label="信用修复",
            limit_kind=KIND,
            lock=_lock,
            may_decide=questions.may_decide,
            decidable=questions.decidable,
            deciders=questions.deciders,
            decided=_decided,
            lapsed=questions.ask_with_bureau,
        ),
    )
