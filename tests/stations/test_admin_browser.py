"""A station's desk in a real browser, on a telephone and on a desktop: one-page intake, signatures drawn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from grids.demo import DEMO_PASSWORD
from stations.agreements import verified
from stations.models import Agreement, Dispute
from tests import databases
from tests.factories import stations as made
from tests.factories.grids import make_world
from tests.leads_admin.browser_pages import DESKTOP, PHONE, browsing, sign_in
from tests.stack import Stack

pytestmark = pytest.mark.browser
LIST = "/admin/stations/dispute/"


class Counter:
    """A station with its mediator and two disputes, and a web server. Rows are made before the browser."""

    def __init__(self, database: str, folder: Path) -> None:
        self.world = make_world()
        self.around = made.place(self.world, 1, circle=True, name="测试锦绣服装店")
        self.mediator = self.around.mediator
        self.mediator.set_password(DEMO_PASSWORD)
        self.mediator.save(update_fields=["password"])
        made.hours(self.around.station)
        self.disputes = [made.taken(self.around, goods=one) for one in ("大衣", "皮鞋", "毛衣")]
        self.filed = made.filed(self.around, goods="手机")
        self.stack = Stack(database=database, folder=folder)

    def pages(self) -> dict[str, str]:
        row = f"{LIST}{self.disputes[2].pk}"
        return {
            "desk": f"{LIST}desk/",
            "list": LIST,
            "intake": f"{LIST}add/",
            "dispute": f"{row}/change/",
            "book": f"{row}/act/book/",
            "figures": f"{LIST}figures/",
            "station": f"/admin/stations/station/{self.around.station.pk}/change/",
            "poster": f"/admin/stations/station/{self.around.station.pk}/poster/",
        }


@pytest.fixture(scope="module")
def counter(
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Counter]:
    with django_db_blocker.unblock(), databases.fresh() as name, databases.pointed_at(name):
        made_here = Counter(name, tmp_path_factory.mktemp("counter"))
        with made_here.stack:
            made_here.stack.start("web")
            yield made_here


def wide(page: Any) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def strokes(page: Any, name: str) -> list[tuple[float, float, float, float]]:
    """Three lines on a pad, from where to where on the screen."""
    pad = page.locator(f"#pad-{name}")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    lefts = [box["x"] + box["width"] * place for place in (0.2, 0.5, 0.8)]
    return [(x, box["y"] + box["height"] * 0.2, x + 12, box["y"] + box["height"] * 0.8) for x in lefts]


def draw(page: Any, name: str) -> None:
    """As a hand draws with a mouse."""
    for x, y, to_x, to_y in strokes(page, name):
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(to_x, to_y, steps=4)
        page.mouse.up()


def draw_by_finger(page: Any, name: str) -> None:
    """As a finger draws; the page must not scroll away under it."""
    there = page.context.new_cdp_session(page)
    there.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for x, y, to_x, to_y in strokes(page, name):
        for kind, points in (
            ("touchStart", [(x, y)]),
            ("touchMove", [((x + to_x) / 2, (y + to_y) / 2)]),
            ("touchMove", [(to_x, to_y)]),
            ("touchEnd", []),
        ):
            touched = [{"x": one, "y": other} for one, other in points]
            there.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})
    there.detach()


def inked(page: Any, name: str) -> bool:
    return bool(page.input_value(f"input[name={name}]"))


def open_agreement(page: Any, row: Dispute) -> None:
    page.goto(f"{LIST}{row.pk}/change/")
    page.click("#act-agree")
    tomorrow = page.evaluate("new Date(Date.now() + 864e5).toISOString().slice(0, 10)")
    page.fill("textarea[name=terms]", "商家三日内退款399元，消费者退回商品。")
    page.fill("input[name=perform_by]", tomorrow)


def test_an_agreement_is_signed_by_finger_and_a_refusal_loses_no_signature(counter: Counter) -> None:
    row = counter.disputes[0]
    with browsing(counter.stack.url, size=PHONE) as page:
        sign_in(page, counter.mediator.username)
        open_agreement(page, row)
        assert wide(page) <= 1
        draw_by_finger(page, "consumer")
        page.click("#submit-act")
        assert page.is_visible("#sign-missing")
        draw_by_finger(page, "shop")
        page.evaluate("document.querySelector('[name=version]').value = '99'")
        page.complaints_expected = ["412"]
        page.click("#submit-act")
        page.wait_for_selector("text=有了变化")
        page.wait_for_selector(".sign-pad.sign-drawn >> nth=1")
        page.dblclick("#submit-act")
        page.wait_for_selector("text=协议已签订")
    assert verified(Agreement.objects.get(dispute=row))


@pytest.mark.long
def test_an_agreement_is_read_and_signed_with_a_mouse(counter: Counter) -> None:
    row = counter.disputes[1]
    with browsing(counter.stack.url, size=DESKTOP) as page:
        sign_in(page, counter.mediator.username)
        open_agreement(page, row)
        with page.context.expect_event("response", lambda one: one.url.endswith("/preview/")) as preview:
            page.click("#preview")
        assert preview.value.header_value("content-type") == "application/pdf"
        for other in page.context.pages[1:]:
            other.close()
        page.bring_to_front()
        draw(page, "consumer")
        draw(page, "shop")
        page.click("#clear-shop")
        assert not inked(page, "shop")
        draw(page, "shop")
        draw(page, "mediator")
        assert inked(page, "mediator")
        page.click("#submit-act")
        page.wait_for_selector("text=协议已签订")
    assert verified(Agreement.objects.get(dispute=row))


def test_a_dispute_is_taken_within_a_minute_on_a_telephone(counter: Counter) -> None:
    before = Dispute.objects.count()
    with browsing(counter.stack.url, size=PHONE) as page:
        sign_in(page, counter.mediator.username)
        page.click("#take-dispute")
        begun = time.monotonic()
        page.type("#shop-search", "锦绣")
        page.click("#shop-found button")
        assert "已选：测试锦绣服装店" in page.inner_text("#shop-chosen")
        page.fill("input[name=goods]", "毛衣")
        page.select_option("select[name=goods_kind]", "CLOTHING")
        page.click("#register")
        assert page.url.endswith(f"{LIST}add/") or "station=" in page.url
        page.check("input[name=claims][value=REFUND]")
        page.fill("input[name=phone]", "13900001111")
        page.fill("input[name=name]", "王某")
        page.check("input[name=wants_official]")
        page.dblclick("#register-at-once")
        page.wait_for_selector("text=已登记，并当场和解")
        took = time.monotonic() - begun
        assert "13900001111" not in page.content()
        assert wide(page) <= 1
    made_now = Dispute.objects.order_by("-id")[: Dispute.objects.count() - before]
    assert [(one.entity_id, one.outcome) for one in made_now] == [(counter.around.shop.pk, "ON_THE_SPOT")]
    assert took < 60


def test_nothing_sticks_out_of_a_telephone_and_no_script_complains(counter: Counter) -> None:
    reaches: dict[str, int] = {}
    with browsing(counter.stack.url, size=PHONE) as page:
        sign_in(page, counter.mediator.username)
        for name, address in counter.pages().items():
            page.goto(address)
            page.wait_for_load_state("load")
            if wide(page) > 1:
                reaches[name] = wide(page)
    assert reaches == {}
