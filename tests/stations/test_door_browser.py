"""消费纠纷登记 behind the code on a door in a real browser, as wide as a telephone: no account, no leak."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from grids.demo import World
from tests import databases
from tests.factories import stations as made
from tests.factories.credit import Story, keep
from tests.factories.grids import make_world
from tests.factories.photos import make_photo
from tests.factories.stations import Place
from tests.leads_admin.browser_pages import PHONE, browsing
from tests.stack import Stack

pytestmark = pytest.mark.browser
SENT_AN_HOUR = 6
"""How often this stack lets one address send: less than its own default, so that a flood is short."""
TELEPHONE, OPERATOR, MOBILE = "0538-3216699", "钟离春", "13905386699"
WIDER = "document.documentElement.scrollWidth - window.innerWidth"


class Door:
    """A shop with a bad grade, an operator and disputes of other people; a web that counts requests."""

    def __init__(self, database: str, folder: Path) -> None:
        self.world: World = make_world()
        self.around: Place = made.place(
            self.world,
            1,
            circle=True,
            name="顺和服装店",
            operator_name=OPERATOR,
            contact_phone=TELEPHONE,
            credit_grade="D",
        )
        story = Story(made.clock.today())
        story.add("PENALTY", "LIGHT", "penalty:罚9", ago=20, number="罚9")
        keep(story, self.around.shop.pk)
        self.others = [made.taken(self.around), made.settled(self.around), made.agreed(self.around)]
        self.stack = Stack(
            database=database,
            folder=folder,
            settings_module="suoshe.settings.local",
            env={"SUOSHE_TELL_RATE": f"{SENT_AN_HOUR}/hour", "SUOSHE_LINK_RATE": "100/min"},
        )

    @property
    def path(self) -> str:
        return f"/d/{self.around.shop.code}/dispute/"

    def nothing_of(self) -> tuple[str, ...]:
        """What a page for everybody must never say."""
        people = (OPERATOR, TELEPHONE, made.NAME, made.PHONE, self.around.mediator.name)
        return (*people, *(row.number for row in self.others), "罚9", "等级", "信用", "调解中", "已和解")


@pytest.fixture(scope="module")
def door(
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Door]:
    with django_db_blocker.unblock(), databases.fresh() as name:
        with databases.pointed_at(name):
            there = Door(name, tmp_path_factory.mktemp("door"))
        with there.stack:
            there.stack.start("web")
            yield there


def test_a_consumer_registers_by_phone_and_a_flood_is_turned_away(door: Door) -> None:
    seen: list[str] = []
    with browsing(door.stack.url, size=PHONE) as page:
        page.complaints_expected = ["422", "429"]
        page.goto(f"/d/{door.around.shop.code}/")
        page.click("a:has-text('消费纠纷登记')")
        page.wait_for_url(f"**{door.path}")
        assert page.evaluate(WIDER) <= 1
        fill(page)
        page.fill("input[name=answer]", "1")
        page.click("button[type=submit]")
        assert "校验题答案不正确" in page.inner_text("[role=alert]")
        kept = {name: page.input_value(f"[name={name}]") for name in ("goods", "amount", "phone", "name")}
        assert kept == {"goods": "羊绒大衣", "amount": "399", "phone": "13905386699", "name": "百里奚"}
        assert page.input_value("textarea[name=description]").startswith("洗了一次")
        assert page.input_value("select[name=goods_kind]") == "CLOTHING"
        assert page.is_checked("input[name=claims][value=REFUND]")
        assert page.evaluate(WIDER) <= 1
        seen.append(page.content())

        photo = {"name": "小票.jpg", "mimeType": "image/jpeg", "buffer": make_photo()}
        page.set_input_files("input[name=photos]", photo)
        answer(page)
        page.click("button[type=submit]")
        number = page.inner_text("[role=status] strong")
        assert re.fullmatch(r"JF\d{8}-\d{6}", number)
        assert door.around.circle is not None
        assert door.around.circle.name in page.inner_text("main")
        assert page.evaluate(WIDER) <= 1
        seen.append(page.content())

        statuses = flood(page, door)
        assert statuses[-1] == 429
        assert set(statuses[:-1]) == {422}
        assert "操作过于频繁" in page.inner_text("[role=alert]")
        assert page.context.cookies() == []
    for content in seen:
        assert not [word for word in door.nothing_of() if word in content]
        assert not re.search(r">\s*[ABCD]\s*<", content)


def fill(page: Any) -> None:
    """What a person writes on the form; no identity card is asked for."""
    assert "身份证号" not in page.content()
    page.fill("input[name=goods]", "羊绒大衣")
    page.select_option("select[name=goods_kind]", "CLOTHING")
    page.check("input[name=claims][value=REFUND]")
    page.fill("input[name=amount]", "399")
    page.fill("textarea[name=description]", "洗了一次就缩水，店家不给退")
    page.fill("input[name=phone]", MOBILE)
    page.fill("input[name=name]", "百里奚")


def answer(page: Any) -> None:
    """The small sum, as a person reads it."""
    words = page.inner_text("label:has(input[name=answer])")
    first, second = map(int, re.findall(r"\d+", words)[:2])
    page.fill("input[name=answer]", str(first + second))


def flood(page: Any, door: Door) -> list[int]:
    """Send until it is refused: the status of each."""
    found: list[int] = []
    for _ in range(SENT_AN_HOUR + 1):
        if found and found[-1] == 429:
            break
        if not found:
            page.goto(door.path)
            fill(page)
        page.fill("input[name=answer]", "1")
        with page.expect_navigation() as sent:
            page.click("button[type=submit]")
        found.append(sent.value.status)
    return found
