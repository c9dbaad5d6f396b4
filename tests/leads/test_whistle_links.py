"""The single-use page behind a department's SMS: GET shows, POST answers once, nothing else is told."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client, override_settings

from grids.demo import World
from kernel.notices import telephones
from kernel.notices.models import OutboxMessage
from kernel.notices.templates import render_sms
from leads import whistle_calls, whistle_links
from leads.intake import Told
from leads.models import DepartmentContact, Whistle, WhistleLink
from leads.whistle_states import Answer
from tests.factories import leads as made
from tests.factories.leads import TUESDAY, pass_time, take_any
from tests.factories.whistles import blown, call_of, contact, joint_notice

pytestmark = pytest.mark.django_db


def sms_of(whistle: Whistle) -> OutboxMessage:
    return OutboxMessage.objects.get(
        subject_kind="whistle", subject_id=whistle.pk, template="leads.whistle_sms"
    )


def path_of(row: OutboxMessage) -> str:
    """The path of the address that only the sealed part of an SMS carries."""
    link = telephones.opened(row).params["link"]
    return str(re.search(r"/w/[A-Za-z]+/$", link)[0])  # type: ignore[index]


@pytest.fixture
def whistle(world: World) -> Whistle:
    contact(world, "fire")
    lead = made.told_by_office(
        world, 1, category="Q03", told=Told("张某某", "13812349999"), description="住户反映有燃气味"
    )
    joint_notice(world, "fire")
    return blown(
        world, 1, ("fire",), lead=lead, place="北门", telephone="0538-3220000", reason="住户反映有燃气味"
    )


@pytest.fixture
def path(whistle: Whistle) -> str:
    return path_of(sms_of(whistle))


def test_the_sms_carries_a_link_and_nothing_of_the_lead(whistle: Whistle, world: World) -> None:
    row = sms_of(whistle)
    inside = telephones.opened(row)
    assert inside.phone == "13900000001"
    said = render_sms(row.template, inside.params)
    assert f"/w/{inside.params['link'].split('/w/')[1]}" in said
    assert "消防" in said
    assert "北门" in said
    assert "10:30前回应" in said
    for secret in ("燃气味", "张某某", "13812349999", world.grid(1).code):
        assert secret not in said
    token = inside.params["link"].rstrip("/").rsplit("/", 1)[1]
    assert token.isalpha(), "no digits that a mask could take for a telephone"
    assert not WhistleLink.objects.filter(token_hash__contains=token).exists()
    assert token not in str(OutboxMessage.objects.values_list("params", flat=True))


def test_get_shows_and_never_answers(client: Client, path: str, whistle: Whistle) -> None:
    for _ in range(3):
        shown = client.get(path)
        assert shown.status_code == 200
    page = shown.content.decode()
    for word in ("消防", "北门", "0538-3220000", "接到", "已派人", "不归我管", 'name="viewport"'):
        assert word in page, word
    for secret in ("燃气味", "张某某", "13812349999", whistle.lead.number):  # type: ignore[union-attr]
        assert secret not in page
    assert shown["Cache-Control"] == "no-store"
    assert call_of(whistle, "fire").state == "called"
    assert WhistleLink.objects.get().used_at is None
    assert client.get(path.rstrip("/")).status_code == 200


def test_post_answers_once(client: Client, path: str, whistle: Whistle, world: World) -> None:
    first = client.post(path, {"answer": "dispatched", "note": "一车五人"})
    assert first.status_code == 200
    assert "已回应“已派人”" in first.content.decode()
    call = call_of(whistle, "fire")
    assert (call.state, call.answered_how, call.said_by, call.answered_by_id) == (
        "answered", "link", "消防联络人", None,
    )  # fmt: skip
    assert client.post(path, {"answer": "dispatched"}).status_code == 200, "the same again"
    other = client.post(path, {"answer": "not_ours"})
    assert other.status_code == 409
    assert call_of(whistle, "fire").answer == Answer.DISPATCHED
    assert "无需再回应" in client.get(path).content.decode()
    caller = world.community_head_of(1)
    assert OutboxMessage.objects.filter(recipient=caller.pk, template="leads.whistle_answered").count() == 1


def test_a_browser_that_hides_the_address_may_answer(path: str, whistle: Whistle) -> None:
    """`no-referrer` makes browsers send `Origin: null`; the page sets no cookie: the token is the right."""
    strict = Client(enforce_csrf_checks=True)
    shown = strict.get(path)
    assert (shown["Referrer-Policy"], shown["X-Robots-Tag"]) == ("no-referrer", "noindex, nofollow")
    assert not shown.cookies
    assert strict.post(path, {"answer": "received"}, headers={"Origin": "null"}).status_code == 200
    assert call_of(whistle, "fire").state == "answered"


@pytest.mark.parametrize("sent", [{}, {"answer": "maybe"}, {"answer": "received", "note": "长" * 201}])
def test_a_wrong_answer_is_asked_again(
    client: Client, path: str, whistle: Whistle, sent: dict[str, Any]
) -> None:
    answer = client.post(path, sent)
    assert answer.status_code == 400
    assert "接到" in answer.content.decode()
    assert call_of(whistle, "fire").state == "called"


@pytest.mark.parametrize("token", ["x", "a" * 32, "1" * 32, "%00", "啊" * 32, "a" * 500])
def test_an_unknown_link(client: Client, db: None, token: str) -> None:
    answer = client.get(f"/w/{token}/")
    assert answer.status_code == 404
    assert client.post(f"/w/{token}/", {"answer": "received"}).status_code == 404


def test_a_link_runs_out(client: Client, path: str, whistle: Whistle) -> None:
    pass_time(until=TUESDAY + timedelta(hours=24))
    assert client.get(path).status_code == 410
    assert client.post(path, {"answer": "received"}).status_code == 410
    assert call_of(whistle, "fire").state == "called"


def test_a_used_link_runs_out_too(client: Client, path: str, whistle: Whistle) -> None:
    assert client.post(path, {"answer": "received"}).status_code == 200
    pass_time(until=TUESDAY + timedelta(hours=24))
    gone = client.get(path)
    assert gone.status_code == 410
    assert "0538-3220000" not in gone.content.decode()
    assert client.post(path, {"answer": "received"}).status_code == 410


def test_who_is_no_contact_any_more_has_no_link(client: Client, path: str, whistle: Whistle) -> None:
    DepartmentContact.objects.update(is_active=False)
    assert client.get(path).status_code == 410
    assert client.post(path, {"answer": "received"}).status_code == 410
    assert call_of(whistle, "fire").state == "called"


def test_another_has_answered_meanwhile(client: Client, path: str, whistle: Whistle, world: World) -> None:
    whistle_calls.answer(
        whistle_id=whistle.pk,
        by=world.community_head_of(1),
        expect=take_any,
        answer=Answer.RECEIVED,
        word=whistle_calls.Word("fire", "值班室"),
    )
    assert client.post(path, {"answer": "not_ours"}).status_code == 409
    assert call_of(whistle, "fire").answer == Answer.RECEIVED


def test_asking_too_often(client: Client, path: str) -> None:
    cache.clear()
    with override_settings(SUOSHE_LINK_RATE="3/min"):
        told = [client.get(path).status_code for _ in range(4)]
        assert told == [200, 200, 200, 429]
        refused = client.get(path)
        assert int(refused["Retry-After"]) > 0
        assert "操作过于频繁" in refused.content.decode()
    cache.clear()


def test_who_answered_is_paged_no_more(whistle: Whistle, client: Client, path: str) -> None:
    """The SMS reads its stop condition again just before it is sent."""
    from kernel.notices import templates

    row = sms_of(whistle)
    assert templates.still_wanted(row)
    client.post(path, {"answer": "received"})
    assert not templates.still_wanted(row)


def test_the_head_is_rung_up_where_there_is_nobody_else(world: World) -> None:
    contact(world, "fire", "13900000003", head=True)
    whistle = blown(world, 1, ("fire",))
    assert sms_of(whistle).phone_masked == "139****0003"
    contact(world, "fire", "13900000004")
    assert sms_of(blown(world, 2, ("fire",))).phone_masked == "139****0004"


def test_every_contact_has_a_link_of_his_own(world: World, client: Client) -> None:
    contact(world, "fire", "13900000005")
    contact(world, "fire", "13900000006")
    whistle = blown(world, 1, ("fire",))
    rows = OutboxMessage.objects.filter(subject_id=whistle.pk, template="leads.whistle_sms").order_by("id")
    first, second = (path_of(row) for row in rows)
    assert first != second
    assert client.post(first, {"answer": "received"}).status_code == 200
    assert client.post(second, {"answer": "dispatched"}).status_code == 409
    assert len({whistle_links.digest(one.strip("/").split("/")[1]) for one in (first, second)}) == 2
