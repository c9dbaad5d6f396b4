"""Every allowed and every forbidden pair of (move, state), through the services and over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from grids.demo import World
from kernel import approvals, clock
from kernel.accounts.models import User
from kernel.approvals.models import Approval
from kernel.errors import Conflict, NotAllowed
from leads import (
    dispatch,
    interim,
    lifecycle,
    merging,
    pauses,
    rechecks,
    reclassification,
    recusal,
    rejection,
    reopening,
    settling,
    states,
)
from leads.acts import Act
from leads.interim import Interim
from leads.models import Lead, RejectReason, SuspendReason
from leads.states import MOVES, OPEN, OVER, Move, State
from tests.factories import leads as made
from tests.factories.after import ordered
from tests.factories.leads import take_any
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db

NOBODY_OWNS = {
    (move, State.REPORTED)
    for move in (
        Move.RESPOND,
        Move.CONTROL,
        Move.FEED_BACK,
        Move.SETTLE,
        Move.INTERIM,
        Move.SUSPEND,
        Move.RESUME,
        Move.EXTEND,
        Move.REJECT,
    )
}
"""On the desk a lead has no assignee, so these are refused for the person, whoever asks."""
NOTHING_TO_SIGN = {(Move.CONFIRM_HANDOVER, State.CLOSED)}
"""A closed lead has all its signatures: confirming once more does nothing and is no refusal."""
ONLY_WRITTEN = {(Move.RECUSE, State.REPORTED)}
"""Who owns nothing moves nothing by recusing himself: it is written down (test_recusal)."""


# --- the table itself ------------------------------------------------------------------------------


def test_every_move_has_a_label_and_starts_somewhere() -> None:
    assert set(MOVES) == set(Move) == set(states.LABELS)
    assert all(MOVES.values())


AFTERWARDS = {
    State.CLOSED: {Move.RECHECK, Move.REOPEN},
    State.REJECTED: set(),
    State.MERGED: {Move.UNMERGE},
}
"""What may still happen to a lead that is over."""


def test_what_is_over_moves_no_more_and_everything_open_can() -> None:
    for state in OVER:
        assert {move for move in Move if states.allowed(move, state)} == AFTERWARDS[state], state
    for state in OPEN:
        assert [move for move in Move if states.allowed(move, state)], state
    assert set(OPEN) | set(OVER) == set(State)


def test_every_state_is_reached_from_the_first() -> None:
    reached, before = {State.REPORTED}, set()
    while reached != before:
        before = set(reached)
        reached |= {to for move in Move for frm in before for to in states.targets(move, frm)}
    assert reached == set(State)


def test_where_the_table_names_several_the_mover_must_choose() -> None:
    assert states.target(Move.REOPEN, State.CLOSED, State.DISPATCHED) == State.DISPATCHED
    for wrong in (None, State.CLOSED):
        with pytest.raises(ValueError, match="reopen"):
            states.target(Move.REOPEN, State.CLOSED, wrong)


def test_a_forbidden_move_says_where_the_lead_stands() -> None:
    with pytest.raises(Conflict, match="待派单") as refused:
        states.target(Move.VERIFY, State.REPORTED)
    assert (refused.value.code, refused.value.status) == ("wrong_state", 409)


# --- every pair through the services ---------------------------------------------------------------


def marked(world: World, state: State, **columns: Any) -> Lead:
    """A responded lead whose row says `state`: enough to be refused by everything that asks the table."""
    lead = made.responded(world, by=world.clerk_of(1).username)
    Lead.objects.filter(pk=lead.pk).update(state=state, **columns)
    lead.refresh_from_db()
    return lead


def lead_in(world: World, state: State) -> Lead:
    """A lead of grid 1 that the clerk took in (no community slot is signed before it closes)."""
    by: dict[str, Any] = {"by": world.clerk_of(1).username, "fixed_on_spot": True}
    at = clock.now()
    make: dict[State, Callable[[], Lead]] = {
        State.REPORTED: lambda: made.on_desk(world, **by),
        State.DISPATCHED: lambda: made.reported(world, **by),
        State.RESPONDED: lambda: made.responded(world, **by),
        State.FED_BACK: lambda: made.fed_back(world, **by),
        State.CLOSED: lambda: ordered(world, **by),
        State.SUSPENDED: lambda: marked(
            world, state, suspended_at=at, suspended_until=at + timedelta(days=3)
        ),
        State.REJECTED: lambda: marked(world, state, rejected_at=at),
        State.MERGED: lambda: merged(world, made.responded(world, **by)),
    }
    return make[state]()


def merged(world: World, lead: Lead) -> Lead:
    """Merged into another of the same place and category, on the desk where it lies there itself."""
    clerk = world.clerk_of(1)
    other = (made.on_desk if lead.state == State.REPORTED else made.reported)(world, by=clerk.username)
    return merging.merge(lead_id=lead.pk, by=clerk, expect=take_any, into_id=other.pk)


def approved(lead: Lead, by: User) -> None:
    """What was asked about this lead, approved by whom it waits for."""
    row = Approval.objects.waiting().get(subject_kind="lead", subject_id=lead.pk)
    approvals.decide(approval_id=row.pk, by=by, approve=True, expect=take_any)


SIGNED_BY_NOBODY = {Move.CONFIRM_HANDOVER, Move.EXTEND}
"""Moves that change nothing people sign: the version stays."""
Mover = Callable[[World, Lead, dict[str, Any]], Any]


def backup(world: World, lead: Lead) -> User:
    """The commissioner's backup (B角): he may, and has signed nothing on this lead yet, so that no
    earlier signature answers in the state's stead."""
    return world.commissioner(2) if lead.assignee_id else world.head_of(1)


