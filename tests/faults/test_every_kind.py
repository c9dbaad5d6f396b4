"""Every kind of kill on one of every process, and again on two: between test_short.py and `make soak`."""

from __future__ import annotations

import pytest

from kernel.notices.models import OutboxMessage
from tests.faults.house import ONE_OF_EACH, SECONDS, SERVERS, House
from tests.faults.load import Ledger
from tests.faults.run import Run
from tests.faults.test_short import SEED, must_be_well

pytestmark = pytest.mark.long
ONCE_EACH = ("clock", "flush", "backend", "beat", "postgres", "redis", "worker-child", "web")
TWO_OF_EACH = ("clock", "flush", "web", "beat", "postgres", "redis", "worker")


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return Ledger()


def test_nothing_is_lost_and_nothing_done_twice(house: House, ledger: Ledger) -> None:
    run = Run(house, ONE_OF_EACH | SERVERS, ledger, seed=SEED)
    run.under_load(ONCE_EACH, at_least=80, phones=6, pause_s=0.5, between_s=(0.2, 0.6))
    run.quiet()
    must_be_well(run.count())
    assert run.keeper.kills == dict.fromkeys(ONCE_EACH, 1)
    assert OutboxMessage.objects.filter(template="leads.order_respond").exists(), "no clock ran out"


def test_the_same_with_two_of_every_process(house: House, ledger: Ledger) -> None:
    house.stack.start_all(SECONDS)
    run = Run(house, ONE_OF_EACH | SECONDS | SERVERS, ledger, seed=SEED)
    run.under_load(TWO_OF_EACH, at_least=40, phones=6, pause_s=0.5, between_s=(0.2, 0.6))
    run.quiet()
    must_be_well(run.count())
