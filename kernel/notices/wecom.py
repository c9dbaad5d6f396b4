"""Robots of WeCom chat groups (企业微信群机器人): markdown by webhook.

The provider answers 200 with an `errcode` in the body; only `errcode` 0 is a success. The host comes
from `SUOSHE_WECOM_BASE_URL` (also where an intranet reaches it through a relay); a robot's row gives
path and key only.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import requests
from django.conf import settings
from urllib3.exceptions import MaxRetryError, NewConnectionError

from kernel.notices.failures import SendFailure
from kernel.notices.templates import Text

TIMEOUT_S = (3.05, 8.0)
"""To connect, and to wait for each part of the answer."""

LONGEST_BYTES = 4000
"""The provider takes 4,096 bytes of markdown; the rest is for the last line of a digest."""

_SLOW_DOWN = {45009, 45033}
_PERMANENT = {40008, 40058, 44004, 45002, 93000, 93004, 93008, 93017}
"""Wrong message, or a webhook that is invalid or whose robot was removed: a person has to look."""

_DEFUSED = str.maketrans({"<": "＜", ">": "＞", "[": "［", "]": "］", "`": "｀", "*": "＊", "#": "＃"})


def defused(value: str) -> str:
    """A value as plain text: no mention of people, link or other mark can be made by what a person wrote."""
    return " ".join(value.translate(_DEFUSED).split())


def markdown(texts: list[Text]) -> str:
    """One text as it is, several as a digest that fits into one message."""
    if len(texts) == 1:
        return _cut(f"**{texts[0].title}**\n{texts[0].body}".rstrip(), LONGEST_BYTES)
    told = f"**工作提醒汇总（{len(texts)} 条）**"
    for number, text in enumerate(texts):
        words = f"{text.title}：{text.body}" if text.body else text.title
        line = _cut("> " + " ".join(words.split()), 600)
        if len(f"{told}\n{line}".encode()) > LONGEST_BYTES:
            return f"{told}\n另有 {len(texts) - number} 条，请登录平台查看。"
        told = f"{told}\n{line}"
    return told


def send(address: str, texts: list[Text]) -> None:
    """Post to the group and read the answer's body.

    Raises:
        SendFailure: with what may be done about it.
    """
    body = {"msgtype": "markdown", "markdown": {"content": markdown(texts)}}
    try:
        answer = requests.post(_target(address), json=body, timeout=TIMEOUT_S, allow_redirects=False)
    except requests.ConnectTimeout as failure:
        raise SendFailure("连接机器人接口超时") from failure
    except requests.ConnectionError as failure:
        raise SendFailure("无法连接机器人接口", maybe_sent=not _never_connected(failure)) from failure
    except requests.RequestException as failure:
        raise SendFailure("机器人接口没有应答", maybe_sent=True) from failure
    _read(answer)


def _target(address: str) -> str:
    given = urlsplit(address.strip())
    path = "/" + given.path.lstrip("/")
    return settings.SUOSHE_WECOM_BASE_URL.rstrip("/") + path + (f"?{given.query}" if given.query else "")


def _never_connected(failure: requests.ConnectionError) -> bool:
    cause = failure.args[0] if failure.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _read(answer: requests.Response) -> None:
    if answer.status_code == 429:
        raise SendFailure("机器人接口限流（HTTP 429）", slow_down=True)
    if answer.status_code >= 500:
        raise SendFailure(f"机器人接口故障（HTTP {answer.status_code}）", maybe_sent=True)
    if answer.status_code != 200:
        raise SendFailure(f"机器人接口拒绝（HTTP {answer.status_code}）", permanent=True)
    try:
        code = int(answer.json()["errcode"])
    except (ValueError, TypeError, KeyError) as failure:
        raise SendFailure("机器人接口的应答无法识别", maybe_sent=True) from failure
    if code in _SLOW_DOWN:
        raise SendFailure(f"机器人接口限流（errcode {code}）", slow_down=True)
    if code != 0:
        raise SendFailure(f"机器人接口返回错误（errcode {code}）", permanent=code in _PERMANENT)


def _cut(text: str, longest_bytes: int) -> str:
    raw = text.encode()
    if len(raw) <= longest_bytes:
        return text
    return raw[: longest_bytes - 3].decode(errors="ignore") + "…"
