"""Nights and reviews: what is due is computed from what is finished, and made once (DOMAIN.md §4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from credit import audit_rules, grading, grading_runs, ledger
from credit.facts import FactKind
from credit.ledger import NewFact
from credit.models import CreditReview, CreditStanding, DirtyEntity, GradingRun
from grids.demo import World
from grids.models import BusinessEntity
from kernel.clock import SHANGHAI, local_date
from kernel.deadlines import audit
from kernel.notices.models import OutboxMessage
from tests.factories.grids import make_entity
from tests.factories.leads import TUESDAY, stand_at

NIGHT = datetime(2026, 3, 11, 0, 30, tzinfo=SHANGHAI)


def kinds(at: datetime) -> list[tuple[str, date]]:
    return [(str(kind), day) for kind, day in grading_runs.due(at)]


def made(at: datetime) -> list[tuple[str, date]]:
    stand_at(at)
    return [(run.kind, run.date) for run in grading_runs.nightly()]


def shops_of(world: World, number: int) -> Sequence[BusinessEntity]:
    return [make_entity(world, filed_on=date(2024, 1, 1)) for _ in range(number)]


def listed(shop: BusinessEntity, at: datetime) -> NewFact:
    return NewFact(shop.pk, FactKind.BLACKLISTED, f"list:{shop.pk}", at, f"list:{shop.pk}:{at}", "LISTED")


def test_every_night_from_twenty_past_midnight(world: World) -> None:
    before = datetime(2026, 3, 11, 0, 19, tzinfo=SHANGHAI)
    assert kinds(before) == [("NIGHTLY", date(2026, 3, 10))]
    assert kinds(NIGHT) == [("NIGHTLY", date(2026, 3, 11))]
    assert made(NIGHT) == [("NIGHTLY", date(2026, 3, 11))]
    assert made(NIGHT + timedelta(hours=3)) == []
    assert made(NIGHT + timedelta(days=1)) == [("NIGHTLY", date(2026, 3, 12))]


def test_of_missed_nights_only_the_newest_is_made(world: World) -> None:
    made(NIGHT)
    assert made(NIGHT + timedelta(days=4)) == [("NIGHTLY", date(2026, 3, 15))]


def test_a_missed_review_is_made_up_in_order(world: World) -> None:
    shops_of(world, 2)
    made(NIGHT)
    back_again = datetime(2026, 5, 6, 9, 0, tzinfo=SHANGHAI)
    assert made(back_again) == [("REVIEW", date(2026, 4, 1)), ("REVIEW", date(2026, 5, 1))]
    assert made(back_again + timedelta(hours=1)) == []
    periods = CreditReview.objects.values_list("period", "kind").distinct()
    assert set(periods) == {(date(2026, 4, 1), "QUARTERLY")}  # two B: the quarter alone is theirs


def test_on_the_first_the_night_is_the_review(world: World) -> None:
    made(datetime(2026, 3, 31, 0, 30, tzinfo=SHANGHAI))
    assert made(datetime(2026, 4, 1, 0, 30, tzinfo=SHANGHAI)) == [("REVIEW", date(2026, 4, 1))]
    assert made(datetime(2026, 4, 2, 0, 30, tzinfo=SHANGHAI)) == [("NIGHTLY", date(2026, 4, 2))]


def test_a_run_grades_everybody_and_tells_the_falls_once(world: World) -> None:
    shops = shops_of(world, 3)
    made(NIGHT)
    ledger.record_many([listed(shop, NIGHT) for shop in shops[:2]])
    assert made(NIGHT + timedelta(days=1))
    run = GradingRun.objects.get(date=date(2026, 3, 12))
    assert (run.entities, run.moved, run.reached) == (3, 2, shops[-1].pk)
    grades = list(CreditStanding.objects.order_by("pk").values_list("effective_grade", flat=True))
    assert grades == ["D", "D", "B"]
    told = OutboxMessage.objects.filter(template="credit.fell", recipient=world.commissioner(1))
    assert [message.params["count"] for message in told] == [2]


def test_a_run_that_was_broken_off_is_taken_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading_runs, "STRETCH", 2)
    shops = shops_of(world, 5)
    stand_at(NIGHT)
    assert grading_runs.nightly(within_s=0) == []
    run = GradingRun.objects.get()
    assert (run.entities, run.reached, run.finished_at) == (2, shops[1].pk, None)
    taken: list[int] = []
    regrade = grading.regrade

    def watched(ids: Any, **options: Any) -> Any:
        taken.extend(ids)
        return regrade(ids, **options)

    monkeypatch.setattr(grading_runs, "regrade", watched)
    (run,) = grading_runs.nightly()
    assert (run.entities, CreditStanding.objects.count()) == (5, 5)
    assert taken == [shop.pk for shop in shops[2:]]


def test_a_review_by_hand_is_made_once(world: World) -> None:
    (shop,) = shops_of(world, 1)
    ledger.record(listed(shop, TUESDAY))
    grading.regrade([shop.pk], at=TUESDAY, trigger="FACT")
    done = grading_runs.review(date(2026, 3, 1))
    assert (done.entities, done.finished) == (1, True)
    assert grading_runs.review(date(2026, 3, 1)) == done
    assert CreditReview.objects.get().before == "D"


@pytest.mark.parametrize("period", [date(2026, 3, 2), date(2026, 4, 1)])
def test_no_review_of_what_is_no_period_or_not_yet(world: World, period: date) -> None:
    with pytest.raises(ValueError, match="opens no period"):
        grading_runs.review(period)


# --- the command -------------------------------------------------------------------------------------


def said(*words: str) -> str:
    out = StringIO()
    call_command("regrade", *words, stdout=out)
    return out.getvalue()


def test_the_command_grades_all_one_or_a_period(world: World) -> None:
    shops = shops_of(world, 2)
    assert "已评定 2 家，其中 2 家等级有变动" in said()
    assert "100% 2/2" in said()
    assert "总分 92.00，测算等级 B，执行等级 B" in said("--entity", str(shops[0].pk))
    assert "已评定 2 家，其中 0 家等级有变动" in said("--review", "2026-02")


def test_the_command_says_what_it_cannot_do(world: World) -> None:
    with pytest.raises(CommandError, match="没有编号为"):
        said("--entity", "987654")
    with pytest.raises(CommandError, match="不晚于今天"):
        said("--review", "2026-09")
    with pytest.raises(CommandError, match="评定期格式"):
        said("--review", "soon")
    gone = make_entity(world, status="CLOSED")
    with pytest.raises(CommandError, match="已停业或搬离"):
        said("--entity", str(gone.pk))


# --- the auditor -------------------------------------------------------------------------------------


def faults() -> dict[str, list[int]]:
    rules = ("grade_apart", "grading_forgotten")
    return {fault.rule: fault.ids for fault in audit.faults(nightly=True) if fault.rule in rules}


def test_the_auditor_finds_a_grade_apart_and_a_mark_forgotten(world: World) -> None:
    one, other = shops_of(world, 2)
    grading_runs.regrade_all()
    assert faults() == {}
    BusinessEntity.objects.filter(pk=one.pk).update(credit_grade="A")
    DirtyEntity.objects.create(entity=other, at=TUESDAY - audit_rules.FORGOTTEN - timedelta(seconds=1))
    DirtyEntity.objects.create(entity=one, at=TUESDAY)
    assert faults() == {"grade_apart": [one.pk], "grading_forgotten": [other.pk]}


def test_a_first_of_a_month_is_found(world: World) -> None:
    firsts = list(grading_runs._firsts(date(2025, 11, 2), local_date(TUESDAY)))
    assert firsts == [date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
