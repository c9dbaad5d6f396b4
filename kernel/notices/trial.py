"""A test message (测试发送): does the group or the telephone hear us? At once, with the provider's answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from kernel import journal
from kernel.accounts.masking import mask_phone
from kernel.clock import KernelNow
from kernel.errors import Conflict, Malformed
from kernel.notices import policy, senders, sms, telephones
from kernel.notices.failures import SendFailure
from kernel.notices.models import Robot, SmsGateway
from kernel.notices.templates import Text

if TYPE_CHECKING:
    from kernel.accounts.models import User

SAID = "这是一条测试消息，收到即表示通知渠道正常，无需处理。"


@dataclass(frozen=True)
class Outcome:
    """How it went, in words for the administrator."""

    well: bool
    words: str


def try_robot(*, robot: Robot, by: User, at: datetime) -> Outcome:
    """Send one message to the robot's group, whether it is switched on or not.

    It takes a token as any message does. Not inside a transaction: the provider is waited for.

    Raises:
        Conflict `too_fast`: this minute's messages are used up.
    """
    _take_token(Robot, robot.pk)
    try:
        senders.send(robot, [Text("测试消息", SAID)])
        outcome = Outcome(True, f"“{robot.name}”已收下测试消息，请到群里核对。")
    except SendFailure as failure:
        outcome = Outcome(False, f"“{robot.name}”没有收下测试消息：{failure.reason}。")
    _note(Robot, robot.pk, f"robot:{robot.pk}", outcome, by, at)
    return outcome


def try_gateway(*, phone: str, by: User, at: datetime) -> Outcome:
    """Send one SMS through the gateway.

    Raises:
        Malformed `phone_invalid`; Conflict `no_gateway`, `too_fast`.
    """
    number = telephones.mobile(phone)
    if number is None:
        raise Malformed("请填写 11 位手机号码。", code="phone_invalid", attr="phone")
    if not sms.configured():
        raise Conflict("未配置短信网关，请先在服务器设置中填写。", code="no_gateway")
    SmsGateway.objects.bulk_create([SmsGateway(pk=1)], ignore_conflicts=True)
    _take_token(SmsGateway, 1)
    try:
        text = sms.content(SAID, repeated=False)
        sms.send(phone=number, text=text, message_id=sms.message_id(f"trial:{at.isoformat()}"))
        outcome = Outcome(True, f"网关已收下发往 {mask_phone(number)} 的测试短信。")
    except SendFailure as failure:
        outcome = Outcome(False, f"网关没有收下测试短信：{failure.reason}。")
    _note(SmsGateway, 1, "sms:gateway", outcome, by, at)
    return outcome


def _take_token(carriers: type[Any], pk: int) -> None:
    with transaction.atomic():
        row = carriers.objects.select_for_update(no_key=True).annotate(moment=KernelNow()).get(pk=pk)
        tokens = policy.refilled(row.tokens, row.tokens_at, row.moment, row.rate_per_minute)
        if tokens < 1:
            raise Conflict("本分钟发送次数已用完，请稍后再试。", code="too_fast")
        carriers.objects.filter(pk=pk).update(tokens=tokens - 1, tokens_at=row.moment)


def _note(carriers: type[Any], pk: int, stream: str, outcome: Outcome, by: User, at: datetime) -> None:
    data = {"well": outcome.well, "answer": outcome.words}
    with transaction.atomic():
        carriers.objects.select_for_update(no_key=True).get(pk=pk)
        journal.append(stream=stream, kind="notice.tried", by=by, at=at, data=data)
