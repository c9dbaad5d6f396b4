"""Robots of DingTalk chat groups (钉钉自定义机器人): markdown by webhook, signed where a secret is set.

The provider answers 200 with an `errcode` in the body; only 0 is a success. The signature is the
HMAC-SHA256 of `timestamp\\nsecret` under the secret, in the query, good for an hour of the wall's clock.
More than 20 messages a minute, and the group takes nothing for ten minutes (130101).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from urllib.parse import quote_plus

from django.conf import settings

from kernel.notices import wire
from kernel.notices.digests import Composed
from kernel.notices.failures import SendFailure

WHO = "钉钉机器人接口"
SLOW_DOWN = {130101, 410100}
LOCKED_OUT = timedelta(minutes=10)
PERMANENT = {
    40035: "消息格式不正确",
    43004: "消息格式不正确",
    300001: "Webhook 地址中的 access_token 无效",
    300005: "Webhook 地址中的 access_token 无效",
    310000: "不符合机器人的安全设置（关键词、加签或 IP 名单）",
    400013: "群已解散",
    400101: "Webhook 地址中的 access_token 无效",
    400102: "机器人已被停用",
    400105: "消息类型不受支持",
    400106: "机器人已被移除",
    430101: "内容含有不安全的链接",
    430102: "内容含有不合适的文字",
    430103: "内容含有不合适的图片",
    430104: "内容不合适",
}
"""A person has to look: sending the same again cannot help."""


def signed(address: str, secret: str, timestamp_ms: int) -> str:
    """The address with timestamp and signature in its query; without a secret as it is."""
    if not secret:
        return address
    text = f"{timestamp_ms}\n{secret}"
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return f"{address}&timestamp={timestamp_ms}&sign={quote_plus(base64.b64encode(digest))}"


def markdown(message: Composed) -> str:
    """The provider's markdown: a paragraph a line."""
    mark = "- " if message.is_digest else ""
    return "\n\n".join([f"#### {message.title}", *(mark + line for line in message.lines)])


def send(address: str, secret: str, message: Composed) -> None:
    """Post to the group and read the answer's body.

    Raises:
        SendFailure: with what may be done about it.
    """
    body = {"msgtype": "markdown", "markdown": {"title": message.title, "text": markdown(message)}}
    url = signed(wire.target(settings.SUOSHE_DINGTALK_BASE_URL, address), secret, wire.wall_ms())
    answer = wire.post(url, wire.encoded(body), who=WHO)
    code = answer.code("errcode") if answer.status == 200 else None
    if code is None:
        raise wire.refused(answer, who=WHO)
    if code in SLOW_DOWN:
        raise SendFailure(f"钉钉限流：发送过快（errcode {code}）", slow_down=True, wait=LOCKED_OUT)
    if code != 0:
        words = "：".join(filter(None, [PERMANENT.get(code), answer.words("errmsg")]))
        raise SendFailure(f"钉钉返回错误（errcode {code}，{words}）", permanent=code in PERMANENT)
