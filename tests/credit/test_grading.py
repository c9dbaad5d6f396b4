"""Grading: what is written, what moves, who is told; writing only what changed (DOMAIN.md §4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credit import grade_changes, grading, ledger
from credit.facts import FactKind
from credit.grade_changes import GradeMove
from credit.grading import Review, regrade
from credit.ledger import NewFact
from credit.models import (
    CreditAssessment,
    CreditFact,
    CreditReview,
    CreditScheme,
    CreditStanding,
    DirtyEntity,
)
from credit.schemes_in_force import NoSchemeInForce
from grids import register_changes
from grids.demo import World
from grids.models import BusinessEntity, Equipment, EquipmentKind, Licence, LicenceType
from grids.models.licences import told_number
from kernel.clock import local_date
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from tests.factories.credit import Story, keep
from tests.factories.grids import make_entity
from tests.factories.leads import TUESDAY, stand_at

FACT = CreditAssessment.Trigger.FACT
NIGHTLY = CreditAssessment.Trigger.NIGHTLY
LONG_AGO = date(2024, 1, 1)
DAY = local_date(TUESDAY)


def a_shop(world: World, number: int = 1, **columns: Any) -> BusinessEntity:
    return make_entity(world, number, filed_on=LONG_AGO, **columns)


def a_story(*kinds: str) -> Story:
    """Patrolled, and with so much participation that points decide: 100."""
    story = Story(on=DAY)
    story.patrol()
    for kind in ("PLEDGE", "TRAINING", "DISPUTE_COMMITMENT", "CO_GOVERNANCE"):
        story.add(kind)
    for kind in kinds:
        story.add(kind, "LISTED" if kind in ("ABNORMAL", "BLACKLISTED") else "")
    return story


def graded(shop: BusinessEntity, *, at: datetime = TUESDAY, **options: Any) -> CreditStanding:
    regrade([shop.pk], at=at, **{"trigger": FACT, **options})
    return CreditStanding.objects.get(pk=shop.pk)


def fact_of(shop: BusinessEntity, kind: str, level: str, number: int, at: datetime = TUESDAY) -> NewFact:
    return NewFact(shop.pk, kind, f"{kind}:{number}", at, f"{kind}:{number}:{level}", level)


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[list[GradeMove]]:
    """What the handlers of grade changes were told, batch by batch."""
    seen: list[list[GradeMove]] = []
    monkeypatch.setattr(grade_changes, "_handlers", [])
    grade_changes.on_grade_change(lambda found, _at: seen.append(list(found)))
    return seen


# --- the first grading -------------------------------------------------------------------------------


def test_the_first_grading_writes_everything(world: World, moves: list[list[GradeMove]]) -> None:
    shop = a_shop(world)
    keep(a_story(), shop.pk)
    standing = graded(shop)
    assert (standing.total, standing.computed_grade, standing.effective_grade) == (Decimal(100), "A", "A")
    assert (standing.effective_since, standing.held_by, standing.cause) == (DAY, [], "SCORE")
    history = CreditAssessment.objects.get()
    assert (history.previous_grade, history.effective_grade, history.trigger) == ("", "A", FACT)
    shop.refresh_from_db()
    assert (shop.credit_grade, shop.version) == ("A", 1)
    assert moves == [[GradeMove(shop.pk, "", "A", "SCORE", ())]]


def test_without_facts_it_is_the_cap_that_decides(world: World) -> None:
    standing = graded(a_shop(world))
    assert (standing.total, standing.computed_grade) == (Decimal(92), "B")
    assert (standing.caps, standing.cause) == (["NO_PATROL"], "CAP")


def test_grading_again_writes_nothing(world: World, moves: list[list[GradeMove]]) -> None:
    shop = a_shop(world)
    keep(a_story(), shop.pk)
    first = graded(shop)
    again = graded(shop, at=TUESDAY + timedelta(hours=3))
    assert again.assessed_at == first.assessed_at
    assert CreditAssessment.objects.count() == 1
    assert len(moves) == 1


def test_what_is_gone_is_not_graded_and_keeps_its_standing(world: World) -> None:
    shop = a_shop(world)
    before = graded(shop)
    BusinessEntity.objects.filter(pk=shop.pk).update(status="CLOSED")
    keep(a_story("BLACKLISTED"), shop.pk)
    assert graded(shop).effective_grade == before.effective_grade
    assert CreditAssessment.objects.count() == 1


def test_there_is_no_grading_without_a_scheme(world: World) -> None:
    shop = a_shop(world)
    CreditScheme.objects.update(state="RETIRED", retired_at=TUESDAY)
    with pytest.raises(NoSchemeInForce):
        regrade([shop.pk], at=TUESDAY, trigger=FACT)


# --- down at once ------------------------------------------------------------------------------------


def test_a_fall_is_at_once_told_and_in_the_journal(world: World, moves: list[list[GradeMove]]) -> None:
    shop = a_shop(world, 3)
    keep(a_story(), shop.pk)
    graded(shop)
    ledger.record(fact_of(shop, FactKind.BLACKLISTED, "LISTED", 1))
    standing = graded(shop)
    assert (standing.effective_grade, standing.cause, standing.vetoes) == ("D", "VETO", ["V1"])
    assert moves[-1] == [GradeMove(shop.pk, "A", "D", "VETO", ())]
    entry = Entry.objects.get(stream=f"entity:{shop.pk}", kind="credit.graded")
    assert (entry.data["before"], entry.data["grade"], entry.data["total"]) == ("A", "D", 100)
    told = set(OutboxMessage.objects.filter(template="credit.fell").values_list("recipient_id", flat=True))
    assert world.commissioner(3).pk in told
    assert len(told) == len(OutboxMessage.objects.filter(template="credit.fell"))


def test_many_falls_are_one_notice_a_person(world: World) -> None:
    shops = [a_shop(world, 2) for _ in range(7)]
    for shop in shops:
        keep(a_story(), shop.pk)
    regrade([shop.pk for shop in shops], at=TUESDAY, trigger=FACT)
    ledger.record_many([fact_of(shop, FactKind.ABNORMAL, "LISTED", shop.pk) for shop in shops])
    regrade([shop.pk for shop in shops], at=TUESDAY, trigger=FACT)
    (message,) = OutboxMessage.objects.filter(template="credit.fell", recipient=world.commissioner(2))
    assert message.params["count"] == 7
    assert message.params["names"].startswith(f"{shops[0].name}（A→C）、")
    assert message.params["names"].endswith("等7家")


def test_the_total_may_change_without_the_grade(world: World, moves: list[list[GradeMove]]) -> None:
    shop = a_shop(world)
    keep(a_story(), shop.pk)
    graded(shop)
    ledger.record(fact_of(shop, FactKind.COMPLAINT, "SUBSTANTIATED", 1))
    standing = graded(shop)
    assert (standing.total, standing.effective_grade) == (Decimal(97), "A")
    assert standing.effective_since == DAY
    assert CreditAssessment.objects.count() == 2
    assert len(moves) == 1
    assert not Entry.objects.filter(kind="credit.graded").exists()


# --- up, step by step --------------------------------------------------------------------------------


def fallen(world: World, *, days: int) -> BusinessEntity:
    """A shop in D for so many days; what put it there is over."""
    shop = a_shop(world)
    ledger.record(fact_of(shop, FactKind.BLACKLISTED, "LISTED", 1, TUESDAY - timedelta(days=days)))
    graded(shop, at=TUESDAY - timedelta(days=days))
    keep(a_story(), shop.pk)
    removed = fact_of(shop, FactKind.BLACKLISTED, "REMOVED", 1, TUESDAY - timedelta(days=1))
    ledger.record(removed)
    return shop


def test_between_reviews_it_is_said_what_holds_it(world: World) -> None:
    shop = fallen(world, days=95)
    standing = graded(shop)
    assert (standing.computed_grade, standing.effective_grade) == ("A", "D")
    assert standing.held_by == ["REVIEW", "ONE_STEP"]
    assert standing.effective_since == DAY - timedelta(days=95)


def test_a_review_lifts_one_step_and_is_written(world: World, moves: list[list[GradeMove]]) -> None:
    shop = fallen(world, days=95)
    moves.clear()
    standing = graded(shop, trigger=CreditAssessment.Trigger.REVIEW, review=Review(date(2026, 3, 1)))
    assert (standing.effective_grade, standing.effective_since) == ("C", DAY)
    assert moves == [[GradeMove(shop.pk, "D", "C", "SCORE", ())]]
    review = CreditReview.objects.get()
    assert (review.kind, review.before, review.grade, review.total) == ("MONTHLY", "D", "C", Decimal(100))


def test_a_review_that_is_repeated_lifts_nobody_twice(world: World) -> None:
    CreditScheme.objects.create(  # with no minimum stay, so that nothing else holds it
        version=2, title="测试", rules=_without_stay(), state="DRAFT", drafted_at=TUESDAY
    )
    CreditScheme.objects.filter(version=1).update(state="RETIRED", retired_at=TUESDAY)
    CreditScheme.objects.filter(version=2).update(state="IN_FORCE", in_force_at=TUESDAY)
    shop = fallen(world, days=95)
    for _ in range(3):
        standing = graded(shop, trigger=CreditAssessment.Trigger.REVIEW, review=Review(date(2026, 1, 1)))
    assert standing.effective_grade == "C"
    assert CreditReview.objects.count() == 1
    assert graded(
        shop, trigger=CreditAssessment.Trigger.REVIEW, review=Review(date(2026, 2, 1))
    ).effective_grade == "B"  # fmt: skip


def _without_stay() -> dict[str, Any]:
    rules = CreditScheme.objects.get(version=1).rules
    return {**rules, "movement": {**rules["movement"], "stay_d": 0, "stay_c": 0, "stay_b": 0}}


def test_the_minimum_stay_holds_at_a_review(world: World) -> None:
    standing = graded(fallen(world, days=50), review=Review(date(2026, 3, 1)))
    assert (standing.effective_grade, standing.held_by[0]) == ("D", "MIN_STAY")


@pytest.mark.parametrize("closed", [False, True])
def test_out_of_d_only_without_an_open_lead(world: World, closed: bool) -> None:
    shop = fallen(world, days=95)
    story = Story(on=DAY)
    story.add("LEAD_OPENED", "", "lead:5", ago=9)
    if closed:
        story.add("LEAD_CLOSED", "", "lead:5", ago=8)
    keep(story, shop.pk)
    standing = graded(shop, review=Review(date(2026, 3, 1)))
    assert standing.effective_grade == ("C" if closed else "D")
    assert ("OPEN_LEAD" in standing.held_by) is not closed


def test_a_and_b_are_reviewed_by_quarters(world: World) -> None:
    shop = a_shop(world)
    graded(shop)  # B by its cap
    graded(shop, review=Review(date(2026, 3, 1)))
    assert not CreditReview.objects.exists()
    graded(shop, review=Review(date(2026, 1, 1)))
    assert CreditReview.objects.get().kind == "QUARTERLY"


# --- marks -------------------------------------------------------------------------------------------


def test_marks_are_answered_once(world: World, moves: list[list[GradeMove]]) -> None:
    shops = [a_shop(world) for _ in range(3)]
    ledger.record_many(
        [fact_of(shop, FactKind.PATROL, "OK", shop.pk * 10 + n) for shop in shops for n in (1, 2)]
    )
    ledger.mark_dirty([shops[0].pk], TUESDAY)
    assert grading.regrade_dirty() == 4
    assert not DirtyEntity.objects.exists()
    assert [[move.entity_id for move in batch] for batch in moves] == [[shop.pk for shop in shops]]
    assert grading.regrade_dirty() == 0


def test_what_is_marked_by_thousands_is_answered_piece_by_piece(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert grading.MARKS_AT_ONCE <= grading.BATCH  # one batch a transaction: nothing is locked after the plan
    monkeypatch.setattr(grading, "MARKS_AT_ONCE", 2)
    shops = [a_shop(world) for _ in range(5)]
    ledger.mark_dirty([shop.pk for shop in shops], TUESDAY)
    assert grading.regrade_dirty(within_s=0) == 2
    assert grading.regrade_dirty() == 3
    assert CreditStanding.objects.count() == 5


def test_marks_of_what_is_gone_are_answered_too(world: World) -> None:
    shop = a_shop(world, status="MOVED")
    ledger.mark_dirty([shop.pk], TUESDAY)
    assert grading.regrade_dirty() == 1
    assert not CreditStanding.objects.exists()


# --- the register ------------------------------------------------------------------------------------


def licence_facts() -> list[tuple[str, date | None]]:
    return list(CreditFact.objects.filter(kind="LICENCE").order_by("id").values_list("level", "until"))


def test_licences_and_equipment_become_facts(world: World) -> None:
    shop = a_shop(world)
    Licence.objects.create(
        entity=shop, type=LicenceType.FOOD_OPERATION, number="JY1", expires_on=DAY - timedelta(days=1)
    )
    Equipment.objects.create(
        entity=shop, kind=EquipmentKind.ELEVATOR, number="T1", next_test_on=DAY - timedelta(days=1)
    )
    standing = graded(shop)
    assert (standing.i1, standing.i7) == (Decimal(6), Decimal(8))
    assert licence_facts() == [("VALID", DAY - timedelta(days=1))]
    fact = CreditFact.objects.get(kind="LICENCE")
    assert fact.data == {"type": "FOOD_OPERATION", "number": "JY1"}
    graded(shop)
    assert CreditFact.objects.count() == 2


def test_a_date_that_comes_back_is_a_new_fact(world: World) -> None:
    shop = a_shop(world)
    licence = Licence.objects.create(entity=shop, type=LicenceType.BUSINESS, number="1", expires_on=DAY)
    for days in (0, 400, 0):
        Licence.objects.filter(pk=licence.pk).update(expires_on=DAY + timedelta(days=days))
        graded(shop)
    assert [until for _, until in licence_facts()] == [DAY, DAY + timedelta(days=400), DAY]
    assert CreditStanding.objects.get().i1 == Decimal(11)


def test_what_is_read_later_counts_though_its_grading_began_earlier(world: World) -> None:
    """A grading that waited for another's lock has the older moment and the newer register."""
    shop = a_shop(world)
    licence = Licence.objects.create(entity=shop, type=LicenceType.BUSINESS, number="1", expires_on=DAY)
    graded(shop, at=TUESDAY)
    for days in (300, 400):
        Licence.objects.filter(pk=licence.pk).update(expires_on=DAY + timedelta(days=days))
        graded(shop, at=TUESDAY + timedelta(seconds=9 if days == 300 else 1))
    newest = CreditFact.objects.filter(kind="LICENCE").order_by("-at", "-id").first()
    assert newest is not None
    assert newest.until == DAY + timedelta(days=400)


