"""Suspending, resuming and extending (暂缓、恢复、延期; DESIGN.md §3).

A pause is a segment of the feedback clocks with its reason and approver; the due times move by its whole
length when it begins, so that it ends by itself whatever else stands still (`clocks.stand_still`). What was
late before stays late: only clocks that still run are paused or put off. `respond`, `same_day` and `verify`
never are, and `feedback_strict_due_at` never moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils.dateparse import parse_datetime

from kernel import approvals, journal
from kernel.accounts.models import User
from kernel.approvals.deciding import Decision
from kernel.approvals.kinds import Kind
from kernel.approvals.models import CLOCK, Approval
from kernel.approvals.models import State as Asked
from kernel.deadlines import clocks, handlers
from kernel.deadlines.handlers import Fired
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, Malformed
from kernel.journal import Note
from leads import approving, handing_back, states
from leads.acts import Act, Expect, perform
from leads.clock_notices import OWNER, of_leads, tell
from leads.models import Extension, Lead, SuspendReason, Suspension
from leads.states import Move, State

SUSPEND, EXTEND = "lead.suspend", "lead.extend"
LONGEST = timedelta(days=7)
PAUSED = ("feedback", "final")
"""The clocks that a suspension stops, and that may be extended."""
MOVED = ["feedback_due_at", "final_due_at", "closing_due_at"]
"""Columns of the lead that follow those clocks."""
WAITS = "延期申请待审批"


def suspend(
    *, lead_id: int, by: User, expect: Expect, reason_kind: SuspendReason, until: datetime, note: str = ""
) -> Lead:
    """Ask to suspend until a date, at most 7 days ahead; the office's head decides. The clocks run on.

    Asking again while it waits changes nothing.

    Raises (beside `acts.perform`): NotAllowed `not_assignee`, `recused`; Conflict `wrong_state`;
    Malformed `until`, `note_required`.
    """

    def work(act: Act) -> Lead:
        behalf = act.as_owner()
        if approving.waits(act, SUSPEND):
            return act.lead
        expect(act.lead.version)
        act.could_move(Move.SUSPEND)
        if not act.at < until <= act.at + LONGEST:
            raise Malformed("暂缓期限应在今后 7 天以内。", code="until", attr="until")
        if reason_kind == SuspendReason.OTHER and not note:
            raise Malformed("选择“其他”时请写明原因。", code="note_required", attr="note")
        _ask(act, SUSPEND, behalf, SuspendReason(reason_kind).label, note, {
            "reason_kind": str(reason_kind), "note": note, "until": until.isoformat(),
        })  # fmt: skip
        return act.lead

    return perform(lead_id, by, work)


def _ask(
    act: Act, kind: str, behalf: int | None, label: str, note: str, payload: dict[str, object]
) -> Approval:
    return approvals.ask(
        kind=kind,
        subject_kind="lead",
        subject_id=act.lead.pk,
        by=act.by,
        reason=f"{label}：{note}" if note else label,
        at=act.at,
        payload=payload,
        about=approving.about(act.lead),
        on_behalf_of_id=behalf,
    )


def _suspended(decision: Decision) -> None:
    """Approved: the clocks of feedback stand still until the date. Refused: nothing happens."""
    if not decision.approved:
        return
    act, row = approving.act_of(decision), decision.approval
    lead, until = act.lead, _moment(row.payload["until"])
    if until <= act.at:
        raise Conflict("申请的暂缓期限已过，不能再同意。", code="until_passed")
    act.move(Move.SUSPEND)
    if approvals.withdraw_moot("lead", lead.pk, state=lead.state, by=act.by, at=act.at):
        lead.refresh_from_db(fields=MOVED)
    with moving(act) as moved:
        kind = SuspendReason(row.payload["reason_kind"])
        clocks.stand_still(
            "lead", lead.pk, PAUSED, at=act.at, until=until, reason=f"暂缓办理：{kind.label}", by_id=act.by_id
        )
    lead.suspended_at, lead.suspended_until = act.at, until
    number = Suspension.objects.filter(lead=lead).count() + 1
    Suspension.objects.create(
        lead=lead,
        number=number,
        reason_kind=kind,
        reason=row.payload["note"],
        asked_by=approving.asker(row),
        approved_by=decision.by,
        approval=row,
        began_at=act.at,
        until_at=until,
    )
    clocks.arm([clock_of(act, "suspend_end", number, until)])
    act.save("state", "suspended_at", "suspended_until", *moved)
    said = {"until": until.isoformat(), "reason_kind": kind, "reason": row.payload["note"]}
    act.note("lead.suspended", said)


def resume(*, lead_id: int, by: User, expect: Expect, note: str = "") -> Lead:
    """恢复办理 before the date: what was not used of the pause is taken back. Again changes nothing.

    Raises (beside `acts.perform`): NotAllowed `not_assignee`, `recused`; Conflict `wrong_state`.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        act.as_owner()
        if lead.state == State.RESPONDED and Suspension.objects.filter(lead=lead, ended_by=by).exists():
            return lead
        expect(lead.version)
        act.move(Move.RESUME)
        with moving(act) as moved:
            clocks.run_on("lead", lead.pk, PAUSED, at=act.at)
        clocks.cancel("lead", lead.pk, ["suspend_end"], at=act.at)
        Suspension.objects.filter(lead=lead, ended_at__isnull=True).update(ended_at=act.at, ended_by=by)
        lead.suspended_at = lead.suspended_until = None
        act.save("state", "suspended_at", "suspended_until", *moved)
        act.note("lead.resumed", {"note": note})
        return lead

    return perform(lead_id, by, work)


