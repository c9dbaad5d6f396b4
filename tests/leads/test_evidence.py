"""Files of a lead: attached, still to come, come at last (API.md, Manner)."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import pytest

from grids.demo import World
from kernel.evidence.models import Evidence
from kernel.journal import verify
from kernel.journal.models import Entry
from leads import files, signing
from leads.models import Lead, LeadEvidence, Signature
from tests.factories import leads as made
from tests.factories.accounts import bearer, make_user
from tests.factories.photos import make_photo, upload
from tests.leads.calls import Api, body, code_of
from tests.leads.test_intake import photo_of

pytestmark = pytest.mark.django_db


def new_photo() -> tuple[bytes, str]:
    content = make_photo(colour=f"#{uuid.uuid4().hex[:6]}")
    return content, hashlib.sha256(content).hexdigest()


def shown(api: Api, user: Any, lead_id: int) -> list[tuple[str, bool, int | None]]:
    found = api.get(user, f"leads/{lead_id}/").json()["evidence"]
    return [(one["sha256"], one["missing"], one["id"]) for one in found]


def test_a_file_named_before_it_comes_is_bound_when_it_comes(world: World, api: Api) -> None:
    worker, commissioner = world.worker(1), world.commissioner(1)
    content, sha = new_photo()
    lead = api.post(worker, "leads/", body(world, evidence=[{"sha256": sha}])).json()
    assert shown(api, commissioner, lead["id"]) == [(sha, True, None)]
    before = list(Signature.objects.values_list("digest", flat=True))
    photo = photo_of(api, worker, content)
    assert shown(api, commissioner, lead["id"]) == [(sha, False, photo["id"])]
    kept = Evidence.objects.get(pk=photo["id"])
    assert (kept.subject_kind, kept.subject_id) == ("lead", lead["id"])
    # now whoever sees the lead sees the file
    original = api.get(commissioner, f"evidence/{photo['id']}/original/")
    assert b"".join(original.streaming_content) == content
    assert api.get(world.commissioner(21), f"evidence/{photo['id']}/original/").status_code == 404
    # nothing that was signed has changed
    row = Lead.objects.get(pk=lead["id"])
    assert (row.version, row.facts["evidence"]) == (lead["version"], [sha])
    assert list(Signature.objects.values_list("digest", flat=True)) == before
    assert signing.verify_digests(Signature.objects.all()) == []
    entry = Entry.objects.filter(stream=row.stream).order_by("-seq")[0]
    assert (entry.kind, entry.actor_id, entry.data["sha256"]) == ("lead.evidence_arrived", worker.pk, sha)
    assert verify.verify() is None


def test_the_same_upload_again_changes_nothing_more(world: World, api: Api) -> None:
    worker = world.worker(1)
    content, sha = new_photo()
    lead = api.post(worker, "leads/", body(world, evidence=[{"sha256": sha}])).json()
    first = photo_of(api, worker, content)
    entries = Entry.objects.filter(stream=f"lead:{lead['id']}").count()
    second = photo_of(api, worker, content)
    assert second["id"] != first["id"]
    assert shown(api, worker, lead["id"]) == [(sha, False, first["id"])]
    assert Entry.objects.filter(stream=f"lead:{lead['id']}").count() == entries


def test_only_the_person_who_named_it_brings_it(world: World, api: Api) -> None:
    content, sha = new_photo()
    lead = api.post(world.worker(1), "leads/", body(world, evidence=[{"sha256": sha}])).json()
    other = photo_of(api, world.worker(1, 2), content)
    assert shown(api, world.worker(1), lead["id"]) == [(sha, True, None)]
    assert Evidence.objects.get(pk=other["id"]).subject_kind is None


def test_a_file_that_came_first_may_still_be_named_by_its_hash(world: World, api: Api) -> None:
    worker = world.worker(1)
    content, sha = new_photo()
    photo = photo_of(api, worker, content)
    lead = api.post(worker, "leads/", body(world, evidence=[{"sha256": sha}])).json()
    assert shown(api, worker, lead["id"]) == [(sha, False, photo["id"])]


def test_named_by_id_and_by_hash_at_once_it_is_one_file(world: World, api: Api) -> None:
    worker = world.worker(1)
    content, sha = new_photo()
    photo = photo_of(api, worker, content)
    lead = api.post(worker, "leads/", body(world, evidence=[photo["id"], {"sha256": sha}])).json()
    assert shown(api, worker, lead["id"]) == [(sha, False, photo["id"])]


def test_an_upload_that_crossed_with_its_naming_is_bound_by_the_sweep(world: World, api: Api) -> None:
    """As if both transactions had run at once: the file lies there, the row still waits."""
    worker = world.worker(1)
    content, sha = new_photo()
    photo = photo_of(api, worker, content)
    lead = made.reported(world)
    LeadEvidence.objects.create(
        lead=lead, sha256=sha, stage="discovery", added_by=worker, added_at=lead.reported_at
    )
    assert files.AWAITING.bind_crossed() == 1
    assert shown(api, worker, lead.pk) == [(sha, False, photo["id"])]
    assert files.AWAITING.bind_crossed() == 0


def test_feedback_and_control_take_files_of_both_kinds(world: World, api: Api) -> None:
    commissioner = world.commissioner(1)
    lead = made.responded(world, category="F03")
    one, [content, sha] = photo_of(api, commissioner), new_photo()
    done = api.post(
        commissioner,
        f"leads/{lead.pk}/control/",
        {"note": "已封存", "evidence": [one["id"], {"sha256": sha}]},
        lead.version,
    ).json()
    disposal = {"disposal": {"kind": "guided", "note": "已清理"}, "evidence": [one["id"]]}
    done = api.post(commissioner, f"leads/{lead.pk}/feedback/", disposal, done["version"]).json()
    assert [(e["stage"], e["missing"]) for e in done["evidence"]] == [("result", False), ("result", True)]
    signed = Signature.objects.get(lead=lead, stage="result", side="office").snapshot["signed"]
    assert signed["evidence"] == sorted([one["sha256"], sha])
    photo_of(api, commissioner, content)
    assert [missing for _, missing, _ in shown(api, commissioner, lead.pk)] == [False, False]


def test_anothers_file_is_refused_in_feedback_and_nothing_happens(world: World, api: Api) -> None:
    lead = made.responded(world)
    photo = photo_of(api, world.worker(1))
    disposal = {"disposal": {"kind": "guided", "note": "已清理"}, "evidence": [photo["id"]]}
    answer = api.post(world.commissioner(1), f"leads/{lead.pk}/feedback/", disposal, lead.version)
    assert (answer.status_code, code_of(answer)) == (409, "evidence_unavailable")
    lead.refresh_from_db()
    assert (lead.state, lead.version, lead.signatures.count()) == ("responded", 2, 4)


@pytest.mark.parametrize(
    ("who", "status"),
    [("worker-01-1", 201), ("clerk-01", 201), ("auditor", 403), ("admin", 403), ("keeper", 403)],
)
def test_only_who_may_report_hands_in_files(api: Api, world: World, who: str, status: int) -> None:
    photo = upload(make_photo(colour="#123456"))
    answer = api.client.post("/api/v1/evidence/", photo, headers=bearer(world.user(who)))
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["errors"][0]["code"] == "no_posting"


def test_who_holds_no_posting_hands_in_nothing(api: Api) -> None:
    photo = upload(make_photo(colour="#123456"))
    answer = api.client.post("/api/v1/evidence/", photo, headers=bearer(make_user()))
    assert answer.status_code == 403
