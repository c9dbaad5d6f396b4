"""Shops with a standing, for tests of what is asked about it."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from credit import appeals, grading, repairs
from credit.models import Appeal, CreditAssessment, CreditFact, CreditReview, CreditStanding, Repair
from credit.questions import Entry
from grids.demo import World
from grids.models import BusinessEntity
from kernel import clock
from kernel.accounts.models import User
from kernel.clock import local_date
from kernel.evidence.models import Evidence
from tests.factories.credit import Story, keep
from tests.factories.grids import make_entity
from tests.factories.house import keep_photo
from tests.factories.leads import TUESDAY

DAY = local_date(TUESDAY)
LONG_AGO = date(2024, 1, 1)
FACT = CreditAssessment.Trigger.FACT


def take_any(version: int) -> None:
    """An `expect` that takes every version."""


def good(*, participation: bool = True) -> Story:
    story = Story(on=DAY)
    story.patrol()
    for kind in ("PLEDGE", "TRAINING", "DISPUTE_COMMITMENT", "CO_GOVERNANCE") if participation else ():
        story.add(kind)
    return story


def shop_with(world: World, story: Story, number: int = 1, **columns: Any) -> BusinessEntity:
    """A shop with these facts, graded on Tuesday."""
    shop = make_entity(world, number, filed_on=LONG_AGO, **columns)
    keep(story, shop.pk)
    grade(shop)
    return shop


def grade(shop: BusinessEntity) -> CreditStanding:
    grading.regrade([shop.pk], at=clock.now(), trigger=FACT)
    return CreditStanding.objects.get(pk=shop.pk)


def fallen(world: World, number: int = 1) -> tuple[BusinessEntity, CreditFact]:
    """A shop that stood in A and fell to C by one grave and doubtful penalty, on Tuesday."""
    shop = shop_with(world, good(participation=False), number)
    assert CreditStanding.objects.get(pk=shop.pk).effective_grade == "A"
    story = Story(on=DAY)
    story.add("PENALTY", "GRAVE", "penalty:9", ago=1, number="泰肥市监处罚〔2026〕9号")
    story.add("SAMPLE_FAILED", ago=1)
    story.times(2, "COMPLAINT", "SUBSTANTIATED", ago=1)
    doubtful = keep(story, shop.pk)[0]
    assert grade(shop).effective_grade == "C"
    return shop, doubtful


def newest(shop: BusinessEntity) -> CreditAssessment:
    return CreditAssessment.objects.filter(entity=shop).latest("pk")


def entry(reason: str = "店主称没有收到处罚决定书", *, proof: Evidence | None = None) -> Entry:
    return Entry(uuid.uuid4(), reason, (proof.pk,) if proof else ())


def appealed(world: World, shop: BusinessEntity, *facts: CreditFact, by: User | None = None) -> Appeal:
    given = appeals.Given(shop.pk, newest(shop).pk, entry(), tuple(one.pk for one in facts))
    row, created = appeals.ask(given=given, by=by or world.worker(1))
    assert created
    return row


def penalised(world: World, level: str, *, ago: int) -> tuple[BusinessEntity, CreditFact]:
    story = good()
    story.add("PENALTY", level, "penalty:7", ago=ago, number="7号")
    shop = shop_with(world, story)
    return shop, CreditFact.objects.get(entity=shop, kind="PENALTY")


def repaired(
    world: World, fact: CreditFact, *, by: User | None = None, reason: str = "罚款已缴，已改正"
) -> Repair:
    who = by or world.commissioner(1)
    given = repairs.Given(fact.pk, entry(reason, proof=keep_photo(who)))
    row, created = repairs.ask(given=given, by=who)
    assert created
    return row


def reviewed(shop: BusinessEntity, *grades: str, total: str = "97.00") -> None:
    """Quarterly reviews of these grades, the newest first."""
    day = date(DAY.year, (DAY.month - 1) // 3 * 3 + 1, 1)
    for one in grades:
        CreditReview.objects.create(
            entity=shop, kind="QUARTERLY", period=day, total=Decimal(total), before=one, grade=one,
            at=TUESDAY,
        )  # fmt: skip
        day = (day - timedelta(days=1)).replace(day=1)
        day = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
