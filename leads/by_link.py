"""What stands behind a survey's link: a lead, or a matter of a higher app that registers its kind of token.

A token of a higher app begins with its prefix, a letter and a dot; no token of a lead holds a dot. Page and
endpoint are the same for all: one question, answered once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kernel.errors import NotVisible
from leads import answers, surveys
from leads.models import Rating, Survey


@dataclass(frozen=True, slots=True)
class Asked:
    """What who opens it is shown: nothing of the shop, nothing of himself. `whom`: one of `Survey.Asked`."""

    number: str
    whom: str
    done: str
    asked_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What was answered."""

    number: str
    rating: Rating
    comment: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Kind:
    """`look(token)` shows an open question and changes nothing; `answer(token, rating, comment)` takes one
    answer, the same again is given back. Both raise NotVisible, Conflict `survey_answered`, Gone."""

    look: Callable[[str], Asked]
    answer: Callable[[str, Rating, str], Said]


_kinds: dict[str, Kind] = {}


def register(prefix: str, kind: Kind) -> None:
    """Name the kind of the tokens that begin with `prefix` and a dot; the last word counts."""
    _kinds[prefix] = kind


def look(token: str) -> Asked:
    """The open question of a link. Raises: NotVisible; Conflict `survey_answered`; Gone."""
    return _of(token).look(token)


def answer(token: str, rating: Rating, comment: str) -> Said:
    """Answer it, once. Raises: NotVisible; Conflict `survey_answered`; Gone; Busy."""
    return _of(token).answer(token, rating, comment)


def _of(token: str) -> Kind:
    prefix, dot, _ = token.partition(".")
    if not dot:
        return _LEADS
    if prefix not in _kinds:
        raise NotVisible(surveys.UNKNOWN_LINK, code="unknown_survey")
    return _kinds[prefix]


def _look_at_lead(token: str) -> Asked:
    found = surveys.look(token)
    survey = found.survey
    done = answers.sentence_of(survey)
    return Asked(found.number, survey.asked, done, survey.asked_at, survey.expires_at)


def _answer_of_lead(token: str, rating: Rating, comment: str) -> Said:
    survey: Survey = surveys.answer_by_link(token=token, rating=rating, comment=comment)
    if survey.answered_at is None:
        raise TypeError("an answered survey has its moment")
    return Said(survey.lead.number, Rating(survey.rating), survey.comment, survey.answered_at)


_LEADS = Kind(_look_at_lead, _answer_of_lead)
