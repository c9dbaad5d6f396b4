"""The small living demo: made through the services, whole, and still running when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from grids.models import BusinessEntity, Grid
from kernel.accounts.models import User
from kernel.clock.models import ClockOffset
from kernel.deadlines.models import Deadline, PoisonRow
from kernel.evidence.models import Evidence
from kernel.journal.verify import verify
from leads import signing
from leads.models import Lead, Signature, SupervisionOrder
from leads.states import State
from stations.models import Station
from suoshe import demo

pytestmark = pytest.mark.django_db
MAIN_ROAD = {State.REPORTED, State.DISPATCHED, State.RESPONDED, State.FED_BACK, State.CLOSED}


@pytest.fixture
def empty_media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.mark.usefixtures("empty_media")
def test_the_demo_is_whole_and_its_clocks_are_running() -> None:
    demo.build(entities=40)

    assert (Grid.objects.count(), Station.objects.count(), BusinessEntity.objects.count()) == (21, 25, 40)
    assert set(Lead.objects.values_list("state", flat=True)) >= MAIN_ROAD
    assert set(SupervisionOrder.objects.values_list("state", flat=True)) == {"open", "lifted"}
    assert SupervisionOrder.objects.filter(level="bureau").exists()
    assert Evidence.objects.exists()
    running = Deadline.objects.filter(state="running")
    assert {"respond", "feedback", "desk", "verify"} <= set(running.values_list("kind", flat=True))

    assert verify() is None
    assert not PoisonRow.objects.exists()
    assert signing.verify_digests(Signature.objects.all()) == []
    assert not ClockOffset.objects.get().ahead, "the house's clock is put back"
    for username in ("bureau", "office-01", "commissioner-21", "worker-21-3", "station-25", "admin"):
        assert User.objects.filter(username=username).exists()

    with pytest.raises(CommandError, match="已有业务数据"):
        call_command("seed_demo", force=2)


def test_the_demo_refuses_a_production_database_unless_told_twice(settings: Any) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="正式环境"):
        call_command("seed_demo", force=1)
    assert not Grid.objects.exists()
