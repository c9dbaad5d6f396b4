"""Whistles over HTTP: who may call, what a department says and does, versions, repeats, what stays hidden."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from grids import absences
from grids.demo import World
from grids.models import WorkGroup
from kernel import clock
from kernel.journal.models import Entry
from kernel.journal.verify import verify
from kernel.notices.models import OutboxMessage, Robot
from leads import whistle_calls, whistles
from leads.intake import Told
from leads.models import Lead, Whistle, WhistleCall
from leads.whistle_states import Answer
from tests.factories import leads as made
from tests.factories.house import keep_photo
from tests.factories.leads import take_any
from tests.factories.whistles import blown, call_of, contact
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db


def body(world: World, number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "client_uid": str(uuid.uuid4()),
        "grid": world.grid(number).code,
        "departments": ["police"],
        "reason": "多辆电动车堵住消防通道",
        **fields,
    }


def templates(user: Any) -> list[str]:
    rows = OutboxMessage.objects.filter(recipient_id=user.pk, template__startswith="leads.whistle")
    return list(rows.order_by("id").values_list("template", flat=True))


# --- calling ---------------------------------------------------------------------------------------


def test_a_community_whistles_and_departments_are_told(world: World, api: Api) -> None:
    robot = Robot.objects.create(name="一号网格", url="/cgi-bin/webhook/send?key=k1")
    WorkGroup.objects.filter(grid=world.grid(1)).update(robot=robot)
    lead = made.reported(world, 1, category="Q02")
    contact(world, "fire")
    sent = body(world, lead=lead.pk, departments=["police", "fire"], place="北门", telephone="0538-3220000")
    answer = api.post(world.community_head_of(1), "whistles/", sent)
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert answer["ETag"] == '"v1"'
    assert answer["Location"] == f"/api/v1/whistles/{told['id']}/"
    assert (told["state"], told["side"], told["lead"]["number"]) == ("open", "community", lead.number)
    assert [c["department"] for c in told["calls"]] == ["police", "fire"]
    assert {c["state"] for c in told["calls"]} == {"called"}
    assert {c["answer_due_at"] for c in told["calls"]} == {None}, "no joint notice, no clock"
    assert templates(world.user("police")) == ["leads.whistle_called"]
    assert templates(world.commissioner(1)) == ["leads.whistle_blown"]
    rows = OutboxMessage.objects.filter(subject_kind="whistle", subject_id=told["id"])
    assert rows.filter(robot=robot).count() == 1
    [sms] = rows.filter(template="leads.whistle_sms")
    assert sms.phone_masked == "139****0001"
    assert "13900000001" not in str(sms.params)
    assert "link" not in sms.params
    kinds = ["whistle.blown"]
    assert list(Entry.objects.filter(stream=f"whistle:{told['id']}").values_list("kind", flat=True)) == kinds
    assert Entry.objects.filter(stream=lead.stream, kind="whistle.blown").count() == 1


def test_the_same_uid_gives_the_same_whistle(world: World, api: Api) -> None:
    by, sent = world.worker(1), body(world)
    first = api.post(by, "whistles/", sent)
    again = api.post(by, "whistles/", sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = api.post(by, "whistles/", sent | {"reason": "别的事"})
    assert (other.status_code, code_of(other)) == (409, "client_uid_conflict")
    assert Whistle.objects.count() == 1


def test_without_a_uid_it_is_taken_too(world: World, api: Api) -> None:
    sent = body(world)
    del sent["client_uid"]
    assert api.post(world.worker(1), "whistles/", sent).status_code == 201


def test_who_may_whistle_for_a_grid(world: World, api: Api) -> None:
    mine = [
        world.worker(1), world.commissioner(1), world.head_of(1), world.clerk_of(1), world.duty_of(1),
        world.community_head_of(1),
    ]  # fmt: skip
    for by in mine:
        assert api.post(by, "whistles/", body(world)).status_code == 201, by.username
    for name in (
        "worker-21-1",
        "commissioner-21",
        "office-04",
        "bureau",
        "police",
        "auditor",
        "admin",
        "street-01",
    ):
        answer = api.post(world.user(name), "whistles/", body(world))
        assert (answer.status_code, code_of(answer)) == (403, "not_caller"), name


def test_every_community_that_a_grid_holds_may_whistle(world: World, api: Api) -> None:
    number, extra = next(
        (n, community)
        for n, grid in enumerate(world.grids, start=1)
        for community in grid.communities.exclude(pk=grid.lead_community_id)
    )
    name = f"community-{[c.id for c in world.communities].index(extra.pk) + 1:02d}"
    assert api.post(world.user(name), "whistles/", body(world, number)).status_code == 201


def test_a_stand_in_whistles_with_both_names(world: World, api: Api) -> None:
    head = world.head_of(1)
    now = clock.now()
    absences.record(
        user=head,
        stand_in=world.user("clerk-02"),
        starts_at=now,
        ends_at=now.replace(hour=23),
        by=head,
        at=now,
    )
    told = api.post(world.user("clerk-02"), "whistles/", body(world)).json()
    assert (told["called_by"]["username"], told["for"]["username"]) == ("clerk-02", "office-01")


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"departments": ["mars"]}, 422, "unknown_department"),
        ({"departments": []}, 400, "min_length"),
        ({"departments": "police"}, 400, "not_a_list"),
        ({"grid": "370983001-L99"}, 422, "unknown_grid"),
        ({"grid": None}, 422, "grid_required"),
        ({"reason": ""}, 400, "blank"),
        ({"lead": 999999}, 404, "not_found"),
        ({"lead": 2**63}, 400, "max_value"),
        ({"telephone": "请找老王"}, 400, "invalid"),
        ({"colour": "red"}, 400, "unknown_field"),
    ],
)
def test_what_is_refused(world: World, api: Api, fields: dict[str, Any], status: int, code: str) -> None:
    answer = api.post(world.worker(1), "whistles/", body(world, **fields))
    assert (answer.status_code, code_of(answer)) == (status, code), answer.content
    assert not Whistle.objects.exists()


def test_a_lead_of_another_grid_and_one_that_is_over(world: World, api: Api) -> None:
    here, over = made.reported(world, 1), made.closed(world, 1)
    answer = api.post(world.head_of(1), "whistles/", body(world, 2, lead=here.pk))
    assert (answer.status_code, code_of(answer)) == (422, "other_grid")
    answer = api.post(world.head_of(1), "whistles/", body(world, lead=over.pk))
    assert (answer.status_code, code_of(answer)) == (409, "lead_over")
    answer = api.post(world.worker(2), "whistles/", body(world, 2, lead=here.pk))
    assert answer.status_code == 404, "who may not see the lead does not learn of it"


def test_a_department_is_not_called_twice_for_one_lead(world: World, api: Api) -> None:
    lead = made.reported(world, 1)
    whistle = blown(world, lead=lead)
    answer = api.post(world.head_of(1), "whistles/", body(world, lead=lead.pk))
    assert (answer.status_code, code_of(answer)) == (409, "already_called")
    whistle_calls.answer(
        whistle_id=whistle.pk, by=world.user("police"), expect=take_any, answer=Answer.NOT_OURS
    )
    assert api.post(world.head_of(1), "whistles/", body(world, lead=lead.pk)).status_code == 201


def test_the_category_proposes_whom_to_call(world: World, api: Api) -> None:
    lead = made.reported(world, 1, category="Q02")
    told = api.get(world.worker(1), f"leads/{lead.pk}/").json()
    assert told["whistle_departments"] == ["police", "fire"]


# --- tip-offs and reporters ------------------------------------------------------------------------


def restricted(world: World, **fields: Any) -> Lead:
    lead = made.told_by_office(world, 1, **fields)
    Lead.objects.filter(pk=lead.pk).update(restricted=True, restricted_section="FOOD")
    return lead


def test_nobody_whistles_for_a_tip_off(world: World, api: Api) -> None:
    lead = restricted(world)
    seen = api.post(world.head_of(1), "whistles/", body(world, lead=lead.pk))
    assert (seen.status_code, code_of(seen)) == (409, "restricted_lead")
    for by in (world.worker(1), world.community_head_of(1)):
        assert api.post(by, "whistles/", body(world, lead=lead.pk)).status_code == 404
    with pytest.raises(IntegrityError, match="leads_whistle_never_restricted"), transaction.atomic():
        Whistle.objects.create(
            lead=lead, grid=world.grid(1), side="office", called_by=world.head_of(1), reason="x",
            client_uid=uuid.uuid4(), content_digest="", called_at=clock.now(),
        )  # fmt: skip


def test_a_lead_that_became_a_tip_off_takes_its_whistles_out_of_sight(world: World, api: Api) -> None:
    lead = made.reported(world, 1)
    whistle = blown(world, lead=lead)
    Lead.objects.filter(pk=lead.pk).update(restricted=True, restricted_section="FOOD")
    for name in ("police", "bureau", "office-01", "worker-01-1", world.community_head_of(1).username):
        assert api.get(world.user(name), f"whistles/{whistle.pk}/").status_code == 404, name
    assert api.get(world.user("police"), f"leads/{lead.pk}/").status_code == 404


def test_no_text_of_a_whistle_carries_a_reporter(world: World, api: Api) -> None:
    lead = made.told_by_office(world, 1, told=Told("张举报", "13812349999"), description="店里改装")
    sent = body(world, lead=lead.pk, reason="联系 13812349999 了解", place="13812349999 家楼下")
    told = api.post(world.community_head_of(1), "whistles/", sent)
    assert told.status_code == 201
    assert "13812349999" not in told.content.decode()
    whistle = Whistle.objects.get()
    assert "13812349999" not in whistle.reason + whistle.place
    for row in OutboxMessage.objects.filter(subject_kind="whistle"):
        assert "举报" not in str(row.params), "what the caller wrote stands in no notice"
        assert "13812349999" not in str(row.params)
    for path in (f"leads/{lead.pk}/", f"leads/{lead.pk}/timeline/", f"whistles/{whistle.pk}/"):
        seen = api.get(world.user("police"), path).content.decode()
        assert "13812349999" not in seen
        assert "张举报" not in seen


# --- who sees it -----------------------------------------------------------------------------------


def test_a_liaison_sees_the_leads_of_his_departments_whistles(world: World, api: Api) -> None:
    lead, other = made.reported(world, 1), made.reported(world, 1)
    police, citymgmt = world.user("police"), world.user("citymgmt")
    assert api.get(police, f"leads/{lead.pk}/").status_code == 404
    whistle = blown(world, 1, ("police", "citymgmt"), lead=lead)
    for by in (police, citymgmt):
        assert api.get(by, f"leads/{lead.pk}/").status_code == 200
        assert [one["id"] for one in api.get(by, "leads/").json()["results"]] == [lead.pk]
        assert api.get(by, f"leads/{other.pk}/").status_code == 404
    for act in ("respond", "confirm-handover", "control", "verify"):
        answer = api.post(police, f"leads/{lead.pk}/{act}/", {"note": "x"} if act == "control" else {}, 1)
        assert answer.status_code == 403, act
    whistle_calls.answer(whistle_id=whistle.pk, by=police, expect=take_any, answer=Answer.NOT_OURS)
    assert api.get(police, f"leads/{lead.pk}/").status_code == 404, "not theirs any more"
    assert api.get(police, f"whistles/{whistle.pk}/").status_code == 200
    assert api.get(citymgmt, f"leads/{lead.pk}/").status_code == 200


def test_a_liaison_reads_what_people_wrote_masked(world: World, api: Api) -> None:
    lead = made.reported(world, 1, description="店主电话 13812345678")
    blown(world, lead=lead)
    assert api.get(world.worker(1), f"leads/{lead.pk}/").json()["description"] == "店主电话 13812345678"
    assert api.get(world.user("police"), f"leads/{lead.pk}/").json()["description"] == "店主电话 138****5678"


def test_lists_and_their_filters(world: World, api: Api) -> None:
    first = blown(world, 1, ("police",))
    second = blown(world, 1, ("citymgmt",))
    blown(world, 21, ("police",))
    whistle_calls.answer(
        whistle_id=first.pk, by=world.user("police"), expect=take_any, answer=Answer.RECEIVED
    )
    WhistleCall.objects.filter(whistle=second).update(answer_late=True, answer_due_at=clock.now())

    def ids(user: Any, **query: Any) -> list[int]:
        return [one["id"] for one in api.get(user, "whistles/", **query).json()["results"]]

    head = world.head_of(1)
    assert ids(head) == [second.pk, first.pk]
    assert ids(head, department="police") == [first.pk]
    assert ids(head, call_state="called") == [second.pk]
    assert ids(head, late="true") == [second.pk]
    assert ids(head, late="false") == [first.pk]
    assert ids(head, grid=world.grid(21).code) == []
    assert len(ids(world.user("police"))) == 2
    assert ids(world.user("citymgmt")) == [second.pk]
    assert ids(world.user("station-01") if "station-01" in world.users else world.user("admin")) == []
    assert api.get(head, "whistles/", late="maybe").status_code in (200, 400)


def test_a_page_of_whistles_takes_a_fixed_number_of_statements(world: World, api: Api) -> None:
    counted = []
    api.get(world.head_of(1), "whistles/")  # his device is known from now on
    for _ in range(2):
        blown(world, 1, ("police", "citymgmt", "fire"), lead=made.reported(world, 1))
        with CaptureQueriesContext(connection) as asked:
            api.get(world.head_of(1), "whistles/")
        counted.append(len(asked))
    assert counted[0] == counted[1] <= 12


# --- the department's side -------------------------------------------------------------------------


def test_answer_come_report_close(world: World, api: Api) -> None:
    lead = made.reported(world, 1)
    whistle = blown(world, lead=lead)
    police, caller = world.user("police"), world.community_head_of(1)
    path = f"whistles/{whistle.pk}/"
    answer = api.post(police, path + "answer/", {"answer": "received"}, 1)
    assert answer.status_code == 200, answer.content
    assert (answer["ETag"], answer.json()["version"]) == ('"v2"', 2)
    again = api.post(police, path + "answer/", {"answer": "received"}, 1)
    assert again.status_code == 200, "said already: before the version is looked at"
    sent = api.post(police, path + "answer/", {"answer": "dispatched", "note": "两人出发"}, 2)
    [call] = sent.json()["calls"]
    assert (call["state"], call["answer"], call["answered_how"]) == ("answered", "dispatched", "account")
    assert call["answered_at"] == answer.json()["calls"][0]["answered_at"], "the first answer counts"
    spot = {"lon": 116.75, "lat": 36.16, "crs": "wgs84"}
    there = api.post(police, path + "check-in/", {"location": spot, "note": "到了"}, 3)
    [call] = there.json()["calls"]
    assert (call["state"], call["location"]) == ("on_site", {**spot, "accuracy_m": None})
    photo = keep_photo(police)
    told = api.post(police, path + "report/", {"note": "已劝离", "evidence": [photo.pk]}, 4)
    [call] = told.json()["calls"]
    assert (call["state"], call["report"], call["evidence"][0]["id"]) == ("reported", "已劝离", photo.pk)
    seen = api.get(caller, f"evidence/{photo.pk}/original/")
    assert (seen.status_code, len(b"".join(seen.streaming_content)) > 0) == (200, True)
    assert api.get(world.worker(21), f"evidence/{photo.pk}/original/").status_code == 404
    closed = api.post(caller, path + "close/", {}, 5)
    assert (closed.status_code, closed.json()["state"]) == (200, "closed")
    assert api.post(caller, path + "close/", {}, 5).status_code == 200
    late = api.post(police, path + "answer/", {"answer": "not_ours"}, 6)
    assert late.status_code == 409
    assert templates(caller) == [
        "leads.whistle_answered", "leads.whistle_answered", "leads.whistle_on_site", "leads.whistle_reported",
    ]  # fmt: skip
    kinds = Entry.objects.filter(stream=whistle.stream).order_by("seq").values_list("kind", flat=True)
    assert list(kinds) == [
        "whistle.blown", "whistle.answered", "whistle.answered", "whistle.checked_in", "whistle.reported",
        "whistle.closed",
    ]  # fmt: skip
    on_lead = Entry.objects.filter(stream=lead.stream, kind__startswith="whistle.").count()
    assert on_lead == 6
    assert verify() is None


def test_versions_are_asked_for(world: World, api: Api) -> None:
    whistle = blown(world)
    path = f"whistles/{whistle.pk}/answer/"
    police = world.user("police")
    assert api.post(police, path, {"answer": "received"}).status_code == 428
    assert api.post(police, path, {"answer": "received"}, 7).status_code == 412
    assert api.post(police, path, {"answer": "received"}, 1).status_code == 200


def test_not_ours_is_told_and_another_is_called(world: World, api: Api) -> None:
    whistle = blown(world)
    caller, path = world.community_head_of(1), f"whistles/{whistle.pk}/"
    said = api.post(world.user("police"), path + "answer/", {"answer": "not_ours", "note": "属城管"}, 1)
    assert said.json()["calls"][0]["state"] == "declined"
    assert templates(caller) == ["leads.whistle_declined"]
    more = api.post(caller, path + "call/", {"departments": ["police", "citymgmt"]}, 2)
    assert more.status_code == 200, more.content
    assert [(c["department"], c["state"]) for c in more.json()["calls"]] == [
        ("police", "declined"),
        ("citymgmt", "called"),
    ]
    assert templates(world.user("citymgmt")) == ["leads.whistle_called"]
    assert api.post(caller, path + "call/", {"departments": ["citymgmt"]}, 1).status_code == 200, (
        "there already"
    )
    stranger = api.post(world.user("citymgmt"), path + "call/", {"departments": ["fire"]}, 3)
    assert (stranger.status_code, code_of(stranger)) == (403, "not_caller")
    unknown = api.post(caller, path + "call/", {"departments": ["mars"]}, 3)
    assert (unknown.status_code, code_of(unknown)) == (422, "unknown_department")


def test_the_callers_side_enters_what_was_said_by_telephone(world: World, api: Api) -> None:
    whistle = blown(world, 1, ("fire", "police"))
    path, worker = f"whistles/{whistle.pk}/", world.worker(1, 2)
    nobody = api.post(worker, path + "answer/", {"department": "fire", "answer": "dispatched"}, 1)
    assert (nobody.status_code, code_of(nobody)) == (400, "said_by_required")
    which = api.post(worker, path + "answer/", {"answer": "dispatched", "said_by": "值班室"}, 1)
    assert (which.status_code, code_of(which)) == (400, "department_required")
    word = {"department": "fire", "said_by": "值班室王队"}
    said = api.post(worker, path + "answer/", {**word, "answer": "dispatched"}, 1)
    assert said.status_code == 200, said.content
    call = next(c for c in said.json()["calls"] if c["department"] == "fire")
    assert (call["answered_how"], call["said_by"], call["answered_by"]["username"]) == (
        "telephone", "值班室王队", "worker-01-2",
    )  # fmt: skip
    assert api.post(worker, path + "check-in/", word, 2).status_code == 200
    assert api.post(worker, path + "report/", {**word, "note": "已排除"}, 3).status_code == 200
    other_side = api.post(world.commissioner(1), path + "answer/", {**word, "answer": "received"}, 4)
    assert (other_side.status_code, code_of(other_side)) == (403, "not_department")
    foreign = api.post(world.user("police"), path + "answer/", {**word, "answer": "received"}, 4)
    assert foreign.status_code == 403
    wrong = api.post(worker, path + "answer/", {"department": "health", "answer": "received"}, 4)
    assert (wrong.status_code, code_of(wrong)) == (422, "not_called")


def test_a_liaisons_backup_stands_in(world: World, api: Api) -> None:
    whistle = blown(world)
    said = api.post(world.user("police-02"), f"whistles/{whistle.pk}/answer/", {"answer": "dispatched"}, 1)
    assert said.status_code == 200, said.content
    [entry] = Entry.objects.filter(stream=whistle.stream, kind="whistle.answered")
    assert entry.data["for"] == world.user("police").pk


def test_who_may_close(world: World, api: Api) -> None:
    whistle = blown(world)
    path = f"whistles/{whistle.pk}/close/"
    for by in (world.user("police"), world.commissioner(1), world.user("bureau"), world.user("auditor")):
        assert api.post(by, path, {"note": "不需要了"}, 1).status_code == 403, by.username
    assert api.post(world.worker(21), path, {"note": "不需要了"}, 1).status_code == 404
    silent = api.post(world.worker(1), path, {}, 1)
    assert (silent.status_code, code_of(silent)) == (422, "note_required")
    done = api.post(world.worker(1), path, {"note": "居民已自行挪车"}, 1)
    assert done.status_code == 200, done.content
    assert done.json()["calls"][0]["state"] == "ended"
    assert templates(world.user("police")) == ["leads.whistle_called", "leads.whistle_closed"]


def test_a_file_may_come_after_its_report(world: World) -> None:
    """The whistle's page shows it as missing until then."""
    from hashlib import sha256

    from tests.factories.photos import make_photo

    whistle = blown(world)
    police = world.user("police")
    sha = sha256(make_photo(colour="#c04020")).hexdigest()
    whistle_calls.check_in(whistle_id=whistle.pk, by=police, expect=take_any)
    whistle_calls.report(whistle_id=whistle.pk, by=police, expect=take_any, note="已处置", awaited=[sha])
    [row] = call_of(whistle).evidence.all()
    assert row.evidence_id is None
    photo = keep_photo(police)
    row.refresh_from_db()
    assert row.evidence_id == photo.pk
    photo.refresh_from_db()
    assert (photo.subject_kind, photo.subject_id) == ("whistle", whistle.pk)


def test_two_callers_of_one_uid(world: World) -> None:
    """A uid is the caller's own: another's is another whistle."""
    uid = uuid.uuid4()
    first, second = blown(world, client_uid=uid), blown(world, client_uid=uid, by="worker-01-1")
    assert first.pk != second.pk
    assert whistles.finished([]) is True
