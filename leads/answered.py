"""Has the citizen heard what came of it? Derived from the answer that the present round owes (办结未回复)."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, TextChoices

from leads.models import Answer, AnswerState, Lead
from leads.states import OPEN, State

Rows = TypeVar("Rows", bound=QuerySet[Lead])
OVER_FOR_HIM = (State.CLOSED, State.REJECTED)
"""Where the citizen waits for a word. Who told a merged lead hears when the survivor closes."""


class Answered(TextChoices):
    ANSWERED = "answered", "已回复"
    UNANSWERED = "unanswered", "办结未回复"
    NOT_NEEDED = "not_needed", "无需回复"


def with_answer(leads: Rows) -> Rows:
    """The leads with `answer_state`, which `answered` reads. No further statement."""
    present = Answer.objects.filter(lead=OuterRef("pk"), round=OuterRef("round"))
    return leads.annotate(answer_state=Subquery(present.values("state")[:1]))


def answered(lead: Lead) -> str | None:
    """One of `Answered`; None while the lead is open, and so nothing is owed yet."""
    if not lead.told_by_citizen:
        return Answered.NOT_NEEDED.value
    if getattr(lead, "answer_state", None) == AnswerState.ANSWERED:
        return Answered.ANSWERED.value
    if lead.state in OPEN or lead.state == State.MERGED:
        return None
    return Answered.UNANSWERED.value


def having(leads: Rows, value: str) -> Rows:
    """Only the leads of which `answered` says this."""
    if value == Answered.NOT_NEEDED:
        return leads.filter(told_by_citizen=False)
    given = Exists(
        Answer.objects.filter(lead=OuterRef("pk"), round=OuterRef("round"), state=AnswerState.ANSWERED)
    )
    if value == Answered.ANSWERED:
        return leads.filter(given, told_by_citizen=True)
    return leads.filter(~Q(given), told_by_citizen=True, state__in=OVER_FOR_HIM)
