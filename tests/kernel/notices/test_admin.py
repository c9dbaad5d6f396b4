"""The outbox in the admin: for administrators only, without the words of notices."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from kernel import clock
from kernel.accounts import admin_sign_in, rights
from kernel.accounts.models import User
from kernel.journal.models import Entry
from kernel.notices import senders
from kernel.notices.models import OutboxMessage, Robot, State
from tests.factories.accounts import make_user
from tests.kernel.notices.conftest import Provider, make_robot, tell, text_to

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("words")]

PAGES = [
    "/admin/notices/outboxmessage/",
    "/admin/notices/robot/",
    "/admin/notices/robot/add/",
    "/admin/notices/deadletter/",
    "/admin/notices/smsgateway/",
]


@pytest.fixture
def keeper(client: Client, monkeypatch: pytest.MonkeyPatch) -> User:
    """A signed-in administrator who has shown his second factor."""
    user = make_user(is_staff=True)
    monkeypatch.setattr(rights, "_tests", [lambda asked: asked.pk == user.pk])
    monkeypatch.setattr(admin_sign_in, "satisfied", lambda request: True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return user


def test_the_outbox_is_listed_and_searched_without_words(client: Client, keeper: User) -> None:
    robot = make_robot(name="凤鸣网格群")
    (message,) = tell(robot, params={"number": "XS1", "what": "后厨有老鼠"})
    OutboxMessage.objects.filter(pk=message.pk).update(state=State.DEAD, last_error="机器人接口返回错误")
    page = client.get(PAGES[0] + "?state__exact=dead&q=凤鸣").content.decode()
    assert "通知发件箱" in page
    assert "发送失败" in page
    assert "机器人接口返回错误" in page
    one = client.get(f"{PAGES[0]}{message.pk}/change/").content.decode()
    assert message.dedupe_key in one
    assert "老鼠" not in page + one


DEAD = "/admin/notices/deadletter/"


def dead_letters(count: int = 2, **columns: Any) -> list[OutboxMessage]:
    """Notices that were given up."""
    robot = columns.pop("robot", None) or make_robot()
    rows = tell(robot, count)
    OutboxMessage.objects.filter(pk__in=[m.pk for m in rows]).update(
        state=State.DEAD, attempts=12, failed_at=clock.now(), last_error="机器人接口限流", **columns
    )
    return rows


def states(*messages: OutboxMessage) -> list[str]:
    found = dict(OutboxMessage.objects.values_list("pk", "state"))
    return [found[m.pk] for m in messages]


def test_the_page_of_dead_letters_says_why_and_when(client: Client, keeper: User) -> None:
    dead_letters(1, robot=make_robot(name="凤鸣网格群"))
    tell(make_robot(name="无关群"))
    sms = text_to()
    OutboxMessage.objects.filter(pk=sms.pk).update(state=State.DEAD, last_error="号码无法接收短信")
    page = client.get(DEAD).content.decode()
    assert "机器人接口限流" in page
    assert "138****5678" in page
    assert "13800005678" not in page
    only = client.get(DEAD + "?channel=sms").content.decode()
    assert "号码无法接收短信" in only
    assert "机器人接口限流" not in only
    assert "机器人接口限流" in client.get(DEAD + "?channel=wecom&q=凤鸣").content.decode()
    one = client.get(f"{DEAD}{sms.pk}/change/").content.decode()
    assert "138****5678" in one
    assert sms.sealed not in one


def test_selected_dead_letters_are_sent_again_with_a_reason(client: Client, keeper: User) -> None:
    first, second, other = dead_letters(3)
    chosen = {"action": "send_again", "_selected_action": [first.pk, second.pk]}
    asked = client.post(DEAD, chosen).content.decode()
    assert "共 2 条" in asked
    assert states(first, second) == [State.DEAD] * 2, "the first POST only asks"
    refused = client.post(DEAD, {**chosen, "asked": "1", "reason": ""}).content.decode()
    assert "原因" in refused
    done = client.post(DEAD, {**chosen, "asked": "1", "reason": "已换地址"}, follow=True)
    assert "已将 2 条通知重新放入待发送队列" in done.content.decode()
    assert states(first, second, other) == [State.PENDING, State.PENDING, State.DEAD]
    entry = Entry.objects.get(stream=f"notice:{first.pk}")
    assert (entry.actor_id, entry.data["reason"]) == (keeper.pk, "已换地址")


def test_one_dead_letter_is_sent_again_or_given_up(client: Client, keeper: User) -> None:
    first, second = dead_letters(2)
    assert client.get(f"{DEAD}{first.pk}/send-again/").status_code == 200
    assert states(first) == [State.DEAD]
    client.post(f"{DEAD}{first.pk}/send-again/", {"reason": "已恢复"})
    client.post(f"{DEAD}{second.pk}/give-up/", {"reason": "群已解散"})
    assert states(first, second) == [State.PENDING, State.DROPPED]
    assert client.get(f"{DEAD}{second.pk}/change/").status_code == 302, "it is no dead letter any more"


def test_all_of_one_robot_are_sent_again_from_its_page(client: Client, keeper: User) -> None:
    robot = make_robot()
    mine, others = dead_letters(3, robot=robot), dead_letters(1)
    answer = client.post(
        f"/admin/notices/robot/{robot.pk}/send-all-again/", {"reason": "已换密钥"}, follow=True
    )
    assert "已将 3 条通知重新放入待发送队列" in answer.content.decode()
    assert states(*mine, *others) == [State.PENDING] * 3 + [State.DEAD]


def test_a_robot_is_tested_and_its_answer_shown(client: Client, keeper: User, provider: Provider) -> None:
    robot = make_robot(name="测试群", rate_per_minute=2)
    path = f"/admin/notices/robot/{robot.pk}/send-test/"
    assert client.get(path).status_code == 200
    assert provider.told == [], "GET only asks"
    assert "已收下测试消息" in client.post(path, follow=True).content.decode()
    assert "测试消息" in provider.told[0]
    provider.answers = [(200, {"errcode": 93000, "errmsg": "invalid webhook url"})]
    assert "errcode 93000：invalid webhook url" in client.post(path, follow=True).content.decode()
    assert "本分钟发送次数已用完" in client.post(path, follow=True).content.decode()
    assert len(provider.told) == 2
    tried = Entry.objects.filter(stream=f"robot:{robot.pk}", kind="notice.tried")
    assert [one.data["well"] for one in tried.order_by("id")] == [True, False]


def test_the_gateway_is_tested_with_a_number_that_is_not_kept(
    client: Client, keeper: User, gateway: Provider
) -> None:
    page = client.get("/admin/notices/smsgateway/").content.decode()
    assert "短信网关" in page
    one = client.get("/admin/notices/smsgateway/1/change/").content.decode()
    assert "127.0.0.1" in one
    assert "gateway-secret" not in one
    path = "/admin/notices/smsgateway/1/send-test/"
    assert "11 位手机号码" in client.post(path, {"phone": "0538-3212345"}).content.decode()
    answer = client.post(path, {"phone": "13800005678"}, follow=True).content.decode()
    assert "138****5678" in answer
    assert gateway.bodies[0]["phone"] == "13800005678"
    assert "13800005678" not in str(list(Entry.objects.values_list("data", flat=True)))


def test_without_a_gateway_the_test_says_so(client: Client, keeper: User) -> None:
    client.get("/admin/notices/smsgateway/")
    answer = client.post("/admin/notices/smsgateway/1/send-test/", {"phone": "13800005678"}, follow=True)
    assert "未配置短信网关" in answer.content.decode()


def test_a_robot_is_entered_and_its_key_never_shown_again(client: Client, keeper: User) -> None:
    secret = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
    body: dict[str, Any] = {"name": "演示群", "kind": "wecom", "rate_per_minute": 20, "is_active": "on"}
    refused = client.post(PAGES[2], {**body, "new_url": "qyapi"})
    assert "地址不完整" in refused.content.decode()
    assert client.post(PAGES[2], {**body, "new_url": secret}).status_code == 302
    robot = Robot.objects.get()
    assert robot.url == secret
    page = client.get(f"{PAGES[1]}{robot.pk}/change/").content.decode()
    assert "693a91f6" not in page + client.get(PAGES[1]).content.decode()
    kept = client.post(f"{PAGES[1]}{robot.pk}/change/", {**body, "name": "改名", "new_url": ""})
    assert kept.status_code == 302
    robot.refresh_from_db()
    assert (robot.name, robot.url) == ("改名", secret)
    assert [one.data for one in Entry.objects.filter(stream=f"robot:{robot.pk}").order_by("id")] == [
        {"fields": ["is_active", "kind", "name", "rate_per_minute", "url"]}, {"fields": ["name"]},
    ]  # fmt: skip


def test_a_sign_secret_rests_sealed_and_is_only_replaced(client: Client, keeper: User) -> None:
    address = "https://oapi.dingtalk.com/robot/send?access_token=" + "0a1b2c3d" * 8
    body: dict[str, Any] = {"name": "钉钉群", "kind": "dingtalk", "rate_per_minute": 20, "is_active": "on"}
    made = client.post(PAGES[2], {**body, "new_url": address, "new_secret": "SECdeadbeef"})
    assert made.status_code == 302
    robot = Robot.objects.get()
    assert senders.secret_of(robot) == "SECdeadbeef"
    assert "SECdeadbeef" not in robot.secret_sealed
    pages = (
        client.get(f"{PAGES[1]}{robot.pk}/change/").content.decode() + client.get(PAGES[1]).content.decode()
    )
    assert "SECdeadbeef" not in pages
    assert robot.secret_sealed not in pages
    assert "0a1b2c3d0a1b" not in pages
    assert "SECdeadbeef" not in str(list(Entry.objects.values_list("data", flat=True)))
    one = f"{PAGES[1]}{robot.pk}/change/"
    assert client.post(one, body).status_code == 302
    robot.refresh_from_db()
    assert senders.secret_of(robot) == "SECdeadbeef"
    assert client.post(one, {**body, "clear_secret": "on"}).status_code == 302
    robot.refresh_from_db()
    assert robot.secret_sealed == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rate_per_minute": 60}, "每分钟最多 20 条"),
        ({"kind": "feishu"}, "须同时更换 Webhook 地址"),
        ({"new_secret": "SEC1"}, "不使用加签密钥"),
        ({"kind": "feishu", "new_url": "https://open.feishu.cn/open-apis/bot/v2/hook/"}, "地址不完整"),
        ({"kind": "dingtalk", "new_url": "https://oapi.dingtalk.com/robot/send"}, "地址不完整"),
        ({"quiet_from": "22:00"}, "同时填写或同时留空"),
    ],
)
def test_what_can_not_work_is_refused(
    client: Client, keeper: User, change: dict[str, Any], said: str
) -> None:
    robot = make_robot()
    body = {"name": "群", "kind": "wecom", "rate_per_minute": 20, "is_active": "on", **change}
    answer = client.post(f"{PAGES[1]}{robot.pk}/change/", body)
    assert answer.status_code == 200
    assert said in answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_nobody_else_opens_it(client: Client, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    monkeypatch.setattr(rights, "_tests", [])
    monkeypatch.setattr(admin_sign_in, "satisfied", lambda request: True)
    client.force_login(make_user(is_staff=True), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(page).status_code == 403
