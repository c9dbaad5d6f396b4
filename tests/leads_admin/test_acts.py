"""Acts from the pages: each calls its service, refuses stale pages, and loses nothing that was typed."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.utils import override_settings

from grids.demo import World
from kernel import clock
from kernel.deadlines import sweep
from kernel.evidence.models import Evidence
from kernel.journal.models import Entry
from leads.models import Category, Lead, LeadReporter, SupervisionOrder
from tests.factories import leads as make
from tests.factories.photos import make_photo

LEADS = "/admin/leads/lead/"
ORDERS = "/admin/leads/supervisionorder/"


@pytest.fixture(autouse=True)
def _own_files(tmp_path: Any) -> Any:
    with override_settings(MEDIA_ROOT=str(tmp_path)):
        yield


def act(client: Client, lead: Lead, key: str, version: int | None = None, **typed: Any) -> Any:
    if version is None:
        version = Lead.objects.get(pk=lead.pk).version
    return client.post(f"{LEADS}{lead.pk}/act/{key}/", {"version": version, **typed})


def fresh(lead: Lead) -> Lead:
    return Lead.objects.get(pk=lead.pk)


def test_the_whole_road_from_the_pages(world: World, signed_in: Any) -> None:
    lead = make.reported(world, 1, category="F03")
    commissioner, worker = signed_in("commissioner-01"), signed_in("worker-01-2")
    assert act(commissioner, lead, "respond", plan="appointment", note="下午三点").status_code == 302
    assert "预约上门：下午三点" in commissioner.get(f"{LEADS}{lead.pk}/change/").content.decode()
    photo = SimpleUploadedFile("a.jpg", make_photo(), "image/jpeg")
    assert act(commissioner, lead, "control", note="已封存食材", photos=photo).status_code == 302
    assert fresh(lead).controlled_at is not None
    assert fresh(lead).evidence.get().evidence_id is not None
    due = (clock.today() + timedelta(days=7)).isoformat()
    told = {"kind": "rectify", "note": "责令七日内整改", "rectify_due_on": due}
    assert act(commissioner, lead, "feed-back", **told).status_code == 302
    assert act(worker, lead, "rework", reason="地面仍未清理").status_code == 302
    assert fresh(lead).round == 2
    assert act(commissioner, lead, "feed-back", kind="guided", note="已清理完毕").status_code == 302
    answer = worker.get(f"{LEADS}{lead.pk}/act/verify/")
    assert answer.status_code == 200
    assert act(worker, lead, "verify", method="on_site", note="").status_code == 302
    closed = fresh(lead)
    assert closed.state == "closed"
    html = commissioner.get(f"{LEADS}{lead.pk}/change/").content.decode()
    assert html.count("lead-sign lead-signed") == 6
    assert "地面仍未清理" in html
    assert "责令七日内整改" in html
    assert "以前轮次的签字（1）" in html


def test_confirming_signs_for_the_community(world: World, signed_in: Any) -> None:
    lead = make.reported(world, 1, by="clerk-01")
    worker = signed_in("worker-01-1")
    html = worker.get(f"{LEADS}{lead.pk}/change/").content.decode()
    assert "/act/confirm-handover/" in html
    assert act(worker, lead, "confirm-handover").status_code == 302
    assert lead.signatures.filter(side="community").count() == 2
    assert "/act/confirm-handover/" not in worker.get(f"{LEADS}{lead.pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("key", "typed"),
    [
        ("feed-back", {"kind": "guided", "note": "这段话不能丢失"}),
        ("control", {"note": "这段话不能丢失"}),
        ("dispatch", {"reason": "这段话不能丢失", "assignee": "0"}),
    ],
)
def test_a_stale_page_is_refused_and_keeps_what_was_typed(
    world: World, signed_in: Any, key: str, typed: dict[str, str]
) -> None:
    lead = make.responded(world, 1)
    if key == "dispatch":
        typed = {**typed, "assignee": str(world.users["commissioner-02"].pk)}
    who = "clerk-01" if key == "dispatch" else "commissioner-01"
    answer = act(signed_in(who), lead, key, version=lead.version - 1, **typed)
    html = answer.content.decode()
    assert answer.status_code == 412
    assert "有了变化" in html
    assert "这段话不能丢失" in html
    assert f'name="version" value="{lead.version}"' in html
    assert fresh(lead).version == lead.version
    assert act(signed_in(who), lead, key, **typed).status_code == 302


def test_photos_of_a_refused_form_are_kept_and_sent_once(world: World, signed_in: Any) -> None:
    lead = make.responded(world, 1)
    client = signed_in("commissioner-01")
    photo = SimpleUploadedFile("a.jpg", make_photo(), "image/jpeg")
    answer = act(
        client, lead, "feed-back", version=lead.version - 1, kind="guided", note="有照片", photos=photo
    )
    kept = Evidence.objects.get().pk
    assert f'name="kept" value="{kept}"' in answer.content.decode()
    assert act(client, lead, "feed-back", kind="guided", note="有照片", kept=str(kept)).status_code == 302
    assert [row.evidence_id for row in fresh(lead).evidence.all()] == [kept]
    assert Evidence.objects.count() == 1


def test_what_is_no_photo_is_refused_with_the_words_kept(world: World, signed_in: Any) -> None:
    lead = make.responded(world, 1)
    text = SimpleUploadedFile("a.jpg", b"not a picture", "image/jpeg")
    answer = act(signed_in("commissioner-01"), lead, "control", note="这段话不能丢失", photos=text)
    assert answer.status_code in (415, 422)
    assert "这段话不能丢失" in answer.content.decode()
    assert fresh(lead).controlled_at is None


def test_anothers_files_are_not_taken(world: World, signed_in: Any) -> None:
    import hashlib

    from kernel.evidence import store

    data = make_photo()
    other = store.receive(
        file=SimpleUploadedFile("a.jpg", data, "image/jpeg"),
        sha256=hashlib.sha256(data).hexdigest(),
        client_uid=uuid.uuid4(),
        captured_at=None,
        place=None,
        by=world.commissioner(2),
        at=clock.now(),
    )[0]
    lead = make.responded(world, 1)
    answer = act(signed_in("commissioner-01"), lead, "control", note="已处置", kept=str(other.pk))
    assert answer.status_code == 302
    assert fresh(lead).evidence.count() == 0


def test_a_form_without_its_words_is_shown_again(world: World, signed_in: Any) -> None:
    lead = make.responded(world, 1)
    answer = act(signed_in("commissioner-01"), lead, "feed-back", kind="guided", note="")
    assert answer.status_code == 400
    assert fresh(lead).state == "responded"
    answer = signed_in("commissioner-01").post(f"{LEADS}{lead.pk}/act/control/", {"note": "没有版本"})
    assert answer.status_code == 400
    assert "没有版本" in answer.content.decode()


@pytest.mark.parametrize("who", ["office-01", "clerk-01", "community-01", "bureau", "auditor"])
def test_who_may_not_is_neither_offered_nor_obeyed(world: World, signed_in: Any, who: str) -> None:
    lead = make.reported(world, 1)
    client = signed_in(who)
    page = client.get(f"{LEADS}{lead.pk}/change/")
    assert "/act/respond/" not in page.content.decode()
    assert client.get(f"{LEADS}{lead.pk}/act/respond/").status_code == 302
    act(client, lead, "respond", plan="on_my_way", note="")
    assert fresh(lead).state == "dispatched"


def test_a_backup_may_act_and_the_signature_names_both(world: World, signed_in: Any) -> None:
    lead = make.reported(world, 1)
    backup = world.posting_of("commissioner-01").backup
    assert backup is not None
    client = signed_in(backup.username)
    assert "/act/respond/" in client.get(f"{LEADS}{lead.pk}/change/").content.decode()
    assert act(client, lead, "respond", plan="on_my_way", note="").status_code == 302
    html = client.get(f"{LEADS}{lead.pk}/change/").content.decode()
    assert f"（代{world.users['commissioner-01'].name}）" in html


def test_no_lead_is_acted_upon_by_an_outsider(world: World, signed_in: Any) -> None:
    lead = make.reported(world, 1)
    client = signed_in("commissioner-20")
    assert act(client, lead, "respond", plan="on_my_way", note="").status_code == 302
    assert client.get(f"{LEADS}{lead.pk}/act/nonsense/").status_code == 302
    assert fresh(lead).state == "dispatched"


def test_a_lead_without_a_grid_needs_one_to_be_dispatched(world: World, signed_in: Any) -> None:
    lead = make.reported(world, 1, lon=None, lat=None)
    client = signed_in("bureau")
    html = client.get(f"{LEADS}{lead.pk}/act/dispatch/").content.decode()
    assert world.grid(1).name in html
    assert world.users["commissioner-01"].name in html
    to = str(world.users["commissioner-01"].pk)
    refused = act(client, lead, "dispatch", assignee=to, reason="位置在桃韵", grid="")
    assert refused.status_code == 400
    assert "位置在桃韵" in refused.content.decode()
    done = act(client, lead, "dispatch", assignee=to, reason="位置在桃韵", grid=str(world.grid(1).pk))
    assert done.status_code == 302
    assert fresh(lead).assignee_id == world.users["commissioner-01"].pk


def test_the_office_offers_only_its_own_people_and_the_owner_not_again(world: World, signed_in: Any) -> None:
    lead = make.reported(world, 1)
    html = signed_in("clerk-01").get(f"{LEADS}{lead.pk}/act/dispatch/").content.decode()
    assert f'value="{world.users["commissioner-02"].pk}"' in html
    assert f'value="{world.users["commissioner-20"].pk}"' not in html
    assert f'value="{world.users["commissioner-01"].pk}"' not in html


# --- intake ----------------------------------------------------------------------------------------


def intake(world: World, **typed: Any) -> dict[str, Any]:
    lon, lat = world.point_in(1)
    return {
        "client_uid": str(uuid.uuid4()),
        "category": "F03",
        "severity": "",
        "description": "来电反映后厨有老鼠",
        "lon": f"{lon:.6f}",
        "lat": f"{lat:.6f}",
        "entity": "",
        "reporter_name": "王某",
        "reporter_phone": "13800001111",
        **typed,
    }


def test_a_call_becomes_one_lead_however_often_it_is_sent(world: World, signed_in: Any) -> None:
    client = signed_in("clerk-01")
    sent = intake(world)
    photo = make_photo()
    for _ in range(2):
        body = {**sent, "photos": SimpleUploadedFile("a.jpg", photo, "image/jpeg")}
        answer = client.post(f"{LEADS}add/", body)
        assert answer.status_code == 302, answer.content.decode()[:400]
    lead = Lead.objects.get()
    assert lead.told_by_citizen
    assert lead.assignee_id == world.users["commissioner-01"].pk
    assert lead.evidence.count() == 1
    assert "王某" not in str(LeadReporter.objects.get(lead=lead).sealed)
    assert lead.signatures.count() == 0
    answer = client.post(f"{LEADS}add/", {**sent, "description": "另一件事"})
    assert answer.status_code == 409
    assert "另一件事" in answer.content.decode()
    assert sent["client_uid"] not in answer.content.decode()


@pytest.mark.parametrize(
    "left_out",
    [
        {"description": ""},
        {"category": ""},
        {"category": "Z99"},
        {"lon": "", "lat": ""},
        {"reporter_phone": ""},
        {"reporter_phone": "电话"},
        {"client_uid": ""},
        {"entity": "99999999"},
        {"lon": "999", "lat": "36"},
    ],
)
def test_an_incomplete_call_is_shown_again(world: World, signed_in: Any, left_out: dict[str, str]) -> None:
    answer = signed_in("clerk-01").post(f"{LEADS}add/", intake(world, **left_out))
    assert answer.status_code == 400
    assert Lead.objects.count() == 0
    if "description" not in left_out:
        assert "来电反映后厨有老鼠" in answer.content.decode()


def test_a_place_nobody_knows_goes_to_the_desk(world: World, signed_in: Any) -> None:
    sent = intake(world, lon="", lat="", place_unknown="on", reporter_name="", reporter_phone="")
    assert signed_in("clerk-01").post(f"{LEADS}add/", sent).status_code == 302
    assert Lead.objects.get().state == "reported"


def test_a_business_alone_is_place_enough(world: World, signed_in: Any) -> None:
    entity = next(e for e in world.entities if e.grid_id in {g.pk for g in world.grids})
    office = next(
        o for o in world.offices if o.pk == next(g for g in world.grids if g.pk == entity.grid_id).office_id
    )
    who = f"clerk-{world.offices.index(office) + 1:02d}"
    answer = signed_in(who).post(f"{LEADS}add/", intake(world, lon="", lat="", entity=str(entity.pk)))
    assert answer.status_code == 302, answer.content.decode()
    assert Lead.objects.get().grid_id == entity.grid_id


# --- orders ----------------------------------------------------------------------------------------


def late(world: World, *numbers: int) -> list[SupervisionOrder]:
    for number in numbers:
        make.reported(world, number)
    clock.travel(timedelta(minutes=31))
    sweep.sweep()
    return list(SupervisionOrder.objects.order_by("id"))


def test_both_sides_acknowledge_an_order(world: World, signed_in: Any) -> None:
    (order,) = late(world, 1)
    head, community = signed_in("office-01"), signed_in(world.community_head_of(1).username)
    address = f"{ORDERS}{order.pk}/change/"
    assert "签收" in head.get(address).content.decode()
    assert head.post(address, {"version": 1, "instruction": "finish_today", "note": ""}).status_code == 302
    assert community.post(address, {"version": 1, "instruction": "go_myself", "note": ""}).status_code == 302
    html = head.get(address).content.decode()
    assert "今日办结" in html
    assert "我到现场" in html
    assert '<form method="post" class="lead-card' not in html


def test_an_order_refused_keeps_what_was_typed(world: World, signed_in: Any) -> None:
    (order,) = late(world, 1)
    head = signed_in("office-01")
    address = f"{ORDERS}{order.pk}/change/"
    stale = head.post(address, {"version": 99, "instruction": "other", "note": "这段话不能丢失"})
    assert stale.status_code == 412
    assert "这段话不能丢失" in stale.content.decode()
    empty = head.post(address, {"version": 1, "instruction": "other", "note": ""})
    assert empty.status_code == 400
    assert "请写明意见" in empty.content.decode()
    for who in ("commissioner-01", "clerk-01"):
        assert (
            signed_in(who).post(address, {"version": 1, "instruction": "other", "note": "x"}).status_code
            == 403
        )
    assert (
        signed_in("auditor").post(address, {"version": 1, "instruction": "other", "note": "x"}).status_code
        == 403
    )
    assert not order.acknowledgements.exists()


def test_many_orders_each_with_its_own_row(world: World, signed_in: Any) -> None:
    orders = late(world, 1, 2, 3)
    head = signed_in("office-01")
    chosen = head.post(ORDERS, {"action": "acknowledge_many", "_selected_action": [o.pk for o in orders]})
    assert chosen.status_code == 302
    html = head.get(chosen["Location"]).content.decode()
    assert html.count("lead-many-fields") == 3
    body = {"form-TOTAL_FORMS": "3", "form-INITIAL_FORMS": "3"}
    instructions = ["finish_today", "other", "go_myself"]
    for place, order in enumerate(orders):
        body |= {
            f"form-{place}-order": str(order.pk),
            f"form-{place}-version": "9" if place == 2 else "1",
            f"form-{place}-instruction": instructions[place],
            f"form-{place}-note": "这段话不能丢失" if place == 2 else "",
        }
    answer = head.post(f"{ORDERS}acknowledge/", body)
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "这段话不能丢失" in html
    assert "请写明意见" in html
    assert html.count("lead-many-fields") == 2
    assert [o.acknowledgements.count() for o in orders] == [1, 0, 0]
    assert head.get(f"{ORDERS}acknowledge/?ids={orders[0].pk},x").status_code == 302


# --- the catalogue ---------------------------------------------------------------------------------


def test_the_bureau_keeps_names_and_words_only(world: World, signed_in: Any) -> None:
    bureau = signed_in("bureau")
    address = "/admin/leads/category/F03/change/"
    body = {
        "name": "后厨卫生",
        "spoken": "老鼠，耗子 蟑螂",
        "is_active": "on",
        "severity": "MINOR",
        "food": "",
    }
    assert bureau.post(address, body).status_code == 302
    row = Category.objects.get(pk="F03")
    assert (row.name, row.words, row.severity, row.food) == (
        "后厨卫生",
        ["老鼠", "耗子", "蟑螂"],
        "MODERATE",
        True,
    )
    assert Entry.objects.get(stream="category:F03").data["after"]["name"] == "后厨卫生"
    assert "F03" in bureau.get("/admin/leads/category/?q=耗子").content.decode()
    unsorted = bureau.post("/admin/leads/category/00/change/", {"name": "说不清", "spoken": ""})
    assert unsorted.status_code == 200
    assert "不能停用" in unsorted.content.decode()
    auditor = signed_in("auditor")
    assert auditor.get(address).status_code == 200
    assert auditor.post(address, body).status_code == 403
    assert signed_in("clerk-01").get("/admin/leads/category/").status_code == 403


def test_refreshing_the_front_page_keeps_nobody_signed_in(
    world: World, signed_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kernel.accounts import middleware

    client = signed_in("bureau")
    client.get("/admin/")
    before = client.session[middleware.SEEN_AT]
    real = middleware.time.time
    monkeypatch.setattr(middleware.time, "time", lambda: real() + 120)
    client.get(f"{LEADS}front/", headers={"X-Self-Refresh": "1"})
    assert client.session[middleware.SEEN_AT] == before
    client.get(LEADS)
    assert client.session[middleware.SEEN_AT] > before


def test_the_community_head_verifies_in_their_stead_with_a_reason(world: World, signed_in: Any) -> None:
    lead = make.fed_back(world, 1)
    head = signed_in(world.community_head_of(1).username)
    page = f"{LEADS}{lead.pk}/change/"
    assert "/act/verify/" not in head.get(page).content.decode()
    clock.travel(timedelta(hours=49))
    sweep.sweep(look_back=None)
    head = signed_in(world.community_head_of(1).username)
    assert "/act/verify/" in head.get(page).content.decode()
    refused = act(head, lead, "verify", method="on_site", note="")
    assert refused.status_code == 400
    assert "代核验须说明原因" in refused.content.decode()
    assert act(head, lead, "verify", method="on_site", note="网格员住院").status_code == 302
    assert fresh(lead).verified_in_stead
    assert "代核验" in head.get(page).content.decode()


def test_the_number_of_a_case_is_entered_with_the_result(world: World, signed_in: Any) -> None:
    lead = make.responded(world, 1)
    client, number = signed_in("commissioner-01"), "泰肥市监立〔2026〕12号"
    refused = act(client, lead, "feed-back", kind="guided", note="已提醒", case_number=number)
    assert refused.status_code == 400
    assert "案件编号仅立案查处填写" in refused.content.decode()
    assert number in refused.content.decode()
    assert (
        act(client, lead, "feed-back", kind="penalty", note="已立案", case_number=number).status_code == 302
    )
    assert f"案件编号：{number}" in client.get(f"{LEADS}{lead.pk}/change/").content.decode()