def test_the_ledger_keeps_no_number_of_a_persons_certificate(world: World) -> None:
    shop = a_shop(world)
    numbers = ("370983198001011234", "TS6123456789", "T1234")
    for number in numbers:
        Licence.objects.create(entity=shop, type=LicenceType.OPERATOR, number=number)
    Licence.objects.create(entity=shop, type=LicenceType.DRUG, number="鲁DA5380001")
    graded(shop)
    kept = CreditFact.objects.filter(entity=shop, kind="LICENCE").values_list("data__number", flat=True)
    assert set(kept) == {"370983********1234", "****34", "****89", "鲁DA5380001"}
    assert [told_number(LicenceType.OPERATOR, one) for one in kept if "*" in one] == [
        one for one in kept if "*" in one
    ], "told again, it stays as it is"


def test_a_licence_that_ended_counts_no_more_from_its_day(world: World) -> None:
    shop = a_shop(world)
    Licence.objects.create(
        entity=shop, type=LicenceType.BUSINESS, number="1", expires_on=DAY - timedelta(days=9),
        ended_on=DAY + timedelta(days=1),
    )  # fmt: skip
    assert graded(shop).i1 == Decimal(6)
    tomorrow = TUESDAY + timedelta(days=1)
    stand_at(tomorrow)
    assert graded(shop, at=tomorrow).i1 == Decimal(12)
    assert [level for level, _ in licence_facts()] == ["VALID", "ENDED"]


