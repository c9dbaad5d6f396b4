"""Whatever happens to a dispute in whatever order: one live clock where it is open, none where it is over.

Acts are drawn by chance (seeded) and tried by whoever may; a refusal is an answer, a fault is not. After
every step rows, clocks, stays, pauses and what the database says of them are held against each other.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from grids.demo import World
from kernel import approvals
from kernel.approvals.models import Approval
from kernel.clock import today
from kernel.deadlines.models import Deadline, Segment
from kernel.errors import DomainError
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from leads.models import Rating
from stations import agreements, escalating, official, policy, sessions, settling, surveys, testing
from stations.agreements import Word
from stations.models import (
    Dispute,
    Party,
    RefusalGround,
    Session,
    TestingKind,
    TierStay,
    WithdrawalReason,
    WordWay,
)
from stations.models.choices import CHOSEN_FAIL_REASONS
from stations.sessions import Appointment
from stations.states import OPEN, State, Tier
from tests.factories import stations as made
from tests.factories.leads import pass_time, take_any
from tests.factories.stations import NAME, PHONE, Place

pytestmark = pytest.mark.django_db
STEPS = 40
LIKELY = {
    State.NEGOTIATING: "escalate sign sign book hold wait wait fail official settle",
    State.MEDIATING: "escalate sign sign sign book hold wait wait fail official settle",
    State.AGREED: "perform break break break wait wait hold withdraw",
    State.FILED: "accept accept accept accept refuse wait wait fail",
    State.ACCEPTED: "test test test result result sign book hold wait wait fail",
    State.SETTLED: "unhappy unhappy decide decide wait",
    State.PERFORMED: "unhappy unhappy decide decide wait",
    State.NOT_REACHED: "unhappy unhappy decide decide official wait",
}
"""What is likely tried next in a state; one in ten is anything at all."""
SPOKEN = f"{NAME}（{PHONE}）来电说明"
"""What people write: with the consumer's name and number, which nothing may keep."""


class History:
    """One dispute, its people, and one act after the other."""

    def __init__(self, around: Place, world: World, seed: int) -> None:
        self.around, self.world, self.chance = around, world, random.Random(seed)
        circle = seed % 3 != 0
        if not circle:
            around.shop.circles.all().delete()
        self.row = made.taken(around, wants_official=seed % 4 == 0)

    def by(self) -> dict[str, Any]:
        around = self.around
        who = {
            Tier.OFFICIAL: around.clerk,
            Tier.CIRCLE: around.circle_mediator or around.mediator,
        }.get(Tier(self.row.tier), around.mediator)
        return {"dispute_id": self.row.pk, "by": around.again(who), "expect": take_any}

    def acts(self) -> dict[str, Callable[[], object]]:
        who, chance = self.by, self.chance
        uid = uuid.UUID(int=chance.getrandbits(128), version=4)
        word = Word(WordWay.TELEPHONE, SPOKEN) if chance.random() < 0.3 else None
        return {
            "settle": lambda: settling.settle(**who(), note=SPOKEN),
            "fail": lambda: settling.fail(**who(), reason=chance.choice(CHOSEN_FAIL_REASONS), note=SPOKEN),
            "withdraw": lambda: settling.withdraw(**who(), reason=WithdrawalReason.SOLVED, note=SPOKEN),
            "escalate": lambda: escalating.escalate(**who(), note=f"{SPOKEN}{chance.random()}"),
            "official": lambda: official.to_official(**who(), way=WordWay.TELEPHONE, note=SPOKEN),
            "accept": lambda: official.accept(
                **who(), conditions=frozenset(official.CONDITIONS), note=SPOKEN
            ),
            "refuse": lambda: official.refuse(**who(), ground=RefusalGround.HANDLED, note=SPOKEN),
            "test": lambda: testing.begin_testing(**who(), kind=TestingKind.DETECTION, institution=SPOKEN),
            "result": lambda: testing.end_testing(**who(), result=SPOKEN),
            "sign": lambda: self.sign(uid),
            "perform": lambda: agreements.perform(**who(), performed=True, note=SPOKEN),
            "break": lambda: agreements.perform(**who(), performed=False, note=SPOKEN, to_official=word),
            "book": lambda: self.book(uid),
            "hold": self.hold,
            "unhappy": self.unhappy,
            "decide": self.decide,
            "wait": lambda: pass_time(timedelta(hours=chance.choice([1, 5, 20, 30]))),
            "wait long": lambda: pass_time(timedelta(days=chance.choice([1, 2, 4, 8, 20]))),
        }

    def sign(self, uid: uuid.UUID) -> object:
        day = today() + timedelta(days=self.chance.choice([0, 0, 1, 3]))
        return agreements.agree(
            **self.by(),
            client_uid=uid,
            given=agreements.Terms(terms=f"退款给{SPOKEN}", perform_by=day),
            signatures={party: made.signature(party) for party in Party},
        )

    def book(self, uid: uuid.UUID) -> object:
        who = self.by()
        at = made.clock.now() + timedelta(hours=self.chance.choice([1, 3, 30]))
        given = Appointment(uid, who["by"].pk, Session.Place.SHOP, at, at + timedelta(hours=1), SPOKEN)
        return sessions.book(**who, given=given)

    def hold(self) -> object:
        planned = self.row.sessions.filter(state="planned").first()
        who = self.by()
        del who["dispute_id"]
        return planned and sessions.hold(
            session_id=planned.pk, **who, consumer_came=True, shop_came=True, minutes=SPOKEN
        )

    def unhappy(self) -> object:
        return surveys.record_by_telephone(
            dispute_id=self.row.pk,
            by=self.world.user(self.around.section.username),
            rating=Rating.UNSATISFIED,
            comment=SPOKEN,
        )

    def decide(self) -> object:
        row = Approval.objects.of("dispute", self.row.pk).waiting().first()
        head = self.world.head_of(self.around.number)
        return row and approvals.decide(
            approval_id=row.pk, by=head, expect=take_any, approve=self.chance.random() < 0.7
        )

    def step(self) -> None:
        acts = self.acts()
        likely = LIKELY.get(State(self.row.state), "") if self.chance.random() < 0.9 else ""
        act = self.chance.choice(likely.split() or list(acts))
        with suppress(DomainError), transaction.atomic():
            acts[act]()
        self.row.refresh_from_db()
        holds_together(self.row)


