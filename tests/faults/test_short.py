"""The short form of `make soak`: every kind of kill once, on one and on two of every process."""

from __future__ import annotations

import random

import pytest

from kernel.notices.delivery import REPEATED
from kernel.notices.models import OutboxMessage
from tests.faults.house import ONE_OF_EACH, SECONDS, SERVERS, House
from tests.faults.load import Ledger
from tests.faults.outcome import FIGURES, Outcome
from tests.faults.run import Run
from tests.journeys.phone import Phone

SEED = 20261123
ONCE_EACH = ("clock", "flush", "backend", "beat", "postgres", "redis", "worker-child", "web")
TWO_OF_EACH = ("clock", "flush", "web", "beat", "postgres", "redis", "worker")


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return Ledger()


def _must_be_well(found: Outcome) -> None:
    assert found.faults == []
    assert found.is_well
    assert tuple(found.figures) == FIGURES


def test_a_notice_whose_receipt_was_lost_is_sent_again_and_says_so(house: House, ledger: Ledger) -> None:
    """The worker dies after the group has the message and before anybody knows that it has."""
    run = Run(house, ONE_OF_EACH | SERVERS, ledger, seed=SEED)
    town = house.town(["web"])
    phone = Phone(house.stack.url, "worker-03-1", house.tokens["worker-03-1"])
    house.robots.hold()
    lead = phone.post("leads/", town.report(3, random.Random(SEED))).must_be(201).body
    phone.close()
    assert run.keeper.until(lambda: house.robots.has_caught, within_s=60)
    run.keeper.strike("worker")
    run.quiet()
    titles = [words.splitlines()[0] for words in house.robots.said_to("grid-03")]
    assert titles == [f"**新线索 {lead['number']}**", f"**新线索 {lead['number']}{REPEATED}**"]
    row = OutboxMessage.objects.get(robot__isnull=False, subject_kind="lead", subject_id=lead["id"])
    assert (row.state, row.attempts) == ("delivered", 2)
    found = run.count()
    assert found.faults == []
    assert found.figures["notices_repeated"] == 1


def test_nothing_is_lost_and_nothing_done_twice(house: House, ledger: Ledger) -> None:
    run = Run(house, ONE_OF_EACH | SERVERS, ledger, seed=SEED)
    run.under_load(ONCE_EACH, at_least=80, phones=6, pause_s=0.5, between_s=(0.2, 0.6))
    run.quiet()
    found = run.count()
    _must_be_well(found)
    assert run.keeper.kills == dict.fromkeys(ONCE_EACH, 1)
    assert OutboxMessage.objects.filter(template="leads.order_respond").exists(), "no clock ran out"


def test_the_same_with_two_of_every_process(house: House, ledger: Ledger) -> None:
    house.stack.start_all(SECONDS)
    run = Run(house, ONE_OF_EACH | SECONDS | SERVERS, ledger, seed=SEED)
    run.under_load(
        TWO_OF_EACH, at_least=40, phones=6, pause_s=0.5, between_s=(0.2, 0.6),
    )  # fmt: skip
    run.quiet()
    _must_be_well(run.count())
