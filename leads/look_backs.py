"""回头看: has it come back? Two for every passed recheck, scheduled by themselves (DOMAIN.md §3).

They are scheduled in the transaction of the recheck; a nightly sweep schedules any that is missing, so
that none is ever forgotten. A failed one reopens the lead one severity higher.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from grids.roles import Role
from kernel import clock, journal
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import Limit
from kernel.errors import Conflict, NotAllowed, NotVisible
from leads import credit_facts, files, policy, reopening, shop_contacts
from leads.acts import BIGGEST, Act, Expect, perform
from leads.models import FileStage, Lead, LookBack, Recheck, Reopening
from leads.states import State

KINDS = ("look_back", "look_back_food", "look_back_again")
KINDS_OF = {1: ("look_back", "look_back_food"), 2: ("look_back_again",)}
UNKNOWN = "没有找到这项回头看，或者您无权查看。"


def schedule(act: Act, recheck: Recheck) -> None:
    """The look-backs of a recheck that has just passed, with their clocks, in the same transaction."""
    lead = act.lead
    _write([(recheck, lead.food)], act.limits, act.at)
    dues = [row.due_on.isoformat() for row in recheck.look_backs.order_by("number")]
    act.note("lead.look_backs_scheduled", {"round": recheck.round, "due_on": dues})


def _write(passed: Iterable[tuple[Recheck, bool]], limits: Mapping[str, Limit], at: datetime) -> int:
    rows: list[LookBack] = []
    armed: list[Deadline] = []
    for recheck, food in passed:
        passed_at = recheck.countersigned_at or recheck.at
        for one in policy.look_backs(passed_at, food=food, limits_in_force=limits):
            rows.append(
                LookBack(
                    lead_id=recheck.lead_id,
                    recheck=recheck,
                    round=recheck.round,
                    number=one.number,
                    opens_at=one.opens_at,
                    due_on=one.due_on,
                    due_at=one.due_at,
                    state=LookBack.State.SCHEDULED,
                )
            )
            armed += clocks.with_warning(
                limits[one.kind],
                subject_kind="lead",
                subject_id=recheck.lead_id,
                kind=one.kind,
                cycle=recheck.round,
                armed_at=at,
                due_at=max(one.due_at, at),
            )
    LookBack.objects.bulk_create(rows, ignore_conflicts=True)
    clocks.arm(armed)
    return len(rows)


# --- none is ever forgotten ------------------------------------------------------------------------

MISSING = """
SELECT r.id FROM leads_recheck r
  JOIN leads_lead l ON l.id = r.lead_id AND l.state = 'closed' AND l.round = r.round
 WHERE r.state = 'passed'
   AND (SELECT count(*) FROM leads_lookback b WHERE b.recheck_id = r.id) < 2
 ORDER BY r.id LIMIT %(batch)s
