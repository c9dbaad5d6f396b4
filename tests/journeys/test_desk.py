"""What no rule could place, and what citizens tell the desk."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from tests.journeys.phone import Phone
from tests.journeys.town import Town, clocks, local, slots

NOWHERE = {"lon": 116.60, "lat": 36.05, "crs": "wgs84", "accuracy_m": 20}
NAME, TELEPHONE = "欧阳证测", "13987654321"


def test_outside_every_grid_it_waits_on_the_desk_and_the_bureau_places_it_by_hand(town: Town) -> None:
    town.by_day()
    lead = town.report(11, category="S02", description="叉车超期未检", location=NOWHERE)
    lead_id, worker, bureau = lead["id"], town.worker(11), town.bureau
    assert (lead["state"], lead["grid"], lead["assignee"]) == ("reported", None, None)
    assert (lead["boundary_match"], lead["dispatched_at"]) == ("none", None)
    running = clocks(lead, "running")
    assert set(running) == {"desk", "feedback", "feedback_80"}
    desk_due = local(running["desk"]["due_at"])
    assert desk_due - local(lead["reported_at"]) == timedelta(minutes=15)
    assert "leads.desk" in bureau.notices(lead_id), "no office is known, so the bureau is told"
    assert town.clerk(11).get(f"leads/{lead_id}/").status == 404

    town.travel_to(desk_due)
    late = bureau.lead(lead_id)
    assert clocks(late)["desk"]["state"] == "breached"
    assert bureau.notices(lead_id)[-1] == "leads.desk_late"
    assert bureau.orders(lead_id) == []

    commissioner = town.world.users["commissioner-12"].pk
    body = {"assignee": commissioner, "reason": "按描述在该网格"}
    assert worker.try_act(lead_id, "dispatch", body).must_be(403).code == "not_dispatcher"
    assert bureau.try_act(lead_id, "dispatch", body).must_be(422).code == "grid_required"
    grid = town.world.grid(12).code
    elsewhere = town.world.users["commissioner-01"].pk
    if town.world.office_of(1) != town.world.office_of(12):
        refused = bureau.try_act(lead_id, "dispatch", body | {"assignee": elsewhere, "grid": grid})
        assert refused.must_be(422).code == "not_on_office_side"
    placed = bureau.act(lead_id, "dispatch", body | {"grid": grid})
    assert (placed["state"], placed["grid"], placed["boundary_match"]) == ("dispatched", grid, "manual")
    respond_due = local(clocks(placed)["respond"]["due_at"])
    assert timedelta(minutes=29) < respond_due - town.now() <= timedelta(minutes=30)
    assert clocks(placed)["feedback"] == clocks(lead)["feedback"], "the desk moves no other clock"

    assert "leads.dispatched" in town.commissioner(12).notices(lead_id)
    town.commissioner(12).act(lead_id, "respond")
    done = town.finish(lead_id, 12)
    assert ("discovery", "community", 1, "worker-11-1") in slots(done), "who found it signs that he did"


def test_left_on_the_desk_for_a_day_the_bureau_answers_for_it_and_nobody_is_stuck(town: Town) -> None:
    town.by_day()
    lead = town.report(11, description="说不清在哪条路", location=None)
    lead_id, bureau = lead["id"], town.bureau
    town.travel_to(local(clocks(lead)["feedback"]["due_at"]))
    assert bureau.notices(lead_id)[-3:] == [
        "leads.feedback_80",
        "leads.order_feedback",
        "leads.feedback_late",
    ]
    [order] = bureau.orders(lead_id)
    assert bureau.acknowledge(order["id"], "reassign").must_be(403).code == "not_supervisor"
    town.travel_to(local(order["raised_at"]) + timedelta(hours=2))
    assert bureau.orders(lead_id)[0]["level"] == "bureau"

    assignee = town.world.users["commissioner-11"].pk
    body = {"assignee": assignee, "grid": town.world.grid(11).code, "reason": "已电话问明地点"}
    bureau.act(lead_id, "dispatch", body)
    for supervisor in (town.office_head(11), town.community_head(11)):
        supervisor.acknowledge(order["id"], "finish_today").must_be(200)
    assert town.finish(lead_id, 11)["state"] == "closed"
    assert bureau.orders(lead_id)[0]["state"] == "lifted"


def test_what_a_commissioner_finds_himself_is_signed_by_the_community_in_its_turn(town: Town) -> None:
    town.by_day()
    owner = town.commissioner(12)
    lead = town.report(12, by=owner, category="A01", description="门口广告夸大功效")
    assert (lead["assignee"]["username"], lead["signatures"]) == (owner.username, [])
    done = town.finish(lead["id"], 12)
    assert {one[1]: one[3] for one in slots(done)} == {"office": owner.username, "community": "worker-12-2"}
    assert len(done["signatures"]) == 6


def told_at_the_desk(town: Town, number: int) -> int:
    """A lead that a citizen told the clerk of this grid's office."""
    lead = town.report(
        number, by=town.clerk(number), category="C02", description="健身房预付卡不退款",
        reporter={"name": NAME, "phone": TELEPHONE},
    )  # fmt: skip
    assert (lead["state"], lead["told_by_citizen"], lead["signatures"]) == ("dispatched", True, [])
    assert len(lead["missing_signatures"]) == 6
    lead_id: int = lead["id"]
    return lead_id


