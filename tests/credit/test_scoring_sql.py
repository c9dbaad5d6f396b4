"""One scheme, two evaluators: the statement says of any facts what the pure function says, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit import scoring_sql
from credit.facts import LEVELS, Fact, FactKind
from credit.models import CreditFact
from credit.scheme import DEFAULT, GRADES, Scheme
from credit.scoring import score
from grids.models import BusinessEntity, EntityKind
from kernel.clock import SHANGHAI
from tests.factories.credit import Story, keep

DAYS = [date(2026, 11, 23), date(2026, 2, 28), date(2024, 2, 29), date(2026, 3, 31), date(2026, 7, 1)]
SHOPS = 3


@pytest.fixture
def shops(db: None) -> list[BusinessEntity]:
    return BusinessEntity.objects.bulk_create(
        BusinessEntity(name=f"商户{n}", kind=EntityKind.STALL, filed_on=DAYS[0] - timedelta(days=80 * n))
        for n in range(SHOPS)
    )


@st.composite
def drawn_facts(draw: st.DrawFn, on: date) -> list[dict[str, Any]]:
    """Facts of one business: few matters, so that they meet; days on and around the edges of windows."""
    rows = []
    for number in range(draw(st.integers(0, 14))):
        kind = draw(st.sampled_from(FactKind.values))
        months = draw(st.sampled_from([0, 0, 3, 6, 12, 36]))
        day = on - timedelta(days=months * 30 + draw(st.integers(-3, 12)))
        rows.append(
            {
                "kind": kind,
                "level": draw(st.sampled_from(sorted(LEVELS.get(kind, {""})))),
                "ref": f"m:{draw(st.integers(0, 3))}",
                "at": datetime.combine(day, time(draw(st.integers(8, 9))), SHANGHAI),
                "happened_on": day,
                "until": draw(st.none() | st.integers(-2, 33).map(lambda left: on + timedelta(days=left))),
                "source": f"s:{number}",
            }
        )
        if kind == FactKind.WITHDRAWN:
            rows[-1]["ref"] = f"s:{draw(st.integers(0, 14))}"
    return rows


@st.composite
def drawn_schemes(draw: st.DrawFn) -> Scheme:
    """Any points, windows and caps; also those in which the indicators do not come to 100."""
    points = st.decimals(0, 20, places=2)

    def section(rule: Any) -> Any:
        values: dict[str, Any] = {}
        for one in fields(rule):
            now = getattr(rule, one.name)
            if isinstance(now, Decimal):
                values[one.name] = draw(points)
            elif isinstance(now, int):
                values[one.name] = draw(st.integers(1, 40))
            else:
                values[one.name] = draw(st.sampled_from(GRADES[1:]))
        return replace(rule, **values)

    parts = {one.name: section(getattr(DEFAULT, one.name)) for one in fields(DEFAULT)}
    high = draw(st.lists(st.decimals(1, 100, places=2), min_size=3, max_size=3).map(sorted))
    parts["limits"] = replace(parts["limits"], a=high[2], b=high[1], c=high[0])
    return Scheme(**parts)


@st.composite
def drawn_cases(draw: st.DrawFn) -> tuple[date, Scheme, list[list[dict[str, Any]]]]:
    on = draw(st.sampled_from(DAYS))
    scheme = draw(st.just(DEFAULT) | drawn_schemes())
    return on, scheme, [draw(drawn_facts(on)) for _ in range(SHOPS)]


def kept(shops: Sequence[BusinessEntity], told: Sequence[Sequence[dict[str, Any]]]) -> dict[int, list[Fact]]:
    rows = [
        CreditFact(
            entity=shop,
            recorded_at=row["at"],
            **{
                **row,
                "source": f"{shop.pk}/{row['source']}",
                "ref": f"{shop.pk}/{row['ref']}" if row["kind"] == FactKind.WITHDRAWN else row["ref"],
            },
        )
        for shop, facts in zip(shops, told, strict=True)
        for row in facts
    ]
    found: dict[int, list[Fact]] = {shop.pk: [] for shop in shops}
    for row in CreditFact.objects.bulk_create(rows):
        found[row.entity_id].append(
            Fact(row.kind, row.level, row.ref, row.at, row.happened_on, row.until, row.source, row.pk)
        )
    return found


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture,
                                                            HealthCheck.too_slow]
)  # fmt: skip
@given(drawn_cases())
def test_the_statement_says_what_the_function_says(
    shops: list[BusinessEntity], case: tuple[date, Scheme, list[list[dict[str, Any]]]]
) -> None:
    on, scheme, told = case
    with transaction.atomic():
        facts = kept(shops, told)
        rows = {row.entity_id: row for row in scoring_sql.score_many(facts, scheme, on=on)}
        transaction.set_rollback(True)
    assert set(rows) == set(facts)
    for shop in shops:
        wanted = score(facts[shop.pk], scheme, on=on, filed_on=shop.filed_on)
        found = rows[shop.pk]
        for name in ("indicators", "total", "grade", "caps", "vetoes", "cause"):
            assert getattr(found, name) == getattr(wanted, name), name
        assert [str(one) for one in found.indicators] == [str(one) for one in wanted.indicators]


def test_a_fact_of_another_business_withdraws_nothing(shops: list[BusinessEntity]) -> None:
    story, other = Story(on=DAYS[0]), Story(on=DAYS[0])
    story.add("PENALTY", "GRAVE", "penalty:1")
    other.withdraw(f"{shops[0].pk}/penalty:1:penalty:1")
    keep(story, shops[0].pk)
    keep(other, shops[1].pk)
    rows = {row.entity_id: row for row in scoring_sql.score_many([shops[0].pk], DEFAULT, on=DAYS[0])}
    assert rows[shops[0].pk].indicators[5] == 0


def test_unknown_businesses_are_left_out(db: None) -> None:
    assert scoring_sql.score_many([987_654], DEFAULT, on=DAYS[0]) == []


def test_the_plan_is_the_same_whatever_the_statistics_say(shops: list[BusinessEntity]) -> None:
    """An empty table, or this one: facts from their index alone and unsorted, no list within a list."""
    given = {"ids": [shop.pk for shop in shops], **scoring_sql.parameters(DEFAULT, DAYS[0])}
    with scoring_sql.settled(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN WITH {scoring_sql.SCORED} SELECT * FROM scored", given)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert plan.count("using credit_facts_by_entity") == 3
    assert plan.count("Index Only Scan") == 3
    assert plan.count("Nested Loop") == 1  # a withdrawal finds the fact that it names by its source
    for slow in ("Seq Scan", "Sort", "Bitmap", "Merge Join"):
        assert slow not in plan, slow


def test_what_comes_after_a_scoring_is_planned_as_ever(db: None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        scoring_sql.score_many([1], DEFAULT, on=DAYS[0])
        cursor.execute("SELECT name FROM pg_settings WHERE name LIKE 'enable%' AND setting <> boot_val")
        assert cursor.fetchall() == []
        cursor.execute("SELECT current_setting('jit')")
        assert cursor.fetchone() == ("off",)  # as the test cluster has it
