"""A phone that lost the answer asks again, also at once: one lead, one signature, the same word."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from leads.models import Lead, Signature
from tests.factories.photos import make_photo
from tests.journeys.phone import Answer, Phone
from tests.journeys.town import Town

AT_ONCE = 6


def all_at_once(phone: Phone, path: str, body: Any, *, if_match: str | None = None) -> list[Answer]:
    """The same request over several connections at the same time."""
    phones = [phone.twin() for _ in range(AT_ONCE)]
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda one: one.post(path, body, if_match=if_match), phones))
    finally:
        for one in phones:
            one.close()


def test_a_report_sent_twice_is_one_lead(town: Town) -> None:
    town.by_day()
    worker = town.worker(9)
    photo = worker.upload(make_photo(taken_at=town.now())).must_be(201).body["id"]
    body = town.report_body(9, evidence=[photo])
    worker.lose_answer("leads/", body)
    again = worker.post("leads/", body).must_be(200).body
    assert worker.post("leads/", body).must_be(200).body == again
    assert Lead.objects.filter(client_uid=body["client_uid"]).count() == 1
    assert [one["id"] for one in again["evidence"]] == [photo]
    other = worker.post("leads/", body | {"description": "另一件事"})
    assert other.must_be(409).code == "client_uid_conflict"
    lead = town.finish(again["id"], 9)
    assert worker.post("leads/", body).must_be(200).body == worker.lead(lead["id"])


@pytest.mark.parametrize("with_photo", [False, True])
def test_a_report_sent_many_times_at_once_is_one_lead(town: Town, with_photo: bool) -> None:
    town.by_day()
    worker = town.worker(9, 2)
    files = []
    if with_photo:
        files = [worker.upload(make_photo(taken_at=town.now(), colour="#777777")).must_be(201).body["id"]]
    body = town.report_body(9, category="L01", evidence=files)
    answers = all_at_once(worker, "leads/", body)
    assert sorted(one.status for one in answers) == [200] * (AT_ONCE - 1) + [201]
    assert len({one.body["id"] for one in answers}) == 1
    assert Lead.objects.filter(client_uid=body["client_uid"]).count() == 1
    town.finish(answers[0].body["id"], 9)


def test_a_photo_sent_many_times_at_once_is_one_file(town: Town) -> None:
    town.by_day()
    worker = town.worker(9, 3)
    photo = make_photo(taken_at=town.now(), colour="#123456")
    uid = "5d0c9d52-0f0e-4f7e-8a52-8b7b7a1f6f10"
    phones = [worker.twin() for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda one: one.upload(photo, client_uid=uid), phones))
    for one in phones:
        one.close()
    assert sorted(one.status for one in answers) == [200] * (AT_ONCE - 1) + [201]
    assert len({one.body["id"] for one in answers}) == 1


def test_every_signing_act_may_be_asked_again_with_the_version_it_was_made_with(town: Town) -> None:
    town.by_day()
    owner, verifier = town.commissioner(10), town.worker(10, 2)
    lead = town.report(10)
    path = f"leads/{lead['id']}"
    disposal = {"disposal": {"kind": "guided", "note": "已提醒"}}
    for phone, act, body, state in (
        (owner, "respond", {"plan": "on_my_way"}, "responded"),
        (owner, "feedback", disposal, "fed_back"),
        (verifier, "verify", {"method": "phone"}, "closed"),
    ):
        seen = phone.get(f"{path}/").etag
        phone.lose_answer(f"{path}/{act}/", body, if_match=seen)
        assert phone.lead(lead["id"])["state"] == state
        signed = Signature.objects.filter(lead=lead["id"]).count()
        answers = all_at_once(phone, f"{path}/{act}/", body, if_match=seen)
        assert [one.status for one in answers] == [200] * AT_ONCE
        assert {one.content for one in answers} == {phone.get(f"{path}/").content}
        assert Signature.objects.filter(lead=lead["id"]).count() == signed
    assert signed == 6
    kinds = [one["kind"] for one in owner.get(f"{path}/timeline/").body["entries"]]
    assert kinds == ["lead.reported", "lead.dispatched", "lead.responded", "lead.fed_back", "lead.closed"]
    stale = town.worker(10, 3).post(f"{path}/verify/", {"method": "phone"}, if_match=seen)
    assert stale.must_be(412).code == "stale_version"


def test_the_same_act_many_times_at_once_is_done_once(town: Town) -> None:
    town.by_day()
    owner = town.commissioner(10)
    lead = town.report(10, category="P01", description="没有价签")
    path = f"leads/{lead['id']}"
    answers = all_at_once(
        owner, f"{path}/respond/", {"plan": "by_phone"}, if_match=owner.get(f"{path}/").etag
    )
    assert [one.status for one in answers] == [200] * AT_ONCE
    assert {one.body["version"] for one in answers} == {lead["version"] + 1}
    assert Signature.objects.filter(lead=lead["id"], side="office").count() == 2
    verifiers = [town.worker(10, person) for person in (1, 2, 3)]
    owner.act(lead["id"], "feedback", {"disposal": {"kind": "guided", "note": "已更正"}})
    seen = owner.get(f"{path}/").etag
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda one: one.post(f"{path}/verify/", {}, if_match=seen), verifiers))
    assert sorted(one.status for one in done) == [200, 412, 412], (
        "the slot has one signature: whose came first"
    )
    assert owner.lead(lead["id"])["missing_signatures"] == []


def test_both_sides_signing_at_once_each_sign_their_own_slots(town: Town) -> None:
    town.by_day()
    owner, worker = town.commissioner(10), town.worker(10)
    lead = town.report(10, by=town.clerk(10), reporter={"name": "演示群众", "phone": "13800000000"})
    path, seen = f"leads/{lead['id']}", f'"v{lead["version"]}"'
    with ThreadPoolExecutor(2) as pool:
        taken = pool.submit(owner.post, f"{path}/respond/", {}, if_match=seen)
        known = pool.submit(worker.post, f"{path}/confirm-handover/", {}, if_match=seen)
    assert taken.result().status == 200
    assert known.result().status in (200, 412), "412 where the other came first: he looks again"
    assert worker.act(lead["id"], "confirm-handover")["missing_signatures"] == [
        "result:office",
        "result:community",
    ]
    assert len(town.finish(lead["id"], 10)["signatures"]) == 6
