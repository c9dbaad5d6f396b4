"""The outbox in the admin: for administrators only, without the words of notices."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from kernel.accounts import admin_sign_in, rights
from kernel.accounts.models import User
from kernel.notices.models import OutboxMessage, Robot, State
from tests.factories.accounts import make_user
from tests.kernel.notices.conftest import make_robot, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("words")]

PAGES = ["/admin/notices/outboxmessage/", "/admin/notices/robot/", "/admin/notices/robot/add/"]


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


def test_dead_letters_are_sent_again(client: Client, keeper: User) -> None:
    dead, waiting = tell(make_robot(), 2)
    OutboxMessage.objects.filter(pk=dead.pk).update(state=State.DEAD, attempts=12)
    answer = client.post(
        PAGES[0], {"action": "send_again", "_selected_action": [dead.pk, waiting.pk]}, follow=True
    )
    assert "已将 1 条通知重新放入待发送队列" in answer.content.decode()
    dead.refresh_from_db()
    assert (dead.state, dead.attempts) == (State.PENDING, 0)


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
    assert (
        client.post(f"{PAGES[1]}{robot.pk}/change/", {**body, "name": "改名", "new_url": ""}).status_code
        == 302
    )
    robot.refresh_from_db()
    assert (robot.name, robot.url) == ("改名", secret)


@pytest.mark.parametrize("page", PAGES)
def test_nobody_else_opens_it(client: Client, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    monkeypatch.setattr(rights, "_tests", [])
    monkeypatch.setattr(admin_sign_in, "satisfied", lambda request: True)
    client.force_login(make_user(is_staff=True), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(page).status_code == 403
