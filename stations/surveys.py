"""满意度回访 of disputes: one question a round, to the consumer, never to staff (DOMAIN.md §5).

As of leads: by a single-use link in the SMS that tells how the matter ended, or by a telephone call that
somebody uninvolved enters. Who withdrew, or was refused, is not asked. Who is not satisfied asks for the
matter to be mediated anew (`reopening`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.conf import settings

from kernel import journal
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, NotVisible
from leads import by_link, links
from leads import surveys as of_leads
from leads.by_link import Asked, Said
from leads.identity import Identity
from leads.models import Rating, Survey
from leads.models.answer import UNHAPPY, Question
from leads.surveys import UNKNOWN_LINK
from stations import consumers, reopening
from stations.acts import Act, perform
from stations.models import DisputeSurvey, Outcome
from stations.states import State

How = Question.How
PREFIX = "d"
"""Begins every token of a dispute, before a dot (`leads.by_link`)."""
ASKED_OF = frozenset({State.SETTLED.value, State.PERFORMED.value, State.NOT_REACHED.value})
VOIDED = "这件纠纷正在重新调解，办结后会再次请您评价。"
DONE = {
    Outcome.ON_THE_SPOT: "您反映的消费纠纷已当场和解",
    Outcome.SETTLED: "您反映的消费纠纷已和解",
    Outcome.PERFORMED: "您反映的消费纠纷所签协议已履行",
    Outcome.NOT_REACHED: "您反映的消费纠纷经调解未能达成一致",
}


def begin_all(acts: Sequence[Act], known: Mapping[int, Identity]) -> dict[int, tuple[DisputeSurvey, str]]:
    """These matters have ended: ask each consumer (`known`, by dispute), once a round; the survey and its
    link by dispute, for the one SMS. Four statements at most, whatever their number.

    Not there where nobody is asked: withdrawn, refused, no telephone known, one of our own people. A landline
    is asked by telephone: the survey is there, without a link (the empty string).
    """
    asked = [act for act in acts if act.dispute.state in ASKED_OF and _phone(known, act)]
    ours = of_leads.of_staff(_phone(known, act) for act in asked)
    earlier = DisputeSurvey.objects.filter(dispute__in=[act.dispute for act in asked])
    before = set(earlier.values_list("dispute_id", "round")) if asked else set()
    new: dict[int, tuple[DisputeSurvey, str]] = {}
    notes = []
    for act in asked:
        one = act.dispute
        if _phone(known, act) in ours or (one.pk, one.round) in before:
            continue
        token = _token() if known[one.pk].mobile and settings.SUOSHE_PUBLIC_URL else None
        row = DisputeSurvey(
            dispute=one,
            round=one.round,
            asked_at=act.at,
            token_hash=links.digest(token) if token else None,
            expires_at=act.at + timedelta(minutes=act.limits["survey_link"].amount),
        )
        new[one.pk] = row, of_leads.link(token) if token else ""
        notes.append(act.told("survey.asked", {"round": one.round, "link": token is not None}))
    DisputeSurvey.objects.bulk_create([row for row, _ in new.values()])
    journal.append_many(notes)
    return new


def _phone(known: Mapping[int, Identity], act: Act) -> str:
    told = known.get(act.dispute.pk)
    return told.phone if told else ""


def _token() -> str:
    return f"{PREFIX}.{of_leads.new_token()}"


# --- by link ---------------------------------------------------------------------------------------


def look(token: str) -> Asked:
    """The open question of a link. Changes nothing. Raises as `leads.by_link.look`."""
    row = _by_token(token)
    _refuse_over(row, by_link=True)
    done = DONE[Outcome(row.dispute.outcome)]
    return Asked(row.dispute.number, Survey.Asked.CITIZEN, done, row.asked_at, row.expires_at)


def answer_by_link(token: str, rating: Rating, comment: str) -> Said:
    """Answer once; the same answer sent again is given back. Raises as `leads.by_link.answer`."""
    found = _by_token(token)

    def work(act: Act) -> Said:
        row = DisputeSurvey.objects.select_for_update().get(pk=found.pk)
        said = consumers.hidden(act.dispute, comment)[:500]
        if (row.how, row.rating, row.comment) != (How.LINK, rating, said):
            _refuse_over(row, by_link=True)
            _answer(act, row, rating, said, how=How.LINK, by=None)
        return Said(act.dispute.number, rating, said, row.answered_at or act.at)

    return perform(found.dispute_id, None, work)


def _by_token(token: str) -> DisputeSurvey:
    rows = DisputeSurvey.objects.select_related("dispute")
    row = rows.filter(token_hash=links.digest(token)).first()
    if row is None:
        raise NotVisible(UNKNOWN_LINK, code="unknown_survey")
    return row


def _refuse_over(row: DisputeSurvey, *, by_link: bool) -> None:
    of_leads.refuse_over(row, by_link=by_link, voided=VOIDED)


# --- by telephone ----------------------------------------------------------------------------------


def record_by_telephone(*, dispute_id: int, by: User, rating: Rating, comment: str = "") -> DisputeSurvey:
    """电话回访, entered by somebody who neither took, handled, decided nor mediated it; also once the link
    has expired. The same entry by the same person is given back.

    Raises:
        NotVisible; NotAllowed `not_surveyor`, `involved`; Conflict `no_survey`, `survey_answered`;
        Gone `survey_voided`; Busy.
    """

    def work(act: Act) -> DisputeSurvey:
        if not may_survey(by):
            raise NotAllowed("您不能登记电话回访，请由未参与调解的内勤或上级登记。", code="not_surveyor")
        rows = DisputeSurvey.objects.select_for_update().filter(dispute=act.dispute, round=act.dispute.round)
        row = rows.first()
        if row is None:
            raise Conflict("这件纠纷没有可回访的对象。", code="no_survey")
        said = consumers.hidden(act.dispute, comment)[:500]
        if (row.entered_by_id, row.rating, row.comment) == (by.pk, rating, said):
            return row
        if by.pk in reopening.involved(act.dispute):
            raise NotAllowed("您经手过这件纠纷，请由未参与的人员回访。", code="involved")
        _refuse_over(row, by_link=False)
        _answer(act, row, rating, said, how=How.TELEPHONE, by=by)
        return row

    return perform(dispute_id, by, work)


def may_survey(user: User) -> bool:
    """Does one of his postings let him ask consumers by telephone? A mediator never does."""
    return of_leads.may_survey(user)


def _answer(act: Act, row: DisputeSurvey, rating: Rating, comment: str, *, how: How, by: User | None) -> None:
    of_leads.write(row, rating, comment, how=how, by=by, at=act.at)
    act.note("survey.answered", {"round": row.round, "rating": rating, "how": how})
    if rating in UNHAPPY and act.dispute.round == row.round:
        reopening.ask(act, row)


def register() -> None:
    """Have the links of disputes looked up here (called once, at start-up)."""
    by_link.register(PREFIX, by_link.Kind(look, answer_by_link))
