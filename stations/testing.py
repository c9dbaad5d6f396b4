"""检定、检验、检测、鉴定: the limit of official mediation stands still (SAMR Order 20 Art. 21)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F, Value
from django.db.models.functions import Greatest

from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.deadlines.models import Deadline, Segment
from kernel.deadlines.policy import Pause
from kernel.errors import Conflict, Malformed, Refused
from stations import consumers, policy
from stations.acts import SUBJECT, Act, Expect, perform
from stations.models import Dispute, Testing, TestingKind
from stations.states import State

KINDS = [policy.MEDIATION]
LONGEST_INSTITUTION = 80


def begin_testing(
    *, dispute_id: int, by: User, expect: Expect, kind: TestingKind, institution: str
) -> Testing:
    """Hand the goods to an institution: from now the clock stands still. One at a time.

    Raises:
        NotVisible; NotAllowed `not_handler`; StaleVersion / VersionRequired; Conflict `wrong_state`,
        `already_testing`; Refused `institution_required`; Busy.
    """
    if not institution.strip():
        raise Refused("请填写检定、检测机构名称。", code="institution_required", attr="institution")

    def work(act: Act) -> Testing:
        act.as_handler()
        dispute = act.dispute
        where = consumers.hidden(dispute, institution)[:LONGEST_INSTITUTION]
        going_on = Testing.objects.filter(dispute=dispute, until__isnull=True).first()
        if going_on is not None:
            if (going_on.kind, going_on.institution, going_on.entered_by_id) == (kind, where, by.pk):
                return going_on
            raise Conflict("已有一项检定、检测正在进行。", code="already_testing")
        expect(dispute.version)
        if dispute.state != State.ACCEPTED:
            raise Conflict("只有已受理、正在调解的投诉才能暂停计时检测。", code="wrong_state")
        row = Testing.objects.create(
            dispute=dispute, kind=kind, institution=where, since=act.at, entered_by=by
        )
        clocks.pause(SUBJECT, dispute.pk, KINDS, at=act.at, reason=row.get_kind_display(), by_id=by.pk)
        dispute.due_at = None
        act.note("dispute.testing_began", {"kind": kind, "institution": row.institution})
        act.save("due_at")
        return row

    return perform(dispute_id, by, work)


def end_testing(
    *, dispute_id: int, by: User, expect: Expect, result: str, ended_at: datetime | None = None
) -> Testing:
    """The result is there: the clock runs on with what was left. `ended_at` where it is entered late.

    Raises:
        NotVisible; NotAllowed `not_handler`; StaleVersion / VersionRequired; Conflict `not_testing`;
        Refused `result_required`; Malformed `ended_at`; Busy.
    """
    if not result.strip():
        raise Refused("请填写检定、检测结论。", code="result_required", attr="result")

    def work(act: Act) -> Testing:
        act.as_handler()
        dispute = act.dispute
        said = consumers.hidden(dispute, result)[:500]
        row = Testing.objects.filter(dispute=dispute).order_by("-id").first()
        if row is not None and row.until is not None and row.result == said:
            return row
        if row is None or row.until is not None:
            raise Conflict("没有正在进行的检定、检测。", code="not_testing")
        expect(dispute.version)
        until = ended_at or act.at
        if not row.since <= until <= act.at:
            raise Malformed("结束时间应在开始之后、现在之前。", code="ended_at", attr="ended_at")
        row.until, row.result = until, said
        row.save(update_fields=["until", "result"])
        _run_on(act)
        act.note("dispute.testing_ended", {"kind": row.kind, "until": until.isoformat(), "note": row.result})
        act.save("due_at", "due_is_guessed")
        return row

    return perform(dispute_id, by, work)


def _run_on(act: Act) -> None:
    """The clock runs again, to the due time that the one arithmetic gives with every pause in it; its warning
    moves by as much as the clock does."""
    dispute = act.dispute
    clocks.resume(SUBJECT, dispute.pk, KINDS, at=act.at)
    due = due_of(act)
    moved = max(due.at, act.at)
    rows = Deadline.objects.filter(
        subject_kind=SUBJECT, subject_id=dispute.pk, cycle=dispute.cycle, state=Deadline.State.RUNNING
    )
    resumed_to = rows.values_list("due_at", flat=True).get(kind=policy.MEDIATION)
    rows.filter(parent_kind=policy.MEDIATION).update(
        due_at=Greatest(F("due_at") + Value(moved - resumed_to), Value(act.at))
    )
    rows.filter(kind=policy.MEDIATION).update(due_at=moved)
    dispute.due_at, dispute.due_is_guessed = moved, due.guessed


def call_off(disputes: Sequence[Dispute], at: datetime) -> None:
    """The parties are done, by an agreement or otherwise: what is still being tested is awaited no longer,
    and the pause of the clock ends with it. In the transaction that ends the clock. At most three
    statements."""
    going_on = Testing.objects.filter(dispute__in=disputes, until__isnull=True)
    tested = list(going_on.values_list("dispute_id", flat=True))
    if tested:
        going_on.update(until=at)
        Segment.objects.filter(
            deadline__subject_kind=SUBJECT, deadline__subject_id__in=tested, resumed_at__isnull=True
        ).update(resumed_at=at)


def due_of(act: Act) -> policy.Due:
    """When the mediation of an accepted dispute ends, by the version of its acceptance and every testing;
    another platform's limit that passed meanwhile rules no longer."""
    dispute = act.dispute
    if dispute.decided_at is None or dispute.mediation_policy is None:
        raise TypeError(f"dispute {dispute.pk} was never accepted")
    limit = clocks.limits(dispute.decided_at)[policy.LIMIT_OF[policy.MEDIATION]]
    pauses = [Pause(one.since, one.until) for one in dispute.testings.order_by("since")]
    theirs = dispute.their_due_at
    ahead = theirs if theirs is not None and theirs > act.at else None
    return policy.due(limit, dispute.decided_at, act.calendar, pauses=pauses, not_after=ahead)
