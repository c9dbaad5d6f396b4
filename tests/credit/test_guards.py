"""What the database itself holds: an append-only ledger, schemes that never change, rows that never go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from credit.models import CreditFact, CreditReview, CreditScheme
from credit.scheme import DEFAULT, dump, parse
from grids.demo import World
from kernel.deadlines.models import LimitPolicy
from tests.factories.credit import Story, keep
from tests.factories.grids import make_entity
from tests.factories.leads import TUESDAY

first = import_module("credit.migrations.0002_ledger_and_scheme")


def refused(act: Callable[[], Any]) -> bool:
    try:
        with transaction.atomic():
            act()
    except IntegrityError:
        return True
    return False


def test_the_first_scheme_is_the_default() -> None:
    assert dump(DEFAULT) == first.RULES_1
    assert parse(first.RULES_1) == DEFAULT


@pytest.mark.django_db
def test_it_is_in_force_and_the_limits_are_seeded() -> None:
    scheme = CreditScheme.objects.get(state="IN_FORCE")
    assert (scheme.version, parse(scheme.rules)) == (1, DEFAULT)
    kinds = ["credit_appeal", "credit_appeal_window", "credit_repair", "red_partner"]
    found = LimitPolicy.objects.filter(kind__in=kinds).order_by("kind")
    assert [(row.kind, row.amount, row.unit) for row in found] == [
        ("credit_appeal", 15, "WORKING_DAYS"),
        ("credit_appeal_window", 15 * 24 * 60, "MINUTES"),
        ("credit_repair", 10, "WORKING_DAYS"),
        ("red_partner", 10, "WORKING_DAYS"),
    ]


def test_the_ledger_is_append_only(world: World) -> None:
    story = Story()
    story.patrol()
    (fact,) = keep(story, make_entity(world).pk)
    assert refused(lambda: CreditFact.objects.filter(pk=fact.pk).update(level="PROBLEM"))
    assert refused(lambda: CreditFact.objects.filter(pk=fact.pk)._raw_delete("default"))
    assert refused(lambda: keep(story, fact.entity_id)), "each source once"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"rules": {}},
        {"version": 9},
        {"title": "另一名称"},
        {"state": "DRAFT", "in_force_at": None},
        {"in_force_at": TUESDAY},
    ],
)
def test_a_scheme_in_force_never_changes(change: dict[str, Any]) -> None:
    assert refused(lambda: CreditScheme.objects.filter(version=1).update(**change))


@pytest.mark.django_db
def test_a_draft_changes_and_a_scheme_retires() -> None:
    draft = CreditScheme.objects.create(version=2, title="草案", rules=dump(DEFAULT), drafted_at=TUESDAY)
    assert not refused(lambda: CreditScheme.objects.filter(pk=draft.pk).update(rules={}, title="新草案"))
    assert refused(
        lambda: CreditScheme.objects.create(version=3, title="又一份", rules={}, drafted_at=TUESDAY)
    )
    one = CreditScheme.objects.filter(version=1)
    assert not refused(lambda: one.update(state="RETIRED", retired_at=TUESDAY))
    assert refused(lambda: one.update(state="IN_FORCE"))
    assert refused(lambda: CreditScheme.objects.filter(pk=draft.pk)._raw_delete("default"))


def test_a_review_is_confirmed_once_and_else_never_changed(world: World) -> None:
    review = CreditReview.objects.create(
        entity=make_entity(world),
        kind="QUARTERLY",
        period="2026-01-01",
        total=90,
        before="B",
        grade="A",
        at=TUESDAY,
    )
    row = CreditReview.objects.filter(pk=review.pk)
    assert refused(lambda: row.update(grade="B"))
    by = world.commissioner(1)
    assert not refused(lambda: row.update(confirmed_by=by, confirmed_at=TUESDAY, exception="已核对"))
    assert refused(lambda: row.update(confirmed_at=TUESDAY + timedelta(days=1)))
    assert refused(lambda: row._raw_delete("default"))
