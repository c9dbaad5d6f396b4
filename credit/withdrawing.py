"""撤销信用事实: a fact that was entered or brought in by a file and is not true is taken out of scoring.

For the bureau and its section CREDIT. A fact that an app has pushed – a lead's, a patrol's, a repair's –
follows what it came from and is set right there; licences and tests stand in the register. The fact itself
stays in the ledger (`WITHDRAWN` beside it), and its number may be brought in anew.

As an upheld appeal, a fact that was never true earns no waiting time: the fall that it brought is taken back
at once (`credit.correcting`), as long as no other fall has followed.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from credit import correcting, grading, ledger, questions
from credit.appeals import KEPT_IN_REGISTER
from credit.facts import LEVEL_LABELS, FactKind
from credit.importing import everywhere
from credit.importing_rows import SORTS
from credit.models import Appeal, CreditAssessment, CreditFact, Repair
from credit.models.asking import Outcome
from grids.access import Scope, scope_of
from kernel import clock, journal
from kernel.accounts.models import User
from kernel.deadlines.contention import retried
from kernel.errors import Conflict, DomainError, NotAllowed, NotVisible, Refused
from kernel.notices.policy import masked

LONGEST_WHY = 500
ENTERED: dict[str, str] = {str(sort.kind): f"{sort.ref}:" for sort in SORTS.values()}
"""Kinds that come by file, with how their matter begins."""
UNKNOWN = "没有这条信用事实，或者您无权查看。"
NOT_YOURS = "信用事实由市场监管局或者信用监督管理科撤销；经营主体有异议的，请登记等级申诉。"


def may_withdraw(scope: Scope) -> bool:
    """The bureau, and its section for credit."""
    return not scope.is_auditor and everywhere(scope)


def refusal(fact: CreditFact) -> DomainError | None:
    """Why this fact is not withdrawn by hand, or None. No statements."""
    if fact.kind == FactKind.WITHDRAWN:
        return Refused("这是撤销记录，不能再撤销；原事实确属真实的，请重新导入。", code="is_withdrawal")
    if fact.kind in KEPT_IN_REGISTER:
        return Refused("证照和检验信息以主体登记为准，请更正主体登记。", code="correct_register")
    if fact.kind == FactKind.PENALTY_REPAIRED:
        return Conflict("信用修复经审核作出，不能在这里撤销。", code="follows_repair")
    source = fact.data.get("moved", {}).get("source", fact.source)  # of a copy: the original's
    if source.startswith("lead:"):
        return Conflict(
            "这条事实来自问题线索，随线索的办理结果变动，不能在这里撤销；"
            "处理结果有误的，请所长在线索页面重新办理，或者由经营主体申诉。",
            code="follows_lead",
        )
    if source.startswith("visit:"):
        return Conflict(
            "这条事实来自巡查记录，不能在这里撤销；确有错误的，由经营主体申诉。", code="follows_visit"
        )
    if fact.kind not in ENTERED or not fact.ref.startswith(ENTERED[fact.kind]):
        return Conflict("这条事实由系统随其来源记入，不能在这里撤销。", code="not_entered")
    return None


def withdraw(*, fact_id: int, by: User, why: str) -> CreditFact:
    """Take one entered fact out of scoring and grade its business anew at once; the fact.

    The business is locked until commit. Done already by the same person, it changes nothing.

    Raises:
        NotAllowed: `may_not_withdraw`. NotVisible: no such fact for him.
        Refused: `reason_required`, `too_long`, `is_withdrawal`, `correct_register`.
        Conflict: `follows_lead`, `follows_visit`, `follows_repair`, `not_entered`; `already_withdrawn`;
            `under_appeal`, `under_repair` – a question about it waits to be decided.
        Busy: locks could not be had in time, twice.
    """
    if not may_withdraw(scope_of(by)):
        raise NotAllowed(NOT_YOURS, code="may_not_withdraw")
    if not why.strip():
        raise Refused("请填写撤销理由。", code="reason_required", attr="why")
    if len(why.strip()) > LONGEST_WHY:
        raise Refused(f"撤销理由最多 {LONGEST_WHY} 个字。", code="too_long", attr="why")
    return retried(lambda: _withdraw(fact_id, by, why.strip()))


@transaction.atomic
def _withdraw(fact_id: int, by: User, why: str) -> CreditFact:
    found = CreditFact.objects.visible_to(by).filter(pk=fact_id).first()
    if found is None:
        raise NotVisible(UNKNOWN, code="no_such_fact")
    fact: CreditFact = found
    if refused := refusal(fact):
        raise refused
    questions.lock_shop(fact.entity_id)
    earlier = CreditFact.objects.filter(source=ledger.WITHDRAWN + fact.source).first()
    if earlier is not None:
        if earlier.by_id == by.pk:
            return fact
        raise Conflict("这条事实已经撤销，不再计分。", code="already_withdrawn")
    _refuse_in_question(fact)
    at = clock.now()
    ledger.withdraw(fact.source, by=by, at=at, why=str(masked(why)))
    journal.append(
        stream=f"entity:{fact.entity_id}",
        kind="credit.fact_withdrawn",
        by=by,
        at=at,
        data=masked({"number": fact.pk, "fact": fact.source, "what": told(fact), "reason": why}),
    )
    _grade_anew(fact, at)
    return fact


def told(fact: CreditFact) -> str:
    """What it was, in a few words: 行政处罚（一般，肥市监罚〔2026〕1号）."""
    named = [LEVEL_LABELS.get(fact.level, ""), str(fact.data.get("number", ""))]
    beside = "，".join(one for one in named if one)
    return f"{fact.get_kind_display()}（{beside}）" if beside else str(fact.get_kind_display())


def _refuse_in_question(fact: CreditFact) -> None:
    if Appeal.objects.filter(disputed=fact, state=Outcome.WAITING).exists():
        raise Conflict("对这条事实的等级申诉正在审核，请在审核中认定。", code="under_appeal")
    if Repair.objects.filter(fact=fact, state=Outcome.WAITING).exists():
        raise Conflict("对这项处罚的信用修复正在审核，请先审结。", code="under_repair")


def _grade_anew(fact: CreditFact, at: datetime) -> None:
    """By the facts that are left; the fall that this one brought, and none other, is taken back."""
    rows = CreditAssessment.objects.filter(entity_id=fact.entity_id)
    first = rows.filter(at__gte=fact.recorded_at).order_by("pk").first()
    fell_since = rows.exclude(previous_grade="").filter(effective_grade__gt=F("previous_grade"))
    trigger = CreditAssessment.Trigger.FACT
    if first is None or fell_since.filter(pk__gt=first.pk).exists():
        grading.regrade([fact.entity_id], at=at, trigger=trigger)
    else:
        correcting.correct(fact.entity_id, assessment_id=first.pk, at=at, trigger=trigger)