def test_a_change_of_the_register_marks_the_business(world: World) -> None:
    shop = a_shop(world)
    register_changes.tell([shop.pk], TUESDAY)
    assert list(DirtyEntity.objects.values_list("entity_id", flat=True)) == [shop.pk]


# --- what it costs -----------------------------------------------------------------------------------


def cost_of(shops: Sequence[BusinessEntity]) -> int:
    with CaptureQueriesContext(connection) as queries:
        regrade([shop.pk for shop in shops], at=TUESDAY, trigger=NIGHTLY, review=Review(date(2026, 3, 1)))
    return len(queries)


def test_five_hundred_cost_as_many_statements_as_one(world: World) -> None:
    """Falls, rises out of D and first gradings alike: the same statements for any number."""
    shops = BusinessEntity.objects.bulk_create(
        BusinessEntity(
            name=f"商户{n}", kind="STALL", code=f"Q{n:09}", filed_on=LONG_AGO, grid=world.grid(1 + n % 21)
        )
        for n in range(500)
    )
    story = a_story()
    for number, shop in enumerate(shops):
        keep(story, shop.pk) if number % 3 else None
    then = TUESDAY - timedelta(days=95)
    in_d = [shop for number, shop in enumerate(shops) if number % 3 == 1]
    ledger.record_many([fact_of(shop, FactKind.BLACKLISTED, "LISTED", shop.pk, then) for shop in in_d])
    to_fall = [shop for number, shop in enumerate(shops) if number % 3 == 2]
    regrade([shop.pk for shop in in_d + to_fall], at=then, trigger=FACT)
    ledger.record_many([fact_of(shop, FactKind.BLACKLISTED, "REMOVED", shop.pk) for shop in in_d])
    ledger.record_many([fact_of(shop, FactKind.CRIME, "TRANSFERRED", shop.pk) for shop in to_fall])
    one_of_each = shops[:3]
    few = cost_of(one_of_each)
    many = cost_of(shops[3:])
    assert many == few
    grades = dict(BusinessEntity.objects.values_list("pk", "credit_grade"))
    assert {grades[shop.pk] for shop in in_d} == {"C"}
    assert {grades[shop.pk] for shop in to_fall} == {"D"}


def test_grading_itself_costs_a_dozen_statements(world: World, moves: list[list[GradeMove]]) -> None:
    """Without what other apps do about a change of grade."""
    shops = [a_shop(world) for _ in range(3)]
    keep(a_story(), shops[0].pk)
    then = TUESDAY - timedelta(days=95)
    ledger.record(fact_of(shops[1], FactKind.BLACKLISTED, "LISTED", 1, then))
    regrade([shop.pk for shop in shops[:2]], at=then, trigger=FACT)
    ledger.record(fact_of(shops[0], FactKind.CRIME, "TRANSFERRED", 1))
    ledger.record(fact_of(shops[1], FactKind.BLACKLISTED, "REMOVED", 1))
    assert cost_of(shops) <= 15
    assert sorted(move.after for move in moves[-1]) == ["B", "C", "D"]
