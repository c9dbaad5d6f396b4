"""SMS: numbers sealed in the outbox, sent through a gateway on loopback, thrown away afterwards."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from kernel import clock
from kernel.notices import (
    delivery,
    outbox,
    parcels,
    resealing,
    selectors,
    senders,
    sms,
    telephones,
    templates,
)
from kernel.notices.failures import SendFailure
from kernel.notices.models import OutboxMessage, SmsGateway, State
from kernel.sealed import SealBroken, seal_json
from tests.factories.accounts import make_user
from tests.kernel.notices.conftest import Provider, later, make_robot, text_to

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("words")]

LINK = "https://suoshe.example/s/k1-138123456789ab_Z"


def raw_row(message: OutboxMessage) -> str:
    """Everything the database keeps of a message, as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(o)::text FROM notices_outboxmessage o WHERE id = %s", [message.pk])
        return str(cursor.fetchone()[0])


# --- at rest -------------------------------------------------------------------------------------------


def test_neither_number_nor_link_is_readable_while_it_waits() -> None:
    templates.register("test.link", "回访", "{number} 请评价 {link}")
    message = text_to("138 0000-5678", template="test.link", params={"number": "XS1", "link": LINK})
    assert (message.state, message.phone_masked) == (State.PENDING, "138****5678")
    assert message.params == {"number": "XS1"}
    kept = raw_row(message)
    assert "13800005678" not in kept
    assert LINK not in kept
    assert telephones.opened(message) == telephones.Opened("13800005678", {"number": "XS1", "link": LINK})


def test_another_key_opens_nothing(settings: Any) -> None:
    message = text_to()
    settings.SUOSHE_IDENTITY_KEY = "another"
    with pytest.raises(SealBroken):
        telephones.opened(message)


def test_a_new_key_seals_anew_what_still_rests(settings: Any) -> None:
    message, robot = text_to(), make_robot(secret_sealed=seal_json("SEC1"))
    old = settings.SUOSHE_IDENTITY_KEY
    assert resealing.reseal() == (0, 0)
    settings.SUOSHE_IDENTITY_KEY = f"newer,{old}"
    assert resealing.reseal() == (2, 0)
    settings.SUOSHE_IDENTITY_KEY = "newer"
    message.refresh_from_db()
    robot.refresh_from_db()
    assert telephones.opened(message).phone == "13800005678"
    assert senders.secret_of(robot) == "SEC1"
    settings.SUOSHE_IDENTITY_KEY = "lost"
    assert resealing.reseal() == (0, 2)


@pytest.mark.parametrize("phone", ["13800005678", "+86 138-0000-5678", "8613800005678", " 138 0000 5678 "])
def test_a_mobile_however_it_is_written(phone: str) -> None:
    assert telephones.mobile(phone) == "13800005678"


@pytest.mark.parametrize("phone", ["", "0538-3212345", "12800005678", "1380000567", "138000056789", "张三"])
def test_what_takes_no_sms_ends_at_once_with_the_reason_and_keeps_no_number(phone: str) -> None:
    message = text_to(phone)
    assert (message.state, message.last_error, message.sealed) == (State.DROPPED, telephones.NO_MOBILE, "")
    assert message.phone_masked == "号码无效"
    if phone:
        assert phone not in raw_row(message)


def test_a_link_survives_masking_and_a_number_named_link_does_not() -> None:
    user = make_user()
    links = [LINK, "13812345678", "ab13812345678", "a b 13812345678", "138-1234-5678"]
    for number, link in enumerate(links):
        params = {"link": link, "what": "13812345678"}
        outbox.post([outbox.Draft(f"l:{number}", "test.told", params, "lead", 1, user.pk)], at=clock.now())
    kept = [m.params for m in OutboxMessage.objects.order_by("id")]
    assert [one["link"] for one in kept] == [
        LINK,
        "138****5678",
        "ab13812345678",
        "a b 138****5678",
        "138****5678",
    ]
    assert {one["what"] for one in kept} == {"138****5678"}


