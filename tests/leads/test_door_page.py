"""一店一码: the page behind the sticker, and 我要反映 (DOMAIN.md §7: never the grade, never a person)."""

from __future__ import annotations

import re
import uuid
from datetime import date
from typing import Any

import pytest
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from credit.models import RedPartner
from grids.demo import World
from grids.models import BusinessEntity, Licence
from kernel import clock
from kernel.accounts.models import User
from leads import human_check, reporters
from leads.models import Lead
from tests.factories.grids import make_entity
from tests.factories.photos import make_photo

SECRETS = ("张三丰", "李四光", "13800001111", "370983199001011234")


@pytest.fixture
def shop(world: World) -> BusinessEntity:
    entity = make_entity(
        world, 1, name="顺和饺子馆", address="新城街道文化路1号", operator_name=SECRETS[0],
        contact_name=SECRETS[1], contact_phone=SECRETS[2], credit_grade="D",
    )  # fmt: skip
    Licence.objects.create(entity=entity, type="FOOD_OPERATION", number="JY137", expires_on=date(2020, 1, 1))
    Licence.objects.create(entity=entity, type="BUSINESS", number=entity.uscc)
    Licence.objects.create(entity=entity, type="OPERATOR", number=SECRETS[3])
    Licence.objects.create(entity=entity, type="FUEL_RETAIL", number="OLD", ended_on=date(2020, 1, 1))
    return entity


@pytest.fixture
def titled(world: World, shop: BusinessEntity) -> RedPartner:
    now = clock.now()
    return RedPartner.objects.create(
        entity=shop, community=world.grid(1).lead_community, state="ACTIVE", reason="守信经营",
        nominated_by=world.community_head_of(1), nominated_at=now, decided_by=world.head_of(1),
        decided_at=now, client_uid=uuid.uuid4(),
    )  # fmt: skip


def page(client: Client, shop: BusinessEntity, tail: str = "", **headers: str) -> Any:
    return client.get(f"/d/{shop.code}/{tail}", headers=headers)


def asked(client: Client, shop: BusinessEntity) -> tuple[str, int]:
    """The token of a form, and the answer to its sum."""
    text = page(client, shop, "tell/").content.decode()
    token = re.search(r'name="token" value="([^"]+)"', text)
    digits = re.search(r"(\d+) 加 (\d+) 等于几", text)
    assert token is not None
    assert digits is not None
    return token[1], int(digits[1]) + int(digits[2])


def tell(client: Client, shop: BusinessEntity, token: str, answer: Any, **more: Any) -> Any:
    said = {"description": "后厨有老鼠，请来看看", "token": token, "answer": str(answer), **more}
    return client.post(f"/d/{shop.code}/tell/", said)


# --- the page --------------------------------------------------------------------------------------


def test_the_page_shows_the_shop_and_nothing_of_persons(
    client: Client, shop: BusinessEntity, titled: RedPartner
) -> None:
    answer = page(client, shop)
    text = answer.content.decode()
    assert answer.status_code == 200
    for word in (
        "顺和饺子馆",
        "新城街道文化路1号",
        "红色合伙人",
        "JY137",
        "2020年1月1日（已过期）",
        "我要反映",
    ):
        assert word in text, word
    assert "OLD" not in text
    assert "信用等级" not in text
    assert not re.search(r">\s*D\s*<", text)
    for secret in SECRETS:
        assert secret not in text
    assert answer["Cache-Control"] == "no-store"
    assert "sessionid" not in answer.cookies
    assert page(client, shop).content == client.get(f"/d/{shop.code.lower()}").content
    RedPartner.objects.filter(pk=titled.pk).update(state="SUSPENDED", suspended_at=clock.now())
    assert "红色合伙人" not in page(client, shop).content.decode()


def test_an_unknown_code_is_told_clearly(client: Client, world: World) -> None:
    for code in ("XXXXXXXX", "A" * 60, "%E4%B8%AD", "a b", "..", "'--"):
        answer = client.get(f"/d/{code}/")
        assert answer.status_code == 404, code
    assert "没有找到这个门牌码" in client.get("/d/XXXXXXXX/").content.decode()
    assert client.get("/d/XXXXXXXX/tell/").status_code == 404
    assert client.post("/d/XXXXXXXX/").status_code == 405


def test_who_is_signed_in_is_led_to_the_desk(client: Client, world: World, shop: BusinessEntity) -> None:
    link = f"/admin/grids/businessentity/{shop.pk}/change/"
    assert link not in page(client, shop).content.decode()
    client.force_login(world.clerk_of(1))
    assert link in page(client, shop).content.decode()
    client.force_login(world.clerk_of(21))
    assert link not in page(client, shop).content.decode()


def test_a_shop_that_is_gone_says_so(client: Client, shop: BusinessEntity, titled: RedPartner) -> None:
    BusinessEntity.objects.filter(pk=shop.pk).update(status="MOVED")
    text = page(client, shop).content.decode()
    assert "登记状态：已搬离" in text
    assert "红色合伙人" not in text


