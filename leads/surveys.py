"""满意度回访: one question a round, to the citizen or the shop concerned, never to staff (DOMAIN.md §5).

The link is good once and for a while (`survey_link`); opening it answers nothing. By telephone it is
entered by somebody who neither handled nor signed. Who is not satisfied asks for the lead to be taken
up again: an approval (`lead.reopen`) with a clock of its own, decided by the office's head.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from grids.access import scope_of
from grids.roles import DUTY_LEADER, DUTY_OFFICER, Role
from kernel import clock
from kernel.accounts.models import User
from kernel.errors import Conflict, Gone, NotAllowed, NotVisible
from kernel.journal.models import Entry
from leads import identity, links, reopen_requests, reporters
from leads.acts import Act, perform
from leads.identity import Identity
from leads.models import Disposal, Lead, Rating, Rework, Signature, Survey
from leads.models.answer import UNHAPPY, Question
from leads.states import State

How = Question.How
ASKS_BY_TELEPHONE = frozenset(
    {
        Role.OFFICE_CLERK,
        Role.OFFICE_HEAD,
        DUTY_OFFICER,
        DUTY_LEADER,
        Role.COMMUNITY_HEAD,
        Role.SUBDISTRICT,
        Role.BUREAU_SECTION,
        Role.BUREAU,
        Role.IDENTITY_KEEPER,
    }
)
"""Who may ask by telephone: nobody whose own work, or whose neighbour's at the next desk, is asked about."""
TOKEN_BYTES = 24
UNKNOWN_LINK = "没有找到这个评价链接，请核对短信中的网址。"
EXPIRED = "评价链接已过有效期，感谢您的关注。"
VOIDED = "这件事正在重新办理，办结后会再次请您评价。"
ANSWERED = "您已经作出评价，感谢您的支持。"


def open_round(act: Act, told: Identity | None) -> tuple[Survey | None, str | None]:
    """Ask this round's one question; the survey and the link's token (kept as a hash only, told once).

    Of the citizen; the shop, where no citizen told it, is asked by `shop_surveys.open_round`. None where
    his telephone is not known any more, or belongs to an account (staff are never asked). A landline is
    asked by telephone: no token.
    """
    if told is None or is_staff(told.phone):
        return None, None
    token = new_token() if told.mobile and settings.SUOSHE_PUBLIC_URL else None
    survey, new = ask(act, Survey.Asked.CITIZEN, token)
    return survey, token if new else None


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def ask(act: Act, whom: Survey.Asked, token: str | None) -> tuple[Survey, bool]:
    """This round's survey, and whether it was made now; without a token it is asked by telephone."""
    lead = act.lead
    survey, new = Survey.objects.get_or_create(
        lead=lead,
        round=lead.round,
        defaults={
            "asked": whom,
            "asked_at": act.at,
            "token_hash": links.digest(token) if token else None,
            "expires_at": act.at + timedelta(minutes=act.limits["survey_link"].amount),
        },
    )
    if new:
        act.note("survey.asked", {"round": lead.round, "asked": whom, "link": token is not None})
    return survey, new


def is_staff(phone: str) -> bool:
    """Does this telephone belong to any account, also one that is closed?"""
    return bool(of_staff([phone]))


def of_staff(phones: Iterable[str]) -> set[str]:
    """Of these telephones, those of any account, however they are spelled there. One statement."""
    spelled = {phone: _spellings(phone) for phone in set(phones)}
    asked = {way for ways in spelled.values() for way in ways}
    known = set(User.objects.filter(phone__in=asked).values_list("phone", flat=True)) if asked else set()
    return {phone for phone, ways in spelled.items() if known & ways}


def _spellings(phone: str) -> set[str]:
    digits = identity.plain_phone(phone)
    if not digits:
        return set()
    spelled = {phone.strip(), digits, f"86{digits}", f"+86{digits}", f"+86-{digits}", f"86-{digits}"}
    return spelled | ({f"{digits[:3]}-{digits[3:7]}-{digits[7:]}"} if len(digits) == 11 else set())


def link(token: str) -> str:
    """The page that a telephone opens."""
    return f"{settings.SUOSHE_PUBLIC_URL}/s/{token}/"


# --- by link ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page shows who opens it: nothing of the shop, nothing of himself."""

    survey: Survey
    number: str


def look(token: str) -> Asked:
    """The open survey of a link. Changes nothing.

    Raises:
        NotVisible: no such link. Conflict: `survey_answered`. Gone: `survey_expired`, `survey_voided`.
    """
    survey = _by_token(token)
    refuse_over(survey, by_link=True)
    return Asked(survey, survey.lead.number)


def answer_by_link(*, token: str, rating: Rating, comment: str = "") -> Survey:
    """Answer once. The same answer sent again is given back; another one is refused.

    Raises:
        NotVisible, Conflict `survey_answered`, Gone `survey_expired`, `survey_voided`; Busy.
    """
    found = _by_token(token)

    def work(act: Act) -> Survey:
        survey = Survey.objects.select_for_update().get(pk=found.pk)
        said = _masked(act.lead, survey, comment)
        if (survey.how, survey.rating, survey.comment) == (How.LINK, rating, said):
            return survey
        refuse_over(survey, by_link=True)
        return _answer(act, survey, rating, said, how=How.LINK, by=None)

    return perform(found.lead_id, None, work)


