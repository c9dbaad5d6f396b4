"""The senders of chat groups, by kind of robot, and how a sending may fail."""

from __future__ import annotations

from collections.abc import Callable

from kernel.notices import wecom
from kernel.notices.failures import SendFailure
from kernel.notices.models import Channel, Robot
from kernel.notices.templates import Text

Send = Callable[[str, list[Text]], None]
"""Given the robot's address and what to say (several: one digest); raises `SendFailure`."""

_BY_KIND: dict[str, Send] = {Channel.WECOM.value: wecom.send}


def send(robot: Robot, texts: list[Text]) -> None:
    """Say it in the robot's group, in one message.

    Raises:
        SendFailure: it was not taken, or nobody knows.
    """
    sender = _BY_KIND.get(robot.kind)
    if sender is None:
        raise SendFailure("没有这种机器人的发送程序", permanent=True)
    sender(robot.url, texts)
