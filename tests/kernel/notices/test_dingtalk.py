"""The DingTalk robot sender against a real server on loopback, with the provider's own error bodies."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kernel.notices import digests, dingtalk, wire
from kernel.notices.failures import SendFailure
from kernel.notices.templates import Text
from tests.kernel.notices.conftest import Provider

ADDRESS = "https://oapi.dingtalk.com/robot/send?access_token=abc"
SECRET = "SEC0123456789abcdef"
SAID = digests.compose([Text("新线索 XS1", "请接单")])


def test_a_message_is_signed_in_the_query_with_the_walls_clock(provider: Provider) -> None:
    dingtalk.send(ADDRESS, SECRET, SAID)
    given = urlsplit(provider.paths[0])
    query = parse_qs(given.query)
    assert (given.path, query["access_token"]) == ("/robot/send", ["abc"])
    (moment,) = query["timestamp"]
    assert abs(int(moment) - wire.wall_ms()) < 60_000
    digest = hmac.new(SECRET.encode(), f"{moment}\n{SECRET}".encode(), hashlib.sha256).digest()
    assert query["sign"] == [base64.b64encode(digest).decode()]
    assert SECRET not in provider.paths[0] + provider.raw[0].decode()


def test_the_known_vector_and_no_secret() -> None:
    """The vector was computed with the provider's published Java sample."""
    assert dingtalk.signed(ADDRESS, "", 1) == ADDRESS
    made = dingtalk.signed(ADDRESS, "this is secret", 1577262236757)
    assert made.startswith(ADDRESS + "&timestamp=1577262236757&sign=")
    assert "+" not in made.rpartition("sign=")[2]


def test_markdown_has_a_paragraph_a_line(provider: Provider) -> None:
    dingtalk.send(ADDRESS, "", SAID)
    assert provider.bodies[0] == {
        "msgtype": "markdown",
        "markdown": {"title": "新线索 XS1", "text": "#### 新线索 XS1\n\n请接单"},
    }
    dingtalk.send(ADDRESS, "", digests.compose([Text("甲", "一"), Text("乙", "二")]))
    assert provider.told[1] == "#### 工作提醒汇总（2 条）\n\n- 甲：一\n\n- 乙：二"


@pytest.mark.parametrize(
    ("answer", "permanent", "maybe_sent", "slow_down"),
    [
        (
            (200, {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}),
            False,
            False,
            True,
        ),
        ((200, {"errcode": 410100, "errmsg": "send too fast"}), False, False, True),
        ((200, {"errcode": 310000, "errmsg": "keywords not in content"}), True, False, False),
        ((200, {"errcode": 310000, "errmsg": "sign not match"}), True, False, False),
        ((200, {"errcode": 300005, "errmsg": "token is not exist"}), True, False, False),
        ((200, {"errcode": 400102, "errmsg": "robot is stopped"}), True, False, False),
        ((200, {"errcode": -1, "errmsg": "系统繁忙"}), False, False, False),
        ((200, {"errmsg": "no code"}), False, True, False),
        ((502, b"<html>"), False, True, False),
        ((404, {}), True, False, False),
    ],
)
def test_a_200_is_no_success_and_each_failure_is_of_its_kind(
    provider: Provider, answer: tuple[int, Any], permanent: bool, maybe_sent: bool, slow_down: bool
) -> None:
    provider.answers = [answer]
    with pytest.raises(SendFailure) as caught:
        dingtalk.send(ADDRESS, SECRET, SAID)
    failure = caught.value
    assert (failure.permanent, failure.maybe_sent, failure.slow_down) == (permanent, maybe_sent, slow_down)
    assert SECRET not in failure.reason
    assert "abc" not in failure.reason
    assert failure.wait == (timedelta(minutes=10) if slow_down else timedelta())
