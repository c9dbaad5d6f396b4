"""What is asked about grades, around one shop: for the house (`tests.factories.house`)."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from credit import appeals, grading, partners, repairs, schemes, trial
from credit.models import CreditAssessment, CreditFact, CreditReview, RedPartner
from credit.questions import Entry
from grids.demo import World
from grids.models import BusinessEntity
from kernel import approvals, clock
from kernel.approvals.models import Approval
from kernel.clock import SHANGHAI
from tests.factories.credit import Story, keep
from tests.factories.grids import make_entity

LONG_AGO = date(2024, 1, 1)
NOT_YET = "0f" * 32
"""A file that never comes."""


def take_any(version: int) -> None:
    """An `expect` that takes every version."""


def spotless() -> Story:
    story = Story(on=clock.today())
    story.patrol()
    for kind in ("PLEDGE", "TRAINING", "DISPUTE_COMMITMENT", "CO_GOVERNANCE"):
        story.add(kind)
    return story


def graded(shop: BusinessEntity, story: Story) -> BusinessEntity:
    """This shop with these facts, graded now; on file long enough not to be provisional."""
    BusinessEntity.objects.filter(pk=shop.pk).update(filed_on=LONG_AGO)
    keep(story, shop.pk)
    grading.regrade([shop.pk], at=clock.now(), trigger=CreditAssessment.Trigger.FACT)
    shop.refresh_from_db()
    return shop


def worthy(world: World, number: int = 1) -> BusinessEntity:
    """A shop that may become 红色合伙人: in A at two reviews, one after the other."""
    shop = graded(make_entity(world, number), spotless())
    today = clock.today()
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    for day in (quarter, (quarter - timedelta(days=80)).replace(day=1)):
        CreditReview.objects.create(
            entity=shop, kind="QUARTERLY", period=day, total=Decimal(100), before="A", grade="A",
            at=datetime.combine(day, datetime.min.time(), SHANGHAI),
        )  # fmt: skip
    return shop


def partner(world: World, number: int = 1) -> RedPartner:
    """A 红色合伙人, nominated by the community and approved by the office's head."""
    given = partners.Given(worthy(world, number).pk, uuid.uuid4(), "带头参加社区共治")
    row, _ = partners.nominate(given=given, by=world.community_head_of(number))
    waiting = Approval.objects.of(partners.KIND, row.pk).get()
    approvals.decide(
        approval_id=waiting.pk, by=world.head_of(number), approve=True, expect=take_any, note="同意"
    )
    row.refresh_from_db()
    return row


def about_grades(world: World, shop: BusinessEntity) -> dict[str, Any]:
    """One of each kind, about this shop of grid 1 and others beside it."""
    story = spotless()
    for number in (1, 2):
        story.add("PENALTY", "LIGHT", f"penalty:{number}", ago=1, number=f"{number}号")
    graded(shop, story)
    first, second = CreditFact.objects.filter(entity=shop, kind="PENALTY").order_by("pk")
    newest = CreditAssessment.objects.filter(entity=shop).latest("pk")
    appeal, _ = appeals.ask(
        given=appeals.Given(shop.pk, newest.pk, Entry(uuid.uuid4(), "店主称未收到处罚决定书"), (first.pk,)),
        by=world.worker(1),
    )
    repair, _ = repairs.ask(
        given=repairs.Given(first.pk, Entry(uuid.uuid4(), "罚款已缴", awaited=(NOT_YET,))),
        by=world.commissioner(1),
    )
    draft = schemes.draft(by=world.user("bureau"), title="评分方案修订")
    trial.run(draft.pk)
    draft.refresh_from_db()
    held = partner(world)
    return {
        "appeal": appeal,
        "repair": repair,
        "penalty": second,
        "partner": held,
        "praised": CreditAssessment.objects.filter(entity=held.entity_id).latest("pk"),
        "worthy": worthy(world),
        "draft": draft,
    }
