"""撤销信用事实: what was entered and is untrue is taken out of scoring, what an app pushed is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from credit import ledger, repairs, withdrawing
from credit.facts import FactKind
from credit.ledger import NewFact
from credit.models import CreditFact, CreditStanding
from grids.demo import World
from grids.models import BusinessEntity
from kernel import clock
from kernel.errors import Conflict, DomainError, NotAllowed, NotVisible, Refused
from kernel.journal.models import Entry
from tests.credit.asked import appealed, good, grade, penalised, repaired, shop_with
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db


def blamed(world: World) -> tuple[BusinessEntity, CreditFact]:
    """A shop in A that a file has put on the list of 严重违法失信 by mistake, and graded since."""
    shop = shop_with(world, good())
    clock.travel(timedelta(minutes=5))
    entered = NewFact(
        entity_id=shop.pk, kind=FactKind.BLACKLISTED, level="LISTED", ref=f"blacklist:{shop.pk}",
        at=clock.now(), source=f"blacklist:{shop.pk}:LISTED:2026-03-10", by_id=world.user("bureau").pk,
    )  # fmt: skip
    assert ledger.record(entered)
    clock.travel(timedelta(minutes=5))
    assert grade(shop).effective_grade == "D"
    clock.travel(timedelta(minutes=5))
    return shop, CreditFact.objects.get(entity=shop, kind=FactKind.BLACKLISTED)


def grade_of(shop: BusinessEntity) -> str:
    return str(CreditStanding.objects.get(pk=shop.pk).effective_grade)


def refused_code(fact: CreditFact) -> str:
    found = withdrawing.refusal(fact)
    return found.code if isinstance(found, DomainError) else ""


def test_the_fall_that_it_brought_is_taken_back_at_once(world: World) -> None:
    shop, fact = blamed(world)
    section = world.user("section-credit")
    assert withdrawing.withdraw(fact_id=fact.pk, by=section, why="录错主体，电话13812345678") == fact
    assert grade_of(shop) == "A"
    mark = CreditFact.objects.get(entity=shop, kind=FactKind.WITHDRAWN)
    assert (mark.ref, mark.by) == (fact.source, section)
    told = Entry.objects.get(stream=f"entity:{shop.pk}", kind="credit.fact_withdrawn")
    assert told.actor_id == section.pk
    assert "严重违法失信名单" in told.data["what"]
    assert "13812345678" not in f"{told.data}{mark.data}"


def test_again_it_changes_nothing_and_another_is_told_so(world: World) -> None:
    _, fact = blamed(world)
    for _ in range(2):
        withdrawing.withdraw(fact_id=fact.pk, by=world.user("bureau"), why="录错主体")
    assert CreditFact.objects.filter(kind=FactKind.WITHDRAWN).count() == 1
    with pytest.raises(Conflict, match="已经撤销"):
        withdrawing.withdraw(fact_id=fact.pk, by=world.user("section-credit"), why="录错主体")


def test_a_later_fall_stays(world: World) -> None:
    shop, fact = blamed(world)
    story = good()
    story.add("CRIME", "TRANSFERRED", f"crime:{shop.pk}", ago=0)
    ledger.record(NewFact(
        entity_id=shop.pk, kind="CRIME", level="TRANSFERRED", ref=f"crime:{shop.pk}", at=clock.now(),
        source=f"crime:{shop.pk}:TRANSFERRED",
    ))  # fmt: skip
    withdrawing.withdraw(fact_id=fact.pk, by=world.user("bureau"), why="录错主体")
    assert grade_of(shop) == "D"


def test_who_may(world: World) -> None:
    _, fact = blamed(world)
    for username in (
        "clerk-01",
        "office-01",
        "commissioner-01",
        "section-food",
        "auditor",
        "leader",
        "admin",
    ):
        with pytest.raises(NotAllowed):
            withdrawing.withdraw(fact_id=fact.pk, by=world.user(username), why="录错")
    with pytest.raises(Refused, match="理由"):
        withdrawing.withdraw(fact_id=fact.pk, by=world.user("bureau"), why="  ")
    with pytest.raises(Refused, match="最多"):
        withdrawing.withdraw(fact_id=fact.pk, by=world.user("bureau"), why="错" * 501)
    for unknown in (0, 2**70):
        with pytest.raises(NotVisible):
            withdrawing.withdraw(fact_id=unknown, by=world.user("bureau"), why="录错")


def test_what_an_app_pushed_follows_what_it_came_from(world: World) -> None:
    def fact(kind: str, ref: str, source: str) -> CreditFact:
        return CreditFact(kind=kind, ref=ref, source=source)

    refused = {
        "is_withdrawal": fact("WITHDRAWN", "penalty:1", "withdrawn:penalty:1"),
        "correct_register": fact("LICENCE", "licence:1", "licence:1"),
        "follows_lead": fact("FINDING", "lead:4:1", "lead:4:1:finding"),
        "follows_visit": fact("PATROL", "visit:4", "visit:4"),
        "follows_repair": fact("PENALTY_REPAIRED", "penalty:1", "penalty:1:repaired"),
        "not_entered": fact("TRAINING", "session:4:1", "session:4:1"),
    }
    for code, one in refused.items():
        assert refused_code(one) == code
    for kind, ref in (("PENALTY", "penalty:罚1"), ("ANNUAL_REPORT", "report:2025"), ("PLEDGE", "pledge:1:2")):
        assert withdrawing.refusal(fact(kind, ref, ref)) is None
    shop, _ = blamed(world)
    ledger.record(NewFact(
        entity_id=shop.pk, kind="FINDING", level="MINOR", ref="lead:4:1", at=clock.now(),
        source="lead:4:1:finding",
    ))  # fmt: skip
    pushed = CreditFact.objects.get(source="lead:4:1:finding")
    with pytest.raises(Conflict, match="重新办理"):
        withdrawing.withdraw(fact_id=pushed.pk, by=world.user("bureau"), why="录错")
    assert not CreditFact.objects.filter(kind=FactKind.WITHDRAWN).exists()


def test_what_is_in_question_is_decided_there(world: World) -> None:
    shop, fact = penalised(world, "LIGHT", ago=30)
    appealed(world, shop, fact)
    with pytest.raises(Conflict, match="申诉正在审核"):
        withdrawing.withdraw(fact_id=fact.pk, by=world.user("bureau"), why="录错")


def test_a_penalty_whose_repair_waits_is_not_withdrawn(world: World) -> None:
    _, fact = penalised(world, "LIGHT", ago=30)
    row = repaired(world, fact)
    with pytest.raises(Conflict, match="信用修复正在审核"):
        withdrawing.withdraw(fact_id=fact.pk, by=world.user("bureau"), why="录错")
    repairs.decide(
        repair_id=row.pk, by=world.user("section-credit"), uphold=False, expect=lambda version: None,
        note="证明不足",
    )  # fmt: skip
    withdrawing.withdraw(fact_id=fact.pk, by=world.user("bureau"), why="处罚决定已被撤销")


def test_over_http_it_answers_with_the_fact(world: World, client: Client) -> None:
    shop, fact = blamed(world)
    api, path = Api(client), f"credit/facts/{fact.pk}/withdraw/"
    section = world.user("section-credit")
    assert code_of(api.post(section, path, {"reason": " "})) == "blank"
    assert code_of(api.post(world.clerk_of(1), path, {"reason": "录错"})) == "may_not_withdraw"
    assert api.post(world.clerk_of(21), path, {"reason": "录错"}).status_code == 404
    for _ in range(2):
        done = api.post(section, path, {"reason": "录错主体"})
        assert (done.status_code, done.json()["id"], done.json()["withdrawn"]) == (200, fact.pk, True)
    assert code_of(api.post(world.user("bureau"), path, {"reason": "录错"})) == "already_withdrawn"
    assert grade_of(shop) == "A"
    mark = CreditFact.objects.get(kind=FactKind.WITHDRAWN)
    again = api.post(section, f"credit/facts/{mark.pk}/withdraw/", {"reason": "撤错了"})
    assert code_of(again) == "is_withdrawal"
