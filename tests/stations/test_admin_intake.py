"""登记纠纷 on one page, and complaints sent to a station, in the admin."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from stations.models import Dispute
from tests.factories.photos import make_photo
from tests.factories.stations import NAME, PHONE, Place
from tests.stations.test_admin_pages import client_of, page
from tests.stations.test_complaints import nowhere

ADD = "/admin/stations/dispute/add/"
SHOPS = "/admin/stations/dispute/shops/"


@pytest.fixture
def desk(around: Place) -> Client:
    return client_of(around.mediator)


def told(around: Place, **fields: Any) -> dict[str, Any]:
    return {
        "client_uid": str(uuid.uuid4()),
        "station": around.station.code,
        "source": "COUNTER",
        "entity": around.shop.pk,
        "entity_name": around.shop.name,
        "goods": "羊绒大衣",
        "goods_kind": "CLOTHING",
        "amount": "399",
        "claims": ["REFUND", "RETURN"],
        "phone": PHONE,
        "name": NAME,
        "description": "洗了一次就缩水",
        **fields,
    }


def test_a_dispute_is_registered_from_one_page(around: Place, desk: Client) -> None:
    assert around.station.name in page(desk, f"{ADD}?station={around.station.code}")
    answer = desk.post(ADD, told(around, wants_official="on", source="TELEPHONE"))
    row = Dispute.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/stations/dispute/{row.pk}/change/")
    assert (row.entity_id, row.source, row.state) == (around.shop.pk, "TELEPHONE", "negotiating")
    assert row.word_at is not None
    html = page(desk, answer["Location"])
    assert "已登记" in html
    assert PHONE not in html


def test_it_is_settled_on_the_spot_with_the_other_button(around: Place, desk: Client) -> None:
    desk.post(ADD, told(around, at_once="1"))
    assert Dispute.objects.get().outcome == "ON_THE_SPOT"


def test_sent_twice_it_is_one_and_another_content_is_asked_again(around: Place, desk: Client) -> None:
    given = told(around)
    desk.post(ADD, given)
    again = desk.post(ADD, given, follow=True)
    assert "没有重复登记" in again.content.decode()
    other = desk.post(ADD, {**given, "goods": "皮鞋"})
    assert other.status_code == 409
    assert "已经提交过一次" in other.content.decode()
    assert given["client_uid"] not in other.content.decode()
    assert Dispute.objects.count() == 1


def test_faults_stand_beside_their_fields_and_nothing_is_lost(around: Place, desk: Client) -> None:
    photo = SimpleUploadedFile("小票.jpg", make_photo(), "image/jpeg")
    wrong = told(around, phone="123", amount="-1", entity="", entity_name="路边小店", photos=photo)
    del wrong["claims"]
    answer = desk.post(ADD, wrong)
    html = answer.content.decode()
    assert answer.status_code == 400
    for words in (
        "请至少选择一项诉求",
        "金额不能为负数",
        "路边小店",
        "羊绒大衣",
        "洗了一次就缩水",
        "已上传 1 份",
    ):
        assert words in html, words
    kept = answer.context["form"]["kept"].value()
    fixed = told(around, entity="", entity_name="路边小店", kept=kept, client_uid=wrong["client_uid"])
    bad_phone = desk.post(ADD, {**fixed, "phone": "123"})
    assert "请填写正确的联系电话" in bad_phone.content.decode()
    assert desk.post(ADD, fixed).status_code == 302
    row = Dispute.objects.get()
    assert (row.entity, row.entity_name, row.evidence.count()) == (None, "路边小店", 1)


NONSENSE = (
    {"station": "没有"},
    {"entity": "99999999999999999999"},
    {"goods": "\x00"},
    {"client_uid": "1"},
    {"source": "DOOR"},
    {"kept": "1,2,x"},
)


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nothing_that_is_sent_breaks_the_page(around: Place, desk: Client, nonsense: dict[str, str]) -> None:
    assert desk.post(ADD, told(around, **nonsense)).status_code < 500


def test_shops_are_found_as_one_types(around: Place, desk: Client) -> None:
    found = desk.get(SHOPS, {"q": around.shop.name[:3]}).json()["results"]
    assert {"id": around.shop.pk, "name": around.shop.name, "address": around.shop.address} in found
    assert desk.get(SHOPS, {"q": ""}).json() == {"results": []}
    assert desk.get(SHOPS, {"q": "\x00"}).json() == {"results": []}
    assert client_of(around.world.commissioner(1)).get(SHOPS).status_code == 403


def test_who_takes_no_disputes_has_no_such_page(around: Place) -> None:
    for who in ("auditor", "commissioner-01", "bureau"):
        assert client_of(around.world.user(who)).get(ADD).status_code == 403, who


# --- complaints ------------------------------------------------------------------------------------


KEPT = "/admin/leads/keptcomplaint/"


def test_the_desk_sends_a_kept_complaint_to_a_station(around: Place) -> None:
    row = nowhere(around)
    section = client_of(around.section)
    assert row.number in page(section, "/admin/stations/dispute/desk/").split('id="kept"')[1]
    assert "转服务站" in page(section, f"{KEPT}{row.pk}/change/")
    send = f"{KEPT}{row.pk}/to-station/"
    assert "请选择" in section.post(send, {"station": ""}).content.decode()
    assert section.post(send, {"station": around.station.code}).status_code == 302
    dispute = Dispute.objects.get(complaint=row)
    assert dispute.taken_station == around.station
    assert dispute.number in page(section, f"{KEPT}{row.pk}/change/")
    assert section.get(send).status_code == 302
    again = page(client_of(around.mediator), "/admin/stations/dispute/desk/")
    assert "平台转入，待联系消费者" in again


def test_only_the_desk_sends_complaints(around: Place) -> None:
    row = nowhere(around)
    send = f"{KEPT}{row.pk}/to-station/"
    for who in ("bureau", "auditor", "commissioner-01"):
        answer = client_of(around.world.user(who)).post(send, {"station": around.station.code})
        assert answer.status_code in (302, 403), who
        assert not Dispute.objects.filter(complaint=row).exists(), who
