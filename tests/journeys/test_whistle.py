"""社区吹哨、部门报到, over HTTP with real processes: by account, SMS and telephone, in time and late."""

from __future__ import annotations

import re
from datetime import timedelta

import requests

from kernel import clock
from kernel.notices.models import OutboxMessage
from leads import departments
from leads.departments import Card, Terms
from tests.journeys.phone import Phone
from tests.journeys.town import Town
from tests.stack import wait_until

NUMBER = 14
FIRE_PHONE, HEAD_PHONE = "13977770001", "13977770002"
TOLD_WITHIN_S = 30


def agree(town: Town) -> None:
    """A joint notice with the police and the fire brigade, and whom to ring up there."""
    by, at = town.world.user("bureau"), clock.now()
    for code in ("police", "fire"):
        department = town.world.departments[code]
        departments.add_policy(
            department=department, terms=Terms("肥政办发〔2026〕1号", 30, 120), by=by, at=at
        )
    fire = town.world.departments["fire"]
    departments.keep_contact(department=fire, card=Card("消防值班员", FIRE_PHONE), by=by, at=at)
    departments.keep_contact(department=fire, card=Card("消防负责人", HEAD_PHONE, is_head=True), by=by, at=at)


def notices(phone: Phone, whistle_id: int) -> list[str]:
    found = phone.get("notices/", page_size=200).must_be(200).body["results"]
    about = [one for one in found if one["subject"] == {"kind": "whistle", "id": whistle_id}]
    return [one["template"] for one in reversed(about)]


def page_of(town: Town, phone: str) -> str:
    """The address in the last SMS to this telephone, at the town's own web process."""
    found = re.search(r"/w/[A-Za-z]+/", town.provider.texts_to(phone)[-1])
    assert found is not None, town.provider.texts_to(phone)
    return f"{town.stack.url}{found[0]}"


def answer_by_sms(address: str, said: str) -> requests.Response:
    """Open the page as a telephone's browser does, and press a button."""
    with requests.Session() as browser:
        browser.trust_env = False
        shown = browser.get(address, timeout=30)
        assert shown.status_code == 200
        return browser.post(address, {"answer": said}, headers={"Origin": "null"}, timeout=30)


def test_departments_are_called_answer_come_late_and_report(town: Town) -> None:
    town.by_day()
    agree(town)
    head, police = town.community_head(NUMBER), town.phone("police")
    lead = town.report(NUMBER, category="Q02", description="楼道里停满改装电动车")
    assert police.get(f"leads/{lead['id']}/").status == 404
    proposed = head.lead(lead["id"])["whistle_departments"]
    assert proposed == ["police", "fire"]
    body = {
        "lead": lead["id"], "grid": lead["grid"], "departments": proposed, "place": "三号楼",
        "reason": "占用消防通道", "telephone": "0538-3220000",
    }  # fmt: skip
    whistle = head.post("whistles/", body).must_be(201).body
    assert {one["answer_late"] for one in whistle["calls"]} == {False}
    assert "leads.whistle_called" in notices(police, whistle["id"])
    assert police.lead(lead["id"])["number"] == lead["number"]
    assert police.get("me").body["open_tasks"]["whistle"] >= 1

    # the fire brigade has no account: an SMS, whose page a gateway may open as often as it likes
    town.send_task("notices.deliver")
    wait_until(lambda: bool(town.provider.texts_to(FIRE_PHONE)), within_s=TOLD_WITHIN_S, what="the SMS")
    address = page_of(town, FIRE_PHONE)
    assert "楼道里停满" not in town.provider.texts_to(FIRE_PHONE)[-1]
    for _ in range(2):
        assert requests.get(address, timeout=30).status_code == 200
    fire = head.get(f"whistles/{whistle['id']}/").body["calls"][1]
    assert fire["state"] == "called", "GET never answers"
    assert answer_by_sms(address, "dispatched").status_code == 200
    fire = head.get(f"whistles/{whistle['id']}/").body["calls"][1]
    assert (fire["state"], fire["answered_how"], fire["said_by"]) == ("answered", "link", "消防值班员")
    assert "无需再回应" in requests.get(address, timeout=30).text

    # the police answer in time and come too late
    police.whistle_act(whistle["id"], "answer", {"answer": "received"})
    town.pass_time(timedelta(minutes=121))
    assert notices(police, whistle["id"]).count("leads.whistle_on_site_soon") == 1, "催办 at 80 %"
    shown = head.get(f"whistles/{whistle['id']}/").body["calls"]
    assert [(one["answer_late"], one["on_site_late"]) for one in shown] == [(False, True), (False, True)]
    place = town.world.grid(NUMBER).lead_community.subdistrict_id
    street = [one.pk for one in town.world.subdistricts].index(place) + 1
    for told in (head, town.phone(f"street-{street:02d}")):
        assert notices(told, whistle["id"]).count("leads.whistle_on_site_late") == 2
    assert notices(head, whistle["id"]).count("leads.whistle_on_site_late") == 2
    town.send_task("notices.deliver")
    wait_until(
        lambda: bool(town.provider.texts_to(HEAD_PHONE)), within_s=TOLD_WITHIN_S, what="the head's SMS"
    )
    police.whistle_act(whistle["id"], "check-in", {"note": "已到三号楼"})
    police.whistle_act(whistle["id"], "report", {"note": "已劝离并教育"})
    word = {"department": "fire", "said_by": "带队员"}
    head.whistle_act(whistle["id"], "check-in", word)
    head.whistle_act(whistle["id"], "report", {**word, "note": "通道已畅通"})
    closed = head.whistle_act(whistle["id"], "close")
    assert closed["state"] == "closed"
    assert {one["state"] for one in closed["calls"]} == {"reported"}
    assert all(one["on_site_late"] for one in closed["calls"]), "what was late stays late"
    kinds = [one["kind"] for one in head.get(f"leads/{lead['id']}/timeline/").body["entries"]]
    assert kinds.count("clock.whistle_on_site") == 2
    assert kinds[-1] == "whistle.closed"
    row = OutboxMessage.objects.filter(template="leads.whistle_sms", subject_id=whistle["id"]).get()
    assert (row.state, row.sealed) == ("delivered", ""), "number and link are thrown away once told"
    town.finish(lead["id"], NUMBER)


def test_a_declined_call_and_silence(town: Town) -> None:
    """Needs the joint notice of the test before."""
    town.by_day()
    head, police = town.community_head(NUMBER), town.phone("police")
    body = {"grid": town.world.grid(NUMBER).code, "departments": ["police"], "reason": "井盖缺失"}
    whistle = head.post("whistles/", body).must_be(201).body
    declined = police.whistle_act(whistle["id"], "answer", {"answer": "not_ours", "note": "属城管"})
    assert declined["calls"][0]["state"] == "declined"
    assert "leads.whistle_declined" in notices(head, whistle["id"])
    more = head.whistle_act(whistle["id"], "call", {"departments": ["fire"]})
    assert [one["state"] for one in more["calls"]] == ["declined", "called"]
    town.pass_time(timedelta(minutes=31))
    silent = head.get(f"whistles/{whistle['id']}/").body["calls"]
    assert [one["answer_late"] for one in silent] == [False, True], "a declined call has no clock left"
    word = {"department": "fire", "said_by": "值班室"}
    head.whistle_act(whistle["id"], "answer", {**word, "answer": "dispatched"})
    done = head.whistle_act(whistle["id"], "close", {"note": "已设围挡，另行处理"})
    assert [one["state"] for one in done["calls"]] == ["declined", "ended"]
