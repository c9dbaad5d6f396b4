"""Several graders at once, on connections of their own: no fact is lost, nothing is moved twice."""

from __future__ import annotations

import threading
import time
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from credit import grading, grading_runs, ledger
from credit.facts import FactKind
from credit.ledger import NewFact
from credit.models import (
    CreditAssessment,
    CreditFact,
    CreditScheme,
    CreditStanding,
    DirtyEntity,
    GradingRun,
)
from grids.models import BusinessEntity
from kernel import clock
from kernel.journal.verify import verify
from tests.kernel.at_once import at_once

FACT = CreditAssessment.Trigger.FACT


def shops(number: int) -> list[int]:
    made = BusinessEntity.objects.bulk_create(
        BusinessEntity(name=f"商户{n}", kind="STALL", code=f"W{n:09}", filed_on=date(2024, 1, 1))
        for n in range(number)
    )
    return [shop.pk for shop in made]


def listed(entity_id: int, level: str = "LISTED") -> NewFact:
    return NewFact(
        entity_id, FactKind.BLACKLISTED, f"list:{entity_id}", clock.now(), f"list:{entity_id}:{level}", level
    )


def test_two_graders_of_the_same_businesses_write_once(committed_db: str) -> None:
    ids = shops(200)
    with transaction.atomic():
        at = clock.now()
    outcomes = at_once([partial(grading.regrade, order, at=at, trigger=FACT) for order in (ids, ids[::-1])])
    assert sorted(len(moves) for moves in outcomes) == [0, 200]
    with transaction.atomic():
        ledger.record_many([listed(number) for number in ids])
    answered = at_once([grading.regrade_dirty] * 3)
    assert sum(answered) == 200
    assert not DirtyEntity.objects.exists()
    assert set(CreditStanding.objects.values_list("effective_grade", flat=True)) == {"D"}
    assert CreditAssessment.objects.count() == 400
    assert verify() is None


def test_a_fact_told_while_its_business_is_graded_is_not_lost(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The grader has read the facts; then another is told and committed; then the grader writes."""
    (shop,) = shops(1)
    with transaction.atomic():
        ledger.mark_dirty([shop], clock.now())
    read, told = threading.Event(), threading.Event()
    decide = grading._decide

    def slowly(*args: Any) -> Any:
        found = decide(*args)
        read.set()
        assert told.wait(20)
        return found

    monkeypatch.setattr(grading, "_decide", slowly)

    def tell() -> None:
        assert read.wait(20)
        with transaction.atomic():
            ledger.record(listed(shop))
        told.set()

    at_once([grading._answer_marks, tell])
    assert CreditStanding.objects.get().effective_grade == "B"
    assert DirtyEntity.objects.count() == 1
    monkeypatch.setattr(grading, "_decide", decide)
    assert grading.regrade_dirty() == 1
    assert CreditStanding.objects.get().effective_grade == "D"


WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"


def test_who_waited_for_another_grades_by_the_scheme_of_now(committed_db: str) -> None:
    """A grading waits for the business; meanwhile a new scheme takes effect and commits."""
    (shop,) = shops(1)
    with transaction.atomic():
        at = clock.now()
    old = CreditScheme.objects.get(state="IN_FORCE")
    new = CreditScheme.objects.create(version=2, title="新方案", rules=old.rules, drafted_at=at)
    held = threading.Event()

    def takes_effect() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            BusinessEntity.objects.select_for_update(no_key=True).get(pk=shop)
            held.set()
            for _ in range(1000):
                cursor.execute(WAITS)
                if cursor.fetchone()[0]:
                    break
                time.sleep(0.01)
            CreditScheme.objects.filter(pk=old.pk).update(state="RETIRED", retired_at=at)
            CreditScheme.objects.filter(pk=new.pk).update(state="IN_FORCE", in_force_at=at)

    def grades() -> int:
        assert held.wait(20)
        return len(grading.regrade([shop], at=at, trigger=FACT))

    assert at_once([takes_effect, grades]) == [None, 1]
    assert CreditStanding.objects.get().scheme_id == new.pk


def test_facts_poured_in_beside_two_graders_all_count(committed_db: str) -> None:
    ids = shops(20)
    done = threading.Event()

    def pour() -> None:
        for turn in range(15):
            with transaction.atomic():
                at = clock.now()
                ledger.record_many(
                    [
                        NewFact(
                            number, FactKind.COMPLAINT, f"c:{turn}", at, f"c:{number}:{turn}", "SUBSTANTIATED"
                        )
                        for number in ids[turn % 5 :]
                    ]
                )
        done.set()

    def grade() -> None:
        while not done.is_set():
            grading.regrade_dirty()

    assert at_once([pour, grade, grade]) == [None, None, None]
    grading.regrade_dirty()
    at = clock.now()
    assert grading.regrade(ids, at=at, trigger=FACT) == []
    written = CreditAssessment.objects.count()
    for standing in CreditStanding.objects.all():
        told = CreditFact.objects.filter(entity_id=standing.pk).count()
        assert standing.i5 == max(0, 15 - 3 * told)
    assert CreditAssessment.objects.count() == written


def test_the_whole_register_on_two_connections(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = shops(250)
    monkeypatch.setattr(grading_runs, "BATCH", 40)
    monkeypatch.setattr(grading_runs, "ALONE", 20)
    monkeypatch.setattr(grading_runs, "STRETCH", 120)
    steps: list[tuple[int, int]] = []
    done = grading_runs.regrade_all(lambda *step: steps.append(step))
    assert (done.entities, done.moved) == (250, 250)
    assert steps == [(120, 250), (240, 250), (250, 250)]
    assert set(BusinessEntity.objects.values_list("credit_grade", flat=True)) == {"B"}
    assert CreditStanding.objects.count() == len(ids)


def test_two_nights_at_once_are_one(committed_db: str) -> None:
    shops(30)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE clock_clockoffset SET ahead = %s", [timedelta(days=40)])
    at_once([grading_runs.nightly, grading_runs.nightly])
    grading_runs.nightly()
    run = GradingRun.objects.get()
    assert (run.entities, run.moved) == (30, 30)
    assert run.finished_at is not None