"""


def forgotten(batch: int = 500) -> list[int]:
    """Passed rechecks of closed leads that lack a look-back (auditor's rule: there are none)."""
    with connection.cursor() as cursor:
        cursor.execute(MISSING, {"batch": batch})
        return [row[0] for row in cursor.fetchall()]


def schedule_missing(batch: int = 500) -> int:
    """Schedule every look-back that is missing. Returns for how many rechecks. Safe to run twice.

    Set-based: one transaction a batch; locks the clocks of its leads by id, then the leads by id.
    """
    done = 0
    while found := forgotten(batch):
        with transaction.atomic():
            lead_ids = sorted(set(Recheck.objects.filter(pk__in=found).values_list("lead_id", flat=True)))
            clocks.lock_live_of("lead", lead_ids)
            locked = {
                lead.pk: lead
                for lead in Lead.objects.select_for_update(of=("self",))
                .filter(pk__in=lead_ids)
                .order_by("id")
            }
            at = clock.now()
            rows = Recheck.objects.filter(pk__in=found, state=Recheck.State.PASSED).order_by("id")
            still = [
                (row, locked[row.lead_id].food)
                for row in rows
                if (locked[row.lead_id].state, locked[row.lead_id].round) == (State.CLOSED, row.round)
            ]
            _write(still, clocks.limits(at), at)
            journal.append_many([_found_missing(row, at) for row, _ in still])
        done += len(still)
        if len(found) < batch:
            break
    return done


def _found_missing(recheck: Recheck, at: datetime) -> journal.Note:
    """Written by the sweep, which says so."""
    told = {"round": recheck.round, "by_itself": True}
    return journal.Note(f"lead:{recheck.lead_id}", "lead.look_backs_scheduled", at, told)


# --- doing one -------------------------------------------------------------------------------------


def complete(
    *,
    look_back_id: int,
    by: User,
    expect: Expect,
    passed: bool,
    note: str,
    evidence: Sequence[int] = (),
    awaited: Sequence[str] = (),
) -> LookBack:
    """Do one: by the commissioner or a grid worker of the grid, or who stands in for one of them.

    Failed (反弹): the lead is reopened one severity higher, and what was still to come of this recheck is
    cancelled. Saying the same again gives the row back.

    Raises (beside `acts.perform`): NotVisible; NotAllowed `not_look_back`, `recused`; Conflict
    `look_back_over`, `too_early` (for "passed" only: what has come back may be told at any time).
    """
    if look_back_id > BIGGEST:
        raise NotVisible(UNKNOWN)
    seen = LookBack.objects.visible_to(by).filter(pk=look_back_id).values_list("lead_id", flat=True).first()
    if seen is None:
        raise NotVisible(UNKNOWN)

    def work(act: Act) -> LookBack:
        row = LookBack.objects.select_for_update().get(pk=look_back_id)
        result = LookBack.State.PASSED if passed else LookBack.State.FAILED
        if (row.by_id, row.state) == (by.pk, result):
            return row
        behalf = inspector(act)
        expect(row.version)
        _refuse(act, row, passed)
        hashes = files.add(act, ids=evidence, awaited=awaited, stage=FileStage.LOOK_BACK)
        _done(row, act, result, note, hashes, behalf)
        credit_facts.looked_back(act, row)
        shop_contacts.looked_back(act, row)
        if passed:
            act.save()
            act.tell([act.lead.assignee_id], "look_back_passed", which=row.get_number_display())
        else:
            severity = policy.severer(act.lead.severity)
            reopening.reopen_now(act, reason=note, cause=Reopening.Cause.LOOK_BACK, severity=severity)
        return row

    return perform(seen, by, work)


def _refuse(act: Act, row: LookBack, passed: bool) -> None:
    if row.state != LookBack.State.SCHEDULED:
        raise Conflict(f"这次回头看{row.get_state_display()}，不能再登记。", code="look_back_over")
    if passed and act.at < row.opens_at:
        raise Conflict("还没有到回头看的时间；如已发现反弹，请登记“反弹”。", code="too_early")


def _done(
    row: LookBack, act: Act, result: LookBack.State, note: str, hashes: list[str], behalf: int | None
) -> None:
    row.state, row.by, row.on_behalf_of_id, row.done_at = result, act.actor, behalf, act.at
    row.note, row.evidence, row.version = note, hashes, row.version + 1
    row.save(update_fields=["state", "by", "on_behalf_of", "done_at", "note", "evidence", "version"])
    clocks.meet("lead", row.lead_id, KINDS_OF[row.number], at=act.at)
    act.note(
        "lead.looked_back",
        {
            "look_back": row.pk,
            "number": row.number,
            "round": row.round,
            "result": result,
            "note": note,
            "evidence": hashes,
            "for": behalf,
        },
    )


def inspector(act: Act) -> int | None:
    """Who may look back, and for whom: commissioner or grid worker of the grid, held or stood in for; the
    lead's owner; where none of them is there, the heads of office and community.

    Raises:
        NotAllowed: `not_look_back`, `recused`.
    """
    act.refuse_recused()
    lead, people = act.lead, act.people
    if lead.assignee_id == act.by_id:
        return None
    seat = act.scope.seat(Role.COMMISSIONER, grid_id=lead.grid_id) or act.as_worker()
    if seat is None and people is not None:
        there = people.worker_ids_present or (people.commissioner_id and not people.commissioner_absent)
        if not there and not people.stand_in_id and not people.worker_stand_in_ids:
            seat = act.scope.seat(Role.OFFICE_HEAD, office_id=lead.office_id) or act.scope.seat(
                Role.COMMUNITY_HEAD, community_id=people.lead_community_id
            )
    if seat is None or lead.grid_id is None:
        raise NotAllowed("回头看由本网格的专员或网格员办理。", code="not_look_back")
    return None if seat.holder_id == act.by_id else seat.holder_id


def due_by(day_end: datetime) -> Q:
    """Look-backs still to be done that are owed by this moment."""
    return Q(state=LookBack.State.SCHEDULED, due_at__lte=day_end)
