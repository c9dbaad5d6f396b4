"""复查、销号: is the rectification done? (DESIGN.md §3, DOMAIN.md §3)

`rectify` runs to the ordered date from the feedback on; `recheck` begins with the closing and is due
within 3 working days after that date. The office finds it done, a grid worker countersigns: only then is
the lead cleared (销号) and its look-backs scheduled. Not done: a new round.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from grids.roles import Role
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.policy import WorkingCalendar
from kernel.errors import Conflict, Malformed, NotAllowed, Refused
from leads import credit_facts, dispatch, files, look_backs, reopening, shop_contacts, signing, supervision
from leads.acts import Act, Expect, perform
from leads.models import (
    Correction,
    Disposal,
    DisposalKind,
    FileStage,
    Lead,
    Recheck,
    Reopening,
    Side,
)
from leads.states import Move, State
from leads.verifiers import Verifier, worker_or_head

INSTANT = timedelta(microseconds=1)


def ordered(act: Act, disposal: Disposal) -> None:
    """责令改正 was fed back: the clock of the ordered date begins."""
    if disposal.rectify_due_at is not None:
        _arm(act, "rectify", disposal.rectify_due_at)


def begin(act: Act) -> None:
    """The lead is being closed: where its round ordered a rectification, the recheck's clock begins.

    Due at the end of the third working day after the ordered date, or after the closing where that is
    later: who rechecks does not answer for a verification that came late.
    """
    disposal = rectification(act.lead)
    if disposal is None or disposal.rectify_due_at is None:
        return
    start = max(disposal.rectify_due_at - INSTANT, act.at)
    limit = act.limits["recheck"]
    due_at = arithmetic.due(limit, start, clocks.calendar())
    clocks.arm(
        clocks.with_warning(
            limit,
            subject_kind="lead",
            subject_id=act.lead.pk,
            kind="recheck",
            cycle=act.lead.round,
            armed_at=act.at,
            due_at=due_at,
        )
    )


def rectification(lead: Lead) -> Disposal | None:
    """The order to rectify of the present round, or None."""
    return Disposal.objects.filter(lead=lead, round=lead.round, kind=DisposalKind.RECTIFY).first()


def _needed(lead: Lead) -> Disposal:
    disposal = rectification(lead)
    if disposal is None:
        raise Conflict("这条线索没有责令改正，不需要复查。", code="nothing_to_recheck")
    if lead.cleared_at is not None:
        raise Conflict("这条线索已复查通过并销号。", code="cleared_already")
    return disposal


def _arm(act: Act, kind: str, due_at: datetime) -> None:
    cycle, version = act.lead.round, act.limits[kind].version
    clocks.arm(
        [
            clocks.running(
                "lead", act.lead.pk, kind, cycle=cycle, armed_at=act.at, due_at=due_at, version=version
            )
        ]
    )


# --- proof of correction ---------------------------------------------------------------------------


def correct(
    *,
    lead_id: int,
    by: User,
    expect: Expect,
    note: str,
    evidence: Sequence[int] = (),
    awaited: Sequence[str] = (),
) -> Lead:
    """整改证明: a grid worker or the office hands in proof; in time it meets `rectify`.

    Raises (beside `acts.perform`): NotAllowed `not_rechecker`, `recused`; Conflict `wrong_state`,
    `nothing_to_recheck`, `cleared_already`.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        if act.as_worker() is None:
            rechecker(act)
        expect(lead.version)
        if lead.state not in (State.FED_BACK, State.CLOSED):
            raise Conflict(f"线索目前为“{State(lead.state).label}”，不能提交整改证明。", code="wrong_state")
        disposal = _needed(lead)
        hashes = files.add(act, ids=evidence, awaited=awaited, stage=FileStage.CORRECTION)
        in_time = disposal.rectify_due_at is not None and act.at < disposal.rectify_due_at
        Correction.objects.create(
            lead=lead, round=lead.round, note=note, evidence=hashes, in_time=in_time, by=by, at=act.at
        )
        clocks.meet("lead", lead.pk, ["rectify"], at=act.at)
        act.save()
        credit_facts.corrected(act, in_time=in_time)
        act.note("lead.corrected", {"note": note, "evidence": hashes, "in_time": in_time})
        act.tell([lead.assignee_id, *_commissioner(act)], "corrected")
        return lead

    return perform(lead_id, by, work)


