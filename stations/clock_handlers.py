"""What happens when a dispute's clock runs out: in the sweep's transaction (DESIGN.md §4, §9).

A tier whose time is over hands the matter up by itself; at COMMUNITY it goes to the office where the consumer
has said so, else it ends as 未达成. A late decision on acceptance stays open and is told; a mediation of the
office ends with its limit. A promised day that has come asks the mediator to look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import connection

from kernel.deadlines import clocks, handlers, noting
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.arrays import literal
from kernel.deadlines.handlers import Fired
from kernel.notices import outbox
from stations import ending, escalating, notices, official, people, policy
from stations.acts import SUBJECT, Act
from stations.models import Dispute, FailReason, Outcome, TierStay
from stations.states import Move, State

LOCK = """
SELECT 1 FROM stations_dispute WHERE id IN (
       SELECT unnest(%(disputes)s::bigint[])
       UNION SELECT a.subject_id FROM approvals_approval a
              WHERE a.id = ANY(%(approvals)s::bigint[]) AND a.subject_kind = 'dispute')
 ORDER BY id FOR NO KEY UPDATE
"""


def lock_subjects(batch: Sequence[Fired]) -> None:
    """Lock every dispute that a handler of this batch will write to, by id. One statement."""
    found = {one.subject_id for one in batch if one.subject_kind == SUBJECT and not one.kind.endswith("_80")}
    asked = {one.subject_id for one in batch if one.subject_kind == "approval"}
    if found or asked:
        with connection.cursor() as cursor:
            cursor.execute(LOCK, {"disputes": literal(sorted(found)), "approvals": literal(sorted(asked))})


def _note(batch: Sequence[Fired], at: datetime) -> None:
    noting.note(batch, at, stream=SUBJECT)


def _of(batch: Sequence[Fired], *states: State) -> list[Dispute]:
    """The disputes of these clocks that still are in the stay which the clock measured."""
    cycles = {one.subject_id: one.cycle for one in batch}
    rows = Dispute.objects.filter(pk__in=cycles, state__in=states).order_by("id")
    found = rows.select_related("station", "taken_station", "circle", "entity__grid", "office")
    return [one for one in found if one.cycle == cycles[one.pk]]


Who = Callable[[Sequence[Dispute], datetime], dict[int, set[int]]]


def _tell(what: str, who: Who, found: Sequence[Dispute], at: datetime) -> None:
    """One notice to each person and dispute, once a stay. Three or four statements."""
    if found:
        told = who(found, at)
        outbox.post(
            [
                draft
                for one in found
                for draft in notices.drafts(what, told, [one], key=f"{what}:{one.cycle}")
            ],
            at=at,
        )


def warn(batch: Sequence[Fired], at: datetime) -> None:
    """催办 at 80 %: to the handlers."""
    _tell(batch[0].kind, people.handlers, _of(batch, *State), at)


def tier_over(batch: Sequence[Fired], at: datetime) -> None:
    """SHOP, CIRCLE, COMMUNITY: up, or to the office by the consumer's word, or 未达成."""
    _note(batch, at)
    acts = _acts(_of(batch, State.NEGOTIATING, State.MEDIATING), at)
    if acts and batch[0].kind != "community":
        escalating.up_all(acts, TierStay.Why.TIME_OUT)
        return
    official.file_all([act for act in acts if official.may_file(act.dispute)], note="社区调解期满")
    _end_by_time([act for act in acts if act.dispute.state == State.MEDIATING], at)


def _acts(found: Sequence[Dispute], at: datetime) -> list[Act]:
    """The system's acts on these disputes; limits and calendar are read once for all."""
    limits, calendar = clocks.limits(at), clocks.calendar()
    acts = [Act(one, None, at, []) for one in found]
    for act in acts:
        act.limits, act.calendar = limits, calendar
    return acts


def mediation_over(batch: Sequence[Fired], at: datetime) -> None:
    """The legal limit of official mediation: it is ended (终止调解)."""
    _note(batch, at)
    _end_by_time(_acts(_of(batch, State.ACCEPTED), at), at)


def _end_by_time(acts: Sequence[Act], at: datetime) -> None:
    """未达成, and each consumer is told and asked."""
    ending.end_all(acts, Move.FAIL, Outcome.NOT_REACHED, reasons=ending.Reasons(FailReason.TIME_OUT))
    _tell("ended_by_time", people.handlers, [act.dispute for act in acts], at)


def accept_late(batch: Sequence[Fired], at: datetime) -> None:
    """Seven working days are over without a decision: it stays owed, and those who answer for it are told."""
    _note(batch, at)
    _tell("accept_late", people.answering, _of(batch, State.FILED), at)


def promised_day(batch: Sequence[Fired], at: datetime) -> None:
    """The day of an agreement has come: whoever handles it looks whether it was performed."""
    _note(batch, at)
    found = _of(batch, State.AGREED)
    limit, calendar = clocks.limits(at)[policy.LIMIT_OF[policy.CHECK]], clocks.calendar()
    due_at = arithmetic.due(limit, at, calendar)
    for one in found:
        one.due_at = due_at
    Dispute.objects.filter(pk__in=[one.pk for one in found]).update(due_at=due_at)
    clocks.arm(
        [
            clocks.running(
                SUBJECT,
                one.pk,
                policy.CHECK,
                cycle=one.cycle,
                armed_at=at,
                due_at=due_at,
                version=limit.version,
            )
            for one in found
        ]
    )
    _tell("check", people.handlers, found, at)


def check_late(batch: Sequence[Fired], at: datetime) -> None:
    """Nobody has looked: those who answer for it are told. The agreement is not taken as broken."""
    _note(batch, at)
    _tell("check_late", people.answering, _of(batch, State.AGREED), at)


def register() -> None:
    """Name the handlers (called once, at start-up)."""
    handlers.lock_first(lock_subjects)
    for kind in ("shop", "circle", "community"):
        handlers.register(SUBJECT, kind, tier_over)
        handlers.register(SUBJECT, f"{kind}_80", warn)
    handlers.register(SUBJECT, policy.ACCEPT, accept_late)
    handlers.register(SUBJECT, f"{policy.ACCEPT}_80", warn)
    handlers.register(SUBJECT, policy.MEDIATION, mediation_over)
    handlers.register(SUBJECT, f"{policy.MEDIATION}_80", warn)
    handlers.register(SUBJECT, policy.PERFORM, promised_day)
    handlers.register(SUBJECT, policy.CHECK, check_late)