def test_a_citizens_word_is_confirmed_by_a_grid_worker_and_closed_with_six_signatures(town: Town) -> None:
    town.by_day()
    lead_id, owner, worker = told_at_the_desk(town, 12), town.commissioner(12), town.worker(12)
    owner.act(lead_id, "respond", {"plan": "by_phone"})
    assert town.clerk(12).try_act(lead_id, "confirm-handover").must_be(403).code == "not_grid_worker"
    lead = worker.act(lead_id, "confirm-handover")
    assert lead["missing_signatures"] == ["result:office", "result:community"]
    assert worker.act(lead_id, "confirm-handover")["version"] == lead["version"]
    said = {(s["stage"], s["side"]): s["sentence"] for s in lead["signatures"]}
    assert said["discovery", "community"] == "已知悉上报内容", "nobody signs that he found what he was told"
    done = town.finish(lead_id, 12)
    assert len(done["signatures"]) == 6
    nobody_knows_who_told_it(town, lead_id, 12)


def test_a_citizens_word_that_nobody_confirmed_is_signed_at_verification(town: Town) -> None:
    town.by_day()
    lead_id = told_at_the_desk(town, 12)
    done = town.finish(lead_id, 12)
    assert slots(done) == {
        *((stage, "office", 1, "commissioner-12") for stage in ("discovery", "handover", "result")),
        *((stage, "community", 1, "worker-12-2") for stage in ("discovery", "handover", "result")),
    }
    nobody_knows_who_told_it(town, lead_id, 12)


def nobody_knows_who_told_it(town: Town, lead_id: int, number: int) -> None:
    """Name and number of the citizen in no answer, no row that can be read, and no line of a log."""
    everyone: list[Phone] = [
        town.bureau, town.phone("auditor"), town.clerk(number), town.commissioner(number),
        town.worker(number), town.office_head(number), town.community_head(number),
    ]  # fmt: skip
    for phone in everyone:
        for path in ("", "timeline/", "explain/"):
            phone.get(f"leads/{lead_id}/{path}").must_be(200)
        phone.get("notices/", page_size=200).must_be(200)
    for secret in (NAME, TELEPHONE, TELEPHONE[3:]):
        raw, escaped = secret.encode(), secret.encode("unicode_escape")
        for phone in everyone:
            assert not any(raw in told or escaped in told for told in phone.answers)
        assert _tables_with(secret) == []
        for log in town.stack.folder.glob("*.log"):
            text = log.read_bytes()
            assert raw not in text, log.name
            assert escaped not in text, log.name


def _tables_with(text: str) -> list[str]:
    """Tables of the whole database in one of whose rows this text can be read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        tables = [row[0] for row in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table} t WHERE t::text LIKE %s)", [f"%{text}%"])
            if cursor.fetchone()[0]:
                found.append(table)
    return found
