"""上报: what a report becomes, to whom it goes and which clocks run (DESIGN.md §3)."""

from __future__ import annotations

import json
import logging
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from grids import absences
from grids.demo import World
from grids.models import WorkGroup
from kernel import clock
from kernel.clock import SHANGHAI
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, NotAllowed, Refused
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage, Robot
from leads import identity, intake
from leads.models import Category, Lead, LeadReporter, Signature
from tests.factories import leads as made
from tests.factories.accounts import bearer
from tests.factories.grids import make_entity
from tests.factories.leads import TUESDAY, report, stand_at
from tests.factories.photos import make_photo, upload
from tests.leads.calls import Api, body, code_of

pytestmark = pytest.mark.django_db

WEST = 116.70
METRE = 1 / 89_850
"""Degrees of longitude to the metre, at 36.165° N."""


def clocks_of(lead: Lead) -> dict[str, datetime]:
    rows = Deadline.objects.filter(subject_kind="lead", subject_id=lead.pk, state="running")
    return {row.kind: row.due_at for row in rows}


def told(lead: Lead, template: str) -> set[str]:
    rows = OutboxMessage.objects.filter(subject_kind="lead", subject_id=lead.pk, template=template)
    return set(rows.values_list("recipient__username", flat=True))


def photo_of(api: Api, user: Any, content: bytes | None = None) -> dict[str, Any]:
    """Upload a photo as this person; what the API answered."""
    sent = upload(content or make_photo(colour=f"#{uuid.uuid4().hex[:6]}"))
    answer = api.client.post("/api/v1/evidence/", sent, headers=bearer(user))
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


# --- to whom ---------------------------------------------------------------------------------------


def test_inside_a_grid_it_goes_to_the_commissioner_in_the_same_request(world: World) -> None:
    lead = made.reported(world, 5)
    assert (lead.state, lead.grid, lead.boundary_match) == ("dispatched", world.grid(5), "inside")
    assert (lead.assignee, lead.office) == (world.commissioner(5), world.office_of(5))
    assert lead.dispatched_at == lead.reported_at == TUESDAY
    assert world.grid(5).code in lead.routing_reason
    assert world.commissioner(5).name in lead.routing_reason
    assert told(lead, "leads.dispatched") == {"commissioner-05"}
    kinds = Entry.objects.filter(stream=lead.stream).order_by("seq").values_list("kind", flat=True)
    assert list(kinds) == ["lead.reported", "lead.dispatched"]


def test_the_grids_chat_group_is_told_too(world: World) -> None:
    robot = Robot.objects.create(name="网格群", url="http://127.0.0.1:9/robot")
    WorkGroup.objects.filter(grid=world.grid(1)).update(robot=robot)
    lead = made.reported(world)
    sent = OutboxMessage.objects.get(subject_id=lead.pk, robot=robot)
    assert (sent.state, sent.template, sent.recipient_id) == ("pending", "leads.dispatched", None)


@pytest.mark.parametrize(("metres", "match"), [(60, "near"), (140, "near"), (160, "none"), (5000, "none")])
def test_near_a_boundary_the_nearest_grid_marked_so(world: World, metres: int, match: str) -> None:
    lead = made.reported(world, lon=f"{WEST - metres * METRE:.6f}", lat="36.165000", crs_in="wgs84")
    assert lead.boundary_match == match
    if match == "near":
        assert lead.grid is not None
        assert f"边界外约 {metres} 米" in lead.routing_reason
        assert lead.state == "dispatched"
    else:
        assert (lead.grid, lead.state) == (None, "reported")


@pytest.mark.parametrize("place", [{}, {"lon": "117.5", "lat": "37.1", "crs_in": "wgs84"}])
def test_without_a_usable_place_the_entitys_grid(world: World, place: dict[str, str]) -> None:
    shop = make_entity(world, 7)
    fields: dict[str, Any] = place or {"lon": None}
    lead = made.reported(world, entity_id=shop.pk, **fields)
    assert (lead.grid, lead.boundary_match) == (world.grid(7), "entity")
    assert lead.assignee == world.commissioner(7)
    assert "按经营主体所属网格" in lead.routing_reason


def test_the_place_counts_before_the_entitys_grid(world: World) -> None:
    lead = made.reported(world, 2, entity_id=make_entity(world, 7).pk)
    assert (lead.grid, lead.boundary_match) == (world.grid(2), "inside")


def test_an_entity_without_a_grid_does_not_help(world: World) -> None:
    lead = made.reported(world, lon=None, entity_id=make_entity(world, 7, grid=None).pk)
    assert (lead.state, lead.grid) == ("reported", None)