MOVERS: dict[Move, Mover] = {
    Move.DISPATCH: lambda w, lead, c: dispatch.dispatch(
        by=w.clerk_of(1), assignee_id=w.head_of(1).pk, reason="专员外出", **c
    ),
    Move.HAND_ON: lambda w, lead, c: hand_on(lead),
    Move.RESPOND: lambda w, lead, c: lifecycle.respond(by=backup(w, lead), **c),
    Move.CONFIRM_HANDOVER: lambda w, lead, c: lifecycle.confirm_handover(by=w.worker(1, 3), **c),
    Move.CONTROL: lambda w, lead, c: lifecycle.control(by=backup(w, lead), note="已封存", **c),
    Move.FEED_BACK: lambda w, lead, c: lifecycle.feed_back(by=backup(w, lead), outcome=made.GUIDED, **c),
    Move.VERIFY: lambda w, lead, c: lifecycle.verify(by=w.worker(1, 3), **c),
    Move.REWORK: lambda w, lead, c: lifecycle.rework(by=w.worker(1, 3), reason="没有改好", **c),
    Move.SETTLE: lambda w, lead, c: settling.settle(by=backup(w, lead), outcome=made.GUIDED, **c),
    Move.INTERIM: lambda w, lead, c: interim.give(
        by=backup(w, lead),
        interim=Interim("已查看", "待检验", clock.now() + timedelta(days=3)),
        **c,
    ),
    Move.RECUSE: lambda w, lead, c: recusal.recuse(
        by=lead.assignee or w.head_of(1), reason="店主是我亲属", **c
    ),
    Move.MERGE: lambda w, lead, c: merged(w, lead),
    Move.UNMERGE: lambda w, lead, c: merging.unmerge(by=w.clerk_of(1), reason="不是一回事", **c),
    Move.RECHECK: lambda w, lead, c: rechecks.recheck(by=backup(w, lead), passed=True, note="已改好", **c),
    Move.REOPEN: lambda w, lead, c: reopening.reopen(by=w.head_of(1), reason="又有问题", **c),
    Move.SUSPEND: lambda w, lead, c: approved(
        pauses.suspend(
            by=backup(w, lead),
            reason_kind=SuspendReason.TEST_RESULT,
            until=clock.now() + timedelta(days=2),
            **c,
        ),
        w.head_of(1),
    ),
    Move.RESUME: lambda w, lead, c: pauses.resume(by=backup(w, lead), **c),
    Move.EXTEND: lambda w, lead, c: approved(
        pauses.extend(
            by=backup(w, lead), until=lead.feedback_due_at + timedelta(days=1), reason="待检验", **c
        ),
        w.head_of(1),
    ),
    Move.RECLASSIFY: lambda w, lead, c: reclassification.reclassify(
        by=w.clerk_of(1), category="Q01", reason="现场核实", **c
    ),
    Move.REJECT: lambda w, lead, c: approved(
        rejection.reject(by=backup(w, lead), reason_kind=RejectReason.UNTRUE, note="无此情况", **c),
        w.worker(1, 3),
    ),
}
"""Each move made by somebody who may, and who has signed nothing on this lead yet."""
PAIRS = [(move, state) for move in Move if move in MOVERS for state in State]


def make_move(world: World, move: Move, lead: Lead) -> Any:
    return MOVERS[move](world, lead, {"lead_id": lead.pk, "expect": take_any})


def hand_on(lead: Lead) -> None:
    with transaction.atomic():
        held = Lead.objects.select_for_update().get(pk=lead.pk)
        dispatch.hand_on(Act(held, None, clock.now(), []), why="岗位变动", leaving_id=lead.assignee_id)


def test_the_backup_of_commissioner_1_is_commissioner_2(world: World) -> None:
    assert world.posting_of("commissioner-01").backup_id == world.commissioner(2).pk