def _commissioner(act: Act) -> list[int | None]:
    return [] if act.people is None else [act.people.commissioner_id, act.people.stand_in_id]


# --- the office's side -----------------------------------------------------------------------------


def rechecker(act: Act) -> int | None:
    """For whom this person may recheck: the owner or who stands in for him; the grid's present
    commissioner or who stands in; the office's desk where the grid has nobody (nothing waits).

    Raises:
        NotAllowed: `not_rechecker`, `recused`.
    """
    act.refuse_recused()
    try:
        return act.as_owner()
    except NotAllowed:
        pass
    lead, people = act.lead, act.people
    seat = None
    if lead.grid_id is not None:
        seat = act.scope.seat(Role.COMMISSIONER, grid_id=lead.grid_id)
    if seat is None and lead.office_id is not None and not _somebody(act):
        found = (act.scope.seat(role, office_id=lead.office_id) for role in dispatch.PLACES)
        seat = next((one for one in found if one is not None), None)
    if seat is None or people is None:
        raise NotAllowed("复查由承办人或本网格现任专员办理。", code="not_rechecker")
    return None if seat.holder_id == act.by_id else seat.holder_id


def _somebody(act: Act) -> bool:
    people = act.people
    if people is None or people.commissioner_id is None:
        return False
    return not people.commissioner_absent or people.stand_in_id is not None


def recheck(
    *,
    lead_id: int,
    by: User,
    expect: Expect,
    passed: bool,
    note: str,
    evidence: Sequence[int] = (),
    awaited: Sequence[str] = (),
    countersigner_id: int | None = None,
) -> Lead:
    """复查 by the office. "Passed" waits for a grid worker's countersignature on his own phone
    (`countersigner_id` names whom to ask; any of the grid may answer); "failed" begins a new round at
    once. Saying it again changes nothing.

    Raises (beside `acts.perform`): NotAllowed `not_rechecker`, `recused`; Conflict `wrong_state`,
    `nothing_to_recheck`, `cleared_already`, `rechecked_already`, `same_person`, `too_early` (failed
    before the ordered date, with no proof handed in); Refused `not_grid_worker`.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        if _said_already(lead, by, passed):
            return lead
        behalf = rechecker(act)
        expect(lead.version)
        act.move(Move.RECHECK)
        disposal = _needed(lead)
        if Recheck.objects.filter(lead=lead, round=lead.round).exists():
            raise Conflict("本轮已经复查，正等待网格员会签。", code="rechecked_already")
        signing.refuse_other_side(lead, Side.OFFICE, by)
        if not passed:
            _refuse_before_date(act, disposal)
        asked = _asked(act, countersigner_id)
        hashes = files.add(act, ids=evidence, awaited=awaited, stage=FileStage.RECHECK)
        row = Recheck.objects.create(
            lead=lead,
            round=lead.round,
            state=Recheck.State.WAITING if passed else Recheck.State.FAILED,
            note=note,
            evidence=hashes,
            by=by,
            on_behalf_of_id=behalf,
            at=act.at,
        )
        clocks.meet("lead", lead.pk, ["recheck"], at=act.at)
        shop_contacts.rechecked(act, row.round)
        told = {"result": row.state, "note": note, "evidence": hashes, "for": behalf, "round": row.round}
        act.note("lead.rechecked", told)
        if passed:
            _wait_for_countersignature(act, asked)
        else:
            reopening.reopen_now(act, reason=note, cause=Reopening.Cause.RECHECK)
        return lead

    return perform(lead_id, by, work)


def _said_already(lead: Lead, by: User, passed: bool) -> bool:
    """Has this person said just this? A failed one has begun a new round since."""
    row = Recheck.objects.filter(lead=lead, by=by).order_by("-round").first()
    if row is None or (row.state == Recheck.State.FAILED and row.countersigned_by_id is None) == passed:
        return False
    return row.round == lead.round if passed else _began_this_round(lead, row.at)


def _began_this_round(lead: Lead, at: datetime | None) -> bool:
    """Did what was said at this moment begin the round that goes on? Once that is closed, it is said anew."""
    return lead.reopened_at == at and lead.state != State.CLOSED


def _refuse_before_date(act: Act, disposal: Disposal) -> None:
    due = disposal.rectify_due_at
    proved = Correction.objects.filter(lead=act.lead, round=act.lead.round).exists()
    if due is not None and act.at < due and not proved:
        raise Conflict("整改期限还没有到，不能认定整改不合格。", code="too_early")


def _asked(act: Act, countersigner_id: int | None) -> list[int]:
    people = act.people
    workers = [] if people is None else [*people.worker_ids, *people.worker_stand_in_ids]
    if countersigner_id is None:
        return workers
    if countersigner_id not in workers:
        raise Refused("会签人应是本网格的网格员。", code="not_grid_worker", attr="countersigned_by")
    return [countersigner_id]


def _wait_for_countersignature(act: Act, asked: list[int]) -> None:
    due_at = arithmetic.due(act.limits["countersign"], act.at, WorkingCalendar())
    _arm(act, "countersign", due_at)
    act.save()
    people = act.people
    heads = [] if people is None or people.worker_ids_present else people.community_head_ids
    act.tell([*asked, *heads], "countersign", countersign_due_at=due_at.isoformat())
    supervision.lift_settled(act)


# --- the community's side --------------------------------------------------------------------------


def countersigner(act: Act, row: Recheck) -> Verifier:
    """Who may countersign: a grid worker of the grid; the lead community's head once the time is over, or
    at once where nobody is there. Raises NotAllowed `not_verifier`, `recused`, `too_early`."""
    head_from = arithmetic.due(act.limits["countersign"], row.at, WorkingCalendar())
    return worker_or_head(act, head_from, "复查满24小时未会签后，社区书记方可代为会签。")


def countersign(*, lead_id: int, by: User, expect: Expect, agree: bool = True, note: str = "") -> Lead:
    """会签: the community agrees that it is done – cleared, look-backs scheduled – or not: a new round.

    Raises (beside `acts.perform`): NotAllowed `not_verifier`, `too_early`, `recused`; Conflict
    `wrong_state`, `nothing_to_countersign`, `same_person`; Malformed `reason_required`.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        if _countersigned_already(lead, by, agree):
            return lead
        row = Recheck.objects.filter(lead=lead, round=lead.round, state=Recheck.State.WAITING).first()
        if row is None:
            act.move(Move.RECHECK)
            raise Conflict("目前没有等待会签的复查。", code="nothing_to_countersign")
        who = countersigner(act, row)
        expect(lead.version)
        act.move(Move.RECHECK)
        signing.refuse_other_side(lead, Side.COMMUNITY, by)
        if not note and (who.in_stead or not agree):
            raise Malformed("不同意或代为会签的，须说明原因。", code="reason_required", attr="note")
        _write_countersignature(act, row, who, agree, note)
        if agree:
            _clear(act, row)
        else:
            reopening.reopen_now(act, reason=note, cause=Reopening.Cause.RECHECK)
        return lead

    return perform(lead_id, by, work)


