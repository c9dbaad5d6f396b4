"""The pages of businesses, plans and schemes in a real browser, as wide as a telephone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from credit import schemes
from credit.models import CreditScheme
from grids.demo import World
from grids.models import BusinessEntity, Licence
from kernel import clock
from patrols.kinds import TaskKind
from tests import databases
from tests.factories import leads as make
from tests.factories.credit import Story, keep
from tests.factories.grids import make_world
from tests.factories.photos import make_photo
from tests.factories.plans import graded
from tests.factories.visits import task_of, tasks_along
from tests.leads_admin.browser_pages import PHONE, browsing, sign_in
from tests.stack import Stack

pytestmark = pytest.mark.browser


class Street:
    """A shop with one of everything, and a day's walk."""

    def __init__(self, database: str, folder: Path) -> None:
        self.world: World = make_world(entities=4)
        self.shop: BusinessEntity = graded(self.world, "C")
        story = Story(clock.today())
        story.finding("SERIOUS", ago=40, overdue=True)
        story.patrol()
        story.add("PENALTY", "LIGHT", "penalty:罚1", ago=20, number="罚1")
        keep(story, self.shop.pk)
        Licence.objects.create(entity=self.shop, type="FOOD_OPERATION", number="JY13709830012345")
        make.reported(self.world, 1, category="F03", entity_id=self.shop.pk)
        tasks_along(self.world, 6)
        task_of(self.world, TaskKind.QUARTERLY_REVIEW, entity=graded(self.world, "A"))
        task_of(self.world, TaskKind.WEEKLY_CHECK, entity=self.shop)
        self.draft: CreditScheme = schemes.draft(by=self.world.user("bureau"), title="下一版方案")
        self.stack = Stack(database=database, folder=folder)

    def pages(self) -> dict[str, str]:
        grid = self.world.grid(1).code
        plan = "/admin/patrols/patroltask"
        return {
            "shop": f"/admin/grids/businessentity/{self.shop.pk}/change/",
            "edit": f"/admin/grids/businessentity/{self.shop.pk}/edit/",
            "month": f"{plan}/calendar/?grid={grid}",
            "day": f"{plan}/day/?grid={grid}",
            "week": f"{plan}/week/",
            "completion": f"{plan}/completion/",
            "reviews": f"{plan}/reviews/?grid={grid}",
            "standings": "/admin/credit/creditstanding/",
            "scheme": f"/admin/credit/creditscheme/{self.draft.pk}/change/",
            "rules": f"/admin/credit/creditscheme/{self.draft.pk}/edit",
            "facts": "/admin/credit/creditfact/",
            "file of facts": "/admin/grids/importfile/upload/facts/",
            "policy": "/admin/patrols/patrolpolicy/add/",
        }


@pytest.fixture(scope="module")
def street(
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Street]:
    with django_db_blocker.unblock(), databases.fresh() as name:
        with databases.pointed_at(name):
            made = Street(name, tmp_path_factory.mktemp("street"))
        with made.stack:
            made.stack.start("web")
            yield made


def test_nothing_sticks_out_of_a_telephone_and_no_script_complains(street: Street) -> None:
    wide: dict[str, Any] = {}
    with browsing(street.stack.url, size=PHONE) as page:
        sign_in(page, "bureau")
        for name, address in street.pages().items():
            page.goto(address)
            page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
            reach = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            if reach > 1:
                wide[name] = reach
    assert wide == {}


def test_a_repair_is_entered_with_its_proof_and_a_policy_is_looked_at_first(street: Street) -> None:
    shop = f"/admin/grids/businessentity/{street.shop.pk}/change/"
    proof = {"name": "缴款凭证.jpg", "mimeType": "image/jpeg", "buffer": make_photo()}
    with browsing(street.stack.url, size=PHONE) as page:
        sign_in(page, street.world.clerk_of(1).username)
        page.goto(shop)
        page.click("a:has-text('申请信用修复')")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 1
        page.fill("textarea[name=reason]", "罚款已缴清")
        page.set_input_files("input[name=photos]", proof)
        page.click("button:has-text('登记申请')")
        page.wait_for_url(f"**{shop}")
        assert "信用修复申请已登记" in page.content()
    with browsing(street.stack.url) as page:
        sign_in(page, "bureau")
        page.goto("/admin/patrols/patrolpolicy/add/")
        page.fill("input[name=commissioner_weekly_limit]", "9")
        page.fill("input[name=basis]", "局发〔2026〕5号")
        page.click("button:has-text('查看影响')")
        page.click("button:has-text('确定施行')")
        page.wait_for_url("**/change/")
        assert "待施行" in page.content()