def test_one_address_asks_only_so_often(client: Client, shop: BusinessEntity) -> None:
    with override_settings(SUOSHE_LINK_RATE="2/min"):
        there = {"REMOTE_ADDR": "203.0.113.77"}
        codes = [client.get(f"/d/{shop.code}/", **there).status_code for _ in range(3)]  # type: ignore[arg-type]
    assert codes == [200, 200, 429]
    with override_settings(SUOSHE_TELL_RATE="1/min"):
        there = {"REMOTE_ADDR": "203.0.113.78"}
        path = f"/d/{shop.code}/tell/"
        answers = [client.post(path, {}, **there) for _ in range(2)]  # type: ignore[arg-type]
    assert [one.status_code for one in answers] == [400, 429]
    assert int(answers[1]["Retry-After"]) > 0


# --- 我要反映 ---------------------------------------------------------------------------------------


def test_opening_the_form_reports_nothing_and_sending_it_makes_one_lead(
    client: Client, world: World, shop: BusinessEntity
) -> None:
    before = Lead.objects.count()
    token, answer = asked(client, shop)
    client.head(f"/d/{shop.code}/tell/")
    assert Lead.objects.count() == before
    taken = tell(client, shop, token, answer)
    assert taken.status_code == 200, taken.content.decode()
    lead = Lead.objects.latest("id")
    assert lead.number in taken.content.decode()
    assert (lead.entity, lead.grid, lead.category_id) == (shop, world.grid(1), "00")
    assert (lead.assignee, lead.told_by_citizen) == (world.commissioner(1), False)
    assert lead.signatures.count() == 0
    assert not User.objects.get(username="public-door").has_usable_password()
    assert lead.number in tell(client, shop, token, answer).content.decode()
    assert Lead.objects.count() == before + 1
    other = tell(client, shop, token, answer, description="说的完全不同")
    assert other.status_code == 409


def test_a_name_and_a_telephone_rest_sealed(client: Client, world: World, shop: BusinessEntity) -> None:
    token, answer = asked(client, shop)
    said = "我是赵敏敏，电话13912345678，这家用过期油"
    taken = tell(client, shop, token, answer, description=said, name="赵敏敏", phone="139 1234 5678")
    assert taken.status_code == 200
    lead = Lead.objects.latest("id")
    assert lead.told_by_citizen
    assert "赵敏敏" not in lead.description
    assert "13912345678" not in lead.description
    told = reporters.identity_of(lead)
    assert told is not None
    assert (told.name, told.phone) == ("赵敏敏", "139 1234 5678")


def test_photos_come_with_it(client: Client, shop: BusinessEntity, tmp_path: Any, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    token, answer = asked(client, shop)

    def photo(colour: str = "#802040") -> SimpleUploadedFile:
        return SimpleUploadedFile("a.jpg", make_photo(colour=colour), "image/jpeg")

    many = tell(client, shop, token, answer, photos=[photo() for _ in range(4)])
    assert (many.status_code, "照片最多3张" in many.content.decode()) == (422, True)
    text = SimpleUploadedFile("a.jpg", b"not a photo at all", "image/jpeg")
    assert tell(client, shop, token, answer, photos=[text]).status_code == 415
    taken = tell(client, shop, token, answer, photos=[photo(), photo("#204080")])
    assert taken.status_code == 200, taken.content.decode()
    assert Lead.objects.latest("id").evidence.count() == 2


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"answer": "0"}, 422, "校验题答案不正确"),
        ({"answer": "二十"}, 422, "校验题答案不正确"),
        ({"answer": ""}, 400, "请回答校验题"),
        ({"token": "made-up"}, 410, "重新填写校验题"),
        ({"description": ""}, 400, "请填写要反映的问题"),
        ({"description": "长" * 1001}, 400, "1000字以内"),
        ({"description": "\u0000\u0000\u0000\u0000\u0000"}, 400, ""),
        ({"phone": "不告诉你"}, 400, "正确的联系电话"),
        ({"website": "http://spam.example"}, 400, "未通过校验"),
    ],
)
def test_what_is_not_right_is_said_and_makes_nothing(
    client: Client, shop: BusinessEntity, more: dict[str, Any], status: int, words: str
) -> None:
    before = Lead.objects.count()
    token, answer = asked(client, shop)
    sent: dict[str, Any] = {"token": token, "answer": answer} | more
    refused = tell(client, shop, **sent)
    assert refused.status_code == status, refused.content.decode()
    assert words in refused.content.decode()
    assert Lead.objects.count() == before


def test_a_form_is_good_for_its_own_shop_and_for_an_hour(
    client: Client, world: World, shop: BusinessEntity, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_entity(world, 2)
    token, answer = asked(client, other)
    assert tell(client, shop, token, answer).status_code == 410
    token, answer = asked(client, shop)
    monkeypatch.setattr(human_check, "GOOD_FOR_S", -1)
    late = tell(client, shop, token, answer)
    assert late.status_code == 410
    kept = re.search(r'name="token" value="([^"]+)"', late.content.decode())
    assert kept is not None
    number = signing.loads(token, salt=human_check.SALT)[3]
    assert signing.loads(kept[1], salt=human_check.SALT)[3] == number
    assert uuid.UUID(number)
    assert "后厨有老鼠" in late.content.decode()
