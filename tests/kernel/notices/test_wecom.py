"""The WeCom robot sender against a real server on loopback."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from kernel.notices import digests, senders, wecom, wire
from kernel.notices.failures import SendFailure
from kernel.notices.templates import Text
from tests.kernel.notices.conftest import Provider

ADDRESS = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=abc"
SAID = digests.compose([Text("标题", "正文")])


def test_only_path_and_key_of_the_row_are_used(provider: Provider) -> None:
    wecom.send(ADDRESS, "", SAID)
    wecom.send("cgi-bin/webhook/send?key=abc", "", digests.compose([Text("标题", "")]))
    assert provider.paths == ["/cgi-bin/webhook/send?key=abc"] * 2
    assert provider.told == ["**标题**\n正文", "**标题**"]


@pytest.mark.parametrize(
    ("answer", "permanent", "maybe_sent", "slow_down"),
    [
        ((200, {"errcode": 93000, "errmsg": "invalid webhook url"}), True, False, False),
        ((200, {"errcode": 45009, "errmsg": "api freq out of limit"}), False, False, True),
        ((200, {"errcode": -1, "errmsg": "system busy"}), False, False, False),
        ((200, b"<html>"), False, True, False),
        ((200, []), False, True, False),
        ((500, {}), False, True, False),
        ((429, {}), False, False, True),
        ((404, {}), True, False, False),
        ((302, {}), True, False, False),
        ((0, None), False, True, False),
    ],
)
def test_a_200_is_no_success_and_each_failure_is_of_its_kind(
    provider: Provider, answer: tuple[int, Any], permanent: bool, maybe_sent: bool, slow_down: bool
) -> None:
    provider.answers = [answer]
    with pytest.raises(SendFailure) as caught:
        wecom.send(ADDRESS, "", SAID)
    failure = caught.value
    assert (failure.permanent, failure.maybe_sent, failure.slow_down) == (permanent, maybe_sent, slow_down)


def test_nobody_listening_means_surely_not_sent(provider: Provider, settings: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.SUOSHE_WECOM_BASE_URL = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(SendFailure) as caught:
            wecom.send(ADDRESS, "", SAID)
    assert (caught.value.permanent, caught.value.maybe_sent) == (False, False)


def test_a_lost_answer_may_have_been_sent(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "TIMEOUT_S", (1, 0.05))
    provider.slow_s = 0.3
    with pytest.raises(SendFailure) as caught:
        wecom.send(ADDRESS, "", SAID)
    assert (caught.value.permanent, caught.value.maybe_sent) == (False, True)


def test_a_digest_fits_into_one_message_and_says_how_many_it_carries() -> None:
    texts = [Text(f"线索 {n}", "很长的正文" * 30) for n in range(200)]
    message = digests.compose(texts)
    told = wecom.markdown(message)
    assert told.startswith(f"**工作提醒汇总（{message.carried} 条）**\n> 线索 0：")
    assert told.count("\n> ") == message.carried == senders.fitting(texts) > 5
    assert len(told.encode()) <= 4096
    assert len(wecom.markdown(digests.compose([Text("标题" * 900, "字" * 9000)])).encode()) <= 4096


def test_what_people_wrote_makes_no_marks() -> None:
    assert digests.defused("<@all> [点我](http://x)\n# **大**") == "＜@all＞ ［点我］(http://x) ＃ ＊＊大＊＊"
