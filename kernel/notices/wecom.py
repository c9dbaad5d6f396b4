"""Robots of WeCom chat groups (企业微信群机器人): markdown by webhook.

The provider answers 200 with an `errcode` in the body; only 0 is a success. The host comes from
`SUOSHE_WECOM_BASE_URL` (also where an intranet reaches it through a relay); a robot's row gives path
and key only. 20 messages a minute; its messages are not signed.
"""

from __future__ import annotations

from django.conf import settings

from kernel.notices import wire
from kernel.notices.digests import Composed
from kernel.notices.failures import SendFailure

WHO = "机器人接口"
SLOW_DOWN = {45009, 45033}
PERMANENT = {40008, 40058, 44004, 45002, 93000, 93004, 93008, 93017}
"""Wrong message, or a webhook that is invalid or whose robot was removed: a person has to look."""


def markdown(message: Composed) -> str:
    """The provider's markdown."""
    mark = "> " if message.is_digest else ""
    return "\n".join([f"**{message.title}**", *(mark + line for line in message.lines)])


def send(address: str, secret: str, message: Composed) -> None:
    """Post to the group and read the answer's body. `secret` is not used: the key is in the address.

    Raises:
        SendFailure: with what may be done about it.
    """
    body = {"msgtype": "markdown", "markdown": {"content": markdown(message)}}
    url = wire.target(settings.SUOSHE_WECOM_BASE_URL, address)
    answer = wire.post(url, wire.encoded(body), who=WHO)
    code = answer.code("errcode") if answer.status == 200 else None
    if code is None:
        raise wire.refused(answer, who=WHO)
    if code in SLOW_DOWN:
        raise SendFailure(f"机器人接口限流（errcode {code}）", slow_down=True)
    if code != 0:
        raise SendFailure(
            f"机器人接口返回错误（errcode {code}：{answer.words('errmsg')}）", permanent=code in PERMANENT
        )
