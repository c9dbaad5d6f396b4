"""Two files at once, on two connections: the second is planned on what the first has written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from credit import importing as facts
from credit.models import CreditFact
from grids import importing
from grids.demo import World
from grids.models import BusinessEntity, ImportFile
from kernel import clock
from kernel.accounts.models import User
from tests.factories.grids import make_entity, make_world
from tests.grids.test_at_once import at_once

SHOPS = "\n".join(
    [
        "名称,主体类型,业态,经营地址,网格",
        *(f"同时导入{n},摊点,其他,新城路{n}号,370983001-L01" for n in range(40)),
    ]
)


@pytest.fixture
def world(committed_db: str, settings: Any, tmp_path: Any) -> World:
    settings.MEDIA_ROOT = str(tmp_path)
    return make_world()


def both(hand_in: Callable[..., ImportFile], content: str, people: list[User]) -> list[tuple[int, int, int]]:
    """Each person tries the same file, then all carry it out at once: errors, created, unchanged."""
    data = content.encode()

    def one(by: User, *, dry_run: bool) -> ImportFile:
        return hand_in(content=data, name="表.csv", dry_run=dry_run, by=by, at=clock.now())

    for by in people:
        assert one(by, dry_run=True).state == ImportFile.State.TRIED
    done = at_once([lambda by=by: one(by, dry_run=False) for by in people])  # type: ignore[misc]
    return sorted((len(file.errors), file.created, file.unchanged) for file in done)


def test_the_same_shops_come_in_once(world: World) -> None:
    people = [world.user("bureau"), world.clerk_of(1)]
    assert both(importing.hand_in, SHOPS, people) == [(0, 0, 40), (0, 40, 0)]
    assert BusinessEntity.objects.count() == 40


def test_the_same_facts_come_in_once(world: World) -> None:
    codes = [make_entity(world, 1).code for _ in range(5)]
    rows = [f"{code},行政处罚,一般,罚{number}号,2026-01-31" for number, code in enumerate(codes)]
    content = "\n".join(["统一社会信用代码或一店一码,事实,程度,编号,发生日期", *rows])
    people = [world.user("bureau"), world.user("section-credit")]
    assert both(facts.hand_in, content, people) == [(0, 0, 5), (0, 5, 0)]
    assert CreditFact.objects.filter(kind="PENALTY").count() == 5