def test_the_same_fact_is_one_sms() -> None:
    draft = outbox.Draft("sms:once", "test.told", {}, "lead", 1, sms_to="13800005678")
    assert outbox.post([draft], at=clock.now()) == 1
    assert outbox.post([draft], at=clock.now()) == 0


def test_a_number_that_nobody_sends_again_is_forgotten() -> None:
    old, fresh = text_to(), text_to("13800000002")
    OutboxMessage.objects.filter(pk=old.pk).update(
        state=State.DEAD, failed_at=clock.now() - timedelta(days=31)
    )
    OutboxMessage.objects.filter(pk=fresh.pk).update(state=State.DEAD, failed_at=clock.now())
    assert parcels.forget_old() == 1
    old.refresh_from_db()
    fresh.refresh_from_db()
    assert (old.state, old.sealed, fresh.state) == (State.DROPPED, "", State.DEAD)


# --- sending -------------------------------------------------------------------------------------------


def test_it_is_signed_sent_once_and_its_number_thrown_away(gateway: Provider) -> None:
    templates.register("test.link", "回访", "{number} 请评价 {link}", sms="{number} 请您评价：{link}")
    message = text_to(template="test.link", params={"number": "XS1", "link": LINK})
    assert delivery.deliver_due() == 1
    assert gateway.paths == ["/sms/send"]
    body, headers = gateway.bodies[0], gateway.headers[0]
    assert body["phone"] == "13800005678"
    assert body["content"] == f"【肥城市场监管】XS1 请您评价：{LINK}"
    text = f"{headers['X-Timestamp']}\n{headers['X-Nonce']}\n{hashlib.sha256(gateway.raw[0]).hexdigest()}"
    assert headers["X-Signature"] == hmac.new(b"gateway-secret", text.encode(), hashlib.sha256).hexdigest()
    assert "gateway-secret" not in json.dumps([body, headers])
    message.refresh_from_db()
    assert (message.state, message.sealed, message.phone_masked) == (State.DELIVERED, "", "138****5678")
    assert delivery.deliver_due() == 0


def test_without_a_gateway_it_ends_visibly_and_is_counted() -> None:
    message = text_to()
    assert delivery.deliver_due() == 0
    message.refresh_from_db()
    assert (message.state, message.last_error, message.sealed) == (State.DROPPED, sms.NO_GATEWAY, "")
    assert selectors.backlog().unsent_sms == 1


def test_an_account_gets_it_at_the_number_it_has_now(gateway: Provider) -> None:
    user, silent = make_user(phone="13811112222"), make_user(phone="")
    drafts = [
        outbox.Draft(f"page:{who.pk}", "test.told", {"number": "XS1"}, "lead", 1, sms_user_id=who.pk)
        for who in (silent, user)
    ]
    assert outbox.post(drafts, at=clock.now()) == 2
    assert delivery.deliver_due() == 1
    assert [body["phone"] for body in gateway.bodies] == ["13811112222"]
    missing = OutboxMessage.objects.get(sms_user=silent)
    assert (missing.state, missing.last_error) == (State.DROPPED, "收件人没有登记手机号")


def test_a_repeat_says_so_under_the_same_number_of_the_message(gateway: Provider) -> None:
    text_to()
    gateway.answers = [(500, {})]
    delivery.deliver_due()
    later(6)
    assert delivery.deliver_due() == 1
    assert ["（重发）" in told for told in gateway.told] == [False, True]
    assert gateway.bodies[0]["message_id"] == gateway.bodies[1]["message_id"]


def test_a_number_that_takes_nothing_delays_no_other(gateway: Provider) -> None:
    bad, good = text_to("13800000001"), text_to("13800000002")
    gateway.answers = [(200, {"code": "INVALID_PHONE", "message": "empty number"})]
    assert delivery.deliver_due() == 1
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == (State.DEAD, State.DELIVERED)
    assert bad.sealed, "a person may still send it again"