def suspension_ends(batch: Sequence[Fired], at: datetime) -> None:
    """The date has come: the leads are being handled again. Their clocks run on by themselves. Set-based."""
    dues = {one.subject_id: one.due_at for one in batch}
    ended = [
        lead
        for lead in Lead.objects.filter(pk__in=dues, state=State.SUSPENDED).order_by("id")
        if lead.suspended_until == dues[lead.pk]
    ]
    rows = Lead.objects.filter(pk__in=[lead.pk for lead in ended])
    rows.update(
        state=states.target(Move.RESUME, State.SUSPENDED),
        suspended_at=None,
        suspended_until=None,
        version=F("version") + 1,
    )
    open_ones = Suspension.objects.filter(lead__in=ended, ended_at__isnull=True)
    open_ones.update(ended_at=F("until_at"))
    journal.append_many(
        [Note(lead.stream, "lead.resumed", at, {"by_itself": True, "due_at": dues[lead.pk].isoformat()})
         for lead in ended]
    )  # fmt: skip
    for lead in ended:
        lead.state, lead.suspended_at, lead.suspended_until = State.RESPONDED, None, None
    handing_back.tell_many(ended, "lead.resumed", at)
    tell(of_leads(batch), at, "suspend_end", OWNER)


# --- extending -------------------------------------------------------------------------------------


