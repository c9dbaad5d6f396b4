"""消费纠纷登记 behind the code on a door and on a station's poster: no account, and nothing leaks."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from grids.models import BusinessEntity
from kernel.notices.models import OutboxMessage
from stations import consumers
from stations.models import ConsumerWord, Dispute, HotShop, Source, WordWay
from stations.states import State, Tier
from tests.factories import stations as made
from tests.factories.grids import make_entity
from tests.factories.photos import make_photo
from tests.factories.stations import Place

pytestmark = pytest.mark.django_db
SECRETS = ("张三丰", "李四光", "13800001111")


@pytest.fixture
def shop(around: Place) -> BusinessEntity:
    shop = around.shop
    shop.name, shop.operator_name, shop.contact_name = "顺和服装店", SECRETS[0], SECRETS[1]
    shop.contact_phone, shop.credit_grade, shop.address = SECRETS[2], "D", "新城街道文化路1号"
    shop.save()
    return shop


def path_of(shop: BusinessEntity) -> str:
    return f"/d/{shop.code}/dispute/"


def asked(client: Client, path: str) -> dict[str, str]:
    """The token of a form, and the answer to its sum."""
    text = client.get(path).content.decode()
    token = re.search(r'name="token" value="([^"]+)"', text)
    digits = re.search(r"(\d+) 加 (\d+) 等于几", text)
    assert token is not None
    assert digits is not None
    return {"token": token[1], "answer": str(int(digits[1]) + int(digits[2]))}


def send(client: Client, path: str, form: dict[str, str], **more: Any) -> Any:
    said = {
        "goods": "羊绒大衣", "goods_kind": "CLOTHING", "claims": ["REFUND"], "amount": "399",
        "phone": "139 0538 1357", "bought_on": "2026-03-01", "name": "诸葛青岚",
        "description": "诸葛青岚买的大衣缩水",
    }  # fmt: skip
    return client.post(path, {**said, **form, **more})


def test_opening_it_registers_nothing_and_sending_it_makes_one_dispute(
    client: Client, around: Place, shop: BusinessEntity
) -> None:
    path = path_of(shop)
    form = asked(client, path)
    client.head(path)
    assert not Dispute.objects.exists()
    taken = send(client, path, form)
    text = taken.content.decode()
    assert taken.status_code == 200, text
    row = Dispute.objects.get()
    assert around.circle is not None
    assert around.circle_mediator is not None
    assert row.number in text
    assert around.circle.name in text
    assert made.TELEPHONE in text
    assert (row.source, row.state, row.tier, row.taken_by) == (
        Source.DOOR,
        State.NEGOTIATING,
        Tier.SHOP,
        None,
    )
    assert (row.entity, row.taken_station, str(row.amount)) == (shop, around.circle, "399.00")
    assert "诸葛青岚" not in row.description
    told = consumers.identity_of(row)
    assert told is not None
    assert told.phone == "139 0538 1357"
    message = OutboxMessage.objects.get(subject_kind="dispute")
    assert (message.template, message.recipient_id) == ("stations.taken", around.circle_mediator.pk)
    assert row.number in send(client, path, form).content.decode()
    assert Dispute.objects.count() == 1
    assert send(client, path, form, goods="别的东西").status_code == 409


def test_the_page_shows_the_shops_name_and_nothing_of_other_disputes(
    client: Client, around: Place, shop: BusinessEntity
) -> None:
    rows = [made.taken(around) for _ in range(4)]
    assert HotShop.objects.exists()
    path = path_of(shop)
    shown = client.get(path)
    text = shown.content.decode() + send(client, path, asked(client, path)).content.decode()
    for word in ("顺和服装店", "不需要身份证", "同意转12315", "请勿填写"):
        assert word in text
    for secret in (*SECRETS, "文化路", *(row.number for row in rows), shop.uscc, "起纠纷"):
        assert secret not in text
    assert not re.search(r">\s*D\s*<", text)
    assert (shown["Cache-Control"], shown["X-Robots-Tag"]) == ("no-store", "noindex, nofollow")
    assert not shown.cookies
    assert path in client.get(f"/d/{shop.code}/").content.decode()
    assert client.get(path.rstrip("/")).status_code == 200


def test_the_word_of_the_form_waits(client: Client, shop: BusinessEntity) -> None:
    path = path_of(shop)
    assert send(client, path, asked(client, path), wants_official="on").status_code == 200
    row = Dispute.objects.get()
    assert (row.state, row.filed_at) == (State.NEGOTIATING, None)
    assert ConsumerWord.objects.get(dispute=row).way == WordWay.DOOR


def test_photos_come_with_it(client: Client, shop: BusinessEntity, tmp_path: Any, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    path = path_of(shop)
    form = asked(client, path)

    def photo(colour: str = "#802040") -> SimpleUploadedFile:
        return SimpleUploadedFile("a.jpg", make_photo(colour=colour), "image/jpeg")

    assert send(client, path, form, photos=[photo() for _ in range(4)]).status_code == 422
    text = SimpleUploadedFile("a.jpg", b"not a photo at all", "image/jpeg")
    assert send(client, path, form, photos=[text]).status_code == 415
    for _ in range(2):
        taken = send(client, path, form, photos=[photo(), photo("#204080")])
        assert taken.status_code == 200, taken.content.decode()
    assert Dispute.objects.get().evidence.filter(evidence__subject_kind="dispute").count() == 2


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"answer": "0"}, 422, "校验题答案不正确"),
        ({"answer": ""}, 400, "请回答校验题"),
        ({"token": "made-up"}, 410, "重新填写校验题"),
        ({"goods": ""}, 400, "请填写购买的商品或服务"),
        ({"goods": "衣" * 61}, 400, "60字以内"),
        ({"goods_kind": "CAR"}, 400, "请选择类别"),
        ({"claims": []}, 400, "请至少选择一项诉求"),
        ({"claims": ["MONEY"]}, 400, "诉求不在可选范围"),
        ({"amount": "很多"}, 400, "请填写正确的金额"),
        ({"amount": "-1"}, 400, ""),
        ({"amount": "NaN"}, 400, "请填写正确的金额"),
        ({"bought_on": "2026-03-11"}, 422, "消费日期不能晚于今天"),
        ({"bought_on": "昨天"}, 400, "请填写正确的消费日期"),
        ({"phone": ""}, 400, "请填写联系电话"),
        ({"phone": "不告诉你"}, 400, "请填写正确的联系电话"),
        ({"description": "长" * 2001}, 400, "2000字以内"),
        ({"description": "\x00"}, 400, ""),
        ({"website": "http://spam.example"}, 400, "未通过校验"),
    ],
)
def test_what_is_not_right_is_said_and_makes_nothing(
    client: Client, shop: BusinessEntity, more: dict[str, Any], status: int, words: str
) -> None:
    path = path_of(shop)
    refused = send(client, path, asked(client, path), **more)
    text = refused.content.decode()
    assert refused.status_code == status, text
    assert words in text
    assert not Dispute.objects.exists()
    if "website" not in more and "goods" not in more:
        assert 'value="羊绒大衣"' in text


def test_floods_are_refused_with_a_time_to_come_again(client: Client, shop: BusinessEntity) -> None:
    with override_settings(SUOSHE_TELL_RATE="1/min", SUOSHE_LINK_RATE="1/min"):
        there: dict[str, Any] = {"REMOTE_ADDR": "203.0.113.91"}
        sent = [client.post(path_of(shop), {}, **there) for _ in range(2)]
        opened = [client.get(path_of(shop), **there) for _ in range(2)]
        posted = [client.post("/station/T-1/", {}, **there)]
    assert [one.status_code for one in (*sent, *opened, *posted)] == [400, 429, 200, 429, 429]
    assert int(sent[1]["Retry-After"]) > 0


def test_a_form_is_good_for_its_own_shop(client: Client, around: Place, shop: BusinessEntity) -> None:
    other = make_entity(around.world, 1)
    assert send(client, path_of(shop), asked(client, path_of(other))).status_code == 410


def test_an_unknown_code_and_a_shop_without_a_station_are_told_clearly(client: Client, around: Place) -> None:
    for code in ("XXXXXXXX", "A" * 60, "%E4%B8%AD", "a%00b", "'--"):
        for path in (f"/d/{code}/dispute/", f"/station/{code}/"):
            answer = client.get(path)
            assert answer.status_code == 404, path
    lonely = make_entity(around.world, 21)
    answer = client.get(path_of(lonely))
    assert (answer.status_code, "请拨打12315" in answer.content.decode()) == (404, True)


# --- the poster ------------------------------------------------------------------------------------


def test_the_stations_poster_tells_where_and_when_and_takes_a_shop_by_its_name(
    client: Client, around: Place
) -> None:
    made.hours(around.station)
    path = f"/station/{around.station.code}/"
    text = client.get(path).content.decode()
    for word in (
        around.station.name,
        around.station.address,
        made.TELEPHONE,
        "星期一 08:30—17:30",
        "不需要身份证",
    ):
        assert word in text
    assert "星期六" not in text
    missing = send(client, path, asked(client, path))
    assert (missing.status_code, "请填写店铺名称" in missing.content.decode()) == (400, True)
    taken = send(client, path, asked(client, path), entity_name="流动水果摊")
    assert taken.status_code == 200, taken.content.decode()
    row = Dispute.objects.get()
    assert (row.entity, row.entity_name, row.taken_station) == (None, "流动水果摊", around.station)
    assert row.office == around.world.office_of(1)
    assert client.get(path.lower()).status_code == 200
    around.station.is_active = False
    around.station.save()
    assert client.get(path).status_code == 404
