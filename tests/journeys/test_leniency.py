"""容错纠错: proposed with the evidence of correction, three who decide, two who sign, and then verified."""

from __future__ import annotations

from datetime import timedelta

from tests.factories.grids import make_entity
from tests.factories.photos import make_photo
from tests.journeys.test_pauses import asked, decide
from tests.journeys.town import Town, clocks


def test_a_first_minor_offence_is_not_punished(town: Town) -> None:
    town.by_day()
    shop = make_entity(town.world, 9, name="演示便利店")
    owner, head = town.commissioner(9), town.office_head(9)
    legal, leader = town.phone("section-legal"), town.phone("leader")
    lead_id = town.report(9, category="L02", description="执照没有亮出来", entity=shop.pk)["id"]
    lead = owner.act(lead_id, "respond")
    assert owner.get(f"leads/{lead_id}/first-offence/").must_be(200).body["is_first"] is True
    photo = owner.upload(make_photo()).must_be(201).body
    proposal = {
        "route": "FIRST_MINOR",
        "harm": "minor",
        "corrected_at": (town.now() - timedelta(minutes=1)).isoformat(),
        "guidance": "已讲解亮照经营的规定",
    }
    body = {
        "disposal": {"kind": "leniency", "note": "首次未亮照，已当场改正", "leniency": proposal},
        "evidence": [photo["id"]],
    }
    lead = owner.act(lead_id, "feedback", body)
    worker = town.worker(9, 2)
    assert worker.try_act(lead_id, "verify").must_be(409).code == "leniency_pending"
    town.pass_time(timedelta(hours=5))
    decide(head, asked(head, lead_id, "lead.leniency_head"), "approve").must_be(200)
    decide(legal, asked(legal, lead_id, "lead.leniency_legal"), "approve").must_be(200)
    decide(leader, asked(leader, lead_id, "lead.leniency_leader"), "approve").must_be(200)
    owner.act(lead_id, "leniency/sign", {"card_number": "SD-0901", "form_number": "2026-009"})
    lead = head.act(lead_id, "leniency/sign", {"card_number": "SD-0902"})
    [decision] = lead["leniency"]
    assert (decision["state"], decision["is_first"], len(decision["officers"])) == ("completed", True, 2)
    assert clocks(lead)["verify"]["state"] == "running"
    assert worker.act(lead_id, "verify")["state"] == "closed"
    listed = head.get("leniency-decisions/", entity=shop.pk).must_be(200).body["results"]
    assert [one["id"] for one in listed] == [decision["id"]]


def test_guidance_in_one_tap_with_the_answer_lost(town: Town) -> None:
    shop = make_entity(town.world, 10, name="演示早餐店")
    worker = town.worker(10)
    sent = {"client_uid": "6f1e7c0a-1a55-4a32-9a2e-000000000010", "kind": "remind", "note": "请更换健康证"}
    worker.lose_answer(f"entities/{shop.pk}/guidance/", sent)
    assert worker.post(f"entities/{shop.pk}/guidance/", sent).status in (200, 201)
    given = town.commissioner(10).get(f"entities/{shop.pk}/guidance/").must_be(200).body["results"]
    assert [one["note"] for one in given] == ["请更换健康证"]