def _countersigned_already(lead: Lead, by: User, agree: bool) -> bool:
    row = Recheck.objects.filter(lead=lead, countersigned_by=by).order_by("-round").first()
    if row is None or (row.state == Recheck.State.PASSED) != agree:
        return False
    return row.round == lead.round if agree else _began_this_round(lead, row.countersigned_at)


def _write_countersignature(act: Act, row: Recheck, who: Verifier, agree: bool, note: str) -> None:
    row.state = Recheck.State.PASSED if agree else Recheck.State.FAILED
    row.countersigned_by, row.countersigned_for_id = act.actor, who.on_behalf_of_id
    row.countersigned_at, row.countersign_note = act.at, note
    row.save(
        update_fields=[
            "state", "countersigned_by", "countersigned_for", "countersigned_at", "countersign_note",
        ]
    )  # fmt: skip
    told = {"agree": agree, "note": note, "for": who.on_behalf_of_id, "in_stead": who.in_stead}
    act.note("lead.recheck_countersigned", {**told, "round": row.round})


def _clear(act: Act, row: Recheck) -> None:
    """销号: cleared, and from now on looked back at."""
    act.lead.cleared_at = act.at
    clocks.meet("lead", act.lead.pk, ["countersign", "recheck", "rectify"], at=act.at)
    act.save("cleared_at")
    credit_facts.cleared(act)
    look_backs.schedule(act, row)
    supervision.lift_settled(act)
    act.tell([act.lead.assignee_id, row.by_id, act.lead.reported_by_id], "cleared")
