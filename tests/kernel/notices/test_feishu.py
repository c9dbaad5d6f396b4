"""The Feishu robot sender against a real server on loopback, with the provider's own error bodies."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest

from kernel.notices import digests, feishu, wire
from kernel.notices.failures import SendFailure
from kernel.notices.templates import Text
from tests.kernel.notices.conftest import Provider

ADDRESS = "https://open.feishu.cn/open-apis/bot/v2/hook/5f0c-abc"
SECRET = "demo-secret"
SAID = digests.compose([Text("新线索 XS1", "请接单\n限 30 分钟")])


def test_a_message_is_signed_in_the_body_with_the_walls_clock(provider: Provider) -> None:
    feishu.send(ADDRESS, SECRET, SAID)
    assert provider.paths == ["/open-apis/bot/v2/hook/5f0c-abc"]
    body = provider.bodies[0]
    assert abs(int(body["timestamp"]) - wire.wall_ms() // 1000) < 60
    key = f"{body['timestamp']}\n{SECRET}".encode()
    assert body["sign"] == base64.b64encode(hmac.new(key, digestmod=hashlib.sha256).digest()).decode()
    assert SECRET not in provider.raw[0].decode()
    assert provider.told == ["新线索 XS1\n请接单\n限 30 分钟"]


def test_without_a_secret_nothing_is_signed_and_a_digest_has_a_line_each(provider: Provider) -> None:
    feishu.send(ADDRESS, "", digests.compose([Text("甲", "一"), Text("乙", "")]))
    assert provider.bodies[0].keys() == {"msg_type", "content"}
    assert provider.told == ["工作提醒汇总（2 条）\n• 甲：一\n• 乙"]


@pytest.mark.parametrize("well", [{"code": 0, "msg": "success", "data": {}},
                                  {"StatusCode": 0, "StatusMessage": "success", "Extra": None}])  # fmt: skip
def test_both_forms_of_success(provider: Provider, well: dict[str, Any]) -> None:
    provider.answers = [(200, well)]
    feishu.send(ADDRESS, "", SAID)


@pytest.mark.parametrize(
    ("answer", "permanent", "maybe_sent", "slow_down"),
    [
        ((200, {"code": 11232, "msg": "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]"}),
         False, False, True),
        ((200, {"code": 9499, "msg": "too many request", "data": {}}), False, False, True),
        ((429, {"code": 99991400, "msg": "request trigger frequency limit"}), False, False, True),
        ((200, {"code": 9499, "msg": "Bad Request", "data": {}}), True, False, False),
        ((200, {"code": 19021, "msg": "sign match fail or timestamp is not within one hour"}),
         True, False, False),
        ((400, {"code": 19001, "msg": "param invalid: incoming webhook access token invalid"}),
         True, False, False),
        ((200, {"code": 19022, "msg": "Ip Not Allowed"}), True, False, False),
        ((200, {"code": 19024, "msg": "Key Words Not Found"}), True, False, False),
        ((200, {"StatusCode": 1000, "StatusMessage": "busy"}), False, False, False),
        ((200, []), False, True, False),
        ((500, {"code": 0}), False, True, False),
        ((403, {"code": 0}), True, False, False),
        ((0, None), False, True, False),
    ],
)  # fmt: skip
def test_a_200_is_no_success_and_each_failure_is_of_its_kind(
    provider: Provider, answer: tuple[int, Any], permanent: bool, maybe_sent: bool, slow_down: bool
) -> None:
    provider.answers = [answer]
    with pytest.raises(SendFailure) as caught:
        feishu.send(ADDRESS, SECRET, SAID)
    failure = caught.value
    assert (failure.permanent, failure.maybe_sent, failure.slow_down) == (permanent, maybe_sent, slow_down)
    assert SECRET not in failure.reason
    assert "5f0c" not in failure.reason
