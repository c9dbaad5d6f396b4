"""The admin in a real browser: a commissioner's day on one lead, a call at the desk, ticking clocks."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from grids.demo import World
from leads.models import Lead
from tests import databases
from tests.factories import leads as make
from tests.factories.accounts import token_for
from tests.factories.grids import make_world
from tests.leads_admin.browser_pages import PHONE, browsing, sign_in
from tests.stack import Stack

pytestmark = pytest.mark.browser


class Town:
    """A world with two fresh leads, and a web server on it. Rows are made before the browser starts."""

    def __init__(self, database: str, folder: Path) -> None:
        self.world: World = make_world(entities=4)
        self.lead: Lead = make.reported(self.world, 1, category="F03", description="后厨有老鼠")
        self.other: Lead = make.reported(self.world, 1)
        self.token = token_for(self.world.worker(1, 2))
        self.stack = Stack(database=database, folder=folder)

    def ask(self, method: str, path: str, body: Any = None, version: int | None = None) -> Any:
        """The worker's phone."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if version is not None:
            headers["If-Match"] = f'"v{version}"'
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.stack.url}/api/v1/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def town(
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Town]:
    with django_db_blocker.unblock(), databases.fresh() as name:
        with databases.pointed_at(name):
            made = Town(name, tmp_path_factory.mktemp("town"))
        with made.stack:
            made.stack.start("web")
            yield made


def test_a_commissioner_takes_and_feeds_back_and_six_signatures_stand(town: Town) -> None:
    path = f"/admin/leads/lead/{town.lead.pk}/change/"
    with browsing(town.stack.url) as page:
        sign_in(page, "commissioner-01")
        page.click(f"text={town.lead.number}")
        first = page.inner_text(".lead-faces .clock-left")
        page.wait_for_function(
            "t => document.querySelector('.lead-faces .clock-left').textContent !== t", arg=first
        )
        page.click("text=立即前往")
        page.wait_for_selector("text=已接单")
        page.click("nav[aria-label=办理] >> text=反馈")
        assert not page.is_visible("input[name=rectify_due_on]")
        page.check("input[name=kind][value=guided]")
        page.fill("textarea[name=note]", "已清理消杀并指导改正")
        page.click("button:has-text('反馈')")
        page.wait_for_selector("text=待核验")
        lead = town.ask("GET", f"leads/{town.lead.pk}/")
        town.ask("POST", f"leads/{town.lead.pk}/verify/", {"method": "on_site"}, lead["version"])
        page.goto(path)
        assert page.locator(".lead-signed").count() == 6
        assert page.is_visible("text=六项齐全")
        page.set_viewport_size(PHONE)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"]


def test_a_stale_page_loses_no_words(town: Town) -> None:
    with browsing(town.stack.url) as page:
        sign_in(page, "commissioner-01")
        page.goto(f"/admin/leads/lead/{town.other.pk}/change/")
        page.click("text=电话处理")
        page.wait_for_selector("text=已接单")
        page.goto(f"/admin/leads/lead/{town.other.pk}/act/feed-back/")
        page.check("input[name=kind][value=no_problem]")
        page.fill("textarea[name=note]", "现场没有发现老鼠")
        page.evaluate("document.querySelector('[name=version]').value = '1'")
        page.complaints_expected = ["412"]
        page.click("button:has-text('反馈')")
        page.wait_for_selector("text=有了变化")
        assert page.input_value("textarea[name=note]") == "现场没有发现老鼠"
        page.click("button:has-text('反馈')")
        page.wait_for_selector("text=待核验")


def test_the_desk_takes_a_call_by_words_and_a_click_on_the_map(town: Town) -> None:
    with browsing(town.stack.url) as page:
        sign_in(page, "clerk-01")
        page.click("text=新线索")
        page.fill("#category-search", "老鼠")
        assert page.locator("#categories label:visible").count() == 1
        page.check("input[name=category][value=F03]")
        page.fill("textarea[name=description]", "来电反映后厨有老鼠")
        page.select_option("#grid-zoom", str(town.world.grid(1).pk))
        page.click("#map", position={"x": 200, "y": 120})
        assert "已选位置" in page.inner_text("#point-chosen")
        page.fill("input[name=reporter_name]", "王某")
        page.fill("input[name=reporter_phone]", "13800001111")
        page.dblclick("button:has-text('登记并派单')")
        page.wait_for_selector("text=已登记")
        assert "13800001111" not in page.content()
        page.goto("/admin/leads/lead/")
        assert page.locator("#result_list tbody").count() == 3
