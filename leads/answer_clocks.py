"""The words in which citizens are answered, and who is told when an answer is late (DESIGN.md §6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kernel.deadlines import handlers, noting
from kernel.deadlines.handlers import Fired
from kernel.notices import templates
from kernel.notices.models import OutboxMessage
from kernel.notices.policy import Urgency
from leads import clock_notices, reopen_requests, shop_surveys
from leads.answers import CLOCK
from leads.clock_notices import BUREAU_WITHOUT_OFFICE, CLERKS, HEADS, of_leads, tell
from leads.models import Answer, AnswerState


def answer_late(batch: Sequence[Fired], at: datetime) -> None:
    """The citizen has heard nothing in time (办结未回复): the clerks and the heads are told."""
    noting.note(batch, at, stream="lead")
    tell(of_leads(batch), at, "answer_late", CLERKS, HEADS, BUREAU_WITHOUT_OFFICE)


def _still_owed(message: OutboxMessage) -> bool:
    """An SMS whose lead was taken up again meanwhile tells nobody that it was done."""
    number = message.dedupe_key.split(":")[1]
    return Answer.objects.filter(pk=int(number)).exclude(state=AnswerState.CANCELLED).exists()


def _still_to_call(message: OutboxMessage) -> bool:
    answers = Answer.objects.filter(lead_id=message.subject_id, state=AnswerState.OWED)
    return answers.exists()


def register() -> None:
    """Register words, handler and the kind of approval (called once, at start-up)."""
    told = "您反映的问题（编号{number}）有了结果：{done}。感谢您的监督。"
    asked = "请点击链接评价我们的工作（{expires_at}前有效，限评一次）：{link}"
    templates.register("leads.answer", "办结回复 {number}", told, _still_owed, urgency=Urgency.NEWS, sms=told)
    templates.register(
        "leads.answer_survey",
        "办结回复 {number}",
        f"{told}{asked}",
        _still_owed,
        urgency=Urgency.NEWS,
        sms=f"{told}{asked}",
    )
    templates.register(
        "leads.answer_call",
        "请电话回复反映人：{number}",
        "{category} 已有办理结果，短信无法送达反映人。请于 {due_at} 前电话告知办理结果并登记。",
        _still_to_call,
        urgency=Urgency.NEWS,
    )
    templates.register(
        "leads.answer_late",
        "办结未回复：{number}",
        "{category} 已有办理结果，时限 {due_at} 已过仍未回复反映人，请尽快电话告知并登记。",
        urgency=Urgency.NEWS,
    )
    clock_notices.WHAT["answer_late"] = "办结后未回复反映人"
    handlers.register("lead", CLOCK, answer_late)
    shop_surveys.register()
    reopen_requests.register()
