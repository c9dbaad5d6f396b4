"""The senders of chat groups, by kind of robot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kernel import sealed
from kernel.notices import digests, dingtalk, feishu, wecom
from kernel.notices.digests import Composed
from kernel.notices.failures import SendFailure
from kernel.notices.models import Channel, Robot
from kernel.notices.templates import Text


@dataclass(frozen=True)
class Sender:
    """How one kind of robot is spoken to.

    Attributes:
        send: given the robot's address, its secret and what to say; raises `SendFailure`.
        rate_per_minute: what the provider takes.
        has_secret: are its messages signed?
        where: where an administrator finds the address.
    """

    send: Callable[[str, str, Composed], None]
    rate_per_minute: int
    has_secret: bool
    where: str


BY_KIND: dict[str, Sender] = {
    Channel.WECOM.value: Sender(
        wecom.send, 20, False, "企业微信群 → 群机器人 → Webhook 地址；每分钟最多 20 条，无需密钥。"
    ),
    Channel.DINGTALK.value: Sender(
        dingtalk.send,
        20,
        True,
        "钉钉群 → 群设置 → 机器人 → 自定义；安全设置选“加签”并把密钥（SEC 开头）填在下方；"
        "每分钟最多 20 条，超出后钉钉停收 10 分钟。",
    ),
    Channel.FEISHU.value: Sender(
        feishu.send,
        100,
        True,
        "飞书群 → 设置 → 群机器人 → 自定义机器人；安全设置选“签名校验”并把密钥填在下方；每分钟最多 100 条。",
    ),
}


def fitting(texts: list[Text]) -> int:
    """How many of these texts, from the first, one message holds."""
    return digests.compose(texts).carried


def send(robot: Robot, texts: list[Text]) -> None:
    """Say it in the robot's group, in one message; the texts fit (`fitting`).

    Raises:
        SendFailure: it was not taken, or nobody knows.
    """
    sender = BY_KIND.get(robot.kind)
    if sender is None:
        raise SendFailure("没有这种机器人的发送程序", permanent=True)
    sender.send(robot.url, secret_of(robot), digests.compose(texts))


def secret_of(robot: Robot) -> str:
    """The robot's secret in the clear; empty where it has none.

    Raises:
        SendFailure: it was sealed with another key and has to be entered again.
    """
    if not robot.secret_sealed:
        return ""
    try:
        return str(sealed.unseal_json(robot.secret_sealed))
    except sealed.SealBroken:
        raise SendFailure("机器人密钥无法解密，请重新填写", permanent=True) from None
