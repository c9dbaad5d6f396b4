"""The ledger: each event once, a mark for each new one, and nothing that nobody knows."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credit import ledger
from credit.facts import FactKind
from credit.ledger import NewFact
from credit.models import CreditFact, DirtyEntity
from grids.demo import World
from kernel.clock import SHANGHAI
from kernel.errors import NotVisible, Refused
from tests.factories.grids import make_entity
from tests.factories.leads import TUESDAY


def told(entity_id: int, number: int = 1, **fields: Any) -> NewFact:
    fields = {"kind": FactKind.PATROL, "level": "OK", "ref": f"visit:{number}", **fields}
    return NewFact(entity_id=entity_id, at=fields.pop("at", TUESDAY), source=f"visit:{number}", **fields)


def marks() -> list[int]:
    return list(DirtyEntity.objects.order_by("id").values_list("entity_id", flat=True))


def test_a_fact_is_kept_and_its_business_marked(world: World) -> None:
    shop = make_entity(world)
    assert ledger.record(told(shop.pk, data={"number": "甲1"}, by_id=None)) is True
    fact = CreditFact.objects.get()
    assert (fact.entity_id, fact.kind, fact.level, fact.ref) == (shop.pk, "PATROL", "OK", "visit:1")
    assert (fact.at, fact.happened_on, fact.recorded_at) == (TUESDAY, TUESDAY.date(), TUESDAY)
    assert fact.data == {"number": "甲1"}
    assert marks() == [shop.pk]


def test_the_day_is_that_of_shanghai_and_the_moment_whole(world: World) -> None:
    late = datetime(2026, 3, 10, 16, 30, 0, 123_456, tzinfo=SHANGHAI) + timedelta(hours=8)
    ledger.record(told(make_entity(world).pk, at=late))
    fact = CreditFact.objects.get()
    assert fact.happened_on == date(2026, 3, 11)
    assert fact.at == late


def test_a_source_told_twice_is_kept_once_without_a_mark(world: World) -> None:
    shop = make_entity(world)
    ledger.record(told(shop.pk))
    DirtyEntity.objects.all().delete()
    assert ledger.record(told(shop.pk, level="PROBLEM")) is False
    assert CreditFact.objects.get().level == "OK"
    assert marks() == []


def test_twice_in_one_call_is_once(world: World) -> None:
    shop = make_entity(world)
    assert ledger.record_many([told(shop.pk), told(shop.pk, level="PROBLEM"), told(shop.pk, 2)]) == 2
    assert CreditFact.objects.get(source="visit:1").level == "OK"
    assert marks() == [shop.pk]


def test_many_are_one_statement_and_keep_their_order(world: World) -> None:
    shops = [make_entity(world).pk for _ in range(3)]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        kept = ledger.record_many([told(shops[n % 3], n) for n in range(60)])
    assert (kept, len(queries)) == (60, 1)
    assert list(CreditFact.objects.order_by("id").values_list("source", flat=True)) == [
        f"visit:{n}" for n in range(60)
    ]
    assert sorted(marks()) == shops


def test_nothing_is_nothing(world: World) -> None:
    assert ledger.record_many([]) == 0
    ledger.mark_dirty([], TUESDAY)
    assert marks() == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"kind": "GOSSIP"}, "unknown_fact_kind"),
        ({"level": "SEVERE"}, "unknown_fact_level"),
        ({"level": ""}, "unknown_fact_level"),
        ({"kind": FactKind.PLEDGE, "level": "OK"}, "unknown_fact_level"),
        ({"ref": ""}, "bad_fact_source"),
        ({"ref": "x" * 121}, "bad_fact_source"),
    ],
)
def test_what_nobody_knows_is_refused_and_nothing_kept(
    world: World, fields: dict[str, Any], code: str
) -> None:
    shop = make_entity(world)
    with pytest.raises(Refused) as refused:
        ledger.record_many([told(shop.pk, 7), told(shop.pk, **fields)])
    assert refused.value.code == code
    assert not CreditFact.objects.exists()


def test_no_source_is_refused(world: World) -> None:
    fact = NewFact(make_entity(world).pk, FactKind.PLEDGE, "pledge:1", TUESDAY, source="")
    with pytest.raises(Refused):
        ledger.record(fact)


def test_a_withdrawal_names_the_fact_and_is_made_once(world: World) -> None:
    shop, by = make_entity(world), world.commissioner(1)
    ledger.record(told(shop.pk))
    assert ledger.withdraw("visit:1", by=by, at=TUESDAY, why=" 记错了店 ") is True
    assert ledger.withdraw("visit:1", by=by, at=TUESDAY, why="再说一次") is False
    fact = CreditFact.objects.get(kind=FactKind.WITHDRAWN)
    assert (fact.entity_id, fact.ref, fact.by_id) == (shop.pk, "visit:1", by.pk)
    assert fact.data == {"why": "记错了店"}
    assert CreditFact.objects.count() == 2


def test_the_longest_source_can_be_withdrawn(world: World) -> None:
    shop = make_entity(world)
    source = "s" * ledger.LONGEST_SOURCE
    ledger.record(NewFact(shop.pk, FactKind.PLEDGE, "pledge:1", TUESDAY, source))
    assert ledger.withdraw(source, by=None, at=TUESDAY, why="记错") is True


def test_a_withdrawal_needs_a_fact_and_a_reason(world: World) -> None:
    with pytest.raises(NotVisible):
        ledger.withdraw("visit:1", by=None, at=TUESDAY, why="没有")
    ledger.record(told(make_entity(world).pk))
    with pytest.raises(Refused):
        ledger.withdraw("visit:1", by=None, at=TUESDAY, why=" ")


def test_marks_are_one_statement(world: World) -> None:
    shops = [make_entity(world).pk for _ in range(3)]
    with CaptureQueriesContext(connection) as queries:
        ledger.mark_dirty([*shops, *shops], TUESDAY)
    assert len(queries) == 1
    assert sorted(marks()) == shops
