"""SMS through a gateway that speaks JSON over HTTP (docs/operations.md, "SMS gateway").

Address, key and secret come from the settings; without them there is no gateway. The request is signed
(HMAC-SHA256 under the secret over timestamp, nonce and the body's SHA-256). The answer's `code` says
how it went; only `OK` or 0 is a success. `message_id` is the same when a message is sent again, so a
gateway may drop the second copy.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta

from django.conf import settings

from kernel.notices import wire
from kernel.notices.failures import SendFailure

WHO = "短信网关"
NO_GATEWAY = "未配置短信网关"
LONGEST = 201
"""Characters, signature included: three parts of a long SMS of 67 each."""

_WELL = {"OK", "0", "SUCCESS"}
_SLOW_DOWN = {"RATE_LIMITED", "TOO_MANY_REQUESTS"}
_NOT_NOW = {"PHONE_RATE_LIMITED", "isv.BUSINESS_LIMIT_CONTROL"}
_NEVER = {
    "INVALID_PHONE": "号码无法接收短信",
    "isv.MOBILE_NUMBER_ILLEGAL": "号码无法接收短信",
    "BLACKLISTED": "收件人已退订或被列入黑名单",
    "CONTENT_REFUSED": "内容未通过审核",
    "isv.BLACK_KEY_CONTROL_LIMIT": "内容未通过审核",
}
_OURS = {
    "BAD_SIGNATURE": "签名校验失败，请核对密钥和服务器时间",
    "SignatureDoesNotMatch": "签名校验失败，请核对密钥和服务器时间",
    "BAD_KEY": "账号无效",
    "BAD_SIGN_NAME": "短信签名未报备",
    "isv.SMS_SIGNATURE_ILLEGAL": "短信签名未报备",
    "NO_CREDIT": "余额不足",
    "isv.AMOUNT_NOT_ENOUGH": "余额不足",
}
_SLOW_NUMBER = timedelta(minutes=10)
_DEFUSED = str.maketrans({"【": "［", "】": "］"})


def configured() -> bool:
    """Has this house a gateway? Without one, whoever wanted an SMS has to telephone."""
    return bool(settings.SUOSHE_SMS_BASE_URL and settings.SUOSHE_SMS_KEY and settings.SUOSHE_SMS_SECRET)


def defused(value: str) -> str:
    """A value that can forge no signature (【】) and stays on its line."""
    return " ".join(value.translate(_DEFUSED).split())


def content(words: str, *, repeated: bool, links: tuple[str, ...] = ()) -> str:
    """The whole text: signature, words, and no part of a link cut off.

    Raises:
        SendFailure: the links alone are too long.
    """
    head = f"【{settings.SUOSHE_SMS_SIGN}】" + ("（重发）" if repeated else "")
    room = LONGEST - len(head)
    if len(words) <= room:
        return head + words
    kept = "".join(f" {link}" for link in links)
    for link in links:
        words = words.replace(link, "")
    if len(kept) >= room:
        raise SendFailure("短信内容过长", permanent=True, only_this=True)
    return head + words[: room - len(kept) - 1] + "…" + kept


def send(*, phone: str, text: str, message_id: str) -> None:
    """Hand one SMS to the gateway.

    Raises:
        SendFailure: with what may be done about it; `only_this` where it is about this number or text.
    """
    body = wire.encoded(
        {"phone": phone, "sign_name": settings.SUOSHE_SMS_SIGN, "content": text, "message_id": message_id}
    )
    answer = wire.post(settings.SUOSHE_SMS_BASE_URL, body, who=WHO, headers=signed(body))
    code = str((answer.body or {}).get("code", ""))
    if not code:
        raise _unread(answer)
    if code.upper() in _WELL and answer.status == 200:
        return
    words = answer.words("message", "msg")
    if code in _SLOW_DOWN:
        raise SendFailure(f"短信网关限流（{code}）", slow_down=True)
    if code in _NOT_NOW:
        raise SendFailure(f"该号码短信过于频繁（{code}）", only_this=True, wait=_SLOW_NUMBER)
    if code in _NEVER:
        raise SendFailure(f"{_NEVER[code]}（{code}）", permanent=True, only_this=True)
    raise SendFailure(f"短信网关返回错误（{code}，{_OURS.get(code) or words}）")


def signed(body: bytes) -> dict[str, str]:
    """The headers that prove who sends this body, and when."""
    moment, nonce = str(wire.wall_ms()), secrets.token_hex(16)
    text = f"{moment}\n{nonce}\n{hashlib.sha256(body).hexdigest()}"
    signature = hmac.new(settings.SUOSHE_SMS_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {
        "X-Key": settings.SUOSHE_SMS_KEY,
        "X-Timestamp": moment,
        "X-Nonce": nonce,
        "X-Signature": signature,
    }


def message_id(dedupe_key: str) -> str:
    """What names a message at the gateway, however often it is sent."""
    return hashlib.sha256(dedupe_key.encode()).hexdigest()[:32]


def _unread(answer: wire.Answer) -> SendFailure:
    """A refusal without a code is a gateway that is set up wrongly: a later try may help."""
    if answer.status == 200:
        return wire.refused(answer, who=WHO)
    return SendFailure(f"短信网关拒绝（HTTP {answer.status}）")
