"""Driving the admin with a real browser: signing in, and a page that must not complain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import sync_playwright

from grids.demo import DEMO_PASSWORD
from tests.browser import ARGUMENTS, chromium

DESKTOP = {"width": 1400, "height": 900}
PHONE = {"width": 390, "height": 844}


@contextmanager
def browsing(url: str, *, size: Any = DESKTOP) -> Iterator[Any]:
    """A page of a fresh browser at `url`, in the time zone of the house. Fails on script errors."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        context = browser.new_context(
            base_url=url, viewport=size, timezone_id="Asia/Shanghai", locale="zh-CN", service_workers="block"
        )
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.complaints_expected = []
        try:
            yield page
        finally:
            browser.close()
        expected = page.complaints_expected
        unexpected = [c for c in complaints if not any(word in c for word in expected)]
        assert unexpected == [], unexpected
        assert [a for a in asked if not a.startswith((url, "data:", "blob:"))] == []


def sign_in(page: Any, username: str) -> None:
    page.goto("/admin/login/")
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", DEMO_PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")