def extend(
    *, lead_id: int, by: User, expect: Expect, until: datetime, reason: str, clock: str | None = None
) -> Lead:
    """Ask for a later due time of the feedback clock (`final` after an interim one), at most 7 days more.

    Asked before the due time, once a clock. The clock stands still until it is decided, 2 hours at most
    (the approval's own clock); approved → the new due time, else what was left runs on. Asking again while
    it waits changes nothing.

    Raises (beside `acts.perform`): NotAllowed `not_assignee`, `recused`; Conflict `wrong_state`,
    `clock_not_running` (too late, or done), `extended_already`; Malformed `until`, `clock`.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        behalf = act.as_owner()
        if approving.waits(act, EXTEND):
            return lead
        expect(lead.version)
        act.could_move(Move.EXTEND)
        row = extendable(act, clock)
        if not row.due_at < until <= row.due_at + LONGEST:
            raise Malformed("新的时限应晚于原时限，最多延长 7 天。", code="until", attr="until")
        asked: dict[str, object] = {
            "clock": row.kind,
            "cycle": row.cycle,
            "until": until.isoformat(),
            "due_before": row.due_at.isoformat(),
        }
        question = _ask(act, EXTEND, behalf, "申请延期", reason, asked)
        with moving(act) as moved:
            clocks.stand_still(
                "lead", lead.pk, [row.kind], at=act.at, until=question.due_at, reason=WAITS, by_id=None
            )
        act.keep(*moved)
        return lead

    return perform(lead_id, by, work)


def extendable(act: Act, kind: str | None = None) -> Deadline:
    """The running clock that may be extended now: the whole feedback's where one is owed, else feedback.

    Raises: Malformed `clock`; Conflict `clock_not_running`, `extended_already`.
    """
    if kind is not None and kind not in PAUSED:
        raise Malformed("只有反馈时限可以延期。", code="clock", attr="clock")
    found = {d.kind: d for d in act.live if d.kind in PAUSED and d.state == Deadline.State.RUNNING}
    row = found.get(kind) if kind else found.get("final") or found.get("feedback")
    if row is None:
        raise Conflict("反馈时限已过或已经完成，不能再申请延期。", code="clock_not_running")
    asked = Approval.objects.of("lead", act.lead.pk).filter(
        kind=EXTEND, payload__clock=row.kind, payload__cycle=row.cycle
    )
    given = Extension.objects.filter(lead=act.lead, clock=row.kind, cycle=row.cycle)
    if asked.exclude(state=Asked.WITHDRAWN).exists() or given.exists():
        raise Conflict("这项时限已经申请过延期，不能再次申请。", code="extended_already")
    return row


def _extension_decided(decision: Decision) -> None:
    """Approved: the new due time, or what was left where that is later still. Refused: what was left."""
    act, row = approving.act_of(decision), decision.approval
    asked = row.payload
    with moving(act) as moved:
        clocks.run_on("lead", act.lead.pk, [asked["clock"]], at=act.at)
        if decision.approved:
            after = _put_off(act, asked["clock"], asked["cycle"], _moment(asked["until"]))
    if decision.approved:
        Extension.objects.create(
            lead=act.lead,
            clock=asked["clock"],
            cycle=asked["cycle"],
            reason=row.reason,
            due_before=_moment(asked["due_before"]),
            due_after=after,
            asked_by_id=row.asked_by_id,
            approved_by=decision.by,
            approval=row,
            at=act.at,
        )
        act.note("lead.extended", {"clock": asked["clock"], "until": after.isoformat()})
    act.keep(*moved)


def ask_no_more(act: Act) -> None:
    """The clock that an extension was asked for is about to end: the request is withdrawn, what was left of
    the clock given back first. No statement where nothing waits."""
    if not any(one.subject_kind == CLOCK for one in act.live):
        return
    rows = list(Approval.objects.of("lead", act.lead.pk).waiting().filter(kind=EXTEND))
    if approvals.withdraw(rows, by=act.by, at=act.at, why="时限已经完成，不再需要延期"):
        act.lead.refresh_from_db(fields=MOVED)


def _put_off(act: Act, kind: str, cycle: int, until: datetime) -> datetime:
    """Move a running clock and its warning to a later due time, never to an earlier one. The due time.

    Raises: Conflict `clock_not_running`.
    """
    running = Deadline.objects.filter(
        subject_kind="lead", subject_id=act.lead.pk, cycle=cycle, state=Deadline.State.RUNNING
    )
    rows = list(running.filter(Q(kind=kind) | Q(parent_kind=kind)).order_by("id"))
    clock = next((row for row in rows if row.kind == kind), None)
    if clock is None:
        raise Conflict("反馈时限已经完成，不能再延期。", code="clock_not_running")
    if until > clock.due_at:
        clocks.put_off(rows, until - clock.due_at)
    return max(until, clock.due_at)


def grant(act: Act, *, order_id: int, reason: str, span: timedelta) -> bool:
    """A supervisor agrees to more time, unasked: one extension of the feedback clock. False: given before.

    A clock that ran out keeps its breach; its owner gets a date of his own (`grace`), which enters no KPI.
    """
    lead = act.lead
    live = {d.kind: d for d in act.live if d.kind in PAUSED and d.state == Deadline.State.RUNNING}
    row = live.get("final") or live.get("feedback")
    kind, cycle = (row.kind, row.cycle) if row else ("feedback", lead.round)
    if Extension.objects.filter(lead=lead, clock=kind, cycle=cycle).exists():
        return False
    if row is not None:
        before = row.due_at
        with moving(act) as moved:
            after = _put_off(act, kind, cycle, before + span)
        act.keep(*moved)
    else:
        before, after = min(lead.feedback_due_at, act.at), act.at + span
        clocks.arm([clock_of(act, "grace", cycle, after)])
    Extension.objects.create(
        lead=lead,
        clock=kind,
        cycle=cycle,
        reason=reason,
        due_before=before,
        due_after=after,
        keeps_breach=row is None,
        approved_by=act.actor,
        order_id=order_id,
        at=act.at,
    )
    act.note("lead.extended", {"clock": kind, "until": after.isoformat(), "keeps_breach": row is None})
    return True


def _runs_on(row: Approval, at: datetime) -> None:
    """Nobody asks any more: what was left of the clock runs on."""
    lead = Lead.objects.get(pk=row.subject_id)
    act = Act(lead, None, at, [])
    with moving(act) as moved:
        clocks.run_on("lead", lead.pk, [row.payload["clock"]], at=at)
    act.keep(*moved)


# --- due times of the lead -------------------------------------------------------------------------


class moving:
    """Whatever moves the feedback clocks inside, the lead's own due times follow.

    `feedback_due_at` is the first round's effective due time, `final_due_at` the whole feedback's; the
    closing goes along with whichever runs, as long as it has not passed. Gives the names of the columns.
    """

    def __init__(self, act: Act) -> None:
        self.act = act
        self.columns: list[str] = []

    def __enter__(self) -> list[str]:
        self.before = self._running()
        return self.columns

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            return
        lead, after = self.act.lead, self._running()
        spans = {key: after[key] - due for key, due in self.before.items() if key in after}
        for (name, cycle), span in spans.items():
            if not span:
                continue
            if name == "feedback" and cycle == 1:
                lead.feedback_due_at = after[name, cycle]
                self.columns.append("feedback_due_at")
            elif name == "final":
                lead.final_due_at = after[name, cycle]
                self.columns.append("final_due_at")
        last = spans.get(max(spans, default=("", 0), key=lambda key: (key[0] == "final", key[1])))
        if last and lead.closing_due_at > self.act.at:
            lead.closing_due_at += last
            self.columns.append("closing_due_at")

    def _running(self) -> dict[tuple[str, int], datetime]:
        rows = Deadline.objects.filter(
            subject_kind="lead", subject_id=self.act.lead.pk, kind__in=PAUSED, state=Deadline.State.RUNNING
        )
        return {(kind, cycle): due for kind, cycle, due in rows.values_list("kind", "cycle", "due_at")}


def clock_of(act: Act, kind: str, cycle: int, due_at: datetime) -> Deadline:
    return clocks.running("lead", act.lead.pk, kind, cycle=cycle, armed_at=act.at, due_at=due_at)


def _moment(text: str) -> datetime:
    found = parse_datetime(text)
    if found is None:
        raise ValueError(f"no moment: {text!r}")
    return found


def register() -> None:
    """Register both questions and the clock that ends a suspension (called once, at start-up)."""
    head: dict[str, Any] = {
        "lock": approving.lock_lead,
        "may_decide": approving.head_may_decide,
        "decidable": approving.head_decidable,
        "deciders": approving.head_deciders,
        "stands_in": frozenset({State.RESPONDED.value}),
    }
    approvals.register(SUSPEND, Kind("暂缓办理申请", "approve_suspend", decided=_suspended, **head))
    approvals.register(
        EXTEND, Kind("延期申请", "approve_extend", decided=_extension_decided, withdrawn=_runs_on, **head)
    )
    handlers.register("lead", "suspend_end", suspension_ends)
