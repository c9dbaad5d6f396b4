"""The short form of `make soak`: every kind of kill once, some on one and some on two of every process.

`make long` strikes every kind on one of every process, and again on two (test_every_kind.py).
"""

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
ALONE = ("clock", "backend", "worker-child", "postgres")
IN_PAIRS = ("flush", "web", "beat", "redis", "worker")


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return Ledger()


def must_be_well(found: Outcome) -> None:
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
    """Struck while there is one of each process, and under the same load while there are two."""
    run = Run(house, ONE_OF_EACH | SERVERS, ledger, seed=SEED)
    run.under_load(ALONE, at_least=50, phones=4, pause_s=0.5, between_s=(0.2, 0.6))
    run.joined_by(SECONDS)
    run.under_load(IN_PAIRS, at_least=40, phones=2, pause_s=0.5, between_s=(0.2, 0.6))
    run.quiet()
    must_be_well(run.count())
    assert run.keeper.kills == dict.fromkeys(ALONE + IN_PAIRS, 1)
    assert OutboxMessage.objects.filter(template="leads.order_respond").exists(), "no clock ran out"
