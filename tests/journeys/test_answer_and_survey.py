"""事事有回音: a citizen hears what came of it, says what he thinks, and is heard again if he is unhappy."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import requests

from tests.journeys.phone import Phone
from tests.journeys.town import Town, clocks, local
from tests.stack import wait_until

NUMBER = 16
NAME, MOBILE, LANDLINE = "慕容千秋", "13905380246", "0538-3216688"
TOLD_WITHIN_S = 40
SATISFIED, UNHAPPY = "very_satisfied", "unsatisfied"


def tell(town: Town, phone: str) -> int:
    """A citizen tells the office's clerk; the lead is handled and closed."""
    lead = town.report(
        NUMBER,
        by=town.clerk(NUMBER),
        category="P01",
        description=f"{NAME}反映没有明码标价，回电{phone}",
        reporter={"name": NAME, "phone": phone},
    )
    lead_id: int = lead["id"]
    town.finish(lead_id, NUMBER)
    return lead_id


def link_in(town: Town, nth: int) -> str:
    """The address in the citizen's n-th SMS, at the town's own web process."""
    wait_until(
        lambda: len(town.provider.texts_to(MOBILE)) >= nth, within_s=TOLD_WITHIN_S, what=f"SMS number {nth}"
    )
    found = re.search(r"/s/[\w-]+/", town.provider.texts_to(MOBILE)[nth - 1])
    assert found is not None
    return f"{town.stack.url}{found[0]}"


def browse(method: str, address: str, *, json: Any = None, **said: Any) -> requests.Response:
    with requests.Session() as browser:
        browser.trust_env = False
        return browser.request(method, address, data=said or None, json=json, timeout=30)


def answered(phone: Phone, lead_id: int) -> str | None:
    value: str | None = phone.lead(lead_id)["answered"]
    return value


def wait_for_answer(town: Town, lead_id: int) -> None:
    """The SMS has arrived, and the house has noticed."""

    def noticed() -> bool:
        town.send_task("leads.settle_answers")
        return answered(town.bureau, lead_id) == "answered"

    wait_until(noticed, within_s=TOLD_WITHIN_S, what="the answer to be noted")


def test_a_citizen_hears_is_asked_and_is_heard_again(town: Town) -> None:
    town.by_day()
    head = town.office_head(NUMBER)
    lead_id = tell(town, MOBILE)
    closed = town.bureau.lead(lead_id)
    assert clocks(closed)["answer"]["state"] in ("running", "met")
    page = link_in(town, 1)
    text = town.provider.texts_to(MOBILE)[0]
    assert closed["number"] in text
    assert "提醒指导" in text
    assert NAME not in text
    wait_for_answer(town, lead_id)
    assert clocks(town.bureau.lead(lead_id))["answer"]["state"] == "met"

    for _ in range(3):  # a gateway, a messenger and he himself open it: nothing is answered
        assert browse("GET", page).status_code == 200
    assert town.bureau.get(f"leads/{lead_id}/survey/").body["surveys"][0]["rating"] is None
    assert "感谢" in browse("POST", page, rating=UNHAPPY, comment=f"我是{NAME}，价签还没有贴").text
    assert browse("POST", page, rating=SATISFIED).status_code == 409

    survey = head.get(f"leads/{lead_id}/survey/").must_be(200).body["surveys"][0]
    assert (survey["rating"], survey["comment"]) == (UNHAPPY, "我是慕**，价签还没有贴")
    assert town.worker(NUMBER).get(f"leads/{lead_id}/survey/").body["surveys"][0]["comment"] is None

    waiting = head.get("approvals/", page_size=200).must_be(200).body["results"]
    (request,) = [one for one in waiting if one["kind"] == "lead.reopen" and one["subject"]["id"] == lead_id]
    seen = head.get(f"approvals/{request['id']}/").must_be(200)
    head.post(f"approvals/{request['id']}/approve/", {"note": "重新核查"}, if_match=seen.etag).must_be(200)
    again = town.bureau.lead(lead_id)
    assert (again["state"], again["round"], again["answered"]) == ("responded", 2, None)

    town.finish(lead_id, NUMBER)
    second = link_in(town, 2)
    assert second != page
    assert browse("GET", page).status_code == 409
    token = second.rstrip("/").rsplit("/", 1)[1]
    said = {"rating": SATISFIED, "comment": ""}
    for _ in range(2):
        done = browse("POST", f"{town.stack.url}/api/v1/survey/{token}/", json=said)
        assert (done.status_code, done.json()["rating"]) == (200, SATISFIED)
    wait_for_answer(town, lead_id)


def test_who_cannot_be_sent_a_message_is_called_and_late_is_seen(town: Town) -> None:
    town.by_day()
    clerk, head = town.clerk(NUMBER), town.office_head(NUMBER)
    lead_id = tell(town, LANDLINE)
    assert answered(clerk, lead_id) == "unanswered"
    assert "leads.answer_call" in clerk.notices(lead_id)
    town.travel_to(local(clocks(clerk.lead(lead_id))["answer"]["due_at"]) + timedelta(minutes=1))
    assert clocks(clerk.lead(lead_id))["answer"]["state"] == "breached"
    for phone in (clerk, head):
        assert "leads.answer_late" in phone.notices(lead_id)
    unheard = clerk.get("leads/", answered="unanswered", page_size=200).body["results"]
    assert lead_id in {one["id"] for one in unheard}
    keeper = town.phone("keeper")
    asked = {"number": town.bureau.lead(lead_id)["number"], "reason": "电话回复反映人"}
    shown = keeper.post("reporters/reveal/", asked)
    assert shown.must_be(200).body["phone"] == LANDLINE
    keeper.answers.remove(shown.content)
    call = {"client_uid": str(uuid.uuid4()), "result": "reached", "note": f"已告知{NAME}"}
    keeper.post(f"leads/{lead_id}/answers/", call).must_be(201)
    keeper.post(f"leads/{lead_id}/answers/", call).must_be(200)
    assert answered(clerk, lead_id) == "answered"
    by_telephone = head.post(f"leads/{lead_id}/survey/", {"rating": "satisfied"}).must_be(200).body
    assert by_telephone["surveys"][0]["how"] == "telephone"
    told = {"rating": "satisfied"}
    assert town.commissioner(NUMBER).post(f"leads/{lead_id}/survey/", told).must_be(403)


def test_nobody_was_told_who_he_is(town: Town) -> None:
    """In no answer to anyone's phone, and in no line of any process."""
    for phone in town._phones.values():
        for content in phone.answers:
            assert not any(word.encode() in content for word in (NAME, MOBILE, LANDLINE))
    for log in town.stack.folder.glob("*.log"):
        written = log.read_text(errors="replace")
        assert not any(word in written for word in (NAME, MOBILE, LANDLINE)), log.name