@pytest.fixture(params=State, ids=lambda state: str(state.value))
def standing(world: World, request: pytest.FixtureRequest) -> Lead:
    """One lead in each state: what is tried on it is taken back, building it costs ten times as much."""
    lead = lead_in(world, request.param)
    assert lead.state == request.param
    return lead


def test_allowed(world: World, standing: Lead) -> None:
    state, before = State(standing.state), as_row(standing)
    for move in [one for one, there in PAIRS if there == state and state in MOVES[one]]:
        with transaction.atomic():
            make_move(world, move, standing)
            after = as_row(standing)
            assert after["state"] in states.targets(move, state), move
            assert after["version"] == before["version"] + (move not in SIGNED_BY_NOBODY), move
            transaction.set_rollback(True)
        standing.refresh_from_db()
        assert as_row(standing) == before


def test_forbidden(world: World, standing: Lead) -> None:
    state, before = State(standing.state), as_row(standing)
    left_out = NOBODY_OWNS | NOTHING_TO_SIGN | ONLY_WRITTEN
    for move, there in PAIRS:
        if there != state or state in MOVES[move] or (move, there) in left_out:
            continue
        with pytest.raises(Conflict) as refused, transaction.atomic():
            make_move(world, move, standing)
        assert (refused.value.code, refused.value.status) == ("wrong_state", 409), move
        assert as_row(standing) == before, move


@pytest.mark.parametrize(("move", "state"), sorted(NOBODY_OWNS), ids=lambda v: str(v.value))
def test_forbidden_while_nobody_owns_it(world: World, move: Move, state: State) -> None:
    lead = lead_in(world, state)
    before = as_row(lead)
    with pytest.raises(NotAllowed) as refused, transaction.atomic():
        make_move(world, move, lead)
    assert refused.value.code == "not_assignee"
    assert as_row(lead) == before


def test_confirming_a_closed_lead_does_nothing(world: World) -> None:
    lead = lead_in(world, State.CLOSED)
    before = as_row(lead), lead.signatures.count()
    make_move(world, Move.CONFIRM_HANDOVER, lead)
    assert (as_row(lead), lead.signatures.count()) == before


def as_row(lead: Lead) -> dict[str, Any]:
    return Lead.objects.filter(pk=lead.pk).values().get()


# --- three personas over HTTP ----------------------------------------------------------------------

DISPOSAL = {"disposal": {"kind": "guided", "note": "已当场提醒"}}
ACTS = [
    ("respond", State.DISPATCHED, {"plan": "appointment"}, "commissioner-01", "worker-01-1"),
    ("confirm-handover", State.DISPATCHED, {}, "worker-01-2", "commissioner-01"),
    ("control", State.RESPONDED, {"note": "已封存"}, "commissioner-01", "worker-01-1"),
    ("feedback", State.RESPONDED, DISPOSAL, "commissioner-01", "worker-01-1"),
    ("verify", State.FED_BACK, {}, "worker-01-2", "commissioner-01"),
    ("rework", State.FED_BACK, {"reason": "没有改好"}, "worker-01-2", "commissioner-01"),
    ("settle", State.DISPATCHED, DISPOSAL, "commissioner-01", "worker-01-1"),
    ("unmerge", State.MERGED, {"reason": "不是一回事"}, "clerk-01", "worker-01-1"),
    ("correction", State.CLOSED, {"note": "已改好"}, "worker-01-3", "clerk-01"),
    ("recheck", State.CLOSED, {"passed": True, "note": "已改好"}, "commissioner-01", "worker-01-1"),
    ("reopen", State.CLOSED, {"reason": "又有问题"}, "office-01", "commissioner-01"),
    ("dispatch", State.DISPATCHED, {"reason": "专员外出"}, "clerk-01", "commissioner-01"),
]
OUTSIDERS = ("worker-21-1", "commissioner-21", "clerk-04", "community-17", "police", "admin", "keeper")


@pytest.mark.parametrize(("act", "state", "data", "may", "colleague"), ACTS, ids=[one[0] for one in ACTS])
def test_who_may_the_colleague_the_outsider(
    world: World, api: Api, act: str, state: State, data: dict[str, Any], may: str, colleague: str
) -> None:
    lead = lead_in(world, state)
    if act == "dispatch":
        data = data | {"assignee": world.head_of(1).pk}
    path = f"leads/{lead.pk}/{act}/"
    assert api.post(None, path, data, lead.version).status_code == 401
    for outsider in OUTSIDERS:
        answer = api.post(world.user(outsider), path, data, lead.version)
        assert (answer.status_code, code_of(answer)) == (404, "not_found"), outsider
    for watcher in (colleague, "auditor", "leader"):
        assert api.post(world.user(watcher), path, data, lead.version).status_code == 403, watcher
    answer = api.post(world.user(may), path, data, lead.version)
    assert answer.status_code == 200, answer.content
    assert answer.json()["id"] == lead.pk