def holds_together(row: Dispute) -> None:
    clocks = Deadline.objects.filter(subject_kind="dispute", subject_id=row.pk)
    main = {one.kind: one for one in clocks.filter(parent_kind="", state__in=["running", "paused"])}
    kind = policy.clock_of(row.state, row.tier)
    over = clocks.filter(kind=kind, cycle=row.cycle, state="breached").exists()
    match State(row.state):
        case State.AGREED if over:
            assert set(main) <= {"check"}, "the day has come: somebody is asked to look"
        case State.FILED if over:
            assert not main
        case state if state in OPEN:
            assert kind is not None
            assert list(main) == [kind], (row.state, row.tier, list(main))
        case _:
            assert not main
            assert (row.due_at, row.due_is_guessed) == (None, False)
    for one in main.values():
        assert one.cycle == row.cycle
        assert row.due_at == (None if one.state == "paused" else one.due_at)
    live = clocks.filter(state__in=["running", "paused"])
    assert set(live.exclude(parent_kind="").values_list("parent_kind", flat=True)) <= set(main)
    pauses = Segment.objects.filter(deadline__in=clocks, resumed_at__isnull=True)
    assert not pauses.exclude(deadline__state="paused").exists()
    assert row.testings.filter(until__isnull=True).exists() == live.filter(state="paused").exists()
    stays = list(TierStay.objects.filter(dispute=row).order_by("cycle"))
    assert [one.cycle for one in stays] == list(range(1, row.cycle + 1))
    assert [one.cycle for one in stays if one.until is None] == ([row.cycle] if row.state in OPEN else [])
    assert (stays[-1].tier, stays[-1].station_id) == (row.tier, row.station_id)
    assert row.agreements.filter(state="signed").exists() == (row.state == State.AGREED)
    assert hasattr(row, "word") == (row.word_at is not None)
    if row.state not in OPEN:
        assert not row.sessions.filter(state="planned").exists()
    waiting = Approval.objects.of("dispute", row.pk).waiting().exists()
    assert not (waiting and row.state in OPEN)


def nobody_is_named(row: Dispute) -> None:
    """Neither journal nor notice nor row in the clear names the consumer."""
    texts = [str(one) for one in Entry.objects.filter(stream=row.stream).values_list("data", flat=True)]
    texts += [str(one) for one in OutboxMessage.objects.values_list("params", flat=True)]
    texts += [str(one) for one in Approval.objects.values_list("reason", "note", "payload")]
    for rows in (row.stays, row.sessions, row.testings, row.surveys):
        texts += [str(one) for one in rows.values()]
    texts += [str(one) for one in row.agreements.values("terms", "check_note")]
    texts += [row.end_note, row.description, getattr(getattr(row, "word", None), "note", "")]
    for text in texts:
        assert NAME not in text
        assert PHONE not in text


@pytest.mark.parametrize("seed", range(8))
def test_any_history_holds_together(around: Place, world: World, seed: int) -> None:
    history = History(around, world, seed)
    holds_together(history.row)
    for _ in range(STEPS):
        history.step()
        if history.row.state not in OPEN and history.row.tier == Tier.OFFICIAL:
            break
    nobody_is_named(history.row)
