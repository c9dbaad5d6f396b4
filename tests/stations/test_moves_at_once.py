"""Moves at the same moment, on connections of their own: one takes effect, nobody meets a fault."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from kernel import clock
from kernel.deadlines.models import Deadline
from kernel.deadlines.sweep import sweep
from kernel.errors import DomainError
from stations import agreements, sessions, settling
from stations.models import Agreement, Dispute, Party, Session, WithdrawalReason
from stations.sessions import Appointment
from tests.factories import stations as made
from tests.factories.grids import make_world
from tests.factories.leads import take_any
from tests.factories.stations import Place
from tests.stations.test_intake_at_once import together


def answers(works: list[Callable[[], object]]) -> list[str]:
    """What each was answered: `ok`, or the code of the refusal. Anything else is a fault."""
    found: list[str] = []

    def one(work: Callable[[], object]) -> None:
        try:
            work()
            found.append("ok")
        except DomainError as refused:
            found.append(refused.code)

    assert together([lambda work=work: one(work) for work in works]) == []  # type: ignore[misc]
    return sorted(found)


def sign(around: Place, row: Dispute, uid: uuid.UUID) -> Agreement:
    return agreements.agree(
        dispute_id=row.pk,
        by=around.again(around.mediator),
        expect=take_any,
        client_uid=uid,
        given=agreements.Terms(terms="退款", perform_by=clock.today()),
        signatures={party: made.signature(party) for party in Party},
    )


def book(around: Place, row: Dispute, uid: uuid.UUID, hour: int) -> Session:
    starts_at = clock.now().replace(microsecond=0) + timedelta(days=1, hours=hour)
    given = Appointment(
        client_uid=uid,
        mediator_id=around.mediator.pk,
        place=Session.Place.STATION,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
    )
    return sessions.book(dispute_id=row.pk, by=around.again(around.mediator), expect=take_any, given=given)


def test_at_once(committed_db: str) -> None:
    around = made.place(make_world(), 1)
    first, second, third, other, last = (made.taken(around) for _ in range(5))

    uid = uuid.uuid4()
    assert answers([lambda: sign(around, first, uid)] * 3) == ["ok", "ok", "ok"]
    assert Agreement.objects.filter(dispute=first).count() == 1

    uid = uuid.uuid4()
    assert answers([lambda: sign(around, second, uid), lambda: sign(around, third, uid)]) == [
        "client_uid_conflict",
        "ok",
    ], "one number names one agreement, whatever the dispute"

    uid = uuid.uuid4()
    booked = answers([lambda: book(around, last, uid, 2), lambda: book(around, other, uid, 5)])
    assert booked == ["client_uid_conflict", "ok"]

    who: dict[str, Any] = {"dispute_id": last.pk, "expect": take_any}
    mediator, head = around.mediator, around.community_head
    said = answers(
        [
            lambda: settling.settle(by=around.again(mediator), **who),
            lambda: settling.withdraw(by=around.again(head), reason=WithdrawalReason.SOLVED, **who),
        ]
    )
    assert said == ["ok", "wrong_state"]
    assert not Deadline.objects.filter(subject_id=last.pk, state__in=["running", "paused"]).exists()


def test_a_settlement_and_the_sweep_meet_when_the_time_is_over(committed_db: str) -> None:
    """Who comes in time settles; who comes late finds it with the community. Never both."""
    around = made.place(make_world(), 1)
    rows = [made.taken(around) for _ in range(6)]
    due_at = Deadline.objects.get(subject_id=rows[0].pk, kind="shop").due_at
    Deadline.objects.filter(subject_kind="dispute", kind="shop").update(due_at=due_at)
    clock.travel(due_at - clock.now() - timedelta(milliseconds=30))
    settled: list[Callable[[], object]] = [
        lambda row=row: settling.settle(  # type: ignore[misc]
            dispute_id=row.pk, by=around.again(around.mediator), expect=take_any
        )
        for row in rows
    ]
    answers([*settled, *[lambda: sweep(look_back=None)] * 3])
    while sweep(look_back=None):
        pass
    for row in Dispute.objects.all():
        live = Deadline.objects.filter(
            subject_kind="dispute", subject_id=row.pk, parent_kind="", state="running"
        )
        expected = [] if row.state == "settled" else ["community"]
        assert [one.kind for one in live] == expected
        assert row.stays.filter(until__isnull=True).count() == len(expected)