def test_outside_every_grid_the_bureau_is_told_and_the_desk_clock_runs(world: World) -> None:
    lead = made.reported(world, lon="117.5", lat="37.1", crs_in="wgs84")
    assert (lead.state, lead.office, lead.assignee, lead.boundary_match) == ("reported", None, None, "none")
    assert told(lead, "leads.desk") == {"bureau"}
    running = clocks_of(lead)
    assert running["desk"] == TUESDAY + timedelta(minutes=15) == lead.desk_due_at
    assert running["feedback"] == TUESDAY + timedelta(hours=24)
    assert "respond" not in running
    assert "待人工派单" in lead.routing_reason


def test_a_grid_without_a_commissioner_is_the_offices_to_place(world: World) -> None:
    lead = made.on_desk(world)
    assert (lead.state, lead.office, lead.grid) == ("reported", world.office_of(1), world.grid(1))
    assert told(lead, "leads.desk") == {"clerk-01", "office-01"}
    assert clocks_of(lead)["desk"] == TUESDAY + timedelta(minutes=15)


def test_an_absent_commissioner_stays_the_owner_and_his_stand_in_is_told(world: World) -> None:
    away = world.commissioner(1)
    absences.record(
        user=away,
        stand_in=world.commissioner(3),
        starts_at=TUESDAY,
        ends_at=TUESDAY + timedelta(days=1),
        by=away,
        at=clock.now(),
    )
    lead = made.reported(world)
    assert lead.assignee == away
    assert told(lead, "leads.dispatched") == {"commissioner-01", "commissioner-03"}
    assert "请假中" in lead.routing_reason


# --- which clocks ----------------------------------------------------------------------------------


def test_the_clocks_of_an_ordinary_lead(world: World) -> None:
    lead = made.reported(world)
    assert clocks_of(lead) == {
        "respond": TUESDAY + timedelta(minutes=30),
        "respond_80": TUESDAY + timedelta(minutes=24),
        "feedback": TUESDAY + timedelta(hours=24),
        "feedback_80": TUESDAY + timedelta(minutes=1152),
    }
    assert lead.closing_due_at == lead.feedback_due_at + timedelta(hours=24)


def test_food_is_due_the_same_day(world: World) -> None:
    lead = made.reported(world, category="F03")
    assert (lead.food, lead.severity) == (True, "MODERATE")
    running = clocks_of(lead)
    assert running["same_day"] == lead.same_day_due_at == datetime(2026, 3, 11, tzinfo=SHANGHAI)
    assert running["same_day_80"] == TUESDAY + timedelta(hours=14) * 0.8


def test_found_after_twenty_it_is_due_four_hours_later(world: World) -> None:
    evening = TUESDAY.replace(hour=21)
    stand_at(evening)
    lead = made.reported(world, category="F03")
    assert clocks_of(lead)["same_day"] == evening + timedelta(hours=4)


def test_synced_late_it_is_due_four_hours_from_receipt(world: World) -> None:
    lead = made.reported(world, category="F03", captured_at=TUESDAY - timedelta(days=2))
    assert lead.discovered_at == TUESDAY - timedelta(days=2)
    assert lead.reported_at == TUESDAY
    assert clocks_of(lead)["same_day"] == TUESDAY + timedelta(hours=4)
    assert clocks_of(lead)["respond"] == TUESDAY + timedelta(minutes=30)


def test_a_phone_whose_clock_is_wrong_is_not_believed_and_flagged(world: World) -> None:
    lead = made.reported(world, captured_at=TUESDAY + timedelta(hours=1))
    assert (lead.discovered_at, lead.flags) == (TUESDAY, ["clock_doubted"])
    assert lead.captured_at == TUESDAY + timedelta(hours=1)


def test_who_cannot_say_what_it_is_gets_the_food_clock(world: World) -> None:
    lead = made.reported(world, category="00")
    assert lead.food is False
    assert clocks_of(lead)["same_day"] == datetime(2026, 3, 11, tzinfo=SHANGHAI)


def test_an_urgent_lead_calls_the_backup_and_the_duty_officer(world: World) -> None:
    lead = made.reported(world, category="S01")
    assert lead.severity == "URGENT"
    running = clocks_of(lead)
    assert running["urgent_backup"] == TUESDAY + timedelta(minutes=10)
    assert running["urgent_duty"] == TUESDAY + timedelta(minutes=20)


def test_the_reporters_severity_counts_before_the_categorys(world: World) -> None:
    assert made.reported(world, severity="SERIOUS").severity == "SERIOUS"


