"""The API docs in a real browser, under our content policy: drawn whole, no complaint, no other host."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.leads_admin.browser_pages import browsing

pytestmark = [pytest.mark.browser, pytest.mark.long]
HOST = "http://localhost"


def serve(route: Any) -> None:
    """Answer the browser from the product itself, in this process: the docs need no database."""
    answer = Client().get(route.request.url.removeprefix(HOST))
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    route.fulfill(status=answer.status_code, headers=dict(answer.items()), body=body)


def scroll_to(page: Any, what: str) -> None:
    """Of a long document the page draws what is looked at: scroll on until this is there."""
    for _ in range(200):
        if page.locator(what).count():
            return
        page.evaluate("scrollBy(0, 600)")
        page.wait_for_timeout(20)
    raise AssertionError(f"never drawn: {what}")


def test_the_docs_are_drawn_under_the_content_policy() -> None:
    with browsing(HOST) as page:
        page.route("**/*", serve)
        page.goto("/api/v1/docs/")
        page.wait_for_selector(".opblock-summary-path")
        assert "所社联动 API" in page.inner_text(".info .title")
        scroll_to(page, "#operations-leads-leads_report")
        page.click("#operations-leads-leads_report .opblock-summary")
        page.wait_for_selector("#operations-leads-leads_report .responses-table")
        assert "规则不允许" in page.inner_text("#operations-leads-leads_report .responses-table")
        scroll_to(page, "#operations-leads-leads_verify")
