"""Robots of Feishu or Lark chat groups (飞书自定义机器人): a post by webhook, signed where a secret is set.

The provider answers with a `code` in the body (older ones `StatusCode`), with HTTP 200 and at times
400; only 0 is a success. The signature is the HMAC-SHA256 of nothing under `timestamp\\nsecret`, in the
body, good for an hour of the wall's clock. 100 messages a minute, 5 a second. Lark's host is a setting
(`SUOSHE_FEISHU_BASE_URL`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from django.conf import settings

from kernel.notices import wire
from kernel.notices.digests import Composed
from kernel.notices.failures import SendFailure

WHO = "飞书机器人接口"
SLOW_DOWN = {11232, 99991400}
TOO_MANY = "too many"
PERMANENT = {
    9499: "消息格式不正确",
    19001: "Webhook 地址无效或机器人已被移除",
    19002: "消息格式不正确",
    19021: "签名校验失败，请核对密钥和服务器时间",
    19022: "不在机器人的 IP 白名单内",
    19024: "不含机器人设置的关键词",
}
"""A person has to look: sending the same again cannot help."""


def signature(secret: str, timestamp_s: int) -> str:
    """The provider's signature of a moment (seconds)."""
    digest = hmac.new(f"{timestamp_s}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def body(message: Composed, secret: str, timestamp_s: int) -> dict[str, Any]:
    """A post of plain text: a paragraph a line, no marks that anybody could write into it."""
    mark = "• " if message.is_digest else ""
    content = [[{"tag": "text", "text": mark + line}] for line in message.lines]
    post = {"zh_cn": {"title": message.title, "content": content or [[{"tag": "text", "text": ""}]]}}
    made: dict[str, Any] = {"msg_type": "post", "content": {"post": post}}
    if secret:
        made = {"timestamp": str(timestamp_s), "sign": signature(secret, timestamp_s), **made}
    return made


def send(address: str, secret: str, message: Composed) -> None:
    """Post to the group and read the answer's body.

    Raises:
        SendFailure: with what may be done about it.
    """
    url = wire.target(settings.SUOSHE_FEISHU_BASE_URL, address)
    answer = wire.post(url, wire.encoded(body(message, secret, wire.wall_ms() // 1000)), who=WHO)
    code = answer.code("code", "StatusCode")
    if code is None or (code == 0 and answer.status != 200):
        raise wire.refused(answer, who=WHO)
    words = answer.words("msg", "StatusMessage")
    if code in SLOW_DOWN or (code == 9499 and TOO_MANY in words.lower()):
        raise SendFailure(f"飞书限流：发送过快（code {code}）", slow_down=True)
    if code != 0:
        told = "：".join(filter(None, [PERMANENT.get(code), words]))
        raise SendFailure(f"飞书返回错误（code {code}，{told}）", permanent=code in PERMANENT)