# --- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"description": ""}, "nothing_said"),
        ({"category": "Z99"}, "unknown_category"),
        ({"entity_id": 2**62}, "unknown_entity"),
    ],
)
def test_content_that_is_refused(world: World, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        made.reported(world, **fields)
    assert (refused.value.code, refused.value.status) == (code, 422)
    assert not Lead.objects.exists()


def test_over_http_these_are_422(world: World, api: Api) -> None:
    for change in ({"description": "  "}, {"category": "Z99"}, {"entity": 2**62}):
        answer = api.post(world.worker(1), "leads/", body(world, **change))
        assert answer.status_code == 422, answer.content
        assert answer.json()["type"] == "domain_error"


def test_a_category_taken_out_of_use_is_refused(world: World) -> None:
    Category.objects.filter(code="L01").update(is_active=False)
    with pytest.raises(Refused):
        made.reported(world)


@pytest.mark.parametrize("username", ["auditor", "admin", "keeper"])
def test_who_handles_no_business_reports_nothing(world: World, username: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        made.reported(world, by=username)
    assert refused.value.code == "no_posting"


@pytest.mark.parametrize("username", ["police", "commissioner-03", "bureau", "community-02", "clerk-01"])
def test_anyone_with_a_business_posting_may_report_and_signs_nothing(world: World, username: str) -> None:
    lead = made.reported(world, by=username)
    assert lead.state == "dispatched"
    assert not Signature.objects.filter(lead=lead).exists()


# --- the same report again -------------------------------------------------------------------------


def test_the_same_uid_with_the_same_content_gives_the_same_lead(world: World) -> None:
    one = report(world, category="F03")
    first = intake.report(report=one, by=world.worker(1))
    counts = (Deadline.objects.count(), Entry.objects.count(), OutboxMessage.objects.count())
    again = intake.report(report=one, by=world.worker(1))
    assert (first.created, again.created, again.lead) == (True, False, first.lead)
    assert (Deadline.objects.count(), Entry.objects.count(), OutboxMessage.objects.count()) == counts


@pytest.mark.parametrize(
    "change",
    [
        {"description": "别的"},
        {"category": "F02"},
        {"severity": "URGENT"},
        {"lon": "116.750001"},
        {"fixed_on_spot": True},
        {"captured_at": TUESDAY},
        {"awaited": ("a" * 64,)},
        {"told": intake.Told("李四", "13800001111")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_same_uid_with_other_content_is_a_conflict(world: World, change: dict[str, Any]) -> None:
    uid = uuid.uuid4()
    common = {"lon": "116.750000", "lat": "36.160000", "crs_in": "wgs84", "client_uid": uid}
    made.reported(world, **common)
    with pytest.raises(Conflict) as refused:
        made.reported(world, **(common | change))
    assert (refused.value.code, Lead.objects.count()) == ("client_uid_conflict", 1)


def test_another_persons_uid_is_his_own(world: World) -> None:
    uid = uuid.uuid4()
    made.reported(world, client_uid=uid)
    made.reported(world, client_uid=uid, by="worker-01-2")
    assert Lead.objects.filter(client_uid=uid).count() == 2


def test_a_report_repeated_much_later_answers_with_the_lead_as_it_is_now(world: World, api: Api) -> None:
    sent = body(world)
    lead = api.post(world.worker(1), "leads/", sent).json()
    api.post(world.commissioner(1), f"leads/{lead['id']}/respond/", {}, lead["version"])
    made.pass_time(timedelta(days=3))
    again = api.post(world.worker(1), "leads/", sent)
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (200, lead["id"], "responded")


# --- who told it -----------------------------------------------------------------------------------


def test_who_told_it_is_sealed_and_shown_nowhere(
    world: World, api: Api, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    name, phone = "欧阳慕容", "13912345678"
    sent = body(world, reporter={"name": name, "phone": phone})
    answer = api.post(world.clerk_of(1), "leads/", sent)
    lead = answer.json()
    assert lead["told_by_citizen"] is True
    seen = [answer.content.decode()]
    for username in ("clerk-01", "bureau", "auditor", "worker-01-1", "commissioner-01", "keeper"):
        for path in ("leads/", f"leads/{lead['id']}/", f"leads/{lead['id']}/timeline/", "notices/"):
            seen.append(api.get(world.user(username), path).content.decode())
        seen.append(api.get(world.user(username), f"leads/{lead['id']}/explain/").content.decode())
    seen.append(api.post(world.clerk_of(1), "leads/", sent).content.decode())
    seen += [json.dumps(one.data, ensure_ascii=False) for one in Entry.objects.all()]
    seen += [json.dumps(one.params, ensure_ascii=False) for one in OutboxMessage.objects.all()]
    seen += [json.dumps(one.snapshot, ensure_ascii=False) for one in Signature.objects.all()]
    seen.append(json.dumps(Lead.objects.values().get(), default=str, ensure_ascii=False))
    seen += [caplog.text, *capfd.readouterr()]
    for text in seen:
        assert name not in text
        assert phone not in text
    kept = bytes(LeadReporter.objects.get(lead_id=lead["id"]).sealed)
    assert name.encode() not in kept
    assert phone.encode() not in kept
    opened = identity.opened(kept)
    assert (opened.name, opened.phone) == (name, phone)
    assert name not in repr(opened)


def test_without_a_reporter_nothing_is_kept(world: World) -> None:
    lead = made.reported(world)
    assert lead.told_by_citizen is False
    assert not LeadReporter.objects.exists()


@pytest.mark.parametrize(
    "reporter",
    [
        {"name": "李四"},
        {"name": "李四", "phone": "abc"},
        {"name": "李四", "phone": "1", "id": "3"},
        "李四",
        [],
    ],
)
def test_a_reporter_needs_name_and_phone(world: World, api: Api, reporter: Any) -> None:
    answer = api.post(world.clerk_of(1), "leads/", body(world, reporter=reporter))
    assert answer.status_code == 400, answer.content


# --- evidence --------------------------------------------------------------------------------------


def test_photos_are_enough(world: World, api: Api) -> None:
    photo = photo_of(api, world.worker(1))
    answer = api.post(world.worker(1), "leads/", body(world, description="", evidence=[photo["id"]]))
    assert answer.status_code == 201, answer.content
    [shown] = answer.json()["evidence"]
    assert (shown["id"], shown["sha256"], shown["missing"]) == (photo["id"], photo["sha256"], False)
    assert Lead.objects.get().facts["evidence"] == [photo["sha256"]]


@pytest.mark.parametrize("whose", ["worker-01-2", "commissioner-01"])
def test_another_persons_photo_is_refused(world: World, api: Api, whose: str) -> None:
    photo = photo_of(api, world.user(whose))
    answer = api.post(world.worker(1), "leads/", body(world, evidence=[photo["id"]]))
    assert (answer.status_code, code_of(answer)) == (409, "evidence_unavailable")
    assert not Lead.objects.exists()


def test_a_photo_proves_one_lead_only(world: World, api: Api) -> None:
    photo = photo_of(api, world.worker(1))
    assert api.post(world.worker(1), "leads/", body(world, evidence=[photo["id"]])).status_code == 201
    answer = api.post(world.worker(1), "leads/", body(world, evidence=[photo["id"]]))
    assert (answer.status_code, code_of(answer)) == (409, "evidence_unavailable")


@pytest.mark.parametrize(
    "evidence",
    ["1", {"id": 1}, [0], [-1], [2**63], [1.5], [True], [None], ["1"], [{"sha256": "a" * 63}],
     [{"sha256": "A" * 64}], [{"sha256": "a" * 64, "id": 1}], [[1]], list(range(1, 22))],
    ids=str,
)  # fmt: skip
def test_a_list_of_evidence_that_is_none(world: World, api: Api, evidence: Any) -> None:
    answer = api.post(world.worker(1), "leads/", body(world, evidence=evidence))
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["attr"] == "evidence"


# --- cost ------------------------------------------------------------------------------------------


def test_the_fullest_report_takes_at_most_twelve_statements(world: World, api: Api) -> None:
    """With photos, a file still to come, a citizen, an entity, a chat group and a duplicate near by."""
    robot = Robot.objects.create(name="网格群", url="http://127.0.0.1:9/robot")
    WorkGroup.objects.filter(grid=world.grid(1)).update(robot=robot)
    shop = make_entity(world, 1)
    worker = world.worker(1)
    made.reported(world, by="worker-01-2", category="F03", entity_id=shop.pk)
    photos = [photo_of(api, worker)["id"] for _ in range(3)]
    sent = body(
        world,
        evidence=[*photos, {"sha256": "b" * 64}],
        reporter={"name": "李四", "phone": "13800001111"},
        entity=shop.pk,
        captured_at=(TUESDAY - timedelta(hours=1)).isoformat(),
    )
    headers = bearer(worker)
    with CaptureQueriesContext(connection) as seen:
        answer = api.client.post("/api/v1/leads/", sent, content_type="application/json", headers=headers)
    assert answer.status_code == 201, answer.content
    assert len(answer.json()["possible_duplicates"]) == 1
    framing = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    work = [one["sql"] for one in seen.captured_queries if not one["sql"].startswith(framing)]
    assert len(work) <= 12, "\n".join(sql[:120] for sql in work)