def test_a_sick_gateway_makes_all_wait(gateway: Provider) -> None:
    first, second = text_to("13800000001"), text_to("13800000002")
    gateway.answers = [(200, {"code": "NO_CREDIT", "message": "余额不足"})]
    assert delivery.deliver_due() == 0
    first.refresh_from_db()
    second.refresh_from_db()
    assert [(m.state, m.attempts) for m in (first, second)] == [(State.PENDING, 1), (State.PENDING, 0)]
    assert "余额不足" in first.last_error
    later(6)
    assert delivery.deliver_due() == 2


def test_the_gateway_takes_its_number_a_minute_and_each_alone(gateway: Provider) -> None:
    SmsGateway.objects.create(pk=1, rate_per_minute=3, tokens=3.0)
    for number in range(5):
        text_to(f"1380000000{number}")
    assert delivery.deliver_due() == 3
    assert delivery.deliver_due() == 0
    later(41)
    assert delivery.deliver_due() == 2
    assert len(gateway.bodies) == 5


def test_the_stop_condition_is_read_again(gateway: Provider) -> None:
    templates.register("test.stop", "标题", "正文", still_wanted=lambda message: False)
    message = text_to(template="test.stop", params={})
    assert delivery.deliver_due() == 0
    message.refresh_from_db()
    assert (message.state, message.sealed, gateway.bodies) == (State.DROPPED, "", [])


@pytest.mark.parametrize(
    ("answer", "permanent", "maybe_sent", "slow_down", "only_this"),
    [
        ((200, {"code": "RATE_LIMITED"}), False, False, True, False),
        ((429, {}), False, False, True, False),
        (
            (200, {"code": "isv.BUSINESS_LIMIT_CONTROL", "message": "触发小时级流控"}),
            False,
            False,
            False,
            True,
        ),
        ((200, {"code": "BLACKLISTED"}), True, False, False, True),
        ((200, {"code": "CONTENT_REFUSED"}), True, False, False, True),
        ((200, {"code": "SignatureDoesNotMatch"}), False, False, False, False),
        ((401, {"code": "BAD_KEY"}), False, False, False, False),
        ((403, b"no"), False, False, False, False),
        ((200, b"no"), False, True, False, False),
        ((200, {"message": "?"}), False, True, False, False),
        ((503, {"code": "OK"}), False, True, False, False),
    ],
)
def test_each_failure_is_of_its_kind(
    gateway: Provider,
    answer: tuple[int, Any],
    permanent: bool,
    maybe_sent: bool,
    slow_down: bool,
    only_this: bool,
) -> None:
    gateway.answers = [answer]
    with pytest.raises(SendFailure) as caught:
        sms.send(phone="13800005678", text="【肥】好", message_id="x")
    found = caught.value
    assert (found.permanent, found.maybe_sent, found.slow_down, found.only_this) == (
        permanent, maybe_sent, slow_down, only_this,
    )  # fmt: skip
    assert "13800005678" not in found.reason


def test_a_long_text_is_cut_and_its_link_is_not() -> None:
    text = sms.content(f"{'很长的答复' * 60}，请评价 {LINK} 谢谢", repeated=True, links=(LINK,))
    assert len(text) <= sms.LONGEST
    assert text.startswith("【肥城市场监管】（重发）很长的答复")
    assert text.endswith(f"… {LINK}")
    with pytest.raises(SendFailure):
        sms.content("字" * 300, repeated=False, links=("https://x.example/" + "a" * 300,))


def test_nobody_forges_a_signature() -> None:
    templates.register("test.sms", "", "", sms="{what}")
    assert (
        templates.render_sms("test.sms", {"what": "【某银行】\n转账"}, quote=sms.defused) == "［某银行］ 转账"
    )
