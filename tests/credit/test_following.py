"""Two entries of the register that are one business: one grade, one history, each fact once, and back."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from credit import appeals, grading, ledger, partners, repairs
from credit.ledger import NewFact
from credit.models import CreditFact, CreditStanding, RedPartner
from grids import duplicates, register, same_business
from grids.demo import World
from grids.models import BusinessEntity, DuplicatePair, Licence, SameBusiness
from kernel import clock
from kernel.errors import Conflict, NotAllowed, Refused
from tests.credit.asked import (
    DAY,
    LONG_AGO,
    appealed,
    fallen,
    good,
    grade,
    repaired,
    reviewed,
    shop_with,
    take_any,
)
from tests.factories.asked import partner as make_partner
from tests.factories.credit import Story
from tests.factories.grids import make_entity
from tests.factories.leads import TUESDAY, stand_at

pytestmark = pytest.mark.django_db
USCC = "92370983MA3ABC1D7B"


def pair_of(first: BusinessEntity, second: BusinessEntity) -> DuplicatePair:
    return DuplicatePair.objects.create(first=first, second=second, why="联系电话相同", found_at=TUESDAY)


def judge(world: World, pair: DuplicatePair, *, same: bool = True, **more: Any) -> DuplicatePair:
    done = duplicates.judge(pair_id=pair.pk, by=world.clerk_of(1), same=same, **more)
    grading.regrade_dirty()
    return done


def undo(world: World, pair: DuplicatePair) -> DuplicatePair:
    return judge(world, pair, same=False, note="现场核实是两家", revise=True)


def standing(shop: BusinessEntity) -> CreditStanding:
    return CreditStanding.objects.get(pk=shop.pk)


def told(
    shop: BusinessEntity, kind: str, level: str, ref: str, *, at: datetime = TUESDAY, source: str = ""
) -> None:
    source = source or f"{ref}:{kind}:{level}:{shop.pk}"
    assert ledger.record(NewFact(shop.pk, kind, ref, at, source, level=level))


@pytest.fixture
def both(world: World) -> tuple[BusinessEntity, BusinessEntity, DuplicatePair]:
    """A clean shop, and the later entry of the same shop that has all the findings."""
    first = shop_with(world, good(), name="顺和饺子馆")
    second, _ = fallen(world)
    return first, second, pair_of(first, second)


# --- joining ---------------------------------------------------------------------------------------


def test_the_survivor_is_graded_by_the_facts_of_both(world: World, both: Any) -> None:
    first, second, pair = both
    assert standing(first).effective_grade == "A"
    judge(world, pair)
    stands = standing(first)
    assert stands.effective_grade == "C"
    assert (stands.i6, stands.i5) == (0, 9)
    copies = CreditFact.objects.filter(entity=first, source__startswith="moved:")
    originals = CreditFact.objects.filter(entity=second)
    assert {(one.data["moved"]["source"], one.kind, one.at, one.happened_on) for one in copies} == {
        (one.source, one.kind, one.at, one.happened_on) for one in originals
    }
    assert standing(second).effective_grade == "C"
    second.refresh_from_db()
    assert second.status == "CLOSED"


def test_following_again_copies_nothing(world: World, both: Any) -> None:
    first, second, pair = both
    judge(world, pair)
    count = CreditFact.objects.count()
    grade(first)
    ledger.mark_dirty([first.pk, second.pk], clock.now())
    grading.regrade_dirty()
    assert judge(world, pair).state == DuplicatePair.State.SAME
    assert CreditFact.objects.count() == count


def test_what_is_told_later_of_the_closed_entry_lands_on_the_survivor(world: World, both: Any) -> None:
    first, second, pair = both
    judge(world, pair)
    before = standing(first).total
    told(second, "FINDING", "SERIOUS", "lead:42:1")
    grading.regrade_dirty()
    assert standing(first).total == before - 6
    ledger.withdraw(f"lead:42:1:FINDING:SERIOUS:{second.pk}", by=None, at=clock.now(), why="重新认定")
    grading.regrade_dirty()
    assert standing(first).total == before


def test_a_state_of_the_closed_entry_is_ended_at_the_survivor(world: World) -> None:
    """Listed under one code, taken off the list under the other: one state, the newest holds."""
    first, second = shop_with(world, good()), shop_with(world, good())
    day = TUESDAY - timedelta(days=5)
    told(second, "ABNORMAL", "LISTED", f"abnormal:{second.pk}", at=day)
    judge(world, pair_of(first, second))
    assert standing(first).caps == ["ABNORMAL"]
    told(first, "ABNORMAL", "REMOVED", f"abnormal:{first.pk}")
    grading.regrade_dirty()
    assert standing(first).caps == []


def test_a_deed_that_both_entries_hold_counts_once(world: World) -> None:
    bare = Story(on=DAY)
    bare.patrol()
    first, second = shop_with(world, bare), shop_with(world, bare)
    for shop in (first, second):
        told(shop, "TRAINING", "", f"training:{shop.pk}:{DAY}", source=f"training:{shop.pk}:{DAY}")
    told(second, "PLEDGE", "", f"pledge:{second.pk}:{DAY}", source=f"pledge:{second.pk}:{DAY}")
    judge(world, pair_of(first, second))
    assert standing(first).i8 == 4
    refs = CreditFact.objects.filter(entity=first, kind="PLEDGE").values_list("ref", flat=True)
    assert list(refs) == [f"pledge:{first.pk}:{DAY}"]


def test_a_lead_whose_number_is_that_of_the_entry_keeps_its_matter(world: World, both: Any) -> None:
    first, second, pair = both
    told(second, "FINDING", "MINOR", f"lead:{second.pk}:1")
    judge(world, pair)
    assert CreditFact.objects.filter(entity=first, ref=f"lead:{second.pk}:1", kind="FINDING").exists()


def test_licences_and_the_code_go_over_and_come_back(world: World) -> None:
    first = shop_with(world, good(), uscc="")
    second = shop_with(world, good(), uscc=USCC)
    ended = date(2026, 1, 1)
    for shop, number in ((first, "JY1"), (second, "JY1"), (second, "JY2")):
        Licence.objects.create(entity=shop, type="FOOD_OPERATION", number=number, expires_on=ended)
    assert grade(first).i1 == 6
    pair = pair_of(first, second)
    judge(world, pair)
    assert standing(first).i1 == 0
    assert sorted(Licence.objects.filter(entity=first).values_list("number", flat=True)) == ["JY1", "JY2"]
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.uscc, second.uscc) == (USCC, "")
    undo(world, pair)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.uscc, second.uscc, second.status) == ("", USCC, "ACTIVE")
    assert standing(first).i1 == 6
    assert standing(second).i1 == 0


# --- parting ---------------------------------------------------------------------------------------


def test_a_judgement_taken_back_gives_the_grade_back_at_once(world: World, both: Any) -> None:
    first, second, pair = both
    judge(world, pair)
    assert standing(first).effective_grade == "C"
    undo(world, pair)
    assert standing(first).effective_grade == "A"
    second.refresh_from_db()
    assert (second.status, standing(second).effective_grade) == ("ACTIVE", "C")
    told(second, "FINDING", "SERIOUS", "lead:43:1")
    grading.regrade_dirty()
    assert standing(first).i3 == 15
    assert standing(second).i3 == 9


def test_joined_parted_and_joined_again(world: World, both: Any) -> None:
    first, _, pair = both
    judge(world, pair)
    for minutes in (1, 2):
        undo(world, pair)
        assert standing(first).effective_grade == "A"
        stand_at(TUESDAY + timedelta(minutes=minutes))
        judge(world, pair, note="再次核实是一家", revise=True)
        assert (standing(first).effective_grade, standing(first).i6) == ("C", 0)
    assert SameBusiness.objects.count() == 3


def test_a_verdict_is_turned_round_on_purpose_and_with_a_reason(world: World, both: Any) -> None:
    _, second, pair = both
    judge(world, pair)
    with pytest.raises(Conflict) as refused:
        judge(world, pair, same=False, note="按错了")
    assert refused.value.code == "already_judged"
    with pytest.raises(Refused):
        judge(world, pair, same=False, revise=True)
    with pytest.raises(NotAllowed):
        duplicates.judge(pair_id=pair.pk, by=world.worker(1), same=False, note="按错了", revise=True)
    again = {"status": "ACTIVE"}
    with pytest.raises(Conflict) as refused:
        register.edit(entity_id=second.pk, by=world.clerk_of(1), expect=take_any, changes=again)
    assert refused.value.code == "same_as_another"


def test_a_chain_ends_at_its_first_entry_and_is_undone_from_its_end(world: World) -> None:
    first, second = shop_with(world, good()), shop_with(world, good())
    third, _ = fallen(world)
    late, early = pair_of(second, third), pair_of(first, second)
    judge(world, late)
    judge(world, early)
    assert (standing(first).effective_grade, standing(first).i5) == ("C", 9)
    assert same_business.survivors_of([second.pk, third.pk]) == {second.pk: first.pk, third.pk: first.pk}
    assert same_business.entries_of(third.pk) == [first.pk, second.pk, third.pk]
    told(third, "FINDING", "SERIOUS", "lead:44:1")
    grading.regrade_dirty()
    assert standing(first).i3 == 9
    with pytest.raises(Conflict) as refused:
        undo(world, late)
    assert refused.value.code == "taken_in_since"
    undo(world, early)
    assert same_business.survivors_of([second.pk, third.pk]) == {third.pk: second.pk}
    assert (standing(first).i3, standing(first).i5) == (15, 15)
    assert (standing(second).i3, standing(second).i5) == (9, 9)


def test_nobody_is_taken_into_an_entry_that_is_gone_or_twice(world: World) -> None:
    gone = make_entity(world, 1, status="CLOSED")
    first, second = make_entity(world, 1), make_entity(world, 1)
    with pytest.raises(Conflict) as refused:
        judge(world, pair_of(gone, first))
    assert refused.value.code == "already_gone"
    other = make_entity(world, 1)
    judge(world, pair_of(first, other))
    with pytest.raises(Conflict) as refused:
        judge(world, pair_of(second, other))
    assert refused.value.code == "already_same"


# --- what waits ------------------------------------------------------------------------------------


def test_an_appeal_of_the_closed_entry_is_decided_and_reaches_the_survivor(world: World, both: Any) -> None:
    first, second, pair = both
    doubtful = CreditFact.objects.get(entity=second, kind="PENALTY")
    appeal = appealed(world, second, doubtful)
    judge(world, pair)
    assert standing(first).i6 == 0
    section = world.user("section-credit")
    appeals.decide(appeal_id=appeal.pk, by=section, uphold=True, expect=take_any, note="文书未送达")
    assert standing(first).i6 == 15


def test_an_appeal_at_the_survivor_withdraws_copy_and_original(world: World, both: Any) -> None:
    first, second, pair = both
    judge(world, pair)
    copy = CreditFact.objects.get(entity=first, kind="PENALTY")
    appeal = appealed(world, first, copy)
    section = world.user("section-credit")
    appeals.decide(appeal_id=appeal.pk, by=section, uphold=True, expect=take_any, note="文书未送达")
    assert (standing(first).i6, standing(first).effective_grade) == (15, "B")
    original = CreditFact.objects.get(entity=second, kind="PENALTY")
    assert ledger.withdrawn([copy.source, original.source]) == {copy.source, original.source}
    undo(world, pair)
    assert standing(second).i6 == 15


def test_a_penalty_repaired_at_the_survivor_is_repaired_at_both(world: World) -> None:
    first, second = shop_with(world, good()), shop_with(world, good())
    told(second, "PENALTY", "ORDINARY", "penalty:7", at=TUESDAY - timedelta(days=120))
    pair = pair_of(first, second)
    judge(world, pair)
    assert standing(first).i6 == 9
    row = repaired(world, CreditFact.objects.get(entity=first, kind="PENALTY"))
    repairs.decide(repair_id=row.pk, by=world.user("section-credit"), uphold=True, expect=take_any)
    assert standing(first).i6 == 15
    with pytest.raises(Conflict):
        repaired(world, CreditFact.objects.get(entity=second, kind="PENALTY"))
    undo(world, pair)
    assert standing(second).i6 == 15


def test_the_title_goes_over_with_the_business(world: World) -> None:
    first = shop_with(world, good())
    held = make_partner(world)
    moment = clock.now()
    judge(world, pair_of(first, held.entity))
    held.refresh_from_db()
    assert held.state == "REVOKED"
    row = RedPartner.objects.get(entity=first)
    assert (row.state, row.nominated_by_id) == ("ACTIVE", held.nominated_by_id)
    assert partners.holding([first.pk, held.entity_id]) == {first.pk}
    assert partners.count_at(clock.now()) == 1
    assert partners.count_at(moment) == 1


def test_a_gone_shop_is_not_nominated_nor_approved(world: World) -> None:
    first, second = shop_with(world, good()), shop_with(world, good())
    reviewed(second, "A", "A")
    BusinessEntity.objects.filter(pk=second.pk).update(filed_on=LONG_AGO)
    assert partners.obstacles(second.pk, DAY) == ()
    judge(world, pair_of(first, second))
    assert partners.obstacles(second.pk, DAY) == ("该主体已不在营。",)