def _by_token(token: str) -> Survey:
    survey = Survey.objects.select_related("lead").filter(token_hash=links.digest(token)).first()
    if survey is None:
        raise NotVisible(UNKNOWN_LINK, code="unknown_survey")
    return survey


def refuse_over(row: Question, *, by_link: bool, voided: str = VOIDED) -> None:
    """Raise where nothing may be answered any more: Conflict `survey_answered`; Gone `survey_voided`,
    `survey_expired`."""
    if row.answered_at is not None:
        raise Conflict(ANSWERED, code="survey_answered")
    if row.voided_at is not None:
        raise Gone(voided, code="survey_voided")
    if by_link and row.expires_at <= clock.now():
        raise Gone(EXPIRED, code="survey_expired")


# --- by telephone ----------------------------------------------------------------------------------


def record_by_telephone(*, lead_id: int, by: User, rating: Rating, comment: str = "") -> Survey:
    """电话回访: what the citizen said when asked, entered by somebody uninvolved; also once the link expired.

    Where no citizen could be asked it is what the shop concerned said: asked by a link that it left
    unanswered, else with this very call. The same entry by the same person is given back.

    Raises:
        NotVisible; NotAllowed `not_surveyor`, `involved`; Conflict `no_survey`, `survey_answered`;
        Gone `survey_voided`; Busy.
    """

    def work(act: Act) -> Survey:
        act.by = by
        lead = act.lead
        _refuse_surveyor(by)
        survey = Survey.objects.select_for_update().filter(lead=lead, round=lead.round).first()
        survey = survey or _of_shop(act)
        said = _masked(lead, survey, comment)
        if (survey.entered_by_id, survey.rating, survey.comment) == (by.pk, rating, said):
            return survey
        if is_involved(lead, by):
            raise NotAllowed("您经手或签过这条线索，请由未参与的人员回访。", code="involved")
        refuse_over(survey, by_link=False)
        return _answer(act, survey, rating, said, how=How.TELEPHONE, by=by)

    return perform(lead_id, None if reporters.is_keeper(by) else by, work)


def _of_shop(act: Act) -> Survey:
    """The question to the shop of a closed lead, where no citizen was asked. Raises Conflict `no_survey`."""
    lead = act.lead
    if not may_ask_shop(lead):
        raise Conflict("这条线索没有可回访的对象。", code="no_survey")
    return ask(act, Survey.Asked.SHOP, None)[0]


def may_ask_shop(lead: Lead) -> bool:
    """Is there a shop to ask, should nobody else have been asked? Never about a tip-off (举报)."""
    return lead.state == State.CLOSED and lead.entity_id is not None and not lead.restricted


def may_survey(user: User) -> bool:
    """Does one of his postings let him ask citizens by telephone?"""
    scope = scope_of(user)
    return not scope.is_auditor and scope.has(*ASKS_BY_TELEPHONE)


def _refuse_surveyor(by: User) -> None:
    if not may_survey(by):
        raise NotAllowed("您不能登记电话回访，请由未参与办理的内勤或上级登记。", code="not_surveyor")


ASIDE = Q(kind__startswith="answer.") | Q(kind__startswith="survey.") | Q(kind__startswith="reporter.")


def is_involved(lead: Lead, user: User) -> bool:
    """Did this person ever own, report, sign or do anything on this lead but answer or ask its citizen?"""
    if user.pk in (lead.assignee_id, lead.reported_by_id, lead.closed_by_id, lead.second_officer_id):
        return True
    if Signature.objects.filter(Q(signer=user) | Q(on_behalf_of=user), lead=lead).exists():
        return True
    written = Entry.objects.filter(stream=lead.stream)
    return (
        written.filter(~ASIDE, actor_id=user.pk).exists()
        or written.filter(kind__in=["lead.dispatched", "lead.handed_on"], data__to=user.pk).exists()
        or Disposal.objects.filter(lead=lead, by=user).exists()
        or Rework.objects.filter(lead=lead, by=user).exists()
    )


# --- an answer -------------------------------------------------------------------------------------


def _masked(lead: Lead, survey: Survey, comment: str) -> str:
    """What was said, without the name and the number of who said it, and without any other number."""
    told, said = reporters.identity_of(lead), comment.strip()
    if survey.asked == Survey.Asked.SHOP and lead.entity is not None:
        for name in (lead.entity.contact_name, lead.entity.operator_name):
            said = Identity(name, lead.entity.contact_phone).hidden_in(said)
    return (told or Identity("", "")).masked_in(said)[:500]


def write(row: Question, rating: Rating, comment: str, *, how: str, by: User | None, at: datetime) -> None:
    """Enter an answer in its row; the caller notes it and does what follows from it."""
    row.answered_at, row.rating, row.comment, row.how = at, rating, comment, how
    row.entered_by = by
    row.save(update_fields=["answered_at", "rating", "comment", "how", "entered_by"])


def _answer(act: Act, survey: Survey, rating: Rating, comment: str, *, how: How, by: User | None) -> Survey:
    write(survey, rating, comment, how=how, by=by, at=act.at)
    act.note("survey.answered", {"round": survey.round, "rating": rating, "how": how})
    if rating in UNHAPPY and act.lead.state == State.CLOSED and act.lead.round == survey.round:
        reopen_requests.ask(act, survey)
    return survey
