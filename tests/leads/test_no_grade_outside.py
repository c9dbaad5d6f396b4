"""信用等级 is internal supervision (DOMAIN.md §7): no public page, platform, SMS or link ever tells one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from grids.demo import World
from grids.models import BusinessEntity
from kernel.notices import telephones, templates, webhooks
from kernel.notices.models import OutboxMessage, WebhookDelivery, WebhookEndpoint
from leads import handing_back, lifecycle
from leads.models import Lead
from tests.factories import citizens, platforms
from tests.factories import leads as made
from tests.factories.leads import take_any
from tests.factories.plans import graded
from tests.factories.stations import make_station
from tests.factories.whistles import blown, contact, joint_notice

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
WORDS = re.compile(r"信用等级|信用分|执行等级|测算等级|一票否决|封顶|[A-DＡ-Ｄ]\s*级|grade", re.IGNORECASE)
PAGES = {"survey-page", "whistle-link", "door", "door-tell", "door-dispute", "station-page"}
"""Every page that opens without signing in, by the name of its address."""
PUBLIC_TEMPLATES = (
    "leads/survey.html",
    "leads/whistle_link.html",
    "leads/tell.html",
    "grids/door.html",
    "stations/dispute.html",
)


def silent(text: str) -> None:
    found = WORDS.search(text)
    assert found is None, text[max(0, found.start() - 60) : found.end() + 60] if found else ""


@pytest.fixture
def gateway(settings: Any) -> None:
    settings.SUOSHE_SMS_BASE_URL = "http://127.0.0.1:1/sms"
    settings.SUOSHE_SMS_KEY = settings.SUOSHE_SMS_SECRET = "x"


@pytest.fixture(params=["A", "D"])
def shop(world: World, request: pytest.FixtureRequest) -> BusinessEntity:
    return graded(world, request.param, contact_phone="13812345678", name="顺和饺子馆")


def outgoing() -> Iterator[str]:
    """Every SMS as the telephone reads it."""
    for row in OutboxMessage.objects.exclude(phone_masked=""):
        yield templates.render_sms(row.template, telephones.opened(row).params)


def test_pages_without_sign_in_are_these() -> None:
    """A new one is added to `PAGES` and asked below."""
    tops = {str(one.pattern): getattr(one, "name", None) for one in get_resolver().url_patterns}
    public = {name for path, name in tops.items() if re.match(r"[a-z]+/<", path) and not path.endswith(">")}
    assert {name for name in public if name and not name.endswith("-bare")} == PAGES


@pytest.mark.usefixtures("gateway")
def test_no_page_and_no_sms_tells_a_grade(world: World, client: Client, shop: BusinessEntity) -> None:
    joint_notice(world, "fire")
    contact(world, "fire")
    told = citizens.closed(world, entity_id=shop.pk)
    unseen = made.closed(world, entity_id=shop.pk)
    open_one = made.told_by_office(world, 1, category="Q03", entity_id=shop.pk)
    blown(world, 1, ("fire",), lead=open_one, place="北门", telephone="0538-3220000", reason="燃气味")
    words = list(outgoing())
    assert len(words) == 3, words
    links = [match for text in words for match in re.findall(r"/[sw]/[\w-]+/", text)]
    assert len(links) == 3
    door, station = f"/d/{shop.code}/", make_station(world, 1)
    for path in [*links, door, f"{door}tell/", f"{door}dispute/", f"/station/{station.code}/"]:
        page = client.get(path)
        assert page.status_code == 200, path
        silent(page.content.decode())
    for lead in (told, unseen):
        body = client.get(f"/api/v1/survey/{citizens.token_in(citizens.sms(lead))}/")
        silent(body.content.decode())
    for text in words:
        silent(text)


def test_no_platform_and_no_address_is_told_a_grade(world: World, shop: BusinessEntity) -> None:
    platform, secret = platforms.made(world, kind="12345")
    lon, lat = world.point_in(1)
    order = {
        "order_no": platforms.number(), "category_code": "L01", "content": "门口占道经营", "lng": lon,
        "lat": lat, "coord": "wgs84", "appeal_type": ["诉求"],
    }  # fmt: skip
    theirs = WebhookEndpoint(name="对方", url="https://other.example/hook", source=platform.code)
    ours = WebhookEndpoint(name="自有格式", url="https://other.example/own")
    for row in (theirs, ours):
        webhooks.set_secret(row, "s" * 32)
        row.save()
    assert platforms.hand_in(Client(), platform, secret, order).status_code == 201
    lead = Lead.objects.get(matter__external_number=order["order_no"])
    Lead.objects.filter(pk=lead.pk).update(entity=shop)
    common: dict[str, Any] = {"lead_id": lead.pk, "by": world.commissioner(1), "expect": take_any}
    lifecycle.respond(**common)
    lifecycle.feed_back(**common, outcome=made.GUIDED)
    for row, form in [(ours, ours.format), *((theirs, form) for form in handing_back.FORMATS)]:
        WebhookEndpoint.objects.filter(pk=row.pk).update(format=form)
        sent = WebhookDelivery.objects.filter(endpoint=row).select_related("endpoint")
        bodies = [webhooks.render(one) for one in sent]
        assert len(bodies) >= 3, form
        silent(json.dumps(bodies, ensure_ascii=False))


def test_no_words_for_outside_have_room_for_a_grade() -> None:
    """What is sent and shown outside has no such word, and credit sends nothing by SMS or to addresses."""
    for name in PUBLIC_TEMPLATES:
        text = (ROOT / "templates" / name).read_text()
        silent(text)
        assert "credit" not in text
    by_sms = [one for one in templates._registered.values() if one.sms is not None]
    assert len(by_sms) >= 4
    for one in by_sms:
        assert not one.key.startswith("credit.")
        silent(f"{one.title}{one.body}{one.sms}")
    for event, label in webhooks.events():
        assert not event.startswith("credit.")
        silent(label)
    for path in (ROOT / "credit").rglob("*.py"):
        assert "sms_to" not in path.read_text(), path.name
