"""等级申诉: a shop says that its grading is wrong, within 15 days, and is answered (DOMAIN.md §4).

In time is what the shop said in time: taken down without a network it may come a few days later.

Entered by grid worker, commissioner or office; decided by section CREDIT, never by who asked, nor by who
recorded a disputed fact. Upheld: each fact named is withdrawn, the business is graded anew in the same
transaction, and a fall that this grading had brought is taken back (`credit.correcting`): what never was true
holds nobody down until the next review. Nobody's silence ends an appeal: after its clock the bureau joins in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction

from credit import correcting, ledger, questions
from credit.facts import FactKind
from credit.models import Appeal, CreditAssessment, CreditFact
from credit.models.asking import Outcome
from credit.questions import Entry, Expect
from credit.windows import appeal_ends, whole_days
from credit.wording import day
from kernel import approvals, clock
from kernel.accounts.models import User
from kernel.approvals.deciding import Decision
from kernel.approvals.kinds import Kind
from kernel.approvals.models import Approval
from kernel.clock import local_date
from kernel.deadlines.contention import retried
from kernel.deadlines.models import LimitPolicy
from kernel.errors import Conflict, NotAllowed, NotVisible, Refused

KIND = "credit_appeal"
WINDOW = "credit_appeal_window"
UNKNOWN = "没有找到这项申诉，或者您无权查看。"
KEPT_IN_REGISTER = frozenset({FactKind.LICENCE, FactKind.TEST_DUE})
"""Pulled from the register by every grading: corrected there, and withdrawn here by nobody."""


@dataclass(frozen=True, slots=True)
class Given:
    """One appeal as it was entered. `disputed`: numbers of the facts that the shop denies; may be none."""

    entity_id: int
    assessment_id: int
    entry: Entry
    disputed: tuple[int, ...] = ()


# --- asking ----------------------------------------------------------------------------------------


def ask(*, given: Given, by: User) -> tuple[Appeal, bool]:
    """Enter an appeal for a shop; the row, and whether it is new. The same `client_uid` gives it back.

    Raises:
        NotVisible: the shop, or the grading. NotAllowed: `may_not_enter`.
        Conflict: `too_late`, `already_waiting`, `already_decided`, `client_uid_conflict`,
            `evidence_unavailable`.
        Refused: `unknown_fact`, `correct_register`, `fact_withdrawn`, `reason_required`.
    """
    if not given.entry.reason.strip():
        raise Refused("请填写申诉理由。", code="reason_required", attr="reason")
    return retried(lambda: _ask(given, by))


def _ask(given: Given, by: User) -> tuple[Appeal, bool]:
    with transaction.atomic():
        entity, seat = questions.shop_of(by, given.entity_id)
        earlier = questions.earlier_of(Appeal, by, given.entry, assessment_id=given.assessment_id)
        if earlier is not None:
            if set(earlier.disputed.values_list("pk", flat=True)) != set(given.disputed):
                raise Conflict(questions.SAME_UID, code="client_uid_conflict", attr="client_uid")
            return earlier, False
        at = clock.now()
        assessment = _assessment(given, local_date(given.entry.said_at(at)))
        facts = disputed_facts(entity.pk, given.disputed)
        row = Appeal.objects.create(
            entity=entity,
            client_uid=given.entry.client_uid,
            reason=given.entry.reason.strip(),
            evidence=questions.hashes_of(by, given.entry),
            asked_by=by,
            asked_at=at,
            assessment=assessment,
        )
        row.disputed.set(facts)
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
            payload={
                "entity": entity.pk,
                "assessment": assessment.pk,
                "disputed": [fact.pk for fact in facts],
                "barred": recorders(facts),
            },
            about=f"{entity.name}（{day(assessment.on)}评定为{assessment.effective_grade}级）"[:120],
        )
        questions.note(
            row,
            "credit.appealed",
            by,
            at,
            assessment=assessment.pk,
            disputed=[fact.source for fact in facts],
            reason=row.reason,
            **{"for": behalf},
        )
        return row, True


def last_day(assessed_on: date) -> date:
    """The last day on which a grading of that day may be appealed against. One statement."""
    limit = LimitPolicy.objects.in_force(clock.now()).filter(kind=WINDOW).values_list("amount", flat=True)
    return appeal_ends(assessed_on, whole_days(limit[0]))


def _assessment(given: Given, today: date) -> CreditAssessment:
    found = CreditAssessment.objects.filter(pk=given.assessment_id, entity_id=given.entity_id).first()
    if found is None:
        raise NotVisible("该主体没有这次评定记录。", code="no_such_assessment")
    until = last_day(local_date(found.at))
    if today > until:
        raise Conflict(
            f"申诉期已于{day(until)}届满，不能再对这次评定提出申诉。", code="too_late", attr="assessment"
        )
    ended = Appeal.objects.filter(assessment=found).exclude(state=Outcome.WITHDRAWN)
    for state in ended.values_list("state", flat=True):
        if state == Outcome.WAITING:
            raise Conflict("这次评定已有申诉在审核，请等候结果。", code="already_waiting")
        raise Conflict("对这次评定的申诉已有结论。", code="already_decided")
    return found


def disputed_facts(entity_id: int, numbers: Sequence[int]) -> list[CreditFact]:
    """The facts of these numbers that may be withdrawn, in their order. Two statements.

    Raises: Refused `unknown_fact`, `correct_register`, `fact_withdrawn`.
    """
    wanted = sorted(set(numbers))
    facts = list(CreditFact.objects.filter(entity_id=entity_id, pk__in=wanted).order_by("pk"))
    if len(facts) != len(wanted) or any(fact.kind == FactKind.WITHDRAWN for fact in facts):
        raise Refused("有异议的事实不在该主体名下。", code="unknown_fact", attr="disputed")
    if any(fact.kind in KEPT_IN_REGISTER for fact in facts):
        raise Refused(
            "证照和检验信息以主体登记为准，请更正主体登记，等级会自动重新评定。",
            code="correct_register",
            attr="disputed",
        )
    if ledger.withdrawn(fact.source for fact in facts):
        raise Refused("其中有的事实已经撤销，不再计分。", code="fact_withdrawn", attr="disputed")
    return facts


def recorders(facts: Sequence[CreditFact]) -> list[int]:
    """Who recorded these facts: none of them judges whether they hold."""
    return sorted({fact.by_id for fact in facts if fact.by_id is not None})


# --- what becomes of it ----------------------------------------------------------------------------


def decide(
    *,
    appeal_id: int,
    by: User,
    uphold: bool,
    expect: Expect,
    note: str = "",
    withdrawn: Sequence[int] | None = None,
) -> Appeal:
    """Decide an appeal; `withdrawn` names the facts that do not hold (None: all that are disputed).

    The same decision again gives it back.

    Raises:
        NotVisible; NotAllowed `own_request`, `not_decider`, `own_fact`; Conflict `already_decided`,
        `name_facts`; Refused `reason_required`, `unknown_fact` …; StaleVersion / VersionRequired.
    """

    def once() -> Appeal:
        with transaction.atomic():
            row = _visible(appeal_id, by)
            more = {} if withdrawn is None else {"withdraw": list(withdrawn)}
            return questions.decide(
                row, KIND, by=by, uphold=uphold, expect=expect, note=note, lock=_lock, **more
            )

    return retried(once)


def take_back(*, appeal_id: int, by: User, expect: Expect) -> Appeal:
    """Take an appeal back before it is decided: who entered it, for the shop. Again, it gives it back.

    Raises: NotVisible; NotAllowed `not_asker`; Conflict `already_decided`; StaleVersion / VersionRequired.
    """

    def once() -> Appeal:
        with transaction.atomic():
            row = _visible(appeal_id, by)
            if row.asked_by_id != by.pk:
                raise NotAllowed("只有登记人可以撤回申诉。", code="not_asker")
            live = approvals.lock_live(KIND, row.pk)
            questions.lock_shop(row.entity_id)
            row = Appeal.objects.select_for_update(of=("self",)).get(pk=row.pk)
            approvals.refuse_unseen(live, KIND, [row.pk])
            if row.state == Outcome.WITHDRAWN:
                return row
            if row.state != Outcome.WAITING:
                raise Conflict("这项申诉已有结论。", code="already_decided")
            expect(row.version)
            waiting = list(Approval.objects.of(KIND, row.pk).waiting())
            at = clock.now()
            approvals.withdraw(waiting, by=by, at=at, why="经营主体撤回申诉")
            questions.close(row, Outcome.WITHDRAWN, by=None, at=at, note="")
            questions.note(row, "credit.appeal_taken_back", by, at)
            return row

    return retried(once)


def _visible(appeal_id: int, by: User) -> Appeal:
    row = Appeal.objects.visible_to(by).filter(pk=appeal_id).first()
    if row is None:
        raise NotVisible(UNKNOWN)
    found: Appeal = row
    return found


def _lock(approval: Approval) -> Appeal:
    questions.lock_shop(approval.payload["entity"])
    return Appeal.objects.select_for_update(of=("self",)).get(pk=approval.subject_id)


def _decided(done: Decision) -> None:
    """Carry a decision out: withdraw what does not hold, grade anew, tell the journal."""
    appeal, by, at = done.subject, done.by, done.at
    questions.need_reason(done.approval, done.approved)
    gone = _withdrawn(done) if done.approved else []
    outcome = Outcome.UPHELD if done.approved else Outcome.REFUSED
    questions.close(appeal, outcome, by=by, at=at, note=done.approval.note)
    questions.note(
        appeal,
        "credit.appeal_decided",
        by,
        at,
        outcome=str(outcome),
        withdrawn=[fact.source for fact in gone],
        note=appeal.note,
        **{"for": done.on_behalf_of_id},
    )
    if gone:
        correcting.correct(appeal.entity_id, assessment_id=appeal.assessment_id, at=at)


def _withdrawn(done: Decision) -> list[CreditFact]:
    """Withdraw the facts that the decision names. One statement for all.

    Raises: Conflict `name_facts`; NotAllowed `own_fact`; Refused as `disputed_facts`.
    """
    appeal: Appeal = done.subject
    named = done.approval.payload.get("withdraw")
    if named is None:
        named = list(appeal.disputed.values_list("pk", flat=True))
    if not named:
        raise Conflict("请指明哪些事实不成立，才能认定申诉成立。", code="name_facts", attr="withdrawn")
    facts = disputed_facts(appeal.entity_id, named)
    if done.by.pk in recorders(facts):
        raise NotAllowed("其中有您登记的事实，请由其他人审核。", code="own_fact")
    told = {"what": "申诉成立", "why": done.approval.note, "appeal": appeal.pk}
    ledger.record_many(ledger.withdrawals(facts, at=done.at, by_id=done.by.pk, **told))
    return facts


# --- the answer ------------------------------------------------------------------------------------


def answer_text(appeal: Appeal, *, facts: Sequence[CreditFact] = (), grade: str = "") -> str:
    """The answer as a text to hand to the shop. `facts`: what was withdrawn; `grade`: in force now. Pure."""
    head = (
        f"{appeal.entity.name}：您对{day(appeal.assessment.on)}信用等级评定"
        f"（{appeal.assessment.effective_grade}级）的申诉，"
    )
    match appeal.state:
        case Outcome.WAITING:
            return f"{head}已于{day(local_date(appeal.asked_at))}受理，正在审核。"
        case Outcome.WITHDRAWN:
            return f"{head}已经撤回。"
    closed = day(local_date(appeal.decided_at)) if appeal.decided_at else ""
    why = f"理由：{appeal.note.rstrip('。')}。" if appeal.note else ""
    if appeal.state == Outcome.REFUSED:
        return f"{head}经审核不成立（{closed}）。{why}原评定结果不变。"
    named = "；".join(f"{day(fact.happened_on)}{fact.get_kind_display()}" for fact in facts)
    now = f"现执行等级为{grade}级。" if grade else ""
    return f"{head}经审核成立（{closed}）。{why}下列事实不再计分：{named}。已重新评定，{now}"


def withdrawn_by(appeals: Sequence[Appeal]) -> dict[int, list[CreditFact]]:
    """The facts that these appeals took out of scoring, by appeal. Two statements at most."""
    upheld = {one.pk for one in appeals if one.state == Outcome.UPHELD}
    if not upheld:
        return {}
    marks = CreditFact.objects.filter(
        entity__in={one.entity_id for one in appeals}, kind=FactKind.WITHDRAWN, data__appeal__in=upheld
    )
    by_source: dict[str, int] = {ref: data["appeal"] for ref, data in marks.values_list("ref", "data")}
    found: dict[int, list[CreditFact]] = {}
    for fact in CreditFact.objects.filter(source__in=by_source).order_by("pk"):
        found.setdefault(by_source[fact.source], []).append(fact)
    return found


def seen(user: User) -> Any:
    """Who sees an appeal sees what is asked about it."""
    return Appeal.objects.visible_to(user).values("id")


def register() -> None:
    """Register the kind (called once, at start-up)."""
    approvals.register_subject(KIND, seen)
    approvals.register(
        KIND,
        Kind(
            label="信用等级申诉",
            limit_kind=KIND,
            lock=_lock,
            may_decide=questions.may_decide,
            decidable=questions.decidable,
            deciders=questions.deciders,
            decided=_decided,
            lapsed=questions.ask_with_bureau,
        ),
    )
