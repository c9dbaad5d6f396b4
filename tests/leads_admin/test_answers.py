"""Answers, surveys and the keeper's page in the admin: who sees them, what is entered, all in Chinese."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest

from grids.demo import World
from kernel.journal.models import Entry
from leads.models import AnswerAttempt, AnswerState, Survey
from tests.factories import citizens
from tests.factories import leads as make
from tests.factories.citizens import NAME, PHONE
from tests.factories.grids import make_entity
from tests.leads_admin.test_pages import ALLOWED, CODE, LEADS, page
from tests.suoshe.pages import english_in, outside_in

pytestmark = pytest.mark.django_db
ANSWERS, SURVEYS, KEEPER = "/admin/leads/answer/", "/admin/leads/survey/", "/admin/leads/leadreporter/"
REASON = "回访核实处置情况"


def test_lists_show_what_is_visible(world: World, signed_in: Any) -> None:
    lead = citizens.closed(world, 1)
    for who, sees in (("clerk-01", True), ("auditor", True), ("commissioner-20", False)):
        client = signed_in(who)
        for path in (ANSWERS, SURVEYS):
            assert (lead.number in page(client, path)) is sees, (who, path)
    for who in ("keeper", "admin"):
        for path in (ANSWERS, SURVEYS):
            assert signed_in(who).get(path).status_code == 403
    row = lead.answers.get()
    assert signed_in("commissioner-20").get(f"{ANSWERS}{row.pk}/change/").status_code == 302


def test_a_call_is_entered_once(world: World, signed_in: Any) -> None:
    lead = citizens.closed(world, 1)
    row = lead.answers.get()
    client = signed_in("clerk-01")
    path = f"{ANSWERS}{row.pk}/change/"
    html = page(client, path)
    uid = re.search(r'name="client_uid" value="([0-9a-f-]{36})"', html)
    assert uid is not None
    sent = {"client_uid": uid[1], "result": "reached", "note": f"已告知{NAME}"}
    assert client.post(path, {**sent, "result": ""}).status_code == 400
    for _ in range(2):
        assert client.post(path, sent).status_code == 302
    assert AnswerAttempt.objects.get(way="call").note == "已告知诸**"
    row.refresh_from_db()
    assert row.state == AnswerState.ANSWERED
    assert "通话结果" not in page(client, path)
    late = client.post(path, {**sent, "client_uid": str(uuid.uuid4())})
    assert late.status_code == 409


def test_the_auditor_only_looks(world: World, signed_in: Any) -> None:
    lead = citizens.closed(world, 1)
    client = signed_in("auditor")
    for path in (f"{ANSWERS}{lead.answers.get().pk}/change/", f"{SURVEYS}{lead.surveys.get().pk}/change/"):
        assert "登记电话" not in page(client, path)
        assert client.post(path, {}).status_code == 403


def test_a_rating_by_telephone_is_entered_by_the_uninvolved(world: World, signed_in: Any) -> None:
    lead = citizens.closed(world, 1)
    path = f"{SURVEYS}{lead.surveys.get().pk}/change/"
    assert "登记电话回访" not in page(signed_in("clerk-01"), path)
    head = signed_in(world.head_of(1).username)
    assert "登记电话回访" in page(head, path)
    assert head.post(path, {}).status_code == 400
    assert head.post(path, {"rating": "satisfied", "comment": "还行"}).status_code == 302
    assert Survey.objects.get().entered_by == world.head_of(1)
    assert "还行" in page(head, path)
    assert "还行" not in page(signed_in("worker-01-1"), path)


def test_a_shop_is_asked_from_the_leads_page(world: World, signed_in: Any) -> None:
    lead = make.closed(world, 1, entity_id=make_entity(world, 1).pk)
    path = f"{LEADS}{lead.pk}/"
    assert "ask-shop" not in page(signed_in(world.commissioner(1).username), f"{path}change/")
    head = signed_in(world.head_of(1).username)
    assert "电话回访经营主体" in page(head, f"{path}change/")
    said = {"version": lead.version, "rating": "satisfied", "comment": ""}
    assert head.post(f"{path}act/ask-shop/", said).status_code == 302
    assert Survey.objects.get().asked == "shop"
    shown = page(head, f"{path}change/")
    assert "经营主体　评价：满意" in shown
    assert "ask-shop" not in shown


def test_the_workbench_counts_who_was_not_answered(world: World, signed_in: Any) -> None:
    lead = citizens.closed(world, 1)
    client = signed_in("clerk-01")
    assert "办结未回复" in page(client, "/admin/")
    assert lead.number in page(client, f"{LEADS}?answered=unanswered")
    citizens.deliver(lead)
    assert lead.number not in page(client, f"{LEADS}?answered=unanswered")
    assert lead.number in page(client, f"{LEADS}?answered=answered")
    assert "短信回复" in page(client, f"{LEADS}{lead.pk}/change/")
    own = make.closed(world, 1)
    assert "无回访对象" in page(client, f"{LEADS}{own.pk}/change/")


# --- the keeper --------------------------------------------------------------------------------------


def test_the_keeper_looks_by_number_and_sees_no_list(world: World, signed_in: Any) -> None:
    lead = citizens.closed(world, 1)
    keeper = signed_in("keeper")
    asked = page(keeper, KEEPER)
    assert lead.number not in asked
    assert NAME not in asked
    assert keeper.get(f"{KEEPER}{lead.pk}/change/").status_code == 302
    assert keeper.post(KEEPER, {"number": lead.number, "reason": "看"}).status_code == 400
    assert keeper.post(KEEPER, {"number": "XS0", "reason": REASON}).status_code == 404
    shown = keeper.post(KEEPER, {"number": lead.number, "reason": REASON})
    assert shown.status_code == 200
    assert "no-store" in shown["Cache-Control"]
    html = shown.content.decode()
    assert NAME in html
    assert PHONE in html
    assert NAME not in page(keeper, KEEPER)
    assert Entry.objects.filter(kind="reporter.revealed").count() == 1
    assert NAME not in page(signed_in("clerk-01"), f"{LEADS}{lead.pk}/change/")


def test_the_keeper_enters_what_was_said(world: World, signed_in: Any) -> None:
    lead = citizens.closed(world, 1)
    keeper = signed_in("keeper")
    call = {"act": "call", "number": lead.number, "client_uid": str(uuid.uuid4()), "result": "reached"}
    assert keeper.post(KEEPER, {**call, "result": ""}, follow=True).status_code == 200
    assert not AnswerAttempt.objects.filter(way="call").exists()
    assert "已登记电话回复" in keeper.post(KEEPER, call, follow=True).content.decode()
    said = {"act": "survey", "number": lead.number, "rating": "satisfied"}
    assert "已登记电话回访" in keeper.post(KEEPER, said, follow=True).content.decode()
    assert (
        "您已经作出评价" in keeper.post(KEEPER, {**said, "rating": "neutral"}, follow=True).content.decode()
    )
    assert lead.answers.get().state == AnswerState.ANSWERED


@pytest.mark.parametrize("who", ["bureau", "admin", "auditor", "clerk-01"])
def test_nobody_else_opens_it(world: World, signed_in: Any, who: str) -> None:
    lead = citizens.closed(world, 1)
    client = signed_in(who)
    assert client.get(KEEPER).status_code == 403
    assert client.post(KEEPER, {"number": lead.number, "reason": REASON}).status_code == 403
    assert KEEPER not in page(client, "/admin/")


def test_the_pages_speak_chinese_and_load_nothing_from_outside(world: World, signed_in: Any) -> None:
    lead = citizens.closed(world, 1)
    clerk, keeper = signed_in("clerk-01"), signed_in("keeper")
    shown = keeper.post(KEEPER, {"number": lead.number, "reason": REASON}).content.decode()
    token = citizens.token_in(citizens.sms(lead))
    pages = {
        "answers": page(clerk, ANSWERS),
        "none": page(clerk, f"{ANSWERS}?q=没有"),
        "answer": page(clerk, f"{ANSWERS}{lead.answers.get().pk}/change/"),
        "surveys": page(clerk, SURVEYS),
        "survey": page(signed_in("office-01"), f"{SURVEYS}{lead.surveys.get().pk}/change/"),
        "keeper": page(keeper, KEEPER),
        "shown": shown,
        "lead": page(clerk, f"{LEADS}{lead.pk}/change/"),
        "link": page(clerk, f"/s/{token}/"),
    }
    plain = {name: re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", html) for name, html in pages.items()}
    left = {name: english_in(CODE.sub("", html), allowed=ALLOWED) for name, html in plain.items()}
    assert {name: found for name, found in left.items() if found} == {}
    assert {name: outside_in(html) for name, html in pages.items() if outside_in(html)} == {}
