"""Intakes at the same moment: the third of a shop is told once, one form is one dispute."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

from django.db import connection

from stations import intake
from stations.models import Dispute, HotShop
from tests.factories import stations as made
from tests.factories.grids import make_world


def together(works: list[Callable[[], object]]) -> list[BaseException]:
    """Run each in a thread and a connection of its own; what went wrong."""
    wrong: list[BaseException] = []

    def one(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - shown by the assertion of the test
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def test_at_once(committed_db: str) -> None:
    around = made.place(make_world(), 1)
    assert together([lambda: made.taken(around)] * 4) == []
    assert Dispute.objects.count() == 4
    assert HotShop.objects.get().disputes == 3
    uid = uuid.uuid4()
    given = made.given(around, client_uid=uid)
    taken: list[intake.Taken] = []

    def send() -> None:
        taken.append(intake.take_public(given, station=around.station, files_by=around.mediator))

    assert together([send] * 4) == []
    assert sorted(one.created for one in taken) == [False, False, False, True]
    assert {one.dispute.pk for one in taken} == {Dispute.objects.get(client_uid=uid).pk}
